"""How far from the best possible? Six models beside the exact optimum.

    python -m mnist1d_hf.studies.optimum --scale paper --workers 2

The generator is known, so the probability of each class given a signal can be computed
(`mnist1d_hf.class_posterior`), and with it the accuracy that no classifier exceeds. We measure the
six models against it: over noise, translation and length (the dials that the paper's repository
calls hardness), over the number of training examples, and when they are trained on the exact
probabilities in place of labels. Every run has training examples of its own (counter stream) and is
tested on the same fresh ones; n runs differ in data and in initial weights.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import torch
from torch.nn import functional as F

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.models import new_model
from mnist1d_hf.signals.counter import TEST_START
from mnist1d_hf.signals.generate import make_mnist1d, make_range
from mnist1d_hf.signals.params import CONFIGS, SignalParams, check_choice, config_params
from mnist1d_hf.signals.posterior import class_posterior
from mnist1d_hf.studies.command import command
from mnist1d_hf.studies.plots.optimum import (
    plot,
    plot_calibration,
    plot_dials,
    plot_learning,
    plot_rows,
)
from mnist1d_hf.studies.rules.optimum import LABELS, POSTERIOR, judge
from mnist1d_hf.training.batches import batches
from mnist1d_hf.training.by_recipe import BATCH, Examples, epochs, training
from mnist1d_hf.training.calibration import best_temperature, calibration_error
from mnist1d_hf.training.recipes import RECIPES, Recipe

TEST_SEED = 0  # of the test examples, the same for all runs; training seeds start at 1
FITTED = 1000  # test examples, after the measured ones, that the temperature is fitted on
TESTED = ("default", "noisy")  # configs with claims on the distance to the optimum
NOISY: dict[str, Any] = {"config": "noisy", "overrides": {}}
AMBIGUOUS = 0.9  # a row of the frozen test set whose most probable class has less is shown
# the values of each dial; the others stay at the config default, which is one of each
DIALS: dict[str, tuple[float, ...]] = {
    "iid_noise_scale": (0.02, 0.05, 0.1, 0.2, 0.4),
    "corr_noise_scale": (0.1, 0.25, 0.5, 1.0),
    "max_translation": (1, 24, 48, 60),
    "final_seq_length": (12, 20, 40, 72),
}


@dataclass(frozen=True)
class Args:
    """What is measured, and how often."""

    models: Annotated[tuple[str, ...], "architectures"] = tuple(RECIPES)
    seeds: Annotated[int, "runs, each with data and initial weights of its own"] = 5
    ceiling_rows: Annotated[int, "test examples behind each ceiling"] = 20_000
    test_rows: Annotated[int, "test examples of each run"] = 5000
    dials: Annotated[tuple[str, ...], "parameters that are varied"] = tuple(DIALS)
    row_counts: Annotated[tuple[int, ...], "training examples on noisy; 0: always new"] = (
        *(1000, 4000, 16_000, 64_000),
        0,
    )
    distilled: Annotated[tuple[str, ...], "models trained on the exact probabilities too"] = (
        *("mlp", "cnn", "tcn"),
    )
    distilled_counts: Annotated[tuple[int, ...], "training examples of these"] = (
        *(1000, 4000, 16_000),
    )
    fraction_of_steps: Annotated[float, "of the steps of each recipe"] = 1.0

    def __post_init__(self) -> None:
        for name in self.models:
            check_choice("models", name, RECIPES)
        for name in self.distilled:
            check_choice("distilled", name, RECIPES)
        if min(self.ceiling_rows, self.test_rows) < 2:
            raise ValueError(
                f"ceiling_rows={self.ceiling_rows}, test_rows={self.test_rows}: at least 2, for "
                "an error"
            )
        if not any(self.row_counts):
            raise ValueError(f"row_counts={self.row_counts}: at least one number besides 0")
        for name in self.dials:
            check_choice("dials", name, DIALS)

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper" or "smoke"."""
        if scale == "paper":
            return cls()
        return cls(
            models=("logistic", "cnn"),
            seeds=2,
            ceiling_rows=200,
            test_rows=200,
            dials=("iid_noise_scale",),
            row_counts=(1000, 0),
            distilled=("cnn",),
            distilled_counts=(1000,),
            fraction_of_steps=0.001,
        )


def ceiling(config: str, overrides: dict[str, Any], rows: int) -> dict[str, Any]:
    """The optimum on fresh test examples of a config with other parameters; a cell.

    Accuracies in percent: `expected`, the mean of the largest probability, which varies least, and
    `accuracy`, that of its answers; `cross_entropy` in nats.
    """
    params = config_params(config, stream="counter", seed=TEST_SEED, **overrides)
    x, labels = make_range(params, TEST_START, TEST_START + rows)
    exact = class_posterior(x, params)
    best = exact.max(axis=1)
    return {
        "expected": 100 * float(best.mean()),
        "expected_error": 100 * float(best.std(ddof=1)) / math.sqrt(rows),
        "accuracy": 100 * float((exact.argmax(axis=1) == labels).mean()),
        "cross_entropy": -float(np.log(exact[np.arange(rows), labels]).mean()),
        "rows": rows,
    }


def frozen(config: str) -> dict[str, Any]:
    """The optimum on the published test rows, and the rows it is least sure of; a cell."""
    data = make_mnist1d(CONFIGS[config])
    exact = class_posterior(data.x_test, CONFIGS[config])
    unsure = np.flatnonzero(exact.max(axis=1) < AMBIGUOUS)
    return {
        "wrong": int((exact.argmax(axis=1) != data.y_test).sum()),
        "rows": len(data.y_test),
        "expected_errors": float((1 - exact.max(axis=1)).sum()),
        "ambiguous": [
            {
                "row": int(row),
                "label": int(data.y_test[row]),
                "x": data.x_test[row].round(4).tolist(),
                "posterior": exact[row].round(4).tolist(),
            }
            for row in unsure[np.argsort(exact[unsure].max(axis=1))][:5]
        ],
    }


@lru_cache(maxsize=2)
def fresh_test(params: SignalParams, rows: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Test examples x, labels and exact probabilities; `FITTED` more of x and labels at the end."""
    x, labels = make_range(params, TEST_START, TEST_START + rows + FITTED)
    exact = class_posterior(x[:rows], params)
    return torch.tensor(x), torch.tensor(labels), torch.tensor(exact)


def train(
    model: str,
    config: str,
    overrides: dict[str, Any],
    rows: int,
    targets: str,
    seed: int,
    steps: int,
    test_rows: int,
) -> dict[str, float]:
    """Train one network by its recipe, and compare it with the optimum; a cell.

    `rows` 0 means new examples in every step. Accuracy in percent; the others in nats, before and
    after the temperature was fitted.
    """
    params = config_params(config, stream="counter", seed=1 + seed, **overrides)
    recipe = RECIPES[model]
    network = new_model(model, seed, final_seq_length=params.final_seq_length)
    for _ in training(network, recipe, examples(params, recipe, rows, targets), steps):
        pass
    test_params = config_params(config, stream="counter", seed=TEST_SEED, **overrides)
    return measure(network, *fresh_test(test_params, test_rows), test_rows)


def examples(params: SignalParams, recipe: Recipe, rows: int, targets: str) -> Examples:
    """Batches of signals and targets without end: labels, or probabilities (batch, 10)."""
    if not rows:
        return batches(params, BATCH, seed=params.seed)
    signals, labels = make_range(params, 0, rows)
    y = torch.tensor(labels)
    if targets == POSTERIOR:
        y = torch.tensor(class_posterior(signals, params), dtype=torch.float32)
    generator = torch.Generator().manual_seed(params.seed)
    return epochs(recipe, torch.tensor(signals), y, generator)


@torch.no_grad()
def measure(
    network: Any, x: torch.Tensor, labels: torch.Tensor, exact: torch.Tensor, rows: int
) -> dict[str, float]:
    """Accuracy, and KL(exact || model) and calibration error with and without a temperature."""
    network.eval()
    logits = torch.cat([network.logits(part) for part in x.split(500)]).double()
    temperature = best_temperature(logits[rows:], labels[rows:])
    found = {
        "accuracy": 100 * float((logits[:rows].argmax(1) == labels[:rows]).double().mean()),
        "temperature": temperature,
    }
    for suffix, scale in (("", 1.0), ("_scaled", temperature)):
        log_p = F.log_softmax(logits[:rows] / scale, 1)
        found["kl" + suffix] = float((torch.xlogy(exact, exact) - exact * log_p).sum(1).mean())
        found["calibration" + suffix] = calibration_error(log_p.exp(), labels[:rows])
    return {name: round(value, 6) for name, value in found.items()}


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """Ceilings, the models under them, and the verdicts."""
    todo = [{"config": c, "overrides": {}, "rows": args.ceiling_rows} for c in CONFIGS]
    dials = {name: DIALS[name] for name in args.dials}
    points = [{name: value} for name, values in dials.items() for value in values]
    todo += [{"config": "default", "overrides": p, "rows": args.ceiling_rows} for p in points]
    ceilings = cells.run(ceiling, todo)
    configs = dict(zip(CONFIGS, ceilings, strict=False))
    published = cells.run(frozen, [{"config": name} for name in CONFIGS])
    same = [{"config": name, "overrides": {}, "rows": args.test_rows} for name in TESTED]
    of_points = [
        {"overrides": point, **found, "models": {}}
        for point, found in zip(points, ceilings[len(CONFIGS) :], strict=True)
    ]
    noisy: list[dict[str, Any]] = [
        {"model": model, "rows": rows, "targets": targets}
        for model in args.models
        for targets, counts in targets_of(model, args)
        for rows in counts
    ]
    # all trainings at once, the cheapest first: the workers that run them start only once
    settings = [at_point(model, point) for model in args.models for point in points]
    settings += [{**one, **NOISY} for one in noisy]
    settings.sort(key=lambda setting: cost_of(setting["model"]))
    wanted = [cell for setting in settings for cell in trainings(args, setting)]
    # the default point of every dial is the same training
    cells.run(train, [cell for i, cell in enumerate(wanted) if cell not in wanted[:i]])
    for point in of_points:
        for model in args.models:
            point["models"][model] = many(args, cells, at_point(model, point["overrides"]))
    learning = [{**one, **many(args, cells, {**one, **NOISY})} for one in noisy]
    result = {
        "configs": configs,
        "frozen": dict(zip(CONFIGS, published, strict=True)),
        "on_test_rows": dict(zip(TESTED, cells.run(ceiling, same), strict=True)),
        "dials": {
            name: [point for point in of_points if name in point["overrides"]] for name in dials
        },
        "learning": learning,
    }
    return {**result, "findings": judge(result)}


def targets_of(model: str, args: Args) -> list[tuple[str, tuple[int, ...]]]:
    """What a model learns from on noisy, with the numbers of training examples."""
    kinds = [(LABELS, args.row_counts)]
    return kinds + [(POSTERIOR, args.distilled_counts)] if model in args.distilled else kinds


def cost_of(model: str) -> int:
    """The relative time of a whole training."""
    return RECIPES[model].relative_step_time * RECIPES[model].steps


def at_point(model: str, overrides: dict[str, Any]) -> dict[str, Any]:
    """The setting of a model at a point of a dial, one of which is the config `noisy`."""
    noisy = overrides == {"iid_noise_scale": CONFIGS["noisy"].iid_noise_scale}
    where = NOISY if noisy else {"config": "default", "overrides": overrides}
    return {**where, "rows": 4000, "targets": LABELS, "model": model}


def trainings(args: Args, setting: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells of one setting: arguments of `train`, one set a seed."""
    steps = max(1, round(args.fraction_of_steps * RECIPES[setting["model"]].steps))
    cell = {**setting, "steps": steps, "test_rows": args.test_rows}
    if all(getattr(SignalParams, name) == value for name, value in setting["overrides"].items()):
        cell["overrides"] = {}
    return [{**cell, "seed": seed} for seed in range(args.seeds)]


def many(args: Args, cells: Cells, setting: dict[str, Any]) -> dict[str, Any]:
    """All runs of one setting: each measure summarised, and the values of the runs."""
    found = cells.run(train, trainings(args, setting))
    runs = {name: [one[name] for one in found] for name in found[0]}
    return {**{name: summarise(values) for name, values in runs.items()}, "runs": runs}


main = command(
    Args,
    run,
    plot,
    more_plots={
        "dials": plot_dials,
        "learning": plot_learning,
        "calibration": plot_calibration,
        "rows": plot_rows,
    },
    elsewhere=(
        "The README shows the first figure. The [leaderboard](LEADERBOARD.md) tests its entries on "
        "more new examples, which places the best of them more exactly than O-saturated."
    ),
)

if __name__ == "__main__":
    main()
