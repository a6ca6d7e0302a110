"""What the study of the optimum claims, and by which rule; all rules were fixed before the run.

The claims are this project's own. Each has an estimate with a 95 % interval over runs (Student's t,
the runs differing in data and in weights), and the verdict of `evidence.intervals.judge_interval`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mnist1d_hf.evidence.intervals import judge_interval, mean_interval
from mnist1d_hf.evidence.results import Finding

SOURCE = "this project"
SATURATED = 1.0  # points below the optimum on default
ROOM = 10.0  # points below the optimum on noisy
LABELS, POSTERIOR = "labels", "posterior"
ALL_MODELS = 6


def judge(result: Mapping[str, Any]) -> list[Finding]:
    """One finding per claim for which there are runs."""
    configs = result["configs"]
    findings = []
    plain = at_default(result)
    if len(plain) == ALL_MODELS:  # the best of some is not the best
        findings.append(
            gap_finding(
                "O-saturated",
                f"on default the best network is within {SATURATED:g} point of the optimum",
                plain,
                configs["default"]["expected"],
                {"below": SATURATED},
                f"the interval of its distance to the optimum lies below {SATURATED:g}",
            )
        )
    noisy = {
        r["model"]: r for r in result["learning"] if (r["rows"], r["targets"]) == (4000, LABELS)
    }
    if len(noisy) == ALL_MODELS:
        findings.append(
            gap_finding(
                "O-room",
                f"on noisy the best network is more than {ROOM:g} points below the optimum",
                noisy,
                configs["noisy"]["expected"],
                {"above": ROOM},
                f"the interval of its distance to the optimum lies above {ROOM:g}",
            )
        )
    for model, runs in by_model(result).items():
        findings += exponent_findings(model, runs, configs["noisy"])
    return findings + distillation_findings(result)


def at_default(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The models at the config default, from any dial."""
    for points in result["dials"].values():
        for point in points:
            [(name, value)] = point["overrides"].items()
            if (name, value) in {("iid_noise_scale", 0.02), ("max_translation", 48)}:
                return point["models"]
    return {}


def gap_finding(
    id: str,
    claim: str,
    models: Mapping[str, Any],
    ceiling: float,
    region: dict[str, float],
    rule: str,
) -> Finding:
    """The distance of the best model, by its mean, to the optimum in percentage points."""
    best = max(models, key=lambda name: models[name]["accuracy"]["mean"])
    below = [ceiling - value for value in models[best]["accuracies"]]
    ours = {"best network": best}
    return by_interval(id, claim, "points below the optimum", below, rule, ours=ours, **region)


def by_interval(
    id: str, claim: str, quantity: str, values: Sequence[float], rule: str, **more: Any
) -> Finding:
    """The finding on the claim that the mean of `values`, one a run, lies in a region.

    `more` has the bounds of the region, `above` or `below`, and perhaps `ours`.
    """
    interval, ours = mean_interval(values), more.pop("ours", {})
    return Finding(
        id=id,
        claim=claim,
        source=SOURCE,
        published=None,
        ours={**ours, quantity: round(float(np.mean(values)), 3)},
        rule=rule,
        verdict=judge_interval(interval, **more),
        n=len(values),
        quantity=quantity,
        estimate=float(np.mean(values)),
        interval=interval,
    )


def by_model(result: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Runs on labels with a number of training examples, by model."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in result["learning"]:
        if entry["targets"] == LABELS and entry["rows"]:
            found.setdefault(entry["model"], []).append(entry)
    return found


def exponents(runs: Sequence[Mapping[str, Any]], ceiling: float) -> list[float]:
    """For each seed the exponent k of (error above the optimum) ~ rows ** -k, least squares."""
    rows = np.log([run["rows"] for run in runs])
    above = ceiling - np.array([run["accuracies"] for run in runs])  # (counts, seeds)
    if len(runs) < 3 or (above <= 0).any():
        return []
    return [-float(np.polyfit(rows, np.log(one), 1)[0]) for one in above.T]


def exponent_findings(
    model: str, runs: Sequence[Mapping[str, Any]], noisy: Mapping[str, Any]
) -> list[Finding]:
    """Whether more examples bring a model nearer to the optimum; none where there is no fit."""
    found = exponents(runs, noisy["expected"])
    if not found:
        return []
    return [
        by_interval(
            f"O-rows-{model}",
            f"more training examples bring the {model} nearer to the optimum on noisy",
            "exponent of error above the optimum over examples",
            found,
            "the interval of the fitted exponent lies above 0",
            above=0,
        )
    ]


def distillation_findings(result: Mapping[str, Any]) -> list[Finding]:
    """Whether exact probabilities as targets beat labels, by model, at 4000 examples."""
    found = {(r["model"], r["rows"], r["targets"]): r for r in result["learning"]}
    findings = []
    for model, rows, targets in found:
        hard = found.get((model, rows, LABELS))
        if targets != POSTERIOR or rows != 4000 or hard is None:
            continue
        soft = found[model, rows, POSTERIOR]["accuracies"]
        findings.append(
            by_interval(
                f"O-distil-{model}",
                f"the {model} learns more from exact probabilities than from labels",
                "points gained on noisy at 4000 examples",
                [a - b for a, b in zip(soft, hard["accuracies"], strict=True)],
                "the interval of the paired difference in accuracy lies above 0",
                above=0,
            )
        )
    return findings
