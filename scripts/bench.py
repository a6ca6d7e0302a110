"""Benchmarks: one command per area, ratios measured side by side in one process.

    python scripts/bench.py studies       # about five minutes on one core, 10 GB of memory
    python scripts/bench.py tickets       # about two minutes on one core
    python scripts/bench.py training      # about five minutes on one core
    python scripts/bench.py many          # about three minutes on two

Each prints a table and writes dataset_card/results/bench_<area>.json with the machine, the
versions and the revision. Times are CPU seconds of one thread, the best of interleaved rounds, so
that other work on the machine changes them little.
"""

import contextlib
import gc
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import typer
from rich.console import Console
from rich.table import Table

from mnist1d_hf.results import write_result

RESULTS = Path(__file__).parents[1] / "dataset_card" / "results"

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.callback()
def main() -> None:
    """A command per area, also while there is only one."""


def report(area: str, title: str, rows: list[dict], seconds: float, out: Path, **args) -> None:
    """Print `rows`, all with the same keys, as a table and write them with their provenance."""
    table = Table(title=title)
    for column in rows[0]:
        table.add_column(column, justify="left" if column == next(iter(rows[0])) else "right")
    for row in rows:
        table.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()))
    console = Console()
    console.print(table)
    path = write_result(out / f"bench_{area}.json", {"rows": rows}, args=args, seconds=seconds)
    console.print(f"wrote {path}")


@app.command()
def studies(outer_steps: int = 2, out: Path = RESULTS) -> None:
    """An outer step of the metalearning studies, and `tickets`, against the notebooks' way."""
    from benchmarks.studies import measure

    start = time.perf_counter()
    rows = measure(outer_steps)
    title = "Metalearning, one thread"
    report("studies", title, rows, time.perf_counter() - start, out, outer_steps=outer_steps)
    tickets(out=out)


@app.command()
def tickets(rounds: int = 3, steps: int = 299, out: Path = RESULTS) -> None:
    """A search for lottery tickets against the notebook's."""
    from benchmarks.tickets import measure

    start = time.perf_counter()
    rows = measure(rounds, steps)
    title = "A training of the search for lottery tickets, one thread"
    seconds = time.perf_counter() - start
    report("tickets", title, rows, seconds, out, rounds=rounds, steps=steps)


# ---------------------------------------------------------------- training


@app.command()
def training(rounds: int = 5, steps: int = 200, out: Path = RESULTS) -> None:
    """Time of a training step: Trainer with our loader against a bare loop and other loops."""
    import torch

    torch.set_num_threads(1)
    start = time.perf_counter()
    rows = []
    for name in ("cnn", "mlp", "gru"):
        variants = training_variants(name)
        best = dict.fromkeys(variants, float("inf"))
        for _ in range(rounds):
            for variant, run in variants.items():
                best[variant] = min(best[variant], seconds_per_step(run, steps))
        for variant, seconds in best.items():
            rows.append(
                {
                    "model": name,
                    "loop": variant,
                    "ms per step": seconds * 1e3,
                    "of the bare loop": seconds / best["bare loop"],
                    "of the original": seconds / best["original"],
                }
            )
    title = "CPU time per training step, batch 100, one thread"
    report("training", title, rows, time.perf_counter() - start, out, rounds=rounds, steps=steps)


def seconds_per_step(run: Callable[[int], None], steps: int) -> float:
    """CPU seconds of one step of `run(number of steps)`, without what a run costs once."""
    used = []
    for n in (20, 20 + steps):
        gc.collect()
        begin = time.process_time()
        run(n)
        used.append(time.process_time() - begin)
    return (used[1] - used[0]) / steps


def training_variants(name: str) -> dict[str, Callable[[int], None]]:
    """Ways to train one model on the default data, each a function of the number of steps."""
    from functools import partial

    from transformers import Trainer

    import mnist1d_hf
    from mnist1d_hf.trainer import Mnist1DTrainer

    with tempfile.TemporaryDirectory() as cache, quiet():
        train = mnist1d_hf.load_dataset(
            "default", split="train", cache_dir=cache, keep_in_memory=True
        )
    x, labels = mnist1d_hf.to_torch(train)
    return {
        "bare loop": partial(bare_loop, name, x, labels),
        "Mnist1DTrainer": partial(trainer_loop, Mnist1DTrainer, name, train),
        "Trainer": partial(trainer_loop, Trainer, name, train),
        "original": partial(original_loop, name),
    }


def bare_loop(name: str, x, labels, steps: int) -> None:
    """Our model, its loss, fused Adam, batches cut from a permutation: nothing else."""
    import torch

    from mnist1d_hf.models import ARCHITECTURES

    config, model_class = ARCHITECTURES[name]
    model = model_class(config()).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0, fused=True)
    done = 0
    while True:
        for rows in torch.randperm(len(x)).split(100):
            if done == steps:
                return
            model(x=x[rows], labels=labels[rows]).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            done += 1


def trainer_loop(trainer_class: type, name: str, train, steps: int) -> None:
    """The same through a Trainer, with what is not training switched off."""
    from transformers import PrinterCallback, TrainingArguments

    from mnist1d_hf.models import ARCHITECTURES

    config, model_class = ARCHITECTURES[name]
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder,
            per_device_train_batch_size=100,
            learning_rate=1e-2,
            lr_scheduler_type="constant",
            max_grad_norm=0,
            max_steps=steps,
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = trainer_class(model_class(config()), args, train_dataset=train)
        trainer.remove_callback(PrinterCallback)
        trainer.train()


def original_loop(name: str, steps: int) -> None:
    """The training loop of the original repository (notebooks/train.py), without evaluation."""
    import torch
    from mnist1d.data import get_dataset_args, make_dataset

    torch.manual_seed(0)
    if not hasattr(original_loop, "data"):
        original_loop.data = make_dataset(get_dataset_args())
    x = torch.Tensor(original_loop.data["x"])
    y = torch.LongTensor(original_loop.data["y"])
    model = original_model(name)
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for step in range(steps):
        start = (step * 100) % len(x)
        loss = criterion(model(x[start : start + 100]), y[start : start + 100])
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def original_model(name: str):
    """The original's model as a plain module."""
    from torch import nn

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(100, 100)

        def forward(self, x):
            return x + self.linear(x).relu()

    class Outputs(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(1, 6, batch_first=True, bidirectional=True)

        def forward(self, x):
            return self.gru(x.unsqueeze(2))[0].flatten(1)

    layers = {
        "mlp": lambda: [nn.Linear(40, 100), nn.ReLU(), Residual(), nn.Linear(100, 10)],
        "cnn": lambda: [
            nn.Unflatten(1, (1, 40)),
            nn.Conv1d(1, 25, 5, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv1d(25, 25, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv1d(25, 25, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(125, 10),
        ],
        "gru": lambda: [Outputs(), nn.Linear(480, 10)],
    }
    return nn.Sequential(*layers[name]())


# ---------------------------------------------------------------- many


@app.command()
def many(rounds: int = 8, steps: int = 40, models: int = 10, out: Path = RESULTS) -> None:
    """Training many models at once against the original's loop, and in two processes."""
    import torch

    torch.set_num_threads(1)
    start = time.perf_counter()
    rows = []
    for name in ("mlp", "cnn"):
        loops = {
            "original": (1, lambda n, name=name: original_loop(name, n)),
            "train_many": (models, lambda n, name=name: many_loop(name, models, n)),
        }
        used = {(loop, n): float("inf") for loop in loops for n in (steps, 5 * steps)}
        for _ in range(rounds):
            for loop, n in used:
                begin = time.process_time()
                loops[loop][1](n * models // loops[loop][0])
                used[loop, n] = min(used[loop, n], time.process_time() - begin)
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
                    "two processes, of one": None
                    if loop == "original"
                    else two_processes(name, models, steps, rounds),
                }
            )
    title = f"{models} models at once, batch 100, Adam, one thread"
    arguments = {"rounds": rounds, "steps": steps, "models": models}
    # the last column means nothing on a machine whose cores have other work: hence the load
    arguments["load"] = [round(load, 1) for load in os.getloadavg()]
    report("many", title, rows, time.perf_counter() - start, out, **arguments)


def many_loop(name: str, models: int, steps: int) -> None:
    """`train_many` on the same data, each model in an order of its own."""
    import torch

    from mnist1d_hf.many import shuffled_batches, train_many
    from mnist1d_hf.models import ARCHITECTURES
    from mnist1d_hf.signals.generate import make_mnist1d

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
    begin = time.perf_counter()
    many_loop(name, models, steps)
    return time.perf_counter() - begin


@contextlib.contextmanager
def quiet():
    """No progress bars of datasets."""
    import datasets

    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.enable_progress_bars()


if __name__ == "__main__":
    app()
