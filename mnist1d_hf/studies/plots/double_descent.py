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
    """Errors (a to c) and test loss (d to f) over the size of the network. The paper's three panels
    with its values as circles, and below them the test loss. Lines are means over the runs, bands
    one standard deviation. The dotted line is the share of training labels that are wrong: a
    network whose training error is below it has learned wrong labels by heart.
    """
    titles = {"a": "MLP, true labels", "b": "MLP, 15 % wrong labels", "c": "CNN, 15 % wrong labels"}
    shown = result["panels"]
    figure, axes = panels(
        2, len(shown), width=6.5, height=3.8, sharex="col", sharey="row", squeeze=False
    )
    for column, (panel, found) in enumerate(shown.items()):
        top, bottom = axes[:, column]
        for split, colour, line in (("test", "blue", "-"), ("train", "orange", "--")):
            plot_band(
                top,
                found,
                f"{split}_error",
                COLOURS[colour],
                line,
                {"test": "test rows", "train": "training rows"}[split],
            )
            seen = published_at(found, panel, f"{split}_error")
            top.plot(found["size"], seen, "o", color=COLOURS[colour], **CIRCLES)
        if panel != "a":
            top.axhline(100 * LABEL_NOISE, color=COLOURS["black"], ls=":", lw=0.7)
        top.set(title=titles[panel], xlim=(0, max(found["size"])), ylim=(0, 72))
        plot_band(bottom, found, "test_loss", COLOURS["blue"], "-", "test rows")
        seen = published_at(found, panel, "test_loss")
        bottom.plot(found["size"], seen, "o", color=COLOURS["blue"], **CIRCLES)
        bottom.set(xlabel="Channels" if panel == "c" else "Hidden units")
    axes[0, 0].set_ylabel("Error (%)")
    axes[1, 0].set(ylabel="Test cross-entropy (nats)", ylim=(0, None))
    # without points, and not clipped, the layout would make room for it at the origin
    looks = {**CIRCLES, "clip_on": True}
    first = axes[0, 0]
    first.plot([], [], "o", color=COLOURS["grey"], label="published", **looks)
    first.plot([], [], ":", color=COLOURS["black"], lw=0.7, label="wrong training labels")
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def plot_band(axis: Any, found: dict, name: str, colour: str, line: str, label: str) -> None:
    """Mean over the seeds, with a band of one standard deviation."""
    ours = [summarise(values) for values in found[name]]
    mean = np.array([o["mean"] for o in ours])
    std = np.array([o["std"] or 0 for o in ours])
    axis.plot(found["size"], mean, line, color=colour, label=label)
    axis.fill_between(found["size"], mean - std, mean + std, color=colour, alpha=0.25, lw=0)
