"""Engines: the same bytes from each of them, what they are given, and what they refuse."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from test_shards_job import tree

from mnist1d_hf import SignalParams
from mnist1d_hf.shards.engines import Engine
from mnist1d_hf.shards.executors import describe
from mnist1d_hf.shards.folder import Folder
from mnist1d_hf.shards.job import ShardJob
from mnist1d_hf.shards.ranks import ShardRanks

PARAMS = SignalParams(stream="counter", num_samples=6000, seed=5)


def shards(out, num_shards=4, **more):
    return ShardRanks(ShardJob("default", PARAMS, num_shards, str(out)), **more)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What one process writes."""
    out = tmp_path_factory.mktemp("whole")
    shards(out).job.run(quiet=True)
    return tree(out / "default")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_local_ranks_write_the_same_bytes_and_make_again_what_is_gone(whole, out):
    work = shards(out)
    Engine(name="local").run(work, 2)
    assert tree(out / "default") == whole
    kept, *gone = sorted((out / "default").glob("*.parquet"))
    before = kept.stat().st_mtime_ns
    for path in gone:
        path.unlink()
    Engine(name="local").run(work, 2)  # though all ranks are marked as completed
    assert kept.stat().st_mtime_ns == before
    assert tree(out / "default") == whole


def test_logs_are_not_shared_by_other_work(out):
    engine = Engine(name="local", logs=str(out / "logs"))
    other = ShardRanks(ShardJob("default", PARAMS, 5, str(out / "five")))
    logs = [engine.logs_of(*work) for work in ((shards(out), 2), (shards(out), 3), (other, 2))]
    assert len(set(logs)) == 3
    assert {Path(path).parent for path in logs} == {out / "logs"}


# What Slurm does: check the script and, in the partition "run", run the tasks of its array.
SBATCH = r"""#!{python}
import os, re, subprocess, sys
script = open(sys.argv[-1]).read()
subprocess.run(["bash", "-n", sys.argv[-1]], check=True)
lines = re.findall("^#SBATCH --(.*)$", script, flags=re.M)
given = dict(line.partition("=")[::2] for line in lines)
assert re.fullmatch(r"\d+:\d\d:\d\d", given["time"]), given
assert {{"partition", "array", "cpus-per-task", "mem-per-cpu", "output"}} <= given.keys()
with open({log!r}, "a") as log:
    print(sys.argv[1:-1], given["job-name"], given["array"], given.get("dependency"), file=log)
if given["partition"] == "nope":
    sys.exit("sbatch: error: invalid partition specified: nope")
if "test-only" in given:
    sys.exit(print("sbatch: Job 1 to start at 2030-01-01", file=sys.stderr))
if given["partition"] == "run":
    for task in range(int(re.match(r"0-(\d+)", given["array"])[1]) + 1):
        env = {{"SLURM_ARRAY_TASK_ID": str(task), "SLURM_NODELIST": "localhost", "RUN_OFFSET": "0"}}
        subprocess.run(["bash", sys.argv[-1]], env=os.environ | env, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
print("Submitted batch job 7")
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Stand-ins for sbatch, srun and scontrol on PATH; returns what sbatch was given."""
    log = tmp_path / "sbatch.log"
    commands = {
        "sbatch": SBATCH.format(python=sys.executable, log=str(log)),
        "srun": '#!/bin/bash\nshift 3  # -l -n 1\nexec "$@"\n',
        "scontrol": "#!/bin/bash\necho localhost\n",
    }
    for name, text in commands.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        path = tmp_path / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return lambda: log.read_text().splitlines()


def test_a_slurm_array_writes_the_same_bytes(whole, out, slurm):
    options = {"partition": "run", "time": "00:10:00", "tasks_per_job": 2}
    executor = Engine(name="slurm", options=options, workers=3).run(shards(out), 4)
    assert executor.job_id == "7"
    assert tree(out / "default") == whole
    assert len(list((out / ".logs").glob("*/completions/*"))) == 4
    array, merge = slurm()
    assert array == "['--export=ALL,RUN_OFFSET=0'] mnist1d-shards 0-1%3 None"
    assert merge == "[] mnist1d-shards 0-0%3 afterok:7"
    Engine(name="slurm", options=options).run(shards(out), 4)
    assert len(slurm()) == 2  # nothing is left to be taken
    (out / "default" / "test-00000-of-00001.parquet").unlink()
    options["partition"] = "wait"
    Engine(name="slurm", options=options).run(shards(out), 4)
    assert slurm()[2] == "['--export=ALL,RUN_OFFSET=0'] mnist1d-shards 0-0 None"


def test_a_slurm_rehearsal_has_sbatch_check_the_script_and_submits_nothing(out, slurm):
    options = {"partition": "run", "time": "00:10:00"}
    Engine(name="slurm", options=options, dry_run=True).run(shards(out), 4)
    assert len(slurm()) == 1
    assert not list((out / "default").glob("*.parquet"))
    (script,) = out.glob(".logs/*/launch_script.slurm")
    text = script.read_text()
    assert "#SBATCH --test-only\n" in text
    assert "#SBATCH --array=0-3\n" in text
    assert f"source {sys.prefix}/bin/activate\n" in text
    assert "launch_pickled_pipeline" in text
    options["partition"] = "nope"
    with pytest.raises(ValueError, match="sbatch refused .*launch_script.slurm"):
        Engine(name="slurm", options=options, dry_run=True).run(shards(out), 4)


def test_without_slurm_it_is_said(out, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    engine = Engine(name="slurm", options={"partition": "cpu", "time": "00:10:00"})
    with pytest.raises(ValueError, match="no sbatch on this machine"):
        engine.run(shards(out), 4)


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_jobs_are_given_the_ranks_and_reach_the_folder(whole, hub, monkeypatch):
    given = []

    def run_uv_job(script, *, script_args, env, secrets, **more):
        """What Jobs does: the script, with its arguments and variables, on a machine of its own."""
        given.append((script_args, more))
        done = subprocess.run(
            [sys.executable, script, *script_args], env=os.environ | env | secrets
        )
        stage = "ERROR" if done.returncode else "COMPLETED"
        return SimpleNamespace(id=stage, url="", status=SimpleNamespace(stage=stage))

    def inspect_job(job_id, **_):
        return SimpleNamespace(status=SimpleNamespace(stage=job_id))

    monkeypatch.setattr(huggingface_hub, "run_uv_job", run_uv_job)
    monkeypatch.setattr(huggingface_hub, "inspect_job", inspect_job)
    huggingface_hub.create_repo("alice/big", repo_type="dataset")
    needed = ["mnist1d-hf[distributed] @ git+https://example.org/mnist1d-hf"]
    options = {"dependencies": needed, "poll_interval": 0, "tasks_per_job": 2, "timeout": "1h"}
    work = shards("hf://datasets/alice/big")
    executor = Engine(name="jobs", options=options).run(work, 2)
    folder = Folder("hf://datasets/alice/big/default")
    assert {name: folder.fs.cat_file(folder._path(name)) for name in folder.sizes()} == whole
    [([path], more)] = given
    assert path.endswith(f"{work.key}-2/executor.pik")
    assert more["dependencies"] == needed
    assert more["timeout"] == "1h"
    assert more["flavor"] == "cpu-basic"
    assert "hf_alice" not in describe(executor)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("spark", {}, "engine 'spark': must be one of local, slurm, ray, jobs"),
        ("local", {"partition": "cpu"}, "local has no option 'partition': it has randomize"),
        ("slurm", {"partition": "cpu"}, r"slurm needs the option time \(limit of a rank"),
        ("jobs", {}, r"jobs needs the option dependencies \(pip requirements with this package"),
        ("ray", {"time": 5}, "ray has no option 'time': it has cpus_per_task"),
    ],
)
def test_settings_without_sense_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        Engine(name=name, options=options)


def test_folders_out_of_reach_and_impossible_numbers_are_refused(out):
    jobs = Engine(name="jobs", options={"dependencies": []})
    with pytest.raises(ValueError, match="out of reach of jobs; give an address"):
        jobs.run(shards(out), 2)
    with pytest.raises(ValueError, match="out of reach of local; give a folder"):
        Engine(name="local").run(shards("memory://x"), 2)
    with pytest.raises(ValueError, match="world_size=0"):
        Engine(name="local").run(shards(out), 0)
    with pytest.raises(ValueError, match="workers=0"):
        Engine(name="local", workers=0)
    Engine(name="local", dry_run=True).run(shards(out), 2)
    assert not out.exists()


def test_a_folder_of_other_work_is_refused_before_anything_runs(out):
    shards(out).job.claim()
    with pytest.raises(ValueError, match="holds shards of num_shards=4"):
        Engine(name="local").run(shards(out, num_shards=5), 2)
    assert not list(out.glob(".logs/*"))
