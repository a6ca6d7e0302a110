"""Images of other datasets: their shapes, and that no row is both trained and tested on."""

import numpy as np
import pytest

from mnist1d_hf.data.images import load_images
from mnist1d_hf.data.mnist import Rows


@pytest.mark.parametrize(
    ("name", "shape", "rows"),
    [("digits", (1, 8, 8), (1437, 360)), ("mnist_5000", (1, 28, 28), (4000, 1000))],
)
def test_images_are_split_once_and_for_all(name, shape, rows):
    train, test = load_images(name)
    assert tuple(len(part.y) for part in (train, test)) == rows
    assert train.x.shape[1:] == test.x.shape[1:] == shape
    assert len(np.unique(np.concatenate([train.y, test.y]))) == 10
    again, _ = load_images(name)
    assert np.array_equal(train.x, again.x) and np.array_equal(train.y, again.y)


def test_images_of_the_hub_get_their_channels_first(monkeypatch):
    from datasets import Dataset, DatasetDict, Features, Image, Value

    colours = [np.full((32, 32, 3), i, np.uint8) for i in range(4)]
    rows = Dataset.from_dict(
        {"img": colours, "label": range(4)},
        features=Features({"img": Image(), "label": Value("int64")}),
    )
    splits = DatasetDict(train=rows, test=rows.select([2]))
    monkeypatch.setattr("datasets.load_dataset", lambda name: splits)
    train, test = load_images("cifar10")
    assert train.x.shape == (4, 3, 32, 32) and test.x.shape == (1, 3, 32, 32)
    assert np.array_equal(train.x[:, 2, 5, 5], train.y) and test.x[0, 1, 3, 3] == test.y[0] == 2


def test_all_of_mnist_is_split_where_its_authors_do(monkeypatch):
    numbers = np.arange(70_000)
    whole = Rows(np.zeros((70_000, 1, 1), np.uint8), numbers)
    monkeypatch.setattr("mnist1d_hf.data.images.load_mnist", lambda source: whole)
    train, test = load_images("mnist")
    assert train.y[-1] == 59_999 and test.y[0] == 60_000
    assert test.x.shape == (10_000, 1, 1, 1)
