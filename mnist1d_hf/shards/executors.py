"""datatrove's executors as ranks need them: no death of a process or machine hangs them."""

import inspect
import json
from functools import partial
from typing import Any

from datatrove.executor import (
    JobsPipelineExecutor,
    LocalPipelineExecutor,
    RayPipelineExecutor,
    SlurmPipelineExecutor,
)
from datatrove.executor.base import ExecutorJSONEncoder, PipelineExecutor
from datatrove.pipeline.base import PipelineStep

from mnist1d_hf.shards.ranks import ShardRanks
from mnist1d_hf.workers import call_in_processes

RAY_RETRIES = 3


class Step(PipelineStep):
    """Work as datatrove knows it: without documents."""

    type = "mnist1d"

    def __init__(self, work: ShardRanks) -> None:
        self.name, self.work = work.name, work
        super().__init__()

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        self.work.run(rank, world_size)


class LocalRanks(LocalPipelineExecutor):
    """Processes that may die: datatrove's own pool waits forever for one that was killed."""

    def run(self) -> None:
        self.save_executor_as_json()
        run = partial(self._run_for_rank, local_rank=1)  # rank 0 alone would print all of its log
        for _ in call_in_processes(run, self.get_incomplete_ranks(), self.workers):
            pass


class RayRanks(RayPipelineExecutor):
    """Ray's own tasks, which Ray runs again elsewhere when their process or machine dies.

    datatrove's actors wait forever when a machine dies while one starts, or their pool's process.
    """

    def run(self) -> None:
        import ray

        self.save_executor_as_json()
        executor, waiting = ray.put(self), self.get_incomplete_ranks()
        running: list[Any] = []
        start = ray.remote(
            num_cpus=self.cpus_per_task,
            num_gpus=self.gpus_per_task,
            memory=int(self.mem_per_cpu_gb * self.cpus_per_task * 2**30),
            **{"max_retries": RAY_RETRIES, **(self.ray_remote_kwargs or {})},
        )(run_rank)
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    running.append(start.remote(executor, waiting.pop(0)))
                done, running = ray.wait(running)
                ray.get(done)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        finally:
            for task in running:
                ray.cancel(task)


def run_rank(executor: PipelineExecutor, rank: int) -> None:
    executor._run_for_rank(rank, local_rank=1)


class SlurmRehearsal(SlurmPipelineExecutor):
    """sbatch checks the script and says when it could start; nothing is submitted."""

    def get_sbatch_args(self, max_array: int = 1) -> dict:
        return {**super().get_sbatch_args(max_array), "test-only": ""}

    def launch_merge_stats(self) -> None:
        pass


EXECUTORS: dict[str, type[PipelineExecutor]] = {
    "local": LocalRanks,
    "slurm": SlurmPipelineExecutor,
    "ray": RayRanks,
    "jobs": JobsPipelineExecutor,
}
# arguments of the executors that follow from the work, or that have no effect on ours
OURS = {
    *("pipeline", "tasks", "workers", "logging_dir", "skip_completed", "depends"),
    *("start_method", "local_tasks", "local_rank_offset"),
}
RAY_OPTIONS = {"cpus_per_task", "gpus_per_task", "mem_per_cpu_gb", "ray_remote_kwargs"}


def options_of(engine: str) -> list[str]:
    """Names of the arguments of an executor that are a user's to choose."""
    known = set(inspect.signature(EXECUTORS[engine]).parameters) - OURS
    return sorted(known & RAY_OPTIONS if engine == "ray" else known)


def describe(executor: PipelineExecutor) -> str:
    """An executor's settings as JSON, without its secrets."""
    settings = json.loads(json.dumps(executor, cls=ExecutorJSONEncoder))
    shown = {k: v for k, v in settings.items() if k not in ("token", "secrets") and v is not None}
    return json.dumps(shown, indent=1)
