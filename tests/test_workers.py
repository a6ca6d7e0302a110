"""Processes that work for this one: results, failures, and ends."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
import pytest

from mnist1d_hf.workers import call_in_processes


def square(number):
    if number == 3:
        raise ValueError("three")
    if number == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2, os.getpid()


def test_results_come_from_other_processes():
    results = dict(call_in_processes(square, [1, 2], workers=2))
    assert {number: result[0] for number, result in results.items()} == {1: 1, 2: 4}
    assert os.getpid() not in {pid for _, pid in results.values()}


def test_a_failure_is_raised():
    with pytest.raises(ValueError, match="three"):
        list(call_in_processes(square, [3], workers=1))


def test_a_death_is_raised():
    with pytest.raises(BrokenProcessPool):
        list(call_in_processes(square, [4], workers=1))


class Told(ValueError):
    """An error that leaves a file when it arrives in the process that is told of it."""

    def __reduce__(self):
        return arrive, self.args


def arrive(path):
    Path(path).touch()
    return Told(path)


def meet(item):
    """The first fails once the second runs; the second ends once the failure has arrived."""
    folder, name = item
    (folder / f"{name}-started").touch()
    if name == "first":
        wait_for_file(folder / "second-started")
        raise Told(str(folder / "first-failed"))
    if name == "second":
        wait_for_file(folder / "first-failed")
    return name


def wait_for_file(path):
    deadline = time.monotonic() + 100
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


def test_after_a_failure_what_runs_is_finished_and_what_waits_is_dropped(tmp_path):
    items = [(tmp_path, name) for name in ("first", "second", "third", "fourth")]
    with pytest.raises(ValueError, match="first-failed"):
        list(call_in_processes(meet, items, workers=2))
    started = {path.name for path in tmp_path.glob("*-started")}
    assert started == {"first-started", "second-started"}


def test_results_beside_a_failure_are_yielded_before_it_is_raised(tmp_path):
    items, found = [(tmp_path, "first"), (tmp_path, "second")], []
    with pytest.raises(ValueError, match="first-failed"):
        for _, name in call_in_processes(meet, items, workers=2):
            found.append(name)
    assert found == ["second"]


def die(item):
    """Ends its own process once the other item is done."""
    folder, name = item
    if name == "killed":
        wait_for_file(folder / "yielded")
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def test_a_death_keeps_what_is_done_and_names_what_is_lost(tmp_path):
    items = [(tmp_path, "killed"), (tmp_path, "done")]
    found = []
    with pytest.raises(BrokenProcessPool, match="killed"):
        for _, name in call_in_processes(die, items, workers=2):
            found.append(name)
            (tmp_path / "yielded").touch()
    assert found == ["done"]


SLEEPER = """
import signal, time
from mnist1d_hf.workers import call_in_processes

def nap(seconds):
    open(f"started-{seconds}", "w")
    time.sleep(seconds)

if __name__ == "__main__":
    # jobs that a shell runs in the background ignore Ctrl-C, and so do their children
    signal.signal(signal.SIGINT, signal.default_int_handler)
    list(call_in_processes(nap, [600, 601], 2))
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_one_it_works_for(tmp_path, end):
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    with subprocess.Popen(
        [sys.executable, "sleeper.py"], cwd=tmp_path, stderr=subprocess.DEVNULL
    ) as child:
        try:
            for name in ("started-600", "started-601"):
                wait_for_file(tmp_path / name)
            workers = psutil.Process(child.pid).children(recursive=True)
            assert len(workers) >= 2
            child.send_signal(end)
            child.wait(timeout=100)
            _, alive = psutil.wait_procs(workers, timeout=100)
        finally:
            child.kill()
    assert alive == []
