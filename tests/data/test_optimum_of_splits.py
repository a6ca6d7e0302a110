"""The best possible accuracy on a split: found for test rows as made, and for no others."""

import numpy as np
import pytest
from datasets import Dataset

from mnist1d_hf import SignalParams, class_posterior, load_dataset, make_mnist1d
from mnist1d_hf.data import optimum
from mnist1d_hf.data.optimum import optimum_on

NOISY = {"iid_noise_scale": 0.2, "num_samples": 500, "padding": (30, 40)}


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_of_test_rows_whatever_their_order(cache, stream):
    params = SignalParams(stream=stream, **NOISY)
    data = make_mnist1d(params)
    right = class_posterior(data.x_test, params).argmax(axis=1) == data.y_test
    test = load_dataset(split="test", stream=stream, posterior=True, **NOISY)
    assert optimum_on(test) == pytest.approx(right.mean()) and right.mean() < 0.9
    rows = np.random.default_rng(0).permutation(100)[:40]
    assert optimum_on(test.select(rows)) == pytest.approx(right[rows].mean())


def test_of_no_other_rows(cache):
    data = load_dataset("default", num_samples=100)
    test = data["test"]
    assert optimum_on(test) is not None
    changed = test.map(lambda row: {"x": [2 * value for value in row["x"]]})
    relabelled = test.map(lambda row: {"label": (row["label"] + 1) % 10})
    clean = load_dataset("default", split="test", num_samples=100, iid_noise_scale=0)
    for other in (
        *(data["train"], changed, relabelled, clean),
        test.remove_columns("label"),
        test.select([]),
        load_dataset("templates", split="train"),
        load_dataset("default", split="test", streaming=True),
        Dataset.from_dict(test.to_dict()),
        [1, 2],
        None,
    ):
        assert optimum_on(other) is None


@pytest.mark.parametrize("limit", ["MOST_TEST_ROWS", "MOST_FROZEN_ROWS"])
def test_not_where_it_would_take_long(cache, monkeypatch, limit):
    test = load_dataset("default", split="test", num_samples=100)
    monkeypatch.setattr(optimum, limit, 19)
    assert optimum_on(test) is None
    assert optimum_on(test.select(range(10))) is None
