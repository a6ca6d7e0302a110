"""Rules of the study metalearn_lr: what its result says of each claim."""

from typing import Any

import numpy as np

from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.evidence.results import Finding, grade, summarise

PUBLISHED_RATES = read_published("metalearn_lr")["starts"]
# step, then mean inner loss, final inner loss and rate of either trial
PUBLISHED = np.array(read_published("metalearn_lr")["traces"])
SOURCE = "paper, metalearning a learning rate; notebook metalearn-learn-rate"


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the rules were fixed before the run."""
    best = summarise(grid["best"] for grid in result["best_on_grid"])
    errors = relative_errors(result["published"])
    found: dict[float, list[bool]] = {end["start"]: [] for end in result["ends"]}
    for end in result["ends"]:
        near = end["end"] is not None and abs(end["end"] / end["best"] - 1) < 0.1
        found[end["start"]].append(near)
    share = {f"{start:g}": sum(near) / len(near) for start, near in found.items()}
    always = [start for start, part in share.items() if part == 1]
    return [
        Finding(
            id="M1-trace",
            claim="both printed traces, from 1.5 and from 0.15",
            source=SOURCE,
            published={"rate at step 48": [0.6243, 0.6203]},
            ours={
                "rate at the end": [rates[-1] for rates in result["published"]["rate"]],
                "largest relative error": float(errors.max()),
            },
            n=errors.size,
            rule="every printed loss and rate within 1e-3, relative",
            verdict=grade(errors.max() < 1e-3),
        ),
        Finding(
            id="M1-optimum",
            claim="the optimal learning rate is 0.62",
            source=SOURCE,
            published=0.62,
            ours=best["mean"],
            n=best["n"],
            std=best["std"],
            rule="minimum on a grid, mean over initial weights and data orders, within 0.03",
            verdict=grade(abs(best["mean"] - 0.62) < 0.03),
        ),
        Finding(
            id="M1-regardless",
            claim="the search finds it regardless of initialization",
            source=SOURCE,
            published="two starting rates, one set of weights, one data order",
            ours={"share of searches that end within 10 % of the grid's minimum, by start": share},
            n=len(result["ends"]),
            rule="every search ends there: reproduced; every search from some starts: partly",
            verdict=grade(len(always) == len(share), always),
        ),
    ]


def relative_errors(trace: dict[str, Any]) -> np.ndarray:
    """Ours over the published value, minus one, absolute: (printed steps that were run, 6)."""
    printed = PUBLISHED[PUBLISHED[:, 0] < len(trace["rate"][0])]
    if not len(printed):
        raise ValueError("the notebook prints no value before step 3: run at least 4 outer steps")
    names = ("mean_loss", "final_loss", "rate")
    ours = [trace[name][trial] for trial in (0, 1) for name in names]
    return np.abs(np.array(ours, dtype=float).T[printed[:, 0].astype(int)] / printed[:, 1:] - 1)
