"""Rules of the study classification: what its result says of each claim."""

from typing import Any

import numpy as np

from mnist1d_hf.evidence.published import (
    HUMAN,
    HUMAN_ANSWERS,
    HUMAN_ERRORS,
    NAMES,
    PUBLISHED,
    error_rates,
)
from mnist1d_hf.evidence.results import Finding, grade

SOURCE = "paper, table 1 and figure 2; notebook mnist1d-classification"
# how the step of an MLP is selected; the last way is not fair and shows what it would give
WAYS = {
    "last_step": "last step",
    "validation": "selected on validation",
    "test": "selected on test",
}

Found = dict[tuple[str, str], dict[str, Any]]  # rows of the original's protocol


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts on what the original's protocol gives; the rules were fixed before the run."""
    found = {(r["config"], r["model"]): r for r in result["table"] if r["protocol"] == "last_step"}
    return [
        *judge_accuracies(found),
        *judge_order(found),
        *judge_time(result["cpu_ms_per_step"]),
        *judge_human(found),
        *judge_shuffling(found),
        *judge_mlps(result["mlp"]),
    ]


def judge_accuracies(found: Found) -> list[Finding]:
    return [
        finding(
            f"C1-{model}-{config}",
            f"{NAMES[model]} reaches {mean} ± {spread} % on {config}",
            {"mean": mean, "std": spread},
            found[config, model]["mean"],
            "within the published spread: reproduced; within twice that: partly",
            at_least(-abs(found[config, model]["mean"] - mean), -spread, -2 * spread),
            found[config, model],
        )
        for config, values in PUBLISHED.items()
        for model, (mean, spread) in values.items()
        if (config, model) in found
    ]


def judge_order(found: Found) -> list[Finding]:
    rows = [found.get(("default", model)) for model in ("logistic", "mlp", "gru", "cnn")]
    four = [row for row in rows if row]
    if len(four) < 4:
        return []
    means, stds = [row["mean"] for row in four], [row["std"] or 0 for row in four]
    gaps = np.diff(means) > 3 * np.maximum(stds[1:], stds[:-1])
    return [
        finding(
            "C1-order",
            "logistic < MLP < GRU < CNN",
            [32, 68, 91, 94],
            means,
            "every gap above three standard deviations; partly: every gap positive",
            grade(gaps.all(), min(np.diff(means)) > 0),
        )
    ]


def judge_time(cpu_ms: dict[str, float]) -> list[Finding]:
    if not {"gru", "cnn"} <= cpu_ms.keys():
        return []
    ratio = cpu_ms["gru"] / cpu_ms["cnn"]
    return [
        finding(
            "C1-time",
            "the GRU takes at least ten times the CNN's time",
            10,
            {"times": ratio} | {f"{NAMES[model]}, ms": ms for model, ms in cpu_ms.items()},
            "CPU time of a step; partly: five times",
            at_least(ratio, 10, 5),
        )
    ]


def judge_human(found: Found) -> list[Finding]:
    cnn = found.get(("default", "cnn"))
    if not cnn:
        return []
    ours, theirs = (set(np.argsort(e)[-3:].tolist()) for e in (cnn["errors"], human_errors()))
    return [
        finding(
            "C4",
            "the human is better than the CNN",
            [HUMAN, 94],
            cnn["mean"],
            "mean of the CNN below the human's 95.8",
            grade(cnn["mean"] < HUMAN),
            cnn,
        ),
        finding(
            "C3",
            "human and CNN find the same digits hard",
            sorted(theirs),
            sorted(ours),
            "of the three hardest digits two or three are common; partly: one",
            at_least(len(ours & theirs), 2, 1),
            cnn,
        ),
    ]


def judge_shuffling(found: Found) -> list[Finding]:
    drops = {
        model: found["default", model]["mean"] - found["shuffled", model]["mean"]
        for model in PUBLISHED["default"]
        if ("default", model) in found and ("shuffled", model) in found
    }
    if len(drops) < 4:
        return []
    lost = min(drops["cnn"], drops["gru"]) > 30
    kept = max(abs(drops["logistic"]), abs(drops["mlp"])) < 2
    return [
        finding(
            "C2",
            "after shuffling, CNN and GRU lose about 35 points, MLP and logistic none",
            {"cnn": 38, "gru": 34, "mlp": 0, "logistic": 0},
            drops,
            "more than 30 points against less than 2; partly: one of both",
            grade(lost and kept, lost or kept),
        )
    ]


def judge_mlps(mlps: list[dict[str, Any]]) -> list[Finding]:
    """How to get 68 %: the MLPs of `mlp_table`."""
    if not mlps:
        return []
    best = {way: max(row[way]["mean"] for row in mlps) for way in WAYS}
    mean, spread = PUBLISHED["default"]["mlp"]
    return [
        finding(
            "C1-mlp-68",
            "an MLP of some width and weight decay reaches 68 ± 2 %",
            {"mean": mean, "std": spread},
            {
                f"{row['hidden_size']} units, weight decay {row['weight_decay']:g}": {
                    label: row[way] for way, label in WAYS.items()
                }
                for row in mlps
            },
            "the best mean is 66 or more at the last step or selected on validation: reproduced; "
            "only selected on test: partly",
            grade(
                max(best["last_step"], best["validation"]) >= mean - spread,
                best["test"] >= mean - spread,
            ),
        )
    ]


def finding(
    id: str,
    text: str,
    published: Any,
    ours: Any,
    test: str,
    verdict: str,
    row: dict[str, Any] | None = None,
) -> Finding:
    spread = {"n": row["n"], "std": row["std"]} if row else {}
    return Finding(id, text, SOURCE, published, ours, test, verdict, **spread)


def at_least(value: float, reproduced: float, partly: float) -> str:
    return grade(value >= reproduced, value >= partly)


def human_errors() -> list[float]:
    return error_rates(HUMAN_ERRORS, HUMAN_ANSWERS)
