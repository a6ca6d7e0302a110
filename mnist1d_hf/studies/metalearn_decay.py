"""Metalearning a weight decay, by differentiating through training: as for the learning rate.

    python -m mnist1d_hf.studies.metalearn_decay --scale paper --workers 2

The paper metalearns a learning rate and says that the same works for other hyperparameters. A
learning rate can be judged by the training loss, a weight decay cannot: here the outer objective is
the loss after the last inner step on rows that were not trained on. The network and plain gradient
descent are those of the notebook metalearn-learn-rate, on few rows, which it overfits. The search
moves the logarithm of the weight decay, so that it stays positive, from several starts, and is
compared with a search on a grid.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor
from torch.func import grad_and_value, vmap
from torch.nn.functional import cross_entropy

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.metalearn_decay import plot
from mnist1d_hf.studies.rules.metalearn_decay import judge
from mnist1d_hf.training.unrolled import two_layers

HIDDEN, BATCH, RATE = 50, 50, 0.5  # tanh units, rows of an inner step, its learning rate


@dataclass(frozen=True)
class Args:
    """What is trained, and the search for its weight decay."""

    problems: Annotated[int, "each with its own data and initial weights"] = 5
    train_rows: Annotated[int, "few, so that the network overfits"] = 500
    inner_steps: Annotated[int, "updates of the weights"] = 600
    outer_steps: Annotated[int, "updates of the weight decay"] = 40
    outer_rate: Annotated[float, "step size of its logarithm"] = 3.0
    starts: Annotated[tuple[float, ...], "weight decays to start from"] = (3e-4, 3e-3, 3e-2)
    grid_size: Annotated[int, "weight decays of the grid, from 1e-4 to 0.1"] = 19

    def __post_init__(self) -> None:
        if self.problems < 2:
            raise ValueError(f"problems={self.problems}: at least 2, for an interval")
        if self.train_rows % BATCH or not BATCH <= self.train_rows <= 4000:
            raise ValueError(
                f"train_rows={self.train_rows}: must be a multiple of {BATCH}, at most 4000"
            )
        if min(self.starts) <= 0:
            raise ValueError(f"starts={self.starts}: must be above 0")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper" or "smoke"."""
        if scale == "paper":
            return cls()
        return cls(problems=2, inner_steps=20, outer_steps=2, starts=(3e-3, 3e-2), grid_size=5)


def setting(
    problem: int, rows: int, steps: int
) -> tuple[list[Tensor], Tensor, Tensor, Tensor, Tensor]:
    """Initial weights, batches (steps, 50, 40) with labels, and 1000 other rows with theirs."""
    data = make_mnist1d(SignalParams(seed=42 + problem))
    order = np.arange(steps * BATCH).reshape(steps, BATCH) % rows
    x, held = (torch.tensor(a, dtype=torch.float32) for a in (data.x_train[order], data.x_test))
    return (
        two_layers(40, HIDDEN, 10, torch.Generator().manual_seed(problem)),
        *(x, torch.tensor(data.y_train[order]), held, torch.tensor(data.y_test)),
    )


def loss(weights: list[Tensor], x: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the network 40-hidden-10 with tanh."""
    w1, b1, w2, b2 = weights
    return cross_entropy(torch.tanh(x @ w1.T + b1) @ w2.T + b2, labels)


def objective(
    log_decay: Tensor, weights: list[Tensor], x: Tensor, labels: Tensor, held: Tensor, y: Tensor
) -> Tensor:
    """The loss on other rows after training; differentiable in `log_decay`."""
    decay = log_decay.exp()
    for batch in zip(x, labels, strict=True):
        gradients, _ = grad_and_value(loss)(weights, *batch)
        weights = [w - RATE * (g + decay * w) for w, g in zip(weights, gradients, strict=True)]
    return loss(weights, held, y)


def search(
    problem: int,
    starts: list[float],
    train_rows: int,
    inner_steps: int,
    outer_steps: int,
    outer_rate: float,
) -> dict[str, list]:
    """Follow the gradient from several starts at once; a cell.

    Returns lists (start, outer step): the weight decay after each step, and the loss before it.
    """
    fixed = setting(problem, train_rows, inner_steps)
    gradients_of = vmap(grad_and_value(objective), in_dims=(0, None, None, None, None, None))
    log_decay = torch.tensor(starts).log()
    decays, losses = [], []
    for _ in range(outer_steps):
        gradient, value = gradients_of(log_decay, *fixed)
        log_decay = log_decay - outer_rate * gradient
        decays.append(log_decay.exp())
        losses.append(value)
    found = {"decay": torch.stack(decays).T, "loss": torch.stack(losses).T}
    return {name: [finite(row) for row in rows] for name, rows in found.items()}


def grid(problem: int, size: int, train_rows: int, inner_steps: int) -> dict[str, Any]:
    """The loss on a logarithmic grid of weight decays, that without any, and the best; a cell."""
    fixed = setting(problem, train_rows, inner_steps)
    decays = torch.logspace(-4, -1, size)
    with torch.no_grad():
        losses = vmap(lambda log_decay: objective(log_decay, *fixed))(decays.log())
        without = objective(torch.tensor(-math.inf), *fixed)
    return {
        "decay": finite(decays),
        "loss": finite(losses),
        "without": without.item(),
        "best": decays[int(losses.nan_to_num(math.inf).argmin())].item(),
    }


def finite(values: Tensor) -> list[float | None]:
    return [round(v, 8) if math.isfinite(v) else None for v in values.tolist()]


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """Searches and grids of all problems, and the verdicts."""
    common = {"train_rows": args.train_rows, "inner_steps": args.inner_steps}
    outer = {"starts": list(args.starts), "outer_steps": args.outer_steps}
    outer |= {"outer_rate": args.outer_rate}
    problems = [{"problem": number, **common} for number in range(args.problems)]
    result = {
        "starts": list(args.starts),
        "searches": cells.run(search, [{**problem, **outer} for problem in problems]),
        "grids": cells.run(grid, [{**problem, "size": args.grid_size} for problem in problems]),
    }
    return {**result, "findings": judge(result)}


main = command(Args, run, plot, published_figure="None: a sentence of the paper.")

if __name__ == "__main__":
    main()
