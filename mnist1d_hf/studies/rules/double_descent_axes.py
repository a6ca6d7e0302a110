"""Rules of the study double_descent_axes: what its result says of each claim."""

from typing import Any

import numpy as np

from mnist1d_hf.evidence.intervals import judge_interval, mean_interval
from mnist1d_hf.evidence.results import Finding, Superseded, grade, summarise
from mnist1d_hf.studies.rules.double_descent import rise

SOURCE = "Nakkiran et al., deep double descent (2019); not in the paper"
AXES = {"steps": "training steps", "rows": "training rows"}
RISE = 1.0  # points that a rise of the test error must have


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the rules were fixed before the run."""
    return [judge_axis(result, axis) for axis in AXES]


def judge_axis(result: dict[str, Any], axis: str) -> Finding:
    found = result[axis]
    test = np.array(found["test"])  # (points, seeds)
    low, peak = rise(test.mean(1))
    rises, falls = test[peak] - test[low], test[peak] - test[-1]
    intervals = mean_interval(rises), mean_interval(falls)
    verdicts = judge_interval(intervals[0], above=RISE), judge_interval(intervals[1], above=RISE)
    verdict = verdicts[0]
    if verdicts[0] == "reproduced" != verdicts[1]:
        verdict = "partly"
    holds = [one == "reproduced" for one in verdicts]
    return Finding(
        id=f"D-{axis}",
        claim=f"over {AXES[axis]} the test error falls, rises and falls again",
        source=SOURCE,
        published=None,
        ours={
            "lowest before the rise, at": found["at"][low],
            "peak at": found["at"][peak],
            "rise, points": summarise(rises),
            "fall after it, points": summarise(falls),
            "training error at the end, %": summarise(np.array(found["train"])[-1]),
        },
        n=test.shape[1],
        std=summarise(rises)["std"],
        rule="the largest rise of the mean curve after a minimum, and the fall from there to the "
        f"end: the 95 % intervals of both lie above {RISE:g} point; partly: "
        "that of the rise alone",
        verdict=verdict,
        quantity="rise of the test error, points",
        estimate=float(rises.mean()),
        interval=intervals[0],
        since="2026-11-27",
        superseded=Superseded(
            rule="where the mean over runs rises most above an earlier minimum, and from there to "
            f"the end: the 95 % intervals of the rise and of the fall lie above {RISE:g} point; "
            "partly: one of them",
            verdict=grade(all(holds), any(holds)),
            why="a curve that only falls does not descend twice; this page called it refuted, "
            "against the words of its rule",
        ),
    )
