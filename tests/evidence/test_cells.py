"""Cells: run once, whole or not at all, in any number of processes and on several machines."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.packed import identity, name_of, read_packed, write_packed

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


@pytest.fixture
def cells(tmp_path):
    return Cells(tmp_path / "cells", quiet=True)


def loose(cells):
    """The files of cells that are not packed yet."""
    return sorted(cells.folder.glob("*.json"))


def test_results_come_in_cell_order_and_the_packed_cells_say_what_they_are(cells):
    assert products(cells.run(work, GRID)) == EXPECTED
    assert loose(cells) == []
    packed = read_packed(cells.pack)
    assert len(packed) == len(GRID)
    content = packed[name_of("work", GRID[3])]
    assert (content["function"], content["cell"]) == ("work", {"size": 5, "seed": 1})
    assert content["result"]["product"] == 51
    made = content["provenance"]
    assert made["seconds"] >= 0 and made["process_time"] >= 0
    assert len(made["source_sha256"]) == 64 and made["machine"]["cores"] == os.cpu_count()


def test_finished_cells_are_not_run_again_and_new_parameters_are_new_cells(cells):
    first = cells.run(work, GRID)
    before = read_packed(cells.pack)
    reordered = [{"seed": 0, "size": 1}, {"size": 1, "seed": 2}]  # order of keys does not matter
    assert products(cells.run(work, [*GRID, *reordered])) == [*EXPECTED, 10, 12]
    after = read_packed(cells.pack)
    assert {name: after[name] for name in before} == before
    assert len(after) == len(GRID) + 1
    assert Cells(cells.folder, quiet=True).run(work, GRID) == first


def test_packing_keeps_cells_that_this_run_does_not_know(cells):
    cells.run(work, GRID[:2])
    with pytest.raises(RuntimeError, match="three"):
        cells.run(fail_on_three, GRID)  # size 1 and 5 stay in files of their own
    kept = len(loose(cells))
    assert kept == 4
    cells.run(work, GRID[2:4])
    assert len(loose(cells)) == kept
    assert cells.run(fail_on_three, GRID[:2]) == [1, 1]
    assert len(read_packed(cells.pack)) == 6


def test_two_processes_start_with_the_dearest_cell(cells, tmp_path):
    both = Cells(tmp_path / "both", workers=2, quiet=True)
    results = both.run(work, GRID, cost=lambda c: c["size"])
    assert products(results) == EXPECTED
    assert os.getpid() not in {result["pid"] for result in results}
    with pytest.raises(RuntimeError, match="three"):
        cells.run(fail_on_three, GRID, cost=lambda c: c["size"])
    assert {json.loads(p.read_text())["cell"]["size"] for p in loose(cells)} == {5}


MADE = []


def work_slowly(number):
    """The square, and who made it when."""
    MADE.append((threading.current_thread().name, number))
    time.sleep(0.2)
    return number**2


@pytest.fixture
def ranks(tmp_path):
    MADE.clear()
    return [Cells(tmp_path / "cells", rank=r, world_size=2, quiet=True) for r in (0, 1)]


def two_phases(cells):
    squares = cells.run(work_slowly, [{"number": n} for n in range(1, 7)])
    return cells.run(work_slowly, [{"number": n} for n in squares])


def test_ranks_share_the_cells_of_every_phase_and_all_end_with_all_results(ranks):
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(two_phases, ranks))
    assert found == [[n**4 for n in range(1, 7)]] * 2
    assert loose(ranks[0]) == [] and len(read_packed(ranks[0].pack)) == 10  # 1, 4 in both phases
    assert len(MADE) <= 13  # each phase may end with a cell that both have begun
    first = {name: number for name, number in reversed(MADE)}
    assert sorted(first.values()) == [1, 2]


def test_a_rank_does_what_others_leave(ranks):
    assert two_phases(ranks[1]) == [n**4 for n in range(1, 7)]
    assert [n for _, n in MADE][:6] == [2, 4, 6, 5, 3, 1]  # the last ones of the other rank first
    made = len(MADE)
    assert two_phases(ranks[0]) == [n**4 for n in range(1, 7)] and len(MADE) == made


def test_of_two_ranks_that_make_the_same_cell_the_first_result_stays(ranks):
    def turn(number):
        MADE.append(number)
        mine = len(MADE)
        if mine == 1:  # the other rank begins later and ends first
            ranks[1].run(turn, [{"number": number}])
        return mine

    assert ranks[0].run(turn, [{"number": 7}]) == [2] == ranks[1].run(turn, [{"number": 7}])
    assert MADE == [7, 7] and loose(ranks[0]) == []


def test_a_worker_that_dies_is_told_and_leaves_no_half_cell(tmp_path):
    cells = Cells(tmp_path / "cells", workers=2, quiet=True)
    with pytest.raises(RuntimeError, match="a process died.*'size': 3.*finished cells stay"):
        cells.run(die_on_three, GRID)
    assert 3 not in {json.loads(path.read_text())["cell"]["size"] for path in loose(cells)}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_names_its_cell_and_keeps_the_others(tmp_path, workers):
    cells = Cells(tmp_path / "cells", workers=workers, quiet=True)
    with pytest.raises(RuntimeError, match=r"fail_on_three failed in cell .*'size': 3") as error:
        cells.run(fail_on_three, GRID, cost=lambda c: 1 / c["size"])
    assert "three" in str(error.value.__cause__)
    names = [path.stem for path in loose(cells)]
    assert {name_of("fail_on_three", cell) for cell in GRID[:2]} <= set(names)
    assert name_of("fail_on_three", {"size": 3, "seed": 0}) not in names


def length(seed, mask):
    return len(mask) + seed


def test_long_parameters_are_data_and_known_by_their_digest(cells):
    masks = ["01" * 500, "10" * 500]
    todo = [{"seed": 1, "mask": mask} for mask in masks]
    assert cells.run(length, todo) == [1001, 1001]
    stored = [record["cell"] for record in read_packed(cells.pack).values()]
    assert sorted(cell["mask"]["sha256"] for cell in stored) == sorted(
        identity(mask)["sha256"] for mask in masks
    )
    assert "0101" not in cells.pack.read_text()
    assert cells.run(length, todo) == [1001, 1001]
    assert len(read_packed(cells.pack)) == 2
    assert name_of("length", stored[0]) in read_packed(cells.pack)


def test_packed_cells_are_sorted_share_their_provenance_and_do_not_change(cells):
    cells.run(work, GRID)
    text = cells.pack.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [("function" in line) for line in lines] == [False] + [True] * 6
    assert [line["cell"]["size"] for line in lines[1:]] == [1, 3, 5, 1, 3, 5]  # by seed, then size
    write_packed(cells.pack, list(read_packed(cells.pack).values())[::-1])
    assert cells.pack.read_text() == text


@pytest.mark.parametrize(
    "change", [lambda s: s[:-20], lambda s: "\n" + s, lambda s: s[s.find("\n") :]]
)
def test_a_damaged_pack_is_named_with_its_line(cells, change):
    cells.run(work, GRID)
    cells.pack.write_text(change(cells.pack.read_text()))
    with pytest.raises(ValueError, match=r"line \d of .*cells.jsonl is damaged"):
        cells.run(work, GRID)


def never_ends(size, seed):
    return float("nan")


def test_a_result_that_is_not_finite_names_its_cell(cells):
    with pytest.raises(RuntimeError, match="cell .*'size': 1.*not finite, as after a training"):
        cells.run(never_ends, GRID[:1])
    assert not loose(cells)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="workers=0"):
        Cells("x", workers=0)
    with pytest.raises(ValueError, match="rank=2"):
        Cells("x", rank=2, world_size=2)


SLEEPER = """
import signal
import time
from mnist1d_hf.evidence.cells import Cells

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

def nap(seconds):
    if seconds > 1:
        open(f"asleep-{seconds}", "w")
    time.sleep(seconds)

if __name__ == "__main__":
    cells = [{"seconds": s} for s in (0, 0.01, 600, 601)]
    Cells("cells", workers=2).run(nap, cells, cost=lambda cell: -cell["seconds"])
"""


def test_ctrl_c_stops_the_workers_and_keeps_what_is_done(tmp_path):
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    child = subprocess.Popen(
        [sys.executable, "sleeper.py"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("asleep-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, log = child.communicate(timeout=60)  # returns when the workers have closed the pipe too
    assert child.returncode != 0
    assert "KeyboardInterrupt" in log
    done = [path.name for path in (tmp_path / "cells").iterdir()]
    assert len(done) == 2 and all(name.endswith(".json") for name in done)  # none is half-written
