"""Double descent: the notebook's data and networks, and verdicts that follow the rules."""

import io

import numpy as np
import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.studies import double_descent as study
from mnist1d_hf.studies.rules import double_descent as rules


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cells = Cells(tmp_path_factory.mktemp("cells"), quiet=True)
    return study.run(study.Args.at("smoke"), cells)


def verdicts(findings):
    return {finding.id: finding.verdict for finding in findings}


def test_the_labels_are_those_of_the_notebook(result):
    assert result["labels"] == {"sha1": rules.PUBLISHED["labels_sha1"], "changed": 577}
    assert verdicts(result["findings"])["D-labels"] == "reproduced"


def test_one_pass_does_not_make_a_peak(result):
    found = verdicts(result["findings"])
    assert {found["D2"], found["D4"]} <= {"refuted", "not supported"}
    first = {c.id: c.superseded.verdict for c in result["findings"] if c.superseded}
    assert first["D2"] == first["D4"] == "refuted"


def test_panels_have_all_sizes_and_seeds(result):
    assert set(result["panels"]) == {"a", "b", "c"}
    found = result["panels"]["c"]
    assert found["parameters"] == [150, 1190, 2998]  # printed by the notebook
    assert np.array(found["test_error"]).shape == (3, 2)
    first, second = np.array(found["test_loss"]).T
    assert not np.allclose(first, second)


def test_noise_and_clean_labels_share_weights_and_order(result):
    noisy, clean = (result["panels"][panel] for panel in "ba")
    assert not np.allclose(noisy["train_loss"], clean["train_loss"])
    alone = study.train("mlp", 47, [0.0], [1], 1, 100, 0.01, 0.9)
    assert alone["test_loss"].item() == pytest.approx(clean["test_loss"][1][1], abs=1e-5)


@pytest.mark.parametrize(("kind", "sizes"), [("mlp", study.HIDDEN), ("cnn", study.CHANNELS)])
def test_parameters_are_counted(kind, sizes):
    for size in (sizes[0], sizes[-1]):
        weights = study.network(kind, size, 0).parameters()
        assert sum(p.numel() for p in weights) == study.parameters(kind, size)


def test_initial_weights_are_torchs_and_leave_its_generator_alone():
    state = torch.get_rng_state()
    built = study.network("mlp", 7, 5)
    assert torch.equal(torch.get_rng_state(), state)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        assert torch.equal(built[0].weight, torch.nn.Linear(40, 7).weight)


def test_verdicts_on_the_published_values():
    panels = {}
    for panel in "abc":
        published = rules.PUBLISHED[panel]
        sizes = study.CHANNELS if panel == "c" else study.HIDDEN
        runs = {name: [[value, value] for value in values] for name, values in published.items()}
        panels[panel] = {"size": list(sizes), **runs}
    labels = {"sha1": rules.PUBLISHED["labels_sha1"], "changed": 577}
    findings = rules.judge({"labels": labels, "panels": panels})
    found = verdicts(findings)
    assert found.pop("D3-loss") == "refuted"  # its loss has a peak without label noise
    assert set(found.values()) == {"reproduced"}
    assert {c.id: c.ours for c in findings}["D2"]["peak at"] == 47


def panel(sizes, *curves):
    """Two metrics of a panel whose seeds have these curves, one value a size."""
    runs = np.array(curves, dtype=float).T
    return {"size": sizes, "test_error": runs, "test_loss": runs}


BESIDE = np.array([[-1], [0], [1]])  # three seeds, some points apart


@pytest.mark.parametrize(
    ("curve", "apart", "verdict"),
    [
        ((60, 50, 58, 40), 1, "reproduced"),
        ((60, 50, 52, 40), 1, "refuted"),  # rises by less than three points
        ((60, 50, 58, 40), [0, 3, 0, 0], "not supported"),  # by how much is not known
        ((60, 50, 40, 48), 1, "refuted"),  # at 300 units
    ],
)
def test_a_peak_has_a_place_and_a_height_that_is_known(curve, apart, verdict):
    curves = np.array(curve) + BESIDE * np.broadcast_to(apart, 4)
    [finding] = rules._judge_b(panel([4, 16, 47, 300], *curves))
    assert finding.verdict == verdict
    if verdict != "refuted":
        assert finding.estimate == pytest.approx(8) and finding.superseded.verdict == "reproduced"


@pytest.mark.parametrize(
    ("curve", "apart", "verdict"),
    [
        ((40, 30, 29, 28), 0.1, "reproduced"),
        ((40, 30, 35, 28), 0.1, "refuted"),
        ((40, 30, 30, 28), [0, 2, 0, 0], "not supported"),
    ],
)
def test_no_peak_is_a_rise_that_is_known_to_be_small(curve, apart, verdict):
    curves = np.array(curve) + BESIDE * np.broadcast_to(apart, 4)
    error, loss = rules._judge_a(panel([16, 30, 47, 300], *curves))
    assert (error.id, error.verdict, loss.id) == ("D3", verdict, "D3-loss")


@pytest.mark.parametrize(
    ("curve", "apart", "verdict"),
    [
        ((40, 30, 40, 30), 1, "reproduced"),
        ((40, 40, 30, 40), 1, "partly"),  # rises at the end, and does not fall
        ((40, 30, 40, 38), 1, "partly"),
        ((40, 40, 39, 38), 1, "refuted"),
        ((40, 30, 40, 30), [0, 0, 6, 0], "not supported"),
    ],
)
def test_double_descent_takes_a_rise_and_a_fall(curve, apart, verdict):
    curves = np.array(curve) + BESIDE * np.broadcast_to(apart, 4)
    [finding] = rules._judge_c(panel([2, 6, 18, 100], *curves))
    assert finding.verdict == verdict


def test_a_published_run_lies_where_one_more_of_ours_would():
    sizes = list(study.HIDDEN)
    published = np.array(rules.PUBLISHED["b"]["test_error"])
    # three runs with a spread of 1 point say that the next is less than 4.97 from their mean
    for distance, verdict in ((3.9, "reproduced"), (5, "refuted")):
        found = panel(sizes, *(published + distance + BESIDE))
        finding = rules._judge_curve(found, "b")
        assert finding.verdict == verdict and finding.estimate == (distance < 4)
        assert finding.superseded.verdict == ("reproduced" if distance < 4 else "refuted")
    assert rules._judge_curve(panel(sizes, published), "b").verdict == "not supported"


def test_the_figure_is_that_of_the_paper(result):
    figure = study.plot(result)
    figure.savefig(io.BytesIO())  # lays it out, with a warning when there is no room
    axes = figure.axes
    titles = ["MLP, true labels", "MLP, 15 % wrong labels", "CNN, 15 % wrong labels"]
    assert [axis.get_title() for axis in axes[:3]] == titles
    assert [line.get_label() for line in axes[0].get_lines()][:1] == ["test rows"]
    assert axes[5].get_xlabel() == "Channels"


def test_sizes_without_a_published_value_are_refused():
    with pytest.raises(ValueError, match="hidden_sizes: 6 is not one of"):
        study.Args(hidden_sizes=(6, 47))
    with pytest.raises(ValueError, match=r"channels=\(2,\): at least two, for a curve"):
        study.Args(channels=(2,))
