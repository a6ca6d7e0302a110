"""The sandbox of the leaderboard, tried with hostile entries."""

import os
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from mnist1d_hf.leaderboard.draws import draw_trial
from mnist1d_hf.leaderboard.processes import one_process
from mnist1d_hf.leaderboard.referee import run_trial
from mnist1d_hf.leaderboard.sandbox import (
    SandboxError,
    check_bubblewrap,
)
from mnist1d_hf.leaderboard.tracks import TRACKS, EntryError, Limits
from mnist1d_hf.leaderboard.trials import unfinished_folder

TEST_ROWS = 3000
LIMITS = Limits(train_seconds=30, predict_seconds=30, memory=2**30)
HONEST = """
import numpy as np

def train(x, y, *, seed, num_classes):
    centres = np.stack([x[y == k].mean(0) for k in range(num_classes)])
    return lambda rows: ((rows[:, None] - centres) ** 2).sum(2).argmin(1)
"""


pytestmark = pytest.mark.usefixtures("bubblewrap")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def draw():
    return draw_trial(TRACKS["default"], 7, 0, rows=500, test_rows=TEST_ROWS)


def test_an_honest_entry_is_scored_by_its_predictions(draw):
    scope = {}
    exec(HONEST, scope)
    expected = scope["train"](draw.x, draw.y, seed=0, num_classes=10)(draw.x_test)
    trial = run_trial(HONEST, draw, LIMITS)
    np.testing.assert_array_equal(trial.predictions, expected)
    assert trial.accuracy == pytest.approx(100 * np.mean(expected == draw.y_test))
    assert trial.seconds >= 0  # the system counts hundredths


def test_weights_seed_and_number_of_classes_reach_the_entry(draw):
    code = """
import numpy as np

def train(x, y, *, seed, num_classes):
    rng = np.random.default_rng(seed)
    return lambda rows: rng.integers(num_classes, size=len(rows))
"""
    runs = [run_trial(code, d, LIMITS) for d in (draw, draw, replace(draw, weight_seed=1))]
    same, again, other = (run.predictions for run in runs)
    assert np.array_equal(same, again) and not np.array_equal(same, other)


def probe(body):
    """An entry whose training runs `body`, and which then answers with nines."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"""
import numpy as np

def train(x, y, *, seed, num_classes):
{lines}
    return lambda rows: np.full(len(rows), 9)
"""


@pytest.mark.parametrize(
    "body, message",
    [
        ("import socket; socket.create_connection(('127.0.0.1', 9), 5)", "refused|unreachable"),
        ("import mnist1d_hf.signals.generate", "No module named"),
        ("import mnist1d.data", "No module named"),
        (f"open({str(Path(sys.prefix) / 'x')!r}, 'w')", "Read-only"),
        ("x = np.ones(2**28); x.sum()", "MemoryError|allocate|GiB"),
        ("x = np.memmap('/dev/shm/x', np.uint8, 'w+', shape=2**29); x[:] = 1", "too large"),
        ("[open(str(k), 'wb').write(bytes(2**27 + 1)) for k in range(2)]", "No space"),
        ("open('/x', 'w')", "Read-only"),
        ("open('/dev/x', 'w')", "Read-only"),
        ("import os; os.memfd_create('x')", "not permitted"),
        ("import os; os.fork()", "not permitted"),
        ("import subprocess; subprocess.run(['true'])", "not permitted"),
        ("import multiprocessing as m; m.Process(target=print).start()", "not permitted"),
        ("print('on my way'); raise KeyError('my own fault')", "(?s)my own fault.*on my way"),
        ("import os; os._exit(0)", "ended with code 0"),
        ("return 3", "int, not a function"),
        ("return lambda rows: np.zeros(3, int)", r"shape \(3,\)"),
        ("return lambda rows: np.zeros(len(rows))", "float64"),
        ("return lambda rows: np.full(len(rows), 10)", "from 10 to 10"),
        ("return lambda rows: rows.foo", "foo"),
    ],
)
def test_what_breaks_a_rule_is_refused(body, message, draw):
    with pytest.raises(EntryError, match=message):
        run_trial(probe(body), draw, LIMITS)


def test_what_it_writes_is_gone_with_it(draw):
    outside = Path(tempfile.gettempdir()) / f"outside-{os.getpid()}"
    body = f"""
import os
for path in ("here", "/dev/shm/there", {str(outside)!r}):
    assert not os.path.exists(path)
    open(path, "w").write("here I was")
"""
    for _ in range(2):
        run_trial(probe(body), draw, LIMITS)
    assert not outside.exists()


@pytest.mark.parametrize("name", ["x.npy", "y.npy", "x_test.npy", "entry.py", "anything"])
def test_it_cannot_change_what_it_is_given(name, draw):
    """A link or a pipe there would lead the referee elsewhere, or hold it up."""
    for call in ("symlink('/etc/passwd', {!r})", "mkfifo({!r})"):
        body = f"import os; os.{call.format(f'/given/{name}')}"
        with pytest.raises(EntryError, match="Read-only|exists"):
            run_trial(probe(body), draw, LIMITS)


@pytest.mark.parametrize(
    "call",
    [
        "umount2(b'/given', 2)",
        "mount(None, b'/given', None, 32 | 4096, None)",  # remount with the right to write
        "unshare(0x10000000)",
        "ptrace(16, 1, 0, 0)",
        "syscall(434, 1, 0)",  # pidfd_open
        "syscall(425, 1, 0)",  # io_uring_setup
    ],
)
def test_ways_around_the_sandbox_are_closed(call, draw):
    """Also for an administrator, who could undo what hides the files."""
    body = f"""
import ctypes, errno
lib = ctypes.CDLL(None, use_errno=True)
assert lib.{call} == -1 and ctypes.get_errno() == errno.EPERM, ctypes.get_errno()
"""
    run_trial(probe(body), draw, LIMITS)


@pytest.mark.parametrize("how", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.execv('/x', ['x'])"])
def test_an_entry_that_ends_with_its_answer_hides_no_time(how, draw):
    code = f"""
import os, sys
import numpy as np

def train(x, y, *, seed, num_classes):
    def predict(rows):
        sum(i * i for i in range(10_000_000))
        os.write(int(sys.argv[1]), b"2" + bytes(len(rows)))
        {how}
    return predict
"""
    try:
        assert run_trial(code, draw, LIMITS).seconds > 0.1  # it was still there
    except EntryError as error:
        assert "ended before its time was taken" in str(error)


def test_the_referee_does_not_wait_for_a_taken_answer(draw):
    """The entry reads from the channel what it wrote, so that there is nothing when it is read."""
    body = """
import os, sys, threading
own = os.open(f"/proc/self/fd/{sys.argv[1]}", os.O_RDONLY | os.O_NONBLOCK)
def take():
    while True:
        os.write(int(sys.argv[1]), b"1")
        try:
            os.read(own, 1)
        except BlockingIOError:
            pass
threading.Thread(target=take, daemon=True).start()
import time; time.sleep(60)
"""
    begin = time.monotonic()
    with pytest.raises(EntryError):
        run_trial(probe(body), draw, replace(LIMITS, train_seconds=2, predict_seconds=2))
    assert time.monotonic() - begin < 40


def test_nothing_is_left_of_an_entry_that_wants_to_stay(draw):
    body = """
import ctypes
ctypes.CDLL(None).prctl(1, 0)  # no signal when the wrapper dies
open("/entry/mark", "w")
"""
    mine = replace(LIMITS, memory=2**30 + os.getpid())  # tells it from other tests' entries
    run_trial(probe(body), draw, mine)
    time.sleep(0.5)
    lines = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if {"/given/runner.py", str(mine.memory)} <= set(line)]


def test_threads_are_on_the_clock_also_when_they_have_ended(draw):
    work = "sum(i * i for i in range(10_000_000))"
    threaded = "import threading; t = threading.Thread(target=lambda: {}); t.start(); t.join()"
    idle, busy = (
        run_trial(probe(threaded.format(what)), draw, LIMITS).seconds for what in ("0", work)
    )
    assert busy > idle + 0.1


def test_the_last_words_are_printable(draw):
    body = r"raise ValueError('\x1b[31mred\x07')"
    with pytest.raises(EntryError) as error:
        run_trial(probe(body), draw, LIMITS)
    assert str(error.value).replace("\n", "").isprintable() and "red" in str(error.value)


def test_without_bubblewrap_one_is_told_how_to_get_it(draw, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    check_bubblewrap.cache_clear()
    with pytest.raises(SandboxError, match="apt-get install bubblewrap"):
        run_trial(HONEST, draw, LIMITS)


def test_other_processors_are_refused(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(SandboxError, match="riscv64, only on x86_64"):
        one_process()


def test_an_entry_that_hangs_is_stopped(draw):
    quick = replace(LIMITS, train_seconds=3)
    begin = time.monotonic()
    with pytest.raises(EntryError, match="training was not finished within 3 seconds"):
        run_trial(probe("while True: pass"), draw, quick)
    assert time.monotonic() - begin < 60  # it would go on for ever


def test_a_file_without_train_is_refused(draw):
    with pytest.raises(EntryError, match="no function train"):
        run_trial("x = 1", draw, LIMITS)


def test_neither_labels_nor_seeds_nor_other_processes_can_be_seen(draw):
    """While it trains, all the entry finds in its folder is what it was given."""
    body = """
import os
found = sorted(os.listdir("/given"))
assert found == ["entry.py", "runner.py", "x.npy", "y.npy"] and not os.listdir("."), found
assert "SECRET" not in open("/proc/1/environ").read()
assert len([p for p in os.listdir("/proc") if p.isdigit()]) <= 2
assert os.environ["OMP_NUM_THREADS"] == "1" and "HF_TOKEN" not in os.environ
"""
    os.environ["HF_TOKEN"] = "hf_SECRET"
    try:
        trial = run_trial(probe(body), draw, LIMITS)
    finally:
        del os.environ["HF_TOKEN"]
    assert trial.accuracy == pytest.approx(10, abs=2)


def test_no_files_of_the_user_can_be_seen(draw, root):
    """Neither the checkout, with its records, nor the home folder."""
    (unfinished_folder() / "run").mkdir(parents=True)
    here = [
        unfinished_folder() / "run",
        root / "pyproject.toml",
        root / "dataset_card",
        Path.home() / ".bashrc",
        Path(__file__),
    ]
    body = f"import os; assert not any(map(os.path.exists, {[str(path) for path in here]}))"
    assert here[0].exists() and here[1].exists()
    run_trial(probe(body), draw, LIMITS)


@pytest.mark.parametrize("answer", ["0", "1", "2", "done"])
def test_an_entry_that_answers_for_the_runner_is_refused(answer, draw):
    body = f"import os, sys; os.write(int(sys.argv[1]), b'{answer}')"
    with pytest.raises(EntryError, match="out of turn"):
        run_trial(probe(body), draw, LIMITS)


def test_training_that_is_put_off_is_on_the_clock(draw):
    work = "sum(i * i for i in range(10_000_000))"
    lazy = probe(f"return lambda rows: np.full(len(rows), 9 + 0 * {work})")
    busy = probe(work)
    idle, *others = (run_trial(code, draw, LIMITS).seconds for code in (probe("pass"), busy, lazy))
    assert all(seconds > idle + 0.1 for seconds in others)
