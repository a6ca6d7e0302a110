"""Figures of the study metalearn_lr, drawn from its result."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.metalearn_lr import PUBLISHED, PUBLISHED_RATES

TOP = 1.1  # a search that ends at a higher rate, or at none, has diverged


@style()
def plot(result: dict[str, Any]) -> Figure:
    """The search for a learning rate, and where it ends from any start. a to c: the paper's three
    panels with its printed values as circles, after each outer step, so that the first point is no
    longer at the start. d: the rates at which searches with other weights and data end; the band is
    the best rate of a grid search, mean and one standard deviation over the same data.
    """
    figure, axes = panels(2, 2, height=4.2)
    names = ("mean_loss", "final_loss", "rate")
    titles = ("Mean training loss", "Final training loss", "Learning rate")
    labels = ("Cross-entropy (nats)", "Cross-entropy (nats)", "Learning rate")
    for column, (axis, name) in enumerate(zip(axes.flat, names, strict=False)):
        for trial, colour in enumerate((COLOURS["red"], COLOURS["blue"])):
            label = f"started at {PUBLISHED_RATES[trial]}"
            axis.plot(result["published"][name][trial], color=colour, label=label)
            seen = PUBLISHED[:, 1 + 3 * trial + column]
            axis.plot(PUBLISHED[:, 0], seen, "o", mfc="none", mew=0.5, color=colour)
        axis.set(title=titles[column], xlabel="Outer step", ylabel=labels[column])
    first = axes[0, 0]
    first.set_ylim(top=1.75)
    first.plot([], [], "o", mfc="none", mew=0.5, color=COLOURS["grey"], label="published")
    first.legend()
    _plot_ends(axes[1, 1], result)
    return figure


def _plot_ends(axis: Axes, result: dict[str, Any]) -> None:
    best = summarise(grid["best"] for grid in result["best_on_grid"])
    low, high = (best["mean"] + sign * (best["std"] or 0) for sign in (-1, 1))
    axis.axhspan(low, high, color=COLOURS["sky"], alpha=0.4, lw=0, label="best of a grid")
    axis.axhline(best["mean"], color=COLOURS["blue"], lw=0.6)
    starts = sorted({end["start"] for end in result["ends"]})
    for place, start in enumerate(starts):
        ends = [end["end"] for end in result["ends"] if end["start"] == start]
        shown = [end for end in ends if end is not None and 0 < end < TOP]
        axis.plot([place] * len(shown), shown, ".", color=COLOURS["black"])
        lost = f"{len(ends) - len(shown)}/{len(ends)}"
        axis.text(place, TOP, lost, color=COLOURS["red"], ha="center", va="bottom")
    axis.plot([], [], ".", color=COLOURS["black"], label="end of one search")
    axis.plot([], [], " ", label="orange: diverged / all searches")
    axis.set(title="Rate at the end", ylim=(0.2, 1.2), ylabel="Learning rate at the end")
    axis.set_xticks(range(len(starts)), [f"{start:g}" for start in starts])
    axis.set(xlabel="Learning rate at the start", xlim=(-0.5, len(starts) - 0.5))
    axis.legend(loc="lower left")
