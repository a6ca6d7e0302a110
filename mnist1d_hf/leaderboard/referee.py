"""Runs an entry on data drawn after it was handed in, and scores it.

    score = run_entry(code, TRACKS["default"], draw_seed())

Each trial is a process of its own in a sandbox. The entry gets training examples and a weight seed;
only when it has trained does it see test rows, and it never sees their labels or the data seed.
The clock measures CPU time from the training examples to the last prediction, so that nothing is
gained by putting work off until after the training.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.leaderboard.draws import Draw, draw_trial
from mnist1d_hf.leaderboard.ranks import reaches
from mnist1d_hf.leaderboard.sandbox import Sandbox
from mnist1d_hf.leaderboard.tracks import NEW_RANK_Z, ROW_COUNTS, EntryError, Limits, Track
from mnist1d_hf.leaderboard.trials import Trial, keep_trial, score_trial
from mnist1d_hf.signals.params import NUM_CLASSES


@dataclass(frozen=True)
class Score:
    """The trials of an entry on one track, and the number of training examples they used."""

    rows: int
    trials: list[Trial]

    def summary(self) -> dict[str, dict[str, float]]:
        """Mean, standard deviation and n of accuracy (percent) and CPU seconds over trials."""
        return {
            "accuracy": summarise(trial.accuracy for trial in self.trials),
            "seconds": summarise(trial.seconds for trial in self.trials),
        }

    def reaches(self, target: float) -> bool:
        """Whether the mean accuracy exceeds `target` by enough standard errors."""
        return reaches(self.summary()["accuracy"], target)

    def numbers(self) -> list[dict[str, float]]:
        """Accuracy (percent) and CPU seconds of each trial."""
        return [{"accuracy": trial.accuracy, "seconds": trial.seconds} for trial in self.trials]


def run_trial(code: str, draw: Draw, limits: Limits, checkpoint: Path | None = None) -> Trial:
    """Train and test the entry whose source is `code` on one draw, in a sandbox.

    A copy of the folder `checkpoint` lies beside the entry. Raises EntryError when the entry fails
    or breaks a rule, SandboxError where this machine has no sandbox.
    """
    with tempfile.TemporaryDirectory(prefix="mnist1d-entry-") as name:
        given = Path(name)
        (given / "entry.py").write_text(code, encoding="utf-8")
        shutil.copy(Path(__file__).with_name("runner.py"), given)
        if checkpoint:
            shutil.copytree(checkpoint, given / "checkpoint")  # of the files behind its links
        with Sandbox(given, "runner.py", [str(limits.memory)], limits) as box:
            box.wait(b"0", "importing the file", limits.import_seconds)
            np.save(given / "x.npy", draw.x)
            np.save(given / "y.npy", draw.y)
            begin = box.cpu_seconds()
            box.send(
                json.dumps({"number": 1, "seed": draw.weight_seed, "num_classes": NUM_CLASSES})
            )
            box.wait(b"1", "training", limits.train_seconds)
            np.save(given / "x_test.npy", draw.x_test)
            count = len(draw.x_test)
            box.send(json.dumps({"number": 2, "count": count, "num_classes": NUM_CLASSES}))
            answer = box.receive(1 + count, "predicting", limits.predict_seconds)
            seconds = box.cpu_seconds() - begin
    return score_trial(read_predictions(answer), draw, seconds)


def read_predictions(answer: bytes) -> np.ndarray:
    """The labels (n,) uint8 after a 2; EntryError when these are no labels."""
    labels = np.frombuffer(answer, np.uint8, offset=1)
    if not answer.startswith(b"2") or labels.max() >= NUM_CLASSES:
        raise EntryError("predicting: the runner's channel was written to out of turn")
    return labels


def run_entry(
    code: str,
    track: Track,
    data_seed: str,
    *,
    limits: Limits | None = None,
    rows: int | None = None,
    checkpoint: Path | None = None,
    kept: Path | None = None,
    done: Callable[[int, Trial], None] = lambda rows, trial: None,
) -> Score:
    """All trials of an entry on a track; `done` is called after each.

    Where rows are the score, `rows` None looks for the fewest of `ROW_COUNTS` that reach the
    target; a number runs that number alone. `checkpoint` is as in `run_trial`. A folder `kept`
    keeps finished trials, and those that it has are not run again. Raises EntryError when the entry
    breaks a rule, or cannot reach the target of the track.
    """

    def run(count: int) -> Score:
        trials = []
        for number in range(track.trials):
            draw = draw_trial(track, data_seed, number, rows=count)
            one = partial(run_trial, code, draw, limits or Limits(), checkpoint)
            path = kept / f"{count}-{number}.npz" if kept else None
            trials.append(keep_trial(path, draw, one) if path else one())
            done(count, trials[-1])
        return Score(count, trials)

    if track.score == "rows" and rows is None:
        return fewest_rows(run, track)
    score = run(rows or track.rows)
    if track.target is not None and not score.reaches(track.target):
        mean = score.summary()["accuracy"]["mean"]
        raise EntryError(
            f"the mean accuracy {mean:.2f} % does not exceed {track.target:g} % by "
            f"{NEW_RANK_Z:g} standard errors: train longer, or on a track without a target"
        )
    return score


def fewest_rows(run: Callable[[int], Score], track: Track) -> Score:
    """The score at the fewest of `ROW_COUNTS` that reach the target, going from `track.rows`."""
    assert track.target is not None
    place = ROW_COUNTS.index(track.rows)
    score = run(ROW_COUNTS[place])
    if score.reaches(track.target):
        for count in reversed(ROW_COUNTS[:place]):
            fewer = run(count)
            if not fewer.reaches(track.target):
                break
            score = fewer
        return score
    for count in ROW_COUNTS[place + 1 :]:
        score = run(count)
        if score.reaches(track.target):
            return score
    raise EntryError(f"{ROW_COUNTS[-1]:,} training examples do not reach {track.target:g} %")
