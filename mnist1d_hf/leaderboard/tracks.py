"""The tracks of the leaderboard: the data, limits and score of an entry, and its failure."""

from dataclasses import dataclass
from typing import Any, Literal

NEW_RANK_Z = 3.0  # a difference of fewer standard errors than this is a tie


class EntryError(ValueError):
    """The entry broke a rule of the leaderboard, or failed; the message says how."""


@dataclass(frozen=True)
class Limits:
    """What one trial of an entry may use; seconds are those of the wall clock."""

    import_seconds: float = 120
    train_seconds: float = 1800
    predict_seconds: float = 600  # for all test rows
    memory: int = 4 * 2**30  # bytes


@dataclass(frozen=True)
class Track:
    """One competition; every trial has training rows, test rows and a weight seed of its own.

    An accuracy track is won by the highest mean accuracy. In the other two kinds the mean accuracy
    has to exceed `target` by `NEW_RANK_Z` standard errors, and the entry with the fewest training
    rows, or the fewest CPU seconds, wins. Where `elsewhere` holds, entries are checkpoints that
    come trained, on whatever it was, and are tested alone.
    """

    name: str
    title: str
    score: Literal["accuracy", "rows", "seconds"]
    config: str = "default"
    rows: int = 4000  # training examples of a trial; the first guess where rows are the score
    trials: int = 10
    test_rows: int = 100_000  # of a trial: a standard error of 0.02 points at 99.5 %
    target: float | None = None  # percent of the test rows
    elsewhere: bool = False


RACE: Any = {"trials": 20, "test_rows": 10_000}
TRACKS = {
    track.name: track
    for track in (
        Track("default", "Accuracy on default, 4,000 training examples", "accuracy"),
        Track("noisy", "Accuracy on noisy, 4,000 training examples", "accuracy", config="noisy"),
        Track("rows-99", "Training examples needed for 99 % on default", "rows", target=99.0),
        # fewer test rows, since predicting them is on the clock
        Track("seconds-94", "CPU seconds to 94 % on default", "seconds", **RACE, target=94.0),
        Track("seconds-99", "CPU seconds to 99 % on default", "seconds", **RACE, target=99.0),
        *(
            Track(
                f"{config}-elsewhere",
                f"Trained elsewhere: checkpoints on {config}",
                "accuracy",
                config=config,
                elsewhere=True,
            )
            for config in ("default", "noisy")
        ),
    )
}
# numbers of training examples that are tried where rows are the score: two for each doubling
ROW_COUNTS = tuple(round(125 * 2 ** (k / 2)) for k in range(21))
