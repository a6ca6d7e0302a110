"""Figures of the study interpolation, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.interpolation import LOSSES, reach

SHADES = ("sky", "blue", "purple", "red")


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Training error (dashed) and test error (solid) over parameters per training example. By loss
    (rows) and number of classes K (columns, each with one range), for n training examples: means
    over the runs, with bands of one standard deviation. Dotted: where the retracted claim puts the
    threshold, at n parameters with NLL and at n K with MSE.
    """
    curves = result["curves"]
    losses = list(dict.fromkeys(curve["loss"] for curve in curves))
    classes = list(dict.fromkeys(curve["classes"] for curve in curves))
    figure, axes = panels(
        len(losses),
        len(classes),
        height=0.4 + 1.8 * len(losses),
        sharex=True,
        sharey="col",
        squeeze=False,
    )
    for row, loss in enumerate(losses):
        for column, count in enumerate(classes):
            chosen = [c for c in curves if (c["loss"], c["classes"]) == (loss, count)]
            _plot_errors(axes[row, column], chosen, loss, count)
        axes[row, 0].set_ylabel("Error (%)")
    for axis in axes[-1]:
        axis.set(xlabel="Parameters per example", ylim=(0, None))
    axes[0, 0].plot([], [], "--", color=COLOURS["grey"], label="training error")
    axes[0, 0].plot([], [], ":", color=COLOURS["black"], label="claimed threshold")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), columnspacing=1)
    return figure


@style()
def plot_thresholds(result: dict[str, Any]) -> Figure:
    """How many parameters it takes to fit all training labels. A dot is the threshold of one run (a
    and b, in one range), dotted lines are the retracted claim; c has the exponents b and c of the
    fitted laws: parameters = a n^b K^c, with 95 % intervals, for the thresholds of error and loss
    and for the peaks of both on the test rows. The claim is 1 for n, and for K it is 0
    with NLL and 1 with MSE.
    """
    curves = result["curves"]
    losses = list(dict.fromkeys(curve["loss"] for curve in curves))
    figure, axes = panels(1, len(losses) + 1, height=2.5)
    for axis, loss in zip(axes, losses, strict=False):
        if axis is not axes[0]:
            axis.sharey(axes[0])
        _plot_thresholds(axis, [c for c in curves if c["loss"] == loss], loss)
    axes[0].set_ylabel("Parameters")
    _plot_exponents(axes[-1], result["fits"])
    return figure


def _plot_errors(axis: Axes, curves: list[dict[str, Any]], loss: str, classes: int) -> None:
    for curve, shade in zip(curves, SHADES, strict=False):
        x = np.array(curve["parameters"]) / curve["train_size"]
        colour = COLOURS[shade]
        axis.plot(x, np.mean(curve["train_error"], axis=1), "--", color=colour)
        test = np.array(curve["test_error"])
        axis.plot(x, test.mean(1), color=colour, label=f"n = {curve['train_size']:,}")
        std = test.std(1, ddof=1)
        low, high = test.mean(1) - std, test.mean(1) + std
        axis.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
    axis.axvline(classes if loss == "mse" else 1, color=COLOURS["black"], ls=":")
    axis.set(title=f"{LOSSES[loss]}, K = {classes}", xscale="log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("")


def _plot_thresholds(axis: Axes, curves: list[dict[str, Any]], loss: str) -> None:
    """Dots in the colour of their K; the claim in that colour where it depends on K."""
    colours = dict(zip(sorted({c["classes"] for c in curves}), SHADES[1:], strict=False))
    for classes, shade in colours.items():
        chosen = [c for c in curves if c["classes"] == classes]
        for curve in chosen:
            shown = [value for value in curve["threshold"] if value is not None]
            axis.plot([curve["train_size"]] * len(shown), shown, ".", color=COLOURS[shade])
        if loss == "mse":
            n = np.array([c["train_size"] for c in chosen])
            axis.plot(n, n * classes, ":", color=COLOURS[shade])
    sizes = sorted({c["train_size"] for c in curves})
    if loss == "mse":
        axis.plot([], [], ":", color=COLOURS["grey"], label="n K, by colour")
    else:
        for classes, shade in colours.items():
            axis.plot([], [], ".", color=COLOURS[shade], label=f"K = {classes}")
        axis.plot(sizes, sizes, ":", color=COLOURS["black"], label="n")
    axis.set(title=f"Threshold, {LOSSES[loss]}", xscale="log", yscale="log")
    axis.set(xlabel="Training examples n")
    axis.set_xticks(sizes, [f"{size / 1000:g}k" for size in sizes])
    axis.yaxis.set_major_formatter("{x:,.0f}")
    for ticks in (axis.xaxis, axis.yaxis):
        ticks.set_minor_formatter("")
    axis.legend(loc="upper left" if loss != "mse" else "lower right", handlelength=1.2)


def _plot_exponents(axis: Axes, fits: dict[str, Any]) -> None:
    ticks: list[str] = []
    for loss, by_marker in fits.items():
        for marker, law in by_marker.items():
            if law:
                y = len(ticks)
                for name, shade, shift in (("b", "blue", 0.12), ("c", "red", -0.12)):
                    half, colour = reach(law, name), COLOURS[shade]
                    axis.errorbar(law[name], y + shift, xerr=half, fmt=".", color=colour)
                ticks.append(f"{LOSSES[loss]} {marker.replace('_', ' ')}")
    axis.plot([], [], ".", color=COLOURS["blue"], label="of n")
    axis.plot([], [], ".", color=COLOURS["red"], label="of K")
    axis.set_yticks(range(len(ticks)), ticks)
    for value in (0, 1):
        axis.axvline(value, color=COLOURS["grey"], ls=":")
    axis.set(title="Exponents", xlabel="Exponent", ylim=(-0.5, max(len(ticks), 1) - 0.5))
    axis.legend(loc="lower right", handlelength=1)
