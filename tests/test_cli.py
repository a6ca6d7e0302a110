"""The command line: what each command writes and prints, and how it refuses bad input."""

import inspect
import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

import mnist1d_hf
from mnist1d_hf.cli import app
from mnist1d_hf.signals.params import SignalParams

OPTIONS = [f"--{name.replace('_', '-')}" for name in vars(SignalParams())]


@pytest.fixture
def run(monkeypatch, tmp_path, cache):
    """Run a command in an empty folder; returns its exit code and all it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("mnist1d_hf.entrances.console.width", 200, raising=False)

    def invoke(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.output

    return invoke


def test_version(run):
    assert run("--version") == (0, f"mnist1d-hf {mnist1d_hf.__version__}\n")


@pytest.mark.parametrize("command", ["generate", "shards", "prepare", "show"])
def test_help_lists_every_parameter_and_examples(run, command):
    code, text = run(command, "--help")
    assert code == 0
    assert "Examples" in text
    assert [option for option in OPTIONS if option not in text] == []


def test_generate_passes_every_parameter_on(run, tmp_path):
    code, text = run(
        *("generate", "shuffled", "--out", "data", "--num-samples", "100", "--seed", "9"),
        *("--padding", "10", "20", "--max-translation", "5", "--no-shuffle-seq"),
    )
    assert code == 0
    assert "data/train.parquet" in text
    params = json.loads((tmp_path / "data" / "manifest.json").read_text())["params"]
    expected = SignalParams(num_samples=100, seed=9, padding=(10, 20), max_translation=5)
    assert params == {**vars(expected), "padding": [10, 20]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["generate", "defualt", "--out", "data"],
            "high-translation, noisy, templates; did you mean 'default'?",
        ),
        (["generate", "default", "--out", "data", "--seed", "-1"], "seed=-1: must be an integer"),
        (["generate", "default", "--out", "data", "--format", "hdf5"], "parquet, npz, csv"),
        (["generate", "default", "--out", "/proc/data"], "choose another"),
        (["generate", "templates", "--out", "data", "--seed", "1"], "takes no parameters"),
        (["generate", "default", "--out", "data", "--seed", "1.5"], "Invalid value for '--seed'"),
        (["shards", "templates", "--out", "data"], "must be one of default, shuffled"),
        (
            ["shards", "default", "--out", "data", "--stream", "frozen"],
            "only with stream='counter'",
        ),
        (
            ["shards", "default", "--out", "data", "--rank", "1"],
            "rank=1: must be an integer from 0",
        ),
        (["shards", "default", "--out", "data", "--num-shards", "5001"], "at most one a row"),
        (["shards", "default", "--out", "data", "--workers", "0"], "workers=0"),
        (["shards", "default", "--out", "nope://data"], "Protocol not known: nope"),
        (["shards", "default", "--out", "/proc/data"], "choose another"),
        (["shards", "default", "--out", "data", "--engine", "spark"], "local, slurm, ray, jobs"),
        (
            ["shards", "default", "--out", "data", "--engine", "local", "--rank", "1"],
            "give --ranks",
        ),
        (["shards", "default", "--out", "data", "--dry-run"], "--dry-run is for an engine"),
        (["shards", "default", "--out", "data", "--ranks", "0"], "--ranks is for an engine"),
        (
            ["shards", "default", "--out", "data", "--engine", "local", "--ranks", "0"],
            "ranks=0: must be an integer",
        ),
        (["study", "poling"], "must be one of activation_transfer, "),
        (["study", "poling"], "; did you mean 'pooling'?"),
        (["show", "nope"], "must be one of default, shuffled, high-translation, noisy"),
        (["generat", "default"], "Did you mean 'generate'?"),
        (["generate", "default", "--ou", "data"], "--out"),
        (["generate", "default", "--out", "data", "--num-samples", "1e30"], "num_samples=1000"),
        (["generate", "default", "--out", "data", "--num-samples", "1e999999999"], "too large"),
        (
            ["generate", "default", "--out", "data", "--num-samples", "1e17"],
            "from 10 to 2147483648",
        ),
        (["generate", "default", "--out", "data", "--shear-scale", "nan"], "shear_scale=nan"),
        (["generate", "default", "--out", "data", "--shear-scale", "1e400"], "shear_scale=inf"),
        (["generate", "default", "--out", "~nobody-here/x"], "there is no such user"),
        (["shards", "default", "--out", "~nobody-here/x"], "there is no such user"),
        (["prepare", "default", "--num-samples", "1e17"], "to 2147483648"),
        (["generate", "default", "--out", "data", "--num-samples", "55"], "such as 50"),
        (["show", "--out", "/proc/x/y"], "/proc/x: No such file or directory"),
        (["show", "templates", "--picture", "film"], "has no picture 'film'"),
        (["show", "templates", "--seed", "7"], "takes no parameters, but got seed"),
        (["show", "--out", "x.jpg"], "x.jpg: picture 'examples' can be written as .png or .svg"),
        (["show", "--picture", "film", "--out", "x.png"], "x.png: picture 'film' can be written"),
        (["show", "--out", "."], "is a folder; name a file in it, as examples.png"),
        (["show", "--train-split", "0"], "no training rows to draw: raise train_split"),
        (["study", "pooling", "--out", "/proc/x"], "choose another"),
        (["hub", "--port", "-1"], "greater than or equal to 0"),
        (["hub", "--dir", "/proc/x"], "/proc/x"),
        (["explore", "--port", "99999"], "less than or equal to 65535"),
        (["explore", "--models", "/nonexistent"], "there is no such folder"),
        (["prepare", "default", "--padding", "9,3"], "0 <= least <= greatest"),
        (["prepare", "default", "--padding", "9", "3"], "0 <= least <= greatest"),
    ],
)
def test_bad_input_is_refused_with_the_rule(run, tmp_path, arguments, message):
    code, text = run(*arguments)
    assert code == 2
    assert message in text
    assert "Traceback" not in text
    assert {path.name for path in tmp_path.iterdir()} <= {"datasets_cache"}


@pytest.mark.parametrize("form", [["--padding", "10", "20"], ["--padding", "10,20"]])
@pytest.mark.parametrize("joined", [False, True])
def test_padding_may_be_written_in_every_way(run, tmp_path, form, joined):
    form = [f"{form[0]}={form[1]}", *form[2:]] if joined else form
    options = ["--num-samples", "100", "--max-translation", "5", "--out", "data"]
    assert run("generate", "default", *form, *options)[0] == 0
    params = json.loads((tmp_path / "data" / "manifest.json").read_text())["params"]
    assert params["padding"] == [10, 20]


def test_templates_are_a_config_everywhere(run, tmp_path):
    assert run("show", "templates", "--out", "ten")[0] == 0
    assert run("show", "--picture", "templates", "--out", "same")[0] == 0
    assert (tmp_path / "ten.png").read_bytes() == (tmp_path / "same.png").read_bytes()
    assert run("generate", "templates", "--out", "data")[0] == 0


@pytest.mark.parametrize("command", ["generate default --num-samples 20", "show"])
def test_a_tilde_is_the_home_folder(run, tmp_path, monkeypatch, command):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert run(*command.split(), "--out=~/x")[0] == 0
    assert list((tmp_path / "home").glob("x*"))
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    "command, words",
    [
        ("generate default --out data", "the same command starts from the first row"),
        ("shards default --out data", "the same command continues"),
        ("prepare default", "the same command makes the others"),
        ("quiz", "nothing is saved"),
    ],
)
def test_ctrl_c_says_what_became_of_the_work(run, monkeypatch, command, words):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    for work in (
        "mnist1d_hf.data.export.export_dataset",
        "mnist1d_hf.shards.job.ShardJob.run",
        "mnist1d_hf.data.mnist1d.Mnist1D.download_and_prepare",
        "mnist1d_hf.space.terminal.take_quiz",
    ):
        monkeypatch.setattr(work, interrupt)
    code, text = run(*command.split())
    assert code == 130
    assert text.count("\n") == 1 and words in text


def test_the_package_is_a_program_too(tmp_path):
    command = [sys.executable, "-m", "mnist1d_hf", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == f"mnist1d-hf {mnist1d_hf.__version__}\n", done.stderr


COMMANDS = typer.main.get_command(app).commands


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_the_terminal_and_its_examples_can_be_copied(run, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    code, text = run(name, "--help")
    shown = [line.rstrip() for line in text.splitlines()]
    assert code == 0 and max(map(len, shown)) <= 80
    written = inspect.cleandoc(COMMANDS[name].callback.__wrapped__.__doc__ or "").splitlines()
    examples = [line.strip() for line in written if line.startswith("  ")]
    assert set(examples) <= {line.strip() for line in shown}
    # a paragraph is broken where the terminal ends, and nowhere else
    prose = [s.strip() for s in shown[3 : shown.index("") if "" in shown[3:] else None]]
    assert all(len(line) > 50 for line in prose[:-2])


def test_the_help_of_study_lists_the_studies(run):
    from mnist1d_hf.options import study_names

    text = " ".join(run("study", "--help")[1].replace("│", " ").split())
    assert ", ".join(study_names()) in text and "tsne" in study_names()


def test_shards_are_those_of_the_counter_stream_whatever_machine_makes_them(run, tmp_path):
    command = ["shards", "shuffled", "--num-samples", "1e4", "--num-shards", "4", "--out", "data"]
    code, text = run(*command, "--rank", "1", "--world-size", "2")
    assert code == 0
    assert "made train-00001-of-00003.parquet" in text
    assert "not all shards are there yet" in text
    code, text = run(*command, "--verify")
    assert "all 4 shards" in text
    manifest = json.loads((tmp_path / "data" / "shuffled" / "manifest.json").read_text())
    assert manifest["rows"] == {"train": 8000, "test": 2000}
    assert manifest["params"]["stream"] == "counter"
    code, text = run(*command, "--seed", "7")
    assert (code, "holds shards of seed=42; choose another" in text) == (2, True)


def test_an_engine_shows_what_it_would_run(run, tmp_path):
    out = tmp_path / "data"
    code, text = run(*f"shards default --out {out} --engine ray --ranks 3 --dry-run".split())
    assert code == 0
    # what datatrove logs may stand around it
    settings, _ = json.JSONDecoder().raw_decode(text[text.index('{\n "pipeline"') :])
    assert settings["tasks"] == 3
    assert settings["pipeline"][0]["work"]["job"]["params"]["stream"] == "counter"
    assert not out.exists()


def test_a_study_takes_its_own_options(run, tmp_path):
    code, text = run("study", "pooling", "--", "--help")
    assert code == 0
    assert "--learning-rate" in text
    code, text = run("study", "pooling", "--seeds", "0", "--out", "there")
    assert (code, text) == (2, "error: seeds=0: must be at least 1\n")
    few = "--losses mse --classes 2 --train-sizes 100 --hidden-sizes 2 --hidden-sizes 5 --steps 20"
    code, text = run("study", "interpolation", *few.split(), "--out", "there")
    assert code == 0
    result = json.loads((tmp_path / "there/results/interpolation.json").read_text())
    assert [len(curve["parameters"]) for curve in result["curves"]] == [2]
    assert (tmp_path / "there/figures/interpolation.png").exists()


def test_show_writes_the_picture_that_was_asked_for(run, tmp_path):
    assert run("show", "--num-samples", "100", "--out", "some.svg")[0] == 0
    assert (tmp_path / "some.svg").read_text().startswith("<?xml")


def test_info_names_the_presets_and_what_is_prepared(run):
    assert run("prepare", "shuffled")[0] == 0
    code, text = run("info")
    assert code == 0
    prepared = {
        line.split("│")[1].strip(): line.split("│")[-2].strip()
        for line in text.splitlines()
        if line.startswith("│")
    }
    others = ("default", "high-translation", "noisy", "templates")
    assert prepared == {"shuffled": "yes", **dict.fromkeys(others, "no")}


def test_verify_reports_each_identity_and_fails_when_one_is_broken(run, monkeypatch):
    from mnist1d_hf.data import identity

    monkeypatch.setattr(identity, "CONFIGS", {"default": SignalParams()})
    monkeypatch.setattr(identity.importlib.util, "find_spec", lambda name: None)
    code, text = run("verify")
    assert code == 0
    assert "identity 1 (float32): holds" in text
    assert "identity 2 (float64): not checked" in text
    monkeypatch.setitem(identity.DIGESTS["default"], "t", "0" * 64)
    code, text = run("verify")
    assert code == 1
    assert "identity 1 (float32): does not hold" in text


def test_prepared_data_loads_without_importing_the_package(run, cache, tmp_path):
    assert run("prepare", "default", "shuffled")[0] == 0
    assert run("prepare", "default", "--seed", "7", "--num-samples", "100")[0] == 0
    code = """
import sys, datasets
data = datasets.load_dataset("mnist1d", "shuffled")
print(data["train"].num_rows, round(data["train"][0]["x"][0], 4))
print(datasets.load_dataset("mnist1d", "default", seed=7, num_samples=100)["test"].num_rows)
print("mnist1d_hf" in sys.modules)
"""
    plain = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    first = mnist1d_hf.make_mnist1d(SignalParams(shuffle_seq=True)).x_train[0, 0]
    assert plain.stdout.splitlines() == [f"4000 {first:.4f}", "20", "False"], plain.stderr


@pytest.mark.parametrize("options", [["--latents"], ["--posterior"], ["--latents", "--posterior"]])
def test_columns_are_options_of_all_that_make_data(run, tmp_path, options):
    names = ["padding", "shift", "scale", "slope"] * ("--latents" in options)
    names += ["posterior"] * ("--posterior" in options)
    rows = ["--num-samples", "100", *options]
    assert run("generate", "noisy", "--out", "data", *rows)[0] == 0
    assert run("shards", "noisy", "--out", "shards", "--num-shards", "2", *rows)[0] == 0
    assert run("prepare", "noisy", *rows)[0] == 0
    prepared = mnist1d_hf.load_dataset("noisy", num_samples=100, **{o[2:]: True for o in options})
    for columns in (
        pq.read_table(tmp_path / "data" / "test.parquet").column_names,
        pq.read_table(tmp_path / "shards/noisy/test-00000-of-00001.parquet").column_names,
        prepared["test"].column_names,
    ):
        assert columns == ["x", "label", *names]


def test_a_study_shows_its_own_help(run):
    code, text, *_ = run("study", "tsne", "--help")
    assert code == 0 and "--scale" in text and "--neighbours" in text
    for arguments in (["study"], ["study", "--help"]):
        code, text, *_ = run(*arguments)
        assert code == 0 and "NAME" in text and "--neighbours" not in text


def test_shards_show_the_stream_they_take(run):
    assert "[counter]" in run("shards", "--help")[1] and "[frozen]" in run("generate", "--help")[1]
