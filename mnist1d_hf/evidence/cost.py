"""What the studies cost and where they ran, by their cells, and whether that is as little as said.

Claim C7 is about the data and about all experiments, so no single study can judge it.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mnist1d_hf.evidence.claims import CLAIMS
from mnist1d_hf.evidence.outcomes import Results, all_findings
from mnist1d_hf.evidence.packed import read_packed
from mnist1d_hf.evidence.results import Finding, Superseded, grade

MNIST_VALUES = 28 * 28  # of an example
MNIST_ROWS = 70_000  # of training and test; a value is a byte
# minutes that the paper prints in the captions of its figures
PRINTED = {
    **{"classification": 10, "lottery_tickets": 30, "double_descent": 30, "metalearn_lr": 1},
    **{"metalearn_activation": 60, "self_supervised": 5, "pooling": 5},
}
CIFAR_BYTES = 60_000 * 32 * 32 * 3
BY_REPETITION = (
    "minutes of one thread for all cells, over the number of repetitions: at most 60 in every "
    "study; partly: in most"
)


def measure(pack: Path) -> dict[str, Any]:
    """How many cells a study has, their minutes of one thread, and when and where they ran.

    Minutes are those of the processor where a cell says them, else those of the clock.
    """
    cells = [record["provenance"] for record in read_packed(pack).values()]
    dates = sorted(cell["date"][:10] for cell in cells)
    return {
        "cells": len(cells),
        "minutes": round(sum(cell.get("process_time", cell["seconds"]) for cell in cells) / 60, 1),
        "days": [dates[0], dates[-1]] if dates else [],
        "machines": sorted({cell["machine"]["processor"] for cell in cells}),
        "versions": sorted({versions(cell["versions"]) for cell in cells}),
    }


def versions(installed: Mapping[str, str]) -> str:
    names = ("python", "numpy", "torch", "scikit-learn")
    return ", ".join(f"{name} {installed[name]}" for name in names if name in installed)


def judge_cost(
    results: Results, spent: Mapping[str, float], repeated: Mapping[str, str]
) -> list[Finding]:
    """C7: sizes, from the facts about the data; times, when all experiments were run.

    `spent` has the minutes of each study whose cells are there; `repeated` the experiments of the
    paper, and the argument of each that says how often we repeat it.
    """
    info = next(i for i in results["dataset"]["dataset_info"] if i["config_name"] == "default")
    length = next(f["length"] for f in info["features"] if f["name"] == "x")
    smaller = MNIST_VALUES / length
    rows = sum(split["num_examples"] for split in info["splits"])
    findings = [
        Finding(
            id="C7-examples",
            claim="examples are 20 times smaller than MNIST's",
            source="README",
            published=20,
            ours=round(smaller, 2),
            rule="values of an example, within 10 %. Counts are exact, so there is no interval",
            verdict=grade(abs(smaller / 20 - 1) <= 0.1),
            quantity="times fewer values in an example",
            estimate=smaller,
        ),
        _judge_size(rows * length, info["dataset_size"]),
    ]
    once = {
        study: one_repetition(results[study]["args"][repeated[study]], spent[study])
        for study in complete(results, repeated)
        if study in spent
    }
    if once.keys() == repeated.keys():
        short = sum(value <= 60 for value in once.values())
        findings.append(
            Finding(
                id="C7-time",
                claim="every experiment takes minutes to an hour",
                source="paper, abstract; blog",
                published="minutes to an hour, on a CPU or a Colab GPU",
                ours={"minutes of one repetition": once},
                rule=f"{BY_REPETITION}. A study has one total, so there is no interval",
                verdict=grade(short == len(once), short > len(once) / 2),
                quantity="one repetition of the longest study, minutes",
                estimate=max(once.values()),
            )
        )
        took = {
            name: of["minutes"] for name, of in results.get("once", {}).get("studies", {}).items()
        }
        if took.keys() >= repeated.keys():  # a run of some studies alone decides nothing
            findings[-1:] = [_judge_once(findings[-1], took), _judge_printed(took)]
    return findings


def _judge_once(first: Finding, took: Mapping[str, float]) -> Finding:
    """C7-time by a run of what is in the paper, once."""
    short = sum(value <= 60 for value in took.values())
    return dataclasses.replace(
        first,
        ours={"minutes of a run of everything in the paper, once": dict(took)},
        n=1,
        rule="a run of everything in the paper, once (`make paper`): at most 60 minutes of one "
        "thread in every study; partly: in most",
        verdict=grade(short == len(took), short > len(took) / 2),
        quantity="longest study, minutes",
        estimate=max(took.values()),
        since="2026-11-26",
        superseded=Superseded(
            rule=BY_REPETITION,
            verdict=first.verdict,
            why="it divided the time of all our runs, those of two models and two ways of testing "
            "that are not in the paper included, on machines that were busy with others",
        ),
    )


def _judge_printed(took: Mapping[str, float]) -> Finding:
    """The minutes under each figure of the paper."""
    ours = {name: took[name] for name in PRINTED if name in took}
    times = {name: minutes / PRINTED[name] for name, minutes in ours.items()}
    within = sum(ratio <= 1 for ratio in times.values())
    longest = max(times, key=lambda name: times[name])  # the one that decides
    return Finding(
        id="C7-printed",
        claim="every experiment takes the minutes that the paper prints under its figure",
        source="paper, captions of its figures",
        published=PRINTED,
        ours=ours,
        n=1,
        rule="a run of everything in the paper, once, in minutes of one thread: at most the "
        "printed minutes in every study; partly: in most. Of the tickets it is one trial; the "
        "notebook makes two and says about an hour",
        verdict=grade(within == len(PRINTED), within > len(PRINTED) / 2),
        quantity=f"minutes of {longest}, the longest by this measure, over the printed ones",
        estimate=times[longest],
    )


def _judge_size(values: int, size: int) -> Finding:
    """How much smaller the data are than MNIST, by their values and by their bytes."""
    mnist = MNIST_ROWS * MNIST_VALUES
    by_bytes, by_values = mnist / size, mnist / values
    return Finding(
        id="C7-data",
        claim="the data are over two orders of magnitude smaller than MNIST",
        source="paper; README: 100 times smaller",
        published=100,
        ours={
            "times fewer bytes": round(by_bytes, 1),
            "times fewer values": round(by_values, 1),
        },
        rule="at least 100 times fewer values: the README explains its number by those of rows and "
        "of dimensions. Of the bytes a value of ours is a float32 and one of MNIST a uint8. Counts "
        "are exact, so there is no interval",
        verdict=grade(by_values >= 100),
        quantity="times smaller than MNIST, by values",
        estimate=by_values,
        since="2026-11-27",
        superseded=Superseded(
            claim="the data are 100 times smaller than CIFAR-10",
            rule=f"bytes, ours as float32, theirs as uint8: at least 100 times (ours: "
            f"{CIFAR_BYTES / size:.0f})",
            verdict=grade(CIFAR_BYTES / size >= 100),
            why="no source says this of CIFAR-10. A version of 2026-11-26 asked for 100 times "
            "fewer bytes as well, and was partly reproduced",
        ),
    )


def complete(results: Results, studies: Iterable[str]) -> list[str]:
    """Those of the studies of which every test was run."""
    findings = all_findings(results)
    missing = {s.study for s in CLAIMS if any(id not in findings for id in s.decided_by())}
    return [study for study in studies if study in results and study not in missing]


def one_repetition(repeats: int | list[Any], minutes: float) -> float:
    return round(minutes / (repeats if isinstance(repeats, int) else len(repeats)), 1)
