"""Columns on request: what was drawn for each row and its exact class probabilities, everywhere."""

import json
from functools import partial

import datasets
import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import mnist1d_hf
from mnist1d_hf import SignalParams, class_posterior, latents_of, make_mnist1d, to_numpy
from mnist1d_hf.data.export import export_dataset
from mnist1d_hf.data.mnist1d import changed_parameters
from mnist1d_hf.shards import shard
from mnist1d_hf.shards.job import ShardJob
from mnist1d_hf.signals.counter import TEST_START

BOTH = {"latents": True, "posterior": True}
PARAMS = {
    stream: SignalParams(num_samples=2600, validation_size=40, seed=5, stream=stream)
    for stream in ("frozen", "counter")
}
LATENTS = {"padding": np.int32, "shift": np.int32, "scale": np.float32, "slope": np.float32}
COLUMNS = ["x", "label", *LATENTS, "posterior"]
FIRST = {"train": 0, "validation": 2040, "test": 2080}
NEAR = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-9)


@pytest.fixture(scope="module", params=PARAMS)
def made(request, tmp_path_factory):
    """A set with all columns, and its parameters."""
    params = PARAMS[request.param]
    folder = str(tmp_path_factory.mktemp("cache"))
    return params, mnist1d_hf.load_dataset(cache_dir=folder, **vars(params), **BOTH)


def expected(params: SignalParams, split: str, rows: int) -> mnist1d_hf.Latents:
    first = TEST_START if params.stream == "counter" and split == "test" else FIRST[split]
    return latents_of(params, first, first + rows)


def test_they_are_what_was_drawn_and_what_is_most_probable(made):
    params, data = made
    assert list(data) == list(FIRST)
    for split, dataset in data.items():
        assert dataset.column_names == COLUMNS
        drawn = expected(params, split, len(dataset))
        for name, kind in LATENTS.items():
            wanted = getattr(drawn, name).astype(kind)
            np.testing.assert_array_equal(to_numpy(dataset, name), wanted, strict=True)
        found = to_numpy(dataset, "posterior")
        assert found.dtype == np.float32 and found.shape == (len(dataset), 10)
        NEAR(found, class_posterior(to_numpy(dataset), params))
    assert (found.argmax(axis=1) == to_numpy(dataset, "label")).mean() > 0.99


def test_the_other_columns_and_the_parameters_are_as_without_them(made, cache):
    params, data = made
    plain = mnist1d_hf.load_dataset(**vars(params))
    for split, dataset in data.items():
        assert plain[split].column_names == ["x", "label"]
        for name in ("x", "label"):
            np.testing.assert_array_equal(to_numpy(dataset, name), to_numpy(plain[split], name))
        assert dataset.info.description == plain[split].info.description
    assert changed_parameters(dataset.info) == changed_parameters(plain["test"].info)


def test_a_stream_has_them_too_and_begins_at_once(made):
    params, data = made
    streams = mnist1d_hf.load_dataset(streaming=True, **vars(params), **BOTH)
    for split, stream in streams.items():
        assert stream.features == data[split].features
        rows = list(stream.with_format("numpy"))
        for name in COLUMNS:
            values = np.array([row[name] for row in rows])
            NEAR(values, to_numpy(data[split], name))
    half = list(streams["train"].shard(num_shards=2, index=1).select_columns("shift"))
    assert [row["shift"] for row in half] == data["train"]["shift"][-len(half) :]


def test_an_endless_stream_computes_no_more_than_is_asked_for(monkeypatch):
    rows = []
    monkeypatch.setattr(
        "mnist1d_hf.data.columns.class_posterior",
        lambda x, *args, **more: rows.append(len(x)) or np.zeros((len(x), 10)),
    )
    stream = mnist1d_hf.load_dataset(
        split="train", streaming=True, stream="counter", num_samples=10**9, posterior=True
    )
    next(iter(stream))
    assert sum(rows) <= 2000


def test_one_of_the_two_and_their_place_in_the_cache(cache):
    builder = mnist1d_hf.load_dataset_builder
    off = builder("noisy", latents=False, posterior=np.bool_(False))
    assert off.config_id == "noisy" and off.cache_dir == builder("noisy").cache_dir
    assert builder("noisy", latents=True).config_id == "noisy-latents=True"
    assert builder(seed=7, posterior=True).config_id == "default-posterior=True,seed=7"
    small = {"split": "test", "num_samples": 50}
    load = partial(datasets.load_dataset, "mnist1d", "noisy", **small)
    assert load(latents=True).column_names == COLUMNS[:-1]
    assert load(posterior=True).column_names == ["x", "label", "posterior"]
    assert load(**BOTH).to_list() == mnist1d_hf.load_dataset("noisy", **small, **BOTH).to_list()


def test_they_can_be_cast(cache):
    features = mnist1d_hf.load_dataset_builder(posterior=True).info.features.copy()
    features["posterior"] = datasets.List(datasets.Value("float64"))
    data = mnist1d_hf.load_dataset(split="test", num_samples=50, posterior=True, features=features)
    assert to_numpy(data, "posterior").dtype == np.float64


@pytest.mark.parametrize("file_format", ["parquet", "csv", "npz"])
def test_files_hold_them(made, file_format, tmp_path):
    params, data = made
    builder = mnist1d_hf.load_dataset_builder(**vars(params), **BOTH)
    paths = {path.stem: path for path in export_dataset(builder, tmp_path, file_format)}
    for split, dataset in data.items():
        if file_format == "parquet":
            table = pq.read_table(paths[split])
            assert table.column_names == COLUMNS
            found = {name: np.array(table[name].to_pylist()) for name in COLUMNS}
        elif file_format == "csv":
            table = pyarrow.csv.read_csv(paths[split])
            wide = np.array([table[f"posterior{k}"].to_numpy() for k in range(10)]).T
            found = {name: table[name].to_numpy() for name in LATENTS} | {"posterior": wide}
        else:
            with np.load(paths["mnist1d"]) as saved:
                assert set(saved) >= set(make_mnist1d(params)._fields)
                found = {name: saved[f"{name}_{split}"] for name in COLUMNS[2:]}
        for name in COLUMNS[2:]:
            NEAR(found[name].astype(np.float32), to_numpy(dataset, name))


def test_a_folder_with_other_columns_is_refused(cache, tmp_path):
    build = partial(mnist1d_hf.load_dataset_builder, num_samples=50)
    export_dataset(build(), tmp_path / "plain", "parquet")
    manifest = json.loads((tmp_path / "plain" / "manifest.json").read_text())
    assert set(manifest) == {"config", "format", "params", "rows", "files"}
    export_dataset(build(latents=True), tmp_path / "more", "parquet")
    with pytest.raises(ValueError, match=r"holds data of other columns \(latents=False\)"):
        export_dataset(build(latents=True), tmp_path / "plain", "parquet")
    with pytest.raises(ValueError, match=r"holds data of other columns \(latents=True\)"):
        export_dataset(build(), tmp_path / "more", "parquet")


def test_shards_hold_them_and_tell_of_their_progress(tmp_path, monkeypatch):
    monkeypatch.setattr("mnist1d_hf.shards.plan.ROW_GROUP", 700)
    params = PARAMS["counter"]
    job = ShardJob("default", params, 4, str(tmp_path), **BOTH)
    done = []
    for k in range(4):
        job.make(k, done.append)
        assert sum(done) == sum(p.rows for p in job.plan[: k + 1])
    assert len(done) > 20
    job.run(quiet=True)
    manifest = json.loads((tmp_path / "default" / "manifest.json").read_text())
    assert manifest["latents"] is True and manifest["posterior"] is True
    for k, part in enumerate(job.plan):
        table = pq.read_table(tmp_path / "default" / part.file)
        start = part.start + (TEST_START if part.split == "test" else 0)
        drawn = latents_of(params, start, start + part.rows)
        np.testing.assert_array_equal(table["shift"].to_numpy(), drawn.shift)
        x = np.array(table["x"].to_pylist(), dtype=np.float32)
        NEAR(np.array(table["posterior"].to_pylist()), class_posterior(x, params))
        parts = list(shard(params, k, 4, **BOTH))
        assert parts[0].column_names == COLUMNS and sum(map(len, parts)) == part.rows


def test_shards_with_other_columns_are_refused(tmp_path):
    params = PARAMS["counter"]
    plain = ShardJob("default", params, 4, str(tmp_path / "plain"))
    assert not {"latents", "posterior"} & plain.job.keys()
    plain.claim()
    more = ShardJob("default", params, 4, str(tmp_path / "more"), latents=True)
    more.claim()
    with pytest.raises(ValueError, match="holds shards of latents=False; choose another"):
        ShardJob("default", params, 4, str(tmp_path / "plain"), latents=True).claim()
    with pytest.raises(ValueError, match="holds shards of latents=True; choose another"):
        ShardJob("default", params, 4, str(tmp_path / "more")).claim()
    with pytest.raises(ValueError, match="latents='yes': must be True or False"):
        ShardJob("default", params, 4, str(tmp_path), latents="yes")
