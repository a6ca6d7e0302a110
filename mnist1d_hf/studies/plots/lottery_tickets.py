"""Figures of the study lottery_tickets, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.lottery_tickets import LABELS, PRUNINGS


@style()
def plot(result: dict[str, Any]) -> Figure:
    """All figures of the paper and its notebook on tickets, and the permutations of chunks."""
    figure, axes = panels(4, 4, width=9, height=7.6)
    _plot_search(axes[0, :3], result)
    _plot_summary(axes[0, 3], result)
    for axis, variant in zip(axes[1:3].flat, LABELS, strict=True):
        _plot_transfer(axis, result, variant)
    for position, axis in enumerate(axes[3, :3]):
        _plot_adjacency(axis, result, position)
    _plot_masks(axes[3, 3], result)
    return figure


def _band(axis: Any, x: Any, runs: Any, colour: str, label: str) -> None:
    """Mean over trials and its standard error."""
    runs = np.asarray(runs, dtype=float)
    mean = runs.mean(0)
    axis.plot(x, mean, color=COLOURS[colour], label=label)
    if len(runs) > 1:
        error = runs.std(0, ddof=1) / np.sqrt(len(runs))
        axis.fill_between(x, mean - error, mean + error, color=COLOURS[colour], alpha=0.2, lw=0)


LINES = {"dense": "black", "lottery": "blue", "random": "red"}


def _plot_search(axes: Any, result: dict[str, Any]) -> None:
    x = result["sparsity"]
    metrics = {
        "test_loss": "Final test loss",
        "last": "Final test accuracy (%)",
        "max": "Best test accuracy (%)",
    }
    for axis, (metric, title) in zip(axes, metrics.items(), strict=True):
        for name in PRUNINGS:
            _band(axis, x, result["search"][name][metric], LINES[name], name)
        dense = np.mean([trial[0] for trial in result["search"]["lottery"][metric]])
        axis.axhline(dense, color="black", ls="--", lw=0.6, label="dense")
        axis.set(title=title, xlabel="Sparsity")
        if metric != "test_loss":
            axis.set_ylim(55, 80)
    axes[0].set_yscale("log")
    axes[0].yaxis.set_minor_formatter("{x:g}")
    axes[0].legend()


def _plot_transfer(axis: Any, result: dict[str, Any], variant: str) -> None:
    axis.set(title=LABELS[variant].capitalize(), xlabel="Update", ylim=(50, 76))
    if variant not in result["transfer"]:
        axis.text(0.5, 0.5, "not run", transform=axis.transAxes, ha="center")
        return
    for name, runs in result["transfer"][variant].items():
        _band(axis, 100 * np.arange(len(runs[0])), runs, LINES[name], name)
    if variant == "fresh":
        axis.set_ylabel("Test accuracy (%)")
        axis.legend(loc="lower right", ncols=3, handlelength=1.2, columnspacing=1)


def _plot_summary(axis: Any, result: dict[str, Any]) -> None:
    curves = {
        "ticket": ("fresh", "lottery", "blue"),
        "ticket, new first weights": ("new_weights", "lottery", "sky"),
        "dense": ("fresh", "dense", "black"),
        "ticket, shuffled columns": ("shuffled", "lottery", "green"),
        "random": ("fresh", "random", "red"),
    }
    for label, (variant, name, colour) in curves.items():
        if variant in result["transfer"]:
            runs = result["transfer"][variant][name]
            _band(axis, 100 * np.arange(len(runs[0])), runs, colour, label)
    axis.set(title="The 92 % ticket on new data", xlabel="Update", ylim=(36, 76))
    axis.legend(loc="lower right")


def _plot_adjacency(axis: Any, result: dict[str, Any], position: int) -> None:
    bars = {
        name: np.mean([o["share"][position] for o in result["search"][name]["adjacency"]])
        for name in ("random", "lottery")
    }
    errors = [
        np.mean([o["error"][position] for o in result["search"][name]["adjacency"]])
        for name in bars
    ]
    colours = [COLOURS[LINES[name]] for name in bars]
    axis.bar(list(bars), list(bars.values()), yerr=errors, color=colours, alpha=0.6, capsize=4)
    found = result["search"]["lottery"]["adjacency"]
    for expected, line in (("at random", ":"), ("within units", "--")):
        level = np.mean([one[expected][position] for one in found])
        axis.axhline(level, color="black", ls=line, lw=0.6, label=f"expected {expected}")
    axis.set(title=f"{position + 2} adjacent weights", ylabel="Share of windows")
    if position == 0:
        axis.set_ylim(top=1.6 * max(bars.values()))
        axis.legend(loc="upper left")


def _plot_masks(axis: Any, result: dict[str, Any]) -> None:
    """First layers, units with most neighbours left, a ticket above a random mask."""
    pictures = []
    for name in PRUNINGS:
        rows = [[int(bit) for bit in f"{row:040b}"] for row in result["masks"][name]]
        left = np.array(rows)
        pairs = (left[:, 1:] * left[:, :-1]).sum(1)
        pictures.append(left[np.lexsort((-left.sum(1), -pairs))].T)
    gap = np.full((4, pictures[0].shape[1]), 0.5)
    axis.imshow(np.concatenate([pictures[0], gap, pictures[1]]), cmap="gray_r", aspect="auto",
                interpolation="nearest")  # fmt: skip
    axis.set(title="Weights left: ticket, random", xlabel="Hidden unit", yticks=[20, 64])
    axis.set_yticklabels(PRUNINGS, rotation=90, va="center")
    axis.tick_params(axis="y", length=0)
