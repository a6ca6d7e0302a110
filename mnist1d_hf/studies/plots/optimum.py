"""Figures of the study of the optimum, drawn from its result."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from mnist1d_hf.evidence.intervals import summary_interval
from mnist1d_hf.evidence.published import HUMAN, NAMES
from mnist1d_hf.figures.style import COLOURS, DIGIT_COLOURS, MODEL_COLOURS, panels, style
from mnist1d_hf.studies.rules.optimum import (
    DEFAULTS,
    LABELS,
    POSTERIOR,
    at_default,
    by_model,
    exponents,
    on_noisy,
)

NOISE = "iid_noise_scale"
DIALS = {
    NOISE: ("Independent noise", "Standard deviation of the noise"),
    "corr_noise_scale": ("Correlated noise", "Standard deviation before smoothing"),
    "max_translation": ("Translation", "Number of possible shifts"),
    "final_seq_length": ("Length", "Points of a signal"),
}
LOGARITHMIC = (NOISE, "corr_noise_scale")
ENDLESS = 9  # times the largest number of examples: where "endless" stands, set apart by a line
LEAST = 0.05  # points of error; what is nearer to the optimum lies below the logarithmic axis
SHOWN = 3  # ambiguous rows, those with the least certain posterior


@style()
def plot(result: Mapping[str, Any]) -> Figure:
    """Networks, a human and the exact optimum over independent noise. Mean test accuracy over the
    runs, each trained on 4000 examples, with bands of one standard deviation. No classifier can be
    in the grey area above the optimum.
    """
    figure, (axis,) = panels(width=4.6, height=3.0)
    points = result["dials"].get(NOISE, [])
    plot_dial(axis, NOISE, points)
    axis.fill_between(*ceiling_of(points, NOISE), 105, color=COLOURS["grey"], alpha=0.25, lw=0)
    axis.plot(DEFAULTS[NOISE], HUMAN, "D", color=COLOURS["sky"], ms=4, label="human", zorder=5)
    words = "no classifier\ncan be here"
    axis.text(0.93, 0.95, words, transform=axis.transAxes, ha="right", va="top")
    axis.set(title="", ylabel="Test accuracy (%)")
    axis.legend(loc="lower left", ncols=2, columnspacing=1)
    return figure


@style()
def plot_dials(result: Mapping[str, Any]) -> Figure:
    """Networks and the exact optimum over four parameters of the generator. Mean test accuracy over
    the runs, each trained on 4000 examples, with bands of one standard deviation; the parameters
    that are not varied are those of default, which the dotted lines mark.
    """
    dials = result["dials"]
    rows = -(-len(dials) // 2)
    figure, axes = panels(rows, min(2, len(dials)), height=0.5 + 2.1 * rows, sharey=True)
    for axis, (name, points) in zip(np.ravel(axes), dials.items(), strict=False):
        plot_dial(axis, name, points)
        axis.axvline(DEFAULTS[name], color=COLOURS["grey"], ls=":", zorder=0)
    for number, axis in enumerate(np.ravel(axes)):
        axis.set_visible(number < len(dials))
        axis.set_ylabel("" if number % 2 else "Test accuracy (%)")
    handles, labels = np.ravel(axes)[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), columnspacing=1)
    return figure


def ceiling_of(points: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """The values of a dial, and the accuracy of the optimum at each."""
    return [p["overrides"][name] for p in points], [p["expected"] for p in points]


def plot_dial(axis: Axes, name: str, points: Sequence[Mapping[str, Any]]) -> None:
    """Accuracy of the optimum and of each model, mean and one standard deviation."""
    values, ceiling = ceiling_of(points, name)
    title, label = DIALS[name]
    if name in LOGARITHMIC:
        axis.set_xscale("log")
    axis.set_xticks(values, [f"{value:g}" for value in values])
    axis.minorticks_off()
    axis.plot(values, ceiling, color=COLOURS["grey"], linewidth=2.5, label="optimum")
    for model in [m for m in NAMES if points and all(m in point["models"] for point in points)]:
        found = [point["models"][model]["accuracy"] for point in points]
        mean = np.array([one["mean"] for one in found])
        spread = np.array([one["std"] or 0.0 for one in found])
        colour = MODEL_COLOURS[model]
        axis.plot(values, mean, ".-", label=NAMES[model], color=colour)
        axis.fill_between(values, mean - spread, mean + spread, alpha=0.2, lw=0, color=colour)
    axis.set(title=title, xlabel=label, ylim=(0, 102))


@style()
def plot_learning(result: Mapping[str, Any]) -> Figure:
    """What more training examples are worth on noisy. Error above that of the exact optimum in
    percentage points, trained on labels (a) and, for some models, on the exact probabilities too
    (b): means over the runs with 95 % intervals, both axes logarithmic. Endless: new examples in
    every step. k is the exponent of the fitted law, error = c / examples^k, where there is one.
    """
    figure, axes = panels(1, 2, height=3.3, sharey=True)
    noisy = result["configs"]["noisy"]
    labelled, exact = by_model(result, LABELS), by_model(result, POSTERIOR)
    endless = {e["model"]: e for e in result["learning"] if not e["rows"]}
    counts = sorted({entry["rows"] for entries in labelled.values() for entry in entries})
    beyond = counts[-1] * ENDLESS
    for model in [model for model in NAMES if model in labelled]:
        fitted = exponents(labelled[model], noisy["expected"])
        name = NAMES[model] + (f", k = {np.mean(fitted):.2f}" if fitted else "")
        look: dict[str, Any] = {"color": MODEL_COLOURS[model], "capsize": 1.5}
        plot_excess(axes[0], labelled[model], noisy, fmt=".-", label=name, **look)
        if model in endless:
            plot_excess(axes[0], [endless[model]], noisy, beyond, fmt=".", **look)
        if model in exact:
            plot_excess(axes[1], labelled[model], noisy, fmt=".-", label=NAMES[model], **look)
            plot_excess(axes[1], exact[model], noisy, fmt="D:", mfc="white", **look)
    for line, label in ((".-", "on labels"), ("D:", "on probabilities")):
        axes[1].plot([], [], line, mfc="white", color=COLOURS["grey"], label=label)
    ticks = {count: f"{count / 1000:g}k" for count in counts}
    for axis, end in zip(axes, (endless, {}), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="Training examples")
        axis.set_xticks(
            [*ticks, *[beyond] * bool(end)], [*ticks.values(), *["endless"] * bool(end)]
        )
        axis.minorticks_off()
    if endless:
        axes[0].axvline(counts[-1] * ENDLESS**0.5, color=COLOURS["grey"], ls=":")
    axes[0].set(title="Trained on labels", ylabel="Error above the optimum (points)")
    axes[1].set(title="Labels, or exact probabilities")
    shown = [noisy["expected"] - e["accuracy"]["mean"] for e in result["learning"]]
    axes[0].set_ylim(0.7 * max(min(shown), LEAST), 1.3 * max(shown))
    round_ticks(axes[0].yaxis)
    for axis in axes:
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, columnspacing=1)
    return figure


def plot_excess(
    axis: Axes,
    entries: Sequence[Mapping[str, Any]],
    noisy: Mapping[str, Any],
    place: float | None = None,
    **look: Any,
) -> None:
    """Error above the optimum with 95 % intervals, at the numbers of examples or at one `place`."""
    at = [place or entry["rows"] for entry in entries]
    above = noisy["expected"] - np.array([entry["accuracy"]["mean"] for entry in entries])
    axis.errorbar(at, above, half_widths([entry["accuracy"] for entry in entries]), **look)


def half_widths(summaries: Sequence[Mapping[str, Any]]) -> list[float]:
    """Half of the 95 % intervals of means; 0 of a single run, which has none."""
    ends = [summary_interval(summary) for summary in summaries]
    return [(high - low) / 2 if np.isfinite(high) else 0.0 for low, high in ends]


def round_ticks(axis: Axis) -> None:
    """Ticks at 1, 2 and 5 times the powers of ten, written without exponents."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


@style()
def plot_calibration(result: Mapping[str, Any]) -> Figure:
    """How near the probabilities of networks are to the exact posterior, before temperature scaling
    (open) and after it (filled). a, b: the divergence KL(exact || model), which is 0 for the
    optimum alone; c, d: the expected calibration error. Trained on 4000 examples; means over the
    runs with 95 % intervals, on logarithmic axes.
    """
    figure, axes = panels(2, 2, height=4.0, sharex="row", sharey=True)
    measures = {"kl": "KL(exact || model) (nats)", "calibration": "Calibration error (points)"}
    configs = {"default": at_default(result), "noisy": on_noisy(result)}
    names = [name for name in NAMES if any(name in models for models in configs.values())][::-1]
    for row, (measure, label) in zip(axes, measures.items(), strict=True):
        for axis, (config, models) in zip(row, configs.items(), strict=True):
            for place, model in enumerate(names):
                if model in models:
                    plot_scaling(axis, place, models[model], measure, MODEL_COLOURS[model])
            axis.set(title=config, xscale="log", xlabel=label, ylim=(-0.6, len(names) - 0.4))
            axis.set_yticks(range(len(names)), [NAMES[name] for name in names])
            round_ticks(axis.xaxis)
            axis.grid(axis="y", lw=0.3, color=COLOURS["grey"])
    grey = {"color": COLOURS["grey"], "linestyle": ""}
    before = axes[0, 0].plot([], [], "o", mfc="white", label="before temperature scaling", **grey)
    after = axes[0, 0].plot([], [], "o", label="after temperature scaling", **grey)
    figure.legend(handles=[*before, *after], loc="outside lower center", ncols=2)
    return figure


def plot_scaling(
    axis: Axes, place: float, entry: Mapping[str, Any], measure: str, colour: str
) -> None:
    """A measure of one model before and after scaling, side by side on one line."""
    before, after = entry[measure], entry[f"{measure}_scaled"]
    axis.plot([before["mean"], after["mean"]], [place] * 2, lw=0.6, color=colour)
    for one, fill in ((before, "white"), (after, colour)):
        [half] = half_widths([one])
        axis.errorbar(one["mean"], place, xerr=half, fmt="o", color=colour, mfc=fill, capsize=1.5)


@style()
def plot_rows(result: Mapping[str, Any]) -> Figure:
    """The published test rows that are truly ambiguous, with the exact probabilities beside each.
    Bars have the colours of their digits; the one with an outline is the label of the row.
    """
    rows = result["frozen"]["default"]["ambiguous"][:SHOWN]
    figure, axes = panels(
        max(1, len(rows)),
        2,
        height=0.3 + 1.7 * max(1, len(rows)),
        squeeze=False,
        width_ratios=(2, 1),
    )
    if not rows:
        axes[0, 0].set(title="no row is ambiguous", xlabel="Position in the signal")
    for (signal, bars), row in zip(axes, rows, strict=False):
        signal.axhline(0, color=COLOURS["grey"], lw=0.5)
        signal.plot(row["x"], ".-", color=COLOURS["black"])
        signal.set(
            title=f"Test row {row['row']}, a {row['label']}", xlabel="Position in the signal"
        )
        signal.set(ylabel="Normalised x (std. dev.)")
        drawn = bars.bar(range(10), row["posterior"], color=DIGIT_COLOURS)
        drawn[row["label"]].set(edgecolor=COLOURS["black"], linewidth=1.2)
        for digit, probability in enumerate(row["posterior"]):
            if probability >= 0.01:
                bars.text(digit, probability + 0.02, f"{probability:.2f}", ha="center")
        bars.set(
            title="Exact posterior",
            xticks=range(10),
            ylim=(0, 1.05),
            xlabel="Digit",
            ylabel="Exact probability",
        )
    return figure
