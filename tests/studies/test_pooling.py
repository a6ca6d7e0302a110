"""Pooling: the notebook's networks and steps, and verdicts that follow the rules."""

import numpy as np
import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.studies import pooling as study
from mnist1d_hf.studies.rules import pooling as rules


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cells = Cells(tmp_path_factory.mktemp("cells"), quiet=True)
    return study.run(study.Args.at("smoke"), cells)


def published(table):
    """A result whose curves end at the published accuracies."""
    runs = {
        str(size): {
            method: {"steps": [6000], "test_accuracy": [[value - 0.1, value + 0.1]]}
            for method, value in zip(study.METHODS, row, strict=True)
        }
        for size, row in table.items()
    }
    return {"equal_steps": runs, "equal_epochs": runs}


def test_both_runs_have_every_network_and_seed(result):
    for run in ("equal_steps", "equal_epochs"):
        assert set(result[run]) == {"1000", "2000"}
        for size in result[run]:
            assert tuple(result[run][size]) == study.METHODS
    curves = result["equal_steps"]["1000"]["max_pool"]
    assert curves["steps"] == [5, 10, 11]
    assert np.array(curves["test_accuracy"]).shape == (3, 2)
    assert curves["final"]["n"] == 2
    assert result["equal_epochs"]["2000"]["max_pool"]["steps"] == [20]


def test_runs_on_other_data_have_rows_of_their_own(result):
    assert set(result["other_data"]) == {"1000", "2000"}
    assert result["other_data"]["1000"]["max_pool"]["steps"] == [11]
    together = study.train("stride_2", 1000, [0, 1], 3, 3, 0.01, data_seeds=[1000, 1001])
    for run in (0, 1):
        alone = study.train("stride_2", 1000, [run], 3, 3, 0.01, data_seeds=[1000 + run])
        for metric in ("test_accuracy", "train_accuracy", "test_loss"):
            # sums are made in another order
            np.testing.assert_allclose(alone[metric][0, 0], together[metric][0, run], atol=1e-4)
    frozen = study.train("stride_2", 1000, [0], 3, 3, 0.01)
    assert frozen["test_loss"][0, 0] != together["test_loss"][0, 0]


def test_they_are_judged_by_the_same_rules():
    found = published(rules.PUBLISHED)
    found["other_data"] = {size: found["equal_steps"][size] for size in ("1000", "50000")}
    findings = {c.id: c for c in rules.judge(found)}
    for id in ("P1", "P3-no-matter", "P3-hinders", "P4"):
        first, other = findings[id], findings[f"{id}-data"]
        assert other.claim == f"{first.claim}, on other training and test rows"
        assert other.rule.startswith(first.rule[:60]) and other.superseded is other.since is None
        if id != "P4":  # of fewer sizes
            assert (other.verdict, other.interval) == (first.verdict, first.interval)


@pytest.mark.parametrize(
    ("method", "count"), [(m, 9310 if m == "no_pool" else 3310) for m in study.METHODS]
)
def test_networks_have_the_size_of_the_notebooks(method, count):
    network = study.network(method, 0)
    assert sum(p.numel() for p in network.parameters()) == count
    assert network(torch.zeros(2, 40)).shape == (2, 10)
    same = study.network("stride_2", 0)
    assert torch.equal(network[1].weight, same[1].weight)  # all start from the same filters


def test_verdicts_on_the_published_values():
    verdicts = {c.id: c.verdict for c in rules.judge(published(rules.PUBLISHED))}
    assert verdicts["P-table"] == verdicts["P1"] == verdicts["P2"] == "reproduced"
    assert verdicts["P5"] == verdicts["P5-epochs"] == "reproduced"
    assert verdicts["P3-hinders"] == verdicts["P3-no-matter"] == "refuted"  # 1.2 points better
    assert verdicts["P4"] == "refuted"  # worse by 1.0 at 20000, better by 1.0 at 50000
    before = {c.id: c.verdict for c in rules.judge(published(rules.PUBLISHED_2020))}
    assert before["P3-no-matter"] == "reproduced"


def test_no_high_data_no_verdict(result):
    verdicts = {c.id: c.verdict for c in result["findings"]}
    assert verdicts["P4"] == verdicts["P4-epochs"] == "not testable"
    assert verdicts["P3-hinders"] == verdicts["P3-no-matter"] == "not testable"
    low = next(c for c in result["findings"] if c.id == "P1")
    # after 11 steps pooling has helped nobody by 12 points, as far as two seeds say
    assert low.verdict in ("refuted", "not supported") and low.superseded.verdict == "refuted"


def with_gains(gains):
    """A result of one size, with these gains of pooling and of striding over no pooling."""
    runs = {
        method: {"test_accuracy": [[60.0 + gain for gain in gains]]} for method in rules.METHODS
    }
    return {"equal_steps": {"1000": runs | {"no_pool": {"test_accuracy": [[60.0] * len(gains)]}}}}


@pytest.mark.parametrize(
    ("gains", "low", "stride"),
    [
        ([14, 15, 16], "reproduced", "refuted"),
        ([8, 9, 10], "partly", "refuted"),
        ([9, 12, 15], "partly", "refuted"),
        ([-9, 12, 5], "not supported", "not supported"),
        ([-5, -4, -3], "refuted", "reproduced"),
    ],
)
def test_gains_are_judged_by_what_is_known_of_them(gains, low, stride):
    found = with_gains(gains)
    pooled = rules._judge_low(found, "equal_steps", 1000, "P1", "")
    strided = rules._judge_stride(found, "equal_steps", [1000], "P2", "")
    assert (pooled.verdict, strided.verdict) == (low, stride)
    assert pooled.estimate == pytest.approx(sum(gains) / 3) and pooled.n == 3


@pytest.mark.parametrize(
    ("many", "verdict"),
    [
        ([4, 5, 6], "reproduced"),
        ([14, 5, 18], "not supported"),
        ([24, 25, 26], "refuted"),
    ],
)
def test_the_gain_at_few_examples_is_compared_with_that_at_many(many, verdict):
    few, more = (with_gains(gains)["equal_steps"]["1000"] for gains in ([14, 15, 16], many))
    found = {"equal_steps": {"1000": few, "50000": more}}
    [trend] = rules._judge_trend(found, "equal_steps", [1000, 50000], "P5", "")
    assert trend.verdict == verdict and trend.estimate == pytest.approx(15 - sum(many) / 3)
    assert rules._judge_trend(found, "equal_steps", [1000], "P5", "") == []


def test_a_printed_value_lies_where_one_more_run_would():
    size, methods = min(rules.PUBLISHED), rules.METHODS
    for distance, share in ((4, 1), (5, 0)):  # 4.97 from the mean of three
        runs = {
            method: {"test_accuracy": [[value + distance + seed for seed in (-1, 0, 1)]]}
            for method, value in zip(methods, rules.PUBLISHED[size], strict=True)
        }
        finding = rules._judge_table({"equal_steps": {str(size): runs}}, [size])
        assert (finding.estimate, finding.n) == (share, len(methods))
        assert finding.verdict == ("reproduced" if share else "refuted")
    alone = {method: {"test_accuracy": [runs[method]["test_accuracy"][0][:1]]} for method in runs}
    finding = rules._judge_table({"equal_steps": {str(size): alone}}, [size])
    assert finding.verdict == "not supported"


def test_sizes_are_drawn_side_by_side_and_their_ends_together(result):
    shown = [axis for axis in study.plot(result).axes if axis.get_visible()]
    assert [axis.get_title() for axis in shown] == ["1,000 examples", "2,000 examples"]
    assert len({axis.get_ylim() for axis in shown}) == 1
    ends = study.plot_ends(result).axes
    assert [axis.get_title() for axis in ends] == ["Equal steps", "Equal passes", "Gain"]
    assert ends[0].get_ylim() == ends[1].get_ylim()


def test_sizes_without_a_published_value_are_refused():
    with pytest.raises(ValueError, match="train_sizes: 1500 is not one of"):
        study.Args(train_sizes=(1500,))


def test_one_seed_has_no_spread():
    with pytest.raises(ValueError, match="seeds=0: at least 1"):
        study.Args(seeds=0)
