"""Figures of the study activation_transfer, drawn from its result."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.activation_transfer import (
    BY_HAND,
    COPY,
    LEARNED,
    RATE,
    displayed,
    means,
)

SHOWN = {
    **{"mnist1d": "MNIST-1D", "digits": "8x8 digits", "mnist_5000": "5000 of MNIST"},
    **{"mnist": "MNIST", "cifar10": "CIFAR-10"},
}
KINDS = {"known": "black", "learned": "red", "copy of it": "purple"}  # with their colours


@style()
def plot(result: dict[str, Any]) -> Figure:
    """The learned activation and known ones in the network of its search. Test accuracy of an MLP
    on MNIST-1D, highest on top: filled at the learning rate of the search, open at the best rate of
    each activation. Bars are one standard deviation over data sets, each with its own search.
    """
    terms = result["equal_terms"]
    names = sorted(terms, key=lambda name: means(terms, "accuracy", f"{RATE:g}")[name].mean())
    figure, (axis,) = panels(width=5.0, height=2.7)
    for rate, marker, shift in ((f"{RATE:g}", "o", 0.14), (None, "D", -0.14)):
        found = {name: summarise(values) for name, values in means(terms, "accuracy", rate).items()}
        plot_rows(axis, names, found, marker=marker, shift=shift, filled=bool(rate))
    for label, marker, fill in ((f"rate {RATE:g}", "o", None), ("its best rate", "D", "none")):
        axis.plot([], [], marker, color=COLOURS["grey"], mfc=fill, label=label)
    name_kinds(axis)
    axis.legend(loc="upper left")
    axis.set(xlabel="Test accuracy (%)", xlim=(0, 75))
    return figure


@style()
def plot_loss(result: dict[str, Any]) -> Figure:
    """How fast small convolutional networks learn with each activation. Mean cross-entropy of the
    training rows in the first 600 updates, on the 8x8 digits in all 300, by dataset, each with a
    range of its own; bars are one standard deviation over runs.
    """
    return plot_datasets(result, "early_loss", "Early training loss (nats)")


@style()
def plot_accuracy(result: dict[str, Any]) -> Figure:
    """Where small convolutional networks end with each activation. Test accuracy after the last
    epoch, by dataset, each with a range of its own; bars are one standard deviation over runs.
    """
    return plot_datasets(result, "accuracy", "Test accuracy (%)")


@style()
def plot_test_loss(result: dict[str, Any]) -> Figure:
    """The test loss at which small convolutional networks end with each activation. Cross-entropy
    after the last epoch, by dataset, each with a range of its own; bars are one standard deviation
    over runs.
    """
    return plot_datasets(result, "test_loss", "Test loss (nats)")


def plot_datasets(result: dict[str, Any], key: str, label: str) -> Figure:
    """A panel per dataset; the activations are in one order, by accuracy on the first dataset."""
    transferred = result["transfer"]
    first, *_ = transferred.values()
    names = sorted(first, key=lambda name: first[name]["accuracy"]["mean"])
    figure, axes = panels(1, len(transferred), width=6.5, height=2.3, sharey=True)
    for axis, (dataset, table) in zip(axes, transferred.items(), strict=True):
        plot_rows(axis, names, {name: table[name][key] for name in names})
        axis.set(title=f"CNN, {SHOWN[dataset]}", xlabel=label)
    name_kinds(axes[0])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def plot_rows(
    axis: Axes,
    names: list[str],
    found: dict[str, dict[str, Any]],
    *,
    marker: str = "o",
    shift: float = 0,
    filled: bool = True,
) -> None:
    """A row per activation, with a bar of one standard deviation."""
    for row, name in enumerate(names):
        colour = COLOURS[KINDS[kind(name)]]
        mean, spread = found[name]["mean"], found[name]["std"] or 0
        look: dict[str, Any] = {"color": colour, "mfc": colour if filled else "white", "lw": 0.7}
        axis.errorbar(mean, row + shift, xerr=spread, fmt=marker, **look)
    axis.set_yticks(range(len(names)), [displayed(name) for name in names])


def kind(name: str) -> str:
    return {LEARNED: "learned", COPY: "copy of it", BY_HAND: "copy of it"}.get(name, "known")


def name_kinds(axis: Axes) -> None:
    for label, colour in KINDS.items():
        axis.plot([], [], "o", color=COLOURS[colour], label=label)
