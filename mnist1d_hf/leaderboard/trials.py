"""Trials, and what is kept of a run until its record is written, so that it can stop and go on.

The folder of a run has `run.json`, with its data seed and what it runs, and one folder of finished
trials for the new entry and one for the leader. Entries cannot see it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d_hf.files import replacing
from mnist1d_hf.leaderboard.draws import Draw, draw_seed


@dataclass(frozen=True)
class Trial:
    """What an entry did on one draw."""

    predictions: np.ndarray  # (test rows,) uint8
    accuracy: float  # percent
    seconds: float  # of CPU, from the training examples to the last prediction


def score_trial(predictions: np.ndarray, draw: Draw, seconds: float) -> Trial:
    """The trial in which an entry predicted `predictions` (test rows,) uint8."""
    return Trial(predictions, 100 * float(np.mean(predictions == draw.y_test)), seconds)


def begin_run(folder: Path, entry: str) -> str:
    """The data seed of the run that `folder` keeps; drawn now when there is none.

    `entry` is what identifies the code. ValueError when the run that is kept is of other code.
    """
    path = folder / "run.json"
    if path.exists():
        begun: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if begun["entry"] != entry:
            raise ValueError(
                f"{folder} keeps an unfinished run of other code: finish that, remove the folder "
                "to begin anew, or choose another --name"
            )
        return str(begun["data_seed"])
    data_seed = draw_seed()
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"entry": entry, "data_seed": data_seed}), encoding="utf-8")
    return data_seed


def keep_trial(path: Path, draw: Draw, run: Callable[[], Trial]) -> Trial:
    """The trial on `draw` that the file `path` keeps; where there is none, it is run and kept."""
    if path.exists():
        with np.load(path) as kept:
            return score_trial(kept["predictions"], draw, float(kept["seconds"]))
    trial = run()
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, predictions=trial.predictions, seconds=trial.seconds)
    return trial
