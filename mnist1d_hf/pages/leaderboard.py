"""The table of accuracies on the published test rows, with the way in which each was selected.

It takes no new entries: a thousand rows cannot rank the best models, and their labels are public.
New entries are code that is run on new rows (`mnist1d_hf.leaderboard`, pages/tracks.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mnist1d_hf.data.identity import DIGESTS
from mnist1d_hf.evidence.published import HUMAN_CAVEAT, NAMES, PROTOCOLS, PUBLISHED, QUIZZES
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.pages.tables import markdown, spread

# the rows on which the tested weights were selected
SELECTIONS = {**PROTOCOLS, "none": "none", "test": "test", "not_published": "not published"}
PAPER, BEEBE = "https://arxiv.org/abs/2011.14439", "https://arxiv.org/abs/2602.13348"
FROZEN = (
    "These are accuracies on the test split of each config, as it was published. Its labels are "
    "public, and its 1000 rows are too few to order the best models: differences below 0.6 points "
    "are ties. The last column says how the tested weights were chosen: as those of the last step, "
    "or as the best on validation rows or on the test rows. Results that were chosen on the test "
    "rows stand last, because this choice makes them look better than they are."
)
TABLE_1 = "Table 1: early stopping, three runs; no code is published for it"
ON_TEST = "no validation rows: selected on the test rows"


@dataclass(frozen=True)
class Entry:
    """One row of the table."""

    name: str
    config: str
    accuracy: float  # percent of the test rows, mean over runs
    std: float | None
    n: int | None  # number of runs; None if not published
    selection: str  # one of SELECTIONS
    origin: str  # published, or measured by this project
    link: str
    remark: str = ""


def board(benchmark: Mapping[str, Any] | None) -> dict[str, Any]:
    """Accuracies on the published test rows: published ones, and those of our benchmark.

    `benchmark` is the result of the study classification, if there is one.
    """
    return written([*published(), *measured(benchmark or {"table": []})])


def written(entries: Iterable[Entry]) -> dict[str, Any]:
    """The content of results/leaderboard.json: entries by config, best first.

    Entries that were selected on the test rows come last in each config.
    """
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
        Entry(
            name=NAMES[model],
            config=config,
            accuracy=accuracy.mean,
            std=accuracy.spread,
            n=3,
            selection="not_published",
            origin="published",
            link=PAPER,
            remark=TABLE_1,
        )
        for config, models in PUBLISHED.items()
        for model, accuracy in models.items()
        if model != "human"
    ]
    quizzes = summarise(QUIZZES)
    guess = PUBLISHED["shuffled"]["human"]
    human = [
        Entry(
            name="human",
            config="default",
            accuracy=quizzes["mean"],
            std=round(quizzes["std"], 3),
            n=quizzes["n"],
            selection="none",
            origin="published",
            link=PAPER,
            remark=HUMAN_CAVEAT,
        ),
        Entry(
            name="human",
            config="shuffled",
            accuracy=guess.mean,
            std=guess.spread,
            n=None,
            selection="none",
            origin="published",
            link=PAPER,
            remark="an estimate; no answers are published",
        ),
    ]
    others = [
        Entry(
            name=name,
            config="default",
            accuracy=accuracy,
            std=None,
            n=None,
            selection="test",
            origin="published",
            link=BEEBE,
            remark=remark,
        )
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
    """Our results: the step selected on validation rows, and the last step of a training on all
    4000 rows."""
    return [
        Entry(
            name=f"{NAMES[row['model']]}, {row['recipe']} recipe",
            config=row["config"],
            accuracy=round(row["mean"], 3),
            std=None if row["std"] is None else round(row["std"], 4),
            n=row["n"],
            selection=row["protocol"],
            origin="measured",
            link="REPRODUCTION.md#classification",
            remark="" if row["protocol"] == "validation" else "trained on all 4000 rows",
        )
        for row in benchmark["table"]
    ]


def frozen_tables(entries: Sequence[Mapping[str, Any]]) -> str:
    """The section on the published test rows: a table per config, remarks as footnotes."""
    parts = ["## As published: the 1000 test rows", FROZEN]
    notes: list[str] = []
    found = [Entry(**entry) for entry in entries]
    for config in dict.fromkeys(entry.config for entry in found):
        mine = [entry for entry in found if entry.config == config]
        parts += [f"### `{config}`", frozen_table(mine, notes)]
    return "\n\n".join([*parts, *(f"[^r{i}]: {note}" for i, note in enumerate(notes, 1))])


def frozen_table(entries: Sequence[Entry], notes: list[str]) -> str:
    """One table, whose remarks are footnotes; new remarks are appended to `notes`."""
    rows = []
    for entry in entries:
        mark = ""
        if entry.remark:
            if entry.remark not in notes:
                notes.append(entry.remark)
            mark = f"[^r{notes.index(entry.remark) + 1}]"
        name = f"[{entry.name}]({entry.link}){mark}"
        selection = SELECTIONS[entry.selection]
        rows.append(
            [
                name,
                spread(entry.accuracy, entry.std),
                "–" if entry.n is None else str(entry.n),
                f"**{selection}**" if entry.selection == "test" else selection,
            ]
        )
    return markdown(["model", "accuracy, %", "runs", "selected on"], rows)
