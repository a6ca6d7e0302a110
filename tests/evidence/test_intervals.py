"""Intervals: those of SciPy, and the verdicts that follow from them."""

import math

import numpy as np
import pytest
from scipy import stats

from mnist1d_hf.evidence.intervals import (
    difference_interval,
    judge_interval,
    judge_together,
    mean_interval,
    run_interval,
    share_interval,
    summary_interval,
)
from mnist1d_hf.evidence.results import Finding, Superseded, summarise

FIRST, SECOND = [93.9, 94.4, 94.1, 93.2], [91.0, 92.5, 90.1]


def test_the_interval_of_a_mean_is_that_of_students_t():
    test = stats.ttest_1samp(FIRST, 0).confidence_interval(0.95)
    assert mean_interval(FIRST) == pytest.approx((test.low, test.high))
    assert mean_interval([1.0]) == (-math.inf, math.inf)
    best_of_eight = stats.ttest_1samp(FIRST, 0).confidence_interval(1 - 0.05 / 8)
    found = summary_interval(summarise(FIRST), among=8)
    assert found == pytest.approx((best_of_eight.low, best_of_eight.high))


def test_the_interval_of_a_difference_is_that_of_welch():
    test = stats.ttest_ind(FIRST, SECOND, equal_var=False).confidence_interval(0.95)
    ours = difference_interval(summarise(FIRST), summarise(SECOND))
    assert ours == pytest.approx((test.low, test.high))
    assert difference_interval(summarise([1.0]), summarise(SECOND)) == (-math.inf, math.inf)
    assert difference_interval(summarise([3.0, 3.0]), summarise([1.0, 1.0])) == (2.0, 2.0)


def test_intervals_hold_the_mean_in_nineteen_of_twenty_cases():
    runs = np.random.default_rng(0).normal(3, 2, size=(2000, 5))
    held = [low < 3 < high for low, high in map(mean_interval, runs)]
    assert 0.93 < np.mean(held) < 0.97


def test_one_more_run_lies_in_its_interval_in_nineteen_of_twenty_cases():
    runs = np.random.default_rng(1).normal(3, 2, size=(4000, 6))
    held = [low < run[5] < high for run in runs for low, high in [run_interval(run[:5])]]
    assert 0.94 < np.mean(held) < 0.96
    assert run_interval([1.0]) == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("interval", "region", "verdict"),
    [
        ((5.1, 9.0), {"above": 5}, "reproduced"),
        ((-4.7, 16.9), {"above": 5}, "not supported"),
        ((-1.0, 5.0), {"above": 5}, "refuted"),
        ((-0.9, 0.9), {"above": -1, "below": 1}, "reproduced"),
        ((-0.6, 1.4), {"above": -1, "below": 1}, "not supported"),
        ((-0.6, -0.2), {"below": 0}, "reproduced"),
        ((0.0, 0.2), {"below": 0}, "refuted"),
        ((-math.inf, math.inf), {"below": 0}, "not supported"),
    ],
)
def test_a_verdict_says_where_the_whole_interval_lies(interval, region, verdict):
    assert judge_interval(interval, **region) == verdict


@pytest.mark.parametrize(
    ("each", "verdict"),
    [
        (["reproduced", "reproduced"], "reproduced"),
        (["refuted"], "refuted"),
        (["partly", "partly"], "partly"),
        (["partly", "refuted"], "partly"),
        (["reproduced", "not supported"], "partly"),
        (["not supported", "refuted"], "refuted"),
        (["not supported", "not supported"], "not supported"),
    ],
)
def test_several_intervals_decide_together(each, verdict):
    assert judge_together(each) == verdict


def test_the_interval_of_a_share_leaves_a_tail_of_a_fortieth_on_each_side():
    low, high = share_interval(27, 30)
    assert stats.binom.sf(26, 30, low) == pytest.approx(0.025)
    assert stats.binom.cdf(27, 30, high) == pytest.approx(0.025)
    assert share_interval(0, 5)[0] == 0 and share_interval(5, 5)[1] == 1


def test_a_finding_keeps_the_first_version_of_its_rule():
    first = Superseded(rule="a sign", verdict="reproduced", why="a sign is no test")
    finding = Finding(
        "X", "it holds", "paper", None, 1, "an interval", "not supported", since="2026-11-26",
        superseded=first, interval=(-math.inf, math.inf),
    )  # fmt: skip
    assert finding.superseded.verdict == "reproduced"
    assert finding.interval is None  # a single run has none, and JSON has no infinity
