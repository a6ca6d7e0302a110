"""Entries on file: everything that is needed to run them again and to check what they claim.

An entry is `<folder>/<track>/<slug>.json` with its source, data seed, trials and provenance, and
`<slug>.npz` beside it with every prediction.
"""

import ast
import importlib.metadata
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from mnist1d_hf.evidence.results import read_result, summarise, write_result
from mnist1d_hf.files import replacing
from mnist1d_hf.leaderboard.checkpoints import STAND_IN
from mnist1d_hf.leaderboard.draws import draw_trial
from mnist1d_hf.leaderboard.entries import identity
from mnist1d_hf.leaderboard.ranks import compare, gap_z, order, reaches
from mnist1d_hf.leaderboard.referee import Score
from mnist1d_hf.leaderboard.tracks import NEW_RANK_Z, ROW_COUNTS, TRACKS, Track
from mnist1d_hf.signals.params import check_choice

MARKUP = r"|<>`[]*\&"
LONGEST = {"name": 40, "author": 40, "remark": 200}  # characters
ADDRESS = re.compile(
    r"https://([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?(/[\w.~/%?#=&+:@,;-]*)?", re.ASCII | re.IGNORECASE
)
# a second run agrees with the record within this many points, whatever the standard error is
SAME = 0.05


def check_about(about: Mapping[str, str]) -> dict[str, str]:
    """The name, author, link and remark of an entry; ValueError when one does not fit a table."""
    for field, longest in LONGEST.items():
        value = about[field]
        if not fits(value, longest) or not (value.strip() or field == "remark"):
            raise ValueError(
                f"--{field} {value!r}: must be 1 to {longest} printable characters, without "
                f":// {' '.join(MARKUP)}"
            )
    slug(about["name"])
    if not isinstance(about["link"], str) or not ADDRESS.fullmatch(about["link"]):
        raise ValueError(
            f"--link {about['link']!r}: must be an https:// address without spaces, brackets, "
            "quotes and bars"
        )
    return {field: about[field] for field in ("name", "author", "link", "remark")}


def fits(value: Any, longest: int) -> bool:
    """Whether this is text that a table shows as it is."""
    return (
        isinstance(value, str)
        and value.isprintable()
        and len(value) <= longest
        and not set(value) & set(MARKUP)
        and "://" not in value
    )


def slug(name: str) -> str:
    """A name as a file name: lower case letters, digits and hyphens."""
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not found:
        raise ValueError(f"--name {name!r}: must have at least one letter from a to z or digit")
    return found


def make_record(
    track: Track,
    score: Score,
    code: str,
    data_seed: str,
    about: Mapping[str, str],
    checkpoint: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What is stored of an entry; `about` has its name, author, link and remark."""
    return {
        **check_about(about),
        "track": track.name,
        "data_seed": data_seed,
        "rows": score.rows,
        "trials": score.numbers(),
        **score.summary(),
        "sha256": identity(code, checkpoint),
        "packages": versions(code),
        "code": code,
        **({"checkpoint": dict(checkpoint)} if checkpoint else {}),
    }


def add_leader(record: dict[str, Any], leader: Mapping[str, Any], score: Score) -> dict[str, Any]:
    """The record with the trials of the leading entry on the same data, and how the two compare."""
    trials = score.numbers()
    against = {"entry": leader["name"], "sha256": leader["sha256"], "trials": trials}
    track = TRACKS[record["track"]]
    return {**record, "against": against | compare(record["trials"], trials, track)}


def versions(code: str) -> dict[str, str]:
    """The versions of the packages that an entry imports, by their names on PyPI."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    packages = distributions()
    found = sorted({package for name in names for package in packages.get(name, ())})
    return {package: importlib.metadata.version(package) for package in found}


@cache
def distributions() -> Mapping[str, Sequence[str]]:
    """The packages on PyPI that installed modules come from."""
    return importlib.metadata.packages_distributions()


def write_record(path: Path, record: dict[str, Any], score: Score, *, seconds: float) -> None:
    """Write the predictions beside `path`, and then the record, with its provenance."""
    wrong = [
        # mostly zeros, so that a hundred thousand predictions take a few kilobytes
        (trial.predictions.astype(np.int16) - labels) % 10
        for trial, labels in zip(score.trials, true_labels(record), strict=True)
    ]
    with replacing(path.with_suffix(".npz")) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, offsets=np.array(wrong, np.uint8))
    write_result(path, record, args={}, seconds=seconds)


def true_labels(record: Mapping[str, Any]) -> Iterable[np.ndarray]:
    """The labels (test rows,) int64 of each trial of a record."""
    track = TRACKS[record["track"]]
    for number in range(len(record["trials"])):
        yield draw_trial(track, record["data_seed"], number, rows=record["rows"]).y_test


def read_record(path: Path) -> dict[str, Any]:
    """The record in a file; ValueError when it is none, or says what does not follow from it."""
    if path.suffix != ".json":
        raise ValueError(f"{path}: a record is a .json file")
    try:
        record = read_result(path)
        check_choice("track", record["track"], TRACKS)
        check_about(record)
        facts = {"track": record["track"] == path.resolve().parent.name, **checks(record)}
        wrong = [name for name, holds in facts.items() if not holds]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is no record of an entry: {error!r}"[:300]) from None
    if wrong:
        raise ValueError(
            f"{path} was changed: its {', '.join(wrong)} cannot come from its track, trials and "
            "code; enter it again"
        )
    return record


def checks(record: Mapping[str, Any]) -> dict[str, bool]:
    """Whether each part of a record fits its track, its trials and its code."""
    track, trials = TRACKS[record["track"]], record["trials"]
    checkpoint, against = record.get("checkpoint"), record.get("against")
    found = {
        "data_seed": isinstance(record["data_seed"], str),
        "rows": type(record["rows"]) is int
        and record["rows"] in (ROW_COUNTS if track.score == "rows" else (track.rows,)),
        "trials": are_trials(trials, track),
        "sha256": record["sha256"] == identity(record["code"], checkpoint),
        "checkpoint": is_checkpoint(checkpoint) if track.elsewhere else checkpoint is None,
        # what stands for a checkpoint is the same for all of them
        "code": not track.elsewhere or record["code"] == STAND_IN.read_text(encoding="utf-8"),
        "processor": fits(record["provenance"]["machine"]["processor"], 100),
    }
    if found["trials"]:
        for name in ("accuracy", "seconds"):
            found[name] = agree(record[name], summarise(trial[name] for trial in trials))
        if track.target is not None:
            found["target"] = reaches(record["accuracy"], track.target)
    if against is not None:
        found["against"] = are_trials(against["trials"], track) and all(
            agree(against[name], value)
            for name, value in compare(trials, against["trials"], track).items()
        )
    return found


def are_trials(trials: Any, track: Track) -> bool:
    """Whether these are as many trials as the track has, each with possible numbers."""
    numbers = [trial[name] for trial in trials for name in ("accuracy", "seconds")]
    return (
        len(trials) == track.trials
        and all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
        and all(0 <= trial["accuracy"] <= 100 and trial["seconds"] >= 0 for trial in trials)
    )


def is_checkpoint(checkpoint: Any) -> bool:
    """Whether this names one commit of a repository on the Hub."""
    return (
        checkpoint is not None
        and checkpoint.keys() == {"repo_id", "revision"}
        and bool(re.fullmatch("[0-9a-f]{40}", checkpoint["revision"]))
    )


def agree(stored: Any, expected: Any) -> bool:
    """Whether a stored value is the expected one, but for rounding."""
    if isinstance(expected, Mapping):
        return stored.keys() == expected.keys() and all(
            agree(stored[name], value) for name, value in expected.items()
        )
    if isinstance(expected, float):
        return math.isclose(stored, expected, rel_tol=1e-9, abs_tol=1e-9)
    return bool(stored == expected)


def read_records(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """All entries by track, best first; ValueError as in `read_record`."""
    found = {name: [] for name in TRACKS}  # type: dict[str, list[dict[str, Any]]]
    for path in sorted(folder.glob("*/*.json")):
        record = read_record(path)
        found[record["track"]].append(record)
    return {name: order(records) for name, records in found.items()}


def stored_predictions(path: Path, record: Mapping[str, Any]) -> Iterable[np.ndarray]:
    """The predictions (test rows,) uint8 of each trial that lie beside the record in `path`.

    ValueError when their accuracy is not that of the record.
    """
    file = path.with_suffix(".npz")
    if not file.exists():
        raise ValueError(f"{file} does not exist: the two files of a record belong together")
    try:
        with np.load(file) as stored:
            offsets = stored["offsets"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ValueError(f"{file} has no predictions: {error!r}"[:300]) from None
    for trial, wrong, labels in zip(record["trials"], offsets, true_labels(record), strict=True):
        accuracy = 100 * float(np.mean(wrong == 0))
        if wrong.shape != labels.shape or not agree(trial["accuracy"], accuracy):
            raise ValueError(
                f"{path}: its predictions give {accuracy:.3f} % where it says "
                f"{trial['accuracy']:.3f} %: run the entry again"
            )
        yield ((labels + wrong) % 10).astype(np.uint8)


def check_again(
    path: Path, record: Mapping[str, Any], before: Sequence[np.ndarray], score: Score
) -> dict[str, float]:
    """How a second run agrees with a record: percent of equal predictions, accuracies, seconds.

    `before` are the predictions of the record, trial by trial, as `stored_predictions` gives them.
    ValueError when the accuracy is another one. On another processor a training takes another
    course; its mean accuracy may differ by `SAME` points or `NEW_RANK_Z` standard errors, as the
    trials of the second run vary. CPU seconds are those of two machines and decide nothing.
    """
    pairs = zip(score.trials, before, strict=True)
    equal = [100 * float(np.mean(trial.predictions == labels)) for trial, labels in pairs]
    now = score.summary()
    found = {
        "equal predictions, percent": math.fsum(equal) / len(equal),
        "accuracy on record": record["accuracy"]["mean"],
        "accuracy now": now["accuracy"]["mean"],
        "CPU seconds on record": record["seconds"]["mean"],
        "CPU seconds now": now["seconds"]["mean"],
    }
    change = found["accuracy now"] - found["accuracy on record"]
    if abs(change) > SAME and abs(gap_z(change, now["accuracy"])) > NEW_RANK_Z:
        raise ValueError(
            f"{path} says {found['accuracy on record']:.3f} %, and the same code on the same data "
            f"now gets {found['accuracy now']:.3f} %: the record does not hold"
        )
    return found
