"""Figures of the study double_descent, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.double_descent import LABEL_NOISE, published_at

CIRCLES = {"mfc": "none", "mew": 0.4, "ms": 2, "clip_on": False}  # published values


@style()
def plot(result: dict[str, Any]) -> Figure:
    """The paper's three panels with its values as circles, and the test loss below them."""
    titles = {"a": "MLP\nNo label noise", "b": "MLP\nLabel noise", "c": "CNN\nLabel noise"}
    shown = result["panels"]
    figure, axes = panels(
        2, len(shown), width=2.2 * len(shown), height=3.6, sharex="col", squeeze=False
    )
    for column, (panel, found) in enumerate(shown.items()):
        top, bottom = axes[:, column]
        for split, colour, line in (("test", "blue", "-"), ("train", "orange", "--")):
            plot_band(top, found, f"{split}_error", COLOURS[colour], line, split.capitalize())
            seen = published_at(found, panel, f"{split}_error")
            top.plot(found["size"], seen, "o", color=COLOURS[colour], **CIRCLES)
        if panel != "a":
            top.axhline(100 * LABEL_NOISE, color=COLOURS["grey"], ls=":")
        top.set(title=titles[panel], xlim=(0, max(found["size"])), ylim=(0, 72))
        plot_band(bottom, found, "test_loss", COLOURS["blue"], "-", "Test")
        seen = published_at(found, panel, "test_loss")
        bottom.plot(found["size"], seen, "o", color=COLOURS["blue"], **CIRCLES)
        bottom.set(xlabel="Channels" if panel == "c" else "Hidden layer size", ylim=(0, None))
    axes[0, 0].set_ylabel("Classification error (%)")
    axes[1, 0].set_ylabel("Test loss")
    # without points, and not clipped, the layout would make room for it at the origin
    looks = {**CIRCLES, "clip_on": True}
    axes[0, 0].plot([], [], "o", color=COLOURS["grey"], label="Published", **looks)
    axes[0, 0].legend(loc="lower right", bbox_to_anchor=(1, 0.05))
    return figure


def plot_band(axis: Any, found: dict, name: str, colour: str, line: str, label: str) -> None:
    """Mean over the seeds, with a band of one standard deviation."""
    ours = [summarise(values) for values in found[name]]
    mean = np.array([o["mean"] for o in ours])
    std = np.array([o["std"] or 0 for o in ours])
    axis.plot(found["size"], mean, line, color=colour, label=label)
    axis.fill_between(found["size"], mean - std, mean + std, color=colour, alpha=0.25, lw=0)
