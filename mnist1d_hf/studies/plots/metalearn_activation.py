"""Figures of the study metalearn_activation, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.metalearn_activation import PUBLISHED


@style()
def plot(result: dict[str, Any]) -> Figure:
    """The objective and the tests of all searches, seed 0 black; its functions; all functions."""
    figure, axes = panels(1, 4, width=9.2, height=2.3)
    for axis, name, entry in ((axes[0], "objective", 0), (axes[1], "test_accuracy", 1)):
        for trace in result["searches"][1:]:
            axis.plot(trace[name], color=COLOURS["grey"], lw=0.5)
        axis.plot([], [], color=COLOURS["grey"], lw=0.5, label="other seeds and data")
        axis.plot(result["searches"][0][name], color=COLOURS["black"], label="seed 0")
        steps = [step for step in PUBLISHED if step < len(result["searches"][0][name])]
        seen = [PUBLISHED[step][entry] for step in steps]
        axis.plot(steps, seen, "o", mfc="none", color=COLOURS["red"], label="published")
        axis.set(xlabel="Outer step")
        axis.legend()
    axes[0].set(title="Outer objective", ylabel="Mean of the last 200 training losses")
    axes[1].set(title="Accuracy", ylabel="Right, of 500 test examples (%)")
    _plot_functions(axes[2], axes[3], result)
    return figure


def _plot_functions(way: Any, ends: Any, result: dict[str, Any]) -> None:
    x = np.linspace(-5, 5, 101)
    shapes = result["searches"][0]["shapes"]
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(shapes["y"])))
    labelled = np.linspace(0, len(shapes["y"]) - 1, 6).astype(int)
    for k, (step, y, colour) in enumerate(zip(shapes["step"], shapes["y"], colours, strict=True)):
        way.plot(x, y, color=colour, lw=0.7, label=f"step {step}" if k in labelled else None)
    for axis in (way, ends):
        axis.axhline(0, color=COLOURS["grey"], lw=0.5, zorder=0)
        axis.axvline(0, color=COLOURS["grey"], lw=0.5, zorder=0)
        axis.set(xlim=(-5, 5), ylim=(-1.5, 4), xlabel="x")
    way.set(title="Learned activation, seed 0")
    ends.set(ylim=(-3.2, 4))
    for trace in result["searches"][1:]:
        ends.plot(x, trace["shapes"]["y"][-1], color=COLOURS["grey"], lw=0.7)
    ends.plot([], [], color=COLOURS["grey"], lw=0.7, label="other seeds")
    ends.plot(x, shapes["y"][-1], color=COLOURS["black"], label="seed 0")
    line = result["lines"][0]
    bends = sum(c * np.maximum(x - k, 0) for k, c in zip(line["knots"], line["kinks"], strict=True))
    fitted = line["intercept"] + line["slope"] * x + bends
    ends.plot(x, fitted, "--", color=COLOURS["red"], label="its piecewise-linear fit")
    ends.plot(x, x / (1 + np.exp(-x)), ":", color=COLOURS["blue"], label="swish")
    ends.set(title="Where all searches end")
    for axis in (way, ends):
        axis.legend(loc="upper left")
