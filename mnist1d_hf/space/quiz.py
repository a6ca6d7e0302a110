"""The quiz that the paper's human took: ten signals at a time, the truth after each ten."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from mnist1d_hf.evidence.published import HUMAN
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import CONFIGS, NUM_CLASSES, check_integer

BLOCK = 10
LENGTHS = (20, 100)
QUIZ_CONFIGS = ("default", "shuffled")


@lru_cache(maxsize=2)
def test_split(config: str) -> tuple[np.ndarray, np.ndarray]:
    """x (1000, 40) float64 and y (1000,) of the test split that the paper's table is about."""
    data = make_mnist1d(CONFIGS[config])
    return data.x_test, data.y_test


test_split.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


@dataclass(frozen=True)
class Quiz:
    """Questions, and the answers so far; answering makes a new one."""

    config: str
    seed: int
    rows: tuple[int, ...]  # of the test split, in the order in which they are asked
    truths: tuple[int, ...]
    answers: tuple[int, ...] = ()

    @property
    def finished(self) -> bool:
        return len(self.answers) == len(self.rows)

    @property
    def correct(self) -> int:
        return sum(a == t for a, t in zip(self.answers, self.truths, strict=False))

    def block(self, number: int | None = None) -> slice:
        """Places of the questions of a block of ten; without a number, of the next to answer."""
        start = len(self.answers) if number is None else BLOCK * number
        return slice(start, start + BLOCK)

    def signals(self, block: slice) -> np.ndarray:
        return test_split(self.config)[0][list(self.rows[block])]

    def answer(self, typed: str) -> "Quiz":
        """The quiz after the answers to the next block: digits, with or without spaces or commas.

        Raises ValueError when these are not ten digits.
        """
        digits = re.sub(r"[\s,;]", "", typed)
        wanted = len(self.rows[self.block()])
        if not re.fullmatch(f"[0-9]{{{wanted}}}", digits):
            raise ValueError(f"Type {wanted} digits, one for each signal; that was {typed[:40]!r}.")
        return replace(self, answers=self.answers + tuple(map(int, digits)))


def new_quiz(config: str, questions: int, seed: int) -> Quiz:
    """`questions` different rows of the test split, chosen by the seed.

    Raises ValueError for a config without a quiz, a number of questions that is not offered, or a
    seed below 0.
    """
    if config not in QUIZ_CONFIGS:
        raise ValueError(f"config {config!r}: must be one of {', '.join(QUIZ_CONFIGS)}")
    if questions not in LENGTHS:
        raise ValueError(f"questions={questions!r}: must be one of {', '.join(map(str, LENGTHS))}")
    check_integer("seed", seed, 0, math.inf)
    y = test_split(config)[1]
    rows = np.random.default_rng(seed).permutation(len(y))[:questions]
    return Quiz(config, seed, tuple(rows.tolist()), tuple(y[rows].tolist()))


def chance_seed() -> int:
    """A seed that nobody chose."""
    return int(np.random.SeedSequence().generate_state(1)[0])


def wilson(correct: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval (1927) for a share, of 95 % at z = 1.96.

    >>> [round(end, 3) for end in wilson(19, 20)]
    [0.764, 0.991]
    """
    if total == 0:
        return 0.0, 1.0
    share, weight = correct / total, z**2 / total
    middle = share + weight / 2
    half = z * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    return max((middle - half) / (1 + weight), 0.0), min((middle + half) / (1 + weight), 1.0)


def report(quiz: Quiz) -> dict[str, Any]:
    """Score of the answers so far, for JSON: shares from 0 to 1, errors by digit, all answers."""
    answered = len(quiz.answers)
    pairs = list(zip(quiz.truths, quiz.answers, strict=False))
    low, high = wilson(quiz.correct, answered)
    return {
        **asdict(quiz),
        "correct": quiz.correct,
        "answered": answered,
        "accuracy": quiz.correct / answered if answered else None,
        "interval_95": [low, high],
        "by_digit": [
            {
                "label": digit,
                "asked": sum(truth == digit for truth, _ in pairs),
                "wrong": sum(truth == digit != given for truth, given in pairs),
            }
            for digit in range(NUM_CLASSES)
        ],
        "published_human": HUMAN / 100 if quiz.config == "default" else None,
    }


def report_json(quiz: Quiz) -> str:
    return json.dumps(report(quiz), indent=1) + "\n"


def verdict(score: Mapping[str, Any]) -> str:
    """The score in a sentence."""
    low, high = score["interval_95"]
    return (
        f"{score['correct']} of {score['answered']} right: {score['accuracy']:.1%} "
        f"(95 % interval {low:.1%} to {high:.1%})"
    )
