"""Pictures of the data itself, for light pages and dark ones.

As in the paper, time runs down and x to the side.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mnist1d_hf.evidence.published import PUBLISHED
from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.signals.frozen import frozen_draws, legacy_stream
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import NUM_CLASSES, SignalParams
from mnist1d_hf.signals.render import resample
from mnist1d_hf.signals.stages import Stage, stages
from mnist1d_hf.signals.templates import templates

# Half the width of a panel of unnormalised signals, as in the paper.
REACH = 1.0


def ink() -> str:
    """The colour of lines: black, or almost white on a dark page."""
    return matplotlib.rcParams["text.color"]


def strip(
    axis: Axes, signals: np.ndarray, reach: float, *, named: bool = False, **look: Any
) -> None:
    """Draw `signals` (k, positions) side by side, each in a width of 2 reach; NaN leaves a gap.

    With `named`, their numbers are written above them.
    """
    k, positions = signals.shape
    axis.plot(across(k, reach) + signals.T, np.linspace(0, 1, positions), **look)
    axis.set(xlim=(-reach, (2 * k - 1) * reach), ylim=(1.04, -0.04), yticks=[])
    axis.set_xticks(across(k, reach) if named else [], map(str, range(k if named else 0)))
    axis.tick_params(top=False, bottom=False, labeltop=True, labelbottom=False, labelsize=7)
    axis.set_title("", loc="left")
    axis.spines[:].set_visible(False)


def across(k: int, reach: float) -> np.ndarray:
    """Positions of the zeros of k signals side by side."""
    return 2 * reach * np.arange(k)


def name_row(axis: Axes, text: str) -> None:
    axis.set_ylabel(text, rotation=0, ha="right", va="center")


def plot_examples(
    x: np.ndarray, y: np.ndarray, *, per_class: int = 3, dark: bool = False
) -> Figure:
    """The first `per_class` examples of each class.

    x is (n, d), and y (n,) has labels 0 to 9. Missing examples of a class leave gaps.
    """
    reach = 1.05 * np.abs(x).max()
    rows = [np.flatnonzero(y == digit) for digit in range(NUM_CLASSES)]
    empty = np.full(x.shape[1], np.nan)
    with style(dark):
        figure, axes = panels(per_class, 1, height=1.1 * per_class)
        for place, axis in enumerate(axes):
            chosen = np.array([x[r[place]] if place < len(r) else empty for r in rows])
            strip(axis, chosen, reach, named=place == 0, color=ink(), linewidth=1)
    return figure


def plot_templates(*, dark: bool = False) -> Figure:
    """The ten digits before any transformation: lines, or dots on a dark page, as in the paper."""
    dots: dict[str, Any] = {"marker": "o", "markersize": 2.5, "linestyle": ""}
    with style(dark):
        figure, axes = panels(height=1)
        strip(axes[0], templates().x, REACH, named=True, color=ink(), **(dots if dark else {}))
    return figure


def plot_classes(x: np.ndarray, y: np.ndarray, *, dark: bool = False) -> Figure:
    """Mean of each class, with one standard deviation on both sides and 5 and 95 % quantiles.

    x is (n, d), normalised, and y (n,) has labels 0 to 9. Raises ValueError where a class has no
    row.
    """
    missing = sorted(set(range(NUM_CLASSES)) - set(y.tolist()))
    if missing:
        raise ValueError(f"no row of class {missing[0]}: a picture of the classes needs more rows")
    classes = [x[y == digit] for digit in range(NUM_CLASSES)]
    mean, sd = (np.array([f(rows, axis=0) for rows in classes]) for f in (np.mean, np.std))
    low, high = np.array([np.quantile(rows, (0.05, 0.95), axis=0) for rows in classes]).swapaxes(
        0, 1
    )
    reach = 1.05 * max(-low.min(), high.max())
    t = np.linspace(0, 1, x.shape[1])
    with style(dark):
        figure, (axis,) = panels(height=2.6)
        dots: dict[str, Any] = {"color": ink(), "linewidth": 0.8, "linestyle": ":", "alpha": 0.7}
        band: dict[str, Any] = {"color": COLOURS["sky"], "alpha": 0.4, "linewidth": 0}
        line: dict[str, Any] = {"color": ink(), "linewidth": 1.2}
        for quantile in (low, high):
            strip(axis, quantile, reach, **dots)
        zeros = across(NUM_CLASSES, reach)
        for zero, m, s in zip(zeros, mean, sd, strict=True):
            axis.axvline(zero, color=COLOURS["grey"], linewidth=0.4)
            axis.fill_betweenx(t, zero + m - s, zero + m + s, **band)
        strip(axis, mean, reach, **line)
        for digit, zero in enumerate(zeros):
            axis.text(zero, -0.07, str(digit), ha="center", fontweight="bold")
        scale = [-2, 0, 2]
        axis.set_xticks(
            (zeros[:, None] + scale).ravel(), [f"{value}" for value in scale] * len(zeros)
        )
        axis.tick_params(bottom=True, top=False, labelbottom=True, labeltop=False)
        axis.set_yticks([0, 1], ["0", str(x.shape[1] - 1)])
        axis.set(ylabel="Position in the signal", xlabel="Normalised x, in standard deviations")
        looks = [Line2D([], [], **line), Patch(**band), Line2D([], [], **dots)]
        names = ["mean of the digit", "± 1 standard deviation", "5 % and 95 % quantiles"]
        figure.legend(looks, names, loc="outside lower center", ncols=3)
    return figure


def ten_stages(params: SignalParams, **options: Any) -> Iterator[Stage]:
    """The stages of one example of each digit, from the first random numbers of the seed."""
    draws = frozen_draws(legacy_stream(params.seed), NUM_CLASSES, params)
    return stages(np.arange(NUM_CLASSES), draws, params, **options)


def plot_steps(params: SignalParams | None = None, *, dark: bool = False) -> Figure:
    """One example of each digit after each of the eight steps, from its template downwards."""
    rows = [Stage("template", templates().x), *ten_stages(params or SignalParams())]
    with style(dark):
        figure, axes = panels(len(rows), 1, height=0.78 * len(rows))
        for axis, (step, x) in zip(axes, rows, strict=True):
            strip(axis, x, REACH, named=step == "template", color=ink(), linewidth=1)
            name_row(axis, step.replace(" ", "\n"))
    return figure


def plot_overview(params: SignalParams | None = None, *, dark: bool = False) -> Figure:
    """Templates, examples, shuffled examples, and published accuracies of models and a human."""
    params = params or SignalParams()
    steps = {stage.step: stage.x[:5] for stage in ten_stages(params)}
    final = steps["resample"]
    order = np.random.default_rng(params.seed).permutation(params.final_seq_length)
    # mask of the digit in the final signals, one position wider so that the lines join
    digit = resample((steps["translate"] != 0).astype(float), params.final_seq_length) > 0
    red: dict[str, Any] = {"color": COLOURS["red"], "linewidth": 1.3}
    with style(dark):
        figure = Figure(figsize=(6.5, 2.8), layout="constrained")
        left, right = np.asarray(figure.subfigures(1, 2, width_ratios=(1.15, 1)))
        left.suptitle("Constructing the dataset", fontweight="bold")
        top, middle, bottom = left.subplots(3, 1)
        strip(top, templates().x[:5], REACH, named=True, marker="o", markersize=2, **red)
        strip(middle, final, REACH, color=ink(), linewidth=0.9)
        strip(middle, np.where(digit, final, np.nan), REACH, **red)
        strip(bottom, final[:, order], REACH, color=ink(), linewidth=0.9)
        name_row(top, "digits as\n12 points")
        name_row(middle, "pad, move,\ndistort")
        name_row(bottom, "shuffle")
        right.suptitle("Published test accuracy (%)", fontweight="bold")
        plot_published(right.subplots())
    return figure


def plot_published(axis: Axes) -> None:
    """The accuracies of the paper's table 1 as bars, plain and shuffled."""
    names = list(PUBLISHED["default"])
    place = np.arange(len(names))
    looks = {"default": (-0.2, COLOURS["blue"]), "shuffled": (0.2, COLOURS["orange"])}
    for config, (offset, colour) in looks.items():
        mean, spread = np.array([PUBLISHED[config][name] for name in names]).T
        errors = {"ecolor": ink(), "elinewidth": 0.6}
        axis.bar(
            place + offset, mean, 0.38, yerr=spread, color=colour, label=config, error_kw=errors
        )
        for spot, value, error in zip(place + offset, mean, spread, strict=True):
            axis.text(spot, value + error + 1, f"{value:g}", ha="center")
    axis.axhline(10, color=ink(), linewidth=0.5, linestyle=":")
    axis.text(len(names) - 0.5, 10, "chance", va="center")
    labels = [name.upper() if len(name) == 3 else name.capitalize() for name in names]
    axis.set_xticks(place, labels)
    axis.set(ylim=(0, 119), yticks=range(0, 101, 20), xlim=(-0.5, len(names) - 0.5))
    axis.legend(loc="upper center", ncols=2)


dataset = lru_cache(maxsize=1)(make_mnist1d)  # a light picture and a dark one show the same


def of_data(plot: Callable[..., Figure]) -> Callable[..., Figure]:
    def draw(params: SignalParams, *, dark: bool) -> Figure:
        data = dataset(params)
        if not len(data.y_train):
            raise ValueError("there are no training rows to draw: raise train_split")
        return plot(data.x_train, data.y_train, dark=dark)

    return draw


PICTURES: dict[str, Callable[..., Figure]] = {
    "examples": of_data(plot_examples),
    "templates": lambda params, *, dark: plot_templates(dark=dark),
    "steps": plot_steps,
    "overview": plot_overview,
    "classes": of_data(plot_classes),
}


def draw_picture(name: str, params: SignalParams | None = None, *, dark: bool = False) -> Figure:
    """One of `PICTURES`, of the data that `params` describe."""
    return PICTURES[name](params or SignalParams(), dark=dark)
