"""What is said, and where, when a module of an extra is not installed."""

import os
import subprocess
import sys
import tomllib

import pytest

from mnist1d_hf import extras
from mnist1d_hf.extras import EXTRAS, advice, require


def test_modules_of_extras_are_of_extras_that_exist(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS.values()) <= project["optional-dependencies"].keys()


def test_what_is_missing_is_named_with_its_extra():
    require("train", "json", "sys")
    with pytest.raises(ModuleNotFoundError) as error:
        require("train", "json", "no_torch", "no_jax")
    assert str(error.value) == (
        "needs no_torch, no_jax: run pip install '.[train]' in the checkout"
    )
    assert error.value.name == "no_torch"
    assert advice(ModuleNotFoundError(name="ray.data")).endswith("'.[ray]' in the checkout")
    assert advice(ModuleNotFoundError(name="nowhere")) is None


def test_where_there_is_no_checkout_the_wheel_is_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "ROOT", tmp_path)
    told = advice(ModuleNotFoundError(name="torch"))
    assert told.startswith("needs torch: run pip install 'WHEEL[train]'") and "checkout" not in told


@pytest.fixture
def without(tmp_path, root):
    """Run Python as if modules were not installed."""

    def run(modules, *arguments):
        hide = f"import sys\nfor name in {modules!r}:\n    sys.modules[name] = None\n"
        guard = (root / "tests" / "guard" / "sitecustomize.py").read_text()
        (tmp_path / "sitecustomize.py").write_text(f"{guard}\n{hide}")
        path = os.pathsep.join([str(tmp_path), str(root), os.environ["PYTHONPATH"]])
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            cwd=tmp_path,
        )

    return run


@pytest.mark.parametrize(
    "part, module, extra",
    [
        ("training.trainer", "torch", "train"),
        ("models", "transformers", "train"),
        ("figures.style", "matplotlib", "studies"),
        ("studies.tsne", "torch", "studies"),
    ],
)
def test_a_part_of_the_package_names_its_extra(without, part, module, extra):
    done = without([module], "-c", f"import mnist1d_hf.{part}")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ModuleNotFoundError: needs {module}") and f"'.[{extra}]'" in last


def test_tensors_name_the_extra_that_has_torch(without):
    done = without(
        ["torch"],
        "-c",
        "import numpy, mnist1d_hf.data.tensors as t; t.as_tensors(numpy.eye(2), numpy.arange(2))",
    )
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: needs torch") and "'.[train]'" in last


@pytest.mark.parametrize(
    "module, extra, arguments",
    [
        ("torch", "studies", ["-m", "mnist1d_hf.studies.tsne"]),
        ("matplotlib", "studies", ["-m", "mnist1d_hf", "study", "tsne"]),
        ("matplotlib", "studies", ["-m", "mnist1d_hf", "show"]),
        ("gradio", "space", ["-m", "mnist1d_hf", "explore"]),
        ("plotille", "quiz", ["-m", "mnist1d_hf", "quiz"]),
        ("torch", "train", ["train.py"]),
        ("torch", "studies", ["reproduce.py", "--report-only"]),
        ("torch", "studies", ["quickstart.py"]),
        ("torch", "train", ["train_baselines.py"]),
        ("psutil", "leaderboard", ["make_card.py"]),
        ("psutil", "leaderboard", ["submit.py"]),
    ],
)
def test_every_program_says_in_one_line_what_to_install(without, root, module, extra, arguments):
    program, *options = arguments
    given = [str(root / "scripts" / program), *options] if program != "-m" else arguments
    done = without([module], *given)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error: needs {module}") and done.stderr.count("\n") == 1
    assert f"'.[{extra}]'" in done.stderr and done.stdout == ""
