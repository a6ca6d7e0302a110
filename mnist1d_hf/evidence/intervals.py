"""Confidence intervals of what a claim is about, and the one scheme by which they decide it."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from scipy.special import betaincinv, ndtri, stdtr, stdtrit

from mnist1d_hf.evidence.results import summarise

LEVEL = 0.95
CERTAIN = 1e9  # a z-score in place of infinity, which JSON does not have
# why the first version of many a rule was replaced
UNKNOWN = "it compared means without asking how well they are known"
Interval = tuple[float, float]


def mean_interval(values: Iterable[float]) -> Interval:
    """The 95 % interval of the mean of independent runs, by Student's t.

    Of paired differences, one a run, it is the interval of the mean difference. One run has no
    spread, so that its interval is the whole line.

    >>> [round(end, 2) for end in mean_interval([1.0, 2.0, 3.0])]
    [-0.48, 4.48]
    """
    return summary_interval(summarise(values))


def summary_interval(found: Mapping[str, Any], among: int = 1) -> Interval:
    """The same from what `summarise` returns: mean, std and n.

    Where a mean is picked `among` several, the intervals of all of them hold together with 95 %
    (Bonferroni), so that the best of them is not taken for good by chance.
    """
    if found["std"] is None:
        return -math.inf, math.inf
    error = found["std"] / math.sqrt(found["n"])
    return _around(found["mean"], error, found["n"] - 1, among)


def z_score(found: Mapping[str, Any], than: float = 0.0) -> float:
    """How many standard errors the mean of independent runs is above `than`.

    `found` is what `summarise` returns: mean, std and n of at least two runs. Few runs know their
    own spread badly, so that this is the number of standard errors that is as rare for a known
    spread as Student's t of the runs is. Runs without any spread are as certain as can be.

    >>> round(z_score({"mean": 4.0, "std": math.sqrt(10), "n": 10}), 2)
    2.95
    """
    error = found["std"] / math.sqrt(found["n"])
    distance = found["mean"] - than
    if error == 0:
        return math.copysign(CERTAIN, distance) if distance else 0.0
    rare = stdtr(found["n"] - 1, -abs(distance) / error)
    return math.copysign(min(-float(ndtri(rare)), CERTAIN), distance)


def difference_interval(first: Mapping[str, Any], second: Mapping[str, Any]) -> Interval:
    """The 95 % interval of the first mean minus the second, of runs that are not paired (Welch).

    Both are what `summarise` returns: mean, std and n.
    """
    if None in (first["std"], second["std"]):
        return -math.inf, math.inf
    a, b = (s["std"] ** 2 / s["n"] for s in (first, second))
    gap = first["mean"] - second["mean"]
    if a + b == 0:
        return gap, gap
    freedom = (a + b) ** 2 / (a**2 / (first["n"] - 1) + b**2 / (second["n"] - 1))
    return _around(gap, math.sqrt(a + b), freedom)


def run_interval(values: Iterable[float]) -> Interval:
    """The interval in which one more run lies with a probability of 95 %, from those of n runs.

    A published value is often a single run, and then belongs here.

    >>> [round(end, 2) for end in run_interval([1.0, 2.0, 3.0])]
    [-2.97, 6.97]
    """
    found = summarise(values)
    if found["std"] is None:
        return -math.inf, math.inf
    error = found["std"] * math.sqrt(1 + 1 / found["n"])
    return _around(found["mean"], error, found["n"] - 1)


def share_interval(held: int, n: int) -> Interval:
    """The 95 % interval of a share of which `held` of `n` independent cases are known.

    By Clopper and Pearson, which never covers less than it says.

    >>> [round(end, 3) for end in share_interval(15, 15)]
    [0.782, 1.0]
    """
    tail = (1 - LEVEL) / 2
    low = betaincinv(held, n - held + 1, tail) if held else 0.0
    high = betaincinv(held + 1, n - held, 1 - tail) if held < n else 1.0
    return float(low), float(high)


def widened(interval: Interval, error: float) -> Interval:
    """The interval of a mean with a standard error more that all of its runs share.

    >>> [round(end, 2) for end in widened((-3.0, 3.0), 4 / 1.96)]
    [-5.0, 5.0]
    """
    if math.inf in interval:  # of one run
        return interval
    middle, half = sum(interval) / 2, (interval[1] - interval[0]) / 2
    half = math.hypot(half, ndtri((1 + LEVEL) / 2) * error)
    return middle - half, middle + half


def judge_interval(interval: Interval, *, above: float = -math.inf, below: float = math.inf) -> str:
    """The verdict on the claim that a quantity is more than `above` and less than `below`.

    - "reproduced": the whole interval lies where the claim says;
    - "refuted": the whole interval lies elsewhere;
    - "not supported": the interval has values of both kinds, so that the runs do not decide.

    >>> [judge_interval(i, above=0) for i in ((0.4, 2.9), (-1.1, 0.7), (-3.0, -0.2))]
    ['reproduced', 'not supported', 'refuted']
    """
    low, high = interval
    if above < low and high < below:
        return "reproduced"
    return "refuted" if high <= above or low >= below else "not supported"


def or_partly(verdict: str, weaker: str) -> str:
    """The verdict on a claim, or "partly" where only its `weaker` form is reproduced.

    >>> or_partly("not supported", "reproduced"), or_partly("refuted", "not supported")
    ('partly', 'refuted')
    """
    return "partly" if verdict != "reproduced" == weaker else verdict


def judge_together(verdicts: Iterable[str]) -> str:
    """The verdict on a claim that takes several intervals, from the verdict on each.

    - "reproduced", when all of them are;
    - "partly", when only some are reproduced, or are partly;
    - "refuted", when none of them is and one or more are refuted;
    - else "not supported".

    >>> judge_together(["reproduced", "refuted"]), judge_together(["not supported", "refuted"])
    ('partly', 'refuted')
    """
    found = set(verdicts)
    if found == {"reproduced"}:
        return "reproduced"
    if found & {"reproduced", "partly"}:
        return "partly"
    return "refuted" if "refuted" in found else "not supported"


def judge_p(p: Iterable[float]) -> str:
    """The verdict on a claim of one or several effects by one-sided p-values, one for each.

    "reproduced" when every effect is there, p < 0.025, which is the level of a 95 % interval;
    "refuted" when each goes the other way, p > 0.975; and else "not supported".

    >>> judge_p([0.001, 0.02]), judge_p([0.001, 0.4])
    ('reproduced', 'not supported')
    """
    each = list(p)
    if max(each) < (1 - LEVEL) / 2:
        return "reproduced"
    return "refuted" if min(each) > (1 + LEVEL) / 2 else "not supported"


def _around(centre: float, error: float, freedom: float, among: int = 1) -> Interval:
    reach = float(stdtrit(freedom, 1 - (1 - LEVEL) / 2 / among)) * error
    return centre - reach, centre + reach
