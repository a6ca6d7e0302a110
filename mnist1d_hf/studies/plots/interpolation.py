"""Figures of the study interpolation, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.interpolation import LOSSES


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Errors over parameters per example, by loss and K, and the thresholds over n."""
    curves = result["curves"]
    losses = list(dict.fromkeys(curve["loss"] for curve in curves))
    classes = list(dict.fromkeys(curve["classes"] for curve in curves))
    columns = max(len(classes), len(losses) + 1)
    rows = len(losses) + 1
    figure, axes = panels(rows, columns, width=2.4 * columns, height=1.9 * rows, squeeze=False)
    for axis in axes.flat:
        axis.set_visible(False)
    for row, loss in enumerate(losses):
        for column, count in enumerate(classes):
            chosen = [c for c in curves if (c["loss"], c["classes"]) == (loss, count)]
            axes[row, column].set_visible(True)
            _plot_errors(axes[row, column], chosen, loss, count)
        axes[row, 0].set_ylabel("Error (%)")
    axes[0, 0].plot([], [], "--", color=COLOURS["grey"], label="train")
    axes[0, 0].legend(fontsize=5)
    for column, loss in enumerate(losses):
        axes[-1, column].set_visible(True)
        _plot_thresholds(axes[-1, column], [c for c in curves if c["loss"] == loss], loss)
    axes[-1, len(losses)].set_visible(True)
    _plot_exponents(axes[-1, len(losses)], result["fits"])
    return figure


SHADES = ("sky", "blue", "purple", "red")


def _plot_errors(axis: Any, curves: list[dict[str, Any]], loss: str, classes: int) -> None:
    for curve, shade in zip(curves, SHADES, strict=False):
        x = np.array(curve["parameters"]) / curve["train_size"]
        colour = COLOURS[shade]
        axis.plot(x, np.mean(curve["train_error"], axis=1), "--", color=colour)
        test = np.array(curve["test_error"])
        axis.plot(x, test.mean(1), color=colour, label=f"n = {curve['train_size']}")
        std = test.std(1, ddof=1)
        low, high = test.mean(1) - std, test.mean(1) + std
        axis.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
    axis.axvline(classes if loss == "mse" else 1, color=COLOURS["grey"], ls=":")
    axis.set(title=f"{LOSSES[loss]}, {classes} classes", xscale="log", ylim=(0, None))
    axis.set(xlabel="Parameters per example")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("")


def _plot_thresholds(axis: Any, curves: list[dict[str, Any]], loss: str) -> None:
    colours = dict(zip(sorted({c["classes"] for c in curves}), SHADES[1:], strict=False))
    for classes, shade in colours.items():
        chosen = [c for c in curves if c["classes"] == classes]
        n = np.array([c["train_size"] for c in chosen])
        for curve in chosen:
            shown = [value for value in curve["threshold"] if value is not None]
            axis.plot([curve["train_size"]] * len(shown), shown, ".", color=COLOURS[shade])
        axis.plot(n, n * (classes if loss == "mse" else 1), ":", color=COLOURS[shade])
        axis.plot([], [], ".", color=COLOURS[shade], label=f"K = {classes}")
    axis.plot([], [], ":", color=COLOURS["grey"], label="n K" if loss == "mse" else "n")
    axis.set(title=f"Threshold, {LOSSES[loss]}", xscale="log", yscale="log")
    axis.set(xlabel="Training examples n", ylabel="Parameters")
    sizes = sorted({c["train_size"] for c in curves})
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.yaxis.set_major_formatter("{x:,.0f}")
    for ticks in (axis.xaxis, axis.yaxis):
        ticks.set_minor_formatter("")
    axis.legend(fontsize=5)


def _plot_exponents(axis: Any, fits: dict[str, Any]) -> None:
    ticks: list[str] = []
    for loss, by_marker in fits.items():
        for marker, law in by_marker.items():
            if law:
                y = len(ticks)
                for name, shade, shift in (("b", "blue", 0.12), ("c", "red", -0.12)):
                    error, colour = 2 * law[f"{name}_error"], COLOURS[shade]
                    axis.errorbar(law[name], y + shift, xerr=error, fmt=".", color=colour)
                ticks.append(f"{LOSSES[loss]} {marker.replace('_', ' ')}")
    axis.plot([], [], ".", color=COLOURS["blue"], label="of n")
    axis.plot([], [], ".", color=COLOURS["red"], label="of K")
    axis.set_yticks(range(len(ticks)), ticks)
    for value in (0, 1):
        axis.axvline(value, color=COLOURS["grey"], ls=":")
    axis.set(title="Exponent ± 2 standard errors", ylim=(-0.5, max(len(ticks), 1) - 0.5))
    axis.legend()
