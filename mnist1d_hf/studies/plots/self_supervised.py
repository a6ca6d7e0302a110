"""Figures of the study self_supervised, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from mnist1d_hf.figures.style import COLOURS, DIGIT_COLOURS, panels, style
from mnist1d_hf.studies.rules.self_supervised import ISOLATED, LABELS, METHODS, PUBLISHED


@style()
def plot(result: dict[str, Any]) -> Figure:
    """What a network learns without labels. a: the signals after the projector of one run, in the
    colours of their digits. b: accuracy of a linear classifier on every layer of three networks,
    published values as open marks. c: how many of the ten nearest neighbours after the projector
    have the same digit. d: test accuracy when few rows have labels. Means over the runs, with bars
    of one standard deviation.
    """
    figure, axes = panels(2, 2, height=5.0)
    (picture, layers), (purity, few) = axes
    _plot_picture(picture, result["picture"])
    lines = {"default": "o-", "none": "s--", "deep": "^-."}
    colours = (COLOURS["blue"], COLOURS["red"], COLOURS["green"])
    for number, ((name, line), colour) in enumerate(zip(lines.items(), colours, strict=True)):
        found = result["variants"][name]["linear"]
        x = np.arange(len(found)) + 0.12 * (number - 1)  # side by side
        _errorbar(layers, x, found, line, color=colour, label=LABELS[name])
        layers.plot(x, PUBLISHED[name], line[0], mfc="none", mew=0.5, ms=5, color=colour)
    layers.plot([], [], "o", mfc="none", mew=0.5, ms=5, color=COLOURS["grey"], label="published")
    layers.set(title="Which layer", xlabel="Layer (0: the signal)", xticks=range(8))
    layers.set(ylabel="Linear accuracy (%)", ylim=(10, 90))
    layers.legend(loc="lower right")
    found = result["variants"]["default"]["purity"]
    means, spread = ([f[key] or 0 for f in found] for key in ("mean", "std"))
    bars = purity.bar(range(10), means, yerr=spread, color=DIGIT_COLOURS, error_kw={"lw": 0.6})
    for digit in ISOLATED:
        bars[digit].set(edgecolor=COLOURS["black"], linewidth=1)
    isolated = Patch(facecolor="none", edgecolor=COLOURS["black"])
    purity.legend([isolated], ["isolated in the paper"], loc="upper left")
    purity.set(title="Neighbours after the projector", xlabel="Digit", xticks=range(10))
    purity.set(ylabel="Of the same digit (%)", ylim=(0, 115), yticks=range(0, 101, 20))
    shots = result["few_labels"]["labels_per_class"]
    for method, line in zip(METHODS, ("o-", "s--", "^-."), strict=True):
        _errorbar(few, shots, result["few_labels"][method], line, label=method)
    few.set(title="With few labels", xlabel="Labels per digit", ylabel="Test accuracy (%)")
    few.set(xscale="log", xticks=shots, xticklabels=shots)
    few.minorticks_off()
    few.legend()
    return figure


def _plot_picture(axis: Axes, picture: dict[str, Any]) -> None:
    points, classes = (np.asarray(picture[key]) for key in ("points", "classes"))
    colours = [DIGIT_COLOURS[c] for c in classes]
    axis.scatter(points[:, 0], points[:, 1], s=2, c=colours, linewidths=0, rasterized=True)
    for digit in range(10):
        middle = np.median(points[classes == digit], axis=0)
        text = axis.text(middle[0], middle[1], str(digit), fontsize=8, ha="center", va="center")
        text.set(fontweight="bold", path_effects=[withStroke(linewidth=1.5, foreground="white")])
    axis.set_aspect("equal", adjustable="datalim")
    axis.set_title("After the projector (t-SNE)")
    axis.axis("off")


def _errorbar(axis: Axes, x: Any, found: list[dict[str, Any]], line: str, **kwargs: Any) -> None:
    spread = [f["std"] or 0 for f in found]
    axis.errorbar(x, [f["mean"] for f in found], spread, fmt=line, elinewidth=0.6, **kwargs)
