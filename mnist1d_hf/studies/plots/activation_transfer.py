"""Figures of the study activation_transfer, drawn from its result."""

from typing import Any

from matplotlib.figure import Figure

from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.activation_transfer import COPY, LEARNED, RATE, displayed, means

SHOWN = {"mnist1d": "MNIST-1D", "digits": "8x8 digits", "mnist": "MNIST", "cifar10": "CIFAR-10"}


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Accuracies on equal terms; then early loss and final accuracy of the CNNs per dataset."""
    transferred = result["transfer"]
    figure, axes = panels(
        1, 1 + 2 * len(transferred), width=2.3 + 3.4 * len(transferred), height=2.2
    )
    terms = result["equal_terms"]
    names = sorted(terms, key=lambda name: means(terms, "accuracy", f"{RATE:g}")[name].mean())
    for row, name in enumerate(names):
        for rate, marker, colour in ((f"{RATE:g}", "o", "black"), (None, "D", "orange")):
            summary = summarise(means(terms, "accuracy", rate)[name])
            axes[0].errorbar(
                summary["mean"],
                row,
                xerr=summary["std"] or 0,
                fmt=marker,
                ms=3,
                lw=0.7,
                color=COLOURS[colour],
                mfc="none" if rate is None else COLOURS[colour],
            )
    axes[0].set_yticks(range(len(names)), [displayed(name) for name in names])
    for label, marker, colour in (("rate 0.01", "o", "black"), ("best rate", "D", "orange")):
        axes[0].plot(
            [],
            [],
            marker,
            ms=3,
            color=COLOURS[colour],
            label=label,
            mfc="none" if marker == "D" else None,
        )
    axes[0].legend(loc="upper left")
    axes[0].set(title="MLP, MNIST-1D", xlabel="Test accuracy (%)", xlim=(0, 75))
    pairs = [(d, key) for d in transferred for key in ("early_loss", "accuracy")]
    for axis, (dataset, key) in zip(axes[1:], pairs, strict=True):
        table = transferred[dataset]
        order = sorted(
            table, key=lambda name: table[name][key]["mean"], reverse=key == "early_loss"
        )
        for row, name in enumerate(order):
            summary = table[name][key]
            colour = COLOURS["red" if name == LEARNED else "purple" if name == COPY else "black"]
            axis.errorbar(
                summary["mean"], row, xerr=summary["std"] or 0, fmt="o", ms=3, lw=0.7, color=colour
            )
        axis.set_yticks(range(len(order)), [displayed(name) for name in order])
        label = "Training loss in epoch 1" if key == "early_loss" else "Test accuracy (%)"
        axis.set(title=f"CNN, {SHOWN[dataset]}", xlabel=label)
    return figure
