"""Exported files hold the dataset's values, whole or not at all, for one set of parameters."""

import errno
import json
import os
import re

import datasets
import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from mnist1d_hf import files, make_mnist1d, templates
from mnist1d_hf.data import export
from mnist1d_hf.data.export import export_dataset
from mnist1d_hf.data.load import load_dataset_builder
from mnist1d_hf.signals.params import config_params

SMALL = {"num_samples": 200, "validation_size": 30, "seed": 3}


@pytest.fixture
def builder(cache):
    return load_dataset_builder("shuffled", **SMALL)


@pytest.fixture
def arrays():
    return make_mnist1d(config_params("shuffled", **SMALL))


def test_parquet_loads_as_the_same_dataset(builder, arrays, tmp_path, cache):
    files = export_dataset(builder, tmp_path / "out", "parquet")
    assert [path.name for path in files] == ["train.parquet", "validation.parquet", "test.parquet"]
    loaded = datasets.load_dataset("parquet", data_files={p.stem: str(p) for p in files})
    assert loaded["train"].features == builder.info.features
    for split in loaded:
        x = np.array(loaded[split]["x"], dtype=np.float32)
        np.testing.assert_array_equal(x, getattr(arrays, f"x_{split}").astype(np.float32))
        assert loaded[split]["label"] == getattr(arrays, f"y_{split}").tolist()


def test_parquet_is_written_small_and_indexed(builder, tmp_path):
    train = export_dataset(builder, tmp_path, "parquet")[0]
    column = pq.ParquetFile(train).metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert "BYTE_STREAM_SPLIT" in column.encodings
    assert column.has_column_index and column.has_offset_index


def test_csv_gives_back_every_float(builder, arrays, tmp_path):
    train = export_dataset(builder, tmp_path, "csv")[0]
    table = pyarrow.csv.read_csv(train)
    assert table.column_names == [*(f"x{i}" for i in range(40)), "label"]
    x = np.stack([table[f"x{i}"].to_numpy() for i in range(40)], axis=1).astype(np.float32)
    np.testing.assert_array_equal(x, arrays.x_train.astype(np.float32))
    np.testing.assert_array_equal(table["label"], arrays.y_train)


def test_npz_keeps_full_precision(builder, arrays, tmp_path):
    (path,) = export_dataset(builder, tmp_path, "npz")
    with np.load(path) as saved:
        assert set(saved) == set(arrays._fields)
        for name in saved:
            np.testing.assert_array_equal(saved[name], getattr(arrays, name), strict=True)


@pytest.mark.parametrize("file_format", export.FORMATS)
def test_templates_can_be_exported(file_format, cache, tmp_path):
    (path,) = export_dataset(load_dataset_builder("templates"), tmp_path, file_format)
    if file_format == "npz":
        with np.load(path) as saved:
            np.testing.assert_array_equal(saved["x"], templates().x)
    if file_format == "csv":
        assert pyarrow.csv.read_csv(path).num_columns == 12 + 12 + 1
    if file_format == "parquet":
        assert pq.read_table(path).column_names == ["x", "t", "label"]


def test_many_shards_become_one_file(cache, tmp_path, monkeypatch):
    monkeypatch.setattr("mnist1d_hf.data.rows.SHARD_ROWS", 1000)
    params = {"stream": "counter", "num_samples": 6500, "train_split": 1}
    (path,) = export_dataset(load_dataset_builder(**params), tmp_path, "parquet")
    assert pq.ParquetFile(path).metadata.num_row_groups == 7
    data = make_mnist1d(config_params("default", **params))
    np.testing.assert_array_equal(pq.read_table(path)["label"], data.y_train)


def test_a_complete_folder_is_left_alone(builder, tmp_path):
    files = export_dataset(builder, tmp_path, "parquet")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert export_dataset(builder, tmp_path, "parquet") == files
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_damaged_file_is_made_again(builder, tmp_path):
    files = export_dataset(builder, tmp_path, "parquet")
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[:-100])
    export_dataset(builder, tmp_path, "parquet")
    assert files[0].read_bytes() == whole


def test_an_interrupt_leaves_no_half_file_and_the_next_run_completes(
    builder, tmp_path, monkeypatch
):
    def interrupted(builder, split, progress, made):
        yield builder.table(split, 0, 1)
        raise KeyboardInterrupt

    whole = export_dataset(builder, tmp_path / "whole", "parquet")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(export, "split_tables", interrupted)
        export_dataset(builder, tmp_path / "again", "parquet")
    assert [p.name for p in (tmp_path / "again").iterdir()] == ["unfinished.json"]
    again = export_dataset(builder, tmp_path / "again", "parquet")
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in whole]
    names = [
        sorted(p.name for p in folder.iterdir()) for folder in (tmp_path / "again", whole[0].parent)
    ]
    assert names[0] == names[1]


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
def test_files_of_somebody_else_are_not_replaced(builder, tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(ValueError, match=f"{name} exists and is not of a dataset"):
        export_dataset(builder, tmp_path, "csv")
    assert (tmp_path / name).read_text() == "precious"
    assert not (tmp_path / "manifest.json").exists()
    export_dataset(builder, tmp_path, "parquet")  # beside it


def test_a_folder_of_other_parameters_is_refused(builder, cache, tmp_path):
    export_dataset(builder, tmp_path, "parquet")
    manifest = (tmp_path / "manifest.json").read_text()
    with pytest.raises(ValueError, match="other parameters"):
        export_dataset(load_dataset_builder("shuffled", seed=4), tmp_path, "parquet")
    with pytest.raises(ValueError, match=r"data of another format \(parquet\)"):
        export_dataset(builder, tmp_path, "csv")
    assert (tmp_path / "manifest.json").read_text() == manifest
    assert json.loads(manifest)["params"]["seed"] == 3


@pytest.mark.parametrize(
    ("text", "message"), [("{", "is damaged .*remove it"), ("[]", "is not of a dataset")]
)
def test_a_manifest_that_is_none_is_named(builder, tmp_path, text, message):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=f"manifest.json {message}"):
        export_dataset(builder, tmp_path, "csv")
    assert not list(tmp_path.glob("*.csv"))


def test_an_unknown_format_is_refused_before_anything_is_written(builder, tmp_path):
    with pytest.raises(ValueError, match="'hdf5': must be one of parquet, npz, csv"):
        export_dataset(builder, tmp_path / "out", "hdf5")
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_refused(builder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="choose another"):
        export_dataset(builder, tmp_path / "file", "parquet")
    with pytest.raises(ValueError, match="choose another"):
        export_dataset(builder, tmp_path / "file" / "below", "parquet")
    monkeypatch.setattr(files, "TemporaryFile", refuse)  # tests may run as root, who may write
    with pytest.raises(ValueError, match="Permission denied; choose another"):
        export_dataset(builder, tmp_path / "new", "parquet")
    assert not (tmp_path / "new").exists()


def refuse(dir):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.mark.parametrize("file_format, bars", [("parquet", "generate write"), ("npz", "generate")])
def test_bars_appear_on_long_jobs(builder, tmp_path, monkeypatch, capsys, file_format, bars):
    rows = sum(stop - start for start, stop in builder.split_rows().values())
    export_dataset(builder, tmp_path / "quick", file_format)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(export, "PROGRESS_DELAY", 0)
    export_dataset(builder, tmp_path / "slow", file_format)
    shown = capsys.readouterr().err
    for bar in bars.split():
        assert re.search(rf"{bar}: +100%.*{rows}/{rows}", shown), shown
