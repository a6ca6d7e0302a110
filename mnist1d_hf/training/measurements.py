"""What a Trainer measured while it ran: which weights, on which rows, and how far from the best.

Only evaluations of exactly the weights that a card is about belong on it, so that each is kept with
a digest of the weights it was made with.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
from transformers import Trainer

from mnist1d_hf.data.identity import config_of_test_rows
from mnist1d_hf.data.mnist1d import changed_parameters
from mnist1d_hf.data.tensors import to_numpy
from mnist1d_hf.evidence.training_record import DataFacts, Evaluation
from mnist1d_hf.training.fast_path import is_plain

MEASURED_TIMES = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


@dataclass(frozen=True)
class Measurement:
    """One evaluation as it happened."""

    dataset: Any
    prefix: str
    metrics: dict[str, float]
    step: int
    weights: str | None  # their digest
    logged: dict[str, Any] | None  # the entry of the log
    in_training: bool
    as_stored: bool  # whether no transform or collator of the user's came between rows and model


def measured(
    trainer: Trainer,
    seen: Sequence[Measurement],
    optimum_on: Callable[[Any], float | None],
    weights: str | None,
    trained_on: Any,
    declared: DataFacts,
) -> tuple[dict[str, Any], list[Evaluation]]:
    """Which step the weights are of and what chose it, and their evaluations among those seen."""
    args, state = trainer.args, trainer.state
    found = [m for m in seen if weights is not None and m.weights == weights]
    chosen: dict[str, Any] = {"step": state.global_step, "metric": None, "split": None}
    best = state.best_global_step
    if args.load_best_model_at_end and best and not trainer.is_in_train:
        steps = {m.step for m in seen if m.in_training}
        metric = (args.metric_for_best_model or "loss").removeprefix("eval_")
        watched = trainer.eval_dataset
        split = None if isinstance(watched, dict) else name_of(trainer, watched, "eval")
        if any(m.step == best and m.in_training for m in found) or best not in steps:
            chosen = {"step": best, "metric": metric, "split": split}
        if best not in steps and not isinstance(watched, dict):  # before an interruption
            entry: dict[str, Any] = next((e for e in state.log_history if e["step"] == best), {})
            metrics = without_prefix({k: v for k, v in entry.items() if "eval_" in k}, "eval")
            stored = is_plain(watched, trainer.data_collator)
            before = Measurement(watched, "eval", metrics, best, weights, entry, True, stored)
            found.insert(0, before)
    evaluations = {}
    for m in found:
        if m.metrics:
            name, data = name_of(trainer, m.dataset, m.prefix), describe(m.dataset, declared)
            optimum = optimum_on(m.dataset) if m.as_stored else None
            benchmark = benchmark_of(m.dataset) if m.as_stored else None
            if benchmark and has_rows_of(trained_on, m.dataset):
                benchmark = None
            latest = Evaluation(name, data, m.metrics, benchmark, optimum)
            evaluations[name, repr(data)] = latest
    return chosen, list(evaluations.values())


def name_of(trainer: Trainer, dataset: Any, prefix: str) -> str:
    """The key in a dict of datasets, or the split, or else the prefix that the caller chose.

    Rows that were held out of the split that is trained on keep its name; theirs is the prefix.
    """
    split = getattr(dataset, "split", None)
    own = split is not None and split != getattr(trainer.train_dataset, "split", None)
    return str(split) if own and not prefix.startswith("eval_") else prefix.removeprefix("eval_")


def benchmark_of(dataset: Any) -> str | None:
    """The config whose published test split this is, None for other rows and for streams."""
    columns = {"x", "label"}
    if not isinstance(dataset, datasets.Dataset) or not columns <= set(dataset.column_names):
        return None
    try:
        return config_of_test_rows(to_numpy(dataset, "x"), to_numpy(dataset, "label"))
    except ValueError:  # rows of different lengths, or with missing values
        return None


def has_rows_of(trained_on: Any, tested: datasets.Dataset) -> bool:
    """Whether a dataset has one of the signals that a network is tested on."""
    if not isinstance(trained_on, datasets.Dataset) or "x" not in trained_on.column_names:
        return False
    try:
        known, signals = (to_numpy(rows, "x") for rows in (trained_on, tested))
    except ValueError:  # rows of different lengths, or with missing values
        return False
    seen = {row.tobytes() for row in known.astype(signals.dtype)}
    return any(row.tobytes() in seen for row in signals)


def curves(trainer: Trainer, seen: Sequence[Measurement]) -> dict[str, list[list[float]]]:
    """Accuracies while training, by what was watched."""
    outside = [m.logged for m in seen if not m.in_training]
    watched = trainer.eval_dataset
    prefixes = {"eval": watched}
    if isinstance(watched, dict):
        prefixes = {f"eval_{name}": dataset for name, dataset in watched.items()}
    found = {
        name_of(trainer, dataset, prefix): [
            [entry["step"], entry[f"{prefix}_accuracy"]]
            for entry in trainer.state.log_history
            if f"{prefix}_accuracy" in entry and not any(entry is other for other in outside)
        ]
        for prefix, dataset in prefixes.items()
    }
    return {name: curve for name, curve in found.items() if curve}


def describe(dataset: Any, declared: DataFacts) -> DataFacts:
    """What a dataset says of itself, and what is declared where it says nothing."""
    info = getattr(dataset, "info", None)
    rows = len(dataset) if hasattr(dataset, "__len__") else None
    split = getattr(dataset, "split", None)
    facts: dict[str, Any] = {"rows": rows, "split": None if split is None else str(split)}
    parameters = None if info is None else changed_parameters(info)
    if info is None or parameters is None:
        return DataFacts(declared.dataset, declared.config_name, None, **facts)
    return DataFacts(declared.dataset or "mnist1d", info.config_name, parameters, **facts)


def without_prefix(metrics: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Metrics by their own names; arrays, and what depends on the machine's speed, are left out."""
    named = {
        name.removeprefix(f"{prefix}_"): value
        for name, value in metrics.items()
        if name.startswith(f"{prefix}_")
    }
    return {
        name: value if not isinstance(value, float) or math.isfinite(value) else None
        for name, value in named.items()
        if name not in MEASURED_TIMES and isinstance(value, str | int | float | None)
    }
