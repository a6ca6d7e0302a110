"""Cells: run once, whole or not at all, in any number of processes and shards."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from mnist1d_hf.evidence.cells import Cells, CellsMissing

GRID = [{"size": size, "seed": seed} for size in (1, 5, 3) for seed in (0, 1)]


def work(size, seed):
    return {"product": size * 10 + seed, "pid": os.getpid()}


def fail_on_three(size, seed):
    if size == 3:
        raise ValueError("three")
    return size


def die_on_three(size, seed):
    if size == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return size


def products(results):
    return [result["product"] for result in results]


EXPECTED = [10, 11, 50, 51, 30, 31]


def test_results_come_in_cell_order_and_files_say_what_they_are(tmp_path):
    cells = Cells(tmp_path, quiet=True)
    assert products(cells.run(work, GRID)) == EXPECTED
    assert len(list(tmp_path.iterdir())) == len(GRID)
    content = json.loads(cells.path(work, GRID[3]).read_text())
    assert content["cell"] == {"size": 5, "seed": 1}
    assert content["result"]["product"] == 51
    assert content["provenance"]["seconds"] >= 0


def test_finished_cells_are_not_run_again_and_new_parameters_are_new_cells(tmp_path):
    cells = Cells(tmp_path, quiet=True)
    cells.run(work, GRID)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    reordered = [{"seed": 0, "size": 1}, {"size": 1, "seed": 2}]  # order of keys does not matter
    assert products(cells.run(work, [*GRID, *reordered])) == [*EXPECTED, 10, 12]
    assert {p: p.stat().st_mtime_ns for p in times} == times
    assert len(list(tmp_path.iterdir())) == len(GRID) + 1


def test_two_processes_start_with_the_dearest_cell(tmp_path):
    results = Cells(tmp_path, workers=2, quiet=True).run(work, GRID, cost=lambda c: c["size"])
    assert products(results) == EXPECTED
    assert os.getpid() not in {result["pid"] for result in results}
    alone = tmp_path / "alone"
    Cells(alone, quiet=True).run(work, GRID, cost=lambda c: c["size"])
    order = sorted(alone.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert [json.loads(p.read_text())["cell"]["size"] for p in order] == [5, 5, 3, 3, 1, 1]


def test_shards_share_the_cells(tmp_path):
    with pytest.raises(CellsMissing, match="3 of 6 cells"):
        Cells(tmp_path, shard=1, num_shards=2, quiet=True).run(work, GRID)
    assert len(list(tmp_path.iterdir())) == 3
    assert products(Cells(tmp_path, shard=0, num_shards=2, quiet=True).run(work, GRID)) == EXPECTED


def test_a_worker_that_dies_is_told_and_leaves_no_half_cell(tmp_path):
    cells = Cells(tmp_path, workers=2, quiet=True)
    with pytest.raises(RuntimeError, match="a worker of die_on_three was killed.*'size': 3"):
        cells.run(die_on_three, GRID)
    for cell in GRID:
        assert not cells.path(die_on_three, cell).exists() or cell["size"] != 3


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_names_its_cell_and_keeps_the_others(tmp_path, workers):
    cells = Cells(tmp_path, workers=workers, quiet=True)
    with pytest.raises(RuntimeError, match=r"fail_on_three failed in cell .*'size': 3") as error:
        cells.run(fail_on_three, GRID, cost=lambda c: 1 / c["size"])
    assert "three" in str(error.value.__cause__)
    assert cells.path(fail_on_three, {"size": 1, "seed": 0}).exists()
    assert not cells.path(fail_on_three, {"size": 3, "seed": 0}).exists()


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="workers=0"):
        Cells("x", workers=0)
    with pytest.raises(ValueError, match="shard=2"):
        Cells("x", shard=2, num_shards=2)


SLEEPER = """
import signal
import time
from mnist1d_hf.evidence.cells import Cells

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

def nap(seconds):
    time.sleep(seconds)

if __name__ == "__main__":
    cells = [{"seconds": s} for s in (0.0, 0.01, 600.0, 601.0)]
    Cells("cells", workers=2).run(nap, cells, cost=lambda cell: -cell["seconds"])
"""


def test_ctrl_c_stops_the_workers_and_keeps_what_is_done(tmp_path):
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    child = subprocess.Popen(
        [sys.executable, "sleeper.py"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    done = tmp_path / "cells"
    deadline = time.monotonic() + 60
    while len(list(done.glob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)  # both workers are asleep now
    child.send_signal(signal.SIGINT)
    _, log = child.communicate(timeout=60)  # returns when the workers have closed the pipe too
    assert child.returncode != 0
    assert "KeyboardInterrupt" in log
    assert len(list(done.iterdir())) == 2  # no half-written file either
