"""Scores, records and ranks of the leaderboard."""

import dataclasses
import json

import numpy as np
import pytest

from mnist1d_hf.leaderboard import referee
from mnist1d_hf.leaderboard.draws import draw_seed, draw_trial
from mnist1d_hf.leaderboard.ranks import compare, order
from mnist1d_hf.leaderboard.records import (
    add_leader,
    check_about,
    check_again,
    make_record,
    read_record,
    read_records,
    slug,
    stored_predictions,
    write_record,
)
from mnist1d_hf.leaderboard.referee import Score, run_entry
from mnist1d_hf.leaderboard.tracks import ROW_COUNTS, TRACKS, EntryError
from mnist1d_hf.leaderboard.trials import Trial, score_trial
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
    made = make_record(track, score(accuracies), f"# {name}", "1", ABOUT | {"name": name})
    return {**made, **changes}


def test_trials_have_data_of_their_own_and_entries_the_same():
    first, again = (draw_trial(DEFAULT, "5", 0, rows=50, test_rows=20) for _ in range(2))
    second = draw_trial(DEFAULT, "5", 1, rows=50, test_rows=20)
    other = draw_trial(DEFAULT, "6", 0, rows=50, test_rows=20)
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
    [
        ([94.20, 94.30, 94.25, 94.22], True),
        ([94.2, 94.3], False),  # two trials may agree by chance
        ([94.0, 94.1, 94.05], False),
        ([93.0, 96.0, 94.5], False),
    ],
)
def test_a_target_is_reached_by_more_than_chance(accuracies, reached):
    assert score(accuracies).reaches(94.0) is reached


@pytest.mark.parametrize("needed", [125, 1414, 4000, 5657, 128_000])
def test_the_fewest_training_examples_are_found(needed):
    tried = []

    def run(count):
        tried.append(count)
        return score([99.5, 99.6, 99.5, 99.6] if count >= needed else [98.0] * 4, rows=count)

    assert referee.fewest_rows(run, ROWS).rows == needed
    assert len(tried) == len(set(tried)) and set(tried) <= set(ROW_COUNTS)


def test_a_target_that_no_number_of_examples_reaches_is_said():
    with pytest.raises(EntryError, match="128,000 training examples do not reach 99 %"):
        referee.fewest_rows(lambda count: score([10.0, 11.0], rows=count), ROWS)


def test_missing_the_target_is_an_error(monkeypatch):
    monkeypatch.setattr(referee, "run_trial", lambda *_: Trial(NOTHING, 93.9, 1.0))
    small = dataclasses.replace(SECONDS, trials=2, test_rows=10)
    with pytest.raises(EntryError, match="93.90 % does not exceed 94 % by 3 standard errors"):
        run_entry("", small, "1")


def test_paired_differences_decide_where_there_are_some():
    """Two entries whose accuracies vary by draw, but not their difference."""
    draws = np.random.default_rng(0).normal(99, 0.3, 10)
    weak = score(draws)
    leader = record("weak", draws)
    alone = record("strong", draws + 0.1 + 0.01 * np.arange(10))
    paired = add_leader(alone, leader, weak)
    assert paired["against"]["difference"]["mean"] == pytest.approx(0.145)
    assert paired["against"]["z"] > 5
    assert [r["rank"] for r in order([leader, alone])] == [1, 1]
    assert [(r["name"], r["rank"]) for r in order([leader, paired])] == [("strong", 1), ("weak", 2)]


def test_fewer_seconds_and_fewer_rows_are_better():
    quick, slow = score([95.0] * 3, [1.0, 1.1, 0.9]), score([96.0] * 3, [3.0, 3.1, 3.2])
    entries = [
        make_record(SECONDS, s, f"# {n}", "1", ABOUT | {"name": n})
        for n, s in (("s", slow), ("q", quick))
    ]
    assert [(r["name"], r["rank"]) for r in order(entries)] == [("q", 1), ("s", 2)]
    assert add_leader(entries[1], entries[0], slow)["against"]["z"] > 1.5
    rows = [record("many", [99.5] * 3, ROWS, rows=4000), record("few", [99.1] * 3, ROWS, rows=2000)]
    assert [(r["name"], r["rank"]) for r in order(rows)] == [("few", 1), ("many", 2)]
    assert order([]) == []


def test_a_comparison_on_the_same_draws_overrules_means_of_other_machines():
    """The leader was recorded on a slow machine; on that of the new entry it is the faster one."""
    accuracies, mine = [95.0] * 5, score([95.0] * 5, [1.0, 1.1, 0.9, 1.0, 1.1])
    leader, new = (
        make_record(SECONDS, s, f"# {n}", "1", ABOUT | {"name": n})
        for n, s in (("leader", score(accuracies, [2.0, 2.1, 1.9, 2.0, 2.0])), ("new", mine))
    )
    other = make_record(SECONDS, score(accuracies, [3.0] * 5), "#", "1", ABOUT | {"name": "other"})
    for now, expected in (
        ([0.8, 0.9, 0.7, 0.8, 0.85], [("leader", 1), ("new", 2), ("other", 3)]),
        ([1.0, 1.0, 1.0, 1.0, 1.1], [("new", 1), ("leader", 1), ("other", 3)]),
        ([1.2, 1.3, 1.1, 1.2, 1.25], [("new", 1), ("leader", 2), ("other", 3)]),
    ):
        paired = add_leader(new, leader, score(accuracies, now))
        assert [(r["name"], r["rank"]) for r in order([other, leader, paired])] == expected
    worse = make_record(SECONDS, score(accuracies, [2.5] * 5), "# w", "1", ABOUT)
    better = add_leader(worse, leader, score(accuracies, [3.4, 3.5, 3.3, 3.4, 3.45]))
    assert [r["rank"] for r in order([leader, better])] == [1, 2]
    assert order([leader, better])[0]["code"] == "# w"


def test_equal_entries_are_ties():
    same = record("a", [99.0, 99.2]), record("b", [99.0, 99.2])
    assert [r["rank"] for r in order(same)] == [1, 1]
    assert compare(same[0]["trials"], same[1]["trials"], DEFAULT)["z"] == 0


def test_trials_that_vary_much_make_no_tie():
    steady = [93.4, 93.5, 93.3, 93.6, 93.4, 93.5, 93.3, 93.6, 93.4, 93.5]
    broken = [*steady[:-1], 0.0]
    good, bad = record("good", steady), record("bad", broken)
    measured = add_leader(bad, good, score(steady))
    assert measured["against"]["z"] > -3  # not by this
    for entries in ([good, bad], [good, measured]):
        assert [(r["name"], r["rank"]) for r in order(entries)] == [("good", 1), ("bad", 2)]


def test_ranks_rise_with_the_place_and_begin_with_one():
    """Neighbours are ties here, the ends are not, and a paired difference goes round in a ring."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        draws = rng.normal(99, 0.2, 10)
        entries = [record(f"n{k}", draws + rng.normal(0.05 * k, 0.05, 10)) for k in range(6)]
        others = [*entries[1:], entries[0]]
        entries = [add_leader(*pair, score(draws)) for pair in zip(entries, others, strict=True)]
        found = order(entries)
        ranks, names = [r["rank"] for r in found], {r["name"] for r in found}
        assert ranks[0] == 1 and ranks == sorted(ranks) and len(names) == len(found) == 6
        assert all(rank == 1 + ranks.index(rank) for rank in ranks)


def test_another_entry_under_the_name_of_a_former_one_is_not_the_one_compared_with():
    old, new = record("x", [99.0] * 9 + [99.2]), record("x", [99.9] * 9 + [99.8])
    other = add_leader(record("y", [99.2] * 9 + [99.3]), old, score([99.0] * 9 + [99.2]))
    assert [r["rank"] for r in order([{**new, "sha256": "0"}, other])] == [1, 2]


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A record of two trials in which one prediction of four is wrong."""
    monkeypatch.setitem(TRACKS, "default", dataclasses.replace(DEFAULT, trials=2, test_rows=400))
    track, trials = TRACKS["default"], []
    for number in range(2):
        draw = draw_trial(track, "3", number)
        wrong = np.arange(400) % 4 == 0
        trials.append(score_trial(((draw.y_test + wrong) % 10).astype(np.uint8), draw, 1.0))
    made = make_record(track, Score(4000, trials), "import numpy", "3", ABOUT)
    path = tmp_path / "default" / "my-model.json"
    write_record(path, made, Score(4000, trials), seconds=1.0)
    return path, trials


def test_a_record_holds_every_prediction(stored):
    path, trials = stored
    back = read_record(path)
    assert back["code"] == "import numpy" and back["data_seed"] == "3"
    assert back["packages"] == {"numpy": np.__version__} and back["provenance"]["machine"]
    for trial, found in zip(trials, stored_predictions(path, back), strict=True):
        np.testing.assert_array_equal(trial.predictions, found)
    before = [trial.predictions for trial in trials]
    assert check_again(path, back, before, Score(4000, trials))["equal predictions, percent"] == 100
    assert [r["name"] for r in read_records(path.parents[1])["default"]] == ["My model"]


def test_a_run_with_another_accuracy_does_not_confirm_a_record(stored):
    path, trials = stored
    worse = [dataclasses.replace(trial, accuracy=70.0) for trial in trials]
    before = [trial.predictions for trial in trials]
    with pytest.raises(ValueError, match=r"75.000 %, .* now gets 70.000 %: the record does not"):
        check_again(path, read_record(path), before, Score(4000, worse))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"accuracy": {"mean": 99.0, "std": 0.0, "n": 2}}, "accuracy cannot come"),
        ({"seconds": {"mean": 0.1, "std": 0.0, "n": 2}}, "seconds cannot come"),
        ({"code": "import torch"}, "sha256 cannot come"),
        ({"trials": [{"accuracy": 99.0, "seconds": 1.0}] * 2}, "accuracy cannot come"),
        ({"trials": [{"accuracy": 75.0, "seconds": 1.0}]}, "trials cannot come"),
        ({"trials": [{"accuracy": 175.0, "seconds": 1.0}] * 2}, "trials cannot come"),
        ({"trials": [{"accuracy": 75.0, "seconds": -1.0}] * 2}, "trials cannot come"),
        ({"trials": [{"accuracy": True, "seconds": 1.0}] * 2}, "trials cannot come"),
        ({"rows": 20_000}, "rows cannot come"),
        ({"rows": "4000"}, "rows cannot come"),
        ({"data_seed": None}, "data_seed cannot come"),
        ({"checkpoint": {"repo_id": "a/b", "revision": "0" * 40}}, "checkpoint cannot come"),
        ({"provenance": {"machine": {"processor": "<b>"}}}, "processor cannot come"),
        ({"track": "noisy"}, "track, trials cannot come"),
        ({"name": 3}, "no record"),
        ({"link": "javascript:alert(1)"}, "no record"),
        ({"name": "<img src=x>"}, "no record"),
        ({"remark": "line\nbreak"}, "no record"),
        ({"track": "defualt"}, "did you mean 'default'"),
        (
            {"against": {"sha256": "", "trials": [{"accuracy": 70, "seconds": 1}] * 2, "z": 9}},
            "no record",
        ),
    ],
)
def test_a_record_that_was_changed_is_refused(stored, change, message):
    path, _ = stored
    record = read_record(path)
    path.write_text(json.dumps(record | change))
    with pytest.raises(ValueError, match=message):
        read_records(path.parents[1])


def test_trials_that_are_not_those_of_the_predictions_are_refused(stored):
    path, trials = stored
    trials = [dataclasses.replace(trial, accuracy=99.0) for trial in trials]
    better = make_record(TRACKS["default"], Score(4000, trials), "import numpy", "3", ABOUT)
    path.write_text(json.dumps(read_record(path) | better))
    with pytest.raises(ValueError, match=r"give 75.000 % where it says 99.000 %"):
        list(stored_predictions(path, read_record(path)))


def test_one_that_claims_some_trials_too_many_does_not_hold(stored):
    """Trials that vary much in the record, which the second run does not."""
    path, trials = stored
    now = Score(4000, [dataclasses.replace(trial, accuracy=28.0) for trial in trials])
    record = read_record(path) | {"accuracy": {"mean": 63.8, "std": 50.0, "n": 2}}
    with pytest.raises(ValueError, match="does not hold"):
        check_again(path, record, [trial.predictions for trial in trials], now)


def test_the_two_files_of_a_record_belong_together(stored):
    path, _ = stored
    with pytest.raises(ValueError, match="a record is a .json file"):
        read_record(path.with_suffix(".npz"))
    path.with_suffix(".npz").unlink()
    with pytest.raises(ValueError, match="my-model.npz does not exist: the two files"):
        list(stored_predictions(path, read_record(path)))


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_predictions_that_cannot_be_read_are_named(stored, content):
    path, _ = stored
    if content is None:
        np.savez(path.with_suffix(".npz"), other=1)
    else:
        path.with_suffix(".npz").write_bytes(content)
    with pytest.raises(ValueError, match="my-model.npz has no predictions"):
        list(stored_predictions(path, read_record(path)))


def test_the_more_accurate_of_two_entries_with_as_many_rows_stands_first():
    entries = [record(n, [a] * 3, ROWS, rows=2000) for n, a in (("a", 99.1), ("b", 99.5))]
    assert [(r["name"], r["rank"]) for r in order(entries)] == [("b", 1), ("a", 1)]


def test_a_file_that_is_no_json_is_named(tmp_path):
    path = tmp_path / "default" / "x.json"
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(ValueError, match="x.json is no record of an entry"):
        read_records(tmp_path)


def test_committed_records_are_those_of_their_predictions(root):
    """One trial of each: their labels take half a second."""
    for path in sorted((root / "dataset_card/leaderboard").glob("*/*.json")):
        assert len(next(iter(stored_predictions(path, read_record(path)))))


@pytest.mark.parametrize(
    "link, fits",
    [
        ("https://example.org", True),
        ("https://a-b.example.org:8080/x/(y)", False),
        ("https://GitHub.com/x", True),
        ("https://example.org/a_b/c-d.html?x=1&y=2#z", True),
        ("http://example.org", False),
        ("https://example.org/\rx", False),
        ("https://.", False),
        ("https://example.org/a|b", False),
    ],
)
def test_links_are_addresses(link, fits):
    if fits:
        assert check_about(ABOUT | {"link": link})["link"] == link
    else:
        with pytest.raises(ValueError, match="--link"):
            check_about(ABOUT | {"link": link})


@pytest.mark.parametrize("name", ["a|b", "", " ", "x\\", "**x**", "a\u202eb", "a\u2028b", "a\rb"])
def test_names_fit_a_table(name):
    with pytest.raises(ValueError, match="--name"):
        check_about(ABOUT | {"name": name})


@pytest.mark.parametrize("name, expected", [("My TCN (2)", "my-tcn-2"), ("  x ", "x")])
def test_names_become_files(name, expected):
    assert slug(name) == expected
    with pytest.raises(ValueError, match="at least one letter"):
        slug("???")
