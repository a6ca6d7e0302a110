"""Shards on the Hub: complete behind the tag or not there, whatever happened on the way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import datasets
import numpy as np
import pytest
from huggingface_hub import HfApi

from mnist1d_hf import SignalParams, make_range
from mnist1d_hf.hub import attempts
from mnist1d_hf.hub.attempts import PublishError
from mnist1d_hf.hub.publication import WrongBytes
from mnist1d_hf.hub.shard_repo import publish_shards, shards_publication
from mnist1d_hf.shards.job import ShardJob

PARAMS = SignalParams(stream="counter", num_samples=12_800, seed=5)
TARGET = {"repo_id": "alice/big", "repo_type": "dataset"}


def shards(folder, num_shards, config="default", **changes):
    params = SignalParams(**{**vars(PARAMS), **changes})
    ShardJob(config, params, num_shards, str(folder)).run(quiet=True)
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """64 shards."""
    return shards(tmp_path_factory.mktemp("many"), 64)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return shards(tmp_path_factory.mktemp("few"), 3, num_samples=2000)


@pytest.fixture
def few(made, tmp_path):
    """Three shards of one's own."""
    return shutil.copytree(made, tmp_path / "few")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(attempts, "LONGEST_WAIT", 0.0)


def publish(folder, tag="v1", **options):
    return publish_shards(shards_publication(folder, "alice/big", tag), **options)


def commits():
    return [c.commit_id for c in reversed(HfApi().list_repo_commits(**TARGET))]


def tags():
    refs = HfApi().list_repo_refs(**TARGET)
    return {ref.name: ref.target_commit for ref in refs.tags}


def digests(revision):
    entries = HfApi().list_repo_tree(**TARGET, revision=revision, recursive=True)
    return {
        entry.path.removeprefix("default/"): entry.lfs.sha256
        for entry in entries
        if entry.path.endswith(".parquet")
    }


def manifest(folder):
    return json.loads((folder / "default" / "manifest.json").read_text())


def wanted(folder):
    return {name: file["sha256"] for name, file in manifest(folder)["files"].items()}


@contextmanager
def refused(match):
    with pytest.raises(PublishError, match=match) as caught:
        yield
    assert "\n" not in str(caught.value)


def test_64_shards_by_six_workers_through_a_bad_day(hub, many):
    """503 at every kind of request, 412 at every commit, and answers that are lost."""
    gate = threading.Barrier(6, timeout=600)
    hub.fail("POST .*/preupload/", run=lambda request: gate.wait(), times=6)
    hub.fail("POST .*/preupload/", status=503, skip=9, times=3)
    hub.fail("batch$|POST /cas/", status=503, skip=3, times=3)
    hub.fail("PUT /cdn", status=503, skip=11, times=3)
    hub.fail("PUT /cdn", drop="before", skip=20)
    hub.fail("POST .*/commit/", status=412, times=2)
    hub.fail("POST .*/commit/", drop="after")  # the first that is taken
    hub.fail("POST .*/commit/", status=503, skip=1)
    hub.fail("POST .*/tag/", status=503)
    done = publish(many)
    assert not gate.broken
    assert digests("v1") == wanted(many) and len(wanted(many)) == 64
    _, *ours = commits()
    files = [set(HfApi().list_repo_files(**TARGET, revision=commit)) for commit in ours]
    assert len(ours) == 2 and ours[-1] == done.commit == tags()["v1"]
    assert len(files[0]) - 1 == 50 and "README.md" not in files[0] and "README.md" in files[1]

    hub.log.clear()
    again = publish(many)
    assert not again.changed and again.commit == done.commit and len(commits()) == 3
    assert not hub.calls("/commit/|/preupload/|PUT |xorbs|objects/batch")

    loaded = datasets.load_dataset("alice/big", revision="v1")
    x, label = make_range(PARAMS, 0, 10_240)
    train = loaded["train"].with_format("numpy")[:]
    assert np.array_equal(train["x"], x) and np.array_equal(train["label"], label)
    assert loaded["test"].num_rows == 2560
    stream = datasets.load_dataset("alice/big", split="train", streaming=True, revision="v1")
    [rows] = stream.take(100).with_format("numpy").iter(100)
    assert np.array_equal(rows["x"], x[:100])


@pytest.mark.parametrize("hub", ["xet"], indirect=True)
@pytest.mark.parametrize(
    "request_, skip",
    [("POST .*/preupload/", 30), ("POST .*/commit/", 1)],
    ids=["sending", "between commits"],
)
def test_killed_and_run_again(hub, many, root, tmp_path, request_, skip):
    command = [sys.executable, "scripts/publish_shards.py", many, "alice/big", "--tag", "v1"]
    environment = {**os.environ, "HF_HOME": str(tmp_path)}
    process = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE)
    hub.fail(request_, skip=skip, run=lambda request: process.kill(), drop="before")
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not tags()
    publish(many)
    assert digests("v1") == wanted(many) and len(commits()) == 3


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_several_configs_and_a_folder_of_one(hub, few):
    shards(few, 2, "shuffled", num_samples=1000, shuffle_seq=True)
    publish(few)
    assert datasets.get_dataset_config_names("alice/big") == ["default", "shuffled"]
    assert datasets.load_dataset("alice/big", "shuffled", split="test").num_rows == 200
    with refused(r"holds other data \(shuffled/test.*in a repository of their own"):
        publish(few / "default", tag="v2")
    HfApi().delete_repo(**TARGET)
    publish(few / "default")
    assert digests("v1") == wanted(few)


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_other_shards_need_another_tag_and_replace_the_old(hub, few, tmp_path):
    publish(few)
    other = shards(tmp_path / "other", 5, num_samples=3000)
    hub.log.clear()
    with refused("tag v1 of alice/big already names other data.*--tag"):
        publish(other)
    assert not hub.calls("/commit/|/preupload/")
    publish(other, tag="v2")
    assert digests("main") == wanted(other) and digests("v1") == wanted(few)


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_as_a_pull_request(hub, few):
    done = publish(few, create_pr=True)
    assert done.url.endswith("/discussions/1") and digests("refs/pr/1") == wanted(few)
    assert not tags() and not digests("main")


def test_what_is_wrong_in_the_folder_is_told_before_anything_is_sent(few, tmp_path):
    home = few / "default"
    some = home / "train-00001-of-00002.parquet"
    whole = some.read_bytes()

    some.write_bytes(whole[:-1])
    with refused(
        "train-00001-of-00002.parquet has [0-9,]+ bytes, not [0-9,]+: run its `mnist1d-hf"
    ):
        shards_publication(few, "alice/big")
    some.unlink()
    with refused("train-00001-of-00002.parquet is not there, not"):
        shards_publication(few, "alice/big")
    some.write_bytes(whole)
    (home / "mine.parquet").write_bytes(b"PAR1")
    with refused("mine.parquet is not in the manifest: move it elsewhere"):
        shards_publication(few, "alice/big")
    (home / "mine.parquet").unlink()
    assert len(shards_publication(home, "alice/big").large) == 3
    (home / "manifest.json").write_text("[]")
    with refused("manifest.json is no manifest"):
        shards_publication(few, "alice/big")
    (home / "manifest.json").unlink()
    with refused("the shards in .*default are not finished: run its `mnist1d-hf shards` again"):
        shards_publication(few, "alice/big")
    with refused("no shards: .* holds none; make them with `mnist1d-hf shards`"):
        shards_publication(tmp_path / "nowhere", "alice/big")


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_damaged_shards_of_the_right_size_are_not_published(hub, few):
    some = few / "default" / "train-00001-of-00002.parquet"
    some.write_bytes(some.read_bytes()[:-1] + b"x")
    with refused("train-00001-of-00002.parquet is damaged"):
        publish(few)
    assert len(commits()) == 1 and not hub.calls("PUT |/commit/")


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_values_that_are_not_those_of_the_manifest_are_not_tagged(hub, few, monkeypatch):
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    path = few / "default" / "manifest.json"
    forged = json.loads(path.read_text())
    forged["files"]["test-00000-of-00001.parquet"]["arrow"]["label"] = "0" * 64
    path.write_text(json.dumps(forged))
    with refused("reading back .* default/test-00000-of-00001.parquet holds other values"):
        publish(few)
    assert not tags()
    check = shards_publication(few, "alice/big").check
    HfApi().delete_file("default/test-00000-of-00001.parquet", **TARGET)
    with pytest.raises(WrongBytes, match="default does not load"):
        check("alice/big", "main", few)


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_every_shard_can_be_read_back(hub, many):
    """A damaged one in the middle is found, and sent again to a Hub that asks for it."""
    publish(many)
    middle, sha256 = sorted(digests("v1").items())[30]
    hub.fail(f"GET /cdn/.*{sha256}", corrupt=True, times=99)
    publish(many)
    publication = shards_publication(many, "alice/big", "v1", read_all=True)
    with refused(f"is damaged: other bytes came back for default/{middle} without Xet"):
        publish_shards(publication)
    hub.fail("POST .*objects/batch", run=lambda request: hub.faults.clear())
    assert not publish_shards(publication).changed


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_the_command(hub, few, root, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(root / "scripts"))
    import publish_shards as script

    hub.log.clear()
    script.main(few, "alice/big", dry_run=True)
    told = capsys.readouterr().out
    assert "dataset alice/big\n" in told and " default/manifest.json\n" in told and not hub.log
    script.main(few, "alice/big", private=True)
    assert "dataset alice/big: published, verified at" in capsys.readouterr().out
    assert HfApi().dataset_info("alice/big").private and list(tags()) == ["v1.0.0"]
    script.main(few, "alice/big")
    assert "already complete" in capsys.readouterr().out
    for arguments, message in (
        ({"repo": "big"}, "'big': write user/name"),
        ({"repo": "bob/big"}, "alice may not publish in 'bob'"),
        ({"workers": 0}, "--workers 0: at least 1"),
        ({"folder": few / "none"}, "no shards"),
    ):
        with pytest.raises((SystemExit, ValueError), match=message):
            script.main(**{"folder": few, "repo": "alice/big", **arguments})


LIGHT = """
from mnist1d_hf import load_dataset_builder
if __name__ == "__main__":
    builder = load_dataset_builder("default", stream="counter", num_samples=4000)
    rows = builder.as_streaming_dataset("train")
    rows.push_to_hub("alice/light", num_proc=2, max_shard_size="300KB")
"""


@pytest.mark.slow
@pytest.mark.parametrize("hub", ["xet"], indirect=True)
def test_the_light_way(hub, tmp_path):
    """By `datasets` alone, in processes that it starts."""
    (tmp_path / "light.py").write_text(LIGHT)
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, tmp_path / "light.py"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    train = datasets.load_dataset("alice/light", split="train").with_format("numpy")[:]
    params = SignalParams(stream="counter", num_samples=4000)
    x, label = make_range(params, 0, 3200)
    assert np.array_equal(train["x"], x) and np.array_equal(train["label"], label)
    paths = HfApi().list_repo_files("alice/light", repo_type="dataset")
    assert sum(path.endswith(".parquet") for path in paths) == 2
