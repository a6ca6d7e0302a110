"""Rules of the study activation_transfer: what its result says of each claim."""

from typing import Any

import numpy as np

from mnist1d_hf.evidence.intervals import judge_interval, mean_interval
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
                rule="the 95 % interval of the gain over searches lies above 5 points; three "
                "searches are few: ten are needed to narrow it",
                verdict=judge_interval(interval, above=5),
                quantity="gain over the best baseline, points",
                estimate=gains["mean"],
                interval=interval,
                since=SINCE,
                superseded=Superseded(
                    rule="mean gain over searches > 5 points: reproduced; > 2 standard errors: "
                    "partly",
                    verdict=verdict,
                    why="two standard errors of three searches are far less than a 95 % interval",
                ),
            )
        )
    accuracies = means(terms, "accuracy", f"{RATE:g}")
    best = np.max([accuracies[b] for b in BASELINES], axis=0).mean()
    gain = accuracies[LEARNED].mean() - best
    points = {displayed(n): float(accuracies[n].mean() - best) for n in (BY_HAND, COPY)}
    # of no gain there is no share
    kept = {name: part / float(gain) for name, part in points.items()} if gain > 0 else {}
    findings.append(
        Finding(
            id="M4",
            claim="a piecewise-linear copy made by hand keeps most of the gain",
            source=SOURCE,
            published={"accuracy of the copy": 66.4, "learned": 68.4, "relu": 58.8},
            ours={"share of the gain that is kept": kept},
            n=len(accuracies[LEARNED]),
            rule="the copy made by hand keeps more than half of the gain of the learned ones",
            verdict=grade(kept[displayed(BY_HAND)] > 0.5) if kept else "not testable",
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
        rule="each within 2e-3, relative",
        verdict=grade(error < 2e-3),
    )


def _judge_transfer(result: dict[str, Any]) -> list[Finding]:
    findings = []
    for id, key, claim, good in (
        ("M5-early", "rank_by_early_loss", "has the best early training loss", lambda r, n: r == 1),
        ("M5-final", "rank_by_accuracy", "ends mid-pack in accuracy", lambda r, n: 1 < r < n),
    ):
        for place, names in PLACES.items():
            tables = {d: result["transfer"][d] for d in names if d in result["transfer"]}
            held = {d: good(table[LEARNED][key], len(table)) for d, table in tables.items()}
            verdict = grade(all(held.values()), any(held.values()))
            findings.append(
                Finding(
                    id=f"{id}-{place}",
                    claim=f"in small CNNs on {place.replace('-', ' and ')} it {claim}",
                    source="blog post, scaling down deep learning (no code, no numbers)",
                    published=None,
                    ours={
                        d: {displayed(n): row[key] for n, row in t.items()}
                        for d, t in tables.items()
                    },
                    n=min((t[LEARNED]["accuracy"]["n"] for t in tables.values()), default=None),
                    rule="by mean over seeds; on all datasets: reproduced; on some: partly",
                    verdict=verdict if tables else "not testable",
                )
            )
    return findings
