"""Does pooling help? Five ways to shorten a signal, on 1000 to 50000 training examples.

    python -m mnist1d_hf.studies.pooling --scale paper --workers 2

Two convolutions of 20 channels, each followed by nothing, by a stride of 2, or by pooling over
pairs (largest, mean, or root of the sum of squares), then a linear layer. The paper (section
"Benchmarking pooling methods", notebook benchmark-pooling) trains each network once, for 6000 steps
whatever the amount of data, and concludes that pooling is very helpful when data are few and
hinders when they are many. We add error bars and, because 6000 steps are 600 passes over 1000
examples but 12 over 50000, a second run with the same number of passes for all.
"""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter1d
from torch import nn

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import Finding, grade, summarise
from mnist1d_hf.figures.style import COLOURS, panels, style
from mnist1d_hf.signals.generate import Mnist1DArrays, make_mnist1d
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.studies.command import command
from mnist1d_hf.training.many import ordered_batches, train_many

SOURCE = "paper, benchmarking pooling methods; notebook benchmark-pooling"
METHODS = ("no_pool", "stride_2", "max_pool", "avg_pool", "l2_pool")
POOLING = METHODS[2:]
TEST_SIZE = 1000
BATCH = 100
HIGH = 20000  # from here on, data are many
# test accuracy in % after 6000 steps: number of training examples -> one value per method
PUBLISHED = {  # printed by the notebook of 2024
    1000: (59.2, 57.4, 78.2, 78.0, 77.2),
    2000: (82.0, 81.7, 89.2, 90.0, 89.9),
    5000: (91.9, 89.9, 94.5, 94.0, 95.3),
    10000: (94.3, 91.3, 97.0, 96.0, 96.6),
    20000: (94.4, 92.2, 96.8, 96.2, 97.8),
    50000: (96.3, 95.4, 98.1, 97.3, 97.1),
}
PUBLISHED_2020 = {  # read off the paths of the paper's figure, which are smoothed
    1000: (58.8, 57.5, 79.6, 78.1, 76.1),
    2000: (81.9, 80.8, 87.3, 90.7, 89.9),
    5000: (92.2, 89.6, 94.3, 93.4, 95.3),
    10000: (95.1, 92.3, 95.5, 97.0, 95.7),
    20000: (94.7, 93.4, 97.2, 96.7, 98.0),
    50000: (97.2, 95.4, 97.2, 97.5, 97.6),
}
LIMITS = {1000: (30, 85), 2000: (70, 92), 5000: (80, 100)}  # of the accuracy; (90, 100) above
NAMES = {
    "no_pool": "no pooling",
    "stride_2": "stride 2",
    "max_pool": "max pooling",
    "avg_pool": "average pooling",
    "l2_pool": "L2 pooling",
}
LINES = {
    "no_pool": {"color": COLOURS["black"]},
    "stride_2": {"color": COLOURS["black"], "linestyle": "--"},
    "max_pool": {"color": COLOURS["red"]},
    "avg_pool": {"color": COLOURS["green"]},
    "l2_pool": {"color": COLOURS["blue"]},
}


@dataclass(frozen=True)
class Args:
    """The settings of the notebook, how often we repeat it, and the second run."""

    train_sizes: Annotated[tuple[int, ...], "numbers of training examples"] = tuple(PUBLISHED)
    seeds: Annotated[int, "runs with other initial weights; the notebook's is seed 0"] = 5
    steps: Annotated[int, "last step; the first is 0, as in the notebook"] = 6000
    evaluate_every: Annotated[int, "steps between points of a curve"] = 100
    epochs: Annotated[int, "passes over the data in the second run"] = 60
    learning_rate: Annotated[float, "of Adam"] = 0.01

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise ValueError(f"seeds={self.seeds}: at least 2, for a standard deviation")
        for size in self.train_sizes:
            if size not in PUBLISHED:
                known = ", ".join(map(str, PUBLISHED))
                raise ValueError(f"train_sizes: {size} is not one of {known}")

    @classmethod
    def at(cls, scale: str) -> "Args":
        """The settings of `scale`, "paper" or "smoke"."""
        if scale == "paper":
            return cls()
        return cls(train_sizes=(1000, 2000), seeds=2, steps=10, evaluate_every=5, epochs=1)


def network(method: str, seed: int) -> nn.Sequential:
    """The notebook's network, from the weights that `torch.manual_seed(seed)` gives it."""
    stride = 2 if method == "stride_2" else 1
    pools: dict[str, Any] = {"max_pool": nn.MaxPool1d, "avg_pool": nn.AvgPool1d}
    pools["l2_pool"] = lambda size: nn.LPPool1d(2, size)
    pool = pools.get(method)
    length = 40 if method == "no_pool" else 10
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = [nn.Unflatten(1, (1, 40))]
        for channels in (1, 20):
            layers += [nn.Conv1d(channels, 20, 3, stride=stride, padding=1), nn.ReLU()]
            layers += [pool(2)] if pool else []
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(20 * length, 10))


@cache
def load(train_size: int) -> Mnist1DArrays:
    """The notebook's data: other sizes have other examples, in training and test."""
    total = train_size + TEST_SIZE
    return make_mnist1d(SignalParams(num_samples=total, train_split=1 - TEST_SIZE / total))


def train(
    method: str,
    train_size: int,
    seeds: list[int],
    steps: int,
    evaluate_every: int,
    learning_rate: float,
) -> dict[str, Any]:
    """Train one network per seed; a cell.

    Returns the steps measured, and lists (time, seed) of test accuracy in %, test loss, and train
    accuracy in %, that on the first 1000 training rows.
    """
    data = load(train_size)
    x = torch.tensor(data.x_train, dtype=torch.float32)
    x_test = torch.tensor(data.x_test, dtype=torch.float32)
    labels = torch.tensor(data.y_train)
    history = train_many(
        [network(method, seed) for seed in seeds],
        x,
        labels,
        ordered_batches(len(x), BATCH, steps),
        learning_rate=learning_rate,
        splits={"train": (x[:1000], labels[:1000]), "test": (x_test, torch.tensor(data.y_test))},
        evaluate_every=evaluate_every,
    )
    return {
        "steps": history.steps,
        "test_accuracy": (100 - 100 * history.error["test"]).round(decimals=2),
        "train_accuracy": (100 - 100 * history.error["train"]).round(decimals=2),
        "test_loss": history.loss["test"].round(decimals=5),
    }


def run(args: Args, cells: Cells) -> dict[str, Any]:
    """Both runs of all networks, and the verdicts."""
    seeds = list(range(args.seeds))
    common = {"seeds": seeds, "learning_rate": args.learning_rate}
    todo = []
    for method in METHODS:
        for size in args.train_sizes:
            cell = {"method": method, "train_size": size, **common}
            # the notebook counts its steps from 0 to 6000, both included
            todo.append({**cell, "steps": args.steps + 1, "evaluate_every": args.evaluate_every})
            one_pass = size // BATCH
            todo.append({**cell, "steps": args.epochs * one_pass, "evaluate_every": one_pass})
    price = {"no_pool": 3, "stride_2": 1, "max_pool": 2, "avg_pool": 2, "l2_pool": 2}
    found = cells.run(train, todo, cost=lambda cell: price[cell["method"]] * cell["steps"])
    result: dict[str, Any] = {"equal_steps": {}, "equal_epochs": {}}
    for number, (cell, curves) in enumerate(zip(todo, found, strict=True)):
        table = result["equal_epochs" if number % 2 else "equal_steps"]
        entry = {"final": summarise(curves["test_accuracy"][-1]), **curves}
        table.setdefault(str(cell["train_size"]), {})[cell["method"]] = entry
    return {**result, "findings": judge(result)}


def final(result: dict[str, Any], run: str, size: int, method: str) -> np.ndarray:
    """Test accuracy in % at the end, one per seed."""
    return np.array(result[run][str(size)][method]["test_accuracy"][-1])


def gain(result: dict[str, Any], run: str, size: int, method: str = "") -> np.ndarray:
    """Accuracy over that without pooling, in points per seed; of one method or of pooling."""
    methods = (method,) if method else POOLING
    pooled = np.mean([final(result, run, size, m) for m in methods], axis=0)
    return pooled - final(result, run, size, "no_pool")


def standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5)


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the rules were fixed before the run."""
    sizes = [int(size) for size in result["equal_steps"]]
    low, high = min(sizes), max(sizes)
    findings = [_judge_table(result, sizes)]
    for run, suffix in (("equal_steps", ""), ("equal_epochs", "-epochs")):
        same = "" if run == "equal_steps" else ", at equal passes over the data"
        findings += [
            _judge_low(result, run, low, "P1" + suffix, same),
            _judge_stride(result, run, sizes, "P2" + suffix, same),
            *_judge_high(result, run, high, suffix, same),
            _judge_max(result, run, [size for size in sizes if size >= HIGH], "P4" + suffix, same),
        ]
    return findings


def _judge_table(result: dict[str, Any], sizes: list[int]) -> Finding:
    inside, worst = [], 0.0
    for size in sizes:
        for method, published in zip(METHODS, PUBLISHED[size], strict=True):
            ours = summarise(final(result, "equal_steps", size, method))
            distance = abs(ours["mean"] - published)
            inside.append(distance <= 3 * max(ours["std"] or 0, 0.7))
            worst = max(worst, distance)
    share = sum(inside) / len(inside)
    return Finding(
        id="P-table",
        claim="the printed test accuracies after 6000 steps",
        source=SOURCE,
        published={str(size): dict(zip(METHODS, PUBLISHED[size], strict=True)) for size in sizes},
        ours={"share within": share, "largest difference in points": round(worst, 2)},
        n=len(inside),
        rule="within 3 std of ours (std at least 0.7 points, the sampling error of 1000 test "
        "examples near 95 %): 90 % of them reproduced, half partly",
        verdict=grade(share >= 0.9, share >= 0.5),
    )


def _judge_low(result: dict[str, Any], run: str, size: int, id: str, same: str) -> Finding:
    gains = gain(result, run, size)
    return Finding(
        id=id,
        claim=f"pooling helps in low data{same}",
        source=SOURCE,
        published={"gain at 1000, points": 18.6} if run == "equal_steps" else None,
        ours={f"gain at {size}, points": round(float(gains.mean()), 2)},
        n=len(gains),
        std=summarise(gains)["std"],
        rule="at the fewest examples the mean of the three methods is 12 points above no_pool: "
        "reproduced; 2 standard errors: partly",
        verdict=grade(gains.mean() >= 12, gains.mean() > 2 * standard_error(gains)),
    )


def _judge_stride(
    result: dict[str, Any], run: str, sizes: list[int], id: str, same: str
) -> Finding:
    gains = {str(n): round(float(gain(result, run, n, "stride_2").mean()), 2) for n in sizes}
    return Finding(
        id=id,
        claim=f"the gain is from pooling, not from striding{same}",
        source=SOURCE,
        published={str(n): round(PUBLISHED[n][1] - PUBLISHED[n][0], 2) for n in sizes}
        if run == "equal_steps"
        else None,
        ours={"gain of stride_2, points": gains},
        n=len(final(result, run, sizes[0], "stride_2")),
        rule="stride_2 at most 1 point above no_pool at every size",
        verdict=grade(max(gains.values()) <= 1),
    )


def _judge_high(
    result: dict[str, Any], run: str, size: int, suffix: str, same: str
) -> list[Finding]:
    gains = gain(result, run, size)
    common: dict[str, Any] = {
        "source": SOURCE,
        "published": {"gain at 50000, points": 1.2, "in 2020": 0.2} if not suffix else None,
        "ours": {f"gain at {size}, points": round(float(gains.mean()), 2)},
        "n": len(gains),
        "std": summarise(gains)["std"],
    }
    error = standard_error(gains)

    def verdict(holds: bool) -> str:
        return "not testable" if size < HIGH else grade(holds)

    return [
        Finding(
            id="P3-no-matter" + suffix,
            claim=f"in high data pooling does not matter{same}",
            rule="at the most examples the mean of the three methods is within 1 point of no_pool",
            verdict=verdict(abs(gains.mean()) <= 1),
            **common,
        ),
        Finding(
            id="P3-hinders" + suffix,
            claim=f"in high data pooling hinders{same}",
            rule="at the most examples it is 2 standard errors below no_pool",
            verdict=verdict(gains.mean() < -2 * error),
            **common,
        ),
    ]


def _judge_max(result: dict[str, Any], run: str, sizes: list[int], id: str, same: str) -> Finding:
    lead, worse = {}, []
    for n in sizes:
        found = final(result, run, n, "max_pool") - final(result, run, n, "l2_pool")
        lead[str(n)] = round(float(found.mean()), 2)
        worse.append(found.mean() < -2 * standard_error(found))
    verdict = grade(all(worse), any(worse))
    return Finding(
        id=id,
        claim=f"max pooling is worse than L2 pooling in high data{same}",
        source="blog post of 2020",
        published={str(n): round(PUBLISHED[n][2] - PUBLISHED[n][4], 2) for n in sizes}
        if run == "equal_steps"
        else None,
        ours={"max minus L2, points": lead},
        n=len(final(result, run, sizes[0], "max_pool")) if sizes else None,
        rule="2 standard errors below at every size from 20000: reproduced; at one: partly",
        verdict=verdict if sizes else "not testable",
    )


@style()
def plot(result: dict[str, Any]) -> Figure:
    """Accuracy during training at every size, and what is left of it with equal passes."""
    sizes = [int(size) for size in result["equal_steps"]]
    rows = -(-len(sizes) // 3)
    figure, axes = panels(rows + 1, 3, width=7.5, height=1.9 * (rows + 1))
    for axis, size in zip(axes.flat, sizes, strict=False):
        plot_curves(axis, result, size)
    for axis in axes.flat[len(sizes) : 3 * rows]:
        axis.set_visible(False)
    axes.flat[0].legend(ncols=2)
    titles = {"equal_steps": "Equal steps", "equal_epochs": "Equal passes over the data"}
    for axis, (run, title) in zip(axes[-1], titles.items(), strict=False):
        for method, line in LINES.items():
            ends = [final(result, run, size, method) for size in sizes]
            plot_band(axis, sizes, ends, line, NAMES[method])
            if run == "equal_steps":
                seen = [PUBLISHED[size][METHODS.index(method)] for size in sizes]
                axis.plot(sizes, seen, "o", mfc="none", mew=0.5, color=line["color"])
        axis.set(title=title, xlabel="Training examples", xscale="log", ylim=(50, 100))
    axes[-1, 0].plot([], [], "o", mfc="none", mew=0.5, color=COLOURS["grey"], label="published")
    axes[-1, 0].legend()
    axes[-1, 0].set_ylabel("Test accuracy at the end (%)")
    for run, colour in (("equal_steps", "purple"), ("equal_epochs", "orange")):
        gains = [gain(result, run, size) for size in sizes]
        plot_band(axes[-1, 2], sizes, gains, {"color": COLOURS[colour]}, titles[run].lower())
    axes[-1, 2].axhline(0, color=COLOURS["grey"], lw=0.5)
    axes[-1, 2].set(title="Pooling over no pooling", xlabel="Training examples", xscale="log")
    axes[-1, 2].set_ylabel("Difference (points)")
    for axis in axes[-1]:
        axis.xaxis.set_major_formatter("{x:g}")
    axes[-1, 2].legend()
    return figure


@style()
def plot_three(result: dict[str, Any]) -> Figure:
    """The layout of the paper's main text: few, some and many examples."""
    sizes = [size for size in (1000, 5000, 50000) if str(size) in result["equal_steps"]]
    figure, axes = panels(1, len(sizes), width=9.6, height=2.4)
    for axis, size in zip(axes, sizes, strict=True):
        plot_curves(axis, result, size)
    axes[0].legend(ncols=2)
    return figure


def plot_curves(axis: Any, result: dict[str, Any], size: int) -> None:
    """Test accuracy over steps, smoothed as in the notebook; published ends as circles."""
    for method, line in LINES.items():
        entry = result["equal_steps"][str(size)][method]
        curves = gaussian_filter1d(np.array(entry["test_accuracy"]), 1, axis=0)
        plot_band(axis, entry["steps"], curves, line, NAMES[method])
        end = PUBLISHED[size][METHODS.index(method)]
        axis.plot(entry["steps"][-1], end, "o", mfc="none", mew=0.5, clip_on=False, **line)
    axis.set(title=f"{size} examples", xlabel="Training step", ylabel="Test accuracy (%)")
    axis.set(xlim=(0, entry["steps"][-1]), ylim=LIMITS.get(size, (90, 100)))


def plot_band(axis: Any, x: Any, values: Any, line: dict[str, Any], label: str) -> None:
    """Mean over the last axis of `values` with a band of one standard deviation."""
    mean, std = np.mean(values, axis=1), np.std(values, axis=1, ddof=1)
    axis.plot(x, mean, label=label, **line)
    axis.fill_between(x, mean - std, mean + std, color=line["color"], alpha=0.2, lw=0)


main = command(
    Args,
    run,
    plot,
    more_plots={"three": plot_three},
    repeated="seeds",
    published_figure=(
        "Test accuracy over 6000 steps for 1000, 5000 and 50,000 examples: no pooling black, "
        "stride dashed, max red, average green, L2 blue, smoothed; a second figure has six sizes."
    ),
)

if __name__ == "__main__":
    main()
