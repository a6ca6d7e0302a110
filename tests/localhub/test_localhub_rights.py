"""Who may push what: contributors to their own pull requests, readers nowhere."""

import json
import os
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

REPO = "alice/m"
plain_only = pytest.mark.parametrize("hub", ["lfs"], indirect=True)
pytestmark = pytest.mark.usefixtures("repo")


def add(path, content):
    return CommitOperationAdd(path, content)


def test_a_contributor_pushes_to_a_pull_request_of_theirs(hub, tmp_path):
    data = [os.urandom(200_000) for _ in range(3)]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one.bin").write_bytes(data[0])
    (tmp_path / "folder" / "a.txt").write_text("better")
    bob = HfApi(token="hf_bob")
    made = bob.upload_folder(repo_id=REPO, folder_path=tmp_path / "folder", create_pr=True)
    ref = f"refs/pr/{made.pr_num}"
    bob.create_commit(REPO, [add("two.bin", data[1])], commit_message="More", revision=ref)
    bob.upload_file(path_or_fileobj=data[2], path_in_repo="3.bin", repo_id=REPO, revision=ref)
    for name, content in zip(("one.bin", "two.bin", "3.bin"), data, strict=True):
        assert Path(hf_hub_download(REPO, name, revision=ref)).read_bytes() == content
    hub.add_user("carol", "hf_carol")
    for token, revision in (("hf_carol", ref), ("hf_bob", "main"), ("hf_bob", "refs/pr/9")):
        with pytest.raises((HfHubHTTPError, ConnectionError, RuntimeError)):
            HfApi(token=token).upload_file(
                path_or_fileobj=b"\0" * 999, path_in_repo="x.bin", repo_id=REPO, revision=revision
            )
    HfApi().merge_pull_request(REPO, made.pr_num)
    assert Path(hf_hub_download(REPO, "two.bin")).read_bytes() == data[1]
    with pytest.raises(HfHubHTTPError, match="403"):  # it is over
        bob.upload_file(path_or_fileobj=b"1", path_in_repo="x", repo_id=REPO, revision=ref)
    HfApi().upload_file(path_or_fileobj=b"1", path_in_repo="x", repo_id=REPO, revision=ref)


READER = {"Authorization": "Bearer hf_reader"}
OPERATIONS = {
    "POST /api/repos/create": {"name": "new"},
    "DELETE /api/repos/delete": {"name": "m"},
    "POST /api/repos/move": {"fromRepo": REPO, "toRepo": "alice/n"},
    "PUT /api/models/alice/m/settings": {"private": True},
    "POST /api/models/alice/m/commit/main?create_pr=1": {"key": "header"},
    "POST /api/models/alice/m/commit/main": {"key": "header"},
    "POST /api/models/alice/m/preupload/main?create_pr=1": {"files": []},
    "POST /api/models/alice/m/branch/side": {},
    "DELETE /api/models/alice/m/branch/side": {},
    "POST /api/models/alice/m/tag/main": {"tag": "v1"},
    "POST /api/models/alice/m/super-squash/main": {},
    "POST /api/models/alice/m/discussions": {"title": "x", "pullRequest": True},
    "POST /api/models/alice/m/discussions/1/comment": {"comment": "x"},
    "POST /api/models/alice/m/discussions/1/status": {"status": "closed"},
    "POST /api/models/alice/m/discussions/1/title": {"title": "x"},
    "POST /api/models/alice/m/discussions/1/merge": {},
    "POST /alice/m.git/info/lfs/objects/batch": {"operation": "upload", "objects": []},
    "GET /api/models/alice/m/xet-write-token/main?create_pr=1": None,
    "GET /api/models/alice/m/xet-write-token/main": None,
    "POST /api/collections": {"title": "x", "namespace": "alice"},
}


@plain_only
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_token_that_may_only_read_writes_nothing(hub, ask, operation):
    hub.add_user("alice", "hf_reader", role="read")
    HfApi().create_discussion(REPO, title="A question")
    kept = list(hub.store.connection.iterdump())
    method, path = operation.split()
    value = OPERATIONS[operation]
    body = b"" if value is None else json.dumps(value).encode()
    assert ask(method, path, body, READER)[0] == 403
    assert ask(method, path, body)[0] == 401  # and nobody without one
    assert list(hub.store.connection.iterdump()) == kept


@plain_only
def test_nobody_may_finish_the_upload_of_another(hub, ask):
    body = json.dumps({"oid": "0" * 64, "size": 1}).encode()
    assert ask("POST", "/api/lfs/verify", body)[0] == 401
    assert ask("POST", f"/cdn/lfs/{'0' * 64}/complete", b'{"parts": []}')[0] == 403


def test_digests_of_gated_files_are_for_those_who_may_read_them(hub, ask):
    """By a digest, files can be asked for and copied past the gate."""
    HfApi().update_repo_settings(REPO, gated="auto")
    bob = HfApi(token="hf_bob")
    for look in (
        lambda: list(bob.list_repo_tree(REPO)),
        lambda: bob.get_paths_info(REPO, ["data/b.bin"]),
        lambda: bob.model_info(REPO, files_metadata=True),
        lambda: hf_hub_download(REPO, "data/b.bin", token="hf_bob"),
        lambda: bob.create_commit(
            REPO, [add("data/b.bin", b"\0" * 99)], commit_message="x", create_pr=True
        ),
    ):
        with pytest.raises(GatedRepoError):
            look()
    path = f"/api/models/{REPO}/xet-read-token/main"
    assert ask("GET", path, headers={"Authorization": "Bearer hf_bob"})[0] == 403
    assert bob.model_info(REPO).gated == "auto"
    assert len(list(HfApi().list_repo_tree(REPO, recursive=True))) == 4
