"""Cells: the independent pieces of a study (one size, one seed, ...), run in parallel.

Every finished cell is one JSON file named after its parameters, written whole or not at all. The
run that finds all of its cells packs them into one file, beside the folder or as `packed` says. A
cell that is in either is not run again, so an interrupted study resumes and a larger one reuses a
smaller one; a changed parameter is another cell. Parameters do not say what the code did: after
changing the code of a cell, delete the cells that it made.

    def train(size: int, seed: int) -> dict: ...        # at module level: it goes to processes

    cells = Cells("out/cells/sizes", workers=2)
    todo = [{"size": size, "seed": seed} for size in (2, 3, 5) for seed in range(3)]
    results = cells.run(train, todo, cost=lambda cell: cell["size"])

Several machines share the work through one folder, `Cells(folder, rank=i, world_size=n)`: each runs
its own part, and then of the others' what is still to do. So all of them end with all results,
whether they run at the same time or one after the other, and also when one of them fails.
"""

import inspect
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mnist1d_hf.evidence.packed import Record, identity, name_of, read_packed, write_packed
from mnist1d_hf.evidence.provenance import provenance, source_sha256
from mnist1d_hf.evidence.results import read_result, write_json
from mnist1d_hf.workers import call_in_processes

Cell = Mapping[str, Any]


@dataclass(frozen=True)
class Cells:
    """A folder of cells, the file they are packed into, and which part of the work is ours."""

    folder: str | Path
    packed: str | Path | None = None  # <folder>.jsonl if None
    workers: int = 1  # processes with one thread each; 1 runs in this process
    rank: int = 0
    world_size: int = 1
    quiet: bool = False
    # names of the cells used so far that the present sources did not make, as far as they say
    outdated: set[str] = field(default_factory=set, compare=False)

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"workers={self.workers}: at least 1")
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank={self.rank}: from 0 to world_size - 1 = {self.world_size - 1}")

    def run(
        self,
        function: Callable[..., Any],
        cells: Sequence[Cell],
        cost: Callable[[Cell], float] = lambda cell: 1.0,
    ) -> list[Any]:
        """`function(**cell)` for every cell that is not there yet; the results in cell order.

        A parameter that is long, as weights or a mask, is data: its digest stands for it in the
        name and in the file of a cell. `cost` ranks cells, in any unit: the dearest start first,
        and the remaining time follows from it.

        When a cell fails, those that run are finished and kept, no other starts, and a RuntimeError
        names it last.
        """
        names = [name_of(function.__name__, cell) for cell in cells]
        there = self._read(names)
        ranked = sorted(range(len(cells)), key=lambda i: -cost(cells[i]))
        own = dict.fromkeys(ranked[self.rank :: self.world_size])
        others = [i for i in ranked[::-1] if i not in own]  # last what their ranks do first
        todo = [i for i in [*own, *others] if names[i] not in there]
        source = source_sha256(Path(inspect.getfile(function)))
        with self._progress(function.__name__, sum(cost(cells[i]) for i in todo)) as advance:
            _run_all(
                partial(_run_cell, function, self, source),
                [dict(cells[i]) for i in todo],
                self.workers,
                done=lambda cell: advance(cost(cell), cell),
            )
        there = self._read(names)
        self._pack(names)
        made_by = {name: there[name]["provenance"].get("source_sha256") for name in names}
        self.outdated.update(name for name in names if made_by[name] != source)
        return [there[name]["result"] for name in names]

    @property
    def pack(self) -> Path:
        """The file of all cells."""
        return Path(self.packed or f"{self.folder}.jsonl")

    def is_done_elsewhere(self, name: str) -> bool:
        """Whether another rank has finished a cell by now."""
        if self.world_size == 1:
            return False
        return Path(self.folder, f"{name}.json").exists() or name in read_packed(self.pack)

    def _read(self, names: Sequence[str]) -> dict[str, Record]:
        loose = self._loose(names)  # before the packed ones: what leaves the folder is packed then
        return loose | read_packed(self.pack)

    def _loose(self, names: Sequence[str]) -> dict[str, Record]:
        found: dict[str, Record] = {}
        for name in names:
            with suppress(FileNotFoundError):
                found[name] = read_result(Path(self.folder, f"{name}.json"))
        return found

    def _pack(self, names: Sequence[str]) -> None:
        """Move the cells that have files of their own; all that is packed already stays."""
        if not self._loose(names):
            return
        with FileLock(Path(self.folder, ".lock")):  # another rank may have found all cells too
            loose = self._loose(names)
            write_packed(self.pack, (loose | read_packed(self.pack)).values())
            for name in loose:
                Path(self.folder, f"{name}.json").unlink()

    @contextmanager
    def _progress(self, name: str, total: float) -> Iterator[Callable[[float, Cell], None]]:
        console = Console(stderr=True, quiet=self.quiet)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, disable=not total) as progress:
            task = progress.add_task(name, total=total)

            def advance(amount: float, cell: Cell) -> None:
                progress.advance(task, amount)
                if not console.is_terminal:  # a log has no moving bar
                    line = f"{progress.tasks[task].percentage:.0f}% {name} {identity(cell)}"
                    console.print(line[:120], soft_wrap=True, markup=False)

            yield advance


def _run_all(
    run_cell: Callable[[dict[str, Any]], Any],
    todo: list[dict[str, Any]],
    workers: int,
    done: Callable[[Cell], None],
) -> None:
    """Run the cells, calling `done` after each; after a failure no other starts."""
    if workers == 1 or len(todo) < 2:
        with _one_torch_thread():
            for cell in todo:
                run_cell(cell)
                done(cell)
        return
    try:
        for cell, _ in call_in_processes(run_cell, todo, workers):
            done(cell)
    except BrokenProcessPool as error:
        raise RuntimeError(
            f"{error}; finished cells stay, and the same command continues"
        ) from error


def _run_cell(
    function: Callable[..., Any], cells: Cells, source: str, cell: dict[str, Any]
) -> None:
    name = name_of(function.__name__, cell)
    if cells.is_done_elsewhere(name):
        return
    start, cpu_start = time.perf_counter(), time.process_time()
    try:
        result = function(**cell)
        made = provenance(
            time.perf_counter() - start,
            process_time=round(time.process_time() - cpu_start, 3),
            source_sha256=source,
        )
        content = {"function": function.__name__, "cell": identity(cell), "result": result}
        if not cells.is_done_elsewhere(name):  # its first result stays
            write_json(Path(cells.folder, f"{name}.json"), {**content, "provenance": made})
    except Exception as error:
        raise RuntimeError(
            f"{function.__name__} failed in cell {identity(cell)}: {error!r}"
        ) from error


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """The same arithmetic in this process as in a worker."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
