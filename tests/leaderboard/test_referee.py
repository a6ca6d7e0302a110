"""Scores, records and ranks of the leaderboard."""

import dataclasses

import numpy as np
import pytest

from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.leaderboard import referee
from mnist1d_hf.leaderboard.draws import draw_seed, draw_trial
from mnist1d_hf.leaderboard.records import (
    agreement,
    compare,
    make_record,
    order,
    read_records,
    slug,
    write_record,
)
from mnist1d_hf.leaderboard.referee import Score, Trial, run_entry
from mnist1d_hf.leaderboard.sandbox import EntryError
from mnist1d_hf.leaderboard.tracks import ROW_COUNTS, TRACKS
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import config_params

DEFAULT, ROWS, SECONDS = TRACKS["default"], TRACKS["rows-99"], TRACKS["seconds-94"]
ABOUT = {"name": "My model", "author": "me", "link": "https://example.org", "remark": ""}
NOTHING = np.zeros(0, np.uint8)


def score(accuracies, seconds=None, rows=4000):
    seconds = seconds or [1.0] * len(accuracies)
    trials = [Trial(NOTHING, a, s) for a, s in zip(accuracies, seconds, strict=True)]
    return Score(rows, trials)


def record(name, accuracies, track=DEFAULT, **changes):
    made = make_record(track, score(accuracies), "code", 1, ABOUT | {"name": name})
    return {**made, **changes}


def test_trials_have_data_of_their_own_and_entries_the_same():
    first, again = (draw_trial(DEFAULT, 5, 0, rows=50, test_rows=20) for _ in range(2))
    second = draw_trial(DEFAULT, 5, 1, rows=50, test_rows=20)
    other = draw_trial(DEFAULT, 6, 0, rows=50, test_rows=20)
    for field in dataclasses.fields(first):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(again, field.name))
    assert not np.array_equal(first.x, second.x) and not np.array_equal(first.x, other.x)
    assert len({draw.weight_seed for draw in (first, second, other)}) == 3
    assert not np.isin(first.x_test[:, 0], first.x[:, 0]).any()


def test_nobody_can_know_the_published_rows_of_a_draw():
    """They are not those of the default seed, nor of one another draw_seed gave."""
    assert draw_seed() != draw_seed()
    x, _ = make_range(config_params("default", stream="counter"), 0, 50)
    assert not np.array_equal(draw_trial(DEFAULT, draw_seed(), 0, rows=50, test_rows=1).x, x)


@pytest.mark.parametrize(
    "accuracies, reached",
    [([94.2, 94.3, 94.25], True), ([94.0, 94.1, 94.05], False), ([93.0, 96.0, 94.5], False)],
)
def test_a_target_is_reached_by_more_than_chance(accuracies, reached):
    assert score(accuracies).reaches(94.0) is reached


@pytest.mark.parametrize("needed", [125, 1414, 4000, 5657, 128_000])
def test_the_fewest_training_examples_are_found(needed):
    tried = []

    def run(count):
        tried.append(count)
        return score([99.5, 99.6] if count >= needed else [98.0, 98.1], rows=count)

    assert referee.fewest_rows(run, ROWS).rows == needed
    assert len(tried) == len(set(tried)) and set(tried) <= set(ROW_COUNTS)


def test_a_target_that_no_number_of_examples_reaches_is_said():
    with pytest.raises(EntryError, match="128,000 training examples do not reach 99 %"):
        referee.fewest_rows(lambda count: score([10.0, 11.0], rows=count), ROWS)


def test_missing_the_target_is_an_error(monkeypatch):
    monkeypatch.setattr(referee, "run_trial", lambda *_: Trial(NOTHING, 93.9, 1.0))
    small = dataclasses.replace(SECONDS, trials=2, test_rows=10)
    with pytest.raises(EntryError, match="93.90 % does not exceed 94 % by 3 standard errors"):
        run_entry("", small, 1)


def test_paired_differences_decide_where_there_are_some():
    """Two entries whose accuracies vary by draw, but not their difference."""
    draws = np.random.default_rng(0).normal(99, 0.3, 10)
    weak, strong = score(draws), score(draws + 0.1 + 0.01 * np.arange(10))
    leader = record("weak", draws)
    against = compare(strong, weak, DEFAULT, leader)
    assert against["difference"]["mean"] == pytest.approx(0.145) and against["z"] > 10
    alone = record("strong", draws + 0.1 + 0.01 * np.arange(10))
    assert [r["rank"] for r in order([leader, alone])] == [1, 1]
    paired = alone | {"against": against}
    assert [(r["name"], r["rank"]) for r in order([leader, paired])] == [("strong", 1), ("weak", 2)]


def test_fewer_seconds_and_fewer_rows_are_better():
    quick, slow = score([95.0] * 3, [1.0, 1.1, 0.9]), score([96.0] * 3, [3.0, 3.1, 3.2])
    entries = [
        make_record(SECONDS, s, "", 1, ABOUT | {"name": n}) for n, s in (("s", slow), ("q", quick))
    ]
    assert [(r["name"], r["rank"]) for r in order(entries)] == [("q", 1), ("s", 2)]
    assert compare(quick, slow, SECONDS, entries[0])["z"] > 3
    rows = [record("many", [99.5] * 3, ROWS, rows=4000), record("few", [99.1] * 3, ROWS, rows=2000)]
    assert [(r["name"], r["rank"]) for r in order(rows)] == [("few", 1), ("many", 2)]
    assert order([]) == []


def test_equal_entries_are_ties():
    same = record("a", [99.0, 99.2]), record("b", [99.0, 99.2])
    assert [r["rank"] for r in order(same)] == [1, 1]
    found = compare(score([99.0, 99.2]), score([99.0, 99.2]), DEFAULT, same[0])
    assert found["z"] == 0


def test_a_record_holds_every_prediction(tmp_path):
    track = dataclasses.replace(DEFAULT, trials=2)
    rng = np.random.default_rng(0)
    trials = [Trial(rng.integers(0, 10, DEFAULT.test_rows).astype(np.uint8), 10.0, 1.0)] * 2
    made = make_record(track, Score(4000, trials), "the code", 3, ABOUT)
    path = tmp_path / "default" / "my-model.json"
    write_record(path, made, Score(4000, trials), seconds=1.0)
    back = read_result(path)
    assert back["code"] == "the code" and back["data_seed"] == 3 and back["provenance"]["versions"]
    found = agreement(back, path.with_suffix(".npz"), Score(4000, trials))
    assert found["equal predictions, percent"] == 100
    changed = dataclasses.replace(trials[0], predictions=trials[0].predictions * 0)
    found = agreement(back, path.with_suffix(".npz"), Score(4000, [changed, trials[1]]))
    assert found["equal predictions, percent"] == pytest.approx(55, abs=1)
    assert [r["name"] for r in read_records(tmp_path)["default"]] == ["My model"]


@pytest.mark.parametrize("name, expected", [("My TCN (2)", "my-tcn-2"), ("  x ", "x")])
def test_names_become_files(name, expected):
    assert slug(name) == expected
    with pytest.raises(ValueError, match="at least one letter"):
        slug("???")
