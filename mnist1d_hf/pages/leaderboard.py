"""The leaderboard: accuracies on the test rows of MNIST-1D, and how each was come by.

`board` makes it from what is published, from our own benchmark, and from what was submitted;
`submit` adds an entry whose predictions it has checked and scored. The protocol that entries shall
follow stands in the dataset's card; what departs from it is said in the entry's remark.

    mine = Submission("my TCN", selection="validation", link="https://...")
    board = submit(board, mine, classes, frozen_labels("default"))
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from mnist1d_hf.data.identity import DIGESTS, digest
from mnist1d_hf.evidence.published import HUMAN_CAVEAT, NAMES, PROTOCOLS, PUBLISHED, QUIZZES
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.pages.tables import markdown, spread
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import CONFIGS

# what decided which weights were tested; all but test leave the test rows alone
SELECTIONS = {**PROTOCOLS, "none": "none", "test": "test", "not_published": "not published"}
SUBMITTED = ("validation", "last_step", "none", "test")
PAPER, BEEBE = "https://arxiv.org/abs/2011.14439", "https://arxiv.org/abs/2602.13348"
TABLE_1 = "Table 1: early stopping, three runs; no code is published for it"
ON_TEST = "no validation rows: selected on the test rows"


@dataclass(frozen=True)
class Entry:
    """One row."""

    name: str
    config: str
    accuracy: float  # percent of the test rows, mean over runs
    std: float | None
    n: int | None  # runs; None where not published
    selection: str  # one of SELECTIONS
    origin: str  # published, measured (by this project) or submitted
    link: str
    remark: str = ""
    predictions: str | None = None  # SHA-256 of the classes (rows, runs), int64, that were checked


@dataclass(frozen=True)
class Submission:
    """What a submitter says of an entry."""

    name: str
    selection: str
    link: str
    config: str = "default"
    remark: str = ""

    def __post_init__(self) -> None:
        for field, longest in (("name", 60), ("remark", 120)):
            value = getattr(self, field)
            if len(value) > longest or set(value) & set("|<>\n\r`"):
                raise ValueError(
                    f"{field}={value!r}: at most {longest} characters in one line, without | < > `"
                )
        if not self.name.strip():
            raise ValueError(f"name={self.name!r}: say what the model is called")
        if self.config not in DIGESTS:
            raise ValueError(f"config={self.config!r}: must be one of {', '.join(DIGESTS)}")
        if self.selection not in SUBMITTED:
            raise ValueError(
                f"selection={self.selection!r}: must be one of {', '.join(SUBMITTED)}; it "
                "says what decided which weights were tested"
            )
        parts = urlsplit(self.link)
        if parts.scheme != "https" or "." not in parts.netloc or set(self.link) & set("|<>() \n"):
            raise ValueError(
                f"link={self.link!r}: must be an https:// address of the paper or the code"
            )


def board(benchmark: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> dict[str, Any]:
    """The whole leaderboard: published, ours, and the submitted entries of the `old` one.

    `benchmark` is the result of the study classification, if there is one.
    """
    submitted = [Entry(**e) for e in (old or {}).get("entries", []) if e["origin"] == "submitted"]
    return written([*published(), *measured(benchmark or {"table": []}), *submitted])


def written(entries: Iterable[Entry]) -> dict[str, Any]:
    """Entries as they lie in the file: by config, those selected on test last, best first."""
    order = list(DIGESTS)
    ranked = sorted(
        entries,
        key=lambda e: (order.index(e.config), e.selection == "test", -e.accuracy, e.name, e.origin),
    )
    return {
        "metric": "percent of the rows of the test split that are classified rightly",
        "labels_sha256": {config: digests["y_test"] for config, digests in DIGESTS.items()},
        "entries": [asdict(entry) for entry in ranked],
    }


def published() -> list[Entry]:
    """Table 1 of the paper, the human, and Beebe et al. (2026: 4000 rows, 10,000 steps)."""
    table = [
        Entry(NAMES[model], config, *accuracy, 3, "not_published", "published", PAPER, TABLE_1)
        for config, models in PUBLISHED.items()
        for model, accuracy in models.items()
        if model != "human"
    ]
    quizzes = summarise(QUIZZES)
    guess, spread_of_guess = PUBLISHED["shuffled"]["human"]
    human = [
        Entry(
            *("human", "default", quizzes["mean"], round(quizzes["std"], 3), quizzes["n"]),
            *("none", "published", PAPER, HUMAN_CAVEAT),
        ),
        Entry(
            *("human", "shuffled", guess, spread_of_guess, None, "none", "published", PAPER),
            "an estimate; no answers are published",
        ),
    ]
    others = [
        Entry(name, "default", accuracy, None, None, "test", "published", BEEBE, remark)
        for name, accuracy, remark in (
            ("TCN, best step", 99.4, "no validation rows: the step was picked on the test rows"),
            ("TCN, last step", 98.8, ON_TEST),
            ("ResNet", 98.6, f"98.6 to 98.7 are reported; {ON_TEST}"),
            ("dilated CNN", 97.3, ON_TEST),
            ("GRU", 90.6, ON_TEST),
            ("MLP", 65.2, ON_TEST),
        )
    ]
    return [*table, *human, *others]


def measured(benchmark: Mapping[str, Any]) -> list[Entry]:
    """Our benchmark: of the step that validation rows choose, and of the last on all 4000 rows."""
    return [
        Entry(
            f"{NAMES[row['model']]}, {row['recipe']} recipe",
            row["config"],
            round(row["mean"], 3),
            None if row["std"] is None else round(row["std"], 4),
            row["n"],
            row["protocol"],
            "measured",
            "REPRODUCTION.md#classification",
            "" if row["protocol"] == "validation" else "trained on all 4000 rows",
        )
        for row in benchmark["table"]
    ]


def submit(
    old: Mapping[str, Any], submission: Submission, classes: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
    """The leaderboard with one more entry, scored from its predicted `classes` (rows, runs).

    Raises ValueError for predictions that cannot be scored, and for an entry that is there already,
    by its name or by its predictions.
    """
    classes = check_classes(classes, len(labels))
    sha256 = hashlib.sha256(classes.astype("<i8").tobytes()).hexdigest()
    for entry in old["entries"]:
        if entry["predictions"] == sha256 and entry["config"] == submission.config:
            raise ValueError(f"these predictions are in the leaderboard as {entry['name']!r}")
        if (entry["name"], entry["config"]) == (submission.name, submission.config):
            raise ValueError(
                f"name={submission.name!r}: there is an entry of this name for "
                f"{submission.config!r}; choose another"
            )
    score = summarise(100 * (run == labels).mean() for run in classes.T)
    entry = Entry(
        **asdict(submission),
        accuracy=round(score["mean"], 3),
        std=None if score["std"] is None else round(score["std"], 4),
        n=score["n"],
        origin="submitted",
        predictions=sha256,
    )
    return written([*(Entry(**e) for e in old["entries"]), entry])


def check_classes(classes: np.ndarray, rows: int) -> np.ndarray:
    """The classes as int64 (rows, runs); ValueError when they are none, or not of these rows."""
    classes = np.asarray(classes)
    classes = classes[:, None] if classes.ndim == 1 else classes
    if classes.ndim != 2 or len(classes) != rows or not classes.shape[1]:
        raise ValueError(
            f"predictions have shape {classes.shape}: a row for each of the {rows} test rows, in "
            "their order, and a column for each run"
        )
    if not np.issubdtype(classes.dtype, np.number):
        raise ValueError(f"predictions are of type {classes.dtype}: must be digits from 0 to 9")
    wrong = np.argwhere(~np.isin(classes, np.arange(10)))
    if len(wrong):
        row, run = wrong[0]
        raise ValueError(
            f"predictions[{row}, {run}]={classes[row, run]}: must be a digit from 0 to 9"
        )
    if len(np.unique(classes, axis=1).T) < classes.shape[1]:
        raise ValueError(
            "two columns of the predictions are the same run: give every run, with a seed of its "
            "own, once"
        )
    return classes.astype(np.int64)


def frozen_labels(config: str) -> np.ndarray:
    """The frozen labels (1000,) that entries are scored against; generated, and compared."""
    labels = make_mnist1d(CONFIGS[config]).y_test
    if digest(labels) != DIGESTS[config]["y_test"]:
        raise ValueError(
            f"test labels of {config!r} made here are not the frozen ones: run mnist1d-hf verify"
        )
    return labels


def leaderboard_table(entries: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for entry in map(lambda e: Entry(**e), entries):
        link = f"[{entry.origin}]({entry.link})"
        checked = "; predictions checked" if entry.predictions else ""
        runs, chosen = "–" if entry.n is None else str(entry.n), SELECTIONS[entry.selection]
        rows.append(
            [f"`{entry.config}`", entry.name, spread(entry.accuracy, entry.std), runs]
            + [f"**{chosen}**" if entry.selection == "test" else chosen]
            + [entry.remark or "–", link + checked]
        )
    header = ["config", "model", "accuracy, %", "runs", "selected on", "remark", "source"]
    return markdown(header, rows)
