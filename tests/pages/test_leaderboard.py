"""The pages of the leaderboard: the published test rows, and the tracks."""

import pytest

from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.leaderboard.ranks import order
from mnist1d_hf.leaderboard.records import make_record, read_records
from mnist1d_hf.leaderboard.referee import Score
from mnist1d_hf.leaderboard.tracks import TRACKS
from mnist1d_hf.leaderboard.trials import Trial
from mnist1d_hf.models import ARCHITECTURES
from mnist1d_hf.pages.dataset_card import leaderboard
from mnist1d_hf.pages.leaderboard import NAMES, board, frozen_tables
from mnist1d_hf.pages.result_tables import leaders_table

ABOUT = {"name": "ours", "author": "me", "link": "https://example.org", "remark": ""}


def test_the_committed_leaderboard_is_that_of_the_results(root):
    folder = root / "dataset_card/results"
    stored = read_result(folder / "leaderboard.json")
    benchmark = read_result(folder / "classification.json")
    assert board(benchmark) == stored, "run make pages"
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
    mine = [e for e in board({"table": table})["entries"] if e["origin"] == "measured"]
    assert [(e["name"], e["accuracy"], e["selection"]) for e in mine] == [
        ("CNN, paper recipe", 56.0, "validation"),
        ("CNN, paper recipe", 56.0, "last_step"),
    ]


def test_published_entries_say_what_is_wrong_with_them():
    entries = board(None)["entries"]
    assert {e["origin"] for e in entries} == {"published"}
    best = max(entries, key=lambda e: e["accuracy"])
    assert (best["accuracy"], best["selection"]) == (99.4, "test")
    assert all(e["remark"] for e in entries)
    # those that were selected on test rows come after the others, whatever they are
    default = [e["selection"] == "test" for e in entries if e["config"] == "default"]
    assert default == sorted(default)


def test_published_rows_are_tables_with_footnotes():
    text = frozen_tables(board(None)["entries"])
    assert text.count("| model | accuracy, % | runs | selected on |") == 2  # default, shuffled
    assert "differences below 0.6 points are ties" in text
    notes = [line for line in text.splitlines() if line.startswith("[^r")]
    assert len(notes) == len(set(notes)) > 3
    for number in range(1, len(notes) + 1):
        assert f"[^r{number}]" in text.split("[^r1]: ")[0]


def record(name, accuracies, remark=""):
    trials = [Trial(None, accuracy, 2.0) for accuracy in accuracies]
    about = ABOUT | {"name": name, "remark": remark}
    return make_record(TRACKS["default"], Score(4000, trials), "", "1", about)


@pytest.fixture
def results():
    entries = order(
        [
            record("weak", [90.0, 90.2, 90.1] * 2, "a remark"),
            record("strong", [99.0, 99.2, 99.1] * 2),
        ]
    )
    optimum = {"configs": {"default": {"expected": 99.98}}}
    return {"leaderboard": board(None), "tracks": {"default": entries}, "optimum": optimum}


def test_a_track_ranks_its_entries_below_the_optimum(results):
    text = leaderboard(results)
    rows = [line for line in text.splitlines() if "https://example.org), me" in line]
    assert [row.split(" | ")[0] for row in rows] == ["| 1", "| 2"]
    assert "[strong](https://example.org), me | 99.100 ± 0.089 | 0.88 | 2.00 |" in rows[0]
    assert "The best possible classifier gets 99.98 %." in text
    assert "[^default-2-1]: a remark" in text and "[^default-2-1] |" in rows[1]
    assert text.count("There is no entry yet.") == len(TRACKS) - 1


def test_what_was_trained_elsewhere_is_apart(results):
    text = leaderboard(results)
    apart = text.split("## Trained elsewhere: checkpoints on default")[1]
    assert "strong" not in apart and "trained on is not known" in apart
    # each of the two kinds of accuracy has the optimum beside it
    assert "The best possible classifier gets 99.98 %." in apart


def test_the_card_has_the_leaders(results):
    text = leaders_table(results)
    assert "strong" in text and "[^" not in text  # the card has no footnotes
    del results["tracks"]
    assert leaders_table(results).count("\n") == 6  # the five best published rows


def test_the_page_is_that_of_the_results(root):
    folder = root / "dataset_card"
    results = {path.stem: read_result(path) for path in folder.glob("results/*.json")}
    results["tracks"] = read_records(folder / "leaderboard")
    text = (folder / "LEADERBOARD.md").read_text(encoding="utf-8")
    assert leaderboard(results) == text, "run make pages"
