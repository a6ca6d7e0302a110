"""Entries on file: everything that is needed to run them again, and their order.

An entry is `<folder>/<track>/<slug>.json` with its source, data seed, trials and provenance, and
`<slug>.npz` beside it with every prediction.
"""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d_hf.evidence.results import read_result, summarise, write_result
from mnist1d_hf.files import replacing
from mnist1d_hf.leaderboard.draws import draw_trial
from mnist1d_hf.leaderboard.referee import Score
from mnist1d_hf.leaderboard.tracks import NEW_RANK_Z, TRACKS, Track

Record = Mapping[str, Any]


def slug(name: str) -> str:
    """A name as a file name: lower case letters, digits and hyphens."""
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not found:
        raise ValueError(f"name={name!r}: must have at least one letter or digit")
    return found


def make_record(
    track: Track, score: Score, code: str, data_seed: int, about: Mapping[str, str]
) -> dict[str, Any]:
    """What is stored of an entry; `about` has its name, author, link and remark."""
    return {
        **about,
        "track": track.name,
        "data_seed": data_seed,
        "rows": score.rows,
        "trials": [{"accuracy": t.accuracy, "seconds": t.seconds} for t in score.trials],
        **score.summary(),
        "sha256": hashlib.sha256(code.encode()).hexdigest(),
        "code": code,
    }


def compare(mine: Score, holder: Score, track: Track, record: Record) -> dict[str, Any]:
    """The paired difference of two entries on the same draws, positive where `mine` is better.

    `holder` are the trials of the entry `record`, which led the track. z is the mean over its
    standard error. Where rows are the score, both used as many rows, and accuracies are compared.
    """
    sign, name = (-1, "seconds") if track.score == "seconds" else (1, "accuracy")
    differences = [
        sign * (getattr(a, name) - getattr(b, name))
        for a, b in zip(mine.trials, holder.trials, strict=True)
    ]
    found = summarise(differences)
    return {"entry": record["name"], "difference": found, "z": z_score(found)}


def z_score(found: Mapping[str, float]) -> float:
    """Mean over standard error; a difference without any spread is as certain as can be."""
    error = found["std"] / math.sqrt(found["n"])
    if error == 0:
        return 0.0 if found["mean"] == 0 else math.copysign(1e9, found["mean"])
    return found["mean"] / error


def write_record(path: Path, record: dict[str, Any], score: Score, *, seconds: float) -> None:
    """Write the predictions beside `path`, and then the record, with its provenance."""
    track = TRACKS[record["track"]]
    wrong = []
    for number, trial in enumerate(score.trials):
        draw = draw_trial(track, record["data_seed"], number, rows=score.rows)
        # mostly zeros, so that a hundred thousand predictions take a few kilobytes
        wrong.append((trial.predictions.astype(np.int16) - draw.y_test) % 10)
    with replacing(path.with_suffix(".npz")) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, offsets=np.array(wrong, np.uint8))
    write_result(path, record, args={}, seconds=seconds)


def read_records(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """All entries by track, best first."""
    found = {name: [] for name in TRACKS}  # type: dict[str, list[dict[str, Any]]]
    for path in sorted(folder.glob("*/*.json")):
        record = read_result(path)
        found[record["track"]].append(record)
    return {name: order(records) for name, records in found.items()}


def order(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of one track from the best on, each with its `rank`.

    The rank is one more than the number of entries that are better by `NEW_RANK_Z` standard errors;
    the others are ties.
    """
    if not records:
        return []
    track = TRACKS[records[0]["track"]]
    ranked = sorted(records, key=lambda record: merit(record, track), reverse=True)
    return [
        {**mine, "rank": 1 + sum(is_better(other, mine, track) for other in ranked)}
        for mine in ranked
    ]


def merit(record: Record, track: Track) -> float:
    """The number by which entries of a track are sorted, larger for better ones."""
    if track.score == "rows":
        return -record["rows"]
    return record["accuracy"]["mean"] if track.score == "accuracy" else -record["seconds"]["mean"]


def is_better(mine: Record, other: Record, track: Track) -> bool:
    """Whether one entry is better than another by more than chance.

    By the paired difference where one of them was measured against the other, else by the
    difference of their means in units of its standard error.
    """
    if track.score == "rows":
        return mine["rows"] < other["rows"]
    for one, two, sign in ((mine, other, 1), (other, mine, -1)):
        against = one.get("against") or {}
        if against.get("entry") == two["name"]:
            return sign * against["z"] > NEW_RANK_Z
    name = "accuracy" if track.score == "accuracy" else "seconds"
    variance = sum(r[name]["std"] ** 2 / r[name]["n"] for r in (mine, other))
    gap = merit(mine, track) - merit(other, track)
    return gap > NEW_RANK_Z * math.sqrt(variance)


def agreement(record: Record, predictions: Path, score: Score) -> dict[str, float]:
    """How a second run compares with the record: percent of equal predictions, and both means."""
    track = TRACKS[record["track"]]
    stored = np.load(predictions)["offsets"]
    equal = []
    for number, trial in enumerate(score.trials):
        draw = draw_trial(track, record["data_seed"], number, rows=score.rows)
        before = (draw.y_test + stored[number]) % 10
        equal.append(float(np.mean(trial.predictions == before)))
    return {
        "equal predictions, percent": 100 * math.fsum(equal) / len(equal),
        "accuracy on record": record["accuracy"]["mean"],
        "accuracy now": score.summary()["accuracy"]["mean"],
    }
