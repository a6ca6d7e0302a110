"""Ctrl-C while publishing: it stops at once, at any request; the next run completes the rest."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from huggingface_hub import HfApi

from mnist1d_hf.hub import interrupt
from mnist1d_hf.hub.attempts import attempt
from mnist1d_hf.hub.interrupt import stoppable
from mnist1d_hf.hub.upload import in_threads

CHILD = """
import pathlib, random, sys, tempfile
from mnist1d_hf.hub.interrupt import finish_running, requested, stoppable
from mnist1d_hf.hub.publication import LargeFile, Publication, bytes_sha256
from mnist1d_hf.hub.push import push

data = random.Random(0).randbytes(100_000)
path = pathlib.Path(tempfile.mkdtemp()) / "large.parquet"
path.write_bytes(data[:50_000])
large = {"default/large.parquet": LargeFile(path, 50_000, bytes_sha256(data[:50_000]))}
files = {"README.md": b"---\\nlicense: apache-2.0\\n---\\n", "default/a.parquet": data}
publication = Publication("alice/d", "dataset", files, "Publish", tag="v1", large=large)
for line in sys.stdin:
    try:
        with stoppable():
            push(publication)
        print("done", flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
    finish_running()
    print("ready", flush=True)
"""
TARGET = {"repo_id": "alice/d", "repo_type": "dataset"}


@pytest.fixture
def child(hub, request, tmp_path):
    """A process that pushes whenever it is told to, with progress bars, as in a terminal."""
    environment = {
        **os.environ,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "0",
        "HF_HUB_DISABLE_XET": "1" if request.node.callspec.params["hub"] == "lfs" else "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def say(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()


def test_ctrl_c_at_any_request(hub, child):
    """The Hub gives no answer before the publisher has stopped: it does not wait for one."""
    say(child, "push")
    assert child.stdout.readline() == "done\n" and child.stdout.readline() == "ready\n"
    for number in range(len(hub.log)):
        hub.reset()
        hub.add_user("alice", "hf_alice")
        answer = threading.Event()

        def interrupt_child(request, answer=answer):
            child.send_signal(signal.SIGINT)
            assert answer.wait(60)

        hub.fail("", skip=number, run=interrupt_child)
        say(child, "push")
        told = child.stdout.readline()
        answer.set()
        if not hub.faults[0].times:  # this time there were as many requests
            assert told == "stopped\n", f"at request {number}: {hub.log[-1]}"
        assert child.stdout.readline() == "ready\n"
    say(child, "push")  # again, after the last interrupt
    assert child.stdout.readline() == "done\n"
    refs = HfApi().list_repo_refs(**TARGET)
    assert [tag.name for tag in refs.tags] == ["v1"]


@pytest.mark.parametrize("moment", ["POST .*/commit/", "HEAD .*/resolve/", "POST /api/collections"])
@pytest.mark.parametrize("hub", ["xet"], indirect=True)
def test_ctrl_c_ends_the_command_with_one_line_and_130(hub, root, tmp_path, moment):
    command = [sys.executable, "scripts/publish.py", "--only", "dataset", "--only", "collection"]
    process = subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, "HF_HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def interrupt_command(request):
        process.send_signal(signal.SIGINT)
        process.wait(60)

    hub.fail(moment, run=interrupt_command)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert told.splitlines()[-1] == "stopped; the same command continues"
    assert "Traceback" not in told
    assert not list(tmp_path.glob("mnist1d-*")), "temporary files are left"


@pytest.mark.parametrize("script", ["publish.py", "publish_shards.py"])
@pytest.mark.parametrize("module", ["datasets", "mnist1d_hf.hub.push"])
def test_ctrl_c_while_the_libraries_are_imported(root, script, module):
    code = f"""
import builtins, os, runpy, signal, sys
sys.path.insert(0, "scripts")
sys.argv = ["scripts/{script}", *sys.argv[1:]]
original = builtins.__import__
def importing(name, *rest, **more):
    if name == "{module}":
        os.kill(os.getpid(), signal.SIGINT)
    return original(name, *rest, **more)
builtins.__import__ = importing
runpy.run_path("scripts/{script}", run_name="__main__")
"""
    arguments = ["--dry-run"] if script == "publish.py" else ["nowhere", "alice/d", "--dry-run"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=root, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (130, "stopped; the same command continues\n")


def test_a_trial_is_removed_after_ctrl_c(hub, load_script, root, monkeypatch):
    monkeypatch.chdir(root)
    script = load_script("publish")
    hub.fail("POST .*/tag/", run=lambda request: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(SystemExit) as stopped:
        script.main(only=["dataset"], repo_prefix="tmp-", delete_after=True)
    assert stopped.value.code == 130
    assert list(HfApi().list_datasets()) == []


# -- without a Hub ---------------------------------------------------------------------------------


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_that_a_library_swallows_comes_again():
    """As when it is raised in a callback, whose exceptions go nowhere."""
    calls = []
    with pytest.raises(KeyboardInterrupt), stoppable():
        try:
            press_ctrl_c()
        except KeyboardInterrupt:
            calls.append("swallowed")
        attempt("sending", lambda: calls.append("called"))
    assert calls == ["swallowed"]


@pytest.mark.parametrize("error", [RuntimeError("interrupted"), OSError("interrupted")])
def test_an_error_that_a_library_makes_of_it_is_not_tried_again(error):
    calls = []

    def call():
        calls.append(1)
        interrupt.requested.set()
        raise error

    with pytest.raises(KeyboardInterrupt), stoppable():
        attempt("sending", call)
    assert calls == [1]


def test_workers_that_are_under_way_are_not_waited_for():
    go, begun = threading.Event(), threading.Event()

    def work(item):
        begun.set()
        assert go.wait(60)

    def press(item):
        begun.wait(60)
        press_ctrl_c()

    threading.Thread(target=press, args=(0,)).start()
    with pytest.raises(KeyboardInterrupt), stoppable():
        list(in_threads(work, ["a", "b", "c"], workers=1))
    go.set()


def test_the_second_ctrl_c_ends_at_once():
    code = """
import os, signal
from mnist1d_hf.hub.interrupt import stoppable
with stoppable():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal.SIGINT)
        print("not reached")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (130, "")


def test_the_handler_before_is_restored():
    before = signal.getsignal(signal.SIGINT)
    with stoppable():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    attempt("asking", lambda: None)
