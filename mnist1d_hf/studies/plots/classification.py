"""Figures of the study classification, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnist1d_hf.evidence.published import (
    HUMAN,
    NAMES,
)
from mnist1d_hf.figures.style import COLOURS, MODEL_COLOURS, panels, style
from mnist1d_hf.studies.rules.classification import human_errors


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Figure 2 of the paper with all our models, and the errors digit by digit."""
    figure, (training, test, digits) = panels(1, 3, width=8.0, height=2.7)
    # a shuffled signal is not augmented
    recipes = {"default": ("paper", "augmented"), "shuffled": ("paper", "plain")}
    rows = [
        r
        for r in result["table"]
        if r["protocol"] == "last_step" and r["recipe"] in recipes.get(r["config"], ())
    ]
    every = result["evaluate_every"]
    for r in rows:
        looks = {"color": MODEL_COLOURS[r["model"]]}
        looks |= {"ls": "--"} if r["config"] == "shuffled" else {"label": NAMES[r["model"]]}
        for axis, name in ((training, "train"), (test, "test")):
            steps = every * np.arange(1, len(r["curves"][name]) + 1)
            last = r["updates"][0]  # the last update is measured though it completes no interval
            axis.plot(np.minimum(steps, last), r["curves"][name], **looks)
    training.set(title="Training accuracy", xlabel="Training step", ylabel="Accuracy (%)")
    test.axhline(HUMAN, color=COLOURS["grey"], lw=0.9, zorder=0, label="human")
    if any(r["config"] == "shuffled" for r in rows):
        test.plot([], [], "--", color=COLOURS["grey"], label="after shuffling")
    figure.legend(*test.get_legend_handles_labels(), loc="outside lower center", ncols=8)
    test.set(title="Test accuracy", xlabel="Training step")
    for axis in (training, test):
        axis.set_ylim(0, 101)
    plain = [r for r in rows if r["config"] == "default"]
    _plot_digits(digits, plain, result["rows_by_digit"])
    return figure


def _plot_digits(axis: Any, rows: list[dict[str, Any]], sizes: list[int]) -> None:
    """Bars: the share of each digit that the human, the CNN and our models get wrong."""
    bars = {"human": (human_errors(), COLOURS["grey"])}
    for r in rows:
        if r["model"] in ("cnn", "tcn", "transformer"):
            rates = (100 * np.array(r["errors"]) / sizes).tolist()
            bars[NAMES[r["model"]]] = (rates, MODEL_COLOURS[r["model"]])
    width = 0.8 / len(bars)
    for number, (name, (rates, colour)) in enumerate(bars.items()):
        places = np.arange(10) + width * (number - (len(bars) - 1) / 2)
        axis.bar(places, rates, width, color=colour, label=name)
    highest = max(max(rates) for rates, _ in bars.values())
    axis.set(title="Errors by digit", xlabel="Digit", ylabel="Classified wrongly (%)")
    axis.set(xticks=range(10), ylim=(0, 1.25 * highest))  # with room for the legend
    axis.legend(loc="upper right", ncols=2)
