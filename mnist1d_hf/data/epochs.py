"""Iterable datasets whose order changes with every epoch, without a shuffle buffer.

`datasets` permutes the list of n shards in each epoch, and with probability 1 / n! the permutation
is the identity: for four shards, in one epoch of twenty-four. Here the order of the shards always
changes, and so does the order of the rows within each shard.
"""

from copy import deepcopy
from typing import Any

import numpy as np
from datasets.iterable_dataset import ArrowExamplesIterable


class EpochShards(ArrowExamplesIterable):
    """The shards of a split; the keyword `order` of their generator seeds the row permutations."""

    def shuffle_data_sources(self, generator: np.random.Generator) -> "EpochShards":
        """The shards in a new order, with one more seed for the permutations of their rows."""
        shuffled = super().shuffle_data_sources(generator)
        shards = shuffled.kwargs["ranges"]
        if shards == self.kwargs["ranges"]:
            shards = [*shards[1:], *shards[:1]]
        # drawn from a copy, since the generator belongs to the caller
        number = int(deepcopy(generator).integers(2**32))
        order = (*self.kwargs["order"], number)
        shuffled.kwargs = {**shuffled.kwargs, "ranges": shards, "order": order}
        return self._of_this_class(shuffled)

    def shard_data_sources(self, *args: Any, **kwargs: Any) -> "EpochShards":
        """Part of the shards, for one worker or one rank."""
        return self._of_this_class(super().shard_data_sources(*args, **kwargs))

    def reshard_data_sources(self) -> "EpochShards":
        """Smaller shards with the same rows."""
        return self._of_this_class(super().reshard_data_sources())

    def _of_this_class(self, shards: ArrowExamplesIterable) -> "EpochShards":
        # the inherited methods return an object of the parent class
        shards.__class__ = type(self)
        return shards


def permutation(order: tuple[int, ...], start: int, rows: int) -> np.ndarray:
    """A permutation of `rows` rows that begin at number `start`, never the identity if rows > 1.

    It depends on `order` and `start` only, so that it is the same in every process and after
    resuming.
    """
    found = np.random.default_rng([*order, start]).permutation(rows)
    return np.roll(found, 1) if np.array_equal(found, np.arange(rows)) else found
