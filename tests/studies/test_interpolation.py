"""The interpolation threshold: found where it is, and fitted by the law that made it."""

import numpy as np
import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.studies import interpolation as study
from mnist1d_hf.studies.rules import interpolation as rules


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cells = Cells(tmp_path_factory.mktemp("cells"), quiet=True)
    return study.run(study.Args.at("smoke"), cells)


def synthetic(loss, a, b, c):
    """Curves whose training error crosses 1 % at a n^b K^c parameters."""
    grid = [2**k for k in range(4, 20)]
    curves = []
    for classes in (2, 5, 10):
        for n in (500, 1000, 2000):
            place = a * n**b * classes**c
            errors = [[1 + 10 * np.log(place / p)] * 2 for p in grid]
            curve = {"loss": loss, "classes": classes, "train_size": n, "parameters": grid}
            curve |= {"train_error": errors, "test_error": [[50.0] * 2] * len(grid)}
            curve |= {"train_loss": errors, "test_loss": [[2.0] * 2] * len(grid)}
            curves.append({**curve, **study.mark(curve)})
    return curves


def judged(curves):
    loss = curves[0]["loss"]
    fits = {loss: {name: study.fit(curves, name) for name in study.MARKERS}}
    (finding,) = rules.judge({"curves": curves, "fits": fits})
    return finding


def test_every_combination_has_a_curve(result):
    kinds = {(c["loss"], c["classes"], c["train_size"]) for c in result["curves"]}
    assert len(kinds) == len(result["curves"]) == 8
    curve = result["curves"][0]
    assert curve["parameters"] == [study.parameters(size, 2) for size in (2, 9, 27)]
    assert np.array(curve["train_error"]).shape == (3, 3)
    assert np.mean(curve["train_error"][2]) < np.mean(curve["train_error"][0])


def test_the_law_is_recovered():
    law = study.fit(synthetic("mse", 0.7, 1.1, 0.4), "threshold")
    assert law["a"] == pytest.approx(0.7, rel=0.01)
    assert law["b"] == pytest.approx(1.1, abs=0.03)
    assert law["c"] == pytest.approx(0.4, abs=0.03)
    assert law["n"] == 9 and law["outside"] == 0  # two seeds make one point


@pytest.mark.parametrize(
    ("loss", "law", "verdict"),
    [
        ("mse", (1, 1, 1), "reproduced"),
        ("mse", (5, 1, 1), "partly"),
        ("mse", (1, 1, 0), "refuted"),
        ("cross_entropy", (1, 1, 0), "reproduced"),
        ("cross_entropy", (1, 1, 1), "refuted"),
    ],
)
def test_verdicts_follow_the_law(loss, law, verdict):
    assert judged(synthetic(loss, *law)).verdict == verdict


def test_what_lies_outside_the_sizes_is_counted_not_guessed():
    curves = synthetic("mse", 1e6, 1, 0)
    assert all(value is None for curve in curves for value in curve["threshold"])
    assert study.fit(curves, "threshold") is None
    assert judged(curves).verdict == "not testable"


def test_a_crossing_is_interpolated_and_the_last_one_counts():
    values = np.array([3.0, 0.5, 2.0, 0.0, 0.0])
    assert study.crossing([10, 20, 40, 80, 160], values, 1.0) == round(40 * 2**0.5, 1)
    assert study.crossing([10, 20], np.array([np.nan, 0.0]), 1.0) == 20
    assert study.crossing([10, 20], np.array([0.0, np.nan]), 1.0) is None


def test_a_peak_lies_inside_and_a_diverged_loss_is_skipped():
    curve = {"loss": "mse", "classes": 2, "parameters": [10, 20, 40, 80]}
    curve |= {name: [[5.0], [3.0], [9.0], [4.0]] for name in ("train_error", "test_error")}
    curve |= {"train_loss": [[1.0]] * 4, "test_loss": [[1.0], [None], [1.5], [1.2]]}
    marks = study.mark(curve)
    assert marks["peak_error"] == marks["peak_loss"] == [40]


def test_rows_are_the_digits_below_the_number_of_classes():
    x, labels, x_test, labels_test = study.load(2)
    assert len(x) >= 4000 and len(x_test) == study.TEST_SIZE
    assert set(labels.tolist()) == set(labels_test.tolist()) == {0, 1}


def test_a_share_of_the_labels_is_drawn_anew():
    labels = torch.arange(10).repeat(1000)
    noisy = study.noisy(labels, 10, 0.15, seed=1)
    assert (noisy != labels).double().mean().item() == pytest.approx(0.135, abs=0.01)
    assert torch.equal(noisy, study.noisy(labels, 10, 0.15, seed=1))
    assert not torch.equal(noisy, study.noisy(labels, 10, 0.15, seed=2))


def test_the_figure_shows_both_losses(result):
    titles = [axis.get_title() for axis in study.plot(result).axes if axis.get_visible()]
    assert titles == ["NLL, K = 2", "NLL, K = 10", "MSE, K = 2", "MSE, K = 10"]
    nll, mse, exponents = study.plot_thresholds(result).axes
    assert [nll.get_title(), mse.get_title()] == ["Threshold, NLL", "Threshold, MSE"]
    assert nll.get_ylim() == mse.get_ylim() and exponents.get_xlabel() == "Exponent"


@pytest.mark.parametrize(
    ("knob", "message"),
    [
        ({"losses": ("hinge",)}, "losses 'hinge': must be one of"),
        ({"classes": (1,)}, "classes: 1 is not from 2 to 10"),
        ({"train_sizes": (250,)}, "train_sizes: 250 is not a multiple of batch_size=100"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(knob, message):
    with pytest.raises(ValueError, match=message):
        study.Args(**knob)
