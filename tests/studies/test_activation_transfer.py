"""The comparison of activations: equal terms, the notebook's baselines, honest verdicts."""

from dataclasses import replace

import pytest
import torch

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.evidence.results import summarise, write_json
from mnist1d_hf.studies import activation_transfer as study
from mnist1d_hf.studies.metalearn_activation import search_draws
from mnist1d_hf.studies.rules import activation_transfer as rules


@pytest.fixture(scope="module")
def searches(tmp_path_factory):
    """The result of a search that has not learned anything yet."""
    meta = [p.tolist() for p in search_draws(0, 2, 4, 10).meta]
    line = {"intercept": 0.0, "slope": 0.1, "knots": [0.0], "kinks": [0.9], "rms": 0.1}
    content = {"seeds": [0], "searches": [{"meta": meta}], "lines": [line]}
    return str(write_json(tmp_path_factory.mktemp("searches") / "searches.json", content))


@pytest.fixture(scope="module")
def result(tmp_path_factory, searches):
    args = replace(study.Args.at("smoke"), searches=searches)
    return study.run(args, Cells(tmp_path_factory.mktemp("cells"), quiet=True))


def test_the_baselines_are_those_the_notebook_printed():
    """Tanh and softplus; the study does all six."""
    published = read_published("activation_transfer")
    for name in ("tanh", "softplus"):
        loss, accuracy = (published[group][name] for group in ("mean_losses", "accuracies"))
        ours = study.compare({"name": name}, 0, [0], 0.01, 301, 200)
        assert ours["mean_loss"] == [pytest.approx(loss, rel=2e-3)]
        assert ours["accuracy_500"] == [pytest.approx(accuracy, abs=1.5)]


def test_every_activation_is_compared_and_ranked(result):
    assert set(result["equal_terms"]) == {
        *study.KNOWN,
        "learned",
        "piecewise_copy",
    }
    table = result["transfer"]["digits"]
    assert sorted(row["rank_by_accuracy"] for row in table.values()) == [1, 2, 3, 4, 5, 6]
    best = min(table, key=lambda name: table[name]["first_epoch_loss"]["mean"])
    assert table[best]["rank_by_first_epoch_loss"] == 1
    for key, runs in table[best]["runs"].items():
        assert runs == [table[best][key]["mean"]]  # of one seed
    verdicts = {finding.id: finding.verdict for finding in result["findings"]}
    assert verdicts["M5-early-mnist-cifar10"] == "not testable"
    first = {f.id: f.superseded.verdict for f in result["findings"] if f.superseded}
    assert first["M5-final-mnist1d-digits"] in ("reproduced", "refuted")
    assert verdicts["M5-final-mnist1d-digits"] != "not testable"


def ranked(early, late):
    """A table of early and of late losses, which say who is how good, over three seeds."""
    table = {}
    for name, loss in early.items():
        runs = {"early_loss": [loss - 0.1, loss, loss + 0.1]}
        runs |= {
            key: [late[name] + 0.01 * i for i in range(3)] for key in ("test_loss", "final_loss")
        }
        shown = {**runs, "first_epoch_loss": [loss] * 3, "accuracy": [90 - late[name]] * 3}
        table[name] = {key: summarise(values) for key, values in shown.items()} | {"runs": runs}
    for key, loss in (("first_epoch_loss", early), ("accuracy", late)):
        for rank, name in enumerate(sorted(loss, key=loss.get), start=1):
            table[name][f"rank_by_{key}"] = rank
    return table


GOOD, WORST = {"learned": 1.0, "elu": 2.0, "relu": 3.0}, {"learned": 3.0, "elu": 1.0, "relu": 2.0}
MIDDLE = {"learned": 2.0, "elu": 1.0, "relu": 3.0}


@pytest.mark.parametrize(
    ("early", "late", "verdicts"),
    [
        (GOOD, MIDDLE, ("reproduced", "reproduced", "refuted")),
        (WORST, GOOD, ("refuted", "refuted", "refuted")),
        (GOOD, WORST, ("reproduced", "refuted", "reproduced")),
        (MIDDLE, MIDDLE | {"learned": 1.0}, ("not supported", "not supported", "refuted")),
        # its copy is no other activation
        (
            {**GOOD, "piecewise_copy": 0.1},
            {**GOOD, "piecewise_copy": 0.1},
            ("reproduced", *2 * ("refuted",)),
        ),
    ],
)
def test_leads_are_judged_by_what_is_known_of_them(early, late, verdicts):
    table = ranked(early, late)
    if early is MIDDLE:  # the runs of one seed differ by more than the means
        for values in table["learned"]["runs"].values():
            values.reverse()
    found = {f.id: f for f in rules._judge_transfer({"transfer": {"digits": table}})}
    ids = ("M5-early-mnist1d-digits", "M5-final-mnist1d-digits", "M8-mnist1d-digits")
    assert tuple(found[id].verdict for id in ids) == verdicts
    assert found["M8-mnist1d-digits"].n == 3
    assert found["M5-early-mnist-cifar10"].verdict == "not testable"


@pytest.mark.parametrize(
    "learned, verdict",
    [((70, 71, 69), "reproduced"), ((66, 71, 58), "not supported"), ((59, 60, 58), "refuted")],
)
def test_the_verdict_on_the_gain(result, learned, verdict):
    def cell(accuracy):
        return {**{key: [1.5] for key in ("mean_loss", "last_losses")}, "accuracy": [accuracy]}

    terms = {name: {"0.01": [cell(59)] * 3} for name in result["equal_terms"]}
    terms["learned"] = {"0.01": [cell(accuracy) for accuracy in learned]}
    findings = rules.judge({"equal_terms": terms, "transfer": {}})
    assert {finding.id: finding.verdict for finding in findings}["M2"] == verdict


@pytest.mark.parametrize(
    ("by_hand", "verdict"),
    [((68, 69, 67), "reproduced"), ((60, 70, 64), "not supported"), ((60, 61, 60), "refuted")],
)
def test_the_verdict_on_the_copy(result, by_hand, verdict):
    def cells(*accuracies):
        rest = {key: [1.5] for key in ("mean_loss", "last_losses")}
        return {"0.01": [{**rest, "accuracy": [accuracy]} for accuracy in accuracies]}

    terms = {name: cells(59, 59, 59) for name in result["equal_terms"]}
    terms |= {"learned": cells(70, 71, 69), "copy_by_hand": cells(*by_hand)}
    findings = rules.judge({"equal_terms": terms, "transfer": {}})
    [copy] = [finding for finding in findings if finding.id == "M4"]
    assert copy.verdict == verdict
    assert copy.estimate == pytest.approx(sum(by_hand) / 3 - 59 - 11 / 2)


def test_a_dataset_that_cannot_be_loaded_is_said_and_skipped(capsys, monkeypatch):
    def refuse(name):
        raise ConnectionError(f"{name} is out of reach\nmore")

    monkeypatch.setattr(study, "load", refuse)
    assert study.unavailable(("mnist",)) == {"mnist": "ConnectionError: mnist is out of reach"}
    assert "skipped mnist" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"datasets": ("mnst",)}, "datasets 'mnst': must be one of mnist1d, .*'mnist'"),
        ({"activations": ("rleu",)}, "hidden_act='rleu': choose one of"),
        ({"activations": ("relu",)}, "learned and another one"),
        ({"rates": (0.003,)}, "must include 0.01"),
        ({"steps": 1}, "steps=1: at least 2"),
    ],
)
def test_unknown_names_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(study.Args.at("smoke"), **change)


def test_nothing_runs_when_no_dataset_can_be_loaded(searches, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "unavailable", lambda names: dict.fromkeys(names, "no network"))
    args = replace(study.Args.at("smoke"), searches=searches)
    with pytest.raises(ValueError, match="none of them can be loaded"):
        study.run(args, Cells(tmp_path, quiet=True))
    assert not list(tmp_path.iterdir())


def test_images_are_standardised_and_split():
    x, labels, x_test, y_test = study.load("digits")
    assert x.shape == (1437, 1, 8, 8) and x_test.shape == (360, 1, 8, 8)
    assert x.mean().abs() < 1e-4 and abs(x.std() - 1) < 1e-3
    assert len(labels) == 1437 and len(y_test) == 360 and labels.dtype == torch.int64


def test_without_the_searches_the_study_says_what_to_run(tmp_path):
    with pytest.raises(ValueError, match="run the study metalearn_activation first"):
        study.run(study.Args(searches=str(tmp_path / "no.json")), Cells(tmp_path))


def test_early_is_as_long_as_an_epoch_of_mnist():
    """In whole epochs, and at most the training."""
    cell = {"loss": [4.0, 2.0, 0.0], "test_loss": 1.0, "accuracy": 90.0}
    for rows, early in ((60_000, 4.0), (30_000, 3.0), (20_000, 2.0), (1437, 2.0)):
        table = study.ranks({"relu": [cell]}, rows)
        assert table["relu"]["runs"]["early_loss"] == [early]
        assert table["relu"]["first_epoch_loss"]["mean"] == 4


def test_activations_are_in_one_order_in_all_panels(result):
    for plot in (study.plot_loss, study.plot_accuracy, study.plot_test_loss):
        [axis] = plot(result).axes
        assert axis.get_title() == "CNN, 8x8 digits"
        names = [label.get_text() for label in axis.get_yticklabels()]
        ends = result["transfer"]["digits"]
        order = sorted(ends, key=lambda name: ends[name]["accuracy"]["mean"])
        assert names == [name.replace("_", " ") for name in order]
