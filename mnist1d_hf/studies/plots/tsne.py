"""Figures of the study tsne, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from mnist1d_hf.figures.style import DIGIT_COLOURS, panels, style
from mnist1d_hf.studies.rules.tsne import NAMES


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Embeddings of handwritten digits (a) and of MNIST-1D (b) by t-SNE, and how often the
    neighbours of a point in it have its digit (c). Every point is an example in the colour of its
    digit; c has means over the runs of t-SNE with bars of one standard deviation.
    """
    datasets = result["datasets"]
    figure, axes = panels(1, 3, height=2.3, width_ratios=(1, 1, 0.9))
    reference = next(name for name in datasets if name != "mnist1d")
    for axis, name in zip(axes, (reference, "mnist1d"), strict=False):
        points, classes = (np.asarray(datasets[name][key]) for key in ("points", "classes"))
        size = 3000 / len(points)
        colours = [DIGIT_COLOURS[c] for c in classes]
        axis.scatter(*points.T, s=size, c=colours, linewidths=0, rasterized=True)
        axis.set_title(NAMES[name].split(" (")[0])
        axis.set_aspect("equal", adjustable="datalim")
        axis.axis("off")
        if name == reference:  # the classes of MNIST-1D have no place of their own
            for digit in np.unique(classes):
                middle = np.median(points[classes == digit], axis=0)
                text = axis.text(*middle, str(digit), fontsize=8, ha="center", va="center")
                halo = [withStroke(linewidth=1.5, foreground="white")]
                text.set(fontweight="bold", path_effects=halo)
    for digit, colour in enumerate(DIGIT_COLOURS):
        axes[1].plot([], [], "o", color=colour, label=str(digit))
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.1)}
    axes[1].legend(**below, ncols=10, handletextpad=-0.4, columnspacing=0.6)
    for name, marker in ((reference, "s"), ("mnist1d", "o")):
        found = datasets[name]["knn_embedding_per_class"]
        means, spread = ([f[key] or 0 for f in found] for key in ("mean", "std"))
        axes[2].errorbar(range(10), means, spread, fmt=marker, label=NAMES[name].split(" of")[0])
    axes[2].set(title="Neighbours' vote", xlabel="Digit", ylabel="Right (%)")
    axes[2].set(xticks=range(10), ylim=(0, 104))
    axes[2].legend(loc="lower left")
    return figure
