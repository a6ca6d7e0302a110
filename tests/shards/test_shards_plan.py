"""Shards cover the rows of a dataset once each, whoever makes them."""

import numpy as np
import pyarrow as pa
import pytest

from mnist1d_hf import SignalParams, make_range
from mnist1d_hf.data.load import load_dataset_builder
from mnist1d_hf.shards import plan, plan_shards, shard
from mnist1d_hf.signals.counter import TEST_START

PARAMS = SignalParams(stream="counter", num_samples=9500, validation_size=600, label_noise=0.1)


@pytest.mark.parametrize("num_shards", [3, 4, 7, 95])
def test_shards_together_are_the_splits(num_shards, cache):
    tables = [pa.concat_tables(shard(PARAMS, i, num_shards)) for i in range(num_shards)]
    parts = plan_shards(PARAMS, num_shards)
    assert len(parts) == num_shards
    assert [table.num_rows for table in tables] == [part.rows for part in parts]
    starts = {"train": 0, "validation": 7000, "test": TEST_START}
    for split, rows in (("train", 7000), ("validation", 600), ("test", 1900)):
        of_split = [table for table, part in zip(tables, parts, strict=True) if part.split == split]
        whole = pa.concat_tables(of_split).combine_chunks()
        x, y = make_range(PARAMS, starts[split], starts[split] + rows)
        np.testing.assert_array_equal(whole["x"].chunk(0).flatten(), x.ravel())
        np.testing.assert_array_equal(whole["label"], y)


def test_the_schema_is_that_of_the_builder(cache):
    table = next(shard(PARAMS, 0, 3))
    features = load_dataset_builder("default", **vars(PARAMS)).info.features
    assert table.schema.equals(features.arrow_schema, check_metadata=True)


def test_shards_are_of_like_size_and_begin_at_blocks():
    parts = plan_shards(SignalParams(stream="counter", num_samples=10**8), 64)
    assert [part.split for part in parts] == ["train"] * 51 + ["test"] * 13
    assert (parts[0].file, parts[-1].file) == (
        "train-00000-of-00051.parquet",
        "test-00012-of-00013.parquet",
    )
    assert sum(part.rows for part in parts) == 10**8
    assert max(part.rows for part in parts) < 1.05 * min(part.rows for part in parts)
    assert all(part.start % 1000 == 0 for part in parts)


def test_a_plan_may_have_one_row_a_shard():
    params = SignalParams(stream="counter", num_samples=20)
    assert [part.rows for part in plan_shards(params, 20)] == [1] * 20


def test_rows_are_made_group_by_group(cache, monkeypatch):
    monkeypatch.setattr(plan, "ROW_GROUP", 2000)
    made = []
    monkeypatch.setattr(
        "mnist1d_hf.data.rows.make_range", lambda *args: made.append(args) or make_range(*args)
    )
    tables = shard(PARAMS, 0, 3)
    assert next(tables).num_rows == 2000
    assert len(made) == 1
    assert [table.num_rows for table in tables] == [2000, 2000, 1000]


@pytest.mark.parametrize(
    ("params", "num_shards", "message"),
    [
        (PARAMS, 2, "num_shards=2: must be an integer from 3 to 9500 .* train, validation, test"),
        (PARAMS, 9501, "num_shards=9501: .* at most one a row"),
        (PARAMS, 3.5, "num_shards=3.5"),
        (SignalParams(stream="counter", num_samples=10**9), 10**5, "from 2 to 99999"),
        (SignalParams(), 4, "stream='frozen': .* only with stream='counter'"),
    ],
)
def test_impossible_numbers_of_shards_are_refused(params, num_shards, message):
    with pytest.raises(ValueError, match=message):
        plan_shards(params, num_shards)


def test_a_shard_beyond_the_last_is_refused():
    with pytest.raises(ValueError, match="i=3: must be an integer from 0 to 2"):
        shard(PARAMS, 3, 3)
