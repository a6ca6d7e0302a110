"""The card of a dataset in shards: what it says is true, and its code makes the same shards."""

import json
import re

import pytest
import yaml
from huggingface_hub import DatasetCard

from mnist1d_hf import SignalParams
from mnist1d_hf.pages.shard_card import shard_card
from mnist1d_hf.shards.job import ShardJob
from mnist1d_hf.signals.params import config_params


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    out = tmp_path_factory.mktemp("shards")
    for config, changes in (("default", {"validation_size": 200}), ("shuffled", {"seed": 7})):
        params = config_params(config, stream="counter", num_samples=2000, **changes)
        ShardJob(config, params, 4, str(out)).run(quiet=True)
    return {home.name: json.loads((home / "manifest.json").read_text()) for home in out.iterdir()}


def test_front_matter_has_configs_splits_and_sizes(manifests):
    text = shard_card(manifests, "alice/big")
    metadata = yaml.safe_load(text.split("---\n")[1])
    assert metadata["size_categories"] == ["1K<n<10K"]
    configs = {config["config_name"]: config["data_files"] for config in metadata["configs"]}
    assert configs["default"][1] == {
        "split": "validation",
        "path": "default/validation-*.parquet",
    }
    infos = {info["config_name"]: info for info in metadata["dataset_info"]}
    rows = {split["name"]: split["num_examples"] for split in infos["default"]["splits"]}
    assert rows == {"train": 1400, "validation": 200, "test": 400}
    assert infos["shuffled"]["dataset_size"] == 2000 * 168
    assert "# MNIST-1D, 4,000 rows" in text and "| `shuffled` | train 1,600, test 400 |" in text


@pytest.mark.parametrize("rows, size", [(999, "n<1K"), (10**6, "1M<n<10M"), (10**13, "n>1T")])
def test_sizes_in_the_words_of_the_hub(manifests, rows, size):
    one = {"default": {**manifests["default"], "rows": {"train": rows}}}
    assert f"size_categories:\n- {size}\n" in shard_card(one, "alice/big")


def test_its_code_makes_the_same_shards(manifests, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [_, code] = re.findall(r"```python\n(.*?)```", shard_card(manifests, "a/b"), re.DOTALL)
    exec(code, {})
    for config, manifest in manifests.items():
        assert json.loads((tmp_path / "shards" / config / "manifest.json").read_text()) == manifest
    assert "seed=7" in code and "num_samples=2000" in code and "train_split" not in code
    assert SignalParams().train_split == 0.8


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_the_hub_accepts_it(hub, manifests):
    DatasetCard(shard_card(manifests, "alice/big")).validate()


def test_columns_that_were_added_are_named_and_made_again(tmp_path, monkeypatch):
    params = config_params("default", stream="counter", num_samples=200)
    ShardJob("default", params, 2, str(tmp_path / "out"), latents=True, posterior=True).run()
    path = "default/manifest.json"
    manifest = json.loads((tmp_path / "out" / path).read_text())
    text = shard_card({"default": manifest}, "a/b")
    assert " It has more columns: `padding`, `shift`, `scale`, `slope`, `posterior`.\n" in text
    info = yaml.safe_load(text.split("---\n")[1])["dataset_info"]
    assert [f["name"] for f in info["features"]][
        2:
    ] == "padding shift scale slope posterior".split()
    assert info["dataset_size"] == 200 * (168 + 4 * 4 + 10 * 4)
    monkeypatch.chdir(tmp_path)
    [_, code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, {})
    assert json.loads((tmp_path / "shards" / path).read_text()) == manifest
