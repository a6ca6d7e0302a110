"""The study of the optimum: what the models are measured against, and how claims are judged."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.signals.params import config_params
from mnist1d_hf.signals.posterior import class_posterior
from mnist1d_hf.studies import optimum as study
from mnist1d_hf.studies.rules import optimum as rules
from mnist1d_hf.training.recipes import RECIPES


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    args = study.Args.at("smoke")
    return study.run(args, Cells(tmp_path_factory.mktemp("cells"), quiet=True))


def test_every_ceiling_is_there_and_falls_with_noise(result):
    assert list(result["configs"]) == ["default", "shuffled", "high-translation", "noisy"]
    noise = result["dials"]["iid_noise_scale"]
    expected = [point["expected"] for point in noise]
    assert expected == sorted(expected, reverse=True) and expected[0] > 99 > 60 > expected[-1]
    for found in result["configs"].values():
        sampling = 100 * math.sqrt(
            found["expected"] / 100 * (1.001 - found["expected"] / 100) / 200
        )
        assert abs(found["accuracy"] - found["expected"]) < 4 * sampling
    frozen = result["frozen"]
    assert frozen["wrong"] == 0 and frozen["rows"] == 1000
    assert [row["row"] for row in frozen["ambiguous"]][0] == 29


def test_every_model_is_measured_everywhere_and_drawn(result):
    for point in result["dials"]["iid_noise_scale"]:
        assert list(point["models"]) == ["logistic", "cnn"]
        assert all(one["accuracy"]["n"] == 2 for one in point["models"].values())
    found = [(one["model"], one["rows"], one["targets"]) for one in result["learning"]]
    assert found == [
        *(("logistic", 1000, "labels"), ("logistic", 0, "labels")),
        *(("cnn", 1000, "labels"), ("cnn", 0, "labels"), ("cnn", 1000, "posterior")),
    ]
    assert result["findings"] == []  # two models of six, and too few numbers of examples
    for name, plot in study.main.plots.items():
        assert plot(result).axes, name


def test_a_model_that_is_the_optimum_has_no_divergence():
    """And its answers are as sure as they are right, so no temperature improves them."""
    params = config_params("noisy", stream="counter", seed=study.TEST_SEED)
    x, labels, exact = study.fresh_test(params, 2000)

    class Exact(torch.nn.Module):
        def logits(self, part):
            return torch.tensor(np.log(class_posterior(part.numpy(), params) + 1e-12))

    found = study.measure(Exact(), x, labels, exact, 2000)
    assert found["kl"] == pytest.approx(0, abs=1e-5)
    assert found["calibration"] < 3 and 0.8 < found["temperature"] < 1.25
    best = exact.max(1).values
    assert abs(found["accuracy"] - 100 * best.mean()) < 400 * best.std() / math.sqrt(2000)


def test_a_temperature_undoes_a_wrong_one():
    logits = torch.randn(5000, 10, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    labels = torch.multinomial(logits.softmax(1), 1, generator=torch.Generator().manual_seed(1))
    assert study.best_temperature(4 * logits, labels[:, 0]) == pytest.approx(4, rel=0.1)


def test_calibration_error_is_that_of_the_bins():
    """An answer that is always given with probability 0.9 and right in one case of two."""
    p = torch.full((300, 2), 0.1, dtype=torch.double)
    p[:, 0] = 0.9
    labels = torch.arange(300) % 2
    assert study.calibration_error(p, labels) == pytest.approx(40, abs=1)


def test_targets_are_labels_or_the_exact_probabilities():
    params = config_params("noisy", stream="counter", seed=3)
    recipe = RECIPES["cnn"]
    x, labels = next(study.examples(params, recipe, 200, "labels"))
    same, exact = next(study.examples(params, recipe, 200, "posterior"))
    assert torch.equal(x, same) and labels.dtype == torch.int64
    np.testing.assert_allclose(exact, class_posterior(x.numpy(), params), atol=1e-6)
    first, second = (next(study.examples(params, recipe, 0, "labels"))[0] for _ in range(2))
    assert torch.equal(first, second) and not torch.equal(first, x)  # of the seed, and new


def test_runs_differ_in_data_and_in_weights(monkeypatch):
    seen = {}
    make = study.make_range

    def watch(params, start, stop):
        x, y = make(params, start, stop)
        seen[params.seed] = x
        return x, y

    monkeypatch.setattr(study, "make_range", watch)
    cell = {"model": "logistic", "config": "default", "overrides": {}, "rows": 100}
    cell |= {"targets": "labels", "steps": 3, "test_rows": 100}
    first, again, second = (study.train(**cell, seed=seed) for seed in (0, 0, 1))
    assert first == again and first != second
    assert not np.array_equal(seen[1], seen[2])


@pytest.mark.parametrize(
    "accuracies, verdict",
    [
        ([99.5, 99.6, 99.4], "reproduced"),
        ([99.4, 98.6, 98.8], "not supported"),
        ([90, 91, 92], "refuted"),
    ],
)
def test_a_verdict_follows_from_the_interval(accuracies, verdict):
    mean = float(np.mean(accuracies))
    models = {"tcn": {"accuracy": {"mean": mean}, "accuracies": accuracies}}
    models |= {f"worse {i}": {"accuracy": {"mean": 50}, "accuracies": [50] * 3} for i in range(5)}
    result = {
        "configs": {"default": {"expected": 99.98}, "noisy": {"expected": 84.0}},
        "dials": {"iid_noise_scale": [{"overrides": {"iid_noise_scale": 0.02}, "models": models}]},
        "learning": [],
    }
    [finding] = rules.judge(result)
    assert finding.verdict == verdict
    assert finding.estimate == pytest.approx(99.98 - mean)


def test_exponents_are_those_of_the_power_law():
    runs = [
        {"rows": rows, "accuracies": [84 - 30 * (rows / 1000) ** -0.4] * 3}
        for rows in (1000, 4000, 16_000)
    ]
    assert rules.exponents(runs, 84.0) == pytest.approx([0.4] * 3)
    assert rules.exponents(runs[:2], 84.0) == []


def test_an_unknown_model_or_dial_is_refused():
    with pytest.raises(ValueError, match="'resnet' is not one of logistic"):
        study.Args(models=("resnet",))
    with pytest.raises(ValueError, match="'seed' is not one of iid_noise_scale"):
        dataclasses.replace(study.Args(), dials=("seed",))
