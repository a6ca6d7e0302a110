"""Figures of the study pooling, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter1d

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.pooling import METHODS, PUBLISHED, final, gain

LIMITS = {1000: (30, 85), 2000: (70, 92), 5000: (80, 100)}  # of the accuracy; (90, 100) above
NAMES = {
    "no_pool": "no pooling",
    "stride_2": "stride 2",
    "max_pool": "max pooling",
    "avg_pool": "average pooling",
    "l2_pool": "L2 pooling",
}
LINES = {
    "no_pool": {"color": COLOURS["black"]},
    "stride_2": {"color": COLOURS["black"], "linestyle": "--"},
    "max_pool": {"color": COLOURS["red"]},
    "avg_pool": {"color": COLOURS["green"]},
    "l2_pool": {"color": COLOURS["blue"]},
}


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Accuracy during training at every size, and what is left of it with equal passes."""
    sizes = [int(size) for size in result["equal_steps"]]
    rows = -(-len(sizes) // 3)
    figure, axes = panels(rows + 1, 3, width=7.5, height=1.9 * (rows + 1))
    for axis, size in zip(axes.flat, sizes, strict=False):
        plot_curves(axis, result, size)
    for axis in axes.flat[len(sizes) : 3 * rows]:
        axis.set_visible(False)
    axes.flat[0].legend(ncols=2)
    titles = {"equal_steps": "Equal steps", "equal_epochs": "Equal passes over the data"}
    for axis, (run, title) in zip(axes[-1], titles.items(), strict=False):
        for method, line in LINES.items():
            ends = [final(result, run, size, method) for size in sizes]
            plot_band(axis, sizes, ends, line, NAMES[method])
            if run == "equal_steps":
                seen = [PUBLISHED[size][METHODS.index(method)] for size in sizes]
                axis.plot(sizes, seen, "o", mfc="none", mew=0.5, color=line["color"])
        axis.set(title=title, xlabel="Training examples", xscale="log", ylim=(50, 100))
    axes[-1, 0].plot([], [], "o", mfc="none", mew=0.5, color=COLOURS["grey"], label="published")
    axes[-1, 0].legend()
    axes[-1, 0].set_ylabel("Test accuracy at the end (%)")
    for run, colour in (("equal_steps", "purple"), ("equal_epochs", "orange")):
        gains = [gain(result, run, size) for size in sizes]
        plot_band(axes[-1, 2], sizes, gains, {"color": COLOURS[colour]}, titles[run].lower())
    axes[-1, 2].axhline(0, color=COLOURS["grey"], lw=0.5)
    axes[-1, 2].set(title="Pooling over no pooling", xlabel="Training examples", xscale="log")
    axes[-1, 2].set_ylabel("Difference (points)")
    for axis in axes[-1]:
        axis.xaxis.set_major_formatter("{x:g}")
    axes[-1, 2].legend()
    return figure


@style()
def plot_three(result: dict[str, Any]) -> Figure:
    """The layout of the paper's main text: few, some and many examples."""
    sizes = [size for size in (1000, 5000, 50000) if str(size) in result["equal_steps"]]
    figure, axes = panels(1, len(sizes), width=9.6, height=2.4)
    for axis, size in zip(axes, sizes, strict=True):
        plot_curves(axis, result, size)
    axes[0].legend(ncols=2)
    return figure


def plot_curves(axis: Any, result: dict[str, Any], size: int) -> None:
    """Test accuracy over steps, smoothed as in the notebook; published ends as circles."""
    for method, line in LINES.items():
        entry = result["equal_steps"][str(size)][method]
        curves = gaussian_filter1d(np.array(entry["test_accuracy"]), 1, axis=0)
        plot_band(axis, entry["steps"], curves, line, NAMES[method])
        end = PUBLISHED[size][METHODS.index(method)]
        axis.plot(entry["steps"][-1], end, "o", mfc="none", mew=0.5, clip_on=False, **line)
    axis.set(title=f"{size} examples", xlabel="Training step", ylabel="Test accuracy (%)")
    axis.set(xlim=(0, entry["steps"][-1]), ylim=LIMITS.get(size, (90, 100)))


def plot_band(axis: Any, x: Any, values: Any, line: dict[str, Any], label: str) -> None:
    """Mean over the last axis of `values` with a band of one standard deviation."""
    mean, std = np.mean(values, axis=1), np.std(values, axis=1, ddof=1)
    axis.plot(x, mean, label=label, **line)
    axis.fill_between(x, mean - std, mean + std, color=line["color"], alpha=0.2, lw=0)
