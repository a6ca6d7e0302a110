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


# --- what cannot be an array, and what it should have been ----------------------------------------


def test_streams_and_several_splits_are_refused_with_what_to_do(train):
    several = datasets.DatasetDict({"train": train, "test": train})
    stream = train.to_iterable_dataset()
    for wrong, message in [
        (several, r"several splits: choose one of train, test, as in data\['test'\]"),
        (datasets.IterableDatasetDict({"a": stream}), "several splits: choose one of a,"),
        (stream, "load it without streaming=True, or collect"),
        (train["x"], "Column: must be a split"),
        ([[1.0]], "list: must be a split"),
    ]:
        for function in (to_numpy, to_torch):
            with pytest.raises(ValueError, match=message):
                function(wrong)


@pytest.mark.parametrize("kind", [List(Value("float32"), length=2), List(Value("float32"))])
def test_missing_values_within_rows_are_refused(kind):
    dataset = Dataset.from_dict({"x": [[1.0, None], [3.0, 4.0]]}, features=Features({"x": kind}))
    with pytest.raises(ValueError, match="column 'x' has 1 missing values within rows"):
        to_numpy(dataset)
    np.testing.assert_array_equal(to_numpy(dataset.select([1])), [[3.0, 4.0]])


@pytest.mark.parametrize("labels", [[0.7, 2.9], [0, float("nan")], [0, float("inf")], ["0", "1"]])
def test_labels_that_are_not_whole_numbers_are_refused(labels):
    pytest.importorskip("torch")
    dataset = Dataset.from_dict({"x": [[1.0], [2.0]], "label": labels})
    with pytest.raises(ValueError, match="labels have shape .* must be one whole number a row"):
        to_torch(dataset)
    for table in (dataset.data.table, dataset[:], dataset.to_pandas()):
        with pytest.raises(ValueError, match="label.*(whole number|missing values)"):
            collate(table)


@pytest.mark.parametrize("kind", ["float64", "int8", "uint64", "bool"])
def test_whole_numbers_of_any_type_are_labels(kind):
    torch = pytest.importorskip("torch")
    features = Features({"x": List(Value("float64")), "label": Value(kind)})
    dataset = Dataset.from_dict({"x": [[1.5], [2.5]], "label": [1, 0]}, features=features)
    for x, labels in (to_torch(dataset), collate(dataset.data.table).values()):
        assert x.dtype == torch.float32 and x.tolist() == [[1.5], [2.5]]
        assert labels.dtype == torch.int64 and labels.tolist() == [1, 0]


def test_signals_that_are_no_numbers_are_refused():
    pytest.importorskip("torch")
    dataset = Dataset.from_dict({"x": [["1"], ["2"]], "label": [0, 1]})
    with pytest.raises(ValueError, match="must be rows of numbers"):
        to_torch(dataset)
    with pytest.raises(ValueError, match="must be rows of numbers"):
        collate(dataset[:])


# --- batches of streams --------------------------------------------------------------------------

FLOAT64 = Features({"x": List(Value("float64"), length=40), "label": Value("int16")})
STREAMS = {
    "as it is": lambda s: s,
    "mapped row by row": lambda s: s.map(lambda row: {"x": [v * 2 / 2 for v in row["x"]]}),
    "mapped batch by batch": lambda s: s.map(lambda b: {"odd": b["label"]}, batched=True),
    "mapped in NumPy": lambda s: s.with_format("numpy").map(lambda row: {"x": row["x"] * 1.0}),
    "cast": lambda s: s.cast(FLOAT64),
    "one column cast": lambda s: s.cast_column("x", LargeList(Value("float64"))),
    "filtered": lambda s: s.filter(lambda row: True),
    "shuffled with a buffer of one": lambda s: s.shuffle(seed=0, buffer_size=1),
}
FORMATS = ["arrow", "numpy", "torch", "pandas", "polars", None]


@pytest.mark.parametrize("change", STREAMS)
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.filterwarnings("ignore:To copy construct from a tensor")  # in datasets' own formatter
def test_batches_keep_their_types_whatever_the_stream_went_through(train, change, kind):
    torch = pytest.importorskip("torch")
    if kind == "polars":
        pytest.importorskip("polars")
    stream = STREAMS[change](train.to_iterable_dataset(num_shards=1)).with_format(kind)
    expected, expected_labels = to_torch(train)
    for batches in (stream.batch(150), stream.iter(150)):
        found = [collate(batch) for batch in batches]
        x, labels = (torch.cat([batch[name] for batch in found]) for name in ("x", "labels"))
        assert x.dtype == torch.float32 and labels.dtype == torch.int64
        assert torch.equal(x, expected) and torch.equal(labels, expected_labels)


@pytest.mark.parametrize("kind", ["numpy", "torch", None])
def test_a_dataloader_that_makes_the_batches_itself(train, kind):
    torch = pytest.importorskip("torch")
    stream = train.to_iterable_dataset().with_format(kind)
    loader = torch.utils.data.DataLoader(stream, batch_size=150, collate_fn=collate)
    x = torch.cat([batch["x"] for batch in loader])
    assert torch.equal(x, to_torch(train)[0])


def test_a_batch_without_the_columns_is_refused(train):
    pytest.importorskip("torch")
    for batch in (
        train.data.table.select(["x"]),
        {"x": [[1.0]]},
        [{"x": [1.0]}],
        [{"x": [1.0], "label": 1}, {"x": [2.0]}],
    ):
        with pytest.raises(ValueError, match=r"the batch has columns \['x'\] and lacks label"):
            collate(batch)
