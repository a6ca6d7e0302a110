"""Making shards: complete, resumable and the same bytes, whatever happens on the way."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest

from mnist1d_hf import SignalParams, make_range
from mnist1d_hf.data.identity import digest
from mnist1d_hf.shards import plan
from mnist1d_hf.shards.job import ShardJob
from mnist1d_hf.signals.counter import TEST_START
from mnist1d_hf.workers import Stopped

PARAMS = SignalParams(stream="counter", num_samples=6400, validation_size=500, seed=5)
NAMES = [
    *(f"train-{k:05d}-of-00003.parquet" for k in range(3)),
    "validation-00000-of-00001.parquet",
    "test-00000-of-00001.parquet",
]


def job(out, params=PARAMS, num_shards=5, config_name="default"):
    return ShardJob(config_name, params, num_shards, str(out))


def tree(folder):
    """Every file with its bytes, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What one uninterrupted run writes."""
    out = tmp_path_factory.mktemp("whole")
    job(out).run(quiet=True)
    return tree(out)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_datasets_reads_them_back(whole, out, cache):
    assert job(out).run(quiet=True) == NAMES
    for arguments in ([str(out / "default")], ["parquet", None, str(out / "default")]):
        loaded = datasets.load_dataset(*arguments)
        assert {split: rows.num_rows for split, rows in loaded.items()} == {
            "train": 4620,
            "validation": 500,
            "test": 1280,
        }
        assert loaded["test"].features["label"].names == [str(k) for k in range(10)]
        assert loaded["test"].features["x"] == datasets.List(datasets.Value("float32"), length=40)
    for split, start in (("train", 0), ("validation", 4620), ("test", TEST_START)):
        x, y = make_range(PARAMS, start, start + loaded[split].num_rows)
        np.testing.assert_array_equal(np.array(loaded[split]["x"], dtype=np.float32), x)
        assert loaded[split]["label"] == y.tolist()


def test_the_manifest_has_the_job_and_digests_that_need_no_parquet(whole):
    manifest = json.loads(whole["default/manifest.json"])
    assert manifest["config"] == "default"
    assert manifest["params"] == json.loads(json.dumps(vars(PARAMS)))
    assert manifest["rows"] == {"train": 4620, "validation": 500, "test": 1280}
    assert list(manifest["files"]) == NAMES
    x, y = make_range(PARAMS, TEST_START, TEST_START + 1280)
    assert manifest["files"][NAMES[-1]]["arrow"] == {"x": digest(x), "label": digest(y)}


def test_files_are_small_indexed_and_written_by_row_groups(out, monkeypatch):
    monkeypatch.setattr(plan, "ROW_GROUP", 1000)
    job(out).run(quiet=True)
    metadata = pq.ParquetFile(out / "default" / NAMES[2]).metadata
    assert [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)] == [1000, 620]
    column = metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert "BYTE_STREAM_SPLIT" in column.encodings
    assert column.has_column_index and column.has_offset_index


def test_ranks_and_workers_write_the_same_bytes(whole, out):
    assert job(out).run(rank=2, world_size=3, quiet=True) == [NAMES[2]]
    assert job(out).run(rank=0, world_size=3, workers=2, quiet=True) == [NAMES[0], NAMES[3]]
    assert not (out / "default" / "manifest.json").exists()
    assert job(out).run(rank=1, world_size=3, quiet=True) == [NAMES[1], NAMES[4]]
    assert tree(out) == whole


def test_more_ranks_than_shards_are_idle_not_wrong(whole, out):
    for rank in reversed(range(7)):
        made = job(out).run(rank=rank, world_size=7, quiet=True)
        assert made == NAMES[rank : rank + 1]
    assert tree(out) == whole


@pytest.mark.parametrize("url", ["file://{}", "memory://{}"])
def test_any_file_system_gets_the_same_files(whole, out, url):
    there = job(url.format(out))
    there.run(quiet=True)
    folder = there.folder
    sizes = folder.sizes()
    assert sizes == {name.removeprefix("default/"): len(data) for name, data in whole.items()}
    for name in sizes:
        assert folder.fs.cat_file(f"{folder.root}/{name}") == whole[f"default/{name}"]
    folder.remove(NAMES[1])
    assert there.run(quiet=True) == [NAMES[1]]


def test_a_complete_folder_is_left_alone(whole, out):
    job(out).run(quiet=True)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert job(out).run(quiet=True) == []
    assert job(out).run(verify=True, quiet=True) == []
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def remove(path):
    path.unlink()


@pytest.mark.parametrize("harm", [flip, cut, remove])
def test_verify_makes_a_harmed_shard_again_and_no_other(whole, out, harm):
    job(out).run(quiet=True)
    harm(out / "default" / NAMES[1])
    kept = [path for path in out.rglob("*.parquet") if path.name != NAMES[1]]
    before = {path: path.stat().st_mtime_ns for path in kept}
    assert job(out).run(verify=True, quiet=True) == [NAMES[1]]
    assert tree(out) == whole
    assert {path: path.stat().st_mtime_ns for path in kept} == before


@pytest.mark.parametrize(
    ("harm", "file"),
    [
        (cut, ".shards/job.json"),
        (remove, ".shards/job.json"),
        (flip, f".shards/{NAMES[1][:-8]}.json"),
        (cut, f".shards/{NAMES[1][:-8]}.json"),
        (remove, f".shards/{NAMES[1][:-8]}.json"),
        (flip, "manifest.json"),
        (cut, "manifest.json"),
        (remove, "manifest.json"),
    ],
)
def test_harmed_records_are_mended(whole, out, harm, file):
    job(out).run(quiet=True)
    harm(out / "default" / file)
    job(out).run(verify=True, quiet=True)
    assert tree(out) == whole


# forks children that end at once, without any clean-up, as kill -9 would end them
KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import mnist1d_hf.shards.job as shard_job
from mnist1d_hf import SignalParams, make_range

params = SignalParams(stream="counter", num_samples=3000)
make_range(params, 0, 1)          # imports, and tables that children then share

def start(out, die_at=None):
    pid = os.fork()
    if pid:
        return pid
    calls = 0
    def count(event, args):
        nonlocal calls
        if event in ("open", "os.rename", "os.remove", "os.mkdir") and str(out) in str(args[0]):
            calls += 1
            if calls == die_at:
                os._exit(9)
    sys.addaudithook(count)
    job = shard_job.ShardJob("default", params, 2, str(out))
    job.run(quiet=True)
    os._exit(0)

def end(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

at = 0
while True:                       # killed once, at each operation on a file in turn
    at += 1
    out = Path("operation", str(at))
    if end(start(out, die_at=at)) == 0:
        break
    assert end(start(out)) == 0

begun = time.perf_counter()
end(start(Path("whole")))
duration = time.perf_counter() - begun
rng = random.Random(0)
kills = folders = 0
while kills < 10:                 # killed again and again, at random moments, until it is done
    folders += 1
    while True:
        pid = start(Path("moments", str(folders)))
        time.sleep(rng.uniform(0, duration))
        os.kill(pid, signal.SIGKILL)
        if end(pid) == 0:
            break
        kills += 1
print(at, kills)
"""


def test_killed_at_any_moment_it_continues_to_the_same_bytes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    operations, kills = map(int, done.stdout.split())
    assert operations > 20
    assert kills >= 10
    whole = tree(tmp_path / "whole")
    assert len(whole) == 6
    for folder in [*(tmp_path / "moments").iterdir(), *(tmp_path / "operation").iterdir()]:
        assert tree(folder) == whole, folder


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 500 kB, and the command that makes it larger."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield path, ["mount", "-o", "remount,size=5m", str(path)]
    subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_keeps_what_is_done_and_a_larger_one_is_enough(whole, small_disk):
    disk, enlarge = small_disk
    with pytest.raises(Stopped, match="No space left on device; .* the same command continues"):
        job(disk).run(quiet=True)
    assert NAMES[0] in {path.name for path in disk.rglob("*.parquet")}
    subprocess.run(enlarge, check=True)
    assert NAMES[0] not in job(disk).run(quiet=True)
    assert tree(disk) == whole


@pytest.mark.parametrize("call", range(1, 13))
def test_a_write_that_fails_anywhere_loses_nothing(whole, out, monkeypatch, call):
    """The disk is full at the rename of one of the files: claim, shards and records, manifest."""
    rename, calls = os.replace, []

    def full(*paths):
        calls.append(paths)
        if len(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(*paths)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(Stopped, match="No space left on device"):
            job(out).run(quiet=True)
    assert [path for path in out.rglob(".*.tmp")] == []
    job(out).run(quiet=True)
    assert tree(out) == whole


@dataclass(frozen=True)
class Mortal(ShardJob):
    """The process that makes shard 3 is killed, the first time."""

    def make(self, i, *rest):
        scar = f"{self.out}/scar"
        if i == 3 and not os.path.exists(scar):
            open(scar, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        super().make(i, *rest)


def test_a_killed_worker_is_told_of_and_the_same_command_continues(whole, out):
    mortal = Mortal("default", PARAMS, 5, str(out))
    with pytest.raises(Stopped, match="a worker process died, .* the same command continues"):
        mortal.run(workers=2, quiet=True)
    assert NAMES[3] in mortal.run(workers=2, quiet=True)
    (out / "scar").unlink()
    assert tree(out) == whole


def test_no_clock_matters(whole, out, monkeypatch):
    now = iter(range(10**9, 0, -3600))  # each look at it, it is an hour earlier
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    monkeypatch.setattr("tqdm.std.time", time.time)  # its own name for it
    job(out).run(rank=1, world_size=2)
    for path in out.rglob("*.parquet"):
        os.utime(path, (2**32, 2**32))  # written in the year 2106
    job(out).run()
    assert job(out).run(verify=True) == []
    assert tree(out) == whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"params": replace(PARAMS, seed=6)}, "holds shards of seed=5; choose another"),
        ({"num_shards": 6}, "holds shards of num_shards=5; choose another"),
    ],
)
def test_a_folder_of_other_shards_is_refused(whole, out, change, message):
    job(out).run(rank=0, world_size=5, quiet=True)
    before = tree(out)
    with pytest.raises(ValueError, match=message):
        job(out, **change).run(quiet=True)
    assert tree(out) == before


def test_a_generator_of_other_numbers_is_refused(out, monkeypatch):
    job(out).run(rank=0, world_size=5, quiet=True)
    monkeypatch.setattr(
        "mnist1d_hf.shards.job.make_range",
        lambda *args: tuple(values + 1 for values in make_range(*args)),
    )
    with pytest.raises(ValueError, match="another version of the generator, or from another kind"):
        job(out).run(quiet=True)


def test_shards_of_others_are_refused_without_their_claim(out):
    job(out, replace(PARAMS, seed=6)).run(rank=0, world_size=5, quiet=True)
    (out / "default/.shards/job.json").unlink()
    with pytest.raises(ValueError, match="holds shards made with other parameters"):
        job(out).run(quiet=True)


def test_a_file_that_is_no_shard_is_refused_among_shards(out):
    job(out).run(quiet=True)
    shutil.copy(out / "default" / NAMES[0], out / "default" / "copy.parquet")
    with pytest.raises(ValueError, match=r"holds copy\.parquet, which is none of its shards"):
        job(out).run(quiet=True)


@pytest.mark.parametrize("name", ["train.parquet", "manifest.json"])
def test_a_folder_of_other_data_is_refused(out, name):
    (out / "default").mkdir(parents=True)
    (out / "default" / name).write_text("{}")
    with pytest.raises(ValueError, match=f"holds other data .{name}"):
        job(out).run(quiet=True)
    assert os.listdir(out / "default") == [name]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 2, "world_size": 2}, "rank=2: must be an integer from 0 to 1"),
        ({"rank": -1}, "rank=-1"),
        ({"world_size": 0}, "world_size=0"),
        ({"workers": 0}, "workers=0"),
    ],
)
def test_impossible_ranks_are_refused_before_anything_is_written(out, settings, message):
    with pytest.raises(ValueError, match=message):
        job(out).run(**settings)
    assert not out.exists()


def test_memory_is_not_shared_by_processes():
    with pytest.raises(ValueError, match="workers=2: memory://x is memory of one process"):
        job("memory://x").run(workers=2)


@pytest.mark.parametrize("name", ["templates", "nope"])
def test_only_configs_with_parameters_have_shards(out, name):
    with pytest.raises(
        ValueError, match="must be one of default, shuffled, high-translation, noisy"
    ):
        job(out, config_name=name)
