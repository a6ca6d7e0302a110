"""Rules of the study self_supervised: what its result says of each claim."""

from typing import Any

import numpy as np

from mnist1d_hf.evidence.intervals import judge_interval, mean_interval
from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.evidence.results import Finding, Superseded, grade

SOURCE = "paper, self-supervised learning; notebook self-supervised-learning"
SINCE = "2026-11-26"  # of second versions of rules
ENCODER_LAYERS = 3  # layer 0 is the signal, layer 3 what the projector sees
PUBLISHED, PUBLISHED_PIXELS, ISOLATED = (
    read_published("self_supervised")[name] for name in ("linear", "pixels", "isolated")
)


METHODS = ("fine-tuned", "linear on frozen features", "from scratch")


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the first versions of the rules were fixed before the run."""
    variants = result["variants"]
    means = {name: [s["mean"] for s in v["linear"]] for name, v in variants.items()}
    return [
        judge_pixels(result["pixels"]),
        judge_projector(variants["default"]),
        judge_layers(means, variants["default"]["linear"][0]["n"]),
        judge_classes(variants["default"]["purity"]),
    ]


def judge_pixels(pixels: dict[str, float]) -> Finding:
    near = sum(abs(pixels[name] - value) < 0.2 for name, value in PUBLISHED_PIXELS.items())
    return Finding(
        id="S-pixels",
        claim="accuracy on the raw signals",
        source=SOURCE,
        published=PUBLISHED_PIXELS,
        ours=pixels,
        rule="both within 0.2 points; partly: one of the two",
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
            "mean drop, 95 % interval": mean_interval(drops) if before["n"] > 1 else None,
            "above 82 % before": verdicts[0],
            "higher before than after": verdicts[1],
        },
        n=before["n"],
        std=before["std"],
        rule="the 95 % interval of the accuracy before lies above 82 %, and that of the drop above "
        "0; partly: one of the two; refuted: both lie elsewhere. The published value is one run, "
        "and five of ours leave a wide interval",
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


def judge_layers(means: dict[str, list[float]], n: int) -> Finding:
    peaks = {name: int(np.argmax(values)) for name, values in means.items()}
    shape = (
        all(0 < peak < len(means[name]) - 1 for name, peak in peaks.items()),
        peaks["none"] == 1,
        means["deep"][-1] < means["default"][-1],
    )
    return Finding(
        id="S2",
        claim="accuracy peaks inside the network; without projector at layer 1; a deep "
        "projector lowers the end",
        source=SOURCE,
        published={
            "layer of the peak": {name: int(np.argmax(v)) for name, v in PUBLISHED.items()},
            "accuracy of each layer, %": PUBLISHED,
        },
        ours={"layer of the peak": peaks, "accuracy of each layer, %": means},
        n=n,
        rule="all three claims about the means over seeds; partly: some of them",
        verdict=grade(all(shape), any(shape)),
    )


def judge_classes(purity: list[dict[str, Any]]) -> Finding:
    by_class = [s["mean"] for s in purity]
    purest = sorted(int(c) for c in np.argsort(by_class)[-len(ISOLATED) :])
    shared = len(set(purest) & set(ISOLATED))
    return Finding(
        id="S3",
        claim="classes 0, 3, 6 and 8 are isolated",
        source=SOURCE,
        published=ISOLATED,
        ours={"purest classes": purest, "same-class neighbours by class, %": by_class},
        n=purity[0]["n"],
        rule="they are the four classes with most same-class neighbours after the projector; "
        "partly: three of them are",
        verdict=grade(shared == 4, shared == 3),
    )
