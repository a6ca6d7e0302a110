import datasets
import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, LargeList, List, Value

import mnist1d_hf
from mnist1d_hf.data.tensors import collate, to_numpy, to_torch


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    return mnist1d_hf.load_dataset(split="train", cache_dir=folder, num_samples=500)


def as_datasets_sees_it(dataset, column):
    """The slow way: one Python list per row."""
    return np.array(dataset.with_format(None)[column][:])


@pytest.mark.parametrize(
    "view",
    [
        lambda d: d,
        lambda d: d.select(range(10, 20)),
        lambda d: d.select([5, 3, 3, 399]),
        lambda d: d.shuffle(seed=0),
        lambda d: d.filter(lambda row: row["label"] == 7),
        lambda d: d.select([]),
        lambda d: d.shard(num_shards=3, index=1),
        lambda d: datasets.concatenate_datasets([d.select(range(4)), d.shuffle(seed=1)]),
        lambda d: d.with_format("pandas"),
        lambda d: d.with_format("numpy", columns=["label"]),
        lambda d: d.train_test_split(test_size=0.1, seed=0)["test"],
    ],
)
@pytest.mark.parametrize("column, dtype", [("x", np.float32), ("label", np.int64)])
def test_any_view_of_a_split_gives_its_rows(train, view, column, dtype):
    dataset = view(train)
    values = to_numpy(dataset, column)
    assert values.dtype == dtype and len(values) == len(dataset)
    assert values.shape[1:] == ((40,) if column == "x" else ())
    if len(dataset):
        expected = as_datasets_sees_it(dataset, column).astype(dtype)
        np.testing.assert_array_equal(values, expected, strict=True)


@pytest.mark.parametrize("kind", [List(Value("float64")), LargeList(Value("float64"))])
def test_lists_of_one_length_are_arrays_too(kind):
    dataset = Dataset.from_dict({"x": [[1, 2], [3, 4], [5, 6]]}, features=Features({"x": kind}))
    expected = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(to_numpy(dataset), expected, strict=True)
    np.testing.assert_array_equal(to_numpy(dataset.select([2, 0])), expected[[2, 0]])


def test_lists_of_several_lengths_are_refused():
    dataset = Dataset.from_dict({"x": [[1, 2], [3]]})
    with pytest.raises(ValueError, match=r"column 'x' has rows of different lengths: \[1, 2\]"):
        to_numpy(dataset)


def test_an_unknown_column_is_refused(train):
    with pytest.raises(ValueError, match="column 'y': must be one of x, label"):
        to_numpy(train, "y")


def test_missing_values_are_refused():
    dataset = Dataset.from_dict(
        {"x": [[1.0, 2.0], None], "label": [0, None]},
        features=Features({"x": List(Value("float32"), length=2), "label": ClassLabel(2)}),
    )
    for column in ("x", "label"):
        with pytest.raises(ValueError, match=f"column '{column}' has missing values"):
            to_numpy(dataset, column)


def test_to_torch_gives_tensors_of_ones_own(train):
    torch = pytest.importorskip("torch")
    x, y = to_torch(train)
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
    assert (x.shape, y.shape) == ((400, 40), (400,))
    before = to_numpy(train).copy()
    x += 1
    y += 1
    np.testing.assert_array_equal(to_numpy(train), before)
    assert to_torch(train, "meta")[0].device.type == "meta"


@pytest.mark.parametrize("batch", [lambda s: s.batch(30), lambda s: s.iter(30)])
def test_batches_of_a_stream_become_what_a_model_takes(train, batch):
    torch = pytest.importorskip("torch")
    stream = train.to_iterable_dataset(num_shards=3).with_format("arrow")
    batches = [collate(table) for table in batch(stream)]
    assert [len(b["x"]) for b in batches] == [30] * 13 + [10]
    x, labels = (torch.cat([b[name] for b in batches]) for name in ("x", "labels"))
    expected, expected_labels = to_torch(train)
    assert torch.equal(x, expected) and x.dtype == torch.float32 and x.shape == (400, 40)
    assert torch.equal(labels, expected_labels) and labels.dtype == torch.int64
    batches[0]["x"].zero_()
    assert torch.equal(to_torch(train)[0], expected)
