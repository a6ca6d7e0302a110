"""Rules of the study pooling: what its result says of each claim."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mnist1d_hf.evidence.intervals import (
    UNKNOWN,
    judge_interval,
    mean_interval,
    or_partly,
    run_interval,
    share_interval,
)
from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.evidence.results import Finding, Superseded, enumerated, grade, summarise
from mnist1d_hf.studies.rules.other_data import on_other_data

SOURCE = "paper, benchmarking pooling methods; notebook benchmark-pooling"
METHODS = ("no_pool", "stride_2", "max_pool", "avg_pool", "l2_pool")
POOLING = METHODS[2:]
SINCE = "2026-11-26"  # of second versions of rules
HIGH = 20000  # from here on, data are many
# number of training examples -> test accuracy in % after 6000 steps, one value per method
PUBLISHED, PUBLISHED_2020 = (
    {int(size): values for size, values in read_published("pooling")[name].items()}
    for name in ("accuracies", "accuracies_2020")
)


def final(result: dict[str, Any], run: str, size: int, method: str) -> np.ndarray:
    """Test accuracy in % at the end, one per seed; NaN, which draws nothing, if it was not run."""
    if not result[run]:
        return np.full(1, np.nan)
    return np.array(result[run][str(size)][method]["test_accuracy"][-1])


def gain(result: dict[str, Any], run: str, size: int, method: str = "") -> np.ndarray:
    """Accuracy over that without pooling, in points per seed; of one method or of pooling."""
    methods = (method,) if method else POOLING
    pooled = np.mean([final(result, run, size, m) for m in methods], axis=0)
    return pooled - final(result, run, size, "no_pool")


def published_gain(accuracies: Sequence[float]) -> float:
    """The mean of the poolings over no pooling, in points; one accuracy in % per method."""
    by_method = dict(zip(METHODS, accuracies, strict=True))
    return round(float(np.mean([by_method[m] - by_method["no_pool"] for m in POOLING])), 1)


def standard_error(values: np.ndarray) -> float:
    """Of the mean; of a single run it is not known, and infinite."""
    if len(values) < 2:
        return float("inf")
    return float(values.std(ddof=1) / len(values) ** 0.5)


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the first versions of the rules were fixed before the run."""
    return [
        _judge_table(result, [int(size) for size in result["equal_steps"]]),
        *_judge_gains(result, "equal_steps"),
        *_judge_gains(result, "equal_epochs", "-epochs", ", at equal passes over the data"),
        *on_other_data(_judge_gains(result, "other_data")),
    ]


def _judge_gains(
    result: dict[str, Any], run: str, suffix: str = "", same: str = ""
) -> list[Finding]:
    """P1 to P5; `run` says of which networks, and may not have been made."""
    sizes = [int(size) for size in result.get(run, {})]
    if not sizes:
        return []
    return [
        _judge_low(result, run, min(sizes), "P1" + suffix, same),
        _judge_stride(result, run, sizes, "P2" + suffix, same),
        *_judge_high(result, run, max(sizes), suffix, same),
        _judge_max(result, run, [size for size in sizes if size >= HIGH], "P4" + suffix, same),
        *_judge_trend(result, run, sizes, "P5" + suffix, same),
    ]


def _judge_table(result: dict[str, Any], sizes: list[int]) -> Finding:
    near, inside, worst, seeds = [], [], 0.0, 0
    for size in sizes:
        for method, published in zip(METHODS, PUBLISHED[size], strict=True):
            runs = final(result, "equal_steps", size, method)
            seeds = len(runs)
            ours, (low, high) = summarise(runs), run_interval(runs)
            distance = abs(ours["mean"] - published)
            near.append(distance <= 3 * max(ours["std"] or 0, 0.7))
            inside.append(bool(low <= published <= high))
            worst = max(worst, distance)
    first, share = sum(near) / len(near), sum(inside) / len(inside)
    return Finding(
        id="P-table",
        claim="the printed test accuracies after 6000 steps",
        source=SOURCE,
        published={str(size): dict(zip(METHODS, PUBLISHED[size], strict=True)) for size in sizes},
        ours={"largest difference in points": round(worst, 2)},
        n=len(inside),
        rule="the printed value, of one run, lies where one more run of ours would lie with a "
        "probability of 95 %: 90 % of them reproduced, half partly. The interval is that of "
        "independent values",
        # of one run there is no spread, so that every value lies there
        verdict=grade(share >= 0.9, share >= 0.5) if seeds > 1 else "not supported",
        quantity="share of the printed values that lie there",
        estimate=share,
        interval=share_interval(sum(inside), len(inside)),
        since=SINCE,
        superseded=Superseded(
            rule="within 3 std of ours (std at least 0.7 points, the sampling error of 1000 test "
            "examples near 95 %): 90 % of them reproduced, half partly",
            verdict=grade(first >= 0.9, first >= 0.5),
            why="all runs have the same test examples, so that their sampling error does not count",
        ),
    )


def _judge_low(result: dict[str, Any], run: str, size: int, id: str, same: str) -> Finding:
    gains = gain(result, run, size)
    interval = mean_interval(gains)
    helps = judge_interval(interval, above=0)
    verdict = judge_interval(interval, above=12)
    return Finding(
        id=id,
        claim=f"pooling helps in low data{same}",
        source=SOURCE,
        published={"gain at 1000, points": published_gain(PUBLISHED[1000])}
        if run == "equal_steps"
        else None,
        ours={f"gain at {size}, points": round(float(gains.mean()), 2)},
        n=len(gains),
        std=summarise(gains)["std"],
        rule="at the fewest examples the 95 % interval of the mean of the three methods over "
        "no_pool lies above 12 points; partly: above 0",
        verdict=or_partly(verdict, helps),
        quantity=f"gain of pooling at {size} examples, points",
        estimate=float(gains.mean()),
        interval=interval,
        since=SINCE,
        superseded=Superseded(
            rule="at the fewest examples the mean of the three methods is 12 points above no_pool: "
            "reproduced; 2 standard errors: partly",
            verdict=grade(gains.mean() >= 12, gains.mean() > 2 * standard_error(gains)),
            why="it did not ask whether the gain is known to be above 12 points",
        ),
    )


def _judge_stride(
    result: dict[str, Any], run: str, sizes: list[int], id: str, same: str
) -> Finding:
    runs = {n: gain(result, run, n, "stride_2") for n in sizes}
    gains = {str(n): round(float(one.mean()), 2) for n, one in runs.items()}
    most = max(sizes, key=lambda n: mean_interval(runs[n])[1])  # the size that decides
    interval = mean_interval(runs[most])
    return Finding(
        id=id,
        claim=f"the gain is from pooling, not from striding{same}",
        source=SOURCE,
        published={str(n): round(PUBLISHED[n][1] - PUBLISHED[n][0], 2) for n in sizes}
        if run == "equal_steps"
        else None,
        ours={"gain of stride_2, points": gains},
        n=len(runs[most]),
        std=summarise(runs[most])["std"],
        rule=f"at every size that was run, {enumerated([*map(str, sizes)])} examples, the 95 % "
        "interval of stride_2 over no_pool lies below 1 point",
        verdict=judge_interval(interval, below=1),
        quantity=f"gain of stride_2 at {most} examples, where its interval ends highest, points",
        estimate=float(runs[most].mean()),
        interval=interval,
        since=SINCE,
        superseded=Superseded(
            rule="stride_2 at most 1 point above no_pool at every size",
            verdict=grade(max(gains.values()) <= 1),
            why=UNKNOWN,
        ),
    )


def _judge_high(
    result: dict[str, Any], run: str, size: int, suffix: str, same: str
) -> list[Finding]:
    gains = gain(result, run, size)
    common: dict[str, Any] = {
        "source": SOURCE,
        "published": {
            "gain at 50000, points": published_gain(PUBLISHED[50000]),
            "in 2020": published_gain(PUBLISHED_2020[50000]),
        }
        if not suffix
        else None,
        "ours": {f"gain at {size}, points": round(float(gains.mean()), 2)},
        "n": len(gains),
        "std": summarise(gains)["std"],
        "quantity": f"gain of pooling at {size} examples, points",
        "estimate": float(gains.mean()),
        "interval": mean_interval(gains),
        "since": SINCE,
    }
    error = standard_error(gains)

    def verdict(found: str) -> str:
        return "not testable" if size < HIGH else found

    return [
        Finding(
            id="P3-no-matter" + suffix,
            claim=f"in high data pooling does not matter{same}",
            rule="at the most examples the 95 % interval of the mean of the three methods over "
            "no_pool lies between -1 and 1 points",
            verdict=verdict(judge_interval(common["interval"], above=-1, below=1)),
            superseded=Superseded(
                rule="at the most examples the mean of the three methods is within 1 point of "
                "no_pool",
                verdict=verdict(grade(abs(gains.mean()) <= 1)),
                why="a small mean can still be uncertain",
            ),
            **common,
        ),
        Finding(
            id="P3-hinders" + suffix,
            claim=f"in high data pooling hinders{same}",
            rule="at the most examples the 95 % interval of the mean of the three methods over "
            "no_pool lies below 0",
            verdict=verdict(judge_interval(common["interval"], below=0)),
            superseded=Superseded(
                rule="at the most examples it is 2 standard errors below no_pool",
                verdict=verdict(grade(gains.mean() < -2 * error)),
                why="what was not shown counted as refuted",
            ),
            **common,
        ),
    ]


def _judge_max(result: dict[str, Any], run: str, sizes: list[int], id: str, same: str) -> Finding:
    lead, worse, leads = {}, [], []
    high = enumerated([*map(str, sizes)] or ["no"])
    for n in sizes:
        found = final(result, run, n, "max_pool") - final(result, run, n, "l2_pool")
        lead[str(n)] = round(float(found.mean()), 2)
        leads.append(found)
        worse.append(found.mean() < -2 * standard_error(found))
    first = Superseded(
        rule="2 standard errors below at every size from 20000: reproduced; at one: partly",
        verdict=grade(all(worse), any(worse)) if sizes else "not testable",
        why="what was not shown counted as refuted",
    )
    by_seed = np.mean(leads, axis=0) if sizes else np.zeros(0)
    interval = mean_interval(by_seed) if sizes else None
    return Finding(
        id=id,
        claim=f"max pooling is worse than L2 pooling in high data{same}",
        source="blog post of 2020",
        published={str(n): round(PUBLISHED[n][2] - PUBLISHED[n][4], 2) for n in sizes}
        if run == "equal_steps"
        else None,
        ours={"max minus L2, points": lead},
        n=len(final(result, run, sizes[0], "max_pool")) if sizes else None,
        rule="the 95 % interval of the difference, for each seed its mean over the sizes from "
        f"20000 on ({high}), lies below 0",
        verdict=judge_interval(interval, below=0) if interval else "not testable",
        quantity=f"max minus L2 at {high} examples, points" if sizes else None,
        estimate=float(by_seed.mean()) if sizes else None,
        interval=interval,
        since=SINCE,
        superseded=first,
    )


def _judge_trend(
    result: dict[str, Any], run: str, sizes: list[int], id: str, same: str
) -> list[Finding]:
    few, many = min(sizes), max(sizes)
    if few == many:
        return []
    lost = gain(result, run, few) - gain(result, run, many)
    interval = mean_interval(lost)
    return [
        Finding(
            id=id,
            claim=f"the advantage of pooling diminishes as training data increase{same}",
            source="README, benchmarking pooling methods",
            published={
                str(n): published_gain(PUBLISHED[n]) for n in sorted(sizes) if n in PUBLISHED
            }
            if run == "equal_steps"
            else None,
            ours={
                f"gain at {n}, points": round(float(gain(result, run, n).mean()), 2)
                for n in sorted(sizes)
            },
            n=len(lost),
            std=summarise(lost)["std"],
            rule="the 95 % interval of the mean gain of the three methods over no_pool at the "
            "fewest examples, minus that at the most, lies above 0",
            verdict=judge_interval(interval, above=0),
            quantity=f"gain of pooling at {few} examples minus that at {many}, points",
            estimate=float(lost.mean()),
            interval=interval,
        )
    ]
