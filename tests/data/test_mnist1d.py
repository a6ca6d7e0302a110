"""The builder, as `datasets.load_dataset("mnist1d", ...)` drives it."""

import dataclasses
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import datasets
import numpy as np
import pytest

import mnist1d_hf
from mnist1d_hf.data.keywords import REFUSED
from mnist1d_hf.data.mnist1d import Mnist1D, Mnist1DConfig, changed_parameters
from mnist1d_hf.data.rows import shard_ranges
from mnist1d_hf.data.tensors import to_numpy
from mnist1d_hf.signals.params import CONFIGS, SignalParams

SMALL = {"num_samples": 50}


def assert_holds(dataset, x, y):
    np.testing.assert_array_equal(to_numpy(dataset), x.astype(np.float32), strict=True)
    np.testing.assert_array_equal(to_numpy(dataset, "label"), y, strict=True)


def cached(cache: Path) -> list[str]:
    """The names of the folders, one for each set of effective parameters."""
    return sorted(path.name for path in (cache / "mnist1d").iterdir() if path.is_dir())


# --- what is in it -------------------------------------------------------------------------------


@pytest.mark.parametrize("config_name", CONFIGS)
def test_a_config_holds_the_generated_rows(cache, config_name):
    data = datasets.load_dataset("mnist1d", config_name)
    arrays = mnist1d_hf.make_mnist1d(CONFIGS[config_name])
    assert list(data) == ["train", "test"]
    assert_holds(data["train"], arrays.x_train, arrays.y_train)
    assert_holds(data["test"], arrays.x_test, arrays.y_test)
    digits = datasets.ClassLabel(names=list("0123456789"))
    points = datasets.List(datasets.Value("float32"), length=40)
    assert data["test"].features == {"x": points, "label": digits}


def test_the_templates_are_ten_rows(cache):
    data = datasets.load_dataset("mnist1d", "templates")
    digits = mnist1d_hf.templates()
    assert list(data) == ["train"]
    assert_holds(data["train"], digits.x, digits.y)
    np.testing.assert_array_equal(
        to_numpy(data["train"], "t"), np.tile(digits.t.astype(np.float32), (10, 1))
    )


@pytest.mark.parametrize(
    "parameter",
    [
        {"num_samples": 70},
        {"train_split": 0.5},
        {"template_len": 15},
        {"padding": (10, 60)},
        {"scale_coeff": 0.9},
        {"max_translation": 20},
        {"corr_noise_scale": 0.5},
        {"iid_noise_scale": 0.1},
        {"shear_scale": 0.1},
        {"shuffle_seq": True},
        {"final_seq_length": 28},
        {"seed": 7},
        {"label_noise": 0.5},
        {"validation_size": 9},
        {"stream": "counter"},
    ],
    ids=lambda parameter: next(iter(parameter)),
)
def test_every_parameter_is_a_keyword(cache, parameter):
    keywords = {**SMALL, **parameter}
    data = datasets.load_dataset("mnist1d", **keywords)
    arrays = mnist1d_hf.make_mnist1d(SignalParams(**keywords))
    for split, dataset in data.items():
        assert_holds(dataset, getattr(arrays, f"x_{split}"), getattr(arrays, f"y_{split}"))
    assert list(data) == ["train", *["validation"] * ("validation_size" in parameter), "test"]


def test_the_config_has_the_parameters_of_the_generator():
    own = {
        field.name: (field.type, field.default)
        for field in dataclasses.fields(Mnist1DConfig)
        if field.name not in {f.name for f in dataclasses.fields(datasets.BuilderConfig)}
    }
    parameters = {f.name: (f.type, f.default) for f in dataclasses.fields(SignalParams)}
    assert own == parameters | {"latents": (bool, False), "posterior": (bool, False)}


@pytest.mark.parametrize("share, splits", [(0, ["test"]), (1, ["train"])])
def test_a_split_without_rows_does_not_exist(cache, share, splits):
    assert list(datasets.load_dataset("mnist1d", train_split=share, **SMALL)) == splits


@pytest.mark.parametrize(
    "split, start, stop",
    [
        ("train[:10%]", 0, 4),
        ("train[5:8]", 5, 8),
        ("train[-10%:]", 36, 40),
        ("test", 40, 50),
        ("train+test", 0, 50),
    ],
)
def test_splits_can_be_sliced(cache, split, start, stop):
    arrays = mnist1d_hf.make_mnist1d(SignalParams(**SMALL))
    x = np.concatenate([arrays.x_train, arrays.x_test])
    dataset = datasets.load_dataset("mnist1d", split=split, **SMALL)
    np.testing.assert_array_equal(to_numpy(dataset), x[start:stop].astype(np.float32))


def test_its_catalogue(cache):
    names = ["default", "shuffled", "high-translation", "noisy", "templates"]
    assert datasets.get_dataset_config_names("mnist1d") == names
    assert datasets.get_dataset_default_config_name("mnist1d") == "default"
    assert datasets.get_dataset_split_names("mnist1d", "shuffled") == ["train", "test"]
    info = datasets.get_dataset_infos("mnist1d")["high-translation"]
    assert info.license == "apache-2.0" and info.features["label"].num_classes == 10
    builder = datasets.load_dataset_builder("mnist1d", "shuffled", validation_size=5)
    assert builder.config.params == SignalParams(shuffle_seq=True, validation_size=5)


# --- the cache -----------------------------------------------------------------------------------


def test_the_cache_folder_is_named_by_what_differs_from_the_preset(cache):
    for keywords in (
        {"num_samples": 50},
        {"num_samples": 50, "seed": 42, "shuffle_seq": False},
        {"num_samples": np.int64(50)},
    ):
        datasets.load_dataset("mnist1d", **keywords)
        assert cached(cache) == ["default-num_samples=50"]
    for padding in ((30, 60), [30, 60], np.array([30, 60])):
        datasets.load_dataset("mnist1d", padding=padding, **SMALL)
        assert cached(cache) == ["default-num_samples=50", "default-num_samples=50,padding=30x60"]
    same = mnist1d_hf.load_dataset_builder("default", padding=np.array(SignalParams.padding))
    assert same.config_id == "default"


def test_a_preset_spelt_out_is_the_preset():
    builder = mnist1d_hf.load_dataset_builder
    spelt = builder("shuffled", shuffle_seq=True, seed=42, max_translation=48)
    assert spelt.cache_dir == builder("shuffled").cache_dir
    assert builder("shuffled", shuffle_seq=False).config_id == "shuffled-shuffle_seq=False"


def test_the_second_load_reads_the_cache(cache, monkeypatch):
    first = datasets.load_dataset("mnist1d", **SMALL)
    monkeypatch.setattr(Mnist1D, "_generate_tables", None)
    second = datasets.load_dataset("mnist1d", **SMALL)
    assert first["train"].cache_files == second["train"].cache_files
    assert first["train"]._fingerprint == second["train"]._fingerprint


# --- streaming -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_a_stream_has_the_rows_of_the_dataset(cache, stream):
    keywords = {"num_samples": 2300, "validation_size": 7, "stream": stream}
    data = datasets.load_dataset("mnist1d", **keywords)
    streams = datasets.load_dataset("mnist1d", streaming=True, **keywords)
    assert list(streams) == list(data) == ["train", "validation", "test"]
    for split, dataset in data.items():
        assert list(streams[split]) == dataset.to_list()
    batches = streams["train"].with_format("numpy").iter(1000)
    np.testing.assert_array_equal(
        np.concatenate([batch["x"] for batch in batches]), to_numpy(data["train"])
    )


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_a_stream_resumes_where_it_stopped(stream):
    def rows():
        return datasets.load_dataset("mnist1d", split="train", streaming=True, stream=stream)

    expected = [row["x"] for row in rows()]
    for stop in (1, 1000, 1001, 3999):  # within a shard, at its end, at its start
        interrupted = rows()
        for _ in zip(range(stop), interrupted, strict=False):
            pass
        resumed = rows()
        resumed.load_state_dict(interrupted.state_dict())
        assert [row["x"] for row in resumed] == expected[stop:]


def test_shards_cover_the_rows_once():
    for stop in (1, 2, 3, 4, 5, 50, 4000, 4001, 123_456, 1_000_000):
        ranges = shard_ranges(0, stop)
        assert [start for start, _ in ranges[1:]] == [end for _, end in ranges[:-1]]
        assert ranges[0][0] == 0 and ranges[-1][1] == stop
        assert all(a < b <= a + 50_000 for a, b in ranges)
    assert len(shard_ranges(0, 4000)) == 4


# --- the contract of a builder -------------------------------------------------------------------


@pytest.mark.parametrize("config_name", ["default", "templates"])
def test_it_is_a_generator_based_builder(config_name):
    builder = mnist1d_hf.load_dataset_builder(config_name)
    assert isinstance(builder, datasets.GeneratorBasedBuilder)
    for generator in builder._split_generators(None):
        tables = list(builder._generate_tables(**generator.gen_kwargs))
        examples = list(builder._generate_examples(**generator.gen_kwargs))
        keys = [(key.original_shard_id, key.item_or_batch_id) for key, _ in examples]
        assert len(set(keys)) == len(keys)  # datasets no longer looks for duplicates
        assert [row for _, row in examples] == [r for _, t in tables for r in t.to_pylist()]
        counted = builder._generate_num_examples(**generator.gen_kwargs)
        assert sum(counted) == len(examples)


def test_a_builder_survives_pickling_and_writes_parquet(cache, tmp_path):
    builder = pickle.loads(pickle.dumps(mnist1d_hf.load_dataset_builder(**SMALL)))
    builder.download_and_prepare(str(tmp_path / "parquet"), file_format="parquet")
    data = datasets.load_dataset("parquet", data_dir=str(tmp_path / "parquet"))
    arrays = mnist1d_hf.make_mnist1d(SignalParams(**SMALL))
    assert_holds(data["test"], arrays.x_test, arrays.y_test)
    assert data["test"].features["label"].names == list("0123456789")


def test_keywords_of_load_dataset_itself_work(cache):
    features = datasets.Features(
        {"x": datasets.List(datasets.Value("float64"), length=40), "label": datasets.Value("int8")}
    )
    data = datasets.load_dataset(
        "mnist1d", keep_in_memory=True, features=features, revision="main", **SMALL
    )
    assert not data["train"].cache_files and data["train"].features == features
    assert to_numpy(data["train"]).dtype == np.float64


# --- bad input -----------------------------------------------------------------------------------

OTHER_LENGTH = datasets.Features(
    {"x": datasets.List(datasets.Value("float32"), length=41), "label": datasets.Value("int64")}
)
OTHER_COLUMNS = datasets.Features({"x": datasets.List(datasets.Value("float32"), length=40)})
VALID = ", ".join([*(f.name for f in dataclasses.fields(SignalParams)), "latents", "posterior"])


@pytest.mark.parametrize("load", [datasets.load_dataset, mnist1d_hf.load_dataset])
@pytest.mark.parametrize(
    "config_name, keywords, message",
    [
        (
            "mnist",
            {},
            "config 'mnist': must be one of default, shuffled, high-translation, noisy",
        ),
        (
            "default",
            {"sed": 7},
            f"parameter 'sed': must be one of {VALID}; did you mean 'seed'?",
        ),
        ("default", {"num_samples": 9}, "num_samples=9: must be an integer from 10"),
        ("default", {"num_samples": 1e30}, "num_samples=1e+30: must be an integer from 10"),
        ("default", {"num_samples": 10**30}, "must be an integer from 10 to 2147483648"),
        (
            "default",
            {"num_samples": 55},
            "num_samples=55: the frozen stream has equally many rows of every digit; give a "
            "multiple of 10 such as 50, or stream='counter'",
        ),
        ("default", {"seed": 2**70}, "must be an integer from 0 to 4294967295"),
        (
            "default",
            {"seed": None},
            "seed=None: leave it out for the default, or give integer from",
        ),
        ("default", {"padding": (60, 36)}, "padding=(60, 36): must be two integers"),
        ("default", {"padding": "36"}, "padding='36': must be two integers"),
        (
            "default",
            {"shear_scale": float("nan")},
            "shear_scale=nan: must be a finite number from 0",
        ),
        (
            "default",
            {"iid_noise_scale": 1e39, "stream": "counter"},
            "iid_noise_scale=1e+39: must be a finite number from 0 to 1e+07",
        ),
        ("default", {"validation_size": 4001}, "validation_size=4001: must be an integer from 0"),
        ("default", {"stream": "x"}, "stream='x': must be one of frozen, counter"),
        *(
            ("default", {keyword: "x"}, f"{keyword}='x': {REFUSED[keyword]}")
            for keyword in ("data_dir", "data_files", "base_path", "repo_id", "version")
        ),
        *(
            ("default", {keyword: "x"}, f"{keyword}='x': {REFUSED[keyword]}")
            for keyword in ("config_id", "description", "columns", "revision")
        ),
        ("default", {"features": OTHER_LENGTH}, "and cannot be cast"),
        ("default", {"features": OTHER_COLUMNS}, "and cannot be cast"),
        ("templates", {"seed": 7}, "config 'templates' holds the ten digit templates and takes no"),
        ("templates", {"latents": True}, "takes no parameters, but got latents"),
        ("templates", {"posterior": True}, "takes no parameters, but got posterior"),
        ("default", {"latents": 1}, "latents=1: must be True or False"),
        ("default", {"posterior": "yes"}, "posterior='yes': must be True or False"),
        ("default", {"posterior": None}, "posterior=None: leave it out for the default, or give T"),
        ("default", {"posterior": True, "iid_noise_scale": 0}, "must be at least 1e-05 for a dens"),
        ("default", {"latent": True}, "did you mean 'latents'?"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    cache, load, config_name, keywords, message
):
    path = () if load is mnist1d_hf.load_dataset else ("mnist1d",)
    for streaming in (False, True):
        with pytest.raises(ValueError, match=re.escape(message)):
            load(*path, config_name, streaming=streaming, **keywords)
    assert not list(cache.rglob("*"))


KEYWORDS = {  # those of `datasets.load_dataset` and of BuilderConfig, and values to honour
    "name": "default",
    "data_dir": None,
    "data_files": None,
    "split": "test",
    "cache_dir": None,
    "features": None,
    "download_config": datasets.DownloadConfig(),
    "download_mode": "reuse_dataset_if_exists",
    "verification_mode": "no_checks",
    "keep_in_memory": False,
    "save_infos": True,
    "revision": "main",
    "token": "hf_x",
    "streaming": False,
    "num_proc": 1,
    "storage_options": {},
    "trust_remote_code": False,
    "version": None,
    "description": None,
}


def test_every_keyword_of_the_library_is_known(cache):
    library = {
        *inspect.signature(datasets.load_dataset).parameters,
        *(field.name for field in dataclasses.fields(datasets.BuilderConfig)),
    }
    assert library - {"path", "config_kwargs"} <= set(KEYWORDS)
    expected = datasets.load_dataset("mnist1d", split="test", **SMALL).to_list()
    for load in (partial(datasets.load_dataset, "mnist1d"), mnist1d_hf.load_dataset):
        for keyword, value in KEYWORDS.items():
            keywords = {"split": "test", **SMALL, keyword: value}
            assert load(**keywords).to_list() == expected, keyword


@pytest.mark.parametrize("streaming", [False, True])
def test_features_are_those_of_the_rows(cache, streaming):
    features = datasets.Features(
        {"x": datasets.List(datasets.Value("float64")), "label": datasets.Value("int8")}
    )
    for load in (partial(datasets.load_dataset, "mnist1d"), mnist1d_hf.load_dataset):
        data = load(split="test", streaming=streaming, features=features, **SMALL)
        assert data.features == features
        [table] = data.with_format("arrow").iter(100)
        assert table.schema.types == features.arrow_schema.types
        plain = load(split="test", **SMALL)
        assert table["x"].to_pylist() == plain["x"][:]


POINTS = datasets.List(datasets.Value("float32"))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        (
            {"features": {"x": POINTS, "label": datasets.ClassLabel(names=list("abcde"))}},
            "there are ten classes, and class i is digit i",
        ),
        (
            {"features": {"x": POINTS, "label": datasets.ClassLabel(names=list("9876543210"))}},
            "there are ten classes, and class i is digit i",
        ),
        (
            {
                "features": {
                    "x": datasets.List(datasets.Value("int8")),
                    "label": datasets.Value("int8"),
                }
            },
            "x has the type int8; its values are no whole numbers",
        ),
        ({"num_proc": 1.5}, "num_proc=1.5: must be an integer, 1 or more"),
        ({"num_proc": 0}, "num_proc=0: must be an integer, 1 or more"),
        ({"streaming": "yes"}, "streaming='yes': must be True or False"),
        ({"streaming": True, "download_mode": "zzz"}, "download_mode 'zzz': must be one of"),
        ({"verification_mode": "zzz"}, "verification_mode 'zzz': must be one of"),
    ],
)
def test_what_would_change_rows_in_silence_is_refused(cache, keywords, message):
    if "features" in keywords:
        keywords = {"features": datasets.Features(keywords["features"])}
    with pytest.raises(ValueError, match=message):
        mnist1d_hf.load_dataset("default", **keywords, **SMALL)
    assert not list(Path(cache).rglob("*.arrow"))


def test_classes_may_have_other_names(cache):
    names = "zero one two three four five six seven eight nine".split()
    features = datasets.Features({"x": POINTS, "label": datasets.ClassLabel(names=names)})
    data = mnist1d_hf.load_dataset("default", split="test", features=features, **SMALL)
    assert data.features["label"].int2str(data[0]["label"]) == names[data[0]["label"]]
    with pytest.raises(ValueError, match="must be a datasets.Features"):
        mnist1d_hf.load_dataset("default", features={"x": 1})


# --- processes and places ------------------------------------------------------------------------

# one interpreter for many checks, as each takes seconds to start
ALONE = """
import os, sys
import mnist1d_hf, mnist1d_hf.compat
heavy = {"torch", "transformers", "scipy.ndimage", "matplotlib", "mnist1d"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
import datasets
assert "mnist1d" in os.listdir() and "mnist1d.py" in os.listdir()
assert datasets.config.HF_HUB_OFFLINE
for _ in range(2):
    data = datasets.load_dataset("mnist1d", "shuffled", split="train[:10%]")
    assert data.num_rows == 400
assert not {"torch", "transformers"} & set(sys.modules)
"""

TOGETHER = """
import multiprocessing
import datasets
import mnist1d_hf
from mnist1d_hf.data.tensors import to_numpy

def load(_):
    data = datasets.load_dataset("mnist1d", seed=8, num_samples=3000)
    return [to_numpy(data["train"]).tobytes(), data["train"].cache_files[0]["filename"]]

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        bits = pool.map(load, range(4), chunksize=1)
    assert bits == [bits[0]] * 4, "four processes racing on one cache differ"

    alone = datasets.load_dataset("mnist1d", seed=9, split="train")
    shared = datasets.load_dataset("mnist1d", seed=9, split="train", num_proc=2, cache_dir="other")
    assert len(shared.cache_files) == 2
    assert to_numpy(shared).tobytes() == to_numpy(alone).tobytes(), "num_proc changes the data"
    assert alone.map(lambda row: {"z": row["label"]}, num_proc=2)["z"] == alone["label"]
    print("done")
"""

WORKERS = """
import datasets
import mnist1d_hf
from torch.utils.data import DataLoader

if __name__ == "__main__":
    data = datasets.load_dataset("mnist1d", split="train", num_samples=500)
    stream = datasets.load_dataset("mnist1d", split="train", num_samples=500, streaming=True)
    for context in ("fork", "spawn"):
        loader = DataLoader(stream, batch_size=50, num_workers=2, multiprocessing_context=context)
        labels = [label for batch in loader for label in batch["label"].tolist()]
        assert sorted(labels) == sorted(data["label"]), f"{context}: rows lost or repeated"
    print("done")
"""


def run(script: str, folder: Path, *arguments: str, **environment: str) -> str:
    path = folder / "script.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, str(path), *arguments],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_offline_light_and_not_shadowed_by_files_of_its_name(cache, tmp_path):
    folder = tmp_path / "work"
    (folder / "mnist1d").mkdir(parents=True)
    for name in ("mnist1d.py", "mnist1d/mnist1d.py", "mnist1d/__init__.py"):
        (folder / name).write_text("raise SystemExit('the wrong mnist1d')")
    (folder / "mnist1d" / "data.csv").write_text("a,b\n1,2\n")
    (folder / "datasets.json").write_text("{}")
    run(ALONE, folder, HF_HUB_OFFLINE="1")
    assert not list(folder.rglob("*.arrow"))


def test_processes_share_the_work_and_the_cache(cache, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    assert "done" in run(TOGETHER, folder)


def test_workers_of_a_dataloader_share_a_stream(cache, tmp_path):
    pytest.importorskip("torch")
    folder = tmp_path / "work"
    folder.mkdir()
    assert "done" in run(WORKERS, folder)


def test_the_working_directory_does_not_matter(cache, tmp_path, monkeypatch):
    for name, files in {"empty": [], "cluttered": ["a.csv", "train.json", "x.parquet"]}.items():
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        for file in files:
            Path(file).write_text(json.dumps({}))
        data = datasets.load_dataset("mnist1d", **SMALL)
        assert data["test"].num_rows == 10
        assert sorted(os.listdir()) == sorted(files)
    assert cached(cache) == ["default-num_samples=50"]


# --- what a split says of itself -----------------------------------------------------------------


def test_a_split_keeps_the_parameters_it_was_made_with(cache, tmp_path):
    given = {"num_samples": 50, "label_noise": 0.5, "padding": (30, 50)}
    expected = given | {"padding": [30, 50]}  # as JSON has it
    data = mnist1d_hf.load_dataset("shuffled", **given)
    data.save_to_disk(tmp_path)
    train = data["train"]
    stream = mnist1d_hf.load_dataset("shuffled", split="test", streaming=True, **given)
    for split in (
        train,
        train.select(range(5)).map(lambda row: row),
        datasets.load_from_disk(tmp_path)["test"],
        mnist1d_hf.load_dataset("shuffled", **given)["test"],
        stream.take(3),
    ):
        assert changed_parameters(split.info) == expected
    assert changed_parameters(mnist1d_hf.load_dataset("shuffled", split="test").info) == {}
    other = mnist1d_hf.load_dataset("shuffled", split="test", seed=1)
    joined = datasets.concatenate_datasets([train, other])
    assert changed_parameters(joined.info) is None
    assert changed_parameters(datasets.Dataset.from_dict({"x": [1]}).info) is None
