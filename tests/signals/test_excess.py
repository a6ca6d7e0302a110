"""Predictions beside those of the best possible classifier."""

import re

import numpy as np
import pytest
from scipy.special import rel_entr

from mnist1d_hf import CONFIGS, Templates, class_posterior, excess_error, make_mnist1d
from mnist1d_hf.signals.params import config_params

PARAMS = CONFIGS["noisy"]
ROWS = 300


@pytest.fixture(scope="module")
def rows():
    data = make_mnist1d(PARAMS)
    x, labels = data.x_test[:ROWS], data.y_test[:ROWS]
    return x, labels, class_posterior(x, PARAMS)


def test_the_optimum_has_no_excess(rows):
    x, labels, exact = rows
    done = []
    found = excess_error(x, labels, exact, PARAMS, advance=done.append)
    assert sum(done) == ROWS
    assert found.accuracy == found.optimum_accuracy == (exact.argmax(axis=1) == labels).mean()
    assert (found.excess_error, found.excess_error_stderr) == (0, 0)
    assert found.kl == pytest.approx(0, abs=1e-12)


def test_all_numbers_are_as_defined(rows):
    x, labels, exact = rows
    model = 0.7 * exact + 0.3 * np.random.default_rng(0).dirichlet(np.ones(10), ROWS)
    found = excess_error(x, labels, model, PARAMS)
    right = (model.argmax(axis=1) == labels).astype(float)
    best = (exact.argmax(axis=1) == labels).astype(float)
    kl = rel_entr(exact, model).sum(axis=1)
    for name, values in [
        ("accuracy", right),
        ("optimum_accuracy", best),
        ("excess_error", 100 * (best - right)),
        ("kl", kl),
    ]:
        assert getattr(found, name) == pytest.approx(values.mean()), name
        error = np.sqrt(values.var(ddof=1) / ROWS)
        assert getattr(found, f"{name}_stderr") == pytest.approx(error), name
    assert found.excess_error != 0 and found.kl > 0.01


def test_labels_probabilities_and_logits_agree(rows):
    x, labels, exact = rows
    model = (exact + 0.1) / 2
    by_probability = excess_error(x, labels, model, PARAMS)
    by_logit = excess_error(x, labels, np.log(model) + 5, PARAMS, logits=True)
    assert by_logit == pytest.approx(by_probability)
    by_label = excess_error(x, labels, model.argmax(axis=1), PARAMS)
    assert by_label[:6] == by_probability[:6] and by_label[6:] == (None, None)


def test_a_probability_that_underflowed_is_no_infinite_divergence(rows):
    x, labels, _ = rows
    sure = np.eye(10, dtype=np.float32)[(labels + 1) % 10]
    found = excess_error(x, labels, sure, PARAMS)
    assert found.accuracy == 0 and 20 < found.kl < 88


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_logits_may_be_as_extreme_as_probabilities(rows):
    x, labels, exact = rows
    zeros = np.where(exact < 1e-3, 0, exact)
    zeros /= zeros.sum(axis=1, keepdims=True)
    by_probability = excess_error(x, labels, zeros, PARAMS)
    by_logit = excess_error(x, labels, np.log(zeros), PARAMS, logits=True)
    assert by_logit == pytest.approx(by_probability) and by_logit.kl < 88
    huge = excess_error(x, labels, 1e308 * exact, PARAMS, logits=True)
    assert by_probability.kl < huge.kl < 88


@pytest.mark.parametrize("config_name", ["default", "shuffled", "high-translation"])
def test_rows_of_other_parameters_are_noticed(rows, config_name):
    x, labels, exact = rows
    with pytest.warns(UserWarning, match=r"errors on 300 rows, and expects \d.*other params"):
        excess_error(x, labels, exact, CONFIGS[config_name])


def test_too_few_errors_are_noticed_too():
    data = make_mnist1d()
    with pytest.warns(UserWarning, match=r"makes \d+ errors on 1000 rows, and expects 6\d\."):
        excess_error(data.x_test, data.y_test, data.y_test, PARAMS)


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_label_noise_is_part_of_the_optimum_where_asked(stream):
    params = config_params("default", label_noise=0.5, stream=stream)
    data = make_mnist1d(params)
    x, labels = data.x_train[:ROWS], data.y_train[:ROWS]
    exact = class_posterior(x, params, given_labels=True)
    found = excess_error(x, labels, exact, params, given_labels=True)
    assert found.excess_error == 0 and found.kl == pytest.approx(0, abs=1e-12)
    assert found.optimum_accuracy == pytest.approx(0.55, abs=0.12)
    with pytest.warns(UserWarning, match="given_labels=True takes into account"):
        excess_error(x, labels, exact, params)


def test_templates_have_labels_of_their_own():
    digits = Templates(
        x=np.random.default_rng(0).normal(size=(3, 12)), t=np.arange(12.0), y=np.array([5, 7, 9])
    )
    data = make_mnist1d(templates=digits)
    found = excess_error(
        data.x_test, data.y_test, data.y_test, CONFIGS["default"], templates=digits
    )
    assert found.accuracy == 1 and found.optimum_accuracy > 0.98


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"labels": np.zeros(2, int)},
            "labels have shape (2,) and dtype int64, x has shape (3, 40)",
        ),
        ({"labels": np.zeros(3)}, "labels have shape (3,) and dtype float64"),
        ({"predictions": np.zeros(3)}, "predictions have dtype float64: labels are integers"),
        ({"predictions": np.full(3, 10)}, "prediction 10: must be one of [0, 1, 2"),
        (
            {"predictions": np.zeros((3, 9))},
            "predictions have shape (3, 9): must be (3,) labels or",
        ),
        ({"predictions": np.ones((3, 10))}, "must be probabilities that sum to 1; for logits, say"),
        ({"predictions": np.full((3, 10), np.nan)}, "are no finite numbers"),
        ({"predictions": np.zeros(3, int), "logits": True}, "must be (3, 10) logits"),
        ({"predictions": np.full((3, 10), -np.inf), "logits": True}, "without a finite number"),
        ({"predictions": np.full((3, 10), np.inf), "logits": True}, "are no finite numbers"),
        ({"labels": np.full(3, -100)}, "label -100: must be one of [0, 1, 2"),
        ({"templates": np.zeros((3, 12))}, "templates are a ndarray: must be Templates(x, t, y)"),
        ({"x": np.zeros((3, 39))}, "x has shape (3, 39); it must be (n, 40)"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    good = {"x": np.zeros((3, 40)), "labels": np.zeros(3, int), "predictions": np.zeros(3, int)}
    with pytest.raises(ValueError, match=re.escape(message)):
        excess_error(**{**good, **change}, params=PARAMS)
