"""Rules of the study metalearn_activation: what its result says of each claim."""

from typing import Any

from mnist1d_hf.evidence.intervals import (
    judge_interval,
    judge_together,
    mean_interval,
    share_interval,
)
from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.evidence.results import Finding, Superseded, grade, summarise

SOURCE = "paper, metalearning an activation function; notebook metalearn-activation-function"
LIKE = 0.95  # R^2 of a function that another one is like
# outer step -> objective, test accuracy
PUBLISHED = {step: (*ends,) for step, *ends in read_published("metalearn_activation")["trace"]}


def judge(result: dict[str, Any]) -> list[Finding]:
    """The verdicts; the first versions of the rules were fixed before the run."""
    descriptions = result["descriptions"]
    return [
        judge_search(result["searches"]),
        judge_shape(descriptions),
        judge_likeness(descriptions),
    ]


def judge_search(searches: list[dict[str, Any]]) -> Finding:
    objective = searches[0]["objective"]
    printed = {k: v[0] for k, v in PUBLISHED.items() if k <= 10 and k < len(objective)}
    errors = [abs(objective[step] / value - 1) for step, value in printed.items()]
    ended = len(objective) > 300
    right = max(errors) < 0.01 and (not ended or objective[-1] < 0.91)
    ends = summarise(trace["objective"][-1] for trace in searches)
    return Finding(
        id="M2-trace",
        claim="the search of the notebook, seed 0",
        source=SOURCE,
        published={f"step {step}": value for step, (value, _) in PUBLISHED.items()},
        ours={
            **{f"step {step}": objective[step] for step in PUBLISHED if step < len(objective)},
            "largest relative error at steps 0, 5, 10": max(errors),
            "at the end, all seeds": ends,
        },
        n=1,
        rule="the objective is within 1 % of the printed one at outer steps 0, 5 and 10, and below "
        "0.91 at step 300; partly: the former, when the search was shorter. The notebook's one run "
        "is computed again, so there is no interval",
        verdict=grade(right and ended, right),
        quantity="largest relative error of the objective at steps 0, 5 and 10",
        estimate=max(errors),
    )


def judge_shape(descriptions: list[dict[str, Any]]) -> Finding:
    two = [len(d["extrema"]) == 2 for d in descriptions]
    bump = [any(low <= -4 and high >= -1 for low, high in d["positive"]) for d in descriptions]
    both = [a and b for a, b in zip(two, bump, strict=True)]
    first = descriptions[0]
    return Finding(
        id="M3",
        claim="not monotonic, two extrema, positive between -4 and -1",
        source=SOURCE,
        published="a figure",
        ours={
            "searches with two extrema in [-5, 5]": sum(two),
            "searches positive on [-4, -1]": sum(bump),
            "extrema of seed 0": ", ".join(
                f"a {e['kind']} of {e['y']:.2f} at {e['x']:.2f}" for e in first["extrema"]
            ),
            "seed 0 is positive on": [f"[{a:.2f}, {b:.2f}]" for a, b in first["positive"]],
        },
        n=len(both),
        rule="both in every search: reproduced; two extrema in most: partly. The verdict "
        "counts the searches, because no interval can show that a share is one",
        verdict=grade(all(both), 2 * sum(two) > len(two)),
        quantity="share of the searches with both",
        estimate=sum(both) / len(both),
        interval=share_interval(sum(both), len(both)),
    )


def judge_likeness(descriptions: list[dict[str, Any]]) -> Finding:
    likeness = {
        name: summarise(d["likeness"][name] for d in descriptions)
        for name in descriptions[0]["likeness"]
    }
    closest = max(likeness, key=lambda name: likeness[name]["mean"])
    likes = closest == "swish", likeness["swish"]["mean"] >= LIKE
    outside = [d["likeness outside"] for d in descriptions]
    leads = [one["swish"] - max(r2 for g, r2 in one.items() if g != "swish") for one in outside]
    level = mean_interval(one["swish"] for one in outside)
    verdicts = judge_interval(level, above=LIKE), judge_interval(mean_interval(leads), above=0)
    return Finding(
        id="M6",
        claim="the learned activation somewhat resembles Swish",
        source="README of the original repository; the paper: it somewhat resembles Swish, but for "
        "a positive regime between -4 and -1",
        published=None,
        ours={
            "R^2 of a g(x) + b on [-5, 5]": {g: fit["mean"] for g, fit in likeness.items()},
            "R^2 of a g(s x) + b on the rest of it": {
                g: summarise(one[g] for one in outside)["mean"] for g in likeness
            },
            "R^2 of swish minus that of the best other": summarise(leads),
            f"R^2 of swish above {LIKE}": verdicts[0],
            "above that of the best other": verdicts[1],
        },
        n=len(outside),
        std=summarise(one["swish"] for one in outside)["std"],
        rule="outside of the regime from -4 to -1, which the paper excepts, with x and y scaled "
        "and y shifted for each of six functions: the 95 % intervals over searches lie above "
        f"{LIKE} for the R^2 of swish, and above 0 for this minus that of the best other; partly: "
        "one of the two. Swish with a large scale of x is almost relu, so that a lead alone says "
        "little",
        verdict=judge_together(verdicts),
        quantity="R^2 of swish",
        estimate=summarise(one["swish"] for one in outside)["mean"],
        interval=level,
        since="2026-11-27",
        superseded=Superseded(
            rule="swish is the closest of the six, and its mean R^2 >= 0.95; one of both: partly",
            verdict=grade(all(likes), any(likes)),
            why="it asked for the likeness on all of [-5, 5], where the paper excepts a part, with "
            "x as it is, and took the closest of six though the first two differ by far less than "
            "their spread; a version of 2026-11-26 asked for the lead alone, and was reproduced",
        ),
    )
