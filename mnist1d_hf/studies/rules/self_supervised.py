"""Rules of the study self_supervised: what its result says of each claim."""

from typing import Any

import numpy as np

from mnist1d_hf.evidence.intervals import (
    UNKNOWN,
    judge_interval,
    judge_together,
    mean_interval,
)
from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.evidence.results import Finding, Superseded, grade, summarise
from mnist1d_hf.studies.rules.other_data import on_other_data

SOURCE = "paper, self-supervised learning; notebook self-supervised-learning"
SINCE = "2026-11-26"  # of second versions of rules
ENCODER_LAYERS = 3  # layer 0 is the signal, layer 3 what the projector sees
PUBLISHED, PUBLISHED_PIXELS, ISOLATED = (
    read_published("self_supervised")[name] for name in ("linear", "pixels", "isolated")
)


LABELS = {"default": "default projector", "none": "no projector", "deep": "deep projector"}
METHODS = ("fine-tuned", "linear on frozen features", "from scratch")


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the first versions of the rules were fixed before the run."""
    others = result.get("other_data")
    return [
        judge_pixels(result["pixels"]),
        *judge_networks(result["variants"]),
        *on_other_data(judge_networks(others) if others else []),
    ]


def judge_networks(variants: dict[str, Any]) -> list[Finding]:
    """S1 to S3."""
    return [
        judge_projector(variants["default"]),
        judge_layers(variants),
        judge_classes(np.array(variants["default"]["purity_runs"])),
    ]


def judge_pixels(pixels: dict[str, float]) -> Finding:
    near = sum(abs(pixels[name] - value) < 0.2 for name, value in PUBLISHED_PIXELS.items())
    return Finding(
        id="S-pixels",
        claim="accuracy on the raw signals",
        source=SOURCE,
        published=PUBLISHED_PIXELS,
        ours=pixels,
        rule="both within 0.2 points; partly: one of the two. Nothing in them is random, so there "
        "is no interval",
        verdict=grade(near == len(PUBLISHED_PIXELS), near),
    )


def judge_projector(network: dict[str, Any]) -> Finding:
    before, after = network["linear"][ENCODER_LAYERS], network["linear"][-1]["mean"]
    drops = [run[ENCODER_LAYERS] - run[-1] for run in network["linear_runs"]]
    right = abs(before["mean"] - 82.1) < 1.5
    interval = mean_interval([run[ENCODER_LAYERS] for run in network["linear_runs"]])
    verdicts = judge_interval(interval, above=82), judge_interval(mean_interval(drops), above=0)
    holds = [verdict == "reproduced" for verdict in verdicts]
    return Finding(
        id="S1",
        claim="linear accuracy is above 82 % before the projector, and higher than after it",
        source=SOURCE,
        published={"before": 82.1, "after": 75.0},
        ours={
            "before": before["mean"],
            "after": after,
            "drops": drops,
            "mean drop, 95 % interval": mean_interval(drops),
            "above 82 % before": verdicts[0],
            "higher before than after": verdicts[1],
        },
        n=before["n"],
        std=before["std"],
        rule="the 95 % interval of the accuracy before lies above 82 %, and that of the drop above "
        "0; partly: one of the two; refuted: both lie elsewhere. The published value is one run",
        verdict=grade(all(holds), any(holds))
        if any(holds) or set(verdicts) == {"refuted"}
        else "not supported",
        quantity="linear accuracy before the projector, %",
        estimate=before["mean"],
        interval=interval,
        since=SINCE,
        superseded=Superseded(
            rule="before within 1.5 points and after lower with every seed; partly: one of the two",
            verdict=grade(right and min(drops) > 0, right or min(drops) > 0),
            why="the tolerance is half the standard deviation of single runs",
        ),
    )


def judge_layers(variants: dict[str, Any]) -> Finding:
    runs = {name: np.array(one["linear_runs"]) for name, one in variants.items()}
    means = {name: one.mean(0).tolist() for name, one in runs.items()}
    peaks = {name: int(np.argmax(values)) for name, values in means.items()}
    shape = (
        all(0 < peak < len(means[name]) - 1 for name, peak in peaks.items()),
        peaks["none"] == 1,
        means["deep"][-1] < means["default"][-1],
    )
    leads = {
        **{
            f"the best inner layer over the last, {label}": best_inner(runs[name])
            - runs[name][:, -1]
            for name, label in LABELS.items()
        },
        "layer 1 over the best other, no projector": runs["none"][:, 1]
        - best_other(runs["none"], 1),
        "the last layer, default over deep projector": runs["default"][:, -1] - runs["deep"][:, -1],
    }
    intervals = {name: mean_interval(values) for name, values in leads.items()}
    least = min(intervals, key=lambda name: intervals[name][0])  # the one that decides
    return Finding(
        id="S2",
        claim="accuracy peaks inside the network; without projector at layer 1; a deep "
        "projector lowers the end",
        source=SOURCE,
        published={
            "layer of the peak": {name: int(np.argmax(v)) for name, v in PUBLISHED.items()},
            "accuracy of each layer, %": PUBLISHED,
        },
        ours={
            "layer of the peak": peaks,
            "accuracy of each layer, %": means,
            "95 % intervals, points": intervals,
        },
        n=len(leads[least]),
        std=summarise(leads[least])["std"],
        rule="the 95 % intervals of five differences in linear accuracy, paired by seed, lie above "
        "0: the best inner layer over the last, for each of three projectors; layer 1 over the "
        "best other without projector; the end with the default over that with a deep projector",
        verdict=judge_together(judge_interval(one, above=0) for one in intervals.values()),
        quantity=f"{least}, points",
        estimate=float(leads[least].mean()),
        interval=intervals[least],
        since=SINCE,
        superseded=Superseded(
            rule="all three claims about the means over seeds; partly: some of them",
            verdict=grade(all(shape), any(shape)),
            why=UNKNOWN,
        ),
    )


def best_inner(runs: np.ndarray) -> np.ndarray:
    """Accuracy by seed at the layer between first and last that has the highest mean."""
    return runs[:, 1 + int(runs[:, 1:-1].mean(0).argmax())]


def best_other(runs: np.ndarray, layer: int) -> np.ndarray:
    """Accuracy by seed at the layer with the highest mean, `layer` left out."""
    others = np.delete(runs, layer, axis=1)
    return others[:, int(others.mean(0).argmax())]


def judge_classes(runs: np.ndarray) -> Finding:
    """`runs` are the same-class neighbours in percent, (seeds, 10)."""
    by_class = runs.mean(0).tolist()
    purest = sorted(int(c) for c in np.argsort(by_class)[-len(ISOLATED) :])
    shared = len(set(purest) & set(ISOLATED))
    least = min(ISOLATED, key=lambda c: by_class[c])
    most = max(set(range(10)) - set(ISOLATED), key=lambda c: by_class[c])
    leads = runs[:, least] - runs[:, most]
    interval = mean_interval(leads)
    return Finding(
        id="S3",
        claim="classes 0, 3, 6 and 8 are isolated",
        source=SOURCE,
        published=ISOLATED,
        ours={"purest classes": purest, "same-class neighbours by class, %": by_class},
        n=len(leads),
        std=summarise(leads)["std"],
        rule="after the projector, the 95 % interval of the same-class neighbours of the least "
        "isolated of the four classes minus those of the most isolated other, paired by seed, lies "
        "above 0",
        verdict=judge_interval(interval, above=0),
        quantity=f"same-class neighbours, class {least} minus class {most}, points",
        estimate=by_class[least] - by_class[most],
        interval=interval,
        since=SINCE,
        superseded=Superseded(
            rule="they are the four classes with most same-class neighbours after the projector; "
            "partly: three of them are",
            verdict=grade(shared == 4, shared == 3),
            why=UNKNOWN,
        ),
    )
