"""Agreement of networks with the human, row by row."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from mnist1d_hf.evidence.agreement import (
    HUMAN_ROWS,
    agreement,
    by_rows,
    kappa,
    mean_kappa,
    pseudovalues,
)
from mnist1d_hf.evidence.published import HUMAN_MISTAKES
from mnist1d_hf.evidence.results import Finding, Superseded
from mnist1d_hf.signals.generate import make_mnist1d

TRUTH = make_mnist1d().y_test
DIGITS = "".join(map(str, TRUTH))


def answers(wrong):
    """Predictions that are wrong in these rows alone."""
    predicted = TRUTH.copy()
    predicted[list(wrong)] = (predicted[list(wrong)] + 1) % 10
    return "".join(map(str, predicted))


def test_the_rows_and_the_truth_are_those_the_human_saw():
    assert len(HUMAN_ROWS) == 400 and set(HUMAN_MISTAKES) <= set(HUMAN_ROWS)
    assert all(TRUTH[row] == truth for row, (truth, _) in HUMAN_MISTAKES.items())


def test_kappa_is_that_of_scikit_learn_also_for_many_orders():
    rng = np.random.default_rng(0)
    a, orders = rng.random((3, 200)) < 0.2, rng.random((4, 200)) < 0.1
    expected = np.array([[cohen_kappa_score(x, y) for y in orders] for x in a])
    np.testing.assert_allclose(kappa(a[:, None], orders[None]), expected)
    np.testing.assert_allclose(mean_kappa(a, orders), expected.mean(0))


def test_pseudovalues_are_those_of_leaving_out_each_row():
    rng = np.random.default_rng(0)
    wrong, human = rng.random((3, 60)) < 0.3, rng.random(60) < 0.2
    whole = kappa(wrong, human).mean()
    without = [kappa(np.delete(wrong, row, 1), np.delete(human, row)).mean() for row in range(60)]
    np.testing.assert_allclose(pseudovalues(wrong, human), 60 * whole - 59 * np.array(without))


def test_the_interval_of_kappa_is_about_as_wide_as_that_of_a_bootstrap():
    rng = np.random.default_rng(0)
    human = rng.random(400) < 0.1
    wrong = np.where(rng.random((5, 400)) < 0.3, human, rng.random((5, 400)) < 0.1)
    found = pseudovalues(wrong, human)
    drawn = rng.integers(0, 400, (2000, 400))
    again = [kappa(wrong[:, rows], human[rows]).mean() for rows in drawn]
    assert found.std() / 20 == pytest.approx(np.std(again), rel=0.1)
    assert found.mean() == pytest.approx(kappa(wrong, human).mean(), abs=0.01)


def test_the_same_mistakes_agree_and_others_do_not():
    same = agreement([answers(HUMAN_MISTAKES)] * 2, DIGITS)
    assert same["kappa"]["mean"] == pytest.approx(1) and same["p"]["any row"] < 0.001
    assert same["better"]["mean"] == pytest.approx(0)
    assert same["human, %"] == same["networks, %"] == pytest.approx(95.75)
    others = [row for row in HUMAN_ROWS if row not in HUMAN_MISTAKES]
    apart = agreement([answers(others[:80]), answers(others[100:180])], DIGITS)
    assert apart["kappa"]["mean"] < 0 and apart["p"]["any row"] > 0.9
    assert apart["kappa"]["interval"][1] < 0 < same["kappa"]["interval"][0]
    assert apart["better"]["mean"] == pytest.approx(100 * (80 - 17) / 400)
    assert apart["better"]["interval"][0] > 0


def test_digits_that_are_hard_for_both_are_no_agreement_within_digits():
    """Mistakes in the same digits, but in rows that the human has right."""
    missed = {TRUTH[row] for row in HUMAN_MISTAKES}
    wrong = [r for r in HUMAN_ROWS if TRUTH[r] in missed and r not in HUMAN_MISTAKES][::3]
    found = agreement([answers(wrong)], DIGITS)
    assert found["p"]["rows of the same digit"] > 0.9


@pytest.mark.parametrize(
    ("kappas", "p", "interval", "verdicts"),
    [
        ((0.02, 0.28), 0.01, (1.0, 5.0), ["reproduced", "reproduced"]),
        ((0.02, 0.28), 0.07, (1.0, 5.0), ["reproduced", "partly"]),
        ((-0.02, 0.2), 0.5, (-1.0, 5.0), ["not supported", "not supported"]),
        ((-0.2, -0.02), 0.99, (-5.0, -1.0), ["refuted", "refuted"]),
    ],
)
def test_rows_and_digits_decide_and_the_first_versions_stay(kappas, p, interval, verdicts):
    better = Finding("C4", "better", "paper", None, 94.0, "mean below", "reproduced", n=10)
    first = Superseded(rule="counts", verdict="partly", why="counts are no rates")
    same = Finding("C3", "same", "blog", None, {}, "rates", "reproduced", superseded=first)
    found = agreement([answers(HUMAN_MISTAKES)], DIGITS)
    assert found["rank correlation of the digits"] == pytest.approx(1)
    assert found["p of this"] < 0.001
    found["kappa"] = {"mean": 0.1, "interval": kappas}
    found["p of this"] = p
    found["better"] = {"mean": 2.0, "interval": interval}
    c4, c3 = by_rows(better, same, found)
    assert [c4.verdict, c3.verdict] == verdicts and c4.n == c3.n == 400
    assert (c3.estimate, c3.interval) == (0.1, kappas)
    assert (c4.superseded.verdict, c3.superseded.verdict) == ("reproduced", "partly")
    assert c3.superseded.why.startswith("counts are no rates; by rates the verdict is reproduced")
