"""Cells run again: what is compared, and what is written."""

import math

import pytest

from mnist1d_hf.evidence.packed import read_packed, write_packed
from mnist1d_hf.evidence.results import read_result


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("repeat")


def test_numbers_are_found_in_order(script):
    found = list(script.numbers({"a": [1, None, "x"], "b": {"c": 2.5}}))
    assert found[0] == 1 and math.isnan(found[1]) and found[2] == 2.5


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


def test_bad_arguments_are_refused(script, tmp_path):
    with pytest.raises(ValueError, match="--study 'tsen': must be one of .*tsne"):
        script.main(["tsen"], 1, tmp_path)
    with pytest.raises(ValueError, match="cells=0: at least 1"):
        script.main(["tsne"], 0, tmp_path)
