"""Datasets of any size as Parquet shards, and the engines that make them on many machines.

`plan` says which rows are whose, `job` writes them to a `folder`; `ranks`, `executors` and
`engines` share the work among machines.
"""

from mnist1d_hf.shards.plan import Shard as Shard
from mnist1d_hf.shards.plan import plan_shards as plan_shards
from mnist1d_hf.shards.plan import shard as shard
from mnist1d_hf.shards.plan import shard_tables as shard_tables
