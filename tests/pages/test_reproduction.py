"""The page of what holds: as the results have it, complete, and readable."""

import importlib
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mnist1d_hf.evidence.claims import CLAIMS
from mnist1d_hf.evidence.outcomes import NOT_RUN
from mnist1d_hf.evidence.packed import write_packed
from mnist1d_hf.evidence.results import read_result, write_json
from mnist1d_hf.pages.reproduction import page
from mnist1d_hf.studies import load_studies
from mnist1d_hf.studies.command import packed_cells
from mnist1d_hf.workers import Stopped

MADE = {
    **{"date": "2026-01-01T00:00:00+00:00", "seconds": 900.0, "process_time": 180.0},
    **{"machine": {"processor": "busy"}, "versions": {}},
}
REPORT = "run scripts/reproduce.py --report-only"


@pytest.fixture(scope="module")
def script(load_script):
    """scripts/reproduce.py as a module."""
    return load_script("reproduce")


@pytest.fixture(scope="module")
def studies():
    return load_studies()


@pytest.fixture(scope="module")
def results(root):
    return {p.stem: read_result(p) for p in (root / "dataset_card/results").glob("*.json")}


def every_claim(verdict):
    """Results in which every claim's tests were run, with all kinds of values."""
    values = [
        95.8,
        [1, 2],
        {"a": 1, "b": 2},
        {"x": {"p": 1.5, "q": {"mean": 1, "std": 0.5, "n": 3}}},
    ]
    results = {}
    for number, claim in enumerate(CLAIMS):
        for id in claim.decided_by() if claim.study else ():
            value = values[number % len(values)]
            finding = {"id": id, "claim": f"{id} holds", "source": "paper", "published": value}
            finding |= {"ours": value, "rule": "equal", "verdict": verdict, "n": 3, "std": 0.5}
            results.setdefault(claim.study, {"findings": []})["findings"].append(finding)
    return results


def test_the_page_is_that_of_the_results(root, results, studies):
    written = (root / "dataset_card/REPRODUCTION.md").read_text(encoding="utf-8")
    assert page(results, studies) == written, REPORT


def test_every_figure_is_that_of_its_result(root, results, studies):
    folder = root / "dataset_card"
    outdated = [f for n, study in studies.items() if n in results for f in study.outdated(folder)]
    assert outdated == [], REPORT


def test_every_figure_fits_the_page_and_has_its_caption(results, studies):
    """At most six panels, and no wider than what 690 pixels show in readable type."""
    text = page(results, studies)
    for name, study in studies.items():
        if name not in results:
            continue
        for figure, plot in study.plots.items():
            caption = study.captions[figure]
            assert f"](figures/{figure}.png)\n\n{caption}\n" in text
            assert 100 < len(caption) < 500 and caption.endswith(".") and "  " not in caption
            drawn = plot(results[name])
            shown = [axis for axis in drawn.axes if axis.get_visible()]
            assert len(shown) <= 6 and drawn.get_size_inches()[0] <= 6.5, figure
            axes = [axis for axis in shown if axis.axison]
            for axis in axes:
                below = axis.get_shared_x_axes().get_siblings(axis)
                row = [a for a in axes if row_of(a) == row_of(axis)]
                assert any(a.get_xlabel() for a in below), figure
                assert any(a.get_ylabel() or len(a.get_yticks()) for a in row), figure


def row_of(axis):
    return axis.get_subplotspec().rowspan.start


def test_costs_are_of_the_studies_that_have_a_result(results, studies):
    assert results["cost"]["studies"].keys() == studies.keys() & results.keys(), REPORT


def test_without_results_everything_is_there_with_its_command(studies):
    text = page({}, studies)
    for claim in CLAIMS:
        assert f'<a id="{claim.id}"></a>{claim.id} | {claim.text}' in text
    for name in studies:
        assert f"\n## {name}\n" in text
        assert f"**{NOT_RUN.capitalize()}**: `python scripts/reproduce.py --only {name}`" in text
    assert f"| {NOT_RUN} | {len(CLAIMS) - 2} |" in text  # all but C5 and D1


def test_with_all_results_nothing_is_left_to_run(studies):
    results = every_claim("refuted")
    results["cost"]["studies"] = {}
    text = page(results, studies)
    assert NOT_RUN not in text and "so far" not in text
    assert f"| refuted | {len(CLAIMS) - 2} |" in text and "**retracted** (refuted, refuted)" in text
    for findings in (result["findings"] for result in results.values()):
        assert all(finding["claim"].removesuffix(" holds") in text for finding in findings)


def test_tables_are_whole(results, studies):
    """Every row has the cells of its header, and none has JSON or unrounded numbers in it."""
    tables = re.findall(r"(?:^\|.*\|\n)+", page(results, studies), flags=re.M)
    assert len(tables) > 5
    for table in tables:
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not re.search(r"[{}]|\d\.\d{7}|None", table)


def test_every_study_is_described_and_every_claim_belongs_to_one(studies, results):
    assert {s.study for s in CLAIMS if s.study} <= studies.keys() | {"cost"}
    decided = {id: s.study for s in CLAIMS for id in s.decided_by()}
    for name in studies.keys() & results.keys():
        for finding in results[name]["findings"]:
            assert decided.get(finding["id"], name) == name


def test_a_study_runs_and_is_reported(script, tmp_path, capfd):
    with pytest.raises(ValueError, match="--only 'tsen': must be one of .*classification.*tsne"):
        script.main(scale="smoke", only=["tsen"], out=tmp_path)
    assert not list(tmp_path.iterdir())
    script.main(scale="smoke", only=["tsne"], workers=1, out=tmp_path)
    text = (tmp_path / "REPRODUCTION.md").read_text()
    assert script.SMOKE in text and "](figures/tsne.png)" in text
    assert "T-kl" not in text and "**refuted**" not in text  # too small to judge
    assert (tmp_path / "figures" / "tsne.png").exists()
    assert read_result(tmp_path / "results" / "cost.json")["studies"]["tsne"]["cells"] == 8
    (tmp_path / "results" / "mnist.json").write_text('{"args": {}, "findings": []}')
    before = (tmp_path / "results" / "tsne.json").stat().st_mtime_ns
    (tmp_path / "figures" / "tsne.png").unlink()
    script.main(scale="smoke", out=tmp_path, report_only=True)
    assert (tmp_path / "results" / "tsne.json").stat().st_mtime_ns == before
    told = capfd.readouterr().out
    assert "left out: the figure mnist cannot be drawn" in told
    assert "drew" in told and (tmp_path / "figures" / "tsne.png").exists()


def test_a_study_that_fails_does_not_hide_the_others(script, tmp_path, monkeypatch):
    tried = []

    def run(name, scale, out, workers):
        tried.append(name)
        return name != "tsne"

    monkeypatch.setattr(script, "run", run)
    with pytest.raises(Stopped, match="tsne failed"):
        script.main(scale="smoke", out=tmp_path)
    assert len(tried) == len(load_studies()) and tried[-1] == "activation_transfer"
    assert (tmp_path / "REPRODUCTION.md").exists()


def test_the_paper_once_ends_with_what_it_took(script, tmp_path, monkeypatch, capsys):
    order = []

    def run(name, scale, out, workers):
        order.append((name, scale))
        record = {"function": "train", "cell": {}, "result": 1, "provenance": MADE}
        write_packed(packed_cells(name, out), [record])
        return True

    monkeypatch.setattr(script, "run", run)
    monkeypatch.setattr(script, "ONCE", tmp_path / "results" / "once.json")
    script.main(scale="once", out=tmp_path, workers=2)
    names = [name for name, scale in order if scale == "once"]
    assert "optimum" not in names and {"mnist", "pooling", "activation_transfer"} <= set(names)
    once = read_result(tmp_path / "results" / "once.json")
    assert once["studies"]["pooling"] == {"minutes": 3, "printed": 5} and once["workers"] == 2
    text = (tmp_path / "REPRODUCTION.md").read_text()
    assert "| lottery_tickets | 3 | 30 |" in text and script.SINGLE in text
    assert "left" not in capsys.readouterr().out  # nothing was recorded yet
    script.main(scale="once", out=tmp_path, workers=2, only=["pooling", "tsne"])
    printed = capsys.readouterr().out
    assert (
        "2 studies, about 3 minutes" in printed
        and "1 of 2 studies, 0 minutes, about 0 left" in printed
    )


@pytest.mark.parametrize("report_only", [False, True])
def test_results_of_the_paper_s_settings_are_not_those_of_another_scale(
    script, tmp_path, monkeypatch, report_only
):
    monkeypatch.chdir(tmp_path)
    for scale in ("once", "smoke"):
        with pytest.raises(ValueError, match=f"--scale {scale}: dataset_card has results of"):
            script.main(scale=scale, out=Path("dataset_card"), report_only=report_only)
    assert not list(tmp_path.iterdir())


def test_an_interrupt_says_how_to_go_on(script, tmp_path, monkeypatch):
    def run(name, scale, out, workers):
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "run", run)
    done = CliRunner().invoke(script.app, ["--scale", "smoke", "--out", str(tmp_path)])
    assert (done.exit_code, done.stderr) == (130, "stopped: the same command continues\n")
    assert not list(tmp_path.iterdir())


def test_an_interval_and_both_versions_of_a_rule_are_shown(studies):
    first = {"rule": "a sign", "verdict": "reproduced", "why": "a sign is no test", "then": None}
    finding = {
        "id": "L-e", "claim": "shuffling hurts", "source": "paper", "published": -1.5, "ours": -0.2,
        "rule": "an interval below 0", "verdict": "not supported", "n": 5, "std": 0.7,
        "quantity": "advantage, points", "estimate": -0.18, "interval": [-1.07, 0.71],
        "since": "2026-11-26", "superseded": {**first, "claim": None},
    }  # fmt: skip
    text = page({"lottery_tickets": {"findings": [finding]}}, studies)
    assert "Advantage, points: -0.18 (95 % interval -1.07 to 0.71), n = 5." in text
    assert "Rule, as of 2026-11-26: an interval below 0" in text
    assert "First version: a sign; its verdict: **reproduced**. It was replaced because" in text
    assert (
        "| advantage, points: -0.18 (95 % interval -1.07 to 0.71) | **not supported** | – |" in text
    )
    assert "| not supported | 1 |" in text
    small = {**finding, "estimate": 0.0118, "interval": [0.0088, 0.0148]}
    text = page({"lottery_tickets": {"findings": [small]}}, studies)
    assert "0.0118 (95 % interval 0.0088 to 0.0148)" in text
    exact = {**finding, "n": None, "estimate": 65.3, "interval": None}
    text = page({"lottery_tickets": {"findings": [exact]}}, studies)
    assert "Advantage, points: 65.3." in text  # nothing was run more than once, so there is no n
    other = {**finding, "superseded": {**first, "claim": "it is small", "then": "refuted"}}
    text = page({"lottery_tickets": {"findings": [other]}}, studies)
    assert "First version of the claim that it is small: a sign" in text
    assert "**reproduced**, and of the runs at that time **refuted**. It was" in text


def test_the_verdict_on_other_rows_stands_beside_that_of_the_claim(studies):
    one = {"claim": "it helps", "source": "paper", "published": 1, "ours": 2, "rule": "equal",
           "n": 3, "std": 0.5}  # fmt: skip
    findings = [
        {**one, "id": "P1", "verdict": "reproduced"},
        {**one, "id": "P1-data", "verdict": "refuted"},
        {**one, "id": "P2", "verdict": "reproduced"},
    ]
    text = page({"pooling": {"args": {"seeds": 2}, "findings": findings}}, studies)
    rows = {id: re.search(rf'\| <a id="{id}".*', text)[0] for id in ("P1", "P2")}
    assert "| **reproduced** | refuted |" in rows["P1"]
    assert "| **reproduced** | – |" in rows["P2"]
    assert "Made with other settings: seeds=2." not in text  # those of the smoke scale
    text = page({"pooling": {"args": {"seeds": 3}, "findings": findings}}, studies)
    assert "Made with other settings: seeds=3." in text


def test_cells_that_were_run_again_say_how_far_accuracies_move(studies):
    cell = {"study": "tsne", "cell": "a", "made on": "old", "again on": "new", "numbers": 3}
    cell |= {"equal": 1, "largest difference": 1.5}
    runs = [{**cell, "accuracies": [[90.0, 91.0], [91.5, 90.1]]}, {**cell, "accuracies": [[], []]}]
    text = page({"repeat": {"cells": runs}}, studies)
    assert "| tsne | old | new | 2 | 2 of 6 | 1.5 | 1.50 | 0.30 (of 2) |" in text
    assert "| 1.5 | – | – |" in page({"repeat": {"cells": [cell]}}, studies)


def test_committed_findings_are_what_the_rules_say_of_committed_results(results, studies, tmp_path):
    for name in studies.keys() & results.keys():
        rules = importlib.import_module(f"mnist1d_hf.studies.rules.{name}")
        judged = read_result(write_json(tmp_path / "judged.json", rules.judge(results[name])))
        for now, stored in zip(judged, results[name]["findings"], strict=True):
            assert alike(now, stored), f"{stored['id']}: python -m mnist1d_hf.studies.{name}"


def alike(one, other):
    """Whether two values of JSON are the same but for the last bits of their numbers."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == (pytest.approx(other, rel=1e-9) if isinstance(other, float) else other)
