"""Figures of the study double_descent_axes, drawn from its result."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.studies.rules.double_descent_axes import AXES


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Errors of a wide perceptron over training steps, and of a narrow one over training rows.

    Lines are means over runs, and bands one standard deviation.
    """
    figure, axes = panels(1, 2, height=2.2, sharey=True)
    for axis, (name, words) in zip(axes, AXES.items(), strict=True):
        for split, colour, line in (("test", "blue", "-"), ("train", "orange", "--")):
            errors = np.array(result[name][split])
            mean, std = errors.mean(1), errors.std(1, ddof=1)
            looks = {"color": COLOURS[colour]}
            axis.plot(result[name]["at"], mean, line, label=split.capitalize(), **looks)
            axis.fill_between(result[name]["at"], mean - std, mean + std, alpha=0.25, lw=0, **looks)
        axis.set(title=f"{result['sizes'][name]} hidden units", xscale="log")
        axis.set(xlabel=words.capitalize(), ylim=(0, 75))
    axes[0].set_ylabel("Classification error (%)")
    axes[0].legend(loc="lower left")
    return figure
