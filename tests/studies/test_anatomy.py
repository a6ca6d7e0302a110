"""The parts of a study: cells in its file, judging and drawing in files of their own."""

import ast
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import mnist1d_hf.studies
from mnist1d_hf.options import study_names

FOLDER = Path(mnist1d_hf.studies.__file__).parent
STUDIES = study_names()


def test_every_study_has_rules_and_figures():
    found = {
        part: {path.stem: path.read_text() for path in (FOLDER / part).glob("[!_]*.py")}
        for part in ("rules", "plots")
    }
    assert set(found["plots"]) == set(STUDIES) <= set(found["rules"])
    for shared in set(found["rules"]) - set(STUDIES):  # a part of the rules of some study
        assert any(f"rules.{shared} import" in found["rules"][name] for name in STUDIES)
    for name in STUDIES:
        rules = importlib.import_module(f"mnist1d_hf.studies.rules.{name}")
        assert rules.judge.__module__ == rules.__name__
        study = importlib.import_module(f"mnist1d_hf.studies.{name}").main
        for plot in study.plots.values():
            assert plot.__module__ == f"mnist1d_hf.studies.plots.{name}"


@pytest.mark.parametrize("name", STUDIES)
def test_rules_compute_without_torch(name):
    tree = ast.parse((FOLDER / "rules" / f"{name}.py").read_text())
    roots = {
        module.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([node.module] if isinstance(node, ast.ImportFrom) else names(node))
    }
    assert roots - sys.stdlib_module_names <= {"numpy", "scipy", "mnist1d_hf"}


def names(node):
    return [alias.name for alias in node.names]


def needed(functions, tree):
    """The names that functions of a module need, those of the functions they call included."""
    parts = {
        part.name: part for part in tree.body if isinstance(part, ast.FunctionDef | ast.ClassDef)
    }
    parts |= {
        target.id: part
        for part in tree.body
        if isinstance(part, ast.Assign)
        for targets in part.targets
        for target in ast.walk(targets)
        if isinstance(target, ast.Name)
    }
    found, waiting = set(), set(functions)
    while waiting:
        name = waiting.pop()
        found.add(name)
        if name in parts:
            waiting |= free(parts[name]) - found
    return found


def free(part):
    """The names that a function reads and does not bind itself."""
    inside = [node for node in ast.walk(part) if isinstance(node, ast.Name)]
    bound = {node.arg for node in ast.walk(part) if isinstance(node, ast.arg)}
    if isinstance(part, ast.FunctionDef):
        bound |= {node.id for node in inside if isinstance(node.ctx, ast.Store)}
    return {node.id for node in inside} - bound


def is_words(value):
    """Whether a value is text, or a collection of it: names of parameters and of results."""
    if isinstance(value, Mapping):
        return all(map(is_words, (*value, *value.values())))
    return isinstance(value, str) or (isinstance(value, tuple) and all(map(is_words, value)))


@pytest.mark.parametrize("name", STUDIES)
def test_no_number_of_a_cell_depends_on_rules_or_figures(name):
    """They do not count for the digest of the sources, so cells may share words with them only."""
    module = importlib.import_module(f"mnist1d_hf.studies.{name}")
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    cells = {
        node.args[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func) == "cells.run"
    }
    assert cells
    shared = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and ".studies." in f".{node.module}"
        if node.module.split(".")[2] in ("rules", "plots")
        for alias in node.names
    }
    for shared_name in needed(cells, tree) & shared:
        assert is_words(getattr(module, shared_name)), shared_name
