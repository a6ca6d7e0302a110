"""Where numbers came from: the sources that count, and how many numbers are unclear about it."""

import json
import shutil
import subprocess

import pytest

import mnist1d_hf.evidence.provenance as module
from mnist1d_hf.evidence.packed import read_packed, write_packed
from mnist1d_hf.evidence.provenance import git_revision, provenance, source_sha256
from mnist1d_hf.evidence.results import read_result

# Cells and results of which it is not clear what code made them. These numbers only ever fall:
# lower them when a study is run again.
UNCLEAR_CELLS, UNCLEAR_RESULTS = 126, 7


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a package of three modules, of which one imports another."""
    package = tmp_path / "mnist1d_hf"
    (package / "studies").mkdir(parents=True)
    (package / "studies" / "__init__.py").touch()
    (package / "studies" / "one.py").write_text("def f():\n    from mnist1d_hf import noise\n")
    (package / "noise.py").write_text("import math\nfrom . import studies\n")
    (package / "figure.py").write_text("red = 1\n")
    (tmp_path / "dataset_card").mkdir()
    (tmp_path / "dataset_card" / "result.json").write_text("{}")
    monkeypatch.setattr(module, "PACKAGE", package)
    source_sha256.cache_clear()
    yield tmp_path
    source_sha256.cache_clear()


def git(folder, *command):
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    return subprocess.run(
        ["git", *who, *command], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def digest_of(checkout):
    source_sha256.cache_clear()
    package = checkout / "mnist1d_hf"
    return source_sha256(package / "studies" / "one.py", package)


def test_the_digest_is_that_of_a_module_and_of_all_it_imports(checkout, tmp_path_factory):
    package = checkout / "mnist1d_hf"
    found = {
        path.relative_to(package).as_posix()
        for path in module._sources(package / "noise.py", package)
    }
    assert found == {"noise.py", "studies/__init__.py"}
    first = digest_of(checkout)
    (package / "figure.py").write_text("red = 2\n")  # which nothing imports
    assert digest_of(checkout) == first
    (package / "noise.py").write_text("import cmath\nfrom . import studies\n")
    second = digest_of(checkout)
    assert second != first
    (package / "studies" / "__init__.py").write_text("x = 1\n")  # relatively, by the other module
    assert digest_of(checkout) not in (first, second)


def test_rules_and_figures_of_a_study_do_not_count(checkout):
    studies = checkout / "mnist1d_hf" / "studies"
    for part in ("rules", "plots"):
        (studies / part).mkdir()
        (studies / part / "one.py").write_text("limit = 1\n")
    imports = (
        "from mnist1d_hf.studies.{0} import one\nfrom mnist1d_hf.studies.{0}.one import limit\n"
    )
    (studies / "one.py").write_text(imports.format("rules") + imports.format("plots"))
    first = digest_of(checkout)
    for part in ("rules", "plots"):
        (studies / part / "one.py").write_text("limit = 2\n")
    assert digest_of(checkout) == first
    (studies / "one.py").write_text("limit = 2\n")
    assert digest_of(checkout) != first


def test_the_digest_does_not_depend_on_the_place(checkout, tmp_path_factory):
    here = digest_of(checkout)
    there = tmp_path_factory.mktemp("there") / "copy"
    shutil.copytree(checkout, there)
    assert digest_of(there) == here


def test_the_sources_of_a_study_are_those_of_its_models_and_data():
    study = module.PACKAGE / "studies" / "classification.py"
    found = {
        p.relative_to(module.PACKAGE).as_posix() for p in module._sources(study, module.PACKAGE)
    }
    assert {"models/modeling_mnist1d.py", "signals/frozen.py", "training/many.py"} <= found
    assert not {name for name in found if name.startswith(("hub/", "pages/", "localhub/"))}


def test_only_changes_of_the_code_make_a_revision_dirty(checkout):
    assert git_revision() is None  # no checkout yet
    git(checkout, "init", "-q")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "first")
    revision = git(checkout, "rev-parse", "HEAD")
    (checkout / "dataset_card" / "result.json").write_text('{"a": 1}')
    (checkout / "dataset_card" / "new.json").write_text("{}")
    assert git_revision() == revision
    (checkout / "mnist1d_hf" / "new.py").touch()
    assert git_revision() == f"{revision}-dirty"
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "second")
    assert git_revision() == git(checkout, "rev-parse", "HEAD") != revision


def test_what_is_given_is_added():
    found = provenance(1.23456, process_time=0.5)
    assert (found["seconds"], found["process_time"]) == (1.235, 0.5)


@pytest.fixture(scope="module")
def history(root):
    """The commits of this history, or None where there is none."""
    if not (root / ".git").exists() or git(root, "rev-parse", "--is-shallow-repository") == "true":
        return None
    return set(git(root, "rev-list", "HEAD").split())


def unclear(made, history):
    """Whether neither the sources nor the revision say what code ran."""
    if "source_sha256" in made:
        return False
    revision = made["git_revision"] or ""
    dirty = revision.endswith("-dirty") or not revision
    return dirty or (history is not None and revision not in history)


def test_cells_that_are_unclear_say_so_and_get_fewer(root, history):
    cells = [
        record["provenance"]
        for path in sorted((root / "dataset_card" / "cells").glob("*.jsonl"))
        for record in read_packed(path).values()
    ]
    assert len(cells) >= 710
    assert [made for made in cells if unclear(made, history) and "unclear" not in made] == []
    number = sum("unclear" in made for made in cells)
    assert number == UNCLEAR_CELLS, "fewer: lower UNCLEAR_CELLS; more: run them from a clean tree"


def test_results_that_are_unclear_get_fewer(root, history):
    results = map(read_result, sorted((root / "dataset_card" / "results").glob("*.json")))
    made = [result["provenance"] for result in results if "provenance" in result]
    number = sum(unclear(one, history) for one in made)
    assert number == UNCLEAR_RESULTS, "fewer: lower UNCLEAR_RESULTS; more: run them again"


def test_committed_cells_are_as_they_are_packed(root, tmp_path):
    for path in sorted((root / "dataset_card" / "cells").glob("*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines()
        records = read_packed(path)
        assert len(records) == sum("function" in json.loads(line) for line in lines), "twice"
        write_packed(tmp_path / path.name, records.values())
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
