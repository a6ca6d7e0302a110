"""Figures of the study metalearn_decay, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, panels, style


@style()
def plot(result: dict[str, Any]) -> Figure:
    """The weight decays that searches reach from several starts, and the loss they lead to.

    (a) A line is a search. (b) Black lines are trainings with a fixed weight decay, from the same
    initial weights, and dots are the ends of the searches.
    """
    figure, (searches, grids) = panels(1, 2, height=2.2)
    colours = ("blue", "red", "green", "orange")
    for i, (start, colour) in enumerate(zip(result["starts"], colours, strict=False)):
        for number, one in enumerate(result["searches"]):
            path = [start, *(np.nan if decay is None else decay for decay in one["decay"][i])]
            label = f"from {start:g}" if number == 0 else None
            searches.plot(path, color=COLOURS[colour], label=label, lw=0.8)
    searches.set(title="Searches", xlabel="Outer step", ylabel="Weight decay", yscale="log")
    searches.legend()
    for number, one in enumerate(result["grids"]):
        losses = [np.nan if loss is None else loss for loss in one["loss"]]
        label = "on a grid" if number == 0 else None
        grids.plot(one["decay"], losses, color=COLOURS["black"], lw=0.6, label=label)
        ends = [(path[-1], loss[-1]) for path, loss in zip(*by_start(result, number), strict=True)]
        shown = [end for end in ends if None not in end]
        label = "ends of searches" if number == 0 else None
        grids.plot(*zip(*shown, strict=True), "o", color=COLOURS["red"], label=label)
    grids.set(title="Where they end", xlabel="Weight decay", xscale="log")
    grids.set_ylabel("Loss on other rows (nats)")
    grids.legend()
    return figure


def by_start(result: dict[str, Any], number: int) -> tuple[list[Any], list[Any]]:
    one = result["searches"][number]
    return one["decay"], one["loss"]
