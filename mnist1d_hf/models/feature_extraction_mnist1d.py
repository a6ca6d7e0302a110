"""Conversion of signals of any array type to the float32 batch that the models take."""

from numbers import Real
from typing import Any

import numpy as np
import torch
from transformers import BatchFeature, FeatureExtractionMixin

from .configuration_mnist1d import check_size


class Mnist1DFeatureExtractor(FeatureExtractionMixin):
    """Check signals and, where `mean` and `std` are given, standardise them.

    The dataset is standardised already, so that the defaults change nothing.

    Args:
        final_seq_length: number of points of a signal.
        mean: number to subtract from every value.
        std: positive number to divide every value by.

    Raises:
        ValueError: the length is below 1, or the mean or standard deviation is invalid.
    """

    model_input_names = ["x"]

    def __init__(
        self, final_seq_length: int = 40, mean: float = 0.0, std: float = 1.0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.final_seq_length = check_size("final_seq_length", final_seq_length)
        self.mean = check_number("mean", mean, -LARGEST, LARGEST)
        self.std = check_number("std", std, 1 / LARGEST, LARGEST)

    def __call__(self, x, return_tensors: str | None = None) -> BatchFeature:
        """Convert one signal (length,) or several (n, length) to `x` (n, length) float32.

        Args:
            x: an array, a tensor, a data frame, a column of a dataset, or lists of any of these.
            return_tensors: "pt" for a torch tensor; None for a NumPy array.

        Raises:
            ValueError: a signal has another length, or a value is not a number, is NaN or infinite,
                or is too large for float32.

        >>> Mnist1DFeatureExtractor(final_seq_length=3)([1, 2, 3])["x"].shape
        (1, 3)
        """
        given = as_array(x)
        signals = given[None] if given.ndim == 1 else given
        if signals.ndim != 2 or signals.shape[1] != self.final_seq_length:
            raise ValueError(
                f"signals have shape {given.shape}; expected {self.final_seq_length} points each"
            )
        with np.errstate(over="ignore"):  # overflow becomes infinite, which is an error below
            signals = signals.astype(np.float32)
            if self.mean != 0 or self.std != 1:
                signals = (signals - np.float32(self.mean)) / np.float32(self.std)
        if not np.isfinite(signals).all():
            bad = np.flatnonzero(~np.isfinite(signals).all(axis=1))
            raise ValueError(f"NaN or infinity in signal {bad[0]} ({len(bad)} of {len(signals)})")
        return BatchFeature({"x": signals}, tensor_type=return_tensors)


# limit of the mean and the standard deviation, well within the range of float32
LARGEST = 1e30


def check_number(name: str, value: Any, least: float, most: float) -> float:
    """`value` as a float; ValueError unless it is a number from `least` to `most`."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and least <= value <= most):
        raise ValueError(f"{name}={value!r}: must be a number from {least:g} to {most:g}")
    return float(value)


def as_array(x: Any) -> np.ndarray:
    """Numbers in any container as an array with the same number of dimensions.

    Series of lists, columns of datasets and lists of tensors become two-dimensional arrays. Raises
    ValueError when the container holds anything but numbers.
    """
    if isinstance(x, torch.Tensor):  # on any device, of any dtype including bfloat16
        x = x.detach().cpu()
        x = x.float().numpy() if x.is_floating_point() else x.numpy()
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise ValueError(f"{np.ma.count_masked(x)} values are masked: fill them first")
    is_array = hasattr(x, "__array__") or isinstance(x, memoryview)
    array = np.asarray(x) if is_array else None
    if array is None or array.dtype == object:  # each row is an object
        if isinstance(x, str | bytes | dict) or not hasattr(x, "__iter__"):
            raise ValueError(f"{type(x).__name__}: must be an array or a list of numbers")
        rows = list(x if array is None else array)
        if rows and all(hasattr(row, "__iter__") for row in rows):
            rows = [as_array(row) for row in rows]
            lengths = {row.shape for row in rows}
            if len(lengths) > 1:
                raise ValueError(f"signals have different shapes: {sorted(lengths)}")
        array = np.asarray(rows)
    if array.dtype.name == "bfloat16":  # of jax, a dtype that NumPy does not know itself
        array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"dtype {array.dtype}: must be an array or a list of numbers")
    return array
