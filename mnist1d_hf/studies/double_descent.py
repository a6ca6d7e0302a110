"""Deep double descent: the test error of ever larger networks falls, rises, and falls again.

    python -m mnist1d_hf.studies.double_descent --scale paper --workers 2

The paper (section "Observing deep double descent", notebook deep-double-descent) trains one network
per size for 500 epochs on 4000 examples and shows three panels: a perceptron on clean labels, the
same with 15 % of the training labels drawn anew, and a convolutional network with these labels.
Same data, same noisy labels to the bit, same training; every size with several seeds, errors not
rounded down to integers as in its figure, and the test loss, of which the paper says nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
import torch
from torch import nn

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.seeds import seeded
from mnist1d_hf.signals.generate import Mnist1DArrays, make_mnist1d
from mnist1d_hf.signals.params import SignalParams, check_choice
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.double_descent import plot
from mnist1d_hf.studies.rules.double_descent import CHANNELS, HIDDEN, LABEL_NOISE, judge
from mnist1d_hf.training.many import shuffled_batches, train_many

PANELS = {  # network and label noise
    "a": ("mlp", 0.0),
    "b": ("mlp", LABEL_NOISE),
    "c": ("cnn", LABEL_NOISE),
}


@dataclass(frozen=True)
class Args:
    """The settings of the notebook, and how often we repeat it."""

    networks: Annotated[tuple[str, ...], "mlp (panels a and b), cnn (panel c)"] = ("mlp", "cnn")
    hidden_sizes: Annotated[tuple[int, ...], "units of both hidden layers of the MLP"] = HIDDEN
    channels: Annotated[tuple[int, ...], "of every convolution of the CNN"] = CHANNELS
    seeds: Annotated[int, "runs with other initial weights and orders of the data"] = 5
    epochs: Annotated[int, "passes over the training data"] = 500
    batch_size: Annotated[int, "examples per update"] = 100
    learning_rate: Annotated[float, "of SGD"] = 0.01
    momentum: Annotated[float, "of SGD"] = 0.9

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise ValueError(f"seeds={self.seeds}: at least 1")
        for name in self.networks:
            check_choice("networks", name, ("mlp", "cnn"))
        for name, values in (("hidden_sizes", HIDDEN), ("channels", CHANNELS)):
            if len(getattr(self, name)) < 2:
                raise ValueError(f"{name}={getattr(self, name)}: at least two, for a curve")
            for value in getattr(self, name):
                if value not in values:
                    raise ValueError(f"{name}: {value} is not one of {values}")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper", "once" or "smoke"."""
        if scale == "paper":
            return cls()
        if scale == "once":
            return cls(seeds=1)
        return cls(hidden_sizes=(2, 47, 61), channels=(2, 10, 18), seeds=2, epochs=1)


def network(kind: str, size: int, seed: int) -> nn.Sequential:
    """The notebook's perceptron or convolutional network, with torch's initial weights."""
    with seeded(seed):
        if kind == "mlp":
            return nn.Sequential(
                nn.Linear(40, size),
                nn.ReLU(),
                nn.Linear(size, size),
                nn.ReLU(),
                nn.Linear(size, 10),
            )
        layers: list[nn.Module] = [nn.Unflatten(1, (1, 40))]
        for channels, kernel in ((1, 5), (size, 3), (size, 3)):
            layers += [nn.Conv1d(channels, size, kernel, stride=2, padding=1), nn.ReLU()]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(5 * size, 10))


def parameters(kind: str, size: int) -> int:
    """Number of parameters of `network`."""
    return size**2 + 52 * size + 10 if kind == "mlp" else 6 * size**2 + 58 * size + 10


@cache
def load(label_noise: float) -> Mnist1DArrays:
    """4000 training examples, their labels noisy, and 12000 test examples."""
    return make_mnist1d(SignalParams(num_samples=16000, train_split=0.25, label_noise=label_noise))


def train(
    kind: str,
    size: int,
    label_noises: list[float],
    seeds: list[int],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    momentum: float,
) -> dict[str, Any]:
    """Train networks of one size, for each label noise and seed; a cell.

    Returns lists (label noise, seed) of errors in % and losses at the end; the training error is
    that against the noisy labels.
    """
    data = [load(noise) for noise in label_noises]
    x, x_test = (torch.tensor(x, dtype=torch.float32) for x in (data[0].x_train, data[0].x_test))
    labels = torch.tensor(np.stack([d.y_train for d in data])).repeat_interleave(len(seeds), dim=0)
    runs = seeds * len(label_noises)
    history = train_many(
        [network(kind, size, seed) for seed in runs],
        x,
        labels,
        shuffled_batches([len(x)] * len(runs), batch_size, epochs * len(x) // batch_size, runs),
        optimizer="sgd",
        learning_rate=learning_rate,
        momentum=momentum,
        splits={"train": (x, labels), "test": (x_test, torch.tensor(data[0].y_test))},
    )
    shape = len(label_noises), len(seeds)
    found = {}
    for split in ("train", "test"):
        found[f"{split}_error"] = (100 * history.error[split][-1]).view(shape).round(decimals=4)
        found[f"{split}_loss"] = history.loss[split][-1].view(shape).round(decimals=6)
    return found


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """The three panels, and the verdicts."""
    settings = {name: getattr(args, name) for name in ("epochs", "batch_size")}
    settings |= {name: getattr(args, name) for name in ("learning_rate", "momentum")}
    settings["seeds"] = list(range(args.seeds))
    sizes = {"mlp": args.hidden_sizes, "cnn": args.channels}
    noises = {"mlp": [0.0, LABEL_NOISE], "cnn": [LABEL_NOISE]}
    todo = [
        {"kind": kind, "size": size, "label_noises": noises[kind], **settings}
        for kind in args.networks
        for size in sizes[kind]
    ]
    found = cells.run(train, todo, cost=_cost)
    result: dict[str, Any] = {
        "labels": {
            "sha1": hashlib.sha1(load(LABEL_NOISE).y_train.astype("<i8").tobytes()).hexdigest(),
            "changed": int((load(LABEL_NOISE).y_train != load(0.0).y_train).sum()),
        },
        "panels": {},
    }
    for panel, (kind, noise) in PANELS.items():
        ends = [end for cell, end in zip(todo, found, strict=True) if cell["kind"] == kind]
        if ends:
            result["panels"][panel] = {
                "size": list(sizes[kind]),
                "parameters": [parameters(kind, size) for size in sizes[kind]],
                **{
                    name: [end[name][noises[kind].index(noise)] for end in ends] for name in ends[0]
                },
            }
    return {**result, "findings": judge(result)}


def _cost(cell: Mapping[str, Any]) -> float:
    models = len(cell["label_noises"]) * len(cell["seeds"])
    work = 5 if cell["kind"] == "cnn" else 1  # a filter meets ten positions, and five
    return models * (2000 + work * parameters(cell["kind"], cell["size"]))


main = command(
    Args,
    run,
    plot,
    repeated="seeds",
    published_figure=(
        "Three panels over the size of the network, test error solid and training error dashed, "
        "0 to 70 %, a dotted line at 15 % where labels are noisy: MLP without noise, MLP with "
        "it, CNN with it. Errors are rounded down to whole percent."
    ),
)

if __name__ == "__main__":
    main()
