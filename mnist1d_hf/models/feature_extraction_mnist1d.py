"""From signals of any array type to the float32 batch that the models take."""

from numbers import Real

import numpy as np
import torch
from transformers import BatchFeature, FeatureExtractionMixin

from .configuration_mnist1d import check_size


class Mnist1DFeatureExtractor(FeatureExtractionMixin):
    """Check signals and, where `mean` and `std` are given, standardise them.

    The dataset is standardised already: the defaults leave it as it is. Raises ValueError for a
    length below 1, and for a mean or a standard deviation that is no number or not positive.
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
        """One signal (length,) or several (n, length) to `x` (n, length) float32.

        `x` is an array, a tensor, a data frame, a column of a dataset, or lists of any of these.
        Raises ValueError for another length, for what is no number, and where a signal holds NaN
        or infinity, or is too large for float32.

        >>> Mnist1DFeatureExtractor(final_seq_length=3)([1, 2, 3])["x"].shape
        (1, 3)
        """
        given = as_array(x)
        signals = given[None] if given.ndim == 1 else given
        if signals.ndim != 2 or signals.shape[1] != self.final_seq_length:
            raise ValueError(
                f"signals have shape {given.shape}; expected {self.final_seq_length} points each"
            )
        with np.errstate(over="ignore"):  # becomes infinite, which is refused
            signals = signals.astype(np.float32)
            if self.mean != 0 or self.std != 1:
                signals = (signals - np.float32(self.mean)) / np.float32(self.std)
        if not np.isfinite(signals).all():
            bad = np.flatnonzero(~np.isfinite(signals).all(axis=1))
            raise ValueError(f"NaN or infinity in signal {bad[0]} ({len(bad)} of {len(signals)})")
        return BatchFeature({"x": signals}, tensor_type=return_tensors)


# of a mean and of a standard deviation: far from the ends of float32
LARGEST = 1e30


def check_number(name: str, value, least: float, most: float) -> float:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and least <= value <= most):
        raise ValueError(f"{name}={value!r}: must be a number from {least:g} to {most:g}")
    return float(value)


def as_array(x) -> np.ndarray:
    """Numbers in any container as an array of as many dimensions; ValueError if there are none.

    Series of lists, columns of datasets and lists of tensors are arrays of two dimensions.
    """
    if isinstance(x, torch.Tensor):  # of any device and dtype, bfloat16 among them
        x = x.detach().cpu()
        x = x.float().numpy() if x.is_floating_point() else x.numpy()
    is_array = hasattr(x, "__array__") or isinstance(x, memoryview)
    array = np.asarray(x) if is_array else None
    if array is None or array.dtype == object:  # rows are objects of their own
        if isinstance(x, str | bytes | dict) or not hasattr(x, "__iter__"):
            raise ValueError(f"{type(x).__name__}: must be an array or a list of numbers")
        rows = list(x if array is None else array)
        if rows and all(hasattr(row, "__iter__") for row in rows):
            rows = [as_array(row) for row in rows]
            lengths = {row.shape for row in rows}
            if len(lengths) > 1:
                raise ValueError(f"signals have different shapes: {sorted(lengths)}")
        array = np.asarray(rows)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"dtype {array.dtype}: must be an array or a list of numbers")
    return array
