"""Sizes are checked before they are believed, and bodies are not kept."""

import gc
import http.client
import json
import os
import socket
import tracemalloc

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError

from mnist1d_hf.localhub import LocalHub
from mnist1d_hf.localhub.wire import SMALL_BODY

REPO = "alice/m"
ALICE = {"Authorization": "Bearer hf_alice"}
plain_only = pytest.mark.parametrize("hub", ["lfs"], indirect=True)
pytestmark = pytest.mark.usefixtures("repo")


def batch(ask, objects, transfers=("basic", "multipart")):
    wanted = {"operation": "upload", "objects": objects, "transfers": transfers}
    path = f"/{REPO}.git/info/lfs/objects/batch"
    return ask("POST", path, json.dumps(wanted).encode(), ALICE)


def test_a_file_beyond_the_limit_is_refused_before_it_travels(hub, monkeypatch):
    monkeypatch.setattr(hub.contents, "max_file", 100_000)
    hub.log.clear()
    for name in ("large.bin", "large.txt"):
        with pytest.raises(HfHubHTTPError, match="413.*|files of up to"):
            HfApi().upload_file(path_or_fileobj=b"x" * 100_001, path_in_repo=name, repo_id=REPO)
    assert not hub.calls("PUT |/cas/|/commit/")
    HfApi().upload_file(path_or_fileobj=b"\0" * 100_000, path_in_repo="a.bin", repo_id=REPO)


@plain_only
@pytest.mark.parametrize("size", [10**9, 10**14, 10**30, 1 << 53])
def test_sizes_that_an_lfs_batch_cannot_mean(hub, ask, size):
    status, _, body = batch(ask, [{"oid": "0" * 64, "size": size}])
    assert status in (400, 413) and len(body) < 1000
    for bad in (1e30, -1, "9", None, True, [], 0.5):
        assert batch(ask, [{"oid": "0" * 64, "size": bad}])[0] == 400
    assert batch(ask, [{"oid": "0" * 63, "size": 1}])[0] == 422
    assert batch(ask, [{"oid": f"{n:064x}", "size": 1} for n in range(1001)])[0] == 413


@plain_only
def test_preupload_is_bounded(hub, ask):
    path = f"/api/models/{REPO}/preupload/main"

    def asked(files):
        return ask("POST", path, json.dumps({"files": files}).encode(), ALICE)[0]

    assert asked([{"path": "a", "size": 1, "sample": ""}]) == 200
    assert asked([{"path": "a", "size": 10**14, "sample": ""}]) == 413
    assert asked([{"path": "a" * 2000, "size": 1, "sample": ""}]) == 413
    assert asked([{"path": "a", "size": 1, "sample": ""}] * 1001) == 413
    for size in (-1, "1", None, 1e400, 0.5):
        assert asked([{"path": "a", "size": size, "sample": ""}]) == 400


@plain_only
def test_the_parts_of_an_upload_are_together_no_larger_than_a_file(hub, ask, monkeypatch):
    monkeypatch.setattr(hub, "part_size", 1000)
    monkeypatch.setattr(hub.contents, "max_file", 2500)
    oid = "0" * 64
    parts = []
    for number in range(1, 4):
        address = hub.grant("PUT", f"/cdn/lfs/{oid}/{number}").removeprefix(hub.cdn)
        tag = ask("PUT", address, b"x" * 1000)[1]["ETag"]
        parts.append({"partNumber": number, "etag": tag})
    done = hub.grant("POST", f"/cdn/lfs/{oid}/complete").removeprefix(hub.cdn)
    assert ask("POST", done, json.dumps({"parts": parts}).encode())[0] == 413
    assert ask("POST", done, json.dumps({"parts": parts[:1] * 10_001}).encode())[0] == 413


@plain_only
@pytest.mark.parametrize(
    "header, status",
    [
        ("bytes=" + "9" * 5000 + "-", 200),
        ("bytes=0-" + "9" * 5000, 200),
        ("bytes=99999999-", 416),
        ("bytes=-0", 416),
        ("bytes=3-1", 200),
        ("bytes=1-99999", 206),
        ("bytes=-99999", 206),
        ("bytes=²-", 200),
        ("lines=1-2", 200),
    ],
)
def test_ranges(hub, ask, header, status):
    path = f"/{REPO}/raw/main/a.txt"
    found, _, body = ask("GET", path, headers={"Range": header})
    assert found == status and (b"mall" in body or status == 416)


@plain_only
def test_lengths_of_bodies(hub, ask):
    path = "/api/repos/create"
    for length in ("9" * 16, "9" * 5000, "-1", "²", "1e3", "+1", "0x1", "1 1"):
        status, headers, _ = ask("POST", path, headers={"Content-Length": length, **ALICE})
        assert status == 400 and headers["Connection"] == "close"
    for length in (SMALL_BODY + 1, 10**14):
        assert ask("POST", path, headers={"Content-Length": str(length), **ALICE})[0] == 413
    twice = {"Transfer-Encoding": "chunked", **ALICE}
    assert ask("POST", path, b"0\r\n\r\n", twice)[0] == 400  # with its length besides
    for chunk in (b"f" * 100, b"-1\r\n", b"zz\r\n", b"\r\n"):
        assert chunked(hub, path, chunk) == 400
    assert chunked(hub, path, b"fffffffffff\r\n") == 413


def chunked(hub, path, data):
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)
    connection.putrequest("POST", path)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders(data)
    connection.sock.shutdown(socket.SHUT_WR)
    status = connection.getresponse().status
    connection.close()
    return status


@plain_only
def test_large_bodies_come_from_known_senders_alone(hub, ask, monkeypatch):
    """And are not read before it is clear that they may come."""
    for path in (f"/api/models/{REPO}/commit/main", "/cas/x/v1/shards", "/cdn/lfs/" + "0" * 64):
        method = "PUT" if path.startswith("/cdn") else "POST"
        for body in (b"", b"x" * 1000):
            assert ask(method, path, body)[0] in (401, 403)
    large = {"Content-Length": str(100 << 20)}
    # none of these bodies ever comes
    assert ask("POST", f"/api/models/{REPO}/commit/main", headers=large)[0] == 401
    assert ask("POST", "/", headers={**large, "Host": "evil.example"})[0] == 403
    assert ask("POST", "/api/validate-yaml", headers=large)[0] == 413
    assert ask("POST", "/api/no-such-thing", headers={**large, **ALICE})[0] == 404


@plain_only
def test_fields_are_bounded(hub, ask):
    fields = {"title": "discussions", "tag": "tag/main", "message": "super-squash/main"}
    for field, route in fields.items():
        body = json.dumps({field: "x" * (1 << 21)}).encode()
        assert ask("POST", f"/api/models/{REPO}/{route}", body, ALICE)[0] == 413
    form = "&".join(["paths=a"] * 1001).encode()
    assert ask("POST", f"/api/models/{REPO}/paths-info/main", form)[0] == 413


@plain_only
def test_bodies_are_dropped_once_they_are_answered(hub, commit):
    """Of requests that were refused too; and without a log, nothing of them is kept."""
    with LocalHub() as local:
        api = HfApi(endpoint=local.url, token=local.add_user("alice"))
        api.create_repo(REPO)
        data = os.urandom(1 << 20)
        tracemalloc.start()
        for round_number in range(12):
            if round_number == 2:
                gc.collect()
                before = tracemalloc.get_traced_memory()[0]
            with pytest.raises(HfHubHTTPError, match="404"):
                api.create_commit(
                    REPO,
                    [CommitOperationAdd("a.txt", data)],
                    commit_message="x",
                    revision="v1",
                )
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert kept < 1 << 20 and local.log == [] and local.bugs == []
    hub.log.clear()
    commit(CommitOperationAdd("a.txt", b"x" * 1000))
    assert hub.log and not any(request.body for request in hub.log)
