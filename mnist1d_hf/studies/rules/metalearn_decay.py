"""Rules of the study metalearn_decay: what its result says of each claim."""

from typing import Any

import numpy as np

from mnist1d_hf.evidence.intervals import judge_interval, mean_interval, share_interval
from mnist1d_hf.evidence.results import Finding, grade, summarise

SOURCE = "paper, metalearning a learning rate"
NEAR = 0.01  # of the loss on other rows; basins of weight decay are flat


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the rules were fixed before the run."""
    grids, searches = result["grids"], result["searches"]
    lowest = np.array([min(x for x in one["loss"] if x is not None) for one in grids])
    ended = np.array(
        [
            [np.inf if losses[-1] is None else losses[-1] for losses in one["loss"]]
            for one in searches
        ]
    )  # (problems, starts)
    arrived = ended - lowest[:, None] <= NEAR
    near = arrived.mean(0)
    weakest = int(near.argmin())
    gains = np.array([one["without"] for one in grids]) - ended.min(1)
    interval = mean_interval(gains) if np.isfinite(gains).all() else None
    return [
        Finding(
            id="M7",
            claim="a weight decay can be metalearned as a learning rate can",
            source=SOURCE,
            published=None,
            ours={
                "share of searches within 0.01 of the grid's lowest loss, by start": {
                    f"{start:g}": float(share)
                    for start, share in zip(result["starts"], near, strict=True)
                },
                "best on the grid": [one["best"] for one in grids],
                "at the end, from the middle start": [
                    one["decay"][len(result["starts"]) // 2][-1] for one in searches
                ],
            },
            n=len(grids),
            rule="every search from every start ends with a loss on other rows at most "
            f"{NEAR} above the lowest on the grid; partly: every one from some start. The interval "
            "is that of the start from which the fewest do",
            verdict=grade((near == 1).all(), (near == 1).any()),
            quantity=f"share of the searches from {result['starts'][weakest]:g}, the weakest "
            "start, that end there",
            estimate=float(near[weakest]),
            interval=share_interval(int(arrived[:, weakest].sum()), len(grids)),
        ),
        Finding(
            id="M7-gain",
            claim="the metalearned weight decay is better than none",
            source="ours",
            published=None,
            ours={"loss without weight decay": summarise(one["without"] for one in grids)},
            n=len(grids),
            rule="the 95 % interval over problems of the loss without weight decay minus that of "
            "the best search lies above 0",
            verdict=judge_interval(interval, above=0) if interval else "not supported",
            quantity="loss on other rows gained",
            estimate=float(gains.mean()) if interval else None,
            interval=interval,
        ),
    ]
