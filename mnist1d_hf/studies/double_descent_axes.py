"""Double descent over training steps, and over rows: the other two axes of Nakkiran et al. (2019).

    python -m mnist1d_hf.studies.double_descent_axes --scale paper --workers 2

The paper varies the size of the network alone. Here the network, the optimizer and the 15 % of
noisy labels are those of its notebook deep-double-descent, panel b, and what varies is how long a
wide perceptron is trained, or how many rows a perceptron has whose size is the paper's threshold at
4000 rows. If there is double descent, the test error rises in between, with more steps or rows.
"""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import torch
from torch import nn

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.seeds import seeded
from mnist1d_hf.signals.generate import Mnist1DArrays, make_mnist1d
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.double_descent_axes import plot
from mnist1d_hf.studies.rules.double_descent_axes import judge
from mnist1d_hf.training.many import shuffled_batches, train_many

LABEL_NOISE, RATE, MOMENTUM, BATCH = 0.15, 0.01, 0.9, 100  # as in the notebook
ROWS = 12_000  # of training, and as many of test


@dataclass(frozen=True)
class Args:
    """The notebook's training, along two axes."""

    seeds: Annotated[int, "runs with other initial weights and orders of the data"] = 5
    wide: Annotated[int, "hidden units of the network trained for ever longer"] = 300
    narrow: Annotated[int, "hidden units of the network with ever more rows"] = 47
    train_rows: Annotated[int, "of the wide network"] = 4000
    rows: Annotated[tuple[int, ...], "of the narrow network"] = (
        *(500, 1000, 1500, 2000, 3000, 4000),
        *(6000, 8000, 12_000),
    )
    updates: Annotated[int, "of the weights: 500 passes over 4000 rows"] = 20_000
    evaluate_every: Annotated[int, "updates between points of the curve over steps"] = 200

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise ValueError(f"seeds={self.seeds}: at least 2, for an interval")
        if len(self.rows) < 2 or self.updates < 2 * self.evaluate_every:
            raise ValueError(
                f"rows={self.rows}, updates={self.updates}: at least two numbers of rows, and two "
                f"times evaluate_every={self.evaluate_every} updates, for a curve"
            )
        for size in (self.train_rows, *self.rows):
            if not 1 <= size <= ROWS or size % BATCH:
                raise ValueError(f"rows: {size} must be a multiple of {BATCH}, at most {ROWS}")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper" or "smoke"."""
        if scale == "paper":
            return cls()
        return cls(
            seeds=2, wide=10, narrow=5, rows=(500, 1000, 2000), updates=40, evaluate_every=10
        )


def network(size: int, seed: int) -> nn.Sequential:
    """The notebook's perceptron with two hidden layers, with torch's initial weights."""
    with seeded(seed):
        return nn.Sequential(
            *(nn.Linear(40, size), nn.ReLU(), nn.Linear(size, size), nn.ReLU()),
            nn.Linear(size, 10),
        )


@cache
def load() -> Mnist1DArrays:
    """12,000 training rows with noisy labels, and 12,000 test rows."""
    return make_mnist1d(
        SignalParams(num_samples=2 * ROWS, train_split=0.5, label_noise=LABEL_NOISE)
    )


def train(
    size: int, rows: int, seeds: list[int], updates: int, evaluate_every: int
) -> dict[str, Any]:
    """Train one network per seed on the first `rows` rows; a cell.

    Returns the steps measured, and lists (time, seed) of errors in %, that of training against the
    noisy labels.
    """
    data = load()
    x, x_test = (torch.tensor(a, dtype=torch.float32) for a in (data.x_train[:rows], data.x_test))
    labels = torch.tensor(data.y_train[:rows])
    history = train_many(
        [network(size, seed) for seed in seeds],
        x,
        labels,
        shuffled_batches([rows] * len(seeds), BATCH, updates, seeds),
        optimizer="sgd",
        learning_rate=RATE,
        momentum=MOMENTUM,
        splits={"train": (x, labels), "test": (x_test, torch.tensor(data.y_test))},
        evaluate_every=evaluate_every,
    )
    errors = {name: (100 * e).round(decimals=3) for name, e in history.error.items()}
    return {"steps": history.steps, **errors}


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """Both curves, and the verdicts."""
    common = {"seeds": list(range(args.seeds)), "updates": args.updates}
    todo: list[dict[str, Any]] = [
        {"size": args.wide, "rows": args.train_rows, "evaluate_every": args.evaluate_every}
    ]
    todo += [{"size": args.narrow, "rows": n, "evaluate_every": args.updates} for n in args.rows]
    longest, *ends = cells.run(
        train, [{**cell, **common} for cell in todo], cost=lambda cell: cell["size"]
    )
    result = {
        "steps": {"at": longest["steps"], "test": longest["test"], "train": longest["train"]},
        "rows": {
            "at": list(args.rows),
            "test": [one["test"][-1] for one in ends],
            "train": [one["train"][-1] for one in ends],
        },
        "sizes": {"steps": args.wide, "rows": args.narrow},
    }
    return {**result, "findings": judge(result)}


main = command(Args, run, plot)

if __name__ == "__main__":
    main()
