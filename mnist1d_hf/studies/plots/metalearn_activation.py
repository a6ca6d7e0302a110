"""Figures of the study metalearn_activation, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.metalearn_activation import PUBLISHED


@style()
def plot(result: dict[str, Any]) -> Figure:
    """The search for an activation function, and the functions it finds. a, b: objective and
    accuracy of every search over its steps, the published one (seed 0) in black with its published
    values as circles. c: the function of seed 0 on its way. d: where all searches end, with a
    piecewise-linear fit of that of seed 0, and swish. Each line is one search; there are no
    averages.
    """
    figure, axes = panels(2, 2, height=4.6)
    (objective, accuracy), (way, ends) = axes
    for axis, name, entry in ((objective, "objective", 0), (accuracy, "test_accuracy", 1)):
        for trace in result["searches"][1:]:
            axis.plot(trace[name], color=COLOURS["grey"], lw=0.5)
        axis.plot([], [], color=COLOURS["grey"], lw=0.5, label="other seeds and data")
        axis.plot(result["searches"][0][name], color=COLOURS["black"], label="seed 0")
        steps = [step for step in PUBLISHED if step < len(result["searches"][0][name])]
        seen = [PUBLISHED[step][entry] for step in steps]
        axis.plot(steps, seen, "o", mfc="none", color=COLOURS["red"], label="published")
        axis.set(xlabel="Outer step")
        axis.legend()
    objective.set(title="Objective: mean of the last training losses", ylabel="Loss (nats)")
    accuracy.set(title="Accuracy on 500 test examples", ylabel="Accuracy (%)")
    _plot_functions(way, ends, result)
    return figure


def _plot_functions(way: Axes, ends: Axes, result: dict[str, Any]) -> None:
    x = np.linspace(-5, 5, 101)
    shapes = result["searches"][0]["shapes"]
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(shapes["y"])))
    labelled = np.linspace(0, len(shapes["y"]) - 1, 6).astype(int)
    for k, (step, y, colour) in enumerate(zip(shapes["step"], shapes["y"], colours, strict=True)):
        way.plot(x, y, color=colour, lw=0.7, label=f"step {step}" if k in labelled else None)
    for axis in (way, ends):
        axis.axhline(0, color=COLOURS["grey"], lw=0.5, zorder=0)
        axis.axvline(0, color=COLOURS["grey"], lw=0.5, zorder=0)
        axis.set(xlim=(-5, 5), ylim=(-3.2, 4), xlabel="Input x", ylabel="Activation f(x)")
    way.set(title="Learned activation, seed 0")
    for trace in result["searches"][1:]:
        ends.plot(x, trace["shapes"]["y"][-1], color=COLOURS["grey"], lw=0.7)
    ends.plot([], [], color=COLOURS["grey"], lw=0.7, label="other seeds and data")
    ends.plot(x, shapes["y"][-1], color=COLOURS["black"], label="seed 0")
    line = result["lines"][0]
    bends = sum(c * np.maximum(x - k, 0) for k, c in zip(line["knots"], line["kinks"], strict=True))
    fitted = line["intercept"] + line["slope"] * x + bends
    ends.plot(x, fitted, "--", color=COLOURS["red"], label="its piecewise-linear fit")
    ends.plot(x, x / (1 + np.exp(-x)), ":", color=COLOURS["blue"], label="swish")
    ends.set(title="Where all searches end")
    way.legend(loc="upper left", ncols=2, columnspacing=1)
    ends.legend(loc="upper left")
