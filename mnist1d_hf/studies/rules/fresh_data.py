"""Rules of the study fresh_data: what its result says of each claim."""

import math
from typing import Any

import numpy as np

from mnist1d_hf.evidence.published import HUMAN, NAMES, PUBLISHED
from mnist1d_hf.evidence.results import Finding, grade

SOURCE = "a question of this study; the paper, table 1, has 4000 rows and the human"
FROZEN, ENDLESS = "frozen", "endless"  # the 4000 rows, and the counter stream
FOUR = ("logistic", "mlp", "gru", "cnn")  # of the paper, in its order


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the rules were fixed before the run."""
    table = result["table"]
    budget = min(r["updates"] for r in table)  # the paper\'s
    found = {(r["model"], r["data"], r["updates"]): r for r in table}
    models = list(dict.fromkeys(r["model"] for r in table))
    last = {m: max(r["updates"] for r in table if r["model"] == m) for m in models}
    most = {m: found[m, ENDLESS, last[m]]["fresh"] for m in models}
    findings = [_judge_gap(m, found[m, FROZEN, budget]["fresh"], most[m], last[m]) for m in models]
    if set(FOUR) <= set(models):
        findings.append(_judge_order(most))
    longer = {
        m: most[m]["mean"] - found[m, ENDLESS, budget]["fresh"]["mean"]
        for m in models
        if last[m] > budget
    }
    if longer:
        findings.append(_judge_budget(longer, budget, most))
    findings.append(_judge_tests(table, result["test_rows"]))
    return findings


def _judge_gap(model: str, few: dict[str, Any], most: dict[str, Any], updates: int) -> Finding:
    closed = (most["mean"] - few["mean"]) / (HUMAN - few["mean"])
    published = PUBLISHED["default"].get(model)
    return Finding(
        id=f"E1-{model}",
        claim=f"endless data close the gap between {NAMES[model]} and human",
        source=SOURCE,
        published={"4000 rows": published.mean if published else None, "human": HUMAN},
        ours={
            "4000 rows": round(few["mean"], 2),
            f"endless, {updates} updates": round(most["mean"], 2),
            "share of the gap closed": round(closed, 3),
        },
        n=most["n"],
        std=most["std"],
        rule="on the fresh test rows endless data at the longest budget close all of the gap "
        "between 4000 rows at the paper's budget and the human: reproduced; half of it: partly",
        verdict=grade(closed >= 1, closed >= 0.5),
    )


def _judge_order(most: dict[str, dict[str, Any]]) -> Finding:
    means = [most[model]["mean"] for model in FOUR]
    errors = [standard_error(most[model]) for model in FOUR]
    gaps = np.diff(means)
    clear = gaps > 3 * np.hypot(errors[1:], errors[:-1])
    return Finding(
        id="E2",
        claim="endless data leave the order logistic < MLP < GRU < CNN",
        source=SOURCE,
        published={model: PUBLISHED["default"][model].mean for model in FOUR},
        ours={model: round(mean, 2) for model, mean in zip(FOUR, means, strict=True)},
        n=min(most[model]["n"] for model in FOUR),
        rule="every gap above three standard errors over seeds; partly: every gap positive",
        verdict=grade(clear.all(), gaps.min() > 0),
    )


def _judge_budget(longer: dict[str, float], budget: int, most: dict[str, Any]) -> Finding:
    gain = max(longer.values())
    return Finding(
        id="E3",
        claim=f"{budget} updates are enough also when data never end",
        source=SOURCE,
        published=None,
        ours={f"{m}, points gained by more": round(value, 2) for m, value in longer.items()},
        n=min(most[m]["n"] for m in longer),
        rule="the longer budget gains each model at most 1 point on the fresh test rows; "
        "partly: at most 3",
        verdict=grade(gain <= 1, gain <= 3),
    )


def _judge_tests(table: list[dict[str, Any]], test_rows: int) -> Finding:
    scores = []
    for r in table:
        share = r["fresh"]["mean"] / 100
        error = 100 * math.sqrt(share * (1 - share) * (1 / 1000 + 1 / test_rows))
        scores.append((r["frozen"]["mean"] - r["fresh"]["mean"]) / error)
    within = float(np.mean(np.abs(scores) <= 2))
    return Finding(
        id="E4",
        claim="the 1000 frozen test rows are as hard as fresh ones",
        source=SOURCE,
        published=None,
        ours={
            "share of the table's rows within": round(within, 3),
            "largest, in standard errors": round(float(max(scores, key=abs)), 2),
        },
        n=len(scores),
        rule="frozen and fresh accuracy differ by at most two standard errors of the sampling of "
        "both test sets in 90 % of the table's rows: reproduced; in half of them: partly",
        verdict=grade(within >= 0.9, within >= 0.5),
    )


def standard_error(summary: dict[str, Any]) -> float:
    """Of a mean over seeds."""
    return summary["std"] / math.sqrt(summary["n"])
