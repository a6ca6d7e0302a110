"""The README: its examples run, its tables are those of the results, its map names every module."""

import doctest
import re

import pytest

from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.pages.dataset_card import fill_tables


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text(encoding="utf-8")


def test_examples_print_what_is_written(root, cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testfile(str(root / "README.md"), module_relative=False, optionflags=flags)
    assert result.attempted > 10
    assert result.failed == 0


def test_tables_are_those_of_the_results(root, readme):
    results = {
        path.stem: read_result(path) for path in (root / "dataset_card/results").glob("*.json")
    }
    assert fill_tables(readme, results) == readme, "run scripts/make_card.py"


def test_commands_are_those_of_the_command_line(readme):
    from mnist1d_hf.cli import app

    first = re.findall(r"^\| (.*?) \|", readme.split("## The command")[1], flags=re.M)
    listed = {name for cell in first for name in re.findall(r"`(\w+)[^`]*`", cell)}
    assert {command.callback.__name__ for command in app.registered_commands} - listed == set()


def test_it_stays_short(readme):
    assert len(readme.splitlines()) <= 200
