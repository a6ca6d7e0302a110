"""Figures of the study of the optimum."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, MODEL_COLOURS, panels, style

NAMES = {
    **{"logistic": "logistic", "mlp": "MLP", "cnn": "CNN"},
    **{"gru": "GRU", "tcn": "TCN", "transformer": "Transformer"},
}
AXES = {
    "iid_noise_scale": "standard deviation of independent noise",
    "corr_noise_scale": "standard deviation of correlated noise",
    "max_translation": "number of possible shifts",
    "final_seq_length": "length of a signal",
}
LOGARITHMIC = {"iid_noise_scale", "corr_noise_scale"}
HUMAN = 95.8  # on default: the author's 500 answers (building-mnist1d.ipynb)


@style()
def plot(result: Mapping[str, Any]) -> Figure:
    """Models under the ceiling over independent noise."""
    figure, (axis,) = panels(width=4.2, height=2.6)
    name = "iid_noise_scale"
    plot_dial(axis, name, result["dials"].get(name, []))
    axis.plot(0.02, HUMAN, "D", color=COLOURS["sky"], markersize=4, label="human", zorder=5)
    axis.set_title("No classifier can be above the line of the optimum")
    axis.legend(loc="lower left", ncols=2)
    return figure


@style()
def plot_dials(result: Mapping[str, Any]) -> Figure:
    """The same over every dial that was varied."""
    dials = result["dials"]
    figure, axes = panels(1, len(dials), width=1.75 * len(dials), height=2.2, sharey=True)
    for axis, (name, points) in zip(axes, dials.items(), strict=True):
        plot_dial(axis, name, points)
        axis.set_title(name)
        if axis is not axes[0]:
            axis.set_ylabel("")
    axes[0].legend(loc="lower left")
    return figure


def plot_dial(axis: Axes, name: str, points: list[Mapping[str, Any]]) -> None:
    """Accuracy of the optimum and of each model, mean and one standard deviation."""
    values = [point["overrides"][name] for point in points]
    if name in LOGARITHMIC:
        axis.set_xscale("log")
    axis.set_xticks(values, [f"{value:g}" for value in values])
    axis.minorticks_off()
    ceiling = [point["expected"] for point in points]
    axis.plot(values, ceiling, color=COLOURS["grey"], linewidth=2.5, label="optimum")
    models = [m for m in NAMES if all(m in point["models"] for point in points)]
    for model in models:
        found = [point["models"][model]["accuracy"] for point in points]
        mean = np.array([one["mean"] for one in found])
        spread = np.array([one["std"] or 0.0 for one in found])
        colour = MODEL_COLOURS[model]
        axis.plot(values, mean, ".-", label=NAMES[model], color=colour)
        axis.fill_between(
            values, mean - spread, mean + spread, alpha=0.2, linewidth=0, color=colour
        )
    axis.set_xlabel(AXES[name])
    axis.set_ylabel("test accuracy, %")
    axis.set_ylim(0, 102)


@style()
def plot_learning(result: Mapping[str, Any]) -> Figure:
    """Error above the optimum over training examples on noisy; labels, and exact probabilities."""
    figure, axes = panels(1, 2, width=6.0, height=2.4)
    ceiling = result["configs"]["noisy"]["expected"]
    lines: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for entry in result["learning"]:
        if entry["rows"]:
            lines.setdefault((entry["model"], entry["targets"]), []).append(entry)
    both = {model for model, targets in lines if targets == "posterior"}
    for (model, targets), entries in lines.items():
        rows = [entry["rows"] for entry in entries]
        above = ceiling - np.array([entry["accuracy"]["mean"] for entry in entries])
        look = {"color": MODEL_COLOURS[model], "linestyle": ":" if targets == "posterior" else "-"}
        if targets == "labels":
            axes[0].plot(rows, above, marker=".", label=NAMES[model], **look)
        if model in both:
            axes[1].plot(rows, above, marker=".", label=f"{NAMES[model]}, {targets}", **look)
    titles = ("trained on labels", "labels, or exact probabilities")
    for axis, title in zip(axes, titles, strict=True):
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("training examples")
        axis.set_ylabel("error above the optimum, points")
        axis.set_title(title)
        if axis.lines:
            axis.legend()
    return figure


@style()
def plot_rows(result: Mapping[str, Any]) -> Figure:
    """The published test rows that are truly ambiguous, with the exact probabilities."""
    rows = result["frozen"]["ambiguous"] or [None]
    figure, axes = panels(2, len(rows), width=max(2.0, 1.4 * len(rows)), height=2.6)
    axes = np.asarray(axes).reshape(2, len(rows))
    for (above, below), row in zip(axes.T, rows, strict=True):
        if row is None:
            above.set_title("no row is ambiguous")
            continue
        above.plot(row["x"], color=COLOURS["black"])
        above.set_title(f"row {row['row']}, a {row['label']}")
        above.set_xlabel("position")
        above.set_ylabel("x, standard deviations")
        colours = [COLOURS["orange"] if d == row["label"] else COLOURS["sky"] for d in range(10)]
        below.bar(range(10), row["posterior"], color=colours)
        below.set_xticks(range(10))
        below.set_ylim(0, 1)
        below.set_xlabel("digit")
        below.set_ylabel("exact probability")
    return figure
