"""What the study of the optimum claims, and by which rule; all rules were fixed before the run.

The claims are this project's own. Each has an estimate with a 95 % interval over runs (Student's t,
the runs differing in data and in weights), and a verdict by one scheme: reproduced when the whole
interval lies in the claimed region, refuted when the whole interval lies outside, partly else.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import t as student

from mnist1d_hf.evidence.results import Finding, grade

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
                lambda low, high: grade(high <= SATURATED, low <= SATURATED),
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
                lambda low, high: grade(low > ROOM, high > ROOM),
                f"the interval of its distance to the optimum lies above {ROOM:g}",
            )
        )
    for model, runs in by_model(result).items():
        findings += exponent_findings(model, runs, configs["noisy"])
    return findings + distillation_findings(result)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval of Student's t; an interval without end for a single value."""
    numbers = np.asarray(values, dtype=np.float64)
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return mean, -math.inf, math.inf
    half = float(student.ppf(0.975, len(numbers) - 1) * numbers.std(ddof=1) / len(numbers) ** 0.5)
    return mean, mean - half, mean + half


def at_default(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The models at the config default, from any dial."""
    for points in result["dials"].values():
        for point in points:
            [(name, value)] = point["overrides"].items()
            if (name, value) in {("iid_noise_scale", 0.02), ("max_translation", 48)}:
                return point["models"]
    return {}


def gap_finding(
    id: str, claim: str, models: Mapping[str, Any], ceiling: float, verdict: Any, rule: str
) -> Finding:
    """The distance of the best model, by its mean, to the optimum in percentage points."""
    best = max(models, key=lambda name: models[name]["accuracy"]["mean"])
    mean, low, high = interval([ceiling - value for value in models[best]["accuracies"]])
    return Finding(
        id,
        claim,
        SOURCE,
        None,
        {"best network": best, "points below the optimum": numbers(mean, low, high)},
        rule,
        verdict(low, high),
        n=len(models[best]["accuracies"]),
    )


def numbers(mean: float, low: float, high: float) -> dict[str, Any]:
    finite = math.isfinite(low)
    return {
        "estimate": round(mean, 3),
        "95 % interval": [round(low, 3), round(high, 3)] if finite else None,
    }


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
    mean, low, high = interval(found)
    return [
        Finding(
            f"O-rows-{model}",
            f"more training examples bring the {model} nearer to the optimum on noisy",
            SOURCE,
            None,
            {"exponent of error above the optimum over examples": numbers(mean, low, high)},
            "the interval of the fitted exponent lies above 0",
            grade(low > 0, high > 0),
            n=len(found),
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
        mean, low, high = interval([a - b for a, b in zip(soft, hard["accuracies"], strict=True)])
        findings.append(
            Finding(
                f"O-distil-{model}",
                f"the {model} learns more from exact probabilities than from labels",
                SOURCE,
                None,
                {"points gained on noisy at 4000 examples": numbers(mean, low, high)},
                "the interval of the paired difference in accuracy lies above 0",
                grade(low > 0, high > 0),
                n=len(soft),
            )
        )
    return findings
