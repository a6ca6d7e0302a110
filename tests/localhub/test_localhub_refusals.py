"""What the embedded Hub refuses: strangers, paths that leave it, requests without sense."""

import http.client
import json
import re
from pathlib import Path

import pytest
from huggingface_hub import (
    CommitOperationAdd,
    HfApi,
    hf_hub_download,
)
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)

from mnist1d_hf.localhub import LocalHub

BIG = bytes(range(256)) * 4096  # 1 MiB, kept by Xet or LFS
REPO = "alice/m"


def read(path):
    return Path(path).read_bytes()


def add(path, content):
    return CommitOperationAdd(path, content)


ALICE = {"Authorization": "Bearer hf_alice"}


# where no large file is sent, once is enough
plain_only = pytest.mark.parametrize("hub", ["lfs"], indirect=True)


@plain_only
def test_private_and_gated_repositories(hub, monkeypatch, ask, commit):
    api, bob = HfApi(), HfApi(token="hf_bob")
    api.create_repo(REPO, private=True)
    commit(add("a.txt", b"secret"))
    with pytest.raises(RepositoryNotFoundError):
        bob.model_info(REPO)
    with pytest.raises(RepositoryNotFoundError):
        HfApi(token=False).model_info(REPO)
    assert ask("GET", f"/{REPO}")[0] == 401 and REPO.encode() not in ask("GET", "/")[2]
    api.update_repo_settings(REPO, private=False, gated="auto")
    with pytest.raises(GatedRepoError):
        hf_hub_download(REPO, "a.txt", token="hf_bob")
    with pytest.raises(GatedRepoError):
        bob.auth_check(REPO)
    assert ask("GET", f"/{REPO}")[0] == 401
    api.auth_check(REPO)


@plain_only
def test_tokens_and_namespaces(hub):
    hub.add_user("alice", "hf_reader", role="read")
    for token, status in (("hf_wrong", 401), ("hf_reader", 403), ("hf_bob", 403)):
        with pytest.raises(HfHubHTTPError, match=str(status)):
            HfApi(token=token).create_repo(REPO)
    HfApi().create_repo(REPO)
    for token, status in (("hf_wrong", 401), ("hf_reader", 403), ("hf_bob", 403)):
        with pytest.raises(HfHubHTTPError, match=str(status)):
            HfApi(token=token).upload_file(
                path_or_fileobj=b"1", path_in_repo="a", repo_id=REPO, create_pr=False
            )
    del hub.accounts.tokens["hf_alice"]
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi().whoami()


@plain_only
@pytest.mark.parametrize(
    "path", ["../a", "a/../../b", "/etc/passwd", "a//b", ".git/config", "a\\b", "./a", "a\0b"]
)
def test_paths_that_leave_the_repository(hub, path, ask):
    HfApi().create_repo(REPO)
    lines = [
        {"key": "header", "value": {"summary": "x"}},
        {"key": "file", "value": {"path": path, "content": "eA==", "encoding": "base64"}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    status, _, answer = ask("POST", f"/api/models/{REPO}/commit/main", body, ALICE)
    assert status == 422 and b"Invalid path" in answer


@plain_only
@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/alice/m/resolve/main/..%2F..%2Fetc%2Fpasswd",
        "/alice/m/resolve/main/../../../../etc/passwd",
        "/cdn/lfs/..%2F..%2Fetc%2Fpasswd",
        "/api/models/alice/m/tree/main/..%2F..",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_addresses_that_leave_the_hub(hub, path, ask):
    HfApi().create_repo(REPO)
    status, _, body = ask("GET", path, headers=ALICE)
    assert status in (400, 403, 404) and b"root:" not in body
    hub.log.clear()  # the token on the storage origin was ours


@plain_only
@pytest.mark.parametrize("name", ["..", "a..b", "a--b", "a/b", "", "x" * 97, "ünicode", "a b"])
def test_bad_repository_names(hub, name, ask):
    body = json.dumps({"name": name}).encode()
    assert ask("POST", "/api/repos/create", body, ALICE)[0] == 400
    assert not hub.repos


@plain_only
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"not json", b'{"name": 1}', b"\xff\xfe", b"[" * 100_000]
)
@pytest.mark.parametrize(
    "path", ["/api/repos/create", "/api/models/alice/m/commit/main", "/api/validate-yaml"]
)
def test_malformed_requests_are_the_senders_fault(hub, path, body, ask):
    HfApi().create_repo(REPO)
    assert ask("POST", path, body, ALICE)[0] == 400


@plain_only
def test_numbers_in_addresses(hub, ask):
    HfApi().create_repo(REPO)
    for path in (f"models/{REPO}/tree/main?cursor=x", "models?limit=-1", "models?limit=%C2%B2"):
        assert ask("GET", f"/api/{path}")[0] == 400


@plain_only
def test_bodies_have_a_limit(hub, monkeypatch, ask):
    monkeypatch.setattr(hub, "max_body", 1000)
    assert ask("POST", "/api/repos/create", b"x" * 1001, ALICE)[0] == 413
    chunked = {"Transfer-Encoding": "chunked", "Content-Length": "", **ALICE}
    del chunked["Content-Length"]
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)
    connection.request(
        "POST", "/api/repos/create", iter([b"x" * 600] * 2), chunked, encode_chunked=True
    )
    assert connection.getresponse().status == 413
    connection.close()
    for length in ("-1", "many"):
        assert ask("POST", "/api/repos/create", headers={"Content-Length": length})[0] == 400


@plain_only
def test_only_its_own_name_and_machine(hub, ask):
    assert ask("GET", "/", headers={"Host": "evil.example"})[0] == 403
    for host in ("0.0.0.0", "::", "192.168.1.1", "example.org", ""):
        with pytest.raises(ValueError, match="serves this machine only"):
            LocalHub(host=host)
    with pytest.raises(ValueError, match=f"port {hub.port} of 127.0.0.1 cannot be used"):
        LocalHub(port=hub.port)


def test_storage_wants_a_grant(repo, ask):
    sha256 = HfApi().get_paths_info(REPO, ["data/b.bin"])[0].lfs.sha256
    path = f"/cdn/lfs/{sha256}"
    assert ask("GET", path)[0] == 403
    assert ask("PUT", path, b"other")[0] == 403
    granted = repo.grant("GET", path).removeprefix(repo.cdn)
    assert ask("GET", granted)[2] == BIG
    assert ask("GET", granted, headers=ALICE)[0] == 400  # a token has no business here
    assert ask("PUT", granted, b"other")[0] == 403
    late = re.sub(r"expires=\d+", "expires=1", granted)
    assert ask("GET", late)[0] == 403
    assert ask("GET", path + "?expires=&sig=%C3%BC")[0] == 403
    assert ask("POST", "/cas/x/v1/shards", b"", ALICE)[0] == 401
    assert (
        ask(
            "POST",
            "/cas/x/v1/shards",
            b"",
            {"Authorization": "Bearer xet-write.99999999999.x"},
        )[0]
        == 401
    )
    repo.log.clear()  # the tokens on the storage origin were ours


@plain_only
def test_uploads_must_be_what_they_say(hub, ask):
    HfApi().create_repo(REPO)
    path = "/cdn/lfs/" + "0" * 64
    granted = hub.grant("PUT", path).removeprefix(hub.cdn)
    assert ask("PUT", granted, b"other bytes")[0] == 400
    lines = [
        {"key": "header", "value": {"summary": "x"}},
        {"key": "lfsFile", "value": {"path": "a", "algo": "sha256", "oid": "0" * 64}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    status, _, answer = ask("POST", f"/api/models/{REPO}/commit/main", body, ALICE)
    assert status == 400 and b"does not exist" in answer
    untitled = json.dumps({"key": "header", "value": {}}).encode()
    status, _, answer = ask("POST", f"/api/models/{REPO}/commit/main", untitled, ALICE)
    assert status == 400 and b"summary is required" in answer
