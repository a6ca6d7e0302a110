"""Cells run again: what is compared, and what is written."""

import numpy as np
import pytest

from mnist1d_hf.evidence.packed import read_packed, write_packed
from mnist1d_hf.evidence.results import read_result


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("repeat")


def test_numbers_are_compared_where_both_have_them(script):
    before = {"a": [1, None, "x"], "b": {"c": 2.5}, "gone": 3}
    now = {"new": "123", "b": {"c": np.float64(2.0)}, "a": np.array([1.0, np.nan, 7.0])}
    assert sorted(script.pairs(before, now)) == [(1.0, 1.0), (2.5, 2.0)]
    made = {"provenance": {"machine": {"processor": "x"}}}
    rows = [{**made, "result": result} for result in ([91.0, 2.0], [None, 2.0])]
    row = script.compare("tsne", "name", *rows)  # a number that is none any more is not equal
    assert (row["numbers"], row["equal"], row["largest difference"]) == (2, 1, 0.0)
    with pytest.raises(ValueError, match="zip"):
        list(script.pairs({"a": [1]}, {"a": [1, 2]}))


def test_a_cell_is_run_again_and_compared(script, root, tmp_path):
    committed = read_packed(root / "dataset_card/cells/tsne.jsonl")
    name, record = next(
        (n, r)
        for n, r in committed.items()
        if r["function"] == "separate" and r["cell"]["dataset"] == "mnist1d"
    )
    changed = {**record, "result": {"knn": record["result"]["knn"] + 0.5}}
    write_packed(tmp_path / "cells/tsne.jsonl", [changed])
    for _ in range(2):  # a second time it replaces its row
        script.main(["tsne"], 1, tmp_path)
        [row] = read_result(tmp_path / "results/repeat.json")["cells"]
        assert (row["cell"], row["numbers"], row["equal"]) == (name, 1, 0)
        assert row["largest difference"] == pytest.approx(0.5)


def test_cells_are_compared_with_those_they_replaced(script, tmp_path):
    def record(seed, accuracy, date):
        made = {"machine": {"processor": "fast"}, "date": date, "seconds": 1.0}
        result = {"accuracy": accuracy, "update": 1}
        return {"function": "train", "cell": {"seed": seed}, "result": result, "provenance": made}

    write_packed(tmp_path / "old.jsonl", [record(0, 90.0, "1"), record(1, 91.0, "1")])
    now = [record(0, 90.0, "1"), record(1, 91.5, "2"), record(2, 95.0, "2")]
    write_packed(tmp_path / "cells/tsne.jsonl", now)
    script.main(["tsne"], out=tmp_path, replaced_file=tmp_path / "old.jsonl")
    [row] = read_result(tmp_path / "results/repeat.json")["cells"]
    assert (row["numbers"], row["equal"], row["accuracies"]) == (2, 1, [[91.0], [91.5]])


def test_a_cell_has_the_accuracies_of_one_or_of_several_runs(script):
    assert script.accuracies({"accuracy": 90.0}) == [90.0]
    assert script.accuracies({"accuracy": np.array([90.0, 91.0])}) == [90.0, 91.0]
    assert script.accuracies([{"accuracy": 90.0}, {"accuracy": 91.0}]) == [90.0, 91.0]
    assert script.accuracies({"knn": 59.6}) == script.accuracies([1.0]) == []


def test_bad_arguments_are_refused(script, tmp_path):
    with pytest.raises(ValueError, match="--replaced .*: a file, with the cells of one --study"):
        script.main(["tsne"], replaced_file=tmp_path / "none.jsonl")
    write_packed(tmp_path / "others.jsonl", [])
    with pytest.raises(ValueError, match="others.jsonl: no cell of tsne is in it"):
        script.main(["tsne"], replaced_file=tmp_path / "others.jsonl")
    with pytest.raises(ValueError, match="--study 'tsen': must be one of .*tsne"):
        script.main(["tsen"], 1, tmp_path)
    with pytest.raises(ValueError, match="cells=0: at least 1"):
        script.main(["tsne"], 0, tmp_path)
    with pytest.raises(ValueError, match="has no cells of tsne"):
        script.main(["tsne"], 1, tmp_path)
    assert not (tmp_path / "results").exists()
