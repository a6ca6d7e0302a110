"""The README: its examples run, its tables are those of the results, its map names every module."""

import re

import pytest

from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.pages.dataset_card import fill_tables


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text(encoding="utf-8")


def test_examples_print_what_their_comments_say(readme, cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", readme, re.DOTALL))
    told = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert len(told) == code.count("print(") == 2
    printed: list[str] = []
    exec(code, {"print": lambda *values: printed.append(" ".join(map(str, values)))})
    for shown, value in zip(told, printed, strict=True):
        if shown.startswith("about "):  # the last digits differ between machines
            assert float(value) == pytest.approx(float(shown.removeprefix("about ")), abs=0.02)
        else:
            assert value == shown


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
