"""Executors: every rank is run, on whatever is left, when processes and machines die."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_shards_job import tree

from mnist1d_hf import SignalParams
from mnist1d_hf.shards.engines import Engine
from mnist1d_hf.shards.executors import EXECUTORS, options_of
from mnist1d_hf.shards.job import ShardJob
from mnist1d_hf.shards.ranks import ShardRanks
from mnist1d_hf.workers import Stopped

PARAMS = SignalParams(stream="counter", num_samples=6000, seed=5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What one process writes."""
    out = tmp_path_factory.mktemp("whole")
    ShardJob("default", PARAMS, 4, str(out)).run(quiet=True)
    return tree(out / "default")


@dataclass(frozen=True)
class Mortal(ShardRanks):
    """Rank 1 is killed, the first time."""

    def run(self, rank, world_size):
        scar = Path(self.out, "scar")
        if rank == 1 and not scar.exists():
            scar.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(rank, world_size)


def test_a_killed_process_is_told_of_and_the_same_command_continues(whole, tmp_path):
    out = tmp_path
    work = Mortal(ShardJob("default", PARAMS, 4, str(out)))
    with pytest.raises(Stopped, match="a process died.*the same command continues"):
        Engine(name="local").run(work, 2)
    Engine(name="local").run(work, 2)
    assert tree(out / "default") == whole


RAY = """
import sys, threading, time
from dataclasses import dataclass
from pathlib import Path

import ray
from ray._private.node import Node
from ray.cluster_utils import Cluster
from test_shards_executors import PARAMS

from mnist1d_hf.shards.engines import Engine
from mnist1d_hf.shards.ranks import ShardRanks
from mnist1d_hf.shards.job import ShardJob

@dataclass(frozen=True)
class Slow(ShardRanks):
    def run(self, rank, world_size):
        node = ray.get_runtime_context().get_node_id()
        Path(self.out, f"rank-{rank}-{node}").touch()
        while node == Path(self.out, "doomed").read_text():  # until it is killed
            time.sleep(0.05)
        return super().run(rank, world_size)

# it asks three clouds whether this is theirs, and reports that it does not report
Node.start_api_server = lambda self, **_: None
small = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
doomed = cluster.add_node(**small)
ray.init(address=cluster.address, log_to_driver=False)
out = Path(sys.argv[1])
(out / "doomed").write_text(doomed.node_id)

def kill():
    while not list(out.glob(f"rank-*-{doomed.node_id}")):
        time.sleep(0.05)
    cluster.remove_node(doomed, allow_graceful=False)

killer = threading.Thread(target=kill)
killer.start()
Engine(name="ray").run(Slow(ShardJob("default", PARAMS, 4, str(out))), 4)
killer.join()
ray.shutdown()
cluster.shutdown()
"""


@pytest.mark.slow
def test_ray_loses_one_of_two_machines_and_no_shard(whole, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    there = {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's only switch to the loopback address
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ["PYTHONPATH"]]),
    }
    done = subprocess.run(
        [sys.executable, "-c", RAY, str(out)],
        env=os.environ | there,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert tree(out / "default") == whole
    starts = [path.name.split("-")[1] for path in out.glob("rank-*")]
    assert len(starts) == 5 and set(starts) == set("0123")  # the killed rank began twice


def test_options_are_those_that_have_an_effect():
    assert options_of("ray") == [
        "cpus_per_task",
        "gpus_per_task",
        "mem_per_cpu_gb",
        "ray_remote_kwargs",
    ]
    assert options_of("local") == ["randomize_start_duration"]
    assert {"partition", "time", "qos", "sbatch_args"} <= set(options_of("slurm"))
    assert {"dependencies", "flavor", "timeout"} <= set(options_of("jobs"))
    assert all("logging_dir" not in options_of(name) for name in EXECUTORS)
