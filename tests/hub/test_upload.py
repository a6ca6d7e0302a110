"""Sending large files ahead of a commit: checked, by several workers, and not twice."""

import random
import threading

import pytest
from huggingface_hub import HfApi

from mnist1d_hf.files import sha256
from mnist1d_hf.hub import attempts
from mnist1d_hf.hub.attempts import PublishError
from mnist1d_hf.hub.publication import LargeFile
from mnist1d_hf.hub.upload import in_threads, preupload

TARGET = {"repo_id": "alice/d", "repo_type": "dataset"}


@pytest.fixture
def files(tmp_path):
    found = {}
    for i in range(8):
        path = tmp_path / f"{i}.parquet"
        path.write_bytes(random.Random(i).randbytes(3000))
        found[f"default/{i}.parquet"] = LargeFile(path, 3000, sha256(path))
    return found


@pytest.fixture
def api(hub):
    HfApi().create_repo(**TARGET)
    return HfApi()


def test_sends_six_at_a_time_what_a_commit_then_takes(hub, api, files):
    gate = threading.Barrier(6, timeout=600)
    hub.fail("POST .*/preupload/", run=lambda request: gate.wait(), times=6)
    additions = preupload(api, TARGET, files, workers=6)
    assert not gate.broken and list(additions.keys() ^ files.keys()) == []
    assert not any(path.startswith("default") for path in api.list_repo_files(**TARGET))
    hub.log.clear()
    api.create_commit(**TARGET, operations=list(additions.values()), commit_message="All")
    assert not hub.calls("PUT |xorbs|/preupload/|objects/batch")
    found = api.get_paths_info(**TARGET, paths=list(files))
    assert {entry.path: entry.lfs.sha256 for entry in found} == {
        path: file.sha256 for path, file in files.items()
    }


def test_each_file_is_tried_again_on_its_own(hub, api, files, monkeypatch):
    monkeypatch.setattr(attempts, "LONGEST_WAIT", 0.01)
    for pattern in ("POST .*/preupload/", "batch$", "PUT /cdn", "POST /cas/.*/xorbs"):
        hub.fail(pattern, status=503, skip=3, times=2)
    hub.fail("POST .*/preupload/", drop="before")
    assert len(preupload(api, TARGET, files)) == 8
    # twelve at most for eight files: those that failed were asked for again, not all
    assert len(hub.calls("POST .*/preupload/")) <= 12


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_what_is_there_is_not_transferred_again(hub, api, files):
    preupload(api, TARGET, files)
    hub.log.clear()
    preupload(api, TARGET, files)
    assert hub.calls("objects/batch") and not hub.calls("PUT ")


def test_damaged_files_are_refused_before_anything_is_sent(hub, api, files):
    path, size, _ = files["default/7.parquet"]
    path.write_bytes(bytes(size))
    hub.log.clear()
    with pytest.raises(PublishError, match="7.parquet is damaged: its SHA-256 is to be .*--verify"):
        preupload(api, TARGET, files)
    path.unlink()
    with pytest.raises(PublishError, match="7.parquet is not there"):
        preupload(api, TARGET, files)
    assert not hub.log


def test_after_a_failure_nothing_new_is_begun():
    begun, go = [], threading.Event()

    def work(item):
        begun.append(item)
        go.wait(60)
        raise OSError(item)

    def run():
        for _ in in_threads(work, [str(i) for i in range(50)], workers=2):
            pass

    threading.Timer(0.1, go.set).start()
    with pytest.raises(OSError):
        run()
    assert len(begun) < 10
