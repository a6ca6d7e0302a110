"""Figures of the study mnist, drawn from its result."""

from typing import Any

from matplotlib.figure import Figure

from mnist1d_hf.evidence.published import NAMES, PUBLISHED
from mnist1d_hf.figures.style import COLOURS, MODEL_COLOURS, panels, style
from mnist1d_hf.studies.rules.mnist import LABELS, MODELS, ON_MNIST

ORDER = ("logistic", "mlp", "gru", "cnn")  # by published accuracy on MNIST-1D


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Test accuracy of the paper's four models on 5000 digits of MNIST and on MNIST-1D.

    Both have 4000 training rows. (a) After the last step, with bars of one standard deviation over
    runs and crosses for the published values. (b) Mean over runs, over training steps.
    """
    figure, (ends, curves) = panels(1, 2, height=2.4)
    published = {"mnist": ON_MNIST, "mnist1d": {m: PUBLISHED["default"][m].mean for m in MODELS}}
    places = range(len(ORDER))
    for dataset, colour, marker in (("mnist", "blue", "s"), ("mnist1d", "red", "o")):
        found = [result["table"][dataset][model]["test"] for model in ORDER]
        means, spread = ([f[key] for f in found] for key in ("mean", "std"))
        looks = {"color": COLOURS[colour], "capsize": 2, "label": LABELS[dataset]}
        ends.errorbar(places, means, spread, fmt=f"{marker}-", **looks)
        row = [published[dataset][model] for model in ORDER]
        ends.plot(places, row, "x", color=COLOURS[colour])
    ends.plot([], [], "x", color=COLOURS["grey"], label="published")
    ends.set(title="At the end", xlabel="Model", ylabel="Test accuracy (%)", ylim=(0, 104))
    ends.set_xticks(places, [NAMES[model] for model in ORDER])
    ends.legend(loc="lower right")
    for model in ORDER:
        for dataset, line in (("mnist", "-"), ("mnist1d", "--")):
            found = result["table"][dataset][model]
            label = NAMES[model] if dataset == "mnist" else None
            looks = {"color": MODEL_COLOURS[model], "ls": line, "label": label}
            curves.plot(found["steps"], found["curve"], **looks)
    curves.plot([], [], "--", color=COLOURS["grey"], label=LABELS["mnist1d"])
    curves.set(title="On the way", xlabel="Training step", ylim=(0, 104))
    curves.legend(loc="lower right", ncols=2)
    return figure
