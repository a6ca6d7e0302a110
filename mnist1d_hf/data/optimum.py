"""The accuracy of the best possible classifier on a split that was loaded."""

from typing import Any

import datasets
import numpy as np

from mnist1d_hf.data.mnist1d import TEMPLATES, changed_parameters
from mnist1d_hf.data.rows import rows_of
from mnist1d_hf.data.tensors import to_numpy
from mnist1d_hf.signals.params import SignalParams, config_params
from mnist1d_hf.signals.posterior import class_posterior

# Of the test split: posteriors of so many rows take 2 to 20 seconds.
MOST_TEST_ROWS = 10_000
# Of a frozen set, which is made as a whole to find its test rows.
MOST_FROZEN_ROWS = 100_000


def optimum_on(dataset: Any) -> float | None:
    """The fraction of these test rows whose most probable class is their label.

    The parameters are those that the split was loaded with, and its rows must be among the test
    rows that they make: rows that were changed since then have another optimum. None for these, for
    streams, for data of other origin or without an optimum, and where it would take long.

    >>> import mnist1d_hf
    >>> optimum_on(mnist1d_hf.load_dataset("default", split="test"))
    1.0
    """
    if not isinstance(dataset, datasets.Dataset) or not {"x", "label"} <= set(dataset.column_names):
        return None
    changed, config_name = changed_parameters(dataset.info), dataset.info.config_name
    if changed is None or config_name == TEMPLATES or not 0 < len(dataset) <= MOST_TEST_ROWS:
        return None
    try:
        params = config_params(config_name, **changed)
        x, labels = to_numpy(dataset, "x"), to_numpy(dataset, "label")
        if not quick(params) or not among(x, labels, params):
            return None
        best = class_posterior(x, params).argmax(axis=1)
    except ValueError:  # missing values, rows of several lengths, or no density
        return None
    return float((best == labels).mean())


def quick(params: SignalParams) -> bool:
    """Whether the test rows are few, and soon made."""
    few = params.split_sizes()["test"] <= MOST_TEST_ROWS
    return few and (params.stream == "counter" or params.num_samples <= MOST_FROZEN_ROWS)


def among(x: np.ndarray, labels: np.ndarray, params: SignalParams) -> bool:
    """Whether all rows, in single precision, are test rows of the set that `params` describe."""
    made = rows_of(params, "test", 0, params.split_sizes()["test"])
    return keys(x, labels) <= keys(*made)


def keys(x: np.ndarray, labels: np.ndarray) -> set[tuple[bytes, int]]:
    """Rows with their labels as values that can be looked up."""
    rows = np.ascontiguousarray(x, dtype=np.float32)
    return {(row.tobytes(), int(label)) for row, label in zip(rows, labels, strict=True)}
