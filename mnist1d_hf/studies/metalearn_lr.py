"""Metalearning a learning rate, by differentiating through 200 steps of training.

    python -m mnist1d_hf.studies.metalearn_lr --scale paper --workers 2

The gradient of the mean training loss with respect to the learning rate moves the rate itself.
The paper (section "Metalearning a learning rate", notebook metalearn-learn-rate) starts at 1.5 and
at 0.15 and ends at 0.62 both times, "regardless of initialization". We reproduce its two traces,
then vary what it kept fixed: the initial weights, the order of the data, and the starting rate
over more than two decades, each against a search on a grid of rates.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from torch.func import grad_and_value, vmap
from torch.nn.functional import cross_entropy

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import check_integer
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.metalearn_lr import plot
from mnist1d_hf.studies.rules.metalearn_lr import PUBLISHED_RATES, judge
from mnist1d_hf.training.unrolled import two_layers


@dataclass(frozen=True)
class Args:
    """The settings of the notebook, and what we vary."""

    outer_steps: Annotated[int, "updates of the learning rate"] = 50
    outer_rate: Annotated[float, "step size of those updates"] = 0.3
    inner_steps: Annotated[int, "updates of the weights between them"] = 200
    batch_size: Annotated[int, "examples per inner update, in dataset order"] = 50
    hidden_size: Annotated[int, "tanh units of the network that is trained"] = 50
    init_seeds: Annotated[tuple[int, ...], "initial weights to try"] = (0, 1, 2, 3, 4)
    rolls: Annotated[tuple[int, ...], "rows by which the data are rotated"] = (0, 1000, 2000, 3000)
    rates: Annotated[tuple[float, ...], "starting rates"] = (0.02, 0.05, 0.15, 0.5, 1.5, 2, 3, 5)
    grid_size: Annotated[int, "rates of the grid search, from 0.3 to 1.2"] = 61

    def __post_init__(self) -> None:
        check_integer("grid_size", self.grid_size, 5, math.inf, "a parabola goes through 5 of them")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper", "once" or "smoke"."""
        if scale == "paper":
            return cls()
        if scale == "once":
            return cls(init_seeds=(0,), rolls=(0,), rates=tuple(PUBLISHED_RATES))
        return cls(outer_steps=4, init_seeds=(0,), rolls=(0,), rates=(0.15, 5.0), grid_size=9)


def initial_weights(seed: int, hidden_size: int) -> list[torch.Tensor]:
    """Weights and biases of two linear layers as torch draws them after `manual_seed(seed)`."""
    return two_layers(40, hidden_size, 10, torch.Generator().manual_seed(seed))


def batches(count: int, size: int, roll: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (count, size, 40) and labels (count, size): rows in order, starting at row `roll`."""
    data = make_mnist1d()
    rows = (roll + np.arange(count * size).reshape(count, size)) % len(data.x_train)
    return torch.tensor(data.x_train[rows], dtype=torch.float32), torch.tensor(data.y_train[rows])


def loss(weights: list[torch.Tensor], x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the network 40-hidden-10 with tanh."""
    w1, b1, w2, b2 = weights
    return cross_entropy(torch.tanh(x @ w1.T + b1) @ w2.T + b2, labels)


def training_losses(
    rate: torch.Tensor, weights: list[torch.Tensor], x: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Losses (steps,) of plain gradient descent, one per batch; differentiable in `rate`."""
    losses = []
    for batch in zip(x, labels, strict=True):
        gradients, value = grad_and_value(loss)(weights, *batch)
        weights = [w - rate * gradient for w, gradient in zip(weights, gradients, strict=True)]
        losses.append(value)
    return torch.stack(losses)


def objective(rate: torch.Tensor, *problem: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """What the learning rate shall minimise, the mean training loss; and the final one."""
    losses = training_losses(rate, *problem)
    return losses.mean(), losses[-1]


def search(
    init_seed: int,
    roll: int,
    rates: list[float],
    outer_steps: int,
    outer_rate: float,
    inner_steps: int,
    batch_size: int,
    hidden_size: int,
) -> dict[str, list]:
    """Follow the gradient from several starting `rates` at once; a cell.

    Returns lists (start, outer step): the rate after each step, and the losses before it. Values
    that are not finite, after a divergence, are None.
    """
    problem = initial_weights(init_seed, hidden_size), *batches(inner_steps, batch_size, roll)
    # one vmap over the starts: torch's overhead per operation is paid once for all of them
    gradients_of = vmap(grad_and_value(objective, has_aux=True), in_dims=(0, None, None, None))
    rate = torch.tensor(rates)
    trace: dict[str, list] = {"rate": [], "mean_loss": [], "final_loss": []}
    for _ in range(outer_steps):
        gradient, (mean_loss, final_loss) = gradients_of(rate, *problem)
        rate = rate - outer_rate * gradient
        for name, value in zip(trace, (rate, mean_loss, final_loss), strict=True):
            trace[name].append(value)
    return {name: [_finite(row) for row in torch.stack(v).T] for name, v in trace.items()}


def grid(
    init_seed: int, roll: int, size: int, inner_steps: int, batch_size: int, hidden_size: int
) -> dict[str, Any]:
    """Mean training loss on a grid of rates, and the minimum of a parabola through it; a cell."""
    problem = initial_weights(init_seed, hidden_size), *batches(inner_steps, batch_size, roll)
    rates = torch.linspace(0.3, 1.2, size)
    mean_loss = vmap(lambda rate: objective(rate, *problem)[0])(rates).numpy().astype(float)
    lowest = int(np.clip(mean_loss.argmin(), 2, size - 3))
    near = slice(lowest - 2, lowest + 3)
    curvature, linear, _ = np.polyfit(rates.numpy()[near], mean_loss[near], 2)
    best = float(-linear / (2 * curvature))
    return {"rates": _finite(rates), "mean_loss": _finite(torch.tensor(mean_loss)), "best": best}


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """Both published traces, the robustness of where they end, and the verdicts."""
    inner = {name: getattr(args, name) for name in ("inner_steps", "batch_size", "hidden_size")}
    outer = {"outer_steps": args.outer_steps, "outer_rate": args.outer_rate, **inner}
    problems = [{"init_seed": i, "roll": r} for i in args.init_seeds for r in args.rolls]
    original = {"init_seed": 0, "roll": 0, "rates": list(PUBLISHED_RATES)}
    published, *searches = cells.run(
        search,
        [{**original, **outer}] + [{**p, "rates": list(args.rates), **outer} for p in problems],
        cost=lambda cell: 1 + len(cell["rates"]),
    )
    grids = cells.run(grid, [{**p, "size": args.grid_size, **inner} for p in problems])
    ends = [
        {**problem, "best": on_grid["best"], "start": start, "end": rates[-1]}
        for problem, on_grid, found in zip(problems, grids, searches, strict=True)
        for start, rates in zip(args.rates, found["rate"], strict=True)
    ]
    result = {"published": published, "best_on_grid": grids, "ends": ends}
    return {**result, "findings": judge(result)}


def _finite(values: torch.Tensor) -> list[float | None]:
    return [round(v, 7) if math.isfinite(v) else None for v in values.tolist()]


main = command(
    Args,
    run,
    plot,
    repeated="init_seeds",
    published_figure=(
        "Three panels over 50 outer steps, red from 1.5 and blue from 0.15: mean inner loss (cut "
        "at 1.75), final training loss, and the learning rate with dots."
    ),
)

if __name__ == "__main__":
    main()
