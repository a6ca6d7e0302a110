"""The quickstart notebook runs from top to bottom, and what it shows is committed.

Run it anew, and keep its outputs: python tests/scripts/test_notebook.py
"""

import os
import re
import shlex
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from mnist1d_hf.models import new_model

PATH = Path(__file__).parents[2] / "scripts" / "examples" / "quickstart.ipynb"


def executed(folder):
    """The notebook with the outputs of a run in `folder`."""
    notebook = nbformat.read(PATH, as_version=4)
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=None, resources=where, record_timing=False)
    # tqdm complains where ipywidgets is not installed; every notebook service has it
    return client.execute(env={**os.environ, "PYTHONWARNINGS": "ignore:IProgress"})


def shown(notebook):
    """The code cells that show something: their source, and the kinds of their outputs."""
    return [
        (cell.source, sorted(kind for output in cell.outputs for kind in output.get("data", ())))
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.outputs
    ]


@pytest.fixture(scope="module")
def committed():
    return nbformat.read(PATH, as_version=4)


def test_its_outputs_are_committed_and_small(committed):
    nbformat.validate(committed)
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    pictures = [kind for _, kinds in shown(committed) for kind in kinds if kind == "image/png"]
    assert len(pictures) == 6 and PATH.stat().st_size < 450_000
    outputs = [output for cell in code for output in cell.outputs]
    assert not any(output.get("name") == "stderr" for output in outputs)
    assert not re.search(r"/(work|home|root|tmp)/", str(outputs))


def test_the_first_cell_installs_and_only_where_it_must(committed):
    first = next(cell for cell in committed.cells if cell.cell_type == "code")
    assert "%pip install" in first.source and first.source.startswith("import importlib")
    assert not first.outputs  # nothing was installed where it ran


def test_the_first_cell_installs_this_checkout(committed, monkeypatch):
    first = next(cell for cell in committed.cells if cell.cell_type == "code")
    monkeypatch.chdir(PATH.parent)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # of a shell; IPython would warn of another
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shell, installed = InteractiveShell(), []
    shell.register_magic_function(installed.append, magic_name="pip")
    shell.run_cell(first.source).raise_error()
    [arguments] = map(shlex.split, installed)
    pins, package = Path(arguments[arguments.index("-c") + 1]), arguments[-1]
    assert pins.samefile(PATH.parents[2] / "constraints.txt")
    assert package.endswith("[studies]")
    assert Path(package.removesuffix("[studies]")).samefile(PATH.parents[2])


def printed(notebook):
    """What the notebook says in words: its printed lines and the values of its cells."""
    return "\n".join(
        output.get("data", {}).get("text/plain", output.get("text", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )


def check_what_it_teaches(text):
    """The numbers in `text` are those that the prose around them explains."""
    lines = re.findall(r"^([a-zA-Z ]+?) +([\d.]+) %$", text, re.MULTILINE)
    accuracy = {name: float(number) for name, number in lines}
    assert list(accuracy)[::4] == ["logistic regression", "optimum"]
    assert accuracy["nearest neighbours"] == 59.6  # as scripts/examples/sklearn_baselines.py says
    assert 30 < accuracy["logistic regression"] < 35
    assert 57 < accuracy["MLP"] < 68
    assert 85 < accuracy["CNN"] < 96 < accuracy["optimum"]
    [optima] = re.findall(r"optimum: ([\d.]+) % before, ([\d.]+) % after shuffling", text)
    assert optima[0] == optima[1]
    [peak] = re.findall(r"largest test error: ([\d.]+) %, at 400 units", text)
    [(first, second)] = re.findall(r"([\d.]+) % with fewer units, ([\d.]+) % with more", text)
    assert float(second) < float(first) < float(peak)
    [tested] = re.findall(r"'([\d.]+)% of 1000 test signals'", text)
    assert float(tested) > 70  # after 500 updates


def test_its_committed_numbers_are_those_it_explains(committed):
    check_what_it_teaches(printed(committed))


def test_the_prose_has_the_sizes_of_the_networks(committed):
    prose = "\n".join(cell.source for cell in committed.cells if cell.cell_type == "markdown")
    assert f"It has {new_model('mlp', seed=0).num_parameters():,} parameters." in prose
    assert f"It has {new_model('cnn', seed=0).num_parameters()} parameters." in prose


@pytest.mark.slow
def test_it_runs(committed, cache, tmp_path):
    notebook = executed(tmp_path)
    assert shown(notebook) == shown(committed), "run python tests/scripts/test_notebook.py"
    check_what_it_teaches(printed(notebook))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(folder), PATH)
