"""The leaderboard: what it is made of, and what may be added to it."""

import hashlib

import numpy as np
import pytest

from mnist1d_hf.data.identity import DIGESTS
from mnist1d_hf.evidence.results import read_result, write_json
from mnist1d_hf.models import ARCHITECTURES
from mnist1d_hf.pages.leaderboard import (
    NAMES,
    Entry,
    Submission,
    board,
    frozen_labels,
    leaderboard_table,
    submit,
)

LINK = "https://example.org/paper"
MINE = Submission("mine", "validation", LINK)


@pytest.fixture(scope="module")
def labels():
    return frozen_labels("default")


@pytest.fixture
def classes(labels):
    """Three runs that get 10, 20 and 30 rows wrong."""
    runs = np.stack([labels] * 3, axis=1)
    for run, wrong in enumerate((10, 20, 30)):
        runs[:wrong, run] = (runs[:wrong, run] + 1) % 10
    return runs


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("submit")


def test_the_committed_leaderboard_is_that_of_the_results(root):
    folder = root / "dataset_card/results"
    stored = read_result(folder / "leaderboard.json")
    benchmark = read_result(folder / "classification.json")
    assert board(benchmark, stored) == stored, "run scripts/make_card.py"
    assert ARCHITECTURES.keys() | {"human"} == NAMES.keys()


def test_our_entries_select_on_validation_or_not_at_all():
    row = {
        "config": "shuffled",
        "model": "cnn",
        "recipe": "paper",
        "mean": 56.0,
        "std": 1.0,
        "n": 5,
    }
    table = [{**row, "protocol": "validation"}, {**row, "protocol": "last_step"}]
    mine = [e for e in board({"table": table}, None)["entries"] if e["origin"] == "measured"]
    assert [(e["name"], e["accuracy"], e["selection"]) for e in mine] == [
        ("CNN, paper recipe", 56.0, "validation"),
        ("CNN, paper recipe", 56.0, "last_step"),
    ]


def test_published_entries_say_what_is_wrong_with_them():
    entries = board(None, None)["entries"]
    assert {e["origin"] for e in entries} == {"published"}
    best = max(entries, key=lambda e: e["accuracy"])
    assert (best["accuracy"], best["selection"]) == (99.4, "test")
    assert all(e["remark"] for e in entries)
    # those that were selected on test rows come after the others, whatever they are
    default = [e["selection"] == "test" for e in entries if e["config"] == "default"]
    assert default == sorted(default)


def test_a_submission_is_scored_and_kept(labels, classes):
    first = submit(board(None, None), MINE, classes, labels)
    (entry,) = (e for e in first["entries"] if e["origin"] == "submitted")
    assert (entry["accuracy"], entry["std"], entry["n"]) == (98.0, 1.0, 3)
    assert entry["predictions"] == hashlib.sha256(classes.astype("<i8").tobytes()).hexdigest()
    assert board(None, first) == first  # made anew, it is still there
    assert first["entries"][0] == entry  # above the human, and all others that left test alone
    row = next(line for line in leaderboard_table(first["entries"]).splitlines() if "mine" in line)
    assert "98 ± 1 | 3 | validation | – | " in row and "predictions checked" in row
    one = submit(first, Submission("one", "test", LINK), classes[:, 0], labels)
    assert [e["std"] for e in one["entries"] if e["name"] == "one"] == [None]
    assert frozen_labels("shuffled").tolist() == labels.tolist()  # the same rows
    assert first["labels_sha256"]["default"] == DIGESTS["default"]["y_test"]


def test_an_entry_is_added_once(labels, classes):
    first = submit(board(None, None), MINE, classes, labels)
    with pytest.raises(ValueError, match="these predictions are in the leaderboard as 'mine'"):
        submit(first, Submission("other", "validation", LINK), classes, labels)
    with pytest.raises(ValueError, match="name='mine': there is an entry .*choose another"):
        submit(first, MINE, classes[:, :2], labels)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c: c[:999], r"shape \(999, 3\): a row for each of the 1000 test rows"),
        (lambda c: c[None], "shape"),
        (lambda c: c[:, :0], "a column for each run"),
        (lambda c: np.where(c == c[5, 1], 10, c), r"predictions\[.*\]=10: must be a digit"),
        (lambda c: c + 0.5, "must be a digit from 0 to 9"),
        (lambda c: np.where(np.arange(3) == 2, np.nan, c), r"predictions\[0, 2\]=nan"),
        (lambda c: c.astype(str), "of type <U"),
        (lambda c: c[:, [0, 1, 0]], "two columns of the predictions are the same run"),
    ],
)
def test_bad_predictions(labels, classes, change, message):
    with pytest.raises(ValueError, match=message):
        submit(board(None, None), MINE, change(classes), labels)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"name": " "}, "name=' ': say what the model is called"),
        ({"name": "a|b"}, r"name='a\|b': at most 60 characters in one line, without"),
        ({"remark": "x" * 121}, "remark='x.*at most 120 characters"),
        ({"config": "shufled"}, "config='shufled': must be one of default, shuffled"),
        (
            {"selection": "luck"},
            "selection='luck': must be one of validation, last_step, none, test",
        ),
        ({"link": "http://example.org"}, "must be an https:// address"),
        ({"link": "https://"}, "must be an https:// address"),
        ({"link": "https://example.org/a b"}, "must be an https:// address"),
    ],
)
def test_bad_metadata(change, message):
    with pytest.raises(ValueError, match=message):
        Submission(**{"name": "mine", "selection": "validation", "link": LINK} | change)


@pytest.fixture
def card(root, tmp_path):
    """A copy of the card."""
    (tmp_path / "README.md").write_bytes((root / "dataset_card/README.md").read_bytes())
    for path in (root / "dataset_card/results").glob("*.json"):
        write_json(tmp_path / "results" / path.name, read_result(path))
    return tmp_path


@pytest.mark.parametrize("kind", ["csv", "npy"])
def test_the_script_adds_a_row_to_file_and_card(script, card, classes, kind, capsys):
    path = card / f"predictions.{kind}"
    if kind == "npy":
        np.save(path, classes[:, :2])
    else:
        np.savetxt(path, classes[:, :2], fmt="%d", delimiter=",")
    options = {"name": "mine", "selection": "test", "link": LINK, "card": card}
    before = (card / "README.md").read_text()
    script.main(path, **options, dry_run=True)
    assert (card / "README.md").read_text() == before
    script.main(path, **options)
    out = capsys.readouterr().out
    assert "98.5 % of 1000 rows, mean of 2 runs" in out and "at least three runs" in out
    entries = read_result(card / "results" / "leaderboard.json")["entries"]
    assert Entry(**next(e for e in entries if e["name"] == "mine")).accuracy == 98.5
    added = set((card / "README.md").read_text().splitlines()) - set(before.splitlines())
    assert len(added) == 1 and "| **test** |" in added.pop()
    with pytest.raises(ValueError, match="these predictions are in the leaderboard"):
        script.main(path, **options)


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "does not exist"),
        (b"", "has 0 bytes"),
        (b"run 1, run 2\n3,4\n", "could not convert string 'run' .*without a header"),
        (b"\xff\xfe\x00", "must hold digits alone"),
        (b"1 2\n3\n", "must hold digits alone"),
        (b"1\n2\n", r"shape \(2, 1\)"),
    ],
)
def test_a_bad_file_is_refused_and_nothing_written(script, card, content, message):
    path = card / "predictions.csv"
    if content is not None:
        path.write_bytes(content)
    before = {p: p.read_bytes() for p in card.rglob("*") if p.is_file()}
    with pytest.raises(ValueError, match=message):
        script.main(path, name="mine", selection="validation", link=LINK, card=card)
    assert {p: p.read_bytes() for p in card.rglob("*") if p.is_file()} == before


def test_labels_that_are_not_frozen_are_refused(monkeypatch):
    monkeypatch.setitem(DIGESTS["default"], "y_test", "0" * 64)
    with pytest.raises(ValueError, match="are not the frozen ones: run mnist1d-hf verify"):
        frozen_labels("default")
