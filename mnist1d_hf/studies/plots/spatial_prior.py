"""Figures of the study spatial_prior, drawn from its result."""

from typing import Any

from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.spatial_prior import DATA, NETWORKS

TICKS = {"mlp": "MLP", "window": "windows", "unshared": "unshared", "cnn": "CNN"}


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Test accuracy of networks from a perceptron, without a spatial prior, to a convolution.

    The columns of the signals are in order or shuffled. Bars are one standard deviation over runs.
    """
    figure, (axis,) = panels(1, 1, width=3.4, height=2.4)
    names = [name for name in NETWORKS if name in result["table"]]
    for data, colour, marker in zip(DATA, ("blue", "red"), ("o", "s"), strict=True):
        found = [result["table"][name][data]["test"] for name in names]
        means, spread = [f["mean"] for f in found], [f["std"] or 0 for f in found]
        looks = {"color": COLOURS[colour], "capsize": 2, "label": f"{data} signals"}
        axis.errorbar(range(len(names)), means, spread, fmt=f"{marker}-", **looks)
    axis.set_xticks(range(len(names)), [TICKS[name] for name in names])
    axis.set(title="From a perceptron to a convolution", ylabel="Test accuracy (%)")
    axis.set_xlabel("Network")
    axis.legend(loc="upper left")
    return figure
