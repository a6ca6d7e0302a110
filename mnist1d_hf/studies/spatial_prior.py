"""Between a perceptron and a convolution: how much do locality and shared weights give?

    python -m mnist1d_hf.studies.spatial_prior --scale paper --workers 2

The blog post and the section "Finding lottery tickets" place tickets on a continuum of spatial
priors, with a perceptron at one end and a convolution at the other, and test neither what lies
between. Here four networks make the steps one at a time, on signals as they are and with their
columns shuffled, by the recipe of the notebook mnist1d-classification:

- `mlp`: the paper's perceptron, every unit sees all 40 points;
- `window`: the same, but a unit of the first layer sees only 10 neighbouring points;
- `unshared`: the paper's convolutions with weights of their own at every position;
- `cnn`: the paper's convolutions, whose weights all positions share.

Every run has its own data, by the generator's seed, and its own initial weights.
"""

import math
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.models import new_model
from mnist1d_hf.seeds import seeded
from mnist1d_hf.signals.generate import Mnist1DArrays, make_mnist1d
from mnist1d_hf.signals.params import SignalParams, check_choice
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.spatial_prior import plot
from mnist1d_hf.studies.rules.spatial_prior import DATA, NETWORKS, judge
from mnist1d_hf.training.many import ordered_batches, train_many
from mnist1d_hf.training.predictions import accuracy

LENGTH, BATCH, RATE = 40, 100, 0.01
SEED = 42  # of the generator in run 0; run r has SEED + r
CONVOLUTIONS = ((1, 5), (25, 3), (25, 3))  # channels in and kernel; stride 2, padding 1, 25 out


@dataclass(frozen=True)
class Args:
    """The paper's recipe, and how often we repeat it."""

    networks: Annotated[tuple[str, ...], "from perceptron to convolution"] = NETWORKS
    runs: Annotated[int, "each with its own data and initial weights"] = 5
    updates: Annotated[int, "of the weights; the notebook makes 6001"] = 6001
    window: Annotated[int, "neighbouring points that a unit of the window network sees"] = 10

    def __post_init__(self) -> None:
        for name in self.networks:
            check_choice("networks", name, NETWORKS)
        if not 1 <= self.window <= LENGTH:
            raise ValueError(f"window={self.window}: from 1 to {LENGTH}")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper" or "smoke"."""
        return cls() if scale == "paper" else cls(runs=2, updates=40)


class Unshared(nn.Module):
    """The paper's convolutional network, with weights of its own at every position.

    They start as `torch.nn.Conv1d` starts its weights, by the number of inputs of a filter.
    """

    def __init__(self) -> None:
        super().__init__()
        length, weights, biases = LENGTH, [], []
        for channels, kernel in CONVOLUTIONS:
            length = (length + 2 - kernel) // 2 + 1
            bound = 1 / math.sqrt(channels * kernel)
            weights.append(torch.empty(length, channels * kernel, 25).uniform_(-bound, bound))
            biases.append(torch.empty(length, 1, 25).uniform_(-bound, bound))
        self.weights, self.biases = nn.ParameterList(weights), nn.ParameterList(biases)
        self.classifier = nn.Linear(length * 25, 10)

    def logits(self, x: Tensor) -> Tensor:
        """Logits (batch, 10) of signals (batch, 40)."""
        x = x[:, None]  # (batch, channels, length)
        for (_, kernel), weight, bias in zip(CONVOLUTIONS, self.weights, self.biases, strict=True):
            windows = F.pad(x, (1, 1)).unfold(2, kernel, 2)  # (batch, channels, length, kernel)
            inputs = windows.permute(2, 0, 1, 3).flatten(2)  # (length, batch, channels * kernel)
            x = torch.relu(torch.baddbmm(bias, inputs, weight)).permute(1, 2, 0)
        return self.classifier(x.flatten(1))


def windows(units: int, size: int) -> Tensor:
    """A mask (units, 40) of 0 and 1: each unit sees `size` neighbouring points, evenly placed."""
    starts = np.linspace(0, LENGTH - size, units).round()
    points = np.arange(LENGTH)
    seen = (points >= starts[:, None]) & (points < starts[:, None] + size)
    return torch.tensor(seen, dtype=torch.float32)


@cache
def load(run: int) -> Mnist1DArrays:
    """4000 rows to train on and 1000 to test; those of run 0 are the frozen ones."""
    return make_mnist1d(SignalParams(seed=SEED + run))


def split(run: int, data: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training signals and labels, then those of test; the columns in order, or shuffled."""
    arrays, columns = load(run), np.arange(LENGTH)
    if data == "shuffled":
        columns = np.random.default_rng(run).permutation(LENGTH)
    x, x_test = (
        torch.tensor(np.ascontiguousarray(part[:, columns]), dtype=torch.float32)
        for part in (arrays.x_train, arrays.x_test)
    )
    return x, torch.tensor(arrays.y_train), x_test, torch.tensor(arrays.y_test)


def train(network: str, data: str, run: int, updates: int, window: int) -> dict[str, float]:
    """Train one network; a cell. Accuracies in percent, after the last update."""
    x, labels, x_test, y_test = split(run, data)
    batches = ordered_batches(len(x), BATCH, updates)
    if network == "unshared":
        with seeded(run):
            model: Any = Unshared()
        optimizer = torch.optim.Adam(model.parameters(), RATE, fused=True)
        for rows in batches:
            F.cross_entropy(model.logits(x[rows]), labels[rows]).backward()
            optimizer.step()
            optimizer.zero_grad()
    else:
        model = new_model("cnn" if network == "cnn" else "mlp", run)
        masks = {"layers.0.weight": windows(100, window)[None]} if network == "window" else None
        train_many([model], x, labels, batches, learning_rate=RATE, masks=masks)
    return {"test": accuracy(model, x_test, y_test), "train": accuracy(model, x, labels)}


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """All networks on both kinds of signals, and the verdicts."""
    cases = list(product(args.networks, DATA, range(args.runs)))
    common = {"updates": args.updates, "window": args.window}
    found = cells.run(
        train,
        [{"network": n, "data": d, "run": r, **common} for n, d, r in cases],
        cost=lambda cell: {"cnn": 3.0, "unshared": 5.0}.get(cell["network"], 1.0),
    )
    table: dict[str, Any] = {name: {} for name in args.networks}
    for i, (name, data) in enumerate(product(args.networks, DATA)):
        mine = found[i * args.runs : (i + 1) * args.runs]
        table[name][data] = {
            "test": summarise(one["test"] for one in mine),
            "train": summarise(one["train"] for one in mine),
            "runs": [one["test"] for one in mine],
        }
    result = {"table": table, "window": args.window}
    return {**result, "findings": judge(result)}


main = command(
    Args,
    run,
    plot,
    published_figure="None: a sentence of the blog post and of the paper's section on tickets.",
)

if __name__ == "__main__":
    main()
