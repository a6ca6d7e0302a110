"""One network of the benchmark, or many at once, trained and tested by one of its two protocols.

    run = train("cnn", "shuffled", "validation", "paper", seed=0, updates=6001, evaluate_every=250)
    run["accuracy"]                                          # percent of the test rows

The protocol `last_step` is the original's (notebook mnist1d-classification): all 4000 training rows
in their order, and the test rows at every point of the curve. In `validation` the last 500 of these
rows select the step, and the test rows are looked at once, there.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch

from mnist1d_hf.models import new_model
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import CONFIGS, check_choice
from mnist1d_hf.training.by_recipe import BATCH, epochs, training
from mnist1d_hf.training.many import ordered_batches, rows_of, train_many
from mnist1d_hf.training.predictions import accuracy, predict
from mnist1d_hf.training.recipes import recipe_of


def load(
    config: str, protocol: str, data_seeds: Sequence[int] = ()
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Splits as (x, labels); validation rows only in the protocol `validation`.

    Those of several generator seeds are (seeds, rows, 40) and (seeds, rows). Raises ValueError for
    an unknown config or protocol.
    """
    check_choice("config", config, CONFIGS)
    check_choice("protocol", protocol, ("last_step", "validation"))
    params = replace(CONFIGS[config], validation_size=500 if protocol == "validation" else 0)
    parts = [make_mnist1d(replace(params, seed=seed)) for seed in data_seeds or [params.seed]]
    names = [
        name for name in ("train", "validation", "test") if len(getattr(parts[0], f"x_{name}"))
    ]
    return {
        name: (
            rows_of([getattr(part, f"x_{name}") for part in parts]).float(),
            rows_of([getattr(part, f"y_{name}") for part in parts]),
        )
        for name in names
    }


def train(
    model: str,
    config: str,
    protocol: str,
    recipe: str,
    seed: int,
    updates: int,
    evaluate_every: int,
    weight_decay: float = 0.0,
    data_seed: int | None = None,
    **sizes: int,
) -> dict[str, Any]:
    """Train one network, perhaps on data of another generator seed; a cell.

    Accuracies are in percent, errors are counts per class, and `predicted` has a digit for each row
    of test, so that networks can be compared row by row.
    """
    splits = load(config, protocol, [] if data_seed is None else [data_seed])
    x_test, y_test = splits["test"] if protocol == "last_step" else splits.pop("test")
    network, how = new_model(model, seed, **sizes), recipe_of(model, recipe)
    if weight_decay:
        how = replace(how, weight_decay=weight_decay)
    rows = epochs(how, *splits["train"], torch.Generator().manual_seed(seed))
    curves: dict[str, list[float]] = {name: [] for name in splits}
    best, chosen = -1.0, 0
    for update in training(network, how, rows, updates):
        if update % evaluate_every and update < updates:
            continue
        for name, (x, y) in splits.items():
            curves[name].append(accuracy(network, x, y))
        score = curves["validation"][-1] if protocol == "validation" else update
        if score > best:  # of equals the first
            best, chosen, weights = score, update, deepcopy(network.state_dict())
    network.load_state_dict(weights)
    predicted = predict(network, x_test)
    errors = errors_by_class(predicted, y_test)
    return {
        "predicted": digits(predicted),
        "update": chosen,
        "accuracy": round(100 - 100 * sum(errors) / len(y_test), 3),
        "errors": errors,
        "curves": curves,
    }


def train_seeds(
    model: str,
    config: str,
    protocol: str,
    seeds: list[int],
    updates: int,
    evaluate_every: int,
    data_seeds: Sequence[int] = (),
    **sizes: int,
) -> list[dict[str, Any]]:
    """The same by the paper's recipe, one result per seed, all networks at once; a cell.

    Each has data of its own where `data_seeds` are given.
    """
    splits = load(config, protocol, data_seeds)
    networks = [new_model(model, seed, **sizes) for seed in seeds]
    history = train_many(
        networks,
        *splits["train"],
        ordered_batches(splits["train"][0].shape[-2], BATCH, updates),
        splits=splits,
        evaluate_every=evaluate_every,
    )
    accuracy = {name: (100 - 100 * e).round(decimals=3) for name, e in history.error.items()}
    tests = accuracy.pop("test") if protocol == "validation" else accuracy["test"]
    x, y = splits["test"]
    x_tests, y_tests = x.expand(len(networks), *x.shape[-2:]), y.expand(len(networks), y.shape[-1])
    found: list[dict[str, Any]] = []
    for i, (network, x_test, y_test) in enumerate(zip(networks, x_tests, y_tests, strict=True)):
        chosen = int(accuracy["validation"][:, i].argmax()) if protocol == "validation" else -1
        found.append(
            {
                "update": history.steps[chosen],
                "accuracy": tests[chosen, i].item(),
                "predicted": None,
                "errors": None,
                "curves": {name: curve[:, i].tolist() for name, curve in accuracy.items()},
            }
        )
        if protocol == "last_step":  # the networks are those after the last update
            predicted = predict(network, x_test)
            errors = errors_by_class(predicted, y_test)
            found[-1] |= {"predicted": digits(predicted), "errors": errors}
    return found


def errors_by_class(predicted: torch.Tensor, labels: torch.Tensor) -> list[int]:
    """How many rows of each of the ten classes got another one."""
    return torch.bincount(labels[predicted != labels], minlength=10).tolist()


def digits(classes: torch.Tensor) -> str:
    """Classes (n,) as text, a digit a row."""
    return "".join(map(str, classes.tolist()))
