"""The benchmarks: they run without the original package, and replace results only when asked to."""

import json
import sys

import pytest
from typer.testing import CliRunner


@pytest.fixture
def bench(root, monkeypatch, tmp_path):
    """scripts/bench.py in an empty folder."""
    monkeypatch.syspath_prepend(str(root / "scripts"))
    monkeypatch.chdir(tmp_path)
    import bench
    from benchmarks import generation, timing

    timing.original.cache_clear()
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "committed")
    monkeypatch.setattr(generation, "FROZEN_ROWS", (200,))
    monkeypatch.setattr(generation, "loading", lambda rounds: [])
    monkeypatch.setattr(generation, "fresh_process", lambda rows: [])
    yield bench
    timing.original.cache_clear()


def rows(path):
    return [row["against"] for row in json.loads(path.read_text())["rows"]]


def test_results_go_to_out_unless_an_update_is_asked_for(bench, tmp_path):
    done = CliRunner().invoke(bench.app, ["generation", "--rounds", "1"])
    assert done.exit_code == 0, done.output
    assert "PyPI mnist1d" in rows(tmp_path / "out" / "results" / "bench_generation.json")
    assert not (tmp_path / "committed").exists()
    assert CliRunner().invoke(bench.app, ["generation", "--rounds=1", "--update"]).exit_code == 0
    assert (tmp_path / "committed" / "bench_generation.json").exists()


def test_no_round_is_not_a_measurement(bench, tmp_path):
    done = CliRunner().invoke(bench.app, ["generation", "--rounds", "0"])
    assert done.exit_code == 2 and "--rounds" in done.stderr
    assert not list(tmp_path.iterdir())


def test_without_the_original_package_its_side_is_left_out(bench, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mnist1d", None)
    monkeypatch.setitem(sys.modules, "mnist1d.data", None)
    done = CliRunner().invoke(bench.app, ["generation", "--rounds", "1"])
    assert done.exit_code == 0, done.output
    assert done.stderr.count("\n") == 1 and "pip install '.[dev]'" in done.stderr
    assert "PyPI mnist1d" not in rows(tmp_path / "out" / "results" / "bench_generation.json")
    done = CliRunner().invoke(bench.app, ["generation", "--rounds", "1", "--update"])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "committed").exists()
