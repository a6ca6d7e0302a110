"""Double descent over steps and rows: what is trained, and the rules."""

import dataclasses

import numpy as np
import pytest

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.studies import double_descent_axes as study
from mnist1d_hf.studies.rules import double_descent_axes as rules


def test_it_runs_and_is_drawn(tmp_path):
    result = study.run(study.Args.at("smoke"), Cells(tmp_path, quiet=True))
    assert result["steps"]["at"] == [10, 20, 30, 40]
    assert np.shape(result["rows"]["test"]) == np.shape(result["rows"]["train"]) == (3, 2)
    assert [axis.get_title() for axis in study.plot(result).axes] == [
        "10 hidden units",
        "5 hidden units",
    ]
    assert [finding.id for finding in result["findings"]] == ["D-steps", "D-rows"]


def test_labels_are_noisy_in_training_alone():
    noisy, clean = (
        study.load(),
        study.make_mnist1d(study.SignalParams(num_samples=24_000, train_split=0.5)),
    )
    assert 0.12 < (noisy.y_train != clean.y_train).mean() < 0.15
    assert (noisy.y_test == clean.y_test).all() and len(noisy.y_train) == study.ROWS


@pytest.mark.parametrize(
    ("curve", "verdict", "places", "rise"),
    [
        ((60, 45, 52, 47), "reproduced", (1, 2), 7),
        ((60, 45, 52, 52.5), "partly", (1, 3), 7.5),
        ((60, 55, 52, 45), "refuted", (1, 2), -3),
    ],
)
def test_a_rise_and_a_fall_are_both_asked_for(curve, verdict, places, rise):
    errors = np.array(curve)[:, None] + np.array([0.0, 0.1, 0.2])
    found = {"at": [1, 2, 3, 4], "test": errors, "train": errors}
    finding = rules.judge_axis({"steps": found}, "steps")
    assert (finding.verdict, finding.estimate) == (verdict, pytest.approx(rise))
    assert rules.rise(np.array(curve)) == places


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": (550, 1000)}, "rows: 550 must be a multiple"),
        ({"rows": (1000, 12_100)}, "rows: 12100 must be"),
        ({"rows": (1000,)}, "at least two numbers of rows"),
        ({"updates": 300}, "updates=300: .* two times evaluate_every=200"),
        ({"seeds": 1}, "seeds=1: at least 2"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(study.Args(), **change)
