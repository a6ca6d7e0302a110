"""What the studies cost: from the cells, and judged only when all of them are there."""

from mnist1d_hf.evidence.claims import CLAIMS
from mnist1d_hf.evidence.cost import REPEATED, judge_cost, measure
from mnist1d_hf.evidence.results import read_result, write_json


def test_cells_are_added_up(tmp_path):
    versions = {"python": "3.11", "numpy": "2.4", "torch": "2.13", "datasets": "5"}
    for number, seconds in enumerate((30.0, 90.0)):
        provenance = {
            "date": f"2026-01-0{number + 1}T00:00:00+00:00",
            "seconds": seconds,
            "machine": {"processor": "fast"},
            "versions": versions,
        }
        write_json(tmp_path / f"cell-{number}.json", {"result": 1, "provenance": provenance})
    assert measure(tmp_path) == {
        "cells": 2,
        "minutes": 2.0,
        "days": ["2026-01-01", "2026-01-02"],
        "machines": ["fast"],
        "versions": ["python 3.11, numpy 2.4, torch 2.13"],
    }
    assert measure(tmp_path / "nowhere")["minutes"] == 0


def test_times_are_judged_when_every_experiment_is_complete(root):
    facts = read_result(root / "dataset_card/results/dataset.json")
    results = {"dataset": facts}
    for study, name in REPEATED.items():
        ids = [id for s in CLAIMS if s.study == study for id in s.decided_by()]
        findings = [{"id": id, "verdict": "reproduced"} for id in ids]
        results[study] = {"args": {name: 5 if name == "trials" else [0, 1]}, "findings": findings}
    spent = dict.fromkeys(REPEATED, 100.0)
    found = {finding.id: finding for finding in judge_cost(results, spent)}
    assert found["C7-examples"].ours == 19.6 and found["C7-examples"].verdict == "reproduced"
    assert found["C7-data"].verdict == "reproduced"
    assert found["C7-time"].ours["minutes of one repetition"]["lottery_tickets"] == 20
    assert found["C7-time"].verdict == "reproduced"
    slow = judge_cost(results, {**spent, "tsne": 121.0})
    assert slow[-1].verdict == "partly"
    results["classification"]["findings"].pop()
    assert [finding.id for finding in judge_cost(results, spent)] == ["C7-examples", "C7-data"]
