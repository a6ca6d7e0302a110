"""Engines that run ranks on this machine, Slurm, Ray or Hugging Face Jobs, through datatrove.

    work = ShardRanks(ShardJob("default", params, 64, "/shared/big"))
    engine = Engine(name="slurm", options={"partition": "cpu", "time": "01:00:00"})
    engine.run(work, world_size=64)

datatrove starts processes and jobs, but records completed ranks by their number only, and skips
them from then on even when their files are gone. Here the shards decide: the folder of markers and
logs is named after the work and the number of ranks, and the markers of ranks with missing shards
are removed before each run.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tqdm.auto import tqdm

from mnist1d_hf.shards.executors import EXECUTORS, SlurmRehearsal, Step, options_of
from mnist1d_hf.shards.folder import Folder
from mnist1d_hf.shards.ranks import ShardRanks
from mnist1d_hf.signals.params import check_integer
from mnist1d_hf.workers import Stopped

POLL_SECONDS = 2.0
PROGRESS_DELAY = 5  # seconds
# options of datatrove without a default
NEEDED = {
    "slurm": {"partition": "of the cluster", "time": "limit of a rank: 01:00:00"},
    "jobs": {"dependencies": "pip requirements with this package: a list in JSON"},
}


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The place where ranks run.

    All machines must be able to reach the folder `logs` and the output folder of the work. Ray uses
    the cluster of RAY_ADDRESS, or starts one on this machine.

    Raises ValueError for an unknown engine, and for an unknown or missing option.
    """

    name: str  # one of EXECUTORS: local, slurm, ray, jobs
    workers: int | None = None  # ranks at a time; if None, 1 on this machine and all elsewhere
    logs: str | None = None  # <out>/.logs if None
    options: Mapping[str, Any] = field(default_factory=dict)  # of datatrove's executor
    dry_run: bool = False  # run nothing; with slurm, let sbatch check the script

    def __post_init__(self) -> None:
        if self.name not in EXECUTORS:
            raise ValueError(f"engine {self.name!r}: must be one of {', '.join(EXECUTORS)}")
        if self.workers is not None:
            check_integer("workers", self.workers, 1, float("inf"))
        names = options_of(self.name)
        if unknown := sorted(set(self.options) - set(names)):
            raise ValueError(
                f"engine {self.name} has no option {unknown[0]!r}: it has {', '.join(names)}"
            )
        for name, meaning in NEEDED.get(self.name, {}).items():
            if name not in self.options:
                raise ValueError(f"engine {self.name} needs the option {name} ({meaning})")

    def executor(self, work: ShardRanks, world_size: int) -> Any:
        """datatrove's executor, not yet started; ValueError when it cannot reach a folder."""
        check_integer("world_size", world_size, 1, float("inf"))
        here_only = work.out.startswith("memory:")
        if here_only or (self.name == "jobs" and Folder(work.out).local):
            where = "give a folder" if here_only else "give an address, as hf://..."
            raise ValueError(f"output folder {work.out}: out of reach of {self.name}; {where}")
        kind, options = EXECUTORS[self.name], dict(self.options)
        if self.name == "slurm":
            in_venv = sys.prefix != sys.base_prefix
            if in_venv and not options.keys() & {"venv_path", "condaenv", "env_command"}:
                options["venv_path"] = f"{sys.prefix}/bin/activate"
            if self.dry_run:
                kind, options["job_id_retriever"] = SlurmRehearsal, str
        if self.name == "ray":
            options.setdefault("mem_per_cpu_gb", 1)
        if self.name in ("slurm", "jobs"):
            options.setdefault("job_name", f"mnist1d-{work.name}")
        return kind(
            pipeline=[Step(work)],
            tasks=world_size,
            workers=self.workers or (1 if self.name == "local" else -1),
            logging_dir=self.logs_of(work, world_size),
            **options,
        )

    def logs_of(self, work: ShardRanks, world_size: int) -> str:
        """The folder of markers and logs, which depends on the work and the number of ranks."""
        return f"{(self.logs or work.out + '/.logs').rstrip('/')}/{work.key}-{world_size}"

    def run(self, work: ShardRanks, world_size: int) -> Any:
        """Run ranks 0 to `world_size` - 1 and wait for them; with slurm, only submit them.

        Raises ValueError when the output folder cannot be used, and Stopped when ranks fail.
        """
        executor = self.executor(work, world_size)
        if self.dry_run and self.name != "slurm":
            return executor
        self._unmark(work, world_size)
        self._launch(executor)
        if self.name != "slurm":
            executor.logging_dir.fs.invalidate_cache()
            if failed := executor.get_incomplete_ranks():
                raise Stopped(f"{len(failed)} of {world_size} ranks failed; {_again(executor)}")
        return executor

    def _unmark(self, work: ShardRanks, world_size: int) -> None:
        logs = Folder(self.logs_of(work, world_size))
        marked = logs.sizes()
        for rank in work.unfinished(world_size):
            if (marker := f"completions/{rank:05d}") in marked:
                logs.remove(marker)

    def _launch(self, executor: Any) -> None:
        try:
            with progress(executor, self.name != "slurm"), ray_cluster(self.name == "ray"):
                executor.run()
        except (ValueError, Stopped):
            raise
        except FileNotFoundError as error:
            if error.filename != "sbatch":
                raise
            raise ValueError("engine slurm: there is no sbatch on this machine") from error
        except subprocess.CalledProcessError as error:
            script = executor.logging_dir.resolve_paths("launch_script.slurm")
            raise ValueError(f"sbatch refused {script}: see above") from error
        except BrokenProcessPool as error:
            why = "a process died, killed or out of memory"
            raise Stopped(f"{why}; {_again(executor)}") from error
        except Exception as error:
            raise Stopped(f"{type(error).__name__}: {error}; {_again(executor)}") from error


def _again(executor: Any) -> str:
    logs = executor.logging_dir.resolve_paths("")
    return f"logs are in {logs}; what is done stays, and the same command continues"


@contextmanager
def progress(executor: Any, waits: bool) -> Iterator[None]:
    """A progress bar of completed ranks while an executor runs, if the executor `waits`."""
    if not waits:
        yield
        return
    ended = threading.Event()
    logs = executor.logging_dir
    with tqdm(total=executor.world_size, unit="rank", delay=PROGRESS_DELAY) as bar:

        def watch() -> None:
            while not ended.wait(POLL_SECONDS):
                logs.fs.invalidate_cache()
                if more := len(logs.list_files("completions")) - bar.n:
                    bar.update(more)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@contextmanager
def ray_cluster(wanted: bool) -> Iterator[None]:
    """A connection to Ray if it is `wanted`, unless the process has one already."""
    if not wanted:
        yield
        return
    try:
        import ray
    except ImportError as error:
        raise ValueError("engine ray needs Ray: pip install '.[ray]' in the checkout") from error
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(log_to_driver=False)  # each rank has its file in the folder of logs
    try:
        yield
    finally:
        ray.shutdown()
