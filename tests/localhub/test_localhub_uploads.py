"""What is sent to the embedded Hub: checked when it comes, kept once, given back when deleted."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from mnist1d_hf.hub.publication import Publication
from mnist1d_hf.hub.push import push
from mnist1d_hf.localhub import LocalHub

REPO = "alice/m"
xet_only = pytest.mark.parametrize("hub", ["xet"], indirect=True)
plain_only = pytest.mark.parametrize("hub", ["lfs"], indirect=True)


def add(path, content):
    return CommitOperationAdd(path, content)


def xet_headers(ask, path, token):
    """Address and headers of Xet for a repository."""
    status, headers, _ = ask("GET", path, headers={"Authorization": f"Bearer {token}"})
    assert status == 200
    address = headers["X-Xet-Cas-Url"].split("/", 3)[3]
    return f"/{address}", {"Authorization": f"Bearer {headers['X-Xet-Access-Token']}"}


@xet_only
def test_bytes_that_others_published_cannot_be_replaced(repo, ask):
    content = os.urandom(300_000)
    HfApi().upload_file(path_or_fileobj=content, path_in_repo="v.bin", repo_id=REPO)
    path = f"/api/models/{REPO}/xet-write-token/main?create_pr=1"
    assert ask("GET", path)[0] == 401  # a stranger
    assert ask("GET", path, headers={"Authorization": "Bearer hf_wrong"})[0] == 401
    address, headers = xet_headers(ask, path, "hf_bob")  # who may propose
    for key, xorb in repo.store.items("xorb"):
        upload = f"{address}/v1/xorbs/default/{key}"
        assert ask("POST", upload, b"EVIL" * 50_000, headers)[0] == 400
        flipped = xorb[:60] + bytes([xorb[60] ^ 1]) + xorb[61:]
        assert ask("POST", upload, flipped, headers)[0] == 400
        status, _, body = ask("POST", upload, xorb, headers)
        assert (status, body) == (200, b'{"was_inserted": false}')
        assert repo.store.get("xorb", key) == xorb
    assert Path(hf_hub_download(REPO, "v.bin")).read_bytes() == content


@xet_only
def test_a_reader_gets_the_chunks_of_their_file_alone(repo, ask, commit):
    """A xorb may hold chunks of files that are private."""
    commit(*(add(f"{n}.bin", os.urandom(200_000)) for n in range(2)))
    [file] = HfApi().get_paths_info(REPO, ["0.bin"])
    address, headers = xet_headers(ask, f"/api/models/{REPO}/xet-read-token/main", "hf_bob")
    path = f"{address}/v1/reconstructions/{file.xet_hash}"
    [(xorb, [told])] = json.loads(ask("GET", path, b"", headers)[2])["fetch_info"].items()
    data = repo.store.get("xorb", xorb)
    path, start, end = told["url"].removeprefix(repo.cdn), *told["url_range"].values()
    assert end - start < 201_000 and len(data) > 400_000  # both files are in it
    inside = {"Range": f"bytes={start}-{end}"}
    assert ask("GET", path, headers=inside)[2] == data[start : end + 1]
    for wanted in ({}, {"Range": "bytes=0-"}, {"Range": f"bytes=0-{len(data) - 1}"}):
        assert ask("GET", path, headers=wanted)[0] == 403
    wider = path.replace(f"/{start}-{end + 1}?", f"/0-{len(data)}?")
    assert wider != path and ask("GET", wider, headers=inside)[0] == 403


@xet_only
def test_a_xorb_comes_under_its_own_hash_only(repo, ask):
    """Else the one who sends first could spoil what another is about to send."""
    [(key, xorb), *_] = repo.store.items("xorb")
    path = f"/api/models/{REPO}/xet-write-token/main"
    address, headers = xet_headers(ask, path, "hf_alice")
    other = "0" * 64
    assert ask("POST", f"{address}/v1/xorbs/default/{other}", xorb, headers)[0] == 400
    for bad in (b"", xorb[:100], xorb[8:], bytes(50_000), b"\0" * 7):
        assert ask("POST", f"{address}/v1/xorbs/default/{key}", bad, headers)[0] == 400
    assert repo.store.size("xorb", other) is None


@xet_only
def test_a_shard_that_lies_is_refused(repo, ask, monkeypatch):
    """About a file's hash, its SHA-256, or chunks that are not there."""
    shards = []
    put = repo.contents.put_shard
    monkeypatch.setattr(repo.contents, "put_shard", lambda s: (shards.append(s), put(s)))
    data = os.urandom(200_000)
    HfApi().upload_file(path_or_fileobj=data, path_in_repo="v.bin", repo_id=REPO)
    [shard] = shards
    address, headers = xet_headers(ask, f"/api/models/{REPO}/xet-write-token/main", "hf_alice")
    kept = {kind: dict(repo.store.items(kind)) for kind in ("xet", "xet-sha")}
    file = shard.index(bytes.fromhex(next(reversed(kept["xet"])))[7::-1])  # words are reversed
    sha256 = shard.index(sha_words(hashlib.sha256(data).hexdigest()))
    for at in (file, sha256, file + 48):  # the last is the name of the xorb
        lie = shard[:at] + bytes([shard[at] ^ 1]) + shard[at + 1 :]
        assert ask("POST", f"{address}/v1/shards", lie, headers)[0] == 400
    for end in (40, 60, 100, 150):
        assert ask("POST", f"{address}/v1/shards", shard[:end], headers)[0] == 400
    assert {kind: dict(repo.store.items(kind)) for kind in ("xet", "xet-sha")} == kept
    assert ask("POST", f"{address}/v1/shards", shard, headers)[0] == 200


def sha_words(digits):
    """A SHA-256 as shards hold it: four words, their bytes reversed."""
    return b"".join(bytes.fromhex(digits[at : at + 16])[::-1] for at in range(0, 64, 16))


@pytest.mark.parametrize("hub", ["xet", "lfs"], indirect=True)
def test_a_file_that_came_both_ways_is_kept_once(hub, commit, monkeypatch, tmp_path):
    data = os.urandom(400_000)
    HfApi().create_repo(REPO)
    commit(add("one.bin", data))
    other = not constants.HF_HUB_DISABLE_XET
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", other)
    commit(add("two.bin", data))
    assert sum(len(hub.store.keys(kind)) for kind in ("lfs", "xet-sha")) == 1
    for mode in (True, False):
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", mode)
        folder = snapshot_download(REPO, cache_dir=tmp_path / str(mode))
        for name in ("one.bin", "two.bin"):
            assert Path(folder, name).read_bytes() == data


def test_bytes_that_the_disk_has_spoiled_are_sent_again(hub, tmp_path, monkeypatch):
    """One bit of every value is flipped; publishing the same once more mends them all."""
    lfs = constants.HF_HUB_DISABLE_XET
    contents = {"a.txt": b"small" * 200, "b.bin": os.urandom(200_000)}
    operations = [add(path, data) for path, data in contents.items()]
    with LocalHub(tmp_path / "hub") as first:
        api = HfApi(endpoint=first.url, token=first.add_user("alice"))
        api.create_repo(REPO)
        api.create_commit(REPO, operations, commit_message="one")
        for kind in ("lfs", "xorb", "file"):
            for key, value in first.store.items(kind):
                first.store.put(kind, key, value[:99] + bytes([value[99] ^ 1]) + value[100:])
        first.store.connection.commit()
        port = first.port
    with LocalHub(tmp_path / "hub", port=port) as second:
        api = HfApi(endpoint=second.url, token=second.add_user("alice"))
        for mode in (True, False):
            monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", mode)
            for path in contents:
                with pytest.raises((HfHubHTTPError, RuntimeError, OSError)):  # no wrong bytes
                    api.hf_hub_download(REPO, path, cache_dir=tmp_path / "spoiled")
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", lfs)
        operations = [add(path, data) for path, data in contents.items()]
        api.create_commit(REPO, operations, commit_message="two")
        for mode in (True, False):
            monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", mode)
            for path, data in contents.items():
                file = api.hf_hub_download(REPO, path, cache_dir=tmp_path / str(mode))
                assert Path(file).read_bytes() == data


def test_deleted_repositories_free_their_bytes(hub, tmp_path):
    shared, own = os.urandom(500_000), os.urandom(3_000_000)
    folder = tmp_path / "hub"
    with LocalHub(folder) as local:
        api = HfApi(endpoint=local.url, token=local.add_user("alice"))
        for name in ("alice/keep", "alice/drop"):
            api.create_repo(name)
            api.create_commit(name, [add("shared.bin", shared)], commit_message="one")
        small = (folder / "hub.sqlite3").stat().st_size
        for _ in range(2):  # what was deleted can be sent again, by clients who remember it too
            operations = [add("own.bin", own), add("own.txt", b"own")]
            api.create_commit("alice/drop", operations, commit_message="two")
            assert (folder / "hub.sqlite3").stat().st_size > small + len(own)
            api.delete_repo("alice/drop")
            assert (folder / "hub.sqlite3").stat().st_size < small + 100_000
            api.create_repo("alice/drop")
        file = api.hf_hub_download("alice/keep", "shared.bin")
        assert Path(file).read_bytes() == shared


@plain_only
def test_bytes_that_await_their_commit_are_not_freed(repo, ask, commit):
    """Deleting a repository takes nothing from an upload of the same file that is under way."""
    data = os.urandom(200_000)
    oid = hashlib.sha256(data).hexdigest()
    HfApi().create_repo("alice/other")
    repo.contents.put_lfs(oid, len(data), iter([data]))  # committed first by the other repository
    HfApi().create_commit("alice/other", [add("x.bin", data)], commit_message="one")
    repo.contents.arrived("lfs", oid)
    HfApi().delete_repo("alice/other")
    commit(add("x.bin", data))
    assert Path(hf_hub_download(REPO, "x.bin")).read_bytes() == data


@plain_only
def test_an_upload_in_parts_must_be_what_it_says(hub, ask, monkeypatch):
    monkeypatch.setattr(hub, "part_size", 1000)
    HfApi().create_repo(REPO)
    data = os.urandom(2500)
    oid = hashlib.sha256(data).hexdigest()
    done = hub.grant("POST", f"/cdn/lfs/{oid}/complete").removeprefix(hub.cdn)
    assert ask("POST", done.split("?")[0], b'{"parts": []}')[0] == 403  # without a grant
    assert ask("POST", done, b'{"parts": []}')[0] == 400
    part = hub.grant("PUT", f"/cdn/lfs/{oid}/1").removeprefix(hub.cdn)
    status, headers, _ = ask("PUT", part, data[:1000])
    parts = '{"parts": [{"partNumber": 1, "etag": %s}]}'
    assert ask("POST", done, (parts % '"wrong"').encode())[0] == 400
    tag = headers["ETag"].replace('"', '\\"')
    assert ask("POST", done, (parts % f'"{tag}"').encode())[0] == 400  # parts are missing
    assert hub.store.size("lfs", oid) is None
    with pytest.raises(HfHubHTTPError, match="does not exist"):
        HfApi().create_commit(REPO, [pointer(oid, data)], commit_message="x")


def pointer(oid, data):
    """An operation that says its bytes have been sent."""
    operation = add("p.bin", data)
    operation._upload_mode, operation._is_uploaded, operation._should_ignore = "lfs", True, False
    return operation


def test_publishing_mends_what_the_disk_spoils(hub, tmp_path):
    """Between sending and reading back: the Hub says what it has lost, and takes it again."""
    content = {"a.bin": b"x" * 512 + os.urandom(200_000), "notes.txt": b"small" * 200}

    def spoil(request):
        with hub.lock, hub.store.transaction():
            for kind in ("lfs", "xorb", "file"):
                for key, value in hub.store.items(kind):
                    hub.store.put(kind, key, value[:60] + bytes([value[60] ^ 1]) + value[61:])
            hub.contents.sound.clear()  # as after a restart

    hub.fail("GET .*/resolve/", run=spoil)
    push(Publication("alice/d", "dataset", content, "Publish", tag="v1"))
    for name, data in content.items():
        file = hf_hub_download(
            "alice/d", name, repo_type="dataset", revision="v1", cache_dir=tmp_path
        )
        assert Path(file).read_bytes() == data
