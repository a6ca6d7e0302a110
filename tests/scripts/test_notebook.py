"""The quickstart notebook runs from top to bottom, and what it shows is committed.

Run it anew, and keep its outputs: python tests/test_notebook.py
"""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

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
    assert len(pictures) == 3 and PATH.stat().st_size < 400_000
    outputs = [output for cell in code for output in cell.outputs]
    assert not any(output.get("name") == "stderr" for output in outputs)
    assert not re.search(r"/(work|home|root|tmp)/", str(outputs))


def test_the_first_cell_installs_and_only_where_it_must(committed):
    first = next(cell for cell in committed.cells if cell.cell_type == "code")
    assert "%pip install" in first.source and first.source.startswith("import importlib")
    assert not first.outputs  # nothing was installed where it ran


@pytest.mark.slow
def test_it_runs(committed, cache, tmp_path):
    notebook = executed(tmp_path)
    assert shown(notebook) == shown(committed), "run python tests/test_notebook.py"
    text = "\n".join(
        output.get("data", {}).get("text/plain", output.get("text", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )
    [accuracy] = re.findall(r"'([\d.]+)% of 1000 test rows'", text)
    assert float(accuracy) > 80


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(folder), PATH)
