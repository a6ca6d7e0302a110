"""Does pooling help? Five ways to shorten a signal, on 1000 to 50000 training examples.

    python -m mnist1d_hf.studies.pooling --scale paper --workers 2

Two convolutions of 20 channels, each followed by nothing, by a stride of 2, or by pooling over
pairs (largest, mean, or root of the sum of squares), then a linear layer. The paper (section
"Benchmarking pooling methods", notebook benchmark-pooling) trains each network once, for 6000 steps
whatever the amount of data, and concludes that pooling is very helpful when data are few and
hinders when they are many. We add error bars and, because 6000 steps are 600 passes over 1000
examples but 12 over 50000, a second run with the same number of passes for all. In a third, of the
fewest and the most examples, networks differ in their training and test rows as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from torch import nn

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.seeds import seeded
from mnist1d_hf.signals.generate import Mnist1DArrays, make_mnist1d
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.pooling import plot, plot_ends
from mnist1d_hf.studies.rules.pooling import METHODS, PUBLISHED, judge
from mnist1d_hf.training.many import ordered_batches, rows_of, train_many

TEST_SIZE = 1000
BATCH = 100
OTHER_SEED = 1000  # of the generator in run 0 on other data; run r has OTHER_SEED + r


@dataclass(frozen=True)
class Args:
    """The settings of the notebook, how often we repeat it, and the second run."""

    train_sizes: Annotated[tuple[int, ...], "numbers of training examples"] = tuple(PUBLISHED)
    seeds: Annotated[int, "runs with other initial weights; the notebook's is seed 0"] = 5
    steps: Annotated[int, "last step; the first is 0, as in the notebook"] = 6000
    evaluate_every: Annotated[int, "steps between points of a curve"] = 100
    epochs: Annotated[int, "passes over the data in the second run; 0 for no such run"] = 60
    data_runs: Annotated[int, "runs with other rows and initial weights; 0 for none"] = 5
    learning_rate: Annotated[float, "of Adam"] = 0.01

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise ValueError(f"seeds={self.seeds}: at least 1")
        if self.data_runs < 0:
            raise ValueError(f"data_runs={self.data_runs}: at least 0")
        for size in self.train_sizes:
            if size not in PUBLISHED:
                known = ", ".join(map(str, PUBLISHED))
                raise ValueError(f"train_sizes: {size} is not one of {known}")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper", "once" or "smoke"."""
        if scale == "paper":
            return cls()
        if scale == "once":
            return cls(seeds=1, epochs=0, data_runs=0)
        return cls(
            train_sizes=(1000, 2000), seeds=2, steps=10, evaluate_every=5, epochs=1, data_runs=2
        )


def network(method: str, seed: int) -> nn.Sequential:
    """The notebook's network, from the weights that `torch.manual_seed(seed)` gives it."""
    stride = 2 if method == "stride_2" else 1
    pools: dict[str, Any] = {"max_pool": nn.MaxPool1d, "avg_pool": nn.AvgPool1d}
    pools["l2_pool"] = lambda size: nn.LPPool1d(2, size)
    pool = pools.get(method)
    length = 40 if method == "no_pool" else 10
    with seeded(seed):
        layers: list[nn.Module] = [nn.Unflatten(1, (1, 40))]
        for channels in (1, 20):
            layers += [nn.Conv1d(channels, 20, 3, stride=stride, padding=1), nn.ReLU()]
            layers += [pool(2)] if pool else []
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(20 * length, 10))


@cache
def load(train_size: int, seed: int) -> Mnist1DArrays:
    """The notebook's data: other sizes have other examples, in training and test."""
    total = train_size + TEST_SIZE
    return make_mnist1d(
        SignalParams(seed=seed, num_samples=total, train_split=1 - TEST_SIZE / total)
    )


def train(
    method: str,
    train_size: int,
    seeds: list[int],
    steps: int,
    evaluate_every: int,
    learning_rate: float,
    data_seeds: list[int] | None = None,
) -> dict[str, Any]:
    """Train one network per seed; a cell.

    All have the notebook's data, or each that of its generator seed in `data_seeds`. Returns the
    steps measured, and lists (time, seed) of test accuracy in %, test loss, and train accuracy in
    %, that on the first 1000 training rows.
    """
    parts = [load(train_size, seed) for seed in data_seeds or [SignalParams.seed]]
    x, labels = rows_of([p.x_train for p in parts]).float(), rows_of([p.y_train for p in parts])
    test = rows_of([p.x_test for p in parts]).float(), rows_of([p.y_test for p in parts])
    history = train_many(
        [network(method, seed) for seed in seeds],
        x,
        labels,
        ordered_batches(train_size, BATCH, steps),
        learning_rate=learning_rate,
        splits={"train": (x[..., :1000, :], labels[..., :1000]), "test": test},
        evaluate_every=evaluate_every,
    )
    return {
        "steps": history.steps,
        "test_accuracy": (100 - 100 * history.error["test"]).round(decimals=2),
        "train_accuracy": (100 - 100 * history.error["train"]).round(decimals=2),
        "test_loss": history.loss["test"].round(decimals=5),
    }


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """All runs of all networks, and the verdicts."""
    todo = [(run, cell) for method in METHODS for run, cell in plan(args, method)]
    price = {"no_pool": 3, "stride_2": 1, "max_pool": 2, "avg_pool": 2, "l2_pool": 2}
    found = cells.run(
        train,
        [cell for _, cell in todo],
        cost=lambda cell: price[cell["method"]] * cell["steps"],
    )
    result: dict[str, Any] = {"equal_steps": {}, "equal_epochs": {}, "other_data": {}}
    for (run, cell), curves in zip(todo, found, strict=True):
        table = result[run]
        entry = {"final": summarise(curves["test_accuracy"][-1]), **curves}
        table.setdefault(str(cell["train_size"]), {})[cell["method"]] = entry
    return {**result, "findings": judge(result)}


def plan(args: Args, method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The cells of a method, each with the run that it belongs to."""
    common = {"method": method, "learning_rate": args.learning_rate}
    # the notebook counts its steps from 0 to 6000, both included
    steps = args.steps + 1
    for size in args.train_sizes:
        cell = {**common, "train_size": size, "seeds": list(range(args.seeds))}
        yield "equal_steps", {**cell, "steps": steps, "evaluate_every": args.evaluate_every}
        if args.epochs:
            one_pass = size // BATCH
            same = {"steps": args.epochs * one_pass, "evaluate_every": one_pass}
            yield "equal_epochs", {**cell, **same}
    runs = list(range(args.data_runs))
    for size in sorted({min(args.train_sizes), max(args.train_sizes)}) if runs else ():
        cell = {**common, "train_size": size, "seeds": runs, "steps": steps}
        data = [OTHER_SEED + run for run in runs]
        yield "other_data", {**cell, "evaluate_every": steps, "data_seeds": data}


main = command(
    Args,
    run,
    plot,
    more_plots={"ends": plot_ends},
    repeated="seeds",
    published_figure=(
        "Test accuracy over 6000 steps for 1000, 5000 and 50,000 examples: no pooling black, "
        "stride dashed, max red, average green, L2 blue, smoothed; a second figure has six sizes."
    ),
)

if __name__ == "__main__":
    main()
