"""Figures of the study pooling, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter1d

from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.pooling import METHODS, PUBLISHED, final, gain

SMALL, LIMITS = 5000, ((30, 100), (88, 99))  # up to so many examples the first range of accuracy
NAMES = {
    "no_pool": "no pooling",
    "stride_2": "stride 2",
    "max_pool": "max pooling",
    "avg_pool": "average pooling",
    "l2_pool": "L2 pooling",
}
LINES: dict[str, dict[str, Any]] = {
    "no_pool": {"color": COLOURS["black"]},
    "stride_2": {"color": COLOURS["black"], "linestyle": "--"},
    "max_pool": {"color": COLOURS["red"]},
    "avg_pool": {"color": COLOURS["green"]},
    "l2_pool": {"color": COLOURS["blue"]},
}


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Five ways to shorten a signal, by the number of training examples. Test accuracy during
    training, smoothed as in the notebook; each row of panels has one range. Lines are means over
    the runs, bands one standard deviation, and circles the published ends.
    """
    sizes = [int(size) for size in result["equal_steps"]]
    rows = -(-len(sizes) // 3)
    figure, axes = panels(rows, 3, height=0.4 + 1.8 * rows, sharey="row", squeeze=False)
    for axis, size in zip(axes.flat, sizes, strict=False):
        plot_curves(axis, result, size)
    for axis in axes.flat[len(sizes) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("Test accuracy (%)")
    name_methods(figure, axes[0, 0])
    return figure


@style()
def plot_ends(result: dict[str, Any]) -> Figure:
    """What pooling gains, over the number of training examples. Test accuracy after equally many
    steps (a) and after equally many passes over the data (b), in one range, and the mean of the
    three ways of pooling minus no pooling (c); squares are of runs that differ in their rows, too.
    Lines are means over the runs, bands and bars one standard deviation, and circles published
    values.
    """
    sizes = [int(size) for size in result["equal_steps"]]
    figure, axes = panels(1, 3, height=2.5)
    titles = {"equal_steps": "Equal steps", "equal_epochs": "Equal passes"}
    for axis, (run, title) in zip(axes, titles.items(), strict=False):
        for method, line in LINES.items():
            ends = [final(result, run, size, method) for size in sizes]
            plot_band(axis, sizes, ends, line, NAMES[method])
            if run == "equal_steps":
                seen = [PUBLISHED[size][METHODS.index(method)] for size in sizes]
                axis.plot(sizes, seen, "o", mfc="none", mew=0.5, color=line["color"])
        axis.set(title=title, ylim=(50, 100), ylabel="Test accuracy (%)")
    for (run, title), colour in zip(titles.items(), ("purple", "orange"), strict=True):
        gains = [gain(result, run, size) for size in sizes]
        plot_band(axes[2], sizes, gains, {"color": COLOURS[colour]}, title.lower())
    if others := [int(size) for size in result.get("other_data", {})]:
        found = [summarise(gain(result, "other_data", size)) for size in others]
        means, spread = [one["mean"] for one in found], [one["std"] or 0 for one in found]
        label = "equal steps, other data"
        axes[2].errorbar(others, means, spread, fmt="s", ms=4, color=COLOURS["black"], label=label)
    axes[2].axhline(0, color=COLOURS["grey"], lw=0.5)
    axes[2].set(title="Gain", ylabel="Accuracy gained (points)")
    axes[2].legend()
    for axis in axes:
        axis.set(xlabel="Training examples", xscale="log")
        axis.set_xticks(sizes, [f"{size // 1000}k" for size in sizes])
        axis.minorticks_off()
    name_methods(figure, axes[0])
    return figure


def name_methods(figure: Figure, axis: Axes) -> None:
    """A legend below the panels of the methods, whose lines are in `axis`."""
    axis.plot([], [], "o", mfc="none", mew=0.5, color=COLOURS["grey"], label="published")
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), columnspacing=1)


def plot_curves(axis: Axes, result: dict[str, Any], size: int) -> None:
    """Test accuracy over steps, smoothed as in the notebook; published ends as circles."""
    for method, line in LINES.items():
        entry = result["equal_steps"][str(size)][method]
        curves = gaussian_filter1d(np.array(entry["test_accuracy"]), 1, axis=0)
        plot_band(axis, entry["steps"], curves, line, NAMES[method])
        end = PUBLISHED[size][METHODS.index(method)]
        axis.plot(entry["steps"][-1], end, "o", mfc="none", mew=0.5, clip_on=False, **line)
    axis.set(title=f"{size:,} examples", xlabel="Training step")
    axis.set(xlim=(0, entry["steps"][-1]), ylim=LIMITS[size > SMALL])


def plot_band(axis: Axes, x: Any, values: Any, line: dict[str, Any], label: str) -> None:
    """Mean over the last axis of `values` with a band of one standard deviation."""
    mean, std = np.mean(values, axis=1), np.std(values, axis=1, ddof=int(np.shape(values)[1] > 1))
    axis.plot(x, mean, label=label, **line)
    axis.fill_between(x, mean - std, mean + std, color=line["color"], alpha=0.2, lw=0)
