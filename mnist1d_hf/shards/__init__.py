"""Datasets of any size as Parquet shards, generated on one machine or many.

`plan` assigns rows to shards, and `job` writes the shards to a `folder`. `ranks`, `executors` and
`engines` distribute the work over machines.
"""

from mnist1d_hf.shards.plan import Shard as Shard
from mnist1d_hf.shards.plan import plan_shards as plan_shards
from mnist1d_hf.shards.plan import shard as shard
from mnist1d_hf.shards.plan import shard_tables as shard_tables
