"""The embedded Hub: the real clients on it, what it refuses, and what outlives a kill."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from datasets import Dataset, load_dataset
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    HfFileSystem,
    ModelCard,
    constants,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    BadRequestError,
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from typer.testing import CliRunner

import mnist1d_hf
from mnist1d_hf.cli import app
from mnist1d_hf.localhub import LocalHub
from mnist1d_hf.localhub.server import serve

BIG = bytes(range(256)) * 4096  # 1 MiB, kept by Xet or LFS
REPO = "alice/m"


def commit(*operations, **options):
    message = options.pop("commit_message", "Change")
    return HfApi().create_commit(REPO, list(operations), commit_message=message, **options)


def read(path):
    return Path(path).read_bytes()


def add(path, content):
    return CommitOperationAdd(path, content)


@pytest.fixture
def repo(hub):
    HfApi().create_repo(REPO)
    commit(add("a.txt", b"small"), add("data/b.bin", BIG))
    return hub


# -- the real clients ------------------------------------------------------------------------------


def test_datasets_round_trip(hub):
    one, two = Dataset.from_dict({"x": [[1.5] * 40] * 50}), Dataset.from_dict({"y": ["u"]})
    one.push_to_hub("alice/d", "one")
    two.push_to_hub("alice/d", "two", private=True)
    for streaming in (False, True):
        for config, data in (("one", one), ("two", two)):
            back = load_dataset("alice/d", config, split="train", streaming=streaming)
            assert list(back) == list(data)
    assert bool(hub.calls("/cas/")) != bool(hub.calls("objects/batch"))


def test_files_whole_and_in_part(repo):
    path = hf_hub_download(REPO, "data/b.bin")
    assert read(path) == BIG
    with HfFileSystem().open(f"{REPO}/data/b.bin", "rb", block_size=2**16) as file:
        file.seek(300_001)
        assert file.read(1000) == BIG[300_001:301_001]
    assert repo.calls("GET /cdn/")[-1].status == 206


def test_a_file_sent_by_xet_is_read_without_it(hub, monkeypatch, tmp_path):
    """And the other way round; compressible bytes take every path of the chunk format."""
    floats = b"".join(int(i * 7919).to_bytes(4, "little") for i in range(60_000))
    HfApi().create_repo(REPO)
    commit(add("floats.bin", floats), add("zeros.bin", bytes(300_000)), add("b.bin", BIG))
    other = not constants.HF_HUB_DISABLE_XET
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", other)
    folder = snapshot_download(REPO, cache_dir=tmp_path)
    for name, content in (("floats", floats), ("zeros", bytes(300_000)), ("b", BIG)):
        assert read(f"{folder}/{name}.bin") == content


def test_upload_in_parts(hub, monkeypatch):
    monkeypatch.setattr(hub, "part_size", 300_000)
    HfApi().create_repo(REPO)
    commit(add("b.bin", BIG))
    assert read(hf_hub_download(REPO, "b.bin")) == BIG
    if constants.HF_HUB_DISABLE_XET:
        assert len(hub.calls("PUT /cdn/lfs/.*/[1-4]$")) == 4


def test_listing_in_pages(repo, monkeypatch):
    monkeypatch.setattr(repo, "page_size", 2)
    commit(*(add(f"f/{n}.txt", b"%d" % n) for n in range(5)))
    names = [entry.path for entry in HfApi().list_repo_tree(REPO, recursive=True)]
    assert names == sorted(names) and len(names) == 3 + 5 + 2  # with two folders
    assert len(repo.calls("GET .*/tree/")) == 5
    [info] = HfApi().get_paths_info(REPO, ["data/b.bin", "missing"], expand=True)
    assert info.size == len(BIG) and info.last_commit.title == "Change"
    commit(add("a.txt", b"newer"), commit_message="Newer")
    entries = HfApi().list_repo_tree(REPO, expand=True)
    assert {e.path: e.last_commit.title for e in entries} == {
        ".gitattributes": "initial commit",
        "a.txt": "Newer",
        "data": "Change",
        "f": "Change",
    }


def test_copy_delete_and_history(repo):
    commit(
        CommitOperationCopy("data/b.bin", "c.bin"),
        CommitOperationDelete("a.txt"),
        commit_message="Move",
    )
    api = HfApi()
    assert set(api.list_repo_files(REPO)) == {".gitattributes", "c.bin", "data/b.bin"}
    commit(CommitOperationDelete("data/", is_folder=True))
    history = api.list_repo_commits(REPO)
    assert [c.title for c in history] == ["Change", "Move", "Change", "initial commit"]
    old = hf_hub_download(REPO, "a.txt", revision=history[2].commit_id)
    assert read(old) == b"small"
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download(REPO, "a.txt")
    api.super_squash_history(REPO)
    assert len(api.list_repo_commits(REPO)) == 1


def test_unchanged_files_make_no_commit(repo):
    before = HfApi().model_info(REPO).sha
    commit(add("a.txt", b"small"), add("data/b.bin", BIG))
    assert HfApi().model_info(REPO).sha == before


def test_branches_and_tags(repo):
    api = HfApi()
    first = api.model_info(REPO).sha
    api.create_branch(REPO, branch="side")
    api.create_tag(REPO, tag="v1")
    api.create_tag(REPO, tag="v1", exist_ok=True)
    commit(add("a.txt", b"new"), revision="side")
    assert api.model_info(REPO, revision="v1").sha == first == api.model_info(REPO).sha
    refs = api.list_repo_refs(REPO)
    assert {b.name for b in refs.branches} == {"main", "side"} and refs.tags[0].name == "v1"
    api.delete_tag(REPO, tag="v1")
    api.delete_branch(REPO, branch="side")
    with pytest.raises(RevisionNotFoundError):
        api.model_info(REPO, revision="v1")
    with pytest.raises(HfHubHTTPError, match="403"):
        api.delete_branch(REPO, branch="main")


def test_stale_parent_is_refused(repo):
    old = HfApi().model_info(REPO).sha
    commit(add("a.txt", b"new"))
    with pytest.raises(HfHubHTTPError, match="412"):
        commit(add("a.txt", b"newer"), parent_commit=old)


def test_pull_requests(repo):
    """Anyone may propose; a merge keeps what main gained meanwhile."""
    made = HfApi(token="hf_bob").create_commit(
        REPO,
        [add("a.txt", b"better"), CommitOperationDelete("data/b.bin")],
        commit_message="Improve",
        create_pr=True,
    )
    commit(add("c.txt", b"meanwhile"))
    api = HfApi()
    [listed] = api.get_repo_discussions(REPO, discussion_type="pull_request")
    assert (listed.num, listed.author, made.pr_num) == (1, "bob", 1)
    said = api.comment_discussion(REPO, 1, "thanks")
    edited = api.edit_discussion_comment(REPO, 1, said.id, new_content="thank you")
    assert (edited.content, edited.edited) == ("thank you", True)
    with pytest.warns(UserWarning, match="irreversible"):
        assert api.hide_discussion_comment(REPO, 1, said.id).hidden
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi(token="hf_bob").edit_discussion_comment(REPO, 1, said.id, new_content="mine")
    api.rename_discussion(REPO, 1, new_title="Improve a")
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi(token="hf_bob").merge_pull_request(REPO, 1)
    api.merge_pull_request(REPO, 1)
    details = api.get_discussion_details(REPO, 1)
    assert (details.status, details.title) == ("merged", "Improve a")
    assert set(api.list_repo_files(REPO)) == {".gitattributes", "a.txt", "c.txt"}
    assert read(hf_hub_download(REPO, "a.txt")) == b"better"
    api.create_discussion(REPO, title="A question", description="?")
    api.change_discussion_status(REPO, 2, new_status="closed")
    assert not list(api.get_repo_discussions(REPO, discussion_status="open"))


def test_upload_folder(hub, tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.bin").write_bytes(bytes([0, number]) * 100)
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# T\n")
    (tmp_path / ".gitignore").write_text("4.bin\n")
    HfApi().create_repo(REPO)
    HfApi().upload_folder(repo_id=REPO, folder_path=tmp_path)
    HfApi().upload_folder(repo_id=REPO, folder_path=tmp_path, create_pr=True)
    names = set(HfApi().list_repo_files(REPO))
    assert {"0.bin", "3.bin", "README.md"} <= names and "4.bin" not in names
    assert HfApi().model_info(REPO).card_data.license == "mit"


def test_collections(repo):
    api = HfApi()
    made = api.create_collection("Good things", namespace="alice", exists_ok=True)
    again = api.create_collection("Good things", namespace="alice", exists_ok=True)
    assert made.slug == again.slug
    api.add_collection_item(made.slug, REPO, "model", note="fine")
    api.add_collection_item(made.slug, REPO, "model", exists_ok=True)
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi(token="hf_bob").delete_collection(made.slug)
    item = api.get_collection(made.slug).items[0]
    api.update_collection_item(made.slug, item.item_object_id, note="better")
    assert api.get_collection(made.slug).items[0].note == "better"
    api.update_collection_metadata(made.slug, title="Better things")
    api.delete_collection_item(made.slug, item.item_object_id)
    assert not api.get_collection(made.slug).items
    assert [c.title for c in api.list_collections(owner="alice")] == ["Better things"]
    api.delete_collection(made.slug)
    with pytest.raises(HfHubHTTPError, match="404"):
        api.get_collection(made.slug)


def test_organisations_renaming_settings_and_removal(hub):
    api = HfApi()
    assert [org["name"] for org in api.whoami()["orgs"]] == ["acme"]
    api.create_repo("acme/old", repo_type="space", space_sdk="static")
    api.create_repo("acme/old", repo_type="space", space_sdk="static", exist_ok=True)
    api.move_repo("acme/old", "alice/new", repo_type="space")
    api.update_repo_settings("alice/new", repo_type="space", private=True)
    assert [s.id for s in api.list_spaces(author="alice", search="NEW")] == ["alice/new"]
    assert not list(HfApi(token="hf_bob").list_spaces())
    assert not api.repo_exists("acme/old", repo_type="space")
    api.delete_repo("alice/new", repo_type="space")
    api.delete_repo("alice/new", repo_type="space", missing_ok=True)


def test_evaluation_modules_come_from_spaces(hub):
    """`evaluate.load("accuracy")` asks for this address, without a token."""
    HfApi().create_repo("acme/metric", repo_type="space", space_sdk="static")
    HfApi().upload_file(
        path_or_fileobj=b"x = 1",
        path_in_repo="metric.py",
        repo_id="acme/metric",
        repo_type="space",
    )
    status, headers, body = ask(hub, "GET", "/spaces/acme/metric/raw/main/metric.py")
    assert (status, body) == (200, b"x = 1") and headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "front, problem",
    [
        ("license: no-such-licence", "license"),
        ("size_categories: many", "size_categories"),
        ("tags: one", "tags"),
        ("a: [", "Invalid YAML"),
        ("- a list", "mapping"),
    ],
)
@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_bad_cards(hub, front, problem):
    HfApi().create_repo(REPO)
    card = f"---\n{front}\n---\n# T\n".encode()
    with pytest.raises(ValueError, match=problem):
        commit(add("README.md", card))
    assert not hub.calls("/commit/")
    with pytest.raises(ValueError):
        ModelCard("---\nlicense: no-such\n---\n").validate()


# -- what it refuses -------------------------------------------------------------------------------


def ask(hub, method, path, body=b"", headers=None):
    """One request with nothing corrected by a client."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)
    connection.putrequest(method, path, skip_host=bool(headers and "Host" in headers))
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    result = answer.status, answer.headers, answer.read()
    connection.close()
    return result


ALICE = {"Authorization": "Bearer hf_alice"}


# where no large file is sent, once is enough
plain_only = pytest.mark.parametrize("hub", ["lfs"], indirect=True)


@plain_only
def test_private_and_gated_repositories(hub, monkeypatch):
    api, bob = HfApi(), HfApi(token="hf_bob")
    api.create_repo(REPO, private=True)
    commit(add("a.txt", b"secret"))
    with pytest.raises(RepositoryNotFoundError):
        bob.model_info(REPO)
    with pytest.raises(RepositoryNotFoundError):
        HfApi(token=False).model_info(REPO)
    assert ask(hub, "GET", f"/{REPO}")[0] == 401 and REPO.encode() not in ask(hub, "GET", "/")[2]
    api.update_repo_settings(REPO, private=False, gated="auto")
    with pytest.raises(GatedRepoError):
        hf_hub_download(REPO, "a.txt", token="hf_bob")
    with pytest.raises(GatedRepoError):
        bob.auth_check(REPO)
    assert ask(hub, "GET", f"/{REPO}")[0] == 401
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
    hub.accounts.revoke("hf_alice")
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi().whoami()


@plain_only
@pytest.mark.parametrize(
    "path", ["../a", "a/../../b", "/etc/passwd", "a//b", ".git/config", "a\\b", "./a", "a\0b"]
)
def test_paths_that_leave_the_repository(hub, path):
    HfApi().create_repo(REPO)
    lines = [
        {"key": "header", "value": {"summary": "x"}},
        {"key": "file", "value": {"path": path, "content": "eA==", "encoding": "base64"}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    status, _, answer = ask(hub, "POST", f"/api/models/{REPO}/commit/main", body, ALICE)
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
def test_addresses_that_leave_the_hub(hub, path):
    HfApi().create_repo(REPO)
    status, _, body = ask(hub, "GET", path, headers=ALICE)
    assert status in (400, 403, 404) and b"root:" not in body
    hub.log.clear()  # the token on the storage origin was ours


@plain_only
@pytest.mark.parametrize("name", ["..", "a..b", "a--b", "a/b", "", "x" * 97, "ünicode", "a b"])
def test_bad_repository_names(hub, name):
    body = json.dumps({"name": name}).encode()
    assert ask(hub, "POST", "/api/repos/create", body, ALICE)[0] == 400
    assert not hub.repos


@plain_only
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"not json", b'{"name": 1}', b"\xff\xfe", b"[" * 100_000]
)
@pytest.mark.parametrize(
    "path", ["/api/repos/create", "/api/models/alice/m/commit/main", "/api/validate-yaml"]
)
def test_malformed_requests_are_the_senders_fault(hub, path, body):
    HfApi().create_repo(REPO)
    assert ask(hub, "POST", path, body, ALICE)[0] == 400


@plain_only
def test_numbers_in_addresses(hub):
    HfApi().create_repo(REPO)
    for path in (f"models/{REPO}/tree/main?cursor=x", "models?limit=-1", "models?limit=%C2%B2"):
        assert ask(hub, "GET", f"/api/{path}")[0] == 400


@plain_only
def test_bodies_have_a_limit(hub, monkeypatch):
    monkeypatch.setattr(hub, "max_body", 1000)
    assert ask(hub, "POST", "/api/repos/create", b"x" * 1001, ALICE)[0] == 413
    chunked = {"Transfer-Encoding": "chunked", "Content-Length": "", **ALICE}
    del chunked["Content-Length"]
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)
    connection.request(
        "POST", "/api/repos/create", iter([b"x" * 600] * 2), chunked, encode_chunked=True
    )
    assert connection.getresponse().status == 413
    connection.close()
    for length in ("-1", "many"):
        assert ask(hub, "POST", "/api/repos/create", headers={"Content-Length": length})[0] == 400


@plain_only
def test_only_its_own_name_and_machine(hub):
    assert ask(hub, "GET", "/", headers={"Host": "evil.example"})[0] == 403
    for host in ("0.0.0.0", "::", "192.168.1.1", "example.org", ""):
        with pytest.raises(ValueError, match="serves this machine only"):
            LocalHub(host=host)
    with pytest.raises(ValueError, match=f"port {hub.port} of 127.0.0.1 cannot be used"):
        LocalHub(port=hub.port)


def test_storage_wants_a_grant(repo):
    sha256 = HfApi().get_paths_info(REPO, ["data/b.bin"])[0].lfs.sha256
    path = f"/cdn/lfs/{sha256}"
    assert ask(repo, "GET", path)[0] == 403
    assert ask(repo, "PUT", path, b"other")[0] == 403
    granted = repo.grant("GET", path).removeprefix(repo.cdn)
    assert ask(repo, "GET", granted)[2] == BIG
    assert ask(repo, "GET", granted, headers=ALICE)[0] == 400  # a token has no business here
    assert ask(repo, "PUT", granted, b"other")[0] == 403
    late = re.sub(r"expires=\d+", "expires=1", granted)
    assert ask(repo, "GET", late)[0] == 403
    assert ask(repo, "GET", path + "?expires=&sig=%C3%BC")[0] == 403
    assert ask(repo, "POST", "/cas/x/v1/shards", b"", ALICE)[0] == 401
    assert (
        ask(
            repo,
            "POST",
            "/cas/x/v1/shards",
            b"",
            {"Authorization": "Bearer xet-write.99999999999.x"},
        )[0]
        == 401
    )
    repo.log.clear()  # the tokens on the storage origin were ours


@plain_only
def test_uploads_must_be_what_they_say(hub):
    HfApi().create_repo(REPO)
    path = "/cdn/lfs/" + "0" * 64
    granted = hub.grant("PUT", path).removeprefix(hub.cdn)
    assert ask(hub, "PUT", granted, b"other bytes")[0] == 400
    lines = [
        {"key": "header", "value": {"summary": "x"}},
        {"key": "lfsFile", "value": {"path": "a", "algo": "sha256", "oid": "0" * 64}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    status, _, answer = ask(hub, "POST", f"/api/models/{REPO}/commit/main", body, ALICE)
    assert status == 400 and b"does not exist" in answer
    untitled = json.dumps({"key": "header", "value": {}}).encode()
    status, _, answer = ask(hub, "POST", f"/api/models/{REPO}/commit/main", untitled, ALICE)
    assert status == 400 and b"summary is required" in answer


@pytest.mark.parametrize("hub", ["xet"], indirect=True)
def test_a_xorb_with_wrong_bytes_is_noticed(hub):
    """What hf_xet sent is checked against the SHA-256 before it becomes a file."""
    HfApi().create_repo(REPO)

    def corrupt(request):
        for key, data in hub.store.items("xorb"):
            hub.store.put("xorb", key, data[:100] + bytes([data[100] ^ 1]) + data[101:])
        hub.store.connection.commit()

    hub.fail("POST .*/commit/", run=corrupt)
    with pytest.raises(BadRequestError, match="give another SHA-256"):
        commit(add("b.bin", os.urandom(100_000)))


# -- what outlives it ------------------------------------------------------------------------------

# the subpackage without the package: it needs the standard library only, to be there at once
ALONE = """
import sys, types
package = types.ModuleType("mnist1d_hf")
package.__path__ = [sys.argv[1]]
sys.modules["mnist1d_hf"] = package
from mnist1d_hf.localhub import LocalHub, serve
foreign = {"huggingface_hub", "datasets", "numpy", "pyarrow", "yaml", "markdown_it"}
assert not foreign & set(sys.modules), foreign & set(sys.modules)
"""
SERVER = f"""{ALONE}
hub = LocalHub(sys.argv[2], port=int(sys.argv[3])).start()
print(hub.add_user("alice", "hf_alice"), flush=True)
sys.stdin.read()
"""
PACKAGE = Path(mnist1d_hf.localhub.__file__).parents[1]


@pytest.fixture
def process(tmp_path):
    """A function that starts a hub on tmp_path in a process of its own; kill it as you like."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []

    def start():
        child = subprocess.Popen(
            [sys.executable, "-c", SERVER, PACKAGE, tmp_path / "hub", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        children.append(child)
        assert child.stdout.readline() == b"hf_alice\n"
        return child, HfApi(endpoint=f"http://127.0.0.1:{port}", token="hf_alice")

    yield start
    for child in children:
        child.kill()
        child.communicate()


@plain_only
def test_nothing_acknowledged_is_lost_by_kill_9(hub, process):
    """Killed again and again while four clients commit; every answered commit is there after."""
    answered: set[str] = set()
    stop = threading.Event()

    def work(api, number):
        for count in range(1000):
            if stop.is_set():
                return
            path = f"{number}/{count}-{len(answered)}.txt"
            try:
                api.create_commit(REPO, [add(path, path.encode())], commit_message=path)
                answered.add(path)
            except Exception:  # the hub was killed
                return

    for round_number in range(2):
        child, api = process()
        api.create_repo(REPO, exist_ok=True)
        before = len(answered)
        threads = [
            threading.Thread(target=work, args=(api, f"{round_number}-{n}")) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        while len(answered) < before + 12:
            stop.wait(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
        for thread in threads:
            thread.join()
    child, api = process()
    there = set(api.list_repo_files(REPO)) - {".gitattributes"}
    titles = {c.title for c in api.list_repo_commits(REPO)} - {"initial commit"}
    assert answered <= there == titles  # a commit without an answer is there whole or not at all
    assert len(there - answered) <= 8
    for path in sorted(there):
        file = api.hf_hub_download(REPO, path)
        assert read(file) == path.encode()


def test_everything_is_there_again(hub, tmp_path):
    """Users, repositories, files by either way, tags, pull requests and collections."""
    with LocalHub(tmp_path / "hub") as first:
        token = first.add_user("carol")
        api = HfApi(endpoint=first.url, token=token)
        api.create_repo("carol/m", private=True)
        operations = [add("a.txt", b"small"), add("b.bin", BIG)]
        api.create_commit("carol/m", operations, commit_message="one")
        api.create_tag("carol/m", tag="v1")
        api.create_discussion("carol/m", title="Hello")
        slug = api.create_collection("All", namespace="carol").slug
        api.add_collection_item(slug, "carol/m", "model")
        with pytest.raises(ValueError, match="another hub runs on it"):
            LocalHub(tmp_path / "hub")
        before = api.model_info("carol/m", files_metadata=True)
    with LocalHub(tmp_path / "hub") as second:
        api = HfApi(endpoint=second.url, token=token)
        after = api.model_info("carol/m", revision="v1", files_metadata=True)
        assert after.sha == before.sha and after.siblings == before.siblings and after.private
        assert read(api.hf_hub_download("carol/m", "b.bin")) == BIG
        assert api.get_discussion_details("carol/m", 1).title == "Hello"
        assert api.get_collection(slug).items[0].item_id == "carol/m"
    assert not os.stat(tmp_path / "hub" / "hub.sqlite3").st_mode & 0o077  # it holds the tokens


@plain_only
def test_folders_that_cannot_keep_a_hub(hub, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "hub.sqlite3").write_text(
        "not a database, but long enough to be read" * 9
    )
    for folder in ("file", "file/below", "other"):
        with pytest.raises(ValueError, match=f"folder .*{folder} cannot keep a hub"):
            LocalHub(tmp_path / folder)


@plain_only
def test_a_request_that_fails_half_way_changes_nothing(hub, monkeypatch):
    """As on a full disk: the write fails after part of the state has changed."""
    HfApi().create_repo(REPO)
    put = hub.store.put

    def full(kind, key, value):
        if kind == "repo":
            raise OSError(28, "No space left on device")
        put(kind, key, value)

    monkeypatch.setattr(hub.store, "put", full)
    with pytest.raises(HfHubHTTPError, match="500"):
        commit(add("a.txt", b"1"))
    with pytest.raises(HfHubHTTPError, match="500"):
        HfApi().create_repo("alice/other")
    monkeypatch.setattr(hub.store, "put", put)
    assert len(hub.bugs) >= 2 and "No space left" in hub.bugs[0]
    hub.bugs.clear()
    assert HfApi().list_repo_files(REPO) == [".gitattributes"]
    assert not HfApi().repo_exists("alice/other")
    commit(add("a.txt", b"1"))


@plain_only
def test_serve_tells_how_to_use_it(hub, tmp_path):
    code = f"{ALONE}\nserve({str(tmp_path)!r})"
    told = []
    for _ in range(2):  # the token stays
        child = subprocess.Popen(
            [sys.executable, "-c", code, PACKAGE],
            stdout=subprocess.PIPE,
            text=True,
            # a shell that runs the tests in its background has them ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        lines = [child.stdout.readline() for _ in range(4)]
        told.append(dict(line.removeprefix("export ").strip().split("=") for line in lines[2:]))
        api = HfApi(endpoint=told[-1]["HF_ENDPOINT"], token=told[-1]["HF_TOKEN"])
        assert api.whoami()["name"] == "local"
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
        assert child.returncode == 0
    assert told[0]["HF_TOKEN"] == told[1]["HF_TOKEN"]
    with pytest.raises(ValueError, match="cannot be used"):
        serve(port=hub.port)
    refused = CliRunner().invoke(app, ["hub", "--port", str(hub.port)])
    assert refused.exit_code == 2 and "cannot be used" in refused.output
