"""Rules of the study spatial_prior: what its result says of each claim."""

from itertools import pairwise
from typing import Any

import numpy as np

from mnist1d_hf.evidence.intervals import judge_interval, mean_interval
from mnist1d_hf.evidence.results import Finding, summarise

SOURCE = "blog post; paper, finding lottery tickets"
NETWORKS = ("mlp", "window", "unshared", "cnn")
DATA = ("plain", "shuffled")
LABELS = {
    "mlp": "MLP",
    "window": "MLP with windows",
    "unshared": "convolution without shared weights",
    "cnn": "CNN",
}


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the rules were fixed before the run."""
    if result["table"].keys() != set(NETWORKS):
        return []
    return [judge_continuum(result), judge_loss(result)]


def of_runs(result: dict[str, Any], network: str, data: str) -> np.ndarray:
    """Test accuracy in percent, one a run."""
    return np.array(result["table"][network][data]["runs"])


def judge_continuum(result: dict[str, Any]) -> Finding:
    """L-i: each step from a perceptron to a convolution gains something."""
    steps = {
        f"{LABELS[b]} over {LABELS[a]}": of_runs(result, b, "plain") - of_runs(result, a, "plain")
        for a, b in pairwise(NETWORKS)
    }
    intervals = {name: mean_interval(gains) for name, gains in steps.items()}
    least = min(steps, key=lambda name: intervals[name][0])  # the one that decides
    gained = [judge_interval(interval, above=0) for interval in intervals.values()]
    if all(verdict == "reproduced" for verdict in gained):
        verdict = "reproduced"
    elif "reproduced" in gained:
        verdict = "partly"
    else:
        verdict = "refuted" if set(gained) == {"refuted"} else "not supported"
    return Finding(
        id="L-i",
        claim="spatial priors form a continuum between a perceptron and a convolution",
        source=SOURCE,
        published="an interpretation, without networks between the two",
        ours={
            **{f"{LABELS[n]}, %": result["table"][n]["plain"]["test"] for n in NETWORKS},
            **{f"{name}, points": summarise(gains) for name, gains in steps.items()},
        },
        n=len(steps[least]),
        std=summarise(steps[least])["std"],
        rule="locality in the first layer, in all layers, and shared weights each gain accuracy: "
        "the 95 % interval of every step, paired by run, lies above 0; partly: that of some",
        verdict=verdict,
        quantity=f"{least}, points",
        estimate=float(steps[least].mean()),
        interval=intervals[least],
    )


def judge_loss(result: dict[str, Any]) -> Finding:
    """L-i-shuffled: the more of the prior a network has, the more shuffling costs it."""
    lost = {n: of_runs(result, n, "plain") - of_runs(result, n, "shuffled") for n in NETWORKS}
    steps = [lost[b] - lost[a] for a, b in pairwise(NETWORKS)]
    intervals = [mean_interval(step) for step in steps]
    least = min(range(len(steps)), key=lambda i: intervals[i][0])
    return Finding(
        id="L-i-shuffled",
        claim="the more of a spatial prior a network has, the more it loses by shuffled columns",
        source="ours",
        published=None,
        ours={f"{LABELS[n]}, points lost": summarise(values) for n, values in lost.items()},
        n=len(steps[least]),
        rule="the 95 % interval of what each network loses beyond the one before it lies above 0",
        verdict=judge_interval(intervals[least], above=0),
        quantity=f"loss of {LABELS[NETWORKS[least + 1]]} minus that of {LABELS[NETWORKS[least]]}, "
        "points",
        estimate=float(steps[least].mean()),
        interval=intervals[least],
    )
