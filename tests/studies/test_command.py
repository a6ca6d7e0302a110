"""A study as a program: its figures, verdicts, cells, and the results of others that it reads."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from typer.testing import CliRunner

import mnist1d_hf.studies.command as module
from mnist1d_hf.evidence.packed import read_packed, write_packed
from mnist1d_hf.evidence.results import read_result, write_json
from mnist1d_hf.figures.style import panels
from mnist1d_hf.studies import load_studies, load_study, study_names
from mnist1d_hf.studies.command import check_knobs, command, loose_cells, packed_cells
from mnist1d_hf.studies.pooling import Args


def run(args, cells):
    return {}


def plot(result):
    figure, (axis,) = panels()
    axis.plot(result["x"])
    return figure


@pytest.fixture
def study(tmp_path):
    write_json(tmp_path / "results" / "test_command.json", {"x": [1, 2]})
    return command(Args, run, plot, more_plots={"three": plot})


def test_figures_are_outdated_until_they_are_drawn(study, tmp_path):
    assert study.name == "test_command"
    assert study.outdated(tmp_path) == ["test_command", "test_command_three"]
    written = study.draw(tmp_path)
    assert [path.name for path in written] == [f"{name}.png" for name in study.plots]
    assert study.outdated(tmp_path) == []


def test_a_changed_result_makes_them_outdated(study, tmp_path):
    study.draw(tmp_path)
    (tmp_path / "figures" / "test_command_three.png").unlink()
    assert study.outdated(tmp_path) == ["test_command_three"]
    study.draw(tmp_path)
    write_json(tmp_path / "results" / "test_command.json", {"x": [1, 3]})
    assert study.outdated(tmp_path) == ["test_command", "test_command_three"]


def test_a_result_with_too_little_for_a_figure_is_named(study, tmp_path):
    write_json(tmp_path / "results" / "test_command.json", {"y": []})
    for work in (study.draw, study.outdated):
        with pytest.raises(ValueError, match="figure test_command cannot be drawn .* KeyError"):
            work(tmp_path)


RULE = {"rule": "equal", "published": 1, "ours": 2, "source": "paper", "n": None, "std": None}
REFUTED = {"id": "P1", "claim": "x is one", "verdict": "refuted", **RULE}


def judged(args, cells):
    return {"x": [1, 2], "findings": [REFUTED]}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working folder and a checkout, both empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "COMMITTED", tmp_path / "checkout" / "dataset_card")
    return tmp_path


def test_a_smoke_run_has_no_verdict_and_names_its_figure(elsewhere, capsys):
    command(Args, judged, plot)(args=[], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "too small to judge" in printed and "refuted" not in printed
    assert "out/figures/test_command.png" in printed
    assert "mnist1d-hf study test_command --scale paper" in printed
    assert read_result("out/results/test_command.json")["findings"] == []


def test_a_smoke_run_shows_the_verdicts_of_the_full_size_at_hand(elsewhere, capsys):
    path = module.COMMITTED / "results" / "test_command.json"
    write_json(path, {"findings": [{**REFUTED, "verdict": "partly"}]})
    command(Args, judged, plot)(args=[], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "full-size verdicts" in printed and "partly" in printed and "refuted" not in printed


def test_a_full_run_judges_and_says_that_the_code_has_changed(elsewhere, capsys, monkeypatch):
    monkeypatch.setattr(module, "git_revision", lambda: "abc-dirty")
    command(Args, judged, plot)(args=["--scale", "paper"], standalone_mode=False)
    printed = capsys.readouterr()
    assert "refuted" in printed.out and "dataset_card/figures/test_command.png" in printed.out
    assert printed.err.count("\n") == 1 and "not committed" in printed.err
    result = read_result("dataset_card/results/test_command.json")
    assert result["findings"] == [REFUTED] and len(result["provenance"]["source_sha256"]) == 64


def square(number):
    return number**2


def with_cells(args, cells):
    return {"x": cells.run(square, [{"number": n} for n in (1, 2)]), "findings": []}


def test_cells_lie_beside_the_result_and_say_when_other_sources_made_them(elsewhere, capsys):
    run_it = command(Args, with_cells, plot)
    run_it(args=["--out", "there"], standalone_mode=False)
    pack = Path("there/cells/test_command.jsonl")
    assert len(read_packed(pack)) == 2 and "sources" not in capsys.readouterr().err
    records = list(read_packed(pack).values())
    records[0]["provenance"]["source_sha256"] = "0" * 64
    del records[1]["provenance"]["source_sha256"]
    write_packed(pack, records)
    run_it(args=["--out", "there"], standalone_mode=False)
    assert "2 cells in there/cells/test_command.jsonl were made by other" in capsys.readouterr().err


def test_machines_share_a_study_through_one_folder(elsewhere):
    run_it, share = command(Args, with_cells, plot), ["--out", "there", "--world-size", "2"]
    for rank in "10":
        run_it(args=[*share, "--rank", rank], standalone_mode=False)
        assert read_result("there/results/test_command.json")["x"] == [1, 4]
    assert len(read_packed("there/cells/test_command.jsonl")) == 2


def test_cells_of_the_card_are_made_in_a_folder_that_git_ignores():
    assert loose_cells("tsne", Path("dataset_card")) == Path("out/cells/tsne")
    assert packed_cells("tsne", Path("dataset_card")) == Path("dataset_card/cells/tsne.jsonl")
    assert loose_cells("tsne", Path("there")) == Path("there/cells/tsne")


def test_results_of_the_paper_are_not_replaced_by_those_of_other_settings(elsewhere, capsys):
    run_it = command(Args, judged, plot)
    for options in (["--scale", "paper", "--seeds", "2"], ["--out", "dataset_card"]):
        with pytest.raises(SystemExit, match="2"):
            run_it(args=options, standalone_mode=False)
        assert "give another folder, --out" in capsys.readouterr().err
    assert not Path("dataset_card").exists()
    reader = command(Reading, read_other, plot, reads={"other": "first"})
    with pytest.raises(SystemExit, match="2"):
        reader(args=["--scale", "paper", "--other", "out/x.json"], standalone_mode=False)
    assert "other=out/x.json: dataset_card has results of" in capsys.readouterr().err
    run_it(args=["--scale", "paper", "--seeds", "2", "--out", "there"], standalone_mode=False)
    words = "Made with other settings: seeds=2."
    assert words in capsys.readouterr().out
    args = read_result("there/results/test_command.json")["args"]
    assert run_it.settings(args) == words and run_it.settings({**args, "seeds": Args().seeds}) == ""


@dataclass(frozen=True)
class Reading:
    other: Annotated[str, "result of the other"] = ""

    @classmethod
    def at(cls, scale):
        return cls()


def read_other(args, cells):
    return read_result(args.other)


def test_a_study_reads_from_its_own_folder_or_else_from_the_checkout(elsewhere, capsys):
    reader = command(Reading, read_other, plot, reads={"other": "first"})
    with pytest.raises(SystemExit, match="2"):
        reader(args=["--out", "there"], standalone_mode=False)
    assert "run mnist1d-hf study first --out there first" in capsys.readouterr().err
    for folder, x in ((module.COMMITTED, [1, 5]), (Path("there"), [1, 7])):
        write_json(folder / "results" / "first.json", {"x": x})
        reader(args=["--out", "there"], standalone_mode=False)
        assert read_result("there/results/test_command.json")["x"] == x


def test_studies_are_found_and_those_that_read_others_come_last():
    assert "command" not in study_names() and "pooling" in study_names()
    assert list(load_studies())[-1] == "activation_transfer"
    for study in load_studies().values():
        assert set(study.reads.values()) <= set(study_names())
    with pytest.raises(ValueError, match="'poling': must be one of .*lottery_tickets.* pooling"):
        load_study("poling")


@pytest.mark.parametrize(
    ("option", "value", "least"),
    [("epochs", 0, 1), ("learning_rate", -0.1, 0), ("learning_rate", math.nan, 0)],
)
def test_a_number_that_can_be_none_is_refused_before_any_work(option, value, least, tmp_path):
    def run(args, cells):
        raise AssertionError("work")

    given = [f"--{option.replace('_', '-')}={value}", "--out", str(tmp_path)]
    done = CliRunner().invoke(command(Args, run, plot).app, given)
    line = f"error: {option}={value}: must be at least {least}\n"
    assert (done.exit_code, done.stderr) == (2, line)


def test_a_seed_that_is_given_twice_is_no_second_run():
    from mnist1d_hf.studies import tsne

    with pytest.raises(ValueError, match=r"seeds=\(0, 1, 0\): every value once"):
        check_knobs(tsne.Args, {"seeds": (0, 1, 0)})


def test_nothing_is_a_number_where_the_paper_has_it_and_for_a_rate():
    from mnist1d_hf.studies import double_descent, metalearn_activation, tsne

    check_knobs(tsne.Args, {"rows": 0})
    check_knobs(metalearn_activation.Args, {"seeds": (5, 0)})
    check_knobs(double_descent.Args, {"momentum": 0.0})


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("steps=0: at least 1"), 2, "error: steps=0: at least 1\n"),
        (KeyboardInterrupt(), 130, "stopped: the same command continues\n"),
        (MemoryError("7 TiB"), 2, "error: not enough memory: 7 TiB\n"),
    ],
)
def test_a_study_ends_in_one_line(tmp_path, error, code, line):
    def run(args, cells):
        raise error

    done = CliRunner().invoke(command(Args, run, plot).app, ["--out", str(tmp_path)])
    assert (done.exit_code, done.stderr) == (code, line)
    assert list(tmp_path.rglob("*.json")) == []
