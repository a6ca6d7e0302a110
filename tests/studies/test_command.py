"""The figures of a study: drawn from its result, and known to be stale."""

import pytest

from mnist1d_hf.evidence.results import write_json
from mnist1d_hf.figures.style import panels
from mnist1d_hf.studies.command import command
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
    return command(Args, run, plot, three=plot)


def test_figures_are_outdated_until_they_are_drawn(study, tmp_path):
    assert study.name == "test_command"
    assert study.outdated(tmp_path) == ["test_command", "test_command_three"]
    written = study.draw(tmp_path)
    assert [path.name for path in written] == [
        f"{name}.{kind}" for name in study.plots for kind in ("png", "svg")
    ]
    assert study.outdated(tmp_path) == []


def test_a_changed_result_makes_them_outdated(study, tmp_path):
    study.draw(tmp_path)
    (tmp_path / "figures" / "test_command_three.png").unlink()
    assert study.outdated(tmp_path) == ["test_command_three"]
    study.draw(tmp_path)
    write_json(tmp_path / "results" / "test_command.json", {"x": [1, 3]})
    assert study.outdated(tmp_path) == ["test_command", "test_command_three"]
