"""Trained models of a folder or the Hub, and what they make of signals; one comes with the code."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d_hf.signals.params import NUM_CLASSES

# The paper's models, in the order of its table, under the names they are published by.
PUBLISHED_NAMES = ("logistic", "mlp", "cnn", "gru")
# A CNN by the paper's recipe; its README says how it was trained.
SHIPPED = Path(__file__).with_name("cnn")


def sources(spec: str | None) -> list[str]:
    """What to load: repositories and folders, separated by commas.

    A folder without a config.json stands for the model folders in it. With None, a Space looks
    for the models published beside it, and anything else has none. Raises ValueError for what is
    neither a folder of models nor the name of a repository, user/model.
    """
    if spec is None:
        space = os.environ.get("SPACE_ID", "")
        if not space.endswith("-explorer"):
            return []
        return [f"{space.removesuffix('-explorer')}-{name}" for name in PUBLISHED_NAMES]
    found: list[str] = []
    for part in filter(None, map(str.strip, spec.split(","))):
        folder = Path(os.path.expanduser(part))  # which leaves an unknown ~user as it is
        inside = sorted(str(path.parent) for path in folder.glob("*/config.json"))
        if (folder / "config.json").exists():
            found.append(str(folder))
        elif inside:
            found += inside
        elif folder.is_dir():
            raise ValueError(f"models {part!r}: neither it nor a folder in it has a config.json")
        elif part.startswith(("/", ".", "~")) or part.count("/") != 1:
            raise ValueError(f"models {part!r}: there is no such folder, nor a name as user/model")
        else:
            found.append(part)
    return found


def load_classifiers(spec: str | None) -> tuple[dict[str, Any], list[str]]:
    """Models by name, and a line for each source that could not be loaded.

    Where no other is named `cnn`, that is the one that comes with the code.
    """
    models: dict[str, Any] = {}
    problems = []
    for source in sources(spec):
        try:
            model = load_one(source)
        except Exception as error:  # any file may be broken in any way; the app starts all the same
            reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
            problems.append(f"{source}: {reason}")
            continue
        name = Path(source).name.removeprefix("mnist1d-")
        models[name if name not in models else source] = model
    if "cnn" not in models:
        models["cnn"] = load_one(str(SHIPPED))
    return models, problems


def load_one(source: str) -> Any:
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import logging

    import mnist1d_hf.models  # noqa: F401  (makes the architectures known to transformers)

    logging.disable_progress_bar()  # eight small tensors
    return AutoModelForSequenceClassification.from_pretrained(source).eval()


def probabilities(model: Any, x: np.ndarray) -> np.ndarray:
    """Signals (n, d) to probabilities (n, 10); ValueError when the model takes another length."""
    import torch

    wanted = model.config.final_seq_length
    if x.shape[1] != wanted:
        raise ValueError(f"this model takes {wanted} positions, not {x.shape[1]}")
    with torch.inference_mode():
        logits = model(x=torch.as_tensor(x, dtype=torch.float32)).logits
    return logits.softmax(-1).numpy()


def errors_by_digit(model: Any, x: np.ndarray, y: np.ndarray) -> list[float]:
    """Percent of each digit's signals that the model takes for another."""
    wrong = probabilities(model, x).argmax(axis=1) != y
    return [100 * float(wrong[y == digit].mean()) for digit in range(NUM_CLASSES)]


def mistakes(model: Any, x: np.ndarray, y: np.ndarray) -> dict[int, tuple[int, int]]:
    """Rows that the model gets wrong: row -> (truth, answer)."""
    answers = probabilities(model, x).argmax(axis=1)
    return {int(i): (int(y[i]), int(answers[i])) for i in np.flatnonzero(answers != y)}


def opinions(models: Mapping[str, Any], signal: np.ndarray) -> Iterable[tuple[str, np.ndarray]]:
    """Each model's probabilities (10,) of one signal (d,), of those that take its length."""
    for name, model in models.items():
        if model.config.final_seq_length == len(signal):
            yield name, probabilities(model, signal[None])[0]
