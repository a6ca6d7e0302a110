"""Metalearning an activation function, by differentiating through 301 steps of training.

    python -m mnist1d_hf.studies.metalearn_activation --scale paper --workers 2

The activation of a small network is itself a network, f(x) = ELU(x) + 0.2 m(x); the gradient of the
training loss with respect to the weights of m improves it 301 times (paper, section "Metalearning
an activation function"; notebook metalearn-activation-function). We repeat the published search
with seed 0, then with other seeds and data, and describe the functions it finds. How good they are
is the subject of the study activation_transfer.
"""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from scipy.optimize import least_squares, minimize

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.metalearn_activation import plot
from mnist1d_hf.studies.rules.metalearn_activation import judge
from mnist1d_hf.training.unrolled import (
    Activation,
    accuracy,
    flat,
    look_up,
    tabulate,
    train,
    training_noise,
    two_layers,
)

BUMP = (-4, -1)  # where the learned function is positive and Swish is not
SCALES = np.geomspace(0.25, 4, 33)  # of x, for all functions alike
TESTED = 500  # test examples behind the published accuracies
LIKENESS = {
    "relu": torch.relu,
    "swish": torch.nn.functional.silu,
    "elu": torch.nn.functional.elu,
    "softplus": torch.nn.functional.softplus,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


@dataclass(frozen=True)
class Args:
    """The settings of the notebook, and what we add."""

    seeds: Annotated[tuple[int, ...], "searches, with their own data; 0: the notebook's"] = (
        *range(10),
    )
    outer_steps: Annotated[int, "updates of the activation"] = 301
    outer_rate: Annotated[float, "step size of those updates"] = 0.3
    clamp: Annotated[float, "bound of every element of their gradient"] = 0.1
    inner_steps: Annotated[int, "updates of the network between them"] = 301
    inner_rate: Annotated[float, "step size of the network, RMSprop"] = 0.01
    averaged: Annotated[int, "last losses whose mean is the objective"] = 200
    batch_size: Annotated[int, "examples per inner update, in dataset order"] = 100
    hidden_size: Annotated[int, "hidden units of the network"] = 128
    meta_size: Annotated[int, "hidden units of the activation"] = 100
    num_samples: Annotated[int, "examples in the dataset, four fifths of them for training"] = 10000

    def __post_init__(self) -> None:
        if self.inner_steps < 2:
            raise ValueError(f"inner_steps={self.inner_steps}: at least 2, as the notebook's noise")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper", "once" or "smoke"."""
        if scale == "paper":
            return cls()
        if scale == "once":
            return cls(seeds=(0,))
        return cls(seeds=(0,), outer_steps=2)


class Draws(NamedTuple):
    """All random numbers of one search, in the notebook's order, so that seed 0 is its run."""

    meta: list[torch.Tensor]  # initial weights of the network that is the activation
    first: torch.Tensor  # initial inner weights in outer step 0, flat
    later: torch.Tensor  # and in every later one: the notebook seeds each training anew
    meta_noise: torch.Tensor  # (inner steps + 1, meta_size); the last row is for the test
    noise: torch.Tensor  # (inner steps + 1, hidden_size)


def search_draws(seed: int, steps: int, hidden_size: int, meta_size: int) -> Draws:
    """What the notebook draws in a search with this seed."""
    generator = torch.Generator().manual_seed(seed)
    meta = two_layers(1, meta_size, 1, generator)
    first = flat(two_layers(40, hidden_size, 10, generator))
    generator.manual_seed(seed)
    meta_noise, noise = training_noise(steps, meta_size, hidden_size, generator=generator)
    # the notebook samples the activation, with noise, for its figure
    torch.rand(meta_size, generator=generator)
    later = flat(two_layers(40, hidden_size, 10, generator))
    return Draws(meta, first, later, meta_noise, noise)


def problem(seed: int, num_samples: int, steps: int, batch: int) -> tuple[torch.Tensor, ...]:
    """Training batches x (steps, batch, 40) and labels in row order, test x and labels.

    Seed 0 has the notebook's data, those of dataset seed 42; other seeds have their own.
    """
    data = make_mnist1d(SignalParams(num_samples=num_samples, seed=42 + seed))
    rows = np.arange(steps * batch).reshape(steps, batch) % len(data.x_train)
    x, x_test = (torch.tensor(a, dtype=torch.float32) for a in (data.x_train, data.x_test))
    return x[rows], torch.tensor(data.y_train)[rows], x_test, torch.tensor(data.y_test)


def search(
    seed: int,
    outer_steps: int,
    outer_rate: float,
    clamp: float,
    inner_steps: int,
    inner_rate: float,
    averaged: int,
    batch_size: int,
    hidden_size: int,
    meta_size: int,
    num_samples: int,
) -> dict[str, Any]:
    """Gradient descent on the activation's weights; a cell.

    Returns per outer step the objective (mean of the last `averaged` losses), the last loss, the
    accuracy on 500 test examples and the squared norm of the clamped gradient; some 50 of the
    functions on the way, without noise, at 101 points of [-5, 5]; and the final weights.
    """
    x, labels, x_test, y_test = problem(seed, num_samples, inner_steps, batch_size)
    draws = search_draws(seed, inner_steps, hidden_size, meta_size)
    meta = [p.requires_grad_() for p in draws.meta]
    names = ("objective", "final_loss", "test_accuracy", "squared_gradient")
    trace: dict[str, list[float]] = {name: [] for name in names}
    shapes: dict[str, list] = {"step": [], "y": []}
    for step in range(outer_steps):
        activation = noisy(meta, draws.meta_noise)
        start = draws.later if step else draws.first
        losses, weights = train(activation, start, draws.noise, x, labels, inner_rate)
        objective = losses[-averaged:].mean()
        gradient = [g.clamp(-clamp, clamp) for g in torch.autograd.grad(objective, meta)]
        measured = objective.item(), losses[-1].item()
        with torch.no_grad():
            known = accuracy(activation, weights, draws.noise, x_test[:TESTED], y_test[:TESTED])
        norm = sum((g**2).sum().item() for g in gradient)
        for name, value in zip(names, (*measured, known, norm), strict=True):
            trace[name].append(round(value, 6))
        steps = zip(meta, gradient, strict=True)
        meta = [(p - outer_rate * g).detach().requires_grad_() for p, g in steps]
        if step % max(1, outer_steps // 50) == 0 or step == outer_steps - 1:
            shapes["step"].append(step)
            shapes["y"].append(sample([p.tolist() for p in meta], np.linspace(-5, 5, 101)).round(5))
    return {**trace, "shapes": shapes, "meta": [p.tolist() for p in meta]}


def noisy(meta: list[torch.Tensor], meta_noise: torch.Tensor) -> Activation:
    """The activation during a search: its table, shifted by the noise of each step."""
    table = tabulate(meta)
    shift = 0.2 * (meta_noise @ meta[2].T)

    def activation(x: torch.Tensor, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        value, slope = look_up(table, x)
        return value + shift[step], slope

    return activation


def sample(meta: list[Any], x: np.ndarray) -> np.ndarray:
    """f(x) = ELU(x) + 0.2 m(x) without noise, from the weights of m, at any x (n,), in float64."""
    w, b, v, c = (np.array(p) for p in meta)
    return elu(x) + 0.2 * (np.tanh(x[:, None] * w.T + b) @ v.T + c)[:, 0]


def elu(x: np.ndarray) -> np.ndarray:
    """ELU in NumPy."""
    return np.maximum(x, 0) + np.expm1(np.minimum(x, 0))


def fit_line(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """The continuous piecewise-linear function with five knots that is closest to y at x."""

    def solve(knots: np.ndarray) -> tuple[np.ndarray, float]:
        columns = [np.ones_like(x), x, *(np.maximum(x - knot, 0) for knot in knots)]
        basis = np.stack(columns, axis=1)
        solution = np.linalg.lstsq(basis, y)[0]
        return solution, float(np.sqrt(np.mean((basis @ solution - y) ** 2)))

    start = [-2, -1, -0.25, 0.1, 0.6]  # the knots of the notebook's copy by hand
    options = {"maxiter": 2000, "xatol": 1e-4, "fatol": 1e-7}
    best = minimize(lambda k: solve(k)[1], start, method="Nelder-Mead", options=options)
    knots = np.sort(best.x)
    (intercept, slope, *kinks), distance = solve(knots)
    fitted = {"intercept": intercept, "slope": slope, "knots": list(knots), "kinks": kinks}
    return {key: np.round(value, 4).tolist() for key, value in fitted.items()} | {"rms": distance}


def fit_tanh(x: np.ndarray, y: np.ndarray, units: int = 6) -> dict[str, Any]:
    """A few tanh units and an offset, the closest to y at x of ten fits: the form we ship."""
    random = np.random.default_rng(0)

    def value(p: np.ndarray) -> np.ndarray:
        height, slope, shift = p[1:].reshape(3, units, 1)
        return p[0] + (height * np.tanh(slope * x + shift)).sum(0)

    def jacobian(p: np.ndarray) -> np.ndarray:
        height, slope, shift = p[1:].reshape(3, units, 1)
        hidden = np.tanh(slope * x + shift)
        rest = height * (1 - hidden**2)
        return np.concatenate([np.ones((1, len(x))), hidden, rest * x, rest]).T

    starts = random.normal(size=(10, 1 + 3 * units))
    fits = [least_squares(lambda p: value(p) - y, p, jacobian, max_nfev=300) for p in starts]
    best = np.round(min(fits, key=lambda fit: fit.cost).x, 4)
    rows = best[1:].reshape(3, units).T
    return {
        "offset": float(best[0]),
        "units": rows[np.argsort(-rows[:, 2] / rows[:, 1])].tolist(),  # (height, slope, shift)
        "largest_error": float(np.abs(value(best) - y).max()),
    }


def describe(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Local extrema, where the function is positive, and its likeness to each baseline.

    Likeness is the R^2 of the best a g(x) + b, over the points x; `likeness outside` that of the
    best a g(s x) + b outside BUMP, which the paper names as the difference from Swish.
    """
    turns = np.flatnonzero(np.diff(np.sign(np.diff(y)))) + 1
    kind = {True: "maximum", False: "minimum"}
    edges = np.concatenate([[-1], np.flatnonzero(np.diff(y > 0)), [len(x) - 1]])
    likeness = {name: round(fit(f, x, y), 4) for name, f in LIKENESS.items()}
    outside = (x < BUMP[0]) | (x > BUMP[1])
    scaled = {
        name: round(max(fit(f, s * x[outside], y[outside]) for s in SCALES), 4)
        for name, f in LIKENESS.items()
    }
    return {
        "extrema": [
            {
                "kind": kind[bool(y[i] > y[i - 1])],
                "x": round(float(x[i]), 3),
                "y": round(float(y[i]), 3),
            }
            for i in turns
        ],
        "positive": [
            [round(float(x[i + 1]), 3), round(float(x[j]), 3)]
            for i, j in zip(edges, edges[1:], strict=False)
            if y[j] > 0
        ],
        "likeness": likeness,
        "likeness outside": scaled,
    }


def fit(function: Any, x: np.ndarray, y: np.ndarray) -> float:
    """R^2 of the best a g(x) + b over the points x."""
    basis = np.stack([function(torch.tensor(x)).numpy(), np.ones_like(x)], axis=1)
    rest = y - basis @ np.linalg.lstsq(basis, y)[0]
    return float(1 - rest.var() / y.var())


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """The searches, the functions they found, their simple copies, and the verdicts."""
    knobs = asdict(args)
    seeds = knobs.pop("seeds")
    searches = cells.run(search, [{"seed": seed, **knobs} for seed in seeds])
    x = np.linspace(-5, 5, 501)
    found = [sample(trace["meta"], x) for trace in searches]
    wide = np.linspace(-10, 10, 401)
    result = {
        "seeds": list(seeds),
        "searches": searches,
        "descriptions": [describe(x, y) for y in found],
        "lines": [fit_line(x, y) for y in found],
        "tanh": fit_tanh(wide, sample(searches[0]["meta"], wide) - elu(wide)),
    }
    return {**result, "findings": judge(result)}


main = command(
    Args,
    run,
    plot,
    repeated="seeds",
    published_figure=(
        "Three panels: the outer objective; test accuracy in black with a horizontal line for "
        "each baseline; the function on [-5, 5] as it changes, purple to yellow."
    ),
)

if __name__ == "__main__":
    main()
