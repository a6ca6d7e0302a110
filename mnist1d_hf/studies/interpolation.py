"""How many parameters does a network need to fit its training labels, some of which are wrong?

    python -m mnist1d_hf.studies.interpolation --scale paper --workers 2

The first version of the paper and its blog post (2020) said that a network interpolates n examples
of K classes from n K parameters on when it is trained on squared errors (MSE), and from n on when
trained on the likelihood (NLL), with a figure of one curve; the author took this back in 2024.
It was never tested, so we do: perceptrons of 19 sizes, both losses, n from 500 to 4000, K of 2, 5
and 10, 15 % of the training labels drawn anew. All train for the same number of updates, so that
fewer examples do not mean less training. The threshold of a seed is the number of parameters at
which the training error falls below 1 %, or the training loss below 5 % of that of a constant
guess, between two sizes by interpolation; a power law a n^b K^c says what it grows with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Annotated, Any

import numpy as np
import torch
from torch import nn

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.seeds import seeded
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import SignalParams, check_choice
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.interpolation import plot, plot_thresholds
from mnist1d_hf.studies.rules.interpolation import LOSSES, judge
from mnist1d_hf.training.many import IGNORED, shuffled_batches, train_many

HIDDEN = (2, 3, 4, 5, 7, 9, 12, 16, 21, 27, 36, 47, 61, 80, 104, 135, 177, 230, 300)
FITTED_ERROR = 1.0  # training error in % below which the labels count as fitted
FITTED_LOSS = 0.05  # the same for the training loss, of that of a constant guess
RISE = {"test_error": 2.0, "test_loss": 0.02}  # of a curve above an earlier minimum: a peak
TEST_SIZE = 3000
MARKERS = ("threshold", "loss_threshold", "peak_error", "peak_loss")


@dataclass(frozen=True)
class Args:
    """The sweep; training as in the notebook deep-double-descent."""

    losses: Annotated[tuple[str, ...], "cross_entropy (NLL), mse"] = tuple(LOSSES)
    classes: Annotated[tuple[int, ...], "numbers of classes K: the digits below K"] = (2, 5, 10)
    train_sizes: Annotated[tuple[int, ...], "numbers of examples n"] = (500, 1000, 2000, 4000)
    hidden_sizes: Annotated[tuple[int, ...], "units of both hidden layers"] = HIDDEN
    seeds: Annotated[int, "runs with other weights, orders and wrong labels"] = 3
    steps: Annotated[int, "updates of every run"] = 20000
    batch_size: Annotated[int, "examples per update"] = 100
    label_noise: Annotated[float, "fraction of the training labels replaced at random"] = 0.15
    learning_rate: Annotated[float, "of SGD"] = 0.01
    momentum: Annotated[float, "of SGD"] = 0.9

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise ValueError(f"seeds={self.seeds}: at least 2, for a standard deviation")
        for name in self.losses:
            check_choice("losses", name, LOSSES)
        for count in self.classes:
            if not 2 <= count <= 10:
                raise ValueError(f"classes: {count} is not from 2 to 10")
        for size in self.train_sizes:
            if size % self.batch_size or not 0 < size <= 4000:
                raise ValueError(
                    f"train_sizes: {size} is not a multiple of batch_size={self.batch_size} "
                    "up to 4000"
                )

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper" or "smoke"."""
        if scale == "paper":
            return cls()
        return cls(classes=(2, 10), train_sizes=(100, 200), hidden_sizes=(2, 9, 27), steps=200)


def network(size: int, classes: int, seed: int) -> nn.Sequential:
    """The perceptron of the notebook, with `classes` outputs."""
    with seeded(seed):
        return nn.Sequential(
            *(nn.Linear(40, size), nn.ReLU(), nn.Linear(size, size), nn.ReLU()),
            nn.Linear(size, classes),
        )


def parameters(size: int, classes: int) -> int:
    """Number of parameters of `network`."""
    return size**2 + (42 + classes) * size + classes


@cache
def load(classes: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Train and test rows of the digits below `classes`: x, labels, x_test, labels_test."""
    data = make_mnist1d(SignalParams(num_samples=50000, train_split=0.6, stream="counter"))
    train, test = data.y_train < classes, data.y_test < classes
    return (
        torch.tensor(data.x_train[train]),
        torch.tensor(data.y_train[train]),
        torch.tensor(data.x_test[test][:TEST_SIZE]),
        torch.tensor(data.y_test[test][:TEST_SIZE]),
    )


def noisy(labels: torch.Tensor, classes: int, fraction: float, seed: int) -> torch.Tensor:
    """Labels of which a `fraction` is replaced at random, possibly by the same label."""
    rng = np.random.default_rng([seed, classes])
    drawn = rng.random(len(labels)) < fraction
    anew = torch.tensor(rng.integers(classes, size=len(labels)))
    return torch.where(torch.tensor(drawn), anew, labels)


def train(
    loss: str,
    classes: int,
    size: int,
    train_sizes: list[int],
    seeds: list[int],
    steps: int,
    batch_size: int,
    label_noise: float,
    learning_rate: float,
    momentum: float,
) -> dict[str, Any]:
    """Train perceptrons of one size, for each number of examples and seed; a cell.

    Returns lists (number of examples, seed) of errors in % and losses at the end; the training
    error is that against the noisy labels. A loss that is not finite is None.
    """
    x, clean, x_test, labels_test = load(classes)
    x, clean = x[: max(train_sizes)], clean[: max(train_sizes)]
    runs = [(count, seed) for count in train_sizes for seed in seeds]
    labels = torch.stack([noisy(clean, classes, label_noise, seed) for _, seed in runs])
    counted = labels.clone()
    for row, (count, _) in zip(counted, runs, strict=True):
        row[count:] = IGNORED
    counts, orders = zip(*runs, strict=True)
    history = train_many(
        [network(size, classes, seed) for _, seed in runs],
        x,
        labels,
        shuffled_batches(counts, batch_size, steps, orders),
        optimizer="sgd",
        learning_rate=learning_rate,
        momentum=momentum,
        loss=loss,
        splits={"train": (x, counted), "test": (x_test, labels_test)},
    )
    shape = len(train_sizes), len(seeds)
    found: dict[str, Any] = {}
    for split in ("train", "test"):
        found[f"{split}_error"] = (100 * history.error[split][-1]).view(shape).round(decimals=4)
        ends = history.loss[split][-1].view(shape).tolist()
        found[f"{split}_loss"] = [[_finite(v) for v in row] for row in ends]
    return found


def _finite(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """All curves, their thresholds and peaks, the power laws through these, and the verdicts."""
    names = ("steps", "batch_size", "label_noise", "learning_rate", "momentum")
    settings: dict[str, Any] = {name: getattr(args, name) for name in names}
    settings |= {"train_sizes": list(args.train_sizes), "seeds": list(range(args.seeds))}
    kinds = list(product(args.losses, args.classes))
    todo = [
        {"loss": loss, "classes": classes, "size": size, **settings}
        for loss, classes in kinds
        for size in args.hidden_sizes
    ]
    found = cells.run(train, todo, cost=_cost)
    curves = []
    for number, (loss, classes) in enumerate(kinds):
        ends = found[number * len(args.hidden_sizes) :][: len(args.hidden_sizes)]
        grid = [parameters(size, classes) for size in args.hidden_sizes]
        for place, count in enumerate(args.train_sizes):
            curve = {"loss": loss, "classes": classes, "train_size": count, "parameters": grid}
            curve |= {name: [end[name][place] for end in ends] for name in ends[0]}
            curves.append({**curve, **mark(curve)})
    fits = {
        loss: {marker: fit([c for c in curves if c["loss"] == loss], marker) for marker in MARKERS}
        for loss in args.losses
    }
    result = {"curves": curves, "fits": fits}
    return {**result, "findings": judge(result)}


def _cost(cell: Mapping[str, Any]) -> float:
    models = len(cell["train_sizes"]) * len(cell["seeds"])
    return models * (2000 + parameters(cell["size"], cell["classes"])) * cell["steps"]


def mark(curve: dict[str, Any]) -> dict[str, list[float | None]]:
    """Thresholds and peaks of each seed, in parameters; None where the sizes do not show one."""
    grid, classes = curve["parameters"], curve["classes"]
    guess = np.log(classes) if curve["loss"] == "cross_entropy" else 1 - 1 / classes
    marks: dict[str, list[float | None]] = {name: [] for name in MARKERS}
    for seed in range(len(curve["train_error"][0])):
        # a loss that is None, after a divergence, is nan here
        by_name = {
            f"{split}_{kind}": np.array([row[seed] for row in curve[f"{split}_{kind}"]], float)
            for split, kind in product(("train", "test"), ("error", "loss"))
        }
        marks["threshold"].append(crossing(grid, by_name["train_error"], FITTED_ERROR))
        marks["loss_threshold"].append(crossing(grid, by_name["train_loss"], FITTED_LOSS * guess))
        for name, least in RISE.items():
            rises = by_name[name] - np.fmin.accumulate(by_name[name])
            if np.isnan(rises).all():  # no training ended
                marks[f"peak_{name[5:]}"].append(None)
                continue
            top = int(np.nanargmax(rises))
            inside = rises[top] >= least and top < len(rises) - 1
            marks[f"peak_{name[5:]}"].append(grid[top] if inside else None)
    return marks


def crossing(grid: list[int], values: np.ndarray, level: float) -> float | None:
    """Parameters from which on `values` stay below `level`, linear in their logarithm."""
    above = np.flatnonzero(~(values <= level))
    if not len(above) or above[-1] == len(values) - 1:
        return None
    last = int(above[-1])
    logs = np.log(grid[last : last + 2])
    part = (values[last] - level) / (values[last] - values[last + 1])
    if not np.isfinite(part):
        part = 1.0
    return round(float(np.exp(logs[0] + part * (logs[1] - logs[0]))), 1)


def fit(curves: list[dict[str, Any]], marker: str) -> dict[str, Any] | None:
    """Least squares of log P = log a + b log n + c log K over curves, the mean log P of each.

    Its seeds are no points of their own: how far a curve lies from the law they have in common.
    Returns a, b, c with standard errors of b and c, the number of points, and how many seeds were
    left out because they lie outside the sizes; None when the points cannot tell n from K.
    """
    rows, values, missing = [], [], 0
    for curve in curves:
        logs = [np.log(value) for value in curve[marker] if value is not None]
        missing += len(curve[marker]) - len(logs)
        if logs:
            rows.append([1, np.log(curve["train_size"]), np.log(curve["classes"])])
            values.append(np.mean(logs))
    design, target = np.array(rows), np.array(values)
    if len(rows) < 4 or np.linalg.matrix_rank(design) < 3:
        return None
    solution, *_ = np.linalg.lstsq(design, target)
    residuals = target - design @ solution
    variance = residuals @ residuals / (len(target) - 3)
    errors = np.sqrt(np.diag(variance * np.linalg.inv(design.T @ design)))
    return {
        "a": float(np.exp(solution[0])),
        "b": float(solution[1]),
        "c": float(solution[2]),
        "b_error": float(errors[1]),
        "c_error": float(errors[2]),
        "residual_std": float(variance**0.5),
        "n": len(values),
        "outside": missing,
    }


main = command(
    Args,
    run,
    plot,
    more_plots={"thresholds": plot_thresholds},
    published_figure=(
        "Retracted: NLL over the number of parameters (up to 30,500) of one CNN, with a dashed "
        "vertical line at 10,000, the 'interpolation threshold'."
    ),
)

if __name__ == "__main__":
    main()
