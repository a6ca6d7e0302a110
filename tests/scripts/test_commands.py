"""Every command that is written down can be typed: its options exist, and it was run or is long."""

import ast
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mnist1d_hf import entrances

ROOT = Path(__file__).parents[2]
COMMAND = re.compile(
    r"^\s*((?:python (?:-m |scripts/)|mnist1d-hf \w|torchrun |accelerate launch |pip ).*)$", re.M
)
# which test runs a program, small; its options are checked below
RUN = {
    "scripts/train.py": "test_train::test_it_trains_what_was_asked_for",
    "torchrun scripts/train.py": "test_train::test_two_processes_compute_what_one_does",
    "accelerate scripts/train.py": "test_train::test_two_processes_compute_what_one_does",
    "scripts/train_baselines.py": "test_train_baselines::test_trains_what_is_missing_and_goes_on_"
    "where_it_was_interrupted",
    "scripts/publish.py": "test_publish::test_on_a_hub_of_its_own",
    "scripts/publish_shards.py": "test_shard_repo::test_the_command",
    "scripts/quickstart.py": "test_commands::test_the_quickstart_runs",
    "scripts/make_card.py": "test_dataset_card::test_made_again_it_is_the_same",
    "scripts/reproduce.py": "test_reproduction::test_a_study_runs_and_is_reported",
    "scripts/make_golden.py": "test_make_golden::test_it_writes_what_is_committed",
    "scripts/repeat.py": "test_repeat::test_a_cell_is_run_again_and_compared",
    "scripts/sources.py": "test_sources::test_each_cell_is_counted_with_the_newest_commit_of_its"
    "_sources",
    "scripts/submit.py": "test_submit::test_an_entry_is_run_recorded_and_run_again",
    "scripts/examples/jax_arrays.py": "test_examples::test_jax_arrays_need_no_torch",
    "scripts/examples/kfold.py": "test_examples::test_kfold",
    "scripts/examples/numpy_mlp.py": "test_examples::test_numpy_mlp",
    "scripts/examples/plain_pytorch.py": "test_examples::test_plain_pytorch",
    "scripts/examples/sklearn_baselines.py": "test_examples::test_sklearn_baselines_give_the_"
    "published_numbers",
    "mnist1d-hf generate": "test_cli::test_generate_passes_every_parameter_on",
    "mnist1d-hf shards": "test_cli::test_shards_are_those_of_the_counter_stream_whatever_machine_"
    "makes_them",
    "mnist1d-hf study": "test_cli::test_a_study_takes_its_own_options",
    "mnist1d-hf prepare": "test_cli::test_prepared_data_loads_without_importing_the_package",
    "mnist1d-hf show": "test_cli::test_show_writes_the_picture_that_was_asked_for",
    "mnist1d-hf explore": "test_space::test_the_explore_command_starts_the_app",
    "mnist1d-hf quiz": "test_space::test_the_quiz_command_refuses_what_is_no_quiz_and_stops_when_"
    "input_ends",
    "mnist1d-hf hub": "test_localhub_lasting::test_serve_tells_how_to_use_it",
}
# minutes or hours, as is said where the command stands
LONG = ("scripts/bench.py", "scripts/conformance.py", "scripts/trainer_conformance.py", "pip")


def documented():
    """(file, command) of every line that is a command, in the README and in docstrings."""
    found = []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    texts = [(Path("README.md"), block) for block in re.findall(r"```bash\n(.*?)```", readme, re.S)]
    for folder in ("scripts", "mnist1d_hf"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Module | ast.FunctionDef)]
            texts += [(path.relative_to(ROOT), ast.get_docstring(n) or "") for n in nodes]
    for path, text in texts:
        lines = re.sub(r"\\\n\s*", "", text)
        found += [(str(path), match.strip()) for match in COMMAND.findall(lines)]
    return found


def words(line):
    return shlex.split(re.sub(r"\s# .*", "", line))


def program(line):
    """What is started: scripts/train.py, mnist1d-hf show, studies.tsne; with its launcher."""
    first, *rest = words(line)
    if first == "pip":
        return first
    if first == "mnist1d-hf":
        return f"{first} {rest[0]}"
    if rest[0] == "-m":
        return rest[1].removeprefix("mnist1d_hf.")
    script = next(word for word in rest if word.startswith("scripts/"))
    return script if first == "python" else f"{first} {script}"


COMMANDS = documented()


@pytest.fixture
def scripts(monkeypatch):
    """The scripts can be imported; the variables that some of them set are gone afterwards."""
    before = dict(os.environ)
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("file, line", COMMANDS, ids=[line[:70] for _, line in COMMANDS])
def test_its_options_exist(file, line, scripts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = program(line).split()[-1]
    given = [re.sub(r"\$\w+", "1", word) for word in words(line)]
    if started.startswith("scripts/"):
        arguments = given[given.index(started) + 1 :]
        assert (ROOT / started).is_file()
        if started.startswith("scripts/examples/"):
            assert not arguments
            return
        module = importlib.import_module(Path(started).stem)
        if hasattr(module, "parse"):  # transformers' parser
            (tmp_path / "run.yaml").write_text("{}")
            module.parse(arguments)
            return
        app = getattr(module, "app", None) or typer.Typer()
        if not hasattr(module, "app"):
            app.command()(module.main)
    elif started.startswith("studies."):
        app, arguments = importlib.import_module(f"mnist1d_hf.{started}").main.app, given[3:]
    elif given[0] == "mnist1d-hf":
        app, arguments = importlib.import_module("mnist1d_hf.cli").app, given[1:]
    else:
        return
    command = typer.main.get_command(app)
    if subcommands := getattr(command, "commands", None):
        command, arguments = subcommands[arguments[0]], arguments[1:]
    command.make_context(started, arguments)  # exits when an argument is missing or unknown


def test_every_program_is_run_by_a_test_or_said_to_be_long():
    started = {program(line) for _, line in COMMANDS}
    studies = {name for name in started if name.startswith("studies.")}
    missing = started - RUN.keys() - set(LONG) - studies
    assert missing == set(), "name the test that runs it in RUN, or call it long"
    assert RUN.keys() | set(LONG) <= started, "no longer written down anywhere"
    for _, line in COMMANDS:
        if program(line) in LONG and program(line) != "pip":
            assert re.search(r"# .*(minute|hour|long)", line), f"say how long it takes: {line}"
    for name in studies:  # at the paper's scale they are long, as REPRODUCTION.md says
        test = ROOT / "tests" / "studies" / f"test_{name.removeprefix('studies.')}.py"
        assert 'at("smoke")' in test.read_text() or "'smoke'" in test.read_text(), test


def test_the_tests_that_are_named_exist():
    for name in RUN.values():
        file, test = name.split("::")
        (path,) = (ROOT / "tests").rglob(f"{file}.py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert test in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}, name


PROGRAMS = [path.stem for path in sorted((ROOT / "scripts").glob("*.py"))]


@pytest.mark.parametrize("name", [n for n in PROGRAMS if n != "train"])
def test_the_help_of_a_script_is_its_docstring_and_its_examples_can_be_copied(
    name, scripts, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    module = importlib.import_module(name)
    app = getattr(module, "app", None) or entrances.program(module.main, module.__doc__)
    done = CliRunner().invoke(app, ["--help"])
    shown = {line.strip() for line in done.output.splitlines()}
    written = module.__doc__.splitlines()
    examples = [line.strip() for line in written if line.startswith("    ")]
    assert examples and set(examples) <= shown
    first = written[0].split()[:6]
    assert " ".join(first) in done.output


@pytest.mark.slow
def test_the_quickstart_runs(tmp_path, cache):
    command = [sys.executable, "scripts/quickstart.py", "--steps", "20", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "bit for bit" in done.stdout and "the same bits" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    for config in ("default", "shuffled"):
        assert results[config]["reloaded"] == pytest.approx(results[config]["test accuracy"])
    assert (tmp_path / "models" / "cnn" / "model.safetensors").exists()
