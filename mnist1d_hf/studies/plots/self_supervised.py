"""Figures of the study self_supervised, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.self_supervised import ISOLATED, METHODS, PUBLISHED


@style()
def plot(result: dict[str, Any]) -> Figure:
    """The paper's two panels, the purity of each class, and the curves for few labels."""
    figure, axes = panels(1, 4, width=9, height=2.2)
    _plot_picture(axes[0], result["picture"])
    lines = {"default": "o-", "none": "s--", "deep": "^-."}
    labels = {"default": "default projector", "none": "no projector", "deep": "deep projector"}
    colours = (COLOURS["blue"], COLOURS["red"], COLOURS["green"])
    for number, ((name, line), colour) in enumerate(zip(lines.items(), colours, strict=True)):
        found = result["variants"][name]["linear"]
        x = np.arange(len(found)) + 0.12 * (number - 1)  # side by side
        _errorbar(axes[1], x, found, line, color=colour, label=labels[name])
        axes[1].plot(x, PUBLISHED[name], line[0], mfc="none", mew=0.5, ms=5, color=colour)
    axes[1].plot([], [], "o", mfc="none", mew=0.5, ms=5, color=COLOURS["grey"], label="published")
    axes[1].set(title="Which layer", xlabel="Layer (0: the signal)", xticks=range(8))
    axes[1].set(ylabel="Accuracy of a linear classifier (%)", ylim=(10, 90))
    axes[1].legend(loc="lower right")
    found = result["variants"]["default"]["purity"]
    bars = [COLOURS["blue"] if c in ISOLATED else COLOURS["grey"] for c in range(10)]
    means, spread = ([f[key] or 0 for f in found] for key in ("mean", "std"))
    axes[2].bar(range(10), means, yerr=spread, color=bars, error_kw={"lw": 0.6})
    isolated, others = (Patch(color=COLOURS[shade]) for shade in ("blue", "grey"))
    axes[2].legend([isolated, others], ["isolated in the paper", "others"], ncols=2)
    axes[2].set(title="Neighbours after the projector", xlabel="Class", xticks=range(10))
    axes[2].set(ylabel="Of the same class (%)", ylim=(0, 115), yticks=range(0, 101, 20))
    shots = result["few_labels"]["labels_per_class"]
    for method, line in zip(METHODS, ("o-", "s--", "^-."), strict=True):
        _errorbar(axes[3], shots, result["few_labels"][method], line, label=method)
    axes[3].set(title="With few labels", xlabel="Labels per class", ylabel="Test accuracy (%)")
    axes[3].set(xscale="log", xticks=shots, xticklabels=shots)
    axes[3].minorticks_off()
    axes[3].legend()
    return figure


def _plot_picture(axis: Any, picture: dict[str, Any]) -> None:
    points, classes = (np.asarray(picture[key]) for key in ("points", "classes"))
    axis.scatter(*points.T, s=1, c=classes, cmap="tab10", linewidths=0, rasterized=True)
    for digit in range(10):
        middle = np.median(points[classes == digit], axis=0)
        text = axis.text(*middle, str(digit), fontsize=8, ha="center", va="center")
        text.set(fontweight="bold", path_effects=[withStroke(linewidth=1.5, foreground="white")])
    axis.set_aspect("equal", adjustable="datalim")
    axis.set_title("After the projector (t-SNE)")
    axis.axis("off")


def _errorbar(axis: Any, x: Any, found: list[dict[str, Any]], line: str, **kwargs: Any) -> None:
    spread = [f["std"] or 0 for f in found]
    axis.errorbar(x, [f["mean"] for f in found], spread, fmt=line, elinewidth=0.6, **kwargs)
