"""datatrove's executors, changed so that a process or machine that dies does not block them.

datatrove's own pools wait forever in these cases, so the `run` of two executors is replaced.
"""

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
    """The work of a rank as a datatrove pipeline step, which takes and returns no documents."""

    type = "mnist1d"

    def __init__(self, work: ShardRanks) -> None:
        self.name, self.work = work.name, work
        super().__init__()

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        """Make the shards of one rank."""
        self.work.run(rank, world_size)


class LocalRanks(LocalPipelineExecutor):
    """Local processes; datatrove's own pool waits forever for a process that was killed."""

    def run(self) -> None:
        """Run the ranks that have no completion marker; BrokenProcessPool when a process dies."""
        self.save_executor_as_json()
        run = partial(self._run_for_rank, local_rank=1)  # rank 0 alone would print all of its log
        for _ in call_in_processes(run, self.get_incomplete_ranks(), self.workers):
            pass


class RayRanks(RayPipelineExecutor):
    """Ray tasks, which Ray restarts elsewhere when their process or machine dies.

    datatrove's own actors wait forever when the process of their pool dies, or when a machine dies
    while an actor starts on it.
    """

    def run(self) -> None:
        """Run the ranks that have no completion marker; the first error of a rank is raised."""
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
    """Run one rank of an executor, in the process of a Ray task."""
    executor._run_for_rank(rank, local_rank=1)


class SlurmRehearsal(SlurmPipelineExecutor):
    """A dry run: sbatch checks the script and estimates its start; nothing is submitted."""

    def get_sbatch_args(self, max_array: int = 1) -> dict:
        """datatrove's arguments of sbatch, with --test-only."""
        return {**super().get_sbatch_args(max_array), "test-only": ""}

    def launch_merge_stats(self) -> None:
        """Do nothing: a dry run has no statistics."""


EXECUTORS: dict[str, type[PipelineExecutor]] = {
    "local": LocalRanks,
    "slurm": SlurmPipelineExecutor,
    "ray": RayRanks,
    "jobs": JobsPipelineExecutor,
}
# arguments of the executors that the work determines, or that have no effect here
OURS = {
    "pipeline", "tasks", "workers", "logging_dir", "skip_completed", "depends",
    "start_method", "local_tasks", "local_rank_offset",
}  # fmt: skip
RAY_OPTIONS = {"cpus_per_task", "gpus_per_task", "mem_per_cpu_gb", "ray_remote_kwargs"}


def options_of(engine: str) -> list[str]:
    """Names of the executor arguments that users may set."""
    known = set(inspect.signature(EXECUTORS[engine]).parameters) - OURS
    return sorted(known & RAY_OPTIONS if engine == "ray" else known)


def describe(executor: PipelineExecutor) -> str:
    """An executor's settings as JSON, without its secrets."""
    settings = json.loads(json.dumps(executor, cls=ExecutorJSONEncoder))
    shown = {k: v for k, v in settings.items() if k not in ("token", "secrets") and v is not None}
    return json.dumps(shown, indent=1)
