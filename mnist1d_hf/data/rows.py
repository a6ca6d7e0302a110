"""Rows of a split by their numbers, and the shards that they are read in."""

from functools import lru_cache

import numpy as np

from mnist1d_hf.signals.counter import BLOCK, TEST_START
from mnist1d_hf.signals.generate import Mnist1DArrays, make_mnist1d, make_range
from mnist1d_hf.signals.params import SignalParams

# A stream resumes by making its present shard again, so shards stay small ...
SHARD_ROWS = 50_000
# ... unless their list would take longer to make than a look at the first rows.
MOST_SHARDS = 100_000
NUM_SHARDS = 4  # of a small split: what `num_proc` and DataLoader workers can share


def shard_ranges(start: int, stop: int) -> list[tuple[int, int]]:
    """[start, stop) in pieces; large ones are whole blocks of the counter stream."""
    size = min(SHARD_ROWS, -(-(stop - start) // NUM_SHARDS))
    size = max(size, -(-(stop - start) // MOST_SHARDS))
    if size > BLOCK:
        size = -(-size // BLOCK) * BLOCK
    return [(first, min(first + size, stop)) for first in range(start, stop, size)]


def resharded(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges of shards in pieces of whole blocks, at most fifty of a shard of usual size."""
    parts = []
    for start, stop in ranges:
        size = max(1, (stop - start) // SHARD_ROWS) * BLOCK
        for first in range(start // BLOCK * BLOCK, stop, size):
            parts.append((max(start, first), min(first + size, stop)))
    return parts


@lru_cache(maxsize=1)
def frozen_arrays(params: SignalParams) -> Mnist1DArrays:
    """The frozen stream has no parts: each process makes it once, then slices what it has kept."""
    return make_mnist1d(params)


def rows_of(
    params: SignalParams, split: str, start: int, stop: int, made: Mnist1DArrays | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Signals and labels of rows [start, stop) of a split of either stream."""
    if params.stream == "counter":
        offset = TEST_START if split == "test" else 0
        return make_range(params, offset + start, offset + stop)
    data = frozen_arrays(params) if made is None else made
    if split == "test":
        return data.x_test[start:stop], data.y_test[start:stop]
    if split == "validation":
        rest = len(data.y_train)
        return data.x_validation[start - rest : stop - rest], data.y_validation[
            start - rest : stop - rest
        ]
    return data.x_train[start:stop], data.y_train[start:stop]
