"""Published numbers: the paper's table, what its author answered by hand, and those of each study.

Numbers that only one study compares with are in `<study>.json` beside this file, each group with
its source, unit and values. They are part of the wheel, because studies run from an installed copy.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple


@cache
def read_published(study: str) -> Mapping[str, Any]:
    """The published values that a study compares with, by the name of their group.

    Raises FileNotFoundError for a study without such values. The file says where each group is
    from: `{"accuracies": {"source": ..., "unit": ..., "values": ...}, ...}`.

    >>> read_published("tsne")["knn"]
    59.6
    """
    text = files(__name__).joinpath(f"{study}.json").read_text(encoding="utf-8")
    return MappingProxyType({name: one["values"] for name, one in json.loads(text).items()})


class Accuracy(NamedTuple):
    """Test accuracy and its spread, in percent."""

    mean: float
    spread: float


def accuracies(**published: tuple[float, float]) -> Mapping[str, Accuracy]:
    return MappingProxyType({name: Accuracy(*value) for name, value in published.items()})


# names in code and how they are written: models and the human
NAMES = {
    **{"logistic": "logistic", "mlp": "MLP", "cnn": "CNN", "gru": "GRU"},
    **{"tcn": "TCN", "transformer": "Transformer", "human": "human"},
}
# What decides which weights are tested: the last update, as in the original's code, or the accuracy
# on validation rows, after which the test rows are looked at once.
PROTOCOLS = {"last_step": "last step", "validation": "validation"}
# Table 1 of Greydanus & Kobak (ICML 2024): early stopping, standard deviation over three runs.
# No data is published for the human on shuffled signals.
PUBLISHED = MappingProxyType(
    {
        "default": accuracies(
            logistic=(32, 1), mlp=(68, 2), cnn=(94, 2), gru=(91, 2), human=(96, 1)
        ),
        "shuffled": accuracies(
            logistic=(32, 1), mlp=(68, 2), cnn=(56, 2), gru=(57, 2), human=(30, 10)
        ),
    }
)

# Five quizzes of a hundred test examples, taken by the first author (building-mnist1d.ipynb). The
# second file in the repository is a copy of the first: rows 100 to 199 of test have no answers.
QUIZZES = (96, 96, 96, 97, 94)
HUMAN = sum(QUIZZES) / len(QUIZZES)
HUMAN_CAVEAT = (
    "One person, the first author; his second quiz is stored as a copy of the first, "
    "and the 400 answers that remain give 95.75 %."
)

# Share of each digit answered wrongly, in percent: the human on the 500 stored answers, and the
# CNN of the 2020 notebook (3000 steps) on the first 500 test examples, of which it got 93.2 %.
HUMAN_ANSWERS = (37, 55, 42, 62, 57, 48, 51, 46, 48, 54)
HUMAN_ERRORS = (2, 2, 5, 0, 3, 0, 0, 5, 0, 4)
CNN_ANSWERS = (45, 51, 49, 57, 55, 50, 52, 44, 46, 51)
CNN_ERRORS = (0, 5, 8, 0, 7, 2, 0, 7, 2, 3)


def error_rates(errors: tuple[int, ...], answers: tuple[int, ...]) -> list[float]:
    """Percent wrong, digit by digit.

    >>> round(error_rates(HUMAN_ERRORS, HUMAN_ANSWERS)[2], 1)
    11.9
    """
    return [100 * wrong / total for wrong, total in zip(errors, answers, strict=True)]


# Test rows that the author took for another digit: row -> (truth, his answer).
HUMAN_MISTAKES = MappingProxyType(
    {
        **{29: (7, 1), 48: (2, 1), 60: (9, 4), 98: (7, 2), 223: (9, 4), 225: (1, 4), 235: (1, 9)},
        **{282: (0, 2), 305: (4, 9), 337: (2, 8), 342: (4, 9), 446: (4, 9), 448: (2, 1)},
        **{453: (2, 1), 468: (0, 1), 473: (9, 4), 496: (7, 2)},
    }
)
