"""What outlives an embedded Hub that is killed, stopped or in want of disk."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from huggingface_hub import (
    CommitOperationAdd,
    HfApi,
)
from huggingface_hub.errors import (
    HfHubHTTPError,
)
from typer.testing import CliRunner

import mnist1d_hf
from mnist1d_hf.cli import app
from mnist1d_hf.localhub import LocalHub
from mnist1d_hf.localhub.server import serve

BIG = bytes(range(256)) * 4096  # 1 MiB, kept by Xet or LFS
REPO = "alice/m"


def read(path):
    return Path(path).read_bytes()


def add(path, content):
    return CommitOperationAdd(path, content)


# where no large file is sent, once is enough
plain_only = pytest.mark.parametrize("hub", ["lfs"], indirect=True)

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
    for folder in ("file", "file/below"):
        with pytest.raises(ValueError, match=f"folder .*{folder} cannot keep a hub"):
            LocalHub(tmp_path / folder)


@plain_only
def test_a_request_that_fails_half_way_changes_nothing(hub, monkeypatch, commit):
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
