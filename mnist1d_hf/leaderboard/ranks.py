"""The order of the entries of a track, and which of them are ties."""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from mnist1d_hf.evidence.intervals import z_score
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.leaderboard.tracks import NEW_RANK_Z, TRACKS, Track

Record = Mapping[str, Any]
Trials = Sequence[Mapping[str, float]]


def compare(mine: Trials, holder: Trials, track: Track) -> dict[str, Any]:
    """The paired difference of two entries on the same draws, positive where `mine` is better.

    Trials have `accuracy` and `seconds`. Where rows are the score, both used as many rows, and
    accuracies are compared.
    """
    name, sign = ("seconds", -1) if track.score == "seconds" else ("accuracy", 1)
    pairs = zip(mine, holder, strict=True)
    found = summarise(sign * (one[name] - other[name]) for one, other in pairs)
    return {"difference": found, "z": z_score(found)}


def gap_z(gap: float, spread: Mapping[str, Any]) -> float:
    """z of the difference of two means when the runs of both vary as those of `spread`."""
    return z_score({**spread, "mean": gap, "std": math.sqrt(2) * spread["std"]})


def reaches(accuracy: Mapping[str, Any], target: float) -> bool:
    """Whether a mean accuracy exceeds `target` by enough standard errors."""
    return z_score(accuracy, than=target) > NEW_RANK_Z


def order(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of one track from the best on, each with its `rank`.

    They are sorted by their means, and by a paired difference of `NEW_RANK_Z` standard errors where
    the two disagree. The first has rank 1, and so have the next ones up to the first that is worse
    by `NEW_RANK_Z` standard errors, whose rank is its place; and so on from there.
    """
    if not records:
        return []
    track = TRACKS[records[0]["track"]]
    found: list[dict[str, Any]] = []
    head: dict[str, Any] = {}  # the first of the present rank
    by_means = sorted(records, key=lambda record: merit(record, track), reverse=True)
    for place, record in enumerate(by_pairs(by_means), 1):
        if not head or is_better(head, record, track):
            head = {**record, "rank": place}
        found.append({**record, "rank": head["rank"]})
    return found


def by_pairs(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries, each moved beside the one it was compared with if it stands on the wrong side of it.

    Means come from other draws and, where seconds are the score, from other machines.
    """
    found = list(records)
    pairs = [pair for pair in product(records, records) if measured_against(*pair)]
    for mine, other in pairs:
        z, above = mine["against"]["z"], found.index(mine) < found.index(other)
        if abs(z) > NEW_RANK_Z and above is (z < 0):
            found.remove(mine)
            found.insert(found.index(other) + above, mine)
    return found


def merit(record: Record, track: Track) -> float:
    """The number by which entries of a track are sorted, larger for better ones."""
    if track.score == "rows":
        return record["accuracy"]["mean"] / 1000 - record["rows"]  # accuracy decides among equals
    return record["accuracy"]["mean"] if track.score == "accuracy" else -record["seconds"]["mean"]


def is_better(mine: Record, other: Record, track: Track) -> bool:
    """Whether one entry, which stands before another, is better than it by more than chance.

    A new entry is by its paired difference to the entry that led when it came. Otherwise the
    difference of the means decides, in standard errors as large as those of `mine`: an entry whose
    trials vary much does not become a tie with a better one by that.
    """
    if track.score == "rows":
        return mine["rows"] < other["rows"]
    if measured_against(mine, other):
        return mine["against"]["z"] > NEW_RANK_Z
    if measured_against(other, mine) and -other["against"]["z"] > NEW_RANK_Z:
        return True
    spread = mine["accuracy" if track.score == "accuracy" else "seconds"]
    return gap_z(merit(mine, track) - merit(other, track), spread) > NEW_RANK_Z


def measured_against(mine: Record, other: Record) -> bool:
    """Whether `other` was run on the draws of `mine`."""
    return mine.get("against", {}).get("sha256") == other["sha256"]
