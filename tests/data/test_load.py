"""Loading by `mnist1d_hf.load_dataset`, on public interfaces alone."""

import ast
import shutil
from pathlib import Path

import datasets
import pytest

import mnist1d_hf
from mnist1d_hf.data import load
from mnist1d_hf.data.mnist1d import Mnist1D

SMALL = {"num_samples": 50}


@pytest.mark.parametrize("config_name", ["shuffled", "templates", None])
@pytest.mark.parametrize("keywords", [{}, {"split": "train"}, {"split": "train[:4]+train[6:8]"}])
def test_it_returns_what_datasets_returns(cache, config_name, keywords):
    if config_name != "templates":
        keywords = {**keywords, **SMALL}
    ours = mnist1d_hf.load_dataset(config_name, **keywords)
    theirs = datasets.load_dataset("mnist1d", config_name, **keywords)
    assert type(ours) is type(theirs)
    if isinstance(ours, datasets.Dataset):
        ours, theirs = {"train": ours}, {"train": theirs}
    for split, dataset in theirs.items():
        assert ours[split].to_list() == dataset.to_list()
        assert ours[split].features == dataset.features
        assert ours[split].cache_files == dataset.cache_files  # one cache for both


def test_name_selects_the_config_as_in_datasets(cache):
    for keyword in ("name", "config_name"):
        shuffled = mnist1d_hf.load_dataset(**{keyword: "shuffled"}, split="test", **SMALL)
        assert shuffled.info.config_name == "shuffled"
        assert shuffled.to_list() == mnist1d_hf.load_dataset("shuffled", **SMALL)["test"].to_list()
        assert mnist1d_hf.load_dataset_builder(**{keyword: "shuffled"}).config.shuffle_seq
        with pytest.raises(ValueError, match="config 'nonsense': must be one of"):
            mnist1d_hf.load_dataset(**{keyword: "nonsense"})
    with pytest.raises(ValueError, match="config_name='default' and name='shuffled': give one"):
        mnist1d_hf.load_dataset("default", name="shuffled")
    with pytest.raises(ValueError, match="name='shuffled': a builder calls it config_name"):
        Mnist1D(name="shuffled")


@pytest.mark.parametrize(
    "keywords, message",
    [
        ({"hash": "0"}, "hash='0': is set by the package"),
        ({"info": 1}, "info=1: is set by the package"),
        ({"dataset_name": "x"}, "dataset_name='x': is set by the package"),
        ({"num_proc": 2, "streaming": True}, "num_proc=2: a stream is made while it is read"),
        ({"revision": "v9"}, "revision='v9': the installed package makes one version"),
    ],
)
def test_what_our_own_function_refuses(cache, keywords, message):
    with pytest.raises(ValueError, match=message):
        mnist1d_hf.load_dataset(**keywords)
    assert not list(cache.rglob("*"))


@pytest.mark.parametrize(
    "split", ["tran", "train[:x]", ["train", "tst"], datasets.Split.VALIDATION]
)
def test_a_split_that_will_not_be_there_is_refused_before_anything_is_made(cache, split):
    with pytest.raises(ValueError, match="Unknown split|Unrecognized instruction"):
        mnist1d_hf.load_dataset("default", split=split)
    assert not list(cache.rglob("*.arrow"))


def test_the_empty_name_is_no_config():
    with pytest.raises(ValueError, match="config '': must be one of default"):
        mnist1d_hf.load_dataset("")


@pytest.mark.parametrize("revision", ["main", "1.0.0", "v1.0.0"])
def test_the_version_of_the_hub_is_that_of_the_package(revision):
    assert mnist1d_hf.load_dataset("default", split="test", revision=revision).num_rows == 1000
    assert datasets.load_dataset("mnist1d", split="test", revision=revision).num_rows == 1000


def test_a_builder_makes_all_splits():
    with pytest.raises(ValueError, match="split='test': a builder makes all splits"):
        mnist1d_hf.load_dataset_builder(split="test")


def test_streams_equal_those_of_datasets():
    ours = mnist1d_hf.load_dataset("shuffled", streaming=True, **SMALL)
    theirs = datasets.load_dataset("mnist1d", "shuffled", streaming=True, **SMALL)
    assert isinstance(ours, datasets.IterableDatasetDict)
    assert list(ours["train"]) == list(theirs["train"])
    test = mnist1d_hf.load_dataset("shuffled", streaming=True, split="test", **SMALL)
    assert list(test) == list(theirs["test"])


def test_where_and_how_the_data_are_kept(cache, tmp_path):
    elsewhere = mnist1d_hf.load_dataset(split="test", cache_dir=tmp_path / "elsewhere", **SMALL)
    [file] = elsewhere.cache_files
    folder = Path(file["filename"]).parent
    assert folder.is_relative_to(tmp_path / "elsewhere")
    parts = ["mnist1d", "default-num_samples=50", "1.0.0", load.content_hash()]
    assert folder.parts[-4:] == tuple(parts)
    assert not mnist1d_hf.load_dataset(split="test", keep_in_memory=True, **SMALL).cache_files


def test_data_are_made_once_unless_asked_again(cache, monkeypatch):
    made = []
    generate = Mnist1D._generate_tables
    monkeypatch.setattr(
        Mnist1D, "_generate_tables", lambda *a, **k: made.append(k["split"]) or generate(*a, **k)
    )
    for mode, number in [(None, 1), (None, 1), ("force_redownload", 2)]:
        mnist1d_hf.load_dataset(download_mode=mode, **SMALL)
        assert made == ["train", "test"] * number


def test_the_content_hash_follows_the_sources(tmp_path, monkeypatch):
    here = Path(load.__file__).parents[1]
    copy = tmp_path / "mnist1d_hf"
    shutil.copytree(here / "signals", copy / "signals")
    (copy / "data").mkdir()
    for name in ("mnist1d.py", "columns.py", "rows.py"):
        shutil.copy(here / "data" / name, copy / "data")
    monkeypatch.setattr(load, "__file__", str(copy / "data" / "load.py"))
    make = load.content_hash.__wrapped__
    assert make() == load.content_hash() and len(make()) == 16
    for path in sorted(copy.rglob("*.py")):
        source = path.read_bytes()
        path.write_bytes(source + b"\n")
        assert make() != load.content_hash(), f"{path.name} is not part of the hash"
        path.write_bytes(source)
    (copy / "signals" / "a_new_step.py").write_text("STEP = 1")
    assert make() != load.content_hash(), "a new module is not part of the hash"


def test_what_makes_the_data_imports_nothing_outside_the_hash():
    here = Path(load.__file__).parents[1]
    makers = {here / "data" / name for name in ("mnist1d.py", "columns.py", "rows.py")}
    makers |= set((here / "signals").glob("*.py"))
    inside = {f"mnist1d_hf.{p.parent.name}.{p.stem}" for p in makers}
    inside |= {"mnist1d_hf.data.epochs", "mnist1d_hf.data.keywords"}  # order and checks, no values
    for path in makers:
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", "") or ""
            if isinstance(node, ast.ImportFrom) and module.startswith("mnist1d_hf"):
                assert module in inside, f"{path.name}: {ast.unparse(node)}"
