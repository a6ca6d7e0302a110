"""Figures of the study classification, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d_hf.evidence.published import HUMAN, NAMES
from mnist1d_hf.figures.style import COLOURS, MODEL_COLOURS, panels, style
from mnist1d_hf.studies.rules.classification import human_errors


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Figure 2 of the paper with six models: accuracy during training. Means over the runs with
    bands of one standard deviation, on plain signals (solid) and on shuffled ones (dashed). A dot
    is the end of a training: the paper's four models take 6000 steps, while the recipes of TCN and
    Transformer let the learning rate fall to zero in 1500 and 3000 steps.
    """
    figure, (training, test) = panels(1, 2, height=3.0, sharey=True)
    for r in drawn(result):
        plain = r["config"] == "default"
        look = {"color": MODEL_COLOURS[r["model"]], "ls": "-" if plain else "--"}
        for axis, split in ((training, "train"), (test, "test")):
            plot_curve(axis, result, r, split, look, NAMES[r["model"]] if plain else "")
    test.axhline(HUMAN, color=COLOURS["grey"], lw=0.9, zorder=0, label="human")
    if any(r["config"] == "shuffled" for r in drawn(result)):
        test.plot([], [], "--", color=COLOURS["grey"], label="shuffled")
    test.plot([], [], "o", color=COLOURS["grey"], label="end of training")
    figure.legend(*test.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    training.set(title="Training rows", xlabel="Training step", ylabel="Accuracy (%)")
    training.set(ylim=(0, 102))
    test.set(title="Test rows", xlabel="Training step")
    return figure


@style()
def plot_digits(result: dict[str, Any]) -> Figure:
    """Which digits are hard, for a human and for networks. Share of the test rows of each digit
    that is classified wrongly: means over the runs; the human answered 400 rows, of which 100 are
    counted twice. A 0 in place of a bar means that none was classified wrongly.
    """
    bars = {"human": (human_errors(), COLOURS["grey"])}
    for r in drawn(result):
        if r["config"] == "default" and r["model"] in ("cnn", "tcn", "transformer"):
            rates = (100 * np.array(r["errors"]) / result["rows_by_digit"]).tolist()
            bars[NAMES[r["model"]]] = (rates, MODEL_COLOURS[r["model"]])
    figure, (axis,) = panels(height=2.4)
    width = 0.84 / len(bars)
    for number, (name, (rates, colour)) in enumerate(bars.items()):
        places = np.arange(10) + width * (number - (len(bars) - 1) / 2)
        axis.bar(places, rates, width, color=colour, label=name)
        for place, rate in zip(places, rates, strict=True):
            if rate == 0:
                axis.text(place, 0.1, "0", color=colour, ha="center", fontweight="bold")
    axis.set(xlabel="Digit", ylabel="Classified wrongly (%)", xticks=range(10))
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=len(bars))
    return figure


def drawn(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the table that are drawn: the original's protocol, each model as it does best."""
    # a shuffled signal is not augmented
    recipes = {"default": ("paper", "augmented"), "shuffled": ("paper", "plain")}
    return [
        r
        for r in result["table"]
        if r["protocol"] == "last_step" and r["recipe"] in recipes.get(r["config"], ())
    ]


def plot_curve(
    axis: Axes, result: dict[str, Any], row: dict[str, Any], split: str, look: Any, label: str
) -> None:
    """Mean over runs with a band of one standard deviation, and a dot at the end."""
    mean = np.array(row["curves"][split])
    spread = np.array(row["curves_std"][split] or np.zeros_like(mean))
    last = row["updates"][0]  # the last update is measured though it completes no interval
    steps = np.minimum(result["evaluate_every"] * np.arange(1, len(mean) + 1), last)
    axis.plot(steps, mean, label=label, **look)
    axis.plot(steps[-1], mean[-1], "o", color=look["color"], clip_on=False)
    axis.fill_between(steps, mean - spread, mean + spread, color=look["color"], alpha=0.2, lw=0)
