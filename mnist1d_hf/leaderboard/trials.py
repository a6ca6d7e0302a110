"""Trials, and what is kept of a run until its record is written, so that it can stop and go on.

The folder of a run has `run.json`, with its data seed, and a folder of that name with the finished
trials of the new entry and of the leader. It lies in the user's cache, where no pull request brings
one, and entries cannot see it.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from mnist1d_hf.files import replacing
from mnist1d_hf.leaderboard.draws import Draw, draw_seed
from mnist1d_hf.leaderboard.tracks import EntryError


@dataclass(frozen=True)
class Trial:
    """What an entry did on one draw."""

    predictions: np.ndarray  # (test rows,) uint8
    accuracy: float  # percent
    seconds: float  # of CPU, from the training examples to the last prediction


def score_trial(predictions: np.ndarray, draw: Draw, seconds: float) -> Trial:
    """The trial in which an entry predicted `predictions` (test rows,) uint8."""
    return Trial(predictions, 100 * float(np.mean(predictions == draw.y_test)), seconds)


def unfinished_folder() -> Path:
    """Where unfinished runs are kept: in `XDG_CACHE_HOME`, or else in `~/.cache`."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mnist1d_hf" / "leaderboard"


@contextmanager
def unfinished_run(name: str) -> Iterator[tuple[str, Path]]:
    """The data seed of a run and the folder of its trials; the seed is drawn if there is none yet.

    The folder goes when the block ends without error, or when the entry fails. ValueError when the
    run is going on elsewhere, or what is kept of it cannot be read.
    """
    folder = unfinished_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            path = folder / "run.json"
            data_seed = kept_seed(path)
            try:
                yield data_seed, folder / data_seed
            except EntryError:
                remove_run(folder, path)
                raise
            remove_run(folder, path)
    except Timeout:
        raise ValueError("this entry is being run already: wait for the end of that run") from None


def remove_run(folder: Path, path: Path) -> None:
    """Remove what is kept of a run, first its seed in `path`: then none goes on with it."""
    path.unlink()
    shutil.rmtree(folder)


def kept_seed(path: Path) -> str:
    """The data seed in a file, drawn now if there is no such file; ValueError when it is none."""
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(draw_seed()), encoding="utf-8")
    try:
        data_seed = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        data_seed = None
    if not isinstance(data_seed, str):
        raise ValueError(f"{path.parent} keeps a run that cannot be read: remove it")
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
