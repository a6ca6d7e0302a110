"""Benchmarks: one command per area, ratios measured side by side in one process.

    python scripts/bench.py generation    # about five minutes on one core
    python scripts/bench.py studies       # about five minutes, 10 GB memory
    python scripts/bench.py tickets       # about two minutes on one core
    python scripts/bench.py training      # about four minutes on one core
    python scripts/bench.py many          # about three minutes on two
    python scripts/bench.py optimum       # about two minutes on one core
    python scripts/bench.py scale         # about three minutes, 2 GB of disk
    python scripts/bench.py hub           # about one minute on two

Each prints a table and writes out/results/bench_<area>.json with the machine, the versions and the
revision; with --update it replaces the committed results in dataset_card/results. The original
package is one side of some comparisons: without it (extra `dev`) they are left out. Times are CPU
seconds of one thread, the best of interleaved rounds, so that other work on the machine changes
them little.
"""

import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from typing import Annotated

import typer
from rich.table import Table

from mnist1d_hf.entrances import console, entrance, reflowed
from mnist1d_hf.evidence.results import write_result
from mnist1d_hf.extras import require

RESULTS = Path(__file__).parents[1] / "dataset_card" / "results"

OUT = Path("out") / "results"
Update = Annotated[
    bool, typer.Option("--update", help="replace the committed results, with all comparisons")
]
Count = Annotated[int, typer.Option(min=1)]

app = typer.Typer(
    help=reflowed(__doc__),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback()
def main() -> None:
    """A command per area, also while there is only one."""


def begin(update: bool) -> float:
    """The time; refuses to update results when a side of the comparisons is not installed."""
    if update:
        require("dev", "mnist1d")
    return time.perf_counter()


def report(area: str, title: str, rows: list[dict], seconds: float, update: bool, **args) -> None:
    """Print `rows` as a table and write them with their provenance."""
    show(title, rows)
    write(area, {"rows": rows}, seconds, update, **args)


def show(title: str, rows: list[dict]) -> None:
    """Print `rows`, all with the same keys, as a table."""
    table = Table(title=title)
    for column in rows[0]:
        table.add_column(column, justify="left" if column == next(iter(rows[0])) else "right")
    for row in rows:
        table.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()))
    console.print(table)


def write(area: str, result: dict, seconds: float, update: bool, **args) -> None:
    folder = RESULTS if update else OUT
    path = write_result(folder / f"bench_{area}.json", result, args=args, seconds=seconds)
    console.print(f"wrote {path}")


@app.command()
@entrance()
def generation(rounds: Count = 5, stream_rows: Count = 10_000_000, update: Update = False) -> None:
    """Making and loading data: against the original, NumPy's own draws, and datasets."""
    from benchmarks.generation import measure

    start = begin(update)
    rows = measure(rounds, stream_rows)
    report(
        "generation",
        "Making and loading data, one thread",
        rows,
        time.perf_counter() - start,
        update,
        rounds=rounds,
        stream_rows=stream_rows,
    )


@app.command()
@entrance()
def studies(outer_steps: Count = 2, update: Update = False) -> None:
    """An outer step of the metalearning studies, and `tickets`, against the notebooks' way."""
    from benchmarks.studies import measure

    start = begin(update)
    rows = measure(outer_steps)
    title = "Metalearning, one thread"
    report("studies", title, rows, time.perf_counter() - start, update, outer_steps=outer_steps)
    tickets(update=update)


@app.command()
@entrance()
def tickets(rounds: Count = 3, steps: Count = 299, update: Update = False) -> None:
    """A search for lottery tickets against the notebook's."""
    from benchmarks.tickets import measure

    start = begin(update)
    rows = measure(rounds, steps)
    title = "A training of the search for lottery tickets, one thread"
    seconds = time.perf_counter() - start
    report("tickets", title, rows, seconds, update, rounds=rounds, steps=steps)


@app.command()
@entrance()
def optimum(rounds: Count = 15, num_rows: Count = 500, update: Update = False) -> None:
    """The exact optimum: rows a second, memory, and SciPy's densities of the same components."""
    from benchmarks.optimum import measure

    start, load = begin(update), os.getloadavg()[0]
    found = measure(rounds, num_rows)
    seconds = time.perf_counter() - start
    arguments = {"rounds": rounds, "num_rows": num_rows, "load": round(load, 2)}
    report("optimum", "The exact optimum, one thread", found, seconds, update, **arguments)


# ---------------------------------------------------------------- scale


@app.command()
@entrance()
def scale(
    rounds: Count = 5,
    rows: Count = 2_000_000,
    largest: Count = 10_000_000,
    engines: bool = True,
    update: Update = False,
) -> None:
    """From ten thousand rows to ten billion: streams, shards, engines, and a projection."""
    from benchmarks.scale import measure

    start, load = begin(update), os.getloadavg()[0]
    result = measure(rounds, rows, largest, engines)
    show("What a row costs", result["rows"])
    show("Growth", result["growth"])
    show("Projection", result["projection"])
    console.print(result["note"])
    arguments = {"rounds": rounds, "rows": rows, "largest": largest, "load": round(load, 2)}
    write("scale", result, time.perf_counter() - start, update, **arguments)


# ---------------------------------------------------------------- hub


@app.command()
@entrance()
def hub(clients: Count = 50, seconds: Count = 30, update: Update = False) -> None:
    """The embedded Hub under load: its answers, its times, and its memory, which stays flat."""
    from benchmarks.hub import measure

    start, load = begin(update), os.getloadavg()[0]
    result = measure(clients, seconds)
    show("The embedded Hub under load", result["rows"])
    arguments = {"clients": clients, "span": seconds, "load": round(load, 2)}
    write("hub", result, time.perf_counter() - start, update, **arguments)


# ---------------------------------------------------------------- training


@app.command()
@entrance()
def training(rounds: Count = 8, steps: Count = 300, update: Update = False) -> None:
    """Time of a training step: Trainer with our loader against a bare loop and other loops."""
    from benchmarks.training import measure

    start = begin(update)
    rows = measure(rounds, steps)
    title = "CPU time per training step, batch 100, one thread"
    report("training", title, rows, time.perf_counter() - start, update, rounds=rounds, steps=steps)


# ---------------------------------------------------------------- many


@app.command()
@entrance()
def many(rounds: Count = 8, steps: Count = 40, models: Count = 10, update: Update = False) -> None:
    """Training many models at once against the original's loop; when idle, in two processes."""
    import torch
    from benchmarks.training import original_loop

    torch.set_num_threads(1)
    start = begin(update)
    load = os.getloadavg()[0]
    idle = load < 1  # two processes say nothing when the cores have other work
    rows = []
    for name in ("mlp", "cnn"):
        loops = {
            "original": (1, lambda n, name=name: original_loop(name, n)),
            "train_many": (models, lambda n, name=name: many_loop(name, models, n)),
        }
        used = {(loop, n): float("inf") for loop in loops for n in (steps, 5 * steps)}
        for _ in range(rounds):
            for loop, n in used:
                before = time.process_time()
                loops[loop][1](n * models // loops[loop][0])
                used[loop, n] = min(used[loop, n], time.process_time() - before)
        best = {
            loop: (used[loop, 5 * steps] - used[loop, steps]) / (4 * steps * models)
            for loop in loops
        }
        for loop, seconds in best.items():
            rows.append(
                {
                    "model": name,
                    "loop": loop,
                    "model-steps per CPU second": 1 / seconds,
                    "of the original": best["original"] / seconds,
                    "two processes, of one": two_processes(name, models, steps, rounds)
                    if loop == "train_many" and idle
                    else None,
                }
            )
    title = f"{models} models at once, batch 100, Adam, one thread"
    arguments = {"rounds": rounds, "steps": steps, "models": models, "load": round(load, 2)}
    report("many", title, rows, time.perf_counter() - start, update, **arguments)


def many_loop(name: str, models: int, steps: int) -> None:
    """`train_many` on the same data, each model in an order of its own."""
    import torch

    from mnist1d_hf.models import ARCHITECTURES
    from mnist1d_hf.signals.generate import make_mnist1d
    from mnist1d_hf.training.many import shuffled_batches, train_many

    torch.manual_seed(0)
    if not hasattr(many_loop, "data"):
        data = make_mnist1d()
        many_loop.data = torch.tensor(data.x_train).float(), torch.tensor(data.y_train)
    config, model_class = ARCHITECTURES[name]
    stack = [model_class(config()) for _ in range(models)]
    batches = shuffled_batches([4000] * models, 100, steps, range(models))
    train_many(stack, *many_loop.data, batches)


def two_processes(name: str, models: int, steps: int, rounds: int) -> float:
    """Throughput, by the clock, of two processes over that of one; the best of some rounds."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn) as pool:
        best = {1: float("inf"), 2: float("inf")}
        for _ in range(rounds + 1):  # the first round starts the processes
            for count in best:
                tasks = [pool.submit(timed_many, name, models, steps * 4) for _ in range(count)]
                best[count] = min(best[count], max(task.result() for task in tasks))
    return 2 * best[1] / best[2]


def timed_many(name: str, models: int, steps: int) -> float:
    """Seconds by the clock of a run of `many_loop`."""
    import torch

    torch.set_num_threads(1)
    before = time.perf_counter()
    many_loop(name, models, steps)
    return time.perf_counter() - before


if __name__ == "__main__":
    app()
