"""The contrastive study: its loss, its layers, and an encoder that fits our classifier."""

import numpy as np
import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.figures.style import save
from mnist1d_hf.studies import self_supervised as study
from mnist1d_hf.studies.rules import self_supervised as rules


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cells = Cells(tmp_path_factory.mktemp("cells"), quiet=True)
    return study.run(study.Args.at("smoke"), cells)


def test_purity_counts_neighbours_of_the_same_class():
    angles = np.concatenate([c + np.linspace(0, 0.1, 20) for c in np.arange(10) * 0.6])
    z = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    y = np.repeat(np.arange(10), 20)
    assert study.purity(z, y) == [100] * 10
    y[20:40:2] = 9
    assert study.purity(z, y)[1] < 60


def test_labels_are_chosen_evenly():
    y = torch.arange(10).repeat(30)
    rows = study.choose(y, 3, torch.Generator().manual_seed(0))
    assert torch.bincount(y[rows]).tolist() == [3] * 10
    assert len(set(rows.tolist())) == 30


def test_raw_signals_have_the_published_accuracy(result):
    assert result["pixels"]["nearest neighbours"] == pytest.approx(59.6)
    assert result["pixels"]["linear"] == pytest.approx(32.8, abs=1)


def test_results_have_every_seed_and_layer(result):
    for projector, found in result["variants"].items():
        assert [f["n"] for f in found["linear"]] == [2] * len(rules.PUBLISHED[projector])
        assert np.shape(found["loss"]) == (2, 4)
        assert np.mean(found["loss"], axis=0)[-1] < np.mean(found["loss"], axis=0)[0]
    curves = result["few_labels"]
    assert curves["labels_per_class"] == [1, 10]
    assert all(len(curves[method]) == 2 and curves[method][0]["n"] == 2 for method in study.METHODS)
    first, found = ["S-pixels", "S1", "S2", "S3"], [finding.id for finding in result["findings"]]
    assert found == first + ["S1-data", "S2-data", "S3-data"]


def test_runs_on_other_data_have_rows_of_their_own(result):
    for projector, found in result["other_data"].items():
        assert [f["n"] for f in found["linear"]] == [2] * len(rules.PUBLISHED[projector])
        raw = [run[0] for run in found["linear_runs"]]
        assert raw[0] != raw[1] and result["pixels"]["linear"] not in raw


def test_the_figure_has_four_panels(result, tmp_path):
    figure = study.plot(result)
    assert len(figure.axes) == 4
    assert save(figure, tmp_path / "ssl.png").stat().st_size > 10_000


def published(purity):
    """A result made of the published numbers."""
    variants = {
        name: {
            "linear": [{"mean": v, "std": 0.5, "n": 2} for v in values],
            "linear_runs": [list(values), list(values)],
            "purity_runs": [
                [p + (c == 8) * step for c, p in enumerate(purity)] for step in (-0.2, 0.2)
            ],
        }
        for name, values in rules.PUBLISHED.items()
    }
    return {"pixels": dict(rules.PUBLISHED_PIXELS), "variants": variants}


@pytest.mark.parametrize(
    ("purity", "verdict", "first"),
    [
        ([99, 10, 10, 99, 10, 10, 99, 10, 99, 10], "reproduced", "reproduced"),
        ([99, 98, 10, 99, 10, 10, 99, 10, 90, 10], "refuted", "partly"),
        ([99, 98, 97, 99, 10, 10, 10, 10, 10, 10], "refuted", "refuted"),
        ([99, 97, 10, 99, 10, 10, 99, 10, 98, 10], "not supported", "reproduced"),
    ],
)
def test_the_published_numbers_confirm_their_claims(purity, verdict, first):
    findings = rules.judge(published(purity))
    verdicts = [finding.verdict for finding in findings]
    assert verdicts == ["reproduced", "reproduced", "reproduced", verdict]
    assert findings[3].superseded.verdict == first


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ({"default": (70, 70, 71), "deep": (60, 61, 60)}, "reproduced"),
        ({"default": (60, 70, 71), "deep": (70, 61, 60)}, "partly"),  # what deep does is not known
        ({"default": (84, 85, 84), "deep": (95, 95, 96)}, "partly"),  # no layer inside is better
        ({"none": (95, 96, 95), "default": (90, 91, 90), "deep": (97, 96, 97)}, "refuted"),
    ],
)
def test_what_layers_do_is_judged_by_seed(ends, verdict):
    variants = {
        name: {"linear_runs": [[30.0, 85.0, 80.0, last + seed / 10] for seed, last in runs]}
        for name, runs in {
            name: list(enumerate(ends.get(name, (50, 51, 50)))) for name in rules.PUBLISHED
        }.items()
    }
    finding = rules.judge_layers(variants)
    assert finding.verdict == verdict and finding.n == 3
