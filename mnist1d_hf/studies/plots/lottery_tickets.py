"""Figures of the study lottery_tickets, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.lottery_tickets import PRUNINGS
from mnist1d_hf.studies.rules.ticket_transfer import LABELS

LINES = {"dense": "black", "lottery": "blue", "random": "red"}
CHECKPOINT = 100  # updates between the points of a curve on new data


@style()
def plot(result: dict[str, Any]) -> Figure:
    """The search: what is left of a perceptron over the share of its weights that are pruned.
    Lottery tickets keep the largest weights, the others are pruned at random; the dashed line is
    the dense network. Means over the trials, with bands of one standard deviation; the axes of b
    and c begin at 55 %.
    """
    figure, axes = panels(1, 3, height=2.4)
    x = result["sparsity"]
    metrics = {
        "test_loss": ("Final test loss", "Cross-entropy (nats)"),
        "last": ("Final test accuracy", "Accuracy (%)"),
        "max": ("Best test accuracy", "Accuracy (%)"),
    }
    for axis, (metric, (title, label)) in zip(axes, metrics.items(), strict=True):
        for name in PRUNINGS:
            _band(axis, x, result["search"][name][metric], LINES[name], name)
        dense = np.mean([trial[0] for trial in result["search"]["lottery"][metric]])
        axis.axhline(dense, color="black", ls="--", lw=0.6, label="dense")
        axis.set(title=title, xlabel="Sparsity (share pruned)", ylabel=label)
        if metric != "test_loss":
            axis.set_ylim(55, 80)
    axes[0].set_yscale("log")
    axes[0].set_yticks([1, 1.5, 2, 2.5, 3])
    axes[0].yaxis.set_major_formatter("{x:g}")
    axes[0].yaxis.set_minor_formatter("")
    axes[0].legend(loc="lower left")
    return figure


@style()
def plot_new_data(result: dict[str, Any]) -> Figure:
    """The 92 % ticket on new data, beside the dense network and random pruning. Also the ticket
    with new first weights, and on shuffled columns. Test accuracy while each is trained; means over
    the trials, with bands of one standard deviation.
    """
    curves = {
        "ticket": ("fresh", "lottery", "blue", "-"),
        "ticket, new first weights": ("new_weights", "lottery", "sky", "-"),
        "dense network": ("fresh", "dense", "black", "-"),
        "ticket, shuffled columns": ("shuffled", "lottery", "orange", "--"),
        "random pruning": ("fresh", "random", "red", "-"),
    }
    figure, (axis,) = panels(width=5.0, height=2.6)
    for label, (variant, name, colour, line) in curves.items():
        if variant in result["transfer"]:
            runs = result["transfer"][variant][name]
            _band(axis, _updates(runs), runs, colour, label, line)
    axis.set(xlabel="Training step", ylabel="Test accuracy (%)", ylim=(36, 76))
    axis.legend(loc="lower right")
    return figure


@style()
def plot_transfer(result: dict[str, Any]) -> Figure:
    """The 92 % ticket after changes of the data or of the first weights. Rotated by 20 columns,
    signals keep their neighbours; shuffled, they do not. Test accuracy in one range; means over the
    trials, with bands of one standard deviation.
    """
    return _plot_variants(result, ("fresh", "flipped", "rotated_20", "new_weights", "shuffled"))


@style()
def plot_chunks(result: dict[str, Any]) -> Figure:
    """The 92 % ticket when chunks of neighbouring columns are permuted as wholes. From chunks of
    ten columns to chunks of two, fewer neighbours stay together. Test accuracy in one range; means
    over the trials, with bands of one standard deviation.
    """
    return _plot_variants(result, ("chunks_10", "chunks_5", "chunks_2"))


@style()
def plot_adjacency(result: dict[str, Any]) -> Figure:
    """Neighbouring weights left in the first layer of the 92 % ticket. Share of all windows of two,
    three and four columns in which every weight is left, each with a range of its own: means over
    the trials with their standard deviation. Expected of each pruning: with the same number of
    weights placed at random, in the whole layer or within each hidden unit.
    """
    figure, axes = panels(1, 3, height=2.4)
    for position, axis in enumerate(axes):
        _plot_adjacency(axis, result, position)
    axes[0].set_ylabel("Share of windows (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


@style()
def plot_masks(result: dict[str, Any]) -> Figure:
    """Weights left in the first layer by a ticket (above) and by random pruning (below). A column
    is a hidden unit, a row an input, black a weight that is left. Hidden units are ordered by their
    number of neighbouring pairs, the most on the left.
    """
    figure, axes = panels(2, 1, height=2.6, sharex=True)
    for axis, name in zip(axes, PRUNINGS, strict=True):
        rows = [[int(bit) for bit in f"{row:040b}"] for row in result["masks"][name]]
        left = np.array(rows)
        pairs = (left[:, 1:] * left[:, :-1]).sum(1)
        picture = left[np.lexsort((-left.sum(1), -pairs))].T
        axis.imshow(picture, cmap="gray_r", aspect="auto", interpolation="nearest")
        axis.set(title=name.capitalize(), ylabel="Input", yticks=[0, 20, 39])
    axes[-1].set_xlabel("Hidden unit")
    return figure


def _band(axis: Axes, x: Any, runs: Any, colour: str, label: str, line: str = "-") -> None:
    """Mean over trials and their standard deviation."""
    runs = np.asarray(runs, dtype=float)
    mean = runs.mean(0)
    axis.plot(x, mean, line, color=COLOURS[colour], label=label)
    if len(runs) > 1:
        std = runs.std(0, ddof=1)
        axis.fill_between(x, mean - std, mean + std, color=COLOURS[colour], alpha=0.2, lw=0)


def _updates(runs: list[list[float]]) -> np.ndarray:
    return CHECKPOINT * np.arange(len(runs[0]))


def _plot_variants(result: dict[str, Any], variants: tuple[str, ...]) -> Figure:
    rows = -(-len(variants) // 3)
    figure, axes = panels(rows, 3, height=0.4 + 1.9 * rows)
    for number, (axis, variant) in enumerate(zip(axes.flat, variants, strict=False)):
        axis.set(title=LABELS[variant].capitalize(), ylim=(50, 76), xlabel="Training step")
        axis.set_ylabel("" if number % 3 else "Test accuracy (%)")
        if variant not in result["transfer"]:
            axis.text(0.5, 0.5, "not run", transform=axis.transAxes, ha="center")
            continue
        for name, runs in result["transfer"][variant].items():
            _band(axis, _updates(runs), runs, LINES[name], name)
    for axis in axes.flat[len(variants) :]:
        axis.set_visible(False)
    looks = {name: axes.flat[0].plot([], [], color=COLOURS[c])[0] for name, c in LINES.items()}
    figure.legend(looks.values(), looks.keys(), loc="outside lower center", ncols=len(looks))
    return figure


def _plot_adjacency(axis: Axes, result: dict[str, Any], position: int) -> None:
    labels = {"at random": "placed at random", "within units": "at random within units"}
    for place, name in enumerate(("random", "lottery")):
        found = result["search"][name]["adjacency"]
        shares = [100 * one["share"][position] for one in found]
        spread = np.std(shares, ddof=1) if len(shares) > 1 else None
        colour = COLOURS[LINES[name]]
        axis.bar(name, np.mean(shares), yerr=spread, color=colour, alpha=0.6, capsize=4)
        for expected, line in (("at random", ":"), ("within units", "--")):
            level = 100 * np.mean([one[expected][position] for one in found])
            shown = f"expected: {labels[expected]}" if place == 0 else ""
            axis.plot([place - 0.45, place + 0.45], [level] * 2, "k" + line, lw=1, label=shown)
    axis.set(title=f"{position + 2} neighbouring weights", xlabel="Pruning")
