"""The benchmark study: its table, its curves and the rules of its verdicts."""

import dataclasses

import numpy as np
import pytest

from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.studies import classification as study
from mnist1d_hf.studies.rules import accuracies
from mnist1d_hf.studies.rules import classification as rules
from mnist1d_hf.studies.rules.classification import human_errors

WAYS = ("last_step", "validation", "test")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    args = dataclasses.replace(study.Args.at("smoke"), models=("logistic", "cnn", "tcn"))
    return study.run(args, Cells(tmp_path_factory.mktemp("cells"), quiet=True))


def test_the_table_has_every_row(result):
    rows = {(r["model"], r["config"], r["protocol"], r["recipe"]) for r in result["table"]}
    assert len(rows) == len(result["table"]) == 2 * 2 * 2 + 2 * (2 + 1)
    assert ("tcn", "shuffled", "validation", "augmented") not in rows
    by_key = {(r["model"], r["config"], r["protocol"]): r for r in result["table"]}
    assert by_key["cnn", "shuffled", "last_step"]["published"] == [56, 2]
    assert (
        by_key["cnn", "default", "validation"]["n"]
        == by_key["tcn", "default", "validation"]["n"]
        == 2
    )
    kept = by_key["cnn", "default", "last_step"]
    assert kept["train"]["n"] == 2 and [len(p) for p in kept["predicted"]] == [1000, 1000]
    c3 = next(finding for finding in result["findings"] if finding.id == "C3")
    assert c3.quantity == "kappa of human and CNN" and c3.superseded.rule.endswith("partly: one")


def test_curves_have_a_band_and_end_with_their_recipe(result):
    training, test = study.plot(result).axes
    assert [axis.get_title() for axis in (training, test)] == ["Training rows", "Test rows"]
    assert len(training.collections) == len(test.collections) == 6  # three models, two datasets
    ends = [line.get_xdata() for line in training.lines if line.get_marker() == "o"]
    assert [list(end) for end in ends] == [[4]] * 6
    [row] = [r for r in result["table"] if (r["config"], r["model"], r["protocol"], r["recipe"])
             == ("shuffled", "cnn", "last_step", "paper")]  # fmt: skip
    assert np.shape(row["curves"]["test"]) == np.shape(row["curves_std"]["test"]) == (2,)


def test_a_digit_that_nothing_misses_has_a_zero_in_place_of_a_bar(result):
    none = {**result, "table": [{**r, "errors": [0.0] * 10} for r in result["table"]]}
    [axis] = study.plot_digits(none).axes
    zeros = [text for text in axis.texts if text.get_text() == "0"]
    assert len(zeros) == 2 * 10 + human_errors().count(0)


def level(mean, std=0.5):
    return {"mean": float(mean), "std": std, "n": 10}


def test_every_claim_of_the_paper_is_judged():
    table = [
        {
            "config": config,
            "model": model,
            "protocol": "last_step",
            "recipe": "paper",
            "mean": float(mean),
            "std": 0.5,
            "n": 10,
            "errors": [0.0, 0, 9, 0, 0, 0, 0, 9, 0, 9],
            "train": {"mean": 100.0 if config == "default" else 90.0, "std": 0.1, "n": 10},
        }
        for config, values in rules.PUBLISHED.items()
        for model, (mean, _) in values.items()
        if model != "human"
    ]
    mlps = [{"hidden_size": 100, "weight_decay": 0.0, **dict.fromkeys(WAYS, level(67))}]
    result = {
        "table": table,
        "mlp": mlps,
        "cpu_ms_per_step": {"cnn": [1.0, 1.1], "gru": [11, 12.2]},
    }
    result["rows_by_digit"] = [100] * 10
    findings = rules.judge(result)
    verdicts = {c.id: c.verdict for c in findings}
    assert verdicts.pop("C9-shuffled") == "refuted"
    assert len(findings) == 8 + 6 + 3 and set(verdicts.values()) == {"reproduced"}
    for row in table:
        row["mean"] = 50.0
    for way in WAYS[:2]:
        mlps[0][way] = level(65)
    result["cpu_ms_per_step"]["gru"] = [6.0, 6.7]
    verdicts = {c.id: c.verdict for c in rules.judge(result)}
    assert verdicts["C1-order"] == "not supported" and verdicts["C1-mlp-default"] == "refuted"
    assert verdicts["C12"] == verdicts["C2"] == verdicts["C1-mlp-68"] == "partly"
    first = {c.id: c.superseded.verdict for c in rules.judge(result) if c.superseded}
    assert first["C2"] == first["C1-mlp-68"] == "partly"


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (level(94.5), "reproduced"),
        (level(94.5, std=4.0), "not supported"),
        (level(91.5), "refuted"),
    ],
)
def test_a_mean_is_compared_with_the_published_spread(found, verdict):
    [finding] = accuracies.judge_accuracies({("default", "cnn"): found})
    assert finding.verdict == verdict and finding.estimate == found["mean"]
    assert finding.superseded.verdict == ("partly" if verdict == "refuted" else "reproduced")


@pytest.mark.parametrize(
    ("shuffled", "verdict", "named"),
    [
        ({"cnn": 55, "gru": 56, "mlp": 67.5, "logistic": 32}, "reproduced", "MLP"),
        ({"cnn": 55, "gru": 62, "mlp": 68, "logistic": 32}, "partly", "GRU"),
        ({"cnn": 90, "gru": 90, "mlp": 40, "logistic": 12}, "refuted", "CNN"),
    ],
)
def test_shuffling_is_judged_by_the_model_nearest_to_its_bound(shuffled, verdict, named):
    plain = {"cnn": 94, "gru": 91, "mlp": 68, "logistic": 32}
    found = {("default", model): level(mean) for model, mean in plain.items()}
    found |= {("shuffled", model): level(mean) for model, mean in shuffled.items()}
    [finding] = accuracies.judge_shuffling(found)
    assert finding.verdict == verdict
    if verdict != "refuted":
        assert named in finding.quantity


@pytest.mark.parametrize(
    ("ends", "verdict", "first"),
    [
        # the highest mean is known badly, and the next one decides
        ({"last_step": level(69, std=9.0), "validation": level(67)}, "reproduced", "reproduced"),
        (
            {"last_step": level(66.5, std=2.0), "validation": level(65)},
            "not supported",
            "reproduced",
        ),
        ({"last_step": level(65), "validation": level(64, std=9.0)}, "not supported", "refuted"),
        ({"last_step": level(65), "validation": level(64), "test": level(67)}, "partly", "partly"),
        ({"last_step": level(65), "validation": level(64)}, "refuted", "refuted"),
        ({"last_step": {"mean": 67.0, "std": None, "n": 1}}, "not supported", "reproduced"),
    ],
)
def test_one_mlp_that_is_known_to_reach_the_published_accuracy_is_enough(ends, verdict, first):
    mlp = {"hidden_size": 100, "weight_decay": 0.001, **dict.fromkeys(WAYS, level(60)), **ends}
    less = {"hidden_size": 30, "weight_decay": 0.0, **dict.fromkeys(WAYS, level(60))}
    [finding] = accuracies.judge_mlps([less, mlp])
    assert (finding.verdict, finding.superseded.verdict) == (verdict, first)
    if verdict == "reproduced":
        assert "100 units, weight decay 0.001, selected on validation" in finding.quantity
        assert finding.estimate == 67 and finding.interval[0] > 66


@pytest.mark.parametrize(
    ("gru", "verdict", "first"),
    [
        ([22.0, 23, 24], "reproduced", "reproduced"),
        ([14.0, 15, 16], "partly", "partly"),
        ([12.0, 15, 36], "not supported", "partly"),
        ([6.0, 7, 8], "refuted", "refuted"),
        ([22.0], "not supported", "reproduced"),
    ],
)
def test_times_are_compared_by_the_interval_of_their_ratio(gru, verdict, first):
    [finding] = rules.judge_time({"gru": gru, "cnn": [2.0] * len(gru)})
    assert (finding.verdict, finding.superseded.verdict) == (verdict, first)
    assert finding.n == len(gru) and finding.estimate == pytest.approx(np.mean(gru) / 2)


def trained(model, mean, std):
    row = {"config": "shuffled", "model": model, "protocol": "last_step", "recipe": "paper"}
    return {**row, **level(mean, std), "train": level(mean, std)}


@pytest.mark.parametrize(
    ("gru", "verdict", "named"),
    [
        ((99.9, 0.1), "reproduced", "MLP"),
        ((99.9, 3.0), "not supported", "GRU"),  # has the highest mean, which is known worst
        ((97.0, 0.5), "refuted", "GRU"),
    ],
)
def test_the_model_that_fits_its_training_rows_least_surely_decides(gru, verdict, named):
    ends = {"mlp": (99.7, 0.2), "cnn": (99.8, 0.1), "gru": gru}
    [finding] = rules.judge_training(
        {("shuffled", model): trained(model, *end) for model, end in ends.items()}
    )
    assert (finding.id, finding.verdict) == ("C9-shuffled", verdict)
    assert named in finding.quantity and finding.estimate == ends[named.lower()][0]


@pytest.mark.parametrize(
    ("gru", "verdict"),
    [((60.0, 0.5), "reproduced"), ((55.0, 20.0), "not supported"), ((70.0, 0.5), "refuted")],
)
def test_the_mlp_is_the_best_when_it_is_surely_above_each_other_model(gru, verdict):
    ends = {"logistic": (32, 0.1), "mlp": (65.0, 0.5), "cnn": (59.0, 0.5), "gru": gru}
    found = {("shuffled", model): trained(model, *end) for model, end in ends.items()}
    finding = rules.judge_training(found)[-1]
    assert (finding.id, finding.verdict) == ("C10", verdict)
    assert finding.quantity == "MLP minus GRU after shuffling, points"
    assert finding.estimate == pytest.approx(65 - gru[0])


def test_other_data_are_judged_by_the_same_rules(result):
    assert [(r["config"], r["model"], r["n"]) for r in result["other_data"]] == [
        (config, model, 2) for model in ("logistic", "cnn") for config in ("default", "shuffled")
    ]
    table = [
        {"config": config, "model": model, "protocol": "last_step", "errors": [1] * 10}
        | level(mean)
        for config, values in rules.PUBLISHED.items()
        for model, (mean, _) in values.items()
    ]
    other, first = (
        {one.id: one.verdict for one in rules.judge({**result, "table": [], **changed})}
        for changed in ({"other_data": table}, {"table": table})
    )
    found = {id: verdict for id, verdict in other.items() if id.endswith("-data")}
    assert {"C1-cnn-default-data", "C1-order-data", "C2-data", "C10-data"} <= found.keys()
    assert found == {id: first[id.removesuffix("-data")] for id in found}


def test_an_unknown_model_is_named():
    with pytest.raises(ValueError, match="models 'ccn': must be one of logistic, mlp"):
        study.Args(models=("ccn",))


def test_an_unknown_config_is_named_before_anything_runs():
    with pytest.raises(ValueError, match="configs 'defualt': must be one of .*'default'"):
        study.Args(configs=("defualt",))


def test_predictions_are_kept_for_the_table_s_main_rows_and_old_cells_have_none():
    key, run = ("default", "cnn", "last_step", "paper"), {"predicted": "7" * 1000}
    assert study.predictions(key, [run, run]) == ["7" * 1000] * 2
    assert study.predictions(("shuffled", *key[1:]), [run]) is None
    assert study.predictions(key, [run, {}]) is None


def row_of(model, mean, std, n, errors=None):
    row = {"config": "default", "model": model, "protocol": "last_step", "recipe": "paper"}
    return {**row, "mean": mean, "std": std, "n": n, "errors": errors}


def test_the_hardest_digits_are_those_of_the_highest_rates():
    """Digits have different numbers of rows, so that counts of errors rank them otherwise."""
    errors = [0.0, 9, 8, 0, 0, 10, 0, 7.9, 0, 0]
    cnn = {("default", "cnn"): row_of("cnn", 94.0, 0.5, 10, errors)}
    rows = [100, 106, 80, 100, 100, 106, 100, 80, 100, 100]
    [_, finding] = rules.judge_human(cnn, rows)
    assert finding.ours["hardest for the CNN"] == [
        2,
        5,
        7,
    ]  # 1 has more errors than 7, of more rows
    assert (finding.verdict, finding.superseded.verdict) == ("reproduced", "partly")


@pytest.mark.parametrize(
    ("gru", "verdict", "first"),
    [(91.0, "reproduced", "partly"), (93.5, "not supported", "partly"), (97, "refuted", "refuted")],
)
def test_the_order_is_judged_by_the_interval_of_the_smallest_gap(gru, verdict, first):
    ends = {"logistic": 32.0, "mlp": 65.0, "gru": gru, "cnn": 94.0}
    found = {("default", m): row_of(m, mean, 1.2, 5) for m, mean in ends.items()}
    [finding] = rules.judge_order(found)
    assert finding.quantity == "gap between GRU and CNN, points"
    assert finding.estimate == pytest.approx(94.0 - gru)
    assert (finding.verdict, finding.superseded.verdict) == (verdict, first)
