"""Streams whose order changes with the epoch, without a buffer for shuffling.

`datasets` shuffles the list of shards by the epoch, and one time in n! that is no change: for four
shards, one in twenty-four. Here the order of shards always changes, and so does the order of the
rows within them.
"""

from copy import deepcopy
from typing import Any

import numpy as np
from datasets.iterable_dataset import ArrowExamplesIterable


class EpochShards(ArrowExamplesIterable):
    """The shards of a split; `order`, one of their arguments, has the numbers that permute rows."""

    def shuffle_data_sources(self, generator: np.random.Generator) -> "EpochShards":
        shuffled = super().shuffle_data_sources(generator)
        shards = shuffled.kwargs["ranges"]
        if shards == self.kwargs["ranges"]:
            shards = [*shards[1:], *shards[:1]]
        # drawn from a copy: the generator is the caller's
        number = int(deepcopy(generator).integers(2**32))
        order = (*self.kwargs["order"], number)
        shuffled.kwargs = {**shuffled.kwargs, "ranges": shards, "order": order}
        return self._of_this_class(shuffled)

    def shard_data_sources(self, *args: Any, **kwargs: Any) -> "EpochShards":
        return self._of_this_class(super().shard_data_sources(*args, **kwargs))

    def reshard_data_sources(self) -> "EpochShards":
        return self._of_this_class(super().reshard_data_sources())

    def _of_this_class(self, shards: ArrowExamplesIterable) -> "EpochShards":
        # the inherited methods make an object of their own class, with different arguments
        shards.__class__ = type(self)
        return shards


def permutation(order: tuple[int, ...], start: int, rows: int) -> np.ndarray:
    """An order of `rows` rows that begin at number `start`: never the given one, if there are two.

    Depends on `order` and `start` alone, so every process and every resumed run finds the same.
    """
    found = np.random.default_rng([*order, start]).permutation(rows)
    return np.roll(found, 1) if np.array_equal(found, np.arange(rows)) else found
