import warnings

import datasets
import datasets.load
import datasets.packaged_modules
import pytest

import mnist1d_hf
from mnist1d_hf.data.register import register


def test_registering_again_changes_nothing():
    factory = datasets.load.PackagedDatasetModuleFactory
    assert register() and register()
    assert datasets.load.PackagedDatasetModuleFactory is factory


def test_other_packaged_datasets_are_unaffected(cache, tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    text = datasets.load_dataset("text", data_files=str(tmp_path / "a.txt"), split="train")
    assert text["text"] == ["one", "two"]


@pytest.mark.parametrize("keyword", ["data_dir", "data_files"])
def test_files_are_refused(cache, tmp_path, keyword):
    with pytest.raises(ValueError, match=f"{keyword}='somewhere': .* generated and reads no"):
        datasets.load_dataset("mnist1d", **{keyword: "somewhere"})


@pytest.mark.parametrize(
    "owner, name",
    [
        (datasets.load, "PackagedDatasetModuleFactory"),
        (datasets.load, "DatasetModule"),
        (datasets.load, "dataset_module_factory"),
        (datasets.packaged_modules, "_PACKAGED_DATASETS_MODULES"),
    ],
)
def test_without_the_private_table_there_is_one_warning_and_the_public_way(
    cache, monkeypatch, owner, name
):
    monkeypatch.delattr(owner, name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert register() is False
    [warning] = caught
    assert "use mnist1d_hf.load_dataset() instead" in str(warning.message)
    assert mnist1d_hf.load_dataset("shuffled", split="test", num_samples=50).num_rows == 10
