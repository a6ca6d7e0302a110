"""Division of a large dataset into shards that can be generated independently of each other."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from mnist1d_hf.data.load import load_dataset_builder
from mnist1d_hf.data.mnist1d import Mnist1D
from mnist1d_hf.signals.counter import BLOCK
from mnist1d_hf.signals.params import SignalParams, check_integer

# Rows per row group, and the most rows in memory at a time: 17 MB with 40 values per row.
ROW_GROUP = 100_000
MOST_SHARDS = 99_999  # `datasets` recognises file names with five digits


class Shard(NamedTuple):
    """Rows [start, stop) of a split, counted as `Mnist1D.split_rows` does, and their file."""

    name: str  # train-00000-of-00051
    split: str
    start: int
    stop: int

    @property
    def file(self) -> str:
        """Name of the Parquet file."""
        return f"{self.name}.parquet"

    @property
    def record(self) -> str:
        """Name of the record that is written after the file."""
        return f".shards/{self.name}.json"

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.stop - self.start


def plan_shards(params: SignalParams, num_shards: int) -> list[Shard]:
    """Divide a dataset into `num_shards` shards, in proportion to the rows of its splits.

    Shards of 1000 rows or more begin at whole blocks of the stream.

    Raises ValueError for the frozen stream, which has no random access, and when there are fewer
    shards than splits or more shards than rows.

    >>> params = SignalParams(stream="counter", num_samples=20_000, train_split=0.9)
    >>> for part in plan_shards(params, 3):
    ...     print(part.file, part.start, part.stop)
    train-00000-of-00002.parquet 0 9000
    train-00001-of-00002.parquet 9000 18000
    test-00000-of-00001.parquet 0 2000
    """
    if params.stream != "counter":
        raise ValueError(
            f"stream={params.stream!r}: shards can be made alone only with stream='counter'"
        )
    splits = builder(params).split_rows()
    rows = {split: stop - start for split, (start, stop) in splits.items()}
    most = min(MOST_SHARDS, params.num_samples)
    why = f"at least one for each of {', '.join(rows)}; at most one a row"
    num_shards = check_integer("num_shards", num_shards, len(rows), most, why)
    counts = dict.fromkeys(rows, 1)
    for _ in range(num_shards - len(rows)):
        counts[max(rows, key=lambda split: rows[split] / counts[split])] += 1
    plan = []
    for split, (start, _) in splits.items():
        count = counts[split]
        ends = [start + rows[split] * k // count for k in range(count + 1)]
        if rows[split] >= count * BLOCK:
            ends[1:-1] = [end // BLOCK * BLOCK for end in ends[1:-1]]
        for k in range(count):
            plan.append(Shard(f"{split}-{k:05d}-of-{count:05d}", split, ends[k], ends[k + 1]))
    return plan


def shard(params: SignalParams, i: int, n: int, **columns: bool) -> Iterator[pa.Table]:
    """Shard `i` of `n` as an iterator of tables with at most `ROW_GROUP` rows.

    The columns are x (lists of `final_seq_length` float32) and label (int64), with the features of
    `datasets` in the schema; `latents=True` and `posterior=True` add those of `Mnist1DConfig`.
    `plan_shards` gives the rows, and `write_parquet` writes the tables.
    """
    part = plan_shards(params, n)[check_integer("i", i, 0, n - 1, "the most is n - 1")]
    return shard_tables(params, part, columns)


def shard_tables(
    params: SignalParams,
    part: Shard,
    columns: Mapping[str, Any] = MappingProxyType({}),
    advance: Callable[[int], object] = lambda rows: None,
) -> Iterator[pa.Table]:
    """The tables of one shard of a plan, as in `shard`.

    `advance(n)` is called whenever n more rows are done.
    """
    made = builder(params, columns)
    for first in range(part.start, part.stop, ROW_GROUP):
        stop = min(first + ROW_GROUP, part.stop)
        yield made.table(part.split, first, stop, advance=advance)


def hash_columns(table: pa.Table, hashes: dict[str, Any]) -> None:
    """Update the SHA-256 of each column's values in `hashes`, adding hashes for new columns."""
    for name in table.column_names:
        sha = hashes.setdefault(name, hashlib.sha256())
        for chunk in table[name].chunks:
            sha.update((chunk.flatten() if pa.types.is_nested(chunk.type) else chunk).to_numpy())


def builder(params: SignalParams, columns: Mapping[str, Any] = MappingProxyType({})) -> Mnist1D:
    """The builder of any parameters; ValueError for columns that do not exist or cannot be made."""
    return load_dataset_builder("default", **vars(params), **columns)
