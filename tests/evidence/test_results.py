"""Results: what is written can be read, is whole, and says where it came from."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from mnist1d_hf.evidence.results import Finding, read_result, summarise, write_json, write_result


@dataclass
class Args:
    steps: int = 3
    rates: tuple[float, ...] = (0.1, 0.2)


CLAIM = Finding("M1", "0.62 is optimal", "blog", 0.62, 0.625, "within 0.03", "reproduced", n=5)


def test_summarise_uses_the_sample_standard_deviation():
    values = [93.3, 94.1, 93.8, 95.4]
    summary = summarise(values)
    assert summary["mean"] == pytest.approx(np.mean(values), abs=1e-12)
    assert summary["std"] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    assert summary["n"] == 4
    assert summarise([2]) == {"mean": 2.0, "std": None, "n": 1}
    with pytest.raises(ValueError, match="at least one"):
        summarise([])


def test_a_result_is_read_back_with_its_arguments_and_provenance(tmp_path):
    result = {"loss": np.array([1.5, 0.25]), "accuracy": np.float32(0.5), "findings": [CLAIM]}
    path = write_result(tmp_path / "a" / "lr.json", result, args=Args(), seconds=1.25)
    back = read_result(path)
    assert back["args"] == {"steps": 3, "rates": [0.1, 0.2]}
    assert back["loss"] == [1.5, 0.25]
    assert back["accuracy"] == 0.5
    assert back["findings"][0] == CLAIM.__dict__
    assert back["provenance"]["seconds"] == 1.25
    assert back["provenance"]["versions"]["numpy"] == np.__version__
    assert len(back["provenance"]["git_revision"].removesuffix("-dirty")) == 40


def test_lists_of_numbers_take_one_line(tmp_path):
    path = write_json(tmp_path / "x.json", {"trace": list(range(50)), "words": ["a, b", "[c]"]})
    assert len(path.read_text().splitlines()) < 10
    assert read_result(path) == {"trace": list(range(50)), "words": ["a, b", "[c]"]}


@pytest.mark.parametrize("bad, error", [(float("nan"), ValueError), (object(), TypeError)])
def test_what_is_not_json_leaves_the_old_file_alone(tmp_path, bad, error):
    path = write_json(tmp_path / "x.json", {"old": 1})
    with pytest.raises(error):
        write_json(path, {"new": bad})
    assert json.loads(path.read_text()) == {"old": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_verdict_is_one_of_five():
    with pytest.raises(ValueError, match="'maybe' of finding D1"):
        Finding("D1", "threshold at n", "v1", None, None, "peak", "maybe")


def test_a_damaged_result_is_named(tmp_path):
    (tmp_path / "tsne.json").write_text("{")
    with pytest.raises(ValueError, match="tsne.json is damaged, remove or restore it"):
        read_result(tmp_path / "tsne.json")
