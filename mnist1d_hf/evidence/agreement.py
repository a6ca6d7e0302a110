"""The human's mistakes beside those of networks, row by row: claims C3 and C4.

The human answered 400 different rows of the frozen test set, HUMAN_ROWS. Agreement is Cohen's kappa
of who is wrong where: 0 by chance, 1 when the same rows are missed. scikit-learn has it for two
raters; the permutation test needs it for thousands of orders at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import rankdata

from mnist1d_hf.evidence.intervals import judge_interval, judge_p, judge_together, mean_interval
from mnist1d_hf.evidence.published import HUMAN_MISTAKES
from mnist1d_hf.evidence.results import Finding, Superseded, summarise

# rows 100 to 199 have no answers: the file of the second quiz is a copy of the first
HUMAN_ROWS = (*range(100), *range(200, 500))
DRAWS = 10_000  # permutations
SINCE, SINCE_DIGITS = "2026-11-26", "2026-11-27"  # of these versions of the rules of C4, C3


def kappa(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cohen's kappa of two judgements (..., n) bool, which must not both be all the same.

    >>> kappa(np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool))
    array(0.5)
    """
    return of_shares(first.mean(-1), second.mean(-1), (first & second).mean(-1))


def of_shares(a: np.ndarray, b: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Kappa of two judgements that are true in shares `a` and `b` of the rows, and together in
    `both`."""
    chance = a * b + (1 - a) * (1 - b)
    return np.asarray((1 - a - b + 2 * both - chance) / (1 - chance))


def agreement(predicted: Sequence[str], digits: str) -> dict[str, Any]:
    """Of networks, each with a predicted digit a row, against the human; `digits` are the truth.

    `kappa` is the mean over the networks, and `better` has the points by which the human is above
    them, each with its interval over rows. p-values are those of as large a kappa when the human's
    mistakes lie in other rows, any of them or those of the same digit, and that of the rank
    correlation of the digits' error rates when these are in another order.
    """
    rows = np.array(HUMAN_ROWS)
    truth = np.array(list(digits))[rows]
    wrong = np.array([np.array(list(answers))[rows] != truth for answers in predicted])
    human = np.isin(rows, list(HUMAN_MISTAKES))
    found = kappa(wrong, human)
    rng = np.random.default_rng(0)
    drawn = np.stack([rng.permutation(human) for _ in range(DRAWS)])
    inside = np.empty_like(drawn)
    for digit in np.unique(truth):
        places = np.flatnonzero(truth == digit)
        inside[:, places] = rng.permuted(np.tile(human[places], (DRAWS, 1)), axis=1)
    p = {
        name: (1 + (mean_kappa(wrong, orders) >= found.mean() - 1e-12).sum()) / (1 + DRAWS)
        for name, orders in (("any row", drawn), ("rows of the same digit", inside))
    }
    theirs, ours = (
        [float(100 * missed[..., truth == digit].mean()) for digit in np.unique(truth)]
        for missed in (human, wrong)
    )
    order, p_order = rank_correlation(theirs, ours, rng)
    between = [float(kappa(a, b)) for a, b in combinations(wrong, 2)]
    better = 100 * (wrong.mean(0) - human)
    return {
        "kappa": {
            "mean": float(found.mean()),
            "interval": mean_interval(pseudovalues(wrong, human)),
        },
        "kappa of each network": summarise(found),
        "kappa between networks": float(np.mean(between)) if between else None,
        "by digit, %": {"human": theirs, "CNN": ours},
        "hardest": sorted(np.argsort(ours)[-3:].tolist()),
        "rank correlation of the digits": order,
        "p of this": p_order,
        "p": {name: float(value) for name, value in p.items()},
        "wrong where the human is wrong, %": float(100 * wrong[:, human].mean()),
        "wrong where the human is right, %": float(100 * wrong[:, ~human].mean()),
        "human, %": float(100 * (1 - human.mean())),
        "networks, %": float(100 * (1 - wrong.mean())),
        "better": {"mean": float(better.mean()), "interval": mean_interval(better)},
        "rows": len(rows),
    }


def rank_correlation(
    first: Sequence[float], second: Sequence[float], rng: np.random.Generator
) -> tuple[float, float]:
    """Spearman's, and the p-value of one as large when the second is in any other order.

    Values that are all the same have no order: then it is 0, with p = 1.
    """
    if not (np.ptp(first) and np.ptp(second)):
        return 0.0, 1.0
    ranks = [rankdata(one) - (1 + len(one)) / 2 for one in (first, second)]
    drawn = rng.permuted(np.tile(ranks[1], (DRAWS, 1)), axis=1)
    norm = np.linalg.norm(ranks[0]) * np.linalg.norm(ranks[1])
    found = float(ranks[0] @ ranks[1] / norm)
    return found, float((1 + (drawn @ ranks[0] / norm >= found - 1e-12).sum()) / (1 + DRAWS))


def mean_kappa(wrong: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Mean over networks (m, n) of kappa with each of many judgements (draws, n): (draws,)."""
    both = wrong.astype(float) @ orders.T.astype(float) / wrong.shape[1]  # (m, draws)
    return of_shares(wrong.mean(1)[:, None], orders.mean(1)[None], both).mean(0)


def pseudovalues(wrong: np.ndarray, human: np.ndarray) -> np.ndarray:
    """Of the jackknife of the mean kappa of networks (m, n) with the human (n,): (n,).

    They stand for the rows as independent values, whose mean is kappa but for its bias.
    """
    n = len(human)
    without = [
        (values.sum(-1, keepdims=True) - values) / (n - 1)
        for values in (wrong, human, wrong & human)
    ]
    return n * kappa(wrong, human).mean() - (n - 1) * of_shares(*without).mean(0)


def by_rows(better: Finding, same: Finding, found: dict[str, Any]) -> list[Finding]:
    """C4 and C3 by the present versions of their rules."""
    counted = same.superseded
    assert counted is not None
    return [
        replace(
            better,
            ours={name: found[name] for name in ("human, %", "networks, %")},
            n=found["rows"],
            std=None,
            rule="on the rows that the human answered, the 95 % interval over these rows "
            "of his accuracy minus the mean of the CNNs lies above 0",
            verdict=judge_interval(found["better"]["interval"], above=0),
            quantity="human minus CNN on the same rows, points",
            estimate=found["better"]["mean"],
            interval=found["better"]["interval"],
            since=SINCE,
            superseded=Superseded(
                rule=better.rule,
                verdict=better.verdict,
                why="it compared his mean on 500 rows, of which 100 were counted twice, with that "
                "of the CNN on 1000",
            ),
        ),
        replace(
            same,
            ours={
                "hardest for the CNN": found["hardest"],
                "wrong, digits 0 to 9, %": found["by digit, %"],
                **{name: found[name] for name in ("rank correlation of the digits", "p of this")},
                **{name: value for name, value in found.items() if "wrong where" in name},
                "kappa of each CNN": found["kappa of each network"],
                "kappa between CNNs": found["kappa between networks"],
                "p of kappa": found["p"],
            },
            n=found["rows"],
            rule="on the rows that the human answered: kappa of who is wrong where, mean over the "
            "CNNs, has a 95 % interval over these rows, by the jackknife, above 0; and the rank "
            "correlation of the error rates of the ten digits has p < 0.025, one-sided; partly: "
            f"one of the two. The p-values are those of {DRAWS} permutations: of the digits, and "
            "for kappa of the rows where the human was wrong. Ten digits are few: they show "
            "nothing but a close likeness",
            verdict=judge_together(
                (
                    judge_interval(found["kappa"]["interval"], above=0),
                    judge_p([found["p of this"]]),
                )
            ),
            quantity="kappa of human and CNN",
            estimate=found["kappa"]["mean"],
            interval=found["kappa"]["interval"],
            since=SINCE_DIGITS,
            superseded=replace(
                counted,
                why=f"{counted.why}; by rates the verdict is {same.verdict}, and one or more of "
                "three digits are common by chance with 71 %. A version of 2026-11-26 asked for "
                "kappa alone, and was reproduced",
            ),
        ),
    ]
