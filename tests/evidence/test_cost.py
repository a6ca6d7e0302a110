"""What the studies cost: from the cells, and judged only when all of them are there."""

import pytest

from mnist1d_hf.evidence.claims import CLAIMS
from mnist1d_hf.evidence.cost import PRINTED, judge_cost, measure
from mnist1d_hf.evidence.packed import write_packed
from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.studies import load_studies

REPEATED = {name: study.repeated for name, study in load_studies().items() if study.repeated}


def test_cells_are_added_up(tmp_path):
    versions = {"python": "3.11", "numpy": "2.4", "torch": "2.13", "datasets": "5"}
    records = []
    for number, seconds in enumerate((30.0, 90.0)):
        provenance = {
            "date": f"2026-01-0{number + 1}T00:00:00+00:00",
            "seconds": seconds,
            "machine": {"processor": "fast"},
            "versions": versions,
        }
        cell = {"function": "train", "cell": {"seed": number}, "result": 1}
        records.append({**cell, "provenance": provenance})
    pack = tmp_path / "study.jsonl"
    write_packed(pack, records)
    assert measure(pack) == {
        "cells": 2,
        "minutes": 2.0,
        "days": ["2026-01-01", "2026-01-02"],
        "machines": ["fast"],
        "versions": ["python 3.11, numpy 2.4, torch 2.13"],
    }
    assert measure(tmp_path / "nowhere.jsonl")["minutes"] == 0


def test_time_of_the_processor_counts_before_time_of_the_clock(tmp_path):
    made = {"date": "2026-01-01T00:00:00+00:00", "seconds": 7266.0, "process_time": 600.0}
    made |= {"machine": {"processor": "busy"}, "versions": {}}
    cell = {"function": "train", "cell": {}, "result": 1, "provenance": made}
    write_packed(tmp_path / "study.jsonl", [cell])
    assert measure(tmp_path / "study.jsonl")["minutes"] == 10


def test_times_are_judged_when_every_experiment_is_complete(root):
    facts = read_result(root / "dataset_card/results/dataset.json")
    results = {"dataset": facts}
    for study, name in REPEATED.items():
        ids = [id for s in CLAIMS if s.study == study for id in s.decided_by()]
        findings = [{"id": id, "verdict": "reproduced"} for id in ids]
        results[study] = {"args": {name: 5 if name == "trials" else [0, 1]}, "findings": findings}
    spent = dict.fromkeys(REPEATED, 100.0)
    found = {finding.id: finding for finding in judge_cost(results, spent, REPEATED)}
    assert found["C7-examples"].ours == 19.6 and found["C7-examples"].verdict == "reproduced"
    assert found["C7-examples"].estimate == pytest.approx(784 / 40)
    data = found["C7-data"]
    assert data.ours == {"times fewer bytes": 65.3, "times fewer values": 274.4}
    assert (data.verdict, data.superseded.verdict) == ("reproduced", "reproduced")
    assert data.estimate == pytest.approx(70_000 * 784 / (5000 * 40))
    exact = (found["C7-examples"], data)
    assert all(one.interval is None and "no interval" in one.rule for one in exact)
    assert "CIFAR-10" in data.superseded.claim and "CIFAR" not in data.claim
    assert found["C7-time"].ours["minutes of one repetition"]["lottery_tickets"] == 20
    assert (found["C7-time"].verdict, found["C7-time"].estimate) == ("reproduced", 50)
    once = {"studies": {name: {"minutes": PRINTED.get(name, 2)} for name in REPEATED}}
    time, printed = judge_cost({**results, "once": once}, spent, REPEATED)[-2:]
    assert (time.id, time.verdict, time.superseded.verdict) == ("C7-time", *["reproduced"] * 2)
    assert time.estimate == 60 and printed.verdict == "reproduced" and printed.estimate == 1
    few = {"studies": {name: of for name, of in once["studies"].items() if name != "tsne"}}
    alone = judge_cost({**results, "once": few}, spent, REPEATED)[-1]
    assert (alone.id, alone.n) == ("C7-time", None)  # a run of some studies decides nothing
    once["studies"]["tsne"]["minutes"] = once["studies"]["pooling"]["minutes"] = 61
    time, printed = judge_cost({**results, "once": once}, spent, REPEATED)[-2:]
    assert time.verdict == printed.verdict == "partly" and printed.ours["pooling"] == 61
    assert printed.estimate == pytest.approx(61 / 5) and "pooling" in printed.quantity
    unknown = {name: minutes for name, minutes in spent.items() if name != "tsne"}
    left = [finding.id for finding in judge_cost({**results, "once": once}, unknown, REPEATED)]
    assert left == ["C7-examples", "C7-data"]  # without the cells of a study its time is not known
    slow = judge_cost(results, {**spent, "tsne": 121.0}, REPEATED)
    assert slow[-1].verdict == "partly"
    results["classification"]["findings"].pop()
    left = [finding.id for finding in judge_cost(results, spent, REPEATED)]
    assert left == ["C7-examples", "C7-data"]
