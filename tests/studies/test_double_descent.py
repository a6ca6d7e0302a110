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
    assert verdicts(result["findings"])["D2"] == "refuted"
    assert verdicts(result["findings"])["D4"] == "refuted"


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
        study.Args(hidden_sizes=(6,))
