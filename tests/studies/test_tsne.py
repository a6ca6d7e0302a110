"""The t-SNE study: it runs, tells separable data from mixed data and says which data it used."""

import numpy as np
import pytest

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import summarise
from mnist1d_hf.figures.style import save
from mnist1d_hf.studies import tsne as study
from mnist1d_hf.studies.rules import tsne as rules


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    cells = Cells(tmp_path_factory.mktemp("cells"), quiet=True)
    return study.run(study.Args.at("smoke"), cells)


def test_both_datasets_are_embedded_and_classified(result):
    assert list(result["datasets"]) == ["mnist1d", "digits"]
    for found in result["datasets"].values():
        assert np.shape(found["points"]) == (100, 2)
        assert found["kl"][0][-1] == pytest.approx(found["final_kl"]["mean"], abs=0.02)
    ours, digits = result["datasets"].values()
    assert digits["knn_embedding"]["mean"] > 80 > 50 > ours["knn_embedding"]["mean"]
    assert digits["knn_pixels"] > 80 > 50 > ours["knn_pixels"]


def test_the_figure_is_written(result, tmp_path):
    figure = study.plot(result)
    assert [len(axis.collections) for axis in figure.axes[:2]] == [1, 1]
    assert save(figure, tmp_path / "tsne.png").stat().st_size > 10_000


def test_neighbours_vote_without_the_point_itself():
    x, y = np.array([[0.0], [0.1], [0.3], [5.0], [5.1]]), np.array([0, 1, 0, 1, 1])
    assert study.vote(x, y, 1).tolist() == [False, False, False, True, True]


def test_raw_signals_have_the_published_accuracy_of_nearest_neighbours():
    assert study.separate("mnist1d", 0, 10)["knn"] == pytest.approx(rules.PUBLISHED_KNN)


def test_without_mnist_the_digits_stand_in(monkeypatch):
    def offline(name, rows):
        raise ConnectionError(f"no way to {name}")

    monkeypatch.setattr(study, "load", offline)
    assert study.choose_reference("auto") == "digits"
    assert study.choose_reference("mnist") == "mnist"
    monkeypatch.setattr(study, "load", lambda name, rows: None)
    assert study.choose_reference("auto") == "mnist"


def test_an_unknown_dataset_is_refused():
    with pytest.raises(ValueError, match="'cifar': must be one of mnist1d, mnist, digits"):
        study.load("cifar", 0)


@pytest.mark.parametrize(
    ("reference", "knn", "verdict"),
    [("mnist", 97.0, "reproduced"), ("digits", 97.0, "partly"), ("mnist", 90.0, "refuted")],
)
def test_only_mnist_itself_settles_the_claim(reference, knn, verdict):
    def found(percent):
        kl = summarise([2.51, 2.53])
        return {"knn_pixels": percent, "knn_embedding": summarise([percent]), "final_kl": kl}

    findings = rules.judge({"datasets": {"mnist1d": found(59.6), reference: found(knn)}})
    assert [finding.verdict for finding in findings] == ["reproduced", verdict]
