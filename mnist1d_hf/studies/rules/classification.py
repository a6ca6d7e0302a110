"""Rules of the study classification: what its result says of each claim."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mnist1d_hf.evidence.agreement import agreement, by_rows
from mnist1d_hf.evidence.intervals import (
    judge_interval,
    mean_interval,
    or_partly,
    summary_interval,
)
from mnist1d_hf.evidence.published import (
    HUMAN,
    HUMAN_ANSWERS,
    HUMAN_ERRORS,
    NAMES,
    PROTOCOLS,
    PUBLISHED,
    error_rates,
)
from mnist1d_hf.evidence.results import Finding, Superseded, grade, summarise
from mnist1d_hf.studies.rules.accuracies import (
    SINCE,
    SOURCE,
    Found,
    difference,
    judge_accuracies,
    judge_mlps,
    judge_order,
    judge_shuffling,
    summary,
)
from mnist1d_hf.studies.rules.other_data import on_other_data


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts on what the original's protocol gives; first versions precede the run."""
    found, chosen = (by_config(result["table"], protocol) for protocol in PROTOCOLS)
    others = by_config(result.get("other_data", ()))
    return [
        *judge_accuracies(found, chosen),
        *judge_order(found),
        *judge_time(result["cpu_ms_per_step"]),
        *judge_human(found, result["rows_by_digit"], result.get("test_digits", "")),
        *judge_shuffling(found),
        *judge_training(found),
        *judge_mlps(result["mlp"]),
        *on_other_data(
            [
                *judge_accuracies(others),
                *judge_order(others),
                *judge_shuffling(others),
                *judge_training(others),
            ]
        ),
    ]


def by_config(table: Iterable[dict[str, Any]], protocol: str = "last_step") -> Found:
    """The rows of a protocol, by default the original's."""
    return {(r["config"], r["model"]): r for r in table if r["protocol"] == protocol}


def judge_time(cpu_ms: dict[str, list[float]]) -> list[Finding]:
    if not {"gru", "cnn"} <= cpu_ms.keys():
        return []
    ratios = np.array(cpu_ms["gru"]) / np.array(cpu_ms["cnn"])
    interval = mean_interval(ratios)
    verdict, half = (judge_interval(interval, above=bound) for bound in (10, 5))
    return [
        Finding(
            id="C12",
            claim="the GRU takes at least ten times the CNN's time",
            source=SOURCE,
            published=10,
            ours={f"{NAMES[model]}, ms": summarise(ms) for model, ms in cpu_ms.items()},
            n=len(ratios),
            std=summarise(ratios)["std"],
            rule="CPU time of a step, the best of five rounds in which the models take turns: the "
            "95 % interval of the GRU's over the CNN's, of networks with other initial weights, "
            "lies above ten; partly: above five. The README says walltime, which takes an idle "
            "machine to measure",
            verdict=or_partly(verdict, half),
            quantity="the GRU's CPU time over the CNN's",
            estimate=float(ratios.mean()),
            interval=interval,
            since=SINCE,
            superseded=Superseded(
                rule="CPU time of a step, measured once: ten times; partly: five times",
                verdict=at_least(ratios[0], 10, 5),
                why="one measurement does not say how well it is known, and the median of the "
                "times of a step, which was taken at first, depends on what else the machine does",
            ),
        )
    ]


def judge_human(found: Found, rows_by_digit: list[int], test_digits: str = "") -> list[Finding]:
    """C4 and C3: row by row where the cells have predictions, else by means and digits."""
    cnn = found.get(("default", "cnn"))
    if not cnn:
        return []
    rates = 100 * np.array(cnn["errors"]) / np.array(rows_by_digit)
    counted, ours, theirs = (hardest(e) for e in (cnn["errors"], rates, human_errors()))
    better = Finding(
        id="C4",
        claim="the human is better than the CNN",
        source=SOURCE,
        published=[HUMAN, 94],
        ours=cnn["mean"],
        n=cnn["n"],
        std=cnn["std"],
        rule="mean of the CNN below the human's 95.8",
        verdict=grade(cnn["mean"] < HUMAN),
    )
    same = Finding(
        id="C3",
        claim="human and CNN make the same mistakes: the same digits and signals are hard",
        source=SOURCE,
        published={"hardest for the human": sorted(theirs)},
        ours={
            "hardest for the CNN": sorted(ours),
            "wrong by digit, %": rates.round(1).tolist(),
        },
        n=cnn["n"],
        rule="of the three digits with the highest error rates two or three are common; "
        "partly: one. Two or more are common by chance with a probability of 18 %, one or more "
        "with 71 %: agreement row by row would be a stronger test, and needs predictions, "
        "which were not stored",
        verdict=at_least(len(ours & theirs), 2, 1),
        since=SINCE,
        superseded=Superseded(
            rule="of the three digits with most errors of the CNN and the highest error rates "
            "of the human two or three are common; partly: one",
            verdict=at_least(len(counted & theirs), 2, 1),
            why="it compared counts with rates by mistake: the digits have 89 to 106 rows",
            then="partly",
        ),
    )
    if not cnn.get("predicted"):
        return [better, same]
    return by_rows(better, same, agreement(cnn["predicted"], test_digits))


def judge_training(found: Found) -> list[Finding]:
    """C9 and C10, of the paper's four models."""
    findings = []
    for config in PUBLISHED:
        rows = {m: found.get((config, m)) for m in ("mlp", "cnn", "gru")}
        four = {m: row for m, row in rows.items() if row and row.get("train")}
        if len(four) < 3:
            continue
        intervals = {model: summary_interval(row["train"]) for model, row in four.items()}
        least = min(intervals, key=lambda model: intervals[model][0])  # the one that decides
        end, interval = four[least]["train"], intervals[least]
        findings.append(
            Finding(
                id=f"C9-{config}",
                claim=f"all models but logistic regression fit the training rows of {config}",
                source="paper, table 1 and its text",
                published="100 % training accuracy",
                ours={f"{NAMES[m]}, training rows, %": row["train"] for m, row in four.items()},
                n=end["n"],
                std=end["std"],
                rule="at the last step, the 95 % interval of the training accuracy lies above 99 % "
                "for every model, that is for the one whose interval begins lowest",
                verdict=judge_interval(interval, above=99),
                quantity=f"training accuracy of the {NAMES[least]}, %",
                estimate=end["mean"],
                interval=interval,
            )
        )
    shuffled = {model: found.get(("shuffled", model)) for model in PUBLISHED["shuffled"]}
    known = {model: row for model, row in shuffled.items() if row}
    if len(known) < 4:
        return findings
    leads = {m: difference(known["mlp"], row) for m, row in known.items() if m != "mlp"}
    second = min(leads, key=lambda model: leads[model][0])  # the one that decides
    others = [found.get(("shuffled", model)) for model in ("tcn", "transformer")]
    return [
        *findings,
        Finding(
            id="C10",
            claim="after shuffling the MLP is the best of the models",
            source="paper, table 1",
            published={NAMES[m]: PUBLISHED["shuffled"][m].mean for m in known},
            ours={NAMES[m]: summary(row) for m, row in known.items()}
            | {f"{NAMES[row['model']]}, not in the paper": summary(row) for row in others if row},
            n=min(known["mlp"]["n"], known[second]["n"]),
            rule="of the paper's four models: the 95 % interval of the MLP's mean minus that of "
            "each other lies above 0, that is of the one whose interval begins lowest",
            verdict=judge_interval(leads[second], above=0),
            quantity=f"MLP minus {NAMES[second]} after shuffling, points",
            estimate=known["mlp"]["mean"] - known[second]["mean"],
            interval=leads[second],
        ),
    ]


def at_least(value: float, reproduced: float, partly: float) -> str:
    return grade(value >= reproduced, value >= partly)


def hardest(errors: Sequence[float] | np.ndarray) -> set[int]:
    """The three digits with most errors."""
    return set(np.argsort(errors)[-3:].tolist())


def human_errors() -> list[float]:
    return error_rates(HUMAN_ERRORS, HUMAN_ANSWERS)
