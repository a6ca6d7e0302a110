"""Columns that are made on request, beside x and label: what was drawn, and what is most probable.

With `latents=True` a row tells what the generator drew for it, as `signals.latents.Latents` has it:
padding, shift, scale and slope. With `posterior=True` it has the ten exact probabilities of its
classes, those of `class_posterior`: soft labels. They are those of the digit, also where label
noise has replaced the label.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import datasets
import numpy as np

from mnist1d_hf.signals.components import check_noise
from mnist1d_hf.signals.counter import TEST_START
from mnist1d_hf.signals.latents import Latents, latents_of
from mnist1d_hf.signals.params import NUM_CLASSES, SignalParams, check_bool
from mnist1d_hf.signals.posterior import class_posterior
from mnist1d_hf.signals.templates import templates

RULE = "True or False"
FEATURES: dict[str, dict[str, Any]] = {
    "latents": {
        "padding": datasets.Value("int32"),
        "shift": datasets.Value("int32"),
        "scale": datasets.Value("float32"),
        "slope": datasets.Value("float32"),
    },
    "posterior": {"posterior": datasets.List(datasets.Value("float32"), length=NUM_CLASSES)},
}
OPTIONS = tuple(FEATURES)


def chosen_columns(config: Any) -> tuple[str, ...]:
    """Those of the `OPTIONS` that are on in a config; ValueError for one that is no bool."""
    return tuple(name for name in OPTIONS if check_bool(name, getattr(config, name)))


def check_columns(chosen: tuple[str, ...], params: SignalParams) -> None:
    """ValueError when rows made with `params` have no posterior."""
    if "posterior" in chosen:
        check_noise(params, templates())


def column_features(chosen: tuple[str, ...]) -> dict[str, Any]:
    """The features of the columns, in their order."""
    return {name: kind for option in chosen for name, kind in FEATURES[option].items()}


def make_columns(
    chosen: tuple[str, ...],
    params: SignalParams,
    split: str,
    start: int,
    x: np.ndarray,
    advance: Callable[[int], object] | None = None,
) -> dict[str, np.ndarray]:
    """The columns of the rows x (n, d) that begin at `start`, counted as `Mnist1D.split_rows` does.

    `advance(n)` is called, in sum once per row, while posteriors are computed.
    """
    columns: dict[str, np.ndarray] = {}
    if "latents" in chosen:
        drawn = latents_of_split(params, split, start, start + len(x))
        kinds = {name: feature.dtype for name, feature in FEATURES["latents"].items()}
        columns |= {name: getattr(drawn, name).astype(kind) for name, kind in kinds.items()}
    if "posterior" in chosen:
        # of the rows in the precision of the column, so that its reader finds the same
        rows = np.asarray(x, dtype=np.float32)
        probabilities = class_posterior(rows, params, advance=advance)
        columns["posterior"] = probabilities.astype(np.float32)
    return columns


def latents_of_split(params: SignalParams, split: str, start: int, stop: int) -> Latents:
    """The draws of rows [start, stop) of a split, counted from the first row of the split."""
    first = 0
    if split == "test":
        first = TEST_START if params.stream == "counter" else params.num_train
    if params.stream == "counter":
        return latents_of(params, first + start, first + stop)
    return Latents(*(values[first + start : first + stop] for values in frozen_latents(params)))


@lru_cache(maxsize=1)
def frozen_latents(params: SignalParams) -> Latents:
    """Like the rows of the frozen stream: made once in each process, and kept."""
    return latents_of(params)


def changed_columns(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """How the columns of other data, described like ours, differ from those here."""
    states = ((name, there.get(name, False)) for name in OPTIONS)
    return [f"{name}={state}" for name, state in states if state != here.get(name, False)]
