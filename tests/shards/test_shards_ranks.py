"""Ranks: each does its share, knows nothing of the others, and leaves what it has done."""

import pytest

from mnist1d_hf import SignalParams
from mnist1d_hf.shards.job import ShardJob
from mnist1d_hf.shards.ranks import ShardRanks


def test_shards_know_which_ranks_have_something_left(tmp_path):
    params = SignalParams(stream="counter", num_samples=5000)
    work = ShardRanks(ShardJob("default", params, 5, str(tmp_path)))
    assert work.unfinished(3) == {0, 1, 2}
    work.run(0, 3)
    work.run(2, 3)
    assert work.unfinished(3) == {1}
    work.run(1, 3)
    assert work.unfinished(3) == set()
    assert ShardRanks(work.job, verify=True).unfinished(3) == {0, 1, 2}
    other = ShardRanks(ShardJob("default", params, 4, str(tmp_path)))
    with pytest.raises(ValueError, match="holds shards of num_shards=5"):
        other.unfinished(2)
