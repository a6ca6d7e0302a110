"""Figures of the study metalearn_lr, drawn from its result."""

from typing import Any

from matplotlib.figure import Figure

from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.metalearn_lr import PUBLISHED, PUBLISHED_RATES


@style()
def plot(result: dict[str, Any]) -> Figure:
    """The paper's three panels with its printed values as circles, and where any start leads."""
    figure, axes = panels(1, 4, width=8.8, height=2.1)
    names = ("mean_loss", "final_loss", "rate")
    titles = ("Mean training loss", "Final training loss", "Learning rate")
    for column, (axis, name, title) in enumerate(zip(axes, names, titles, strict=False)):
        for trial, colour in enumerate((COLOURS["red"], COLOURS["blue"])):
            label = f"from {PUBLISHED_RATES[trial]}"
            axis.plot(result["published"][name][trial], color=colour, label=label)
            seen = PUBLISHED[:, 1 + 3 * trial + column]
            axis.plot(PUBLISHED[:, 0], seen, "o", mfc="none", mew=0.5, color=colour)
        axis.set(title=title, xlabel="Outer step")
    axes[0].set_ylim(top=1.75)
    axes[0].plot([], [], "o", mfc="none", mew=0.5, color=COLOURS["grey"], label="published")
    axes[0].legend()
    _plot_ends(axes[3], result)
    return figure


def _plot_ends(axis: Any, result: dict[str, Any]) -> None:
    best = summarise(grid["best"] for grid in result["best_on_grid"])
    low, high = (best["mean"] + sign * (best["std"] or 0) for sign in (-1, 1))
    axis.axhspan(low, high, color=COLOURS["sky"], alpha=0.4, lw=0, label="grid search ± std")
    axis.axhline(best["mean"], color=COLOURS["blue"], lw=0.6)
    top = 1.1
    for start in sorted({end["start"] for end in result["ends"]}):
        ends = [end["end"] for end in result["ends"] if end["start"] == start]
        shown = [end for end in ends if end is not None and 0 < end < top]
        axis.plot([start] * len(shown), shown, ".", color=COLOURS["black"])
        if lost := len(ends) - len(shown):
            axis.text(
                start, top, f"{lost}×", color=COLOURS["red"], rotation=90, ha="center", va="top"
            )
    axis.plot([], [], ".", color=COLOURS["black"], label="end of one search")
    axis.plot([], [], " ", label="red: searches that diverged")
    axis.set(title="Rate at the end", xlabel="Rate at the start", ylim=(0.3, top))
    starts = sorted({end["start"] for end in result["ends"]})
    axis.set(xscale="log", xlim=(0.012, 8))
    axis.set_xticks(starts, [f"{start:g}" for start in starts], rotation=60)
    axis.minorticks_off()
    axis.legend(loc="lower left")
