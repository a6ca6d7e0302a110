"""Rules of the study activation_transfer: what its result says of each claim."""

from typing import Any

import numpy as np

from mnist1d_hf.evidence.intervals import (
    difference_interval,
    judge_interval,
    judge_together,
    mean_interval,
)
from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.evidence.results import Finding, Superseded, grade, summarise

SOURCE = "paper, metalearning an activation function; notebook metalearn-activation-function"
LEARNED, COPY, BY_HAND = "learned", "piecewise_copy", "copy_by_hand"
LABELS = {COPY: "piecewise copy", BY_HAND: "copy by hand"}  # the others are their own
BASELINES = read_published("activation_transfer")["mean_losses"]  # by name
SINCE = "2026-11-26"  # of second versions of rules
# of the blog post, MNIST whole or by 5000 of its digits; and what else is at hand
PLACES = {
    "mnist-cifar10": ("mnist_5000", "mnist", "cifar10"),
    "mnist1d-digits": ("mnist1d", "digits"),
}
RATE = 0.01  # of the search, and of the published comparison


def displayed(name: str) -> str:
    """An activation as figures and findings write it."""
    return LABELS.get(name, name)


def means(terms: dict[str, Any], key: str, rate: str | None = None) -> dict[str, np.ndarray]:
    """Per activation the mean of `key` on the data of every search, at `rate` or its best rate."""
    found = {}
    for name, by_rate in terms.items():
        at = {r: np.array([np.mean(cell[key]) for cell in cells]) for r, cells in by_rate.items()}
        found[name] = at[rate or max(at, key=lambda r: at[r].mean())]
    return found


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the first versions of the rules were fixed before the run."""
    terms = result["equal_terms"]
    findings = [_judge_baselines(terms)]
    for name, rate in (("M2", f"{RATE:g}"), ("M2-tuned", None)):
        accuracies = means(terms, "accuracy", rate)
        best = np.max([accuracies[b] for b in BASELINES], axis=0)
        gains = summarise(accuracies[LEARNED] - best)
        error = (gains["std"] or 0) / gains["n"] ** 0.5
        sure = gains["mean"] > 2 * error
        verdict = grade(sure and gains["mean"] > 5, sure)
        interval = mean_interval(accuracies[LEARNED] - best)
        findings.append(
            Finding(
                id=name,
                claim="the learned activation beats the best baseline by more than 5 points"
                + ("" if rate else ", each at its best learning rate"),
                source=SOURCE,
                published={LEARNED: 68.4, "relu": 58.8} if rate else None,
                ours={displayed(n): summarise(a)["mean"] for n, a in accuracies.items()}
                | {"gain": gains},
                n=gains["n"],
                std=gains["std"],
                rule="the 95 % interval of the gain over searches lies above 5 points",
                verdict=judge_interval(interval, above=5),
                quantity="gain over the best baseline, points",
                estimate=gains["mean"],
                interval=interval,
                since=SINCE,
                superseded=Superseded(
                    rule="mean gain over searches > 5 points: reproduced; > 2 standard errors: "
                    "partly",
                    verdict=verdict,
                    why="two standard errors of few searches are far less than a 95 % interval",
                    then=None if rate else "partly",
                ),
            )
        )
    accuracies = means(terms, "accuracy", f"{RATE:g}")
    best = np.max([accuracies[b] for b in BASELINES], axis=0)
    gain = float((accuracies[LEARNED] - best).mean())
    points = {displayed(n): float((accuracies[n] - best).mean()) for n in (BY_HAND, COPY)}
    # of no gain there is no share
    kept = {name: part / gain for name, part in points.items()} if gain > 0 else {}
    beyond_half = (accuracies[BY_HAND] - best) - (accuracies[LEARNED] - best) / 2
    interval = mean_interval(beyond_half)
    findings.append(
        Finding(
            id="M4",
            claim="a piecewise-linear copy made by hand keeps most of the gain",
            source=SOURCE,
            published={"accuracy of the copy": 66.4, "learned": 68.4, "relu": 58.8},
            ours={"share of the gain that is kept": kept},
            n=len(beyond_half),
            rule="the 95 % interval over searches of the gain of the copy made by hand, minus half "
            "of that of the learned ones, lies above 0",
            verdict=judge_interval(interval, above=0) if kept else "not testable",
            quantity="gain of the copy made by hand beyond half of the learned one's, points",
            estimate=float(beyond_half.mean()),
            interval=interval,
            since=SINCE,
            superseded=Superseded(
                rule="the copy made by hand keeps more than half of the gain of the learned ones",
                verdict=grade(kept[displayed(BY_HAND)] > 0.5) if kept else "not testable",
                why="a share of means does not say how well it is known",
            ),
        )
    )
    return [*findings, *_judge_transfer(result)]


def _judge_baselines(terms: dict[str, Any]) -> Finding:
    ours = {name: terms[name][f"{RATE:g}"][0]["mean_loss"][0] for name in BASELINES}
    error = max(abs(ours[name] / BASELINES[name] - 1) for name in BASELINES)
    return Finding(
        id="M2-baselines",
        claim="mean training losses of the six baselines, seed 0",
        source=SOURCE,
        published=BASELINES,
        ours=ours,
        n=1,
        rule="each within 2e-3, relative. The seed is the notebook's, so there is no interval",
        verdict=grade(error < 2e-3),
        quantity="largest relative error of the mean losses",
        estimate=error,
    )


def _judge_transfer(result: dict[str, Any]) -> list[Finding]:
    findings = []
    for place, names in PLACES.items():
        tables = {d: result["transfer"][d] for d in names if d in result["transfer"]}
        where = f"in small CNNs on {place.replace('-', ' and ')} it"
        findings += [
            _judge_ranks(
                f"M5-early-{place}",
                f"{where} has the best early training loss",
                "rank_by_early_loss",
                tables,
                {d: [_lead(table, "early_loss", first=True)] for d, table in tables.items()},
                {d: table[LEARNED]["rank_by_early_loss"] == 1 for d, table in tables.items()},
                "that its mean early loss is below that of the best other",
            ),
            _judge_ranks(
                f"M5-final-{place}",
                f"{where} ends mid-pack in accuracy",
                "rank_by_accuracy",
                tables,
                {
                    d: [_lead(table, "accuracy", first=first) for first in (True, False)]
                    for d, table in tables.items()
                },
                {
                    d: 1 < table[LEARNED]["rank_by_accuracy"] < len(table)
                    for d, table in tables.items()
                },
                "that its mean accuracy is below that of the best other and above that of the "
                "worst",
            ),
        ]
    return findings


Lead = tuple[str, dict[str, Any], dict[str, Any]]  # of what over what, of which the first is larger


def _lead(table: dict[str, Any], key: str, first: bool) -> Lead:
    """The best other over the learned activation, or with `first` False that over the worst other.

    Best is a small loss or a high accuracy. Copies of the learned one are not others.
    """
    sign = 1 if key == "accuracy" else -1
    others = table.keys() - {LEARNED, COPY, BY_HAND}
    ranked = sorted(others, key=lambda n: sign * table[n][key]["mean"])
    other = ranked[-1 if first else 0]
    names = (other, LEARNED) if first else (LEARNED, other)
    words = {"early_loss": "early loss", "accuracy": "accuracy, points"}[key]
    return f"{' minus '.join(map(displayed, names))}, {words}", *(table[n][key] for n in names)


def _judge_ranks(
    id: str,
    claim: str,
    key: str,
    tables: dict[str, Any],
    leads: dict[str, list[Lead]],
    held: dict[str, bool],
    what: str,
) -> Finding:
    """A claim about a rank, which takes every one of `leads`; `held` is the rank by means."""
    weakest = [
        min(
            (
                (f"{name}, {dataset}", more["mean"] - less["mean"], difference_interval(more, less))
                for name, more, less in some
            ),
            key=lambda lead: lead[2][0],
        )
        for dataset, some in leads.items()
    ]
    verdicts = [judge_interval(interval, above=0) for _, _, interval in weakest]
    least = min(weakest, key=lambda lead: lead[2][0], default=(None, None, None))
    return Finding(
        id=id,
        claim=claim,
        source="blog post, scaling down deep learning (no code, no numbers)",
        published=None,
        ours={
            f"rank on {dataset}, 1 is best": {displayed(n): row[key] for n, row in table.items()}
            for dataset, table in tables.items()
        },
        n=min((t[LEARNED]["accuracy"]["n"] for t in tables.values()), default=None),
        rule=f"the 95 % intervals over seeds say {what}, copies of it left out, on all datasets; "
        "on some: partly",
        verdict=judge_together(verdicts) if tables else "not testable",
        quantity=least[0],
        estimate=least[1],
        interval=least[2],
        since=SINCE,
        superseded=Superseded(
            rule="by mean over seeds; on all datasets: reproduced; on some: partly",
            verdict=grade(all(held.values()), any(held.values())) if tables else "not testable",
            why="ranks of means do not say how well the means are known, and a copy of the learned "
            "activation counted as another one",
            then="not testable" if id.endswith("cifar10") else None,
        ),
    )
