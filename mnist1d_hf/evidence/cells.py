"""Cells: the independent pieces of a study (one size, one seed, ...), run in parallel.

Every finished cell is one JSON file named after its parameters, written whole or not at all.
A cell whose file exists is not run again, so an interrupted study resumes and a larger one reuses
a smaller one; a changed parameter is another cell. Parameters do not say what the code did:
delete the folder after changing the code of a cell.

    def train(size: int, seed: int) -> dict: ...        # at module level: it goes to processes

    cells = Cells("results/sizes", workers=2)
    todo = [{"size": size, "seed": seed} for size in (2, 3, 5) for seed in range(3)]
    results = cells.run(train, todo, cost=lambda cell: cell["size"])

Several machines take one shard each, `Cells(folder, shard=i, num_shards=n)`, into one folder;
`run` then raises `CellsMissing` until the last shard is in.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mnist1d_hf.evidence.results import provenance, read_result, write_json
from mnist1d_hf.workers import Stopped, call_in_processes

Cell = Mapping[str, Any]


class CellsMissing(Stopped):
    """Cells of other shards have not arrived yet."""


@dataclass(frozen=True)
class Cells:
    """A folder of cells, and how many processes and which shard work on it."""

    folder: str | Path
    workers: int = 1  # processes with one thread each; 1 runs in this process
    shard: int = 0
    num_shards: int = 1
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"workers={self.workers}: at least 1")
        if not 0 <= self.shard < self.num_shards:
            raise ValueError(
                f"shard={self.shard}: from 0 to num_shards - 1 = {self.num_shards - 1}"
            )

    def run(
        self,
        function: Callable[..., Any],
        cells: Sequence[Cell],
        cost: Callable[[Cell], float] = lambda cell: 1.0,
    ) -> list[Any]:
        """`function(**cell)` for every cell that has no file yet; the results in cell order.

        `cost` ranks cells, in any unit: the dearest start first, and the remaining time follows
        from it. When a cell fails, those that run are finished and kept, no other starts, and a
        RuntimeError names it last. Raises CellsMissing when cells of other shards are not there.
        """
        paths = [self.path(function, cell) for cell in cells]
        ranked = sorted(range(len(cells)), key=lambda i: -cost(cells[i]))
        todo = [i for i in ranked[self.shard :: self.num_shards] if not paths[i].exists()]
        with self._progress(function.__name__, sum(cost(cells[i]) for i in todo)) as advance:
            _run_all(
                function,
                [(paths[i], dict(cells[i])) for i in todo],
                self.workers,
                done=lambda cell: advance(cost(cell), cell),
            )
        missing = sum(not path.exists() for path in paths)
        if missing:
            raise CellsMissing(
                f"{missing} of {len(cells)} cells are not in {self.folder} yet: run the other "
                "shards into the same folder, then once more with num_shards=1"
            )
        return [read_result(path)["result"] for path in paths]

    def path(self, function: Callable[..., Any], cell: Cell) -> Path:
        """The file of one cell: the name of the function and a digest of the parameters."""
        text = json.dumps(dict(cell), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return Path(self.folder) / f"{function.__name__}-{digest}.json"

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
                    line = f"{progress.tasks[task].percentage:.0f}% {name} {dict(cell)}"
                    console.print(line[:120], soft_wrap=True, markup=False)

            yield advance


def _run_all(
    function: Callable[..., Any],
    todo: list[tuple[Path, dict[str, Any]]],
    workers: int,
    done: Callable[[Cell], None],
) -> None:
    """Run the cells, calling `done` after each; after a failure no other starts."""
    run_cell = partial(_run_cell, function)
    if workers == 1 or len(todo) < 2:
        with _one_torch_thread():
            for item in todo:
                run_cell(item)
                done(item[1])
        return
    try:
        for (_, cell), _ in call_in_processes(run_cell, todo, workers):
            done(cell)
    except BrokenProcessPool as error:
        raise RuntimeError(
            f"a worker of {function.__name__} was killed, perhaps for want of memory; finished "
            f"cells stay, and the same command continues: {error}"
        ) from error


def _run_cell(function: Callable[..., Any], item: tuple[Path, dict[str, Any]]) -> None:
    path, cell = item
    start = time.perf_counter()
    try:
        result = function(**cell)
    except Exception as error:
        raise RuntimeError(f"{function.__name__} failed in cell {cell}: {error!r}") from error
    seconds = time.perf_counter() - start
    write_json(path, {"cell": cell, "result": result, "provenance": provenance(seconds)})


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
