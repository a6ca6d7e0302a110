"""Metrics: equal to scikit-learn's, offline, combinable, and in evaluate's evaluator."""

import evaluate
import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, List, Value
from scipy.special import softmax
from sklearn import metrics as reference
from transformers import EvalPrediction, pipeline

from mnist1d_hf import CONFIGS, excess_error, make_mnist1d
from mnist1d_hf.models import (
    Mnist1DCNNConfig,
    Mnist1DCNNForSequenceClassification,
    Mnist1DFeatureExtractor,
)
from mnist1d_hf.training.metrics import (
    Accuracy,
    CalibrationError,
    ConfusionMatrix,
    ExcessError,
    MacroF1,
    Recall,
    compute_metrics,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    recall_per_class,
)

random = np.random.default_rng(0)
TRUE = random.integers(0, 9, 500)  # class 9 does not occur
PREDICTED = np.where(random.random(500) < 0.7, TRUE, random.integers(0, 10, 500))


def test_equal_to_scikit_learn():
    confusion = confusion_matrix(TRUE, PREDICTED)
    expected = reference.confusion_matrix(TRUE, PREDICTED, labels=range(10))
    np.testing.assert_array_equal(confusion, expected)
    assert macro_f1(confusion) == pytest.approx(
        reference.f1_score(TRUE, PREDICTED, average="macro")
    )
    recalls = reference.recall_score(TRUE, PREDICTED, average=None, labels=range(9))
    *found, absent = recall_per_class(confusion)
    assert found == pytest.approx(recalls) and absent is None


def test_calibration_error_by_hand():
    # two bins hold examples: confidence 0.9 with accuracy 1/2, confidence 0.6 with accuracy 1
    scores = [[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.4, 0.6]]
    error = expected_calibration_error([0, 0, 0, 1], scores)
    assert error == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    assert expected_calibration_error([0, 1], np.eye(2)) == 0
    assert np.isnan(expected_calibration_error([0, 1], [[1, 0], [np.nan, 0]]))


def test_calibration_error_of_a_calibrated_classifier_vanishes():
    scores = random.dirichlet(np.ones(10) / 2, 100_000)
    labels = (scores.cumsum(axis=1) > random.random((100_000, 1))).argmax(axis=1)
    assert expected_calibration_error(labels, scores) < 0.01


def test_calibration_error_needs_scores_for_every_reference():
    with pytest.raises(ValueError, match=r"\(1,\) and scores of shape \(4, 10\): must be"):
        expected_calibration_error([1], np.full((4, 10), 0.1))


@pytest.mark.parametrize(
    "true, predicted, message",
    [
        ([0, 10], [0, 1], "reference 10: must be a class from 0 to 9"),
        ([0, 1], [0, -1], "prediction -1: must be a class from 0 to 9"),
        ([0, 1], [0], "must match"),
    ],
)
def test_wrong_classes_are_named(true, predicted, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(true, predicted)


def test_metrics_of_a_trainer():
    logits = np.log(np.full((500, 10), 0.01))
    logits[np.arange(500), PREDICTED] = np.log(0.91)
    found = compute_metrics(EvalPrediction(predictions=logits, label_ids=TRUE))
    accuracy = (TRUE == PREDICTED).mean()
    assert found["accuracy"] == pytest.approx(accuracy)
    assert found["macro_f1"] == macro_f1(confusion_matrix(TRUE, PREDICTED))
    assert found["expected_calibration_error"] == pytest.approx(abs(0.91 - accuracy))


@pytest.mark.parametrize("convert", [list, np.asarray, torch.tensor])
def test_evaluate_metrics_take_any_array(convert):
    inputs = {"predictions": convert(PREDICTED), "references": convert(TRUE)}
    combined = evaluate.combine([Accuracy(), Recall(), MacroF1(), ConfusionMatrix()])
    found = combined.compute(**inputs)
    assert found["accuracy"] == (TRUE == PREDICTED).mean()
    assert found["macro_f1"] == macro_f1(confusion_matrix(TRUE, PREDICTED))
    assert np.sum(found["confusion_matrix"]) == 500 and found["recall_per_class"][9] is None


def test_evaluate_metrics_add_up_batches():
    metric = Accuracy()
    for start in range(0, 500, 100):
        batch = slice(start, start + 100)
        metric.add_batch(predictions=PREDICTED[batch], references=TRUE[batch])
    assert metric.compute()["accuracy"] == (TRUE == PREDICTED).mean()


def test_calibration_combines_with_the_others():
    scores = np.eye(10)[PREDICTED]
    combined = evaluate.combine([Accuracy(), CalibrationError()])
    found = combined.compute(predictions=PREDICTED, references=TRUE, scores=scores)
    assert found["expected_calibration_error"] == pytest.approx(1 - found["accuracy"])


def test_two_live_metrics_do_not_wait_for_each_other(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("a lock that another metric may hold")

    monkeypatch.setattr(evaluate.module, "FileLock", refuse)
    first, second = Accuracy(), Accuracy()
    first.add_batch(predictions=[1], references=[1])
    second.add_batch(predictions=[0], references=[1])
    assert (first.compute()["accuracy"], second.compute()["accuracy"]) == (1, 0)


def test_the_evaluator_runs_a_pipeline_on_a_split():
    torch.manual_seed(0)
    model = Mnist1DCNNForSequenceClassification(Mnist1DCNNConfig())
    x, labels = random.standard_normal((50, 40), dtype=np.float32), TRUE[:50]
    split = Dataset.from_dict({"x": x, "label": labels})
    classify = pipeline(
        "time-series-classification", model=model, feature_extractor=Mnist1DFeatureExtractor()
    )
    evaluator = evaluate.evaluator("time-series-classification")
    found = evaluator.compute(classify, split)
    expected = (model(torch.tensor(x)).logits.argmax(1).numpy() == labels).mean()
    assert found["accuracy"] == pytest.approx(expected)
    mapped = evaluator.compute(
        model,
        split,
        metric=MacroF1(),
        feature_extractor=Mnist1DFeatureExtractor(),
        label_mapping=model.config.label2id,
        strategy="bootstrap",
        n_resamples=20,
        random_state=0,
    )
    low, high = mapped["macro_f1"]["confidence_interval"]
    assert low <= mapped["macro_f1"]["score"] <= high


@pytest.mark.parametrize("wrong", [[0.7, 1.0], ["0", "1"], [None, 1]])
def test_classes_that_are_no_integers_are_refused(wrong):
    with pytest.raises(ValueError, match="references of dtype .* must be the integers of classes"):
        confusion_matrix(wrong, [0, 1])
    with pytest.raises(ValueError, match="predictions of dtype .* must be the integers of classes"):
        confusion_matrix([0, 1], wrong)


def test_more_than_ten_classes_are_counted():
    assert confusion_matrix([0, 11], [0, 10], None).shape == (12, 12)
    assert confusion_matrix([0, 1], [0, 1], None).shape == (10, 10)
    found = evaluate.combine([Accuracy(), MacroF1()]).compute(
        predictions=[11, 0], references=[11, 1]
    )
    assert found["accuracy"] == 0.5


NAMES = ("cat", "dog", "elk")


@pytest.mark.parametrize(
    "in_dataset",
    [
        NAMES,  # in the order of the model
        ("elk", "cat", "dog"),
        ("ant", "elk", "cat", "dog"),  # one that the model does not know
        None,  # numbers without names: those of the model
        ("a", "b", "c"),  # other names: the numbers are those of the model
    ],
)
def test_the_evaluator_compares_classes_by_name(in_dataset):
    torch.manual_seed(0)
    config = Mnist1DCNNConfig(id2label=dict(enumerate(NAMES)))
    model = Mnist1DCNNForSequenceClassification(config).eval()
    x = random.standard_normal((60, 40), dtype=np.float32)
    predicted = model(torch.tensor(x)).logits.argmax(1).numpy()
    true = np.where(np.arange(60) % 3, predicted, (predicted + 1) % 3)  # two in three are right
    numbers, features = true, None
    if in_dataset and set(NAMES) <= set(in_dataset):
        numbers = np.array([in_dataset.index(NAMES[label]) for label in true])
    if in_dataset:
        features = Features({"x": List(Value("float32")), "label": ClassLabel(names=in_dataset)})
    split = Dataset.from_dict({"x": x, "label": numbers}, features=features)
    evaluator = evaluate.evaluator("time-series-classification")
    found = evaluator.compute(model, split, feature_extractor=Mnist1DFeatureExtractor())
    assert found["accuracy"] == pytest.approx(2 / 3)
    own = evaluator.compute(
        model,
        split,
        feature_extractor=Mnist1DFeatureExtractor(),
        label_mapping={name: 9 for name in NAMES},
    )
    assert own["accuracy"] == 0


@pytest.mark.parametrize("kind", ["labels", "probabilities", "logits"])
def test_the_excess_error_is_a_metric_like_the_others(kind):
    params = CONFIGS["noisy"]
    data = make_mnist1d(params)
    x, labels = data.x_test[:100], data.y_test[:100]
    scores = np.random.default_rng(0).normal(size=(100, 10))
    predictions = {
        "labels": scores.argmax(axis=1),
        "probabilities": softmax(scores, axis=1),
        "logits": scores,
    }[kind]
    options = {"params": params, "logits": kind == "logits"}
    given = {"predictions": predictions, "references": labels, "x": x}
    expected = excess_error(x, labels, predictions, **options)._asdict()
    assert ExcessError().compute(**given, **options) == pytest.approx(expected)
    metric = ExcessError()
    for rows in (slice(0, 40), slice(40, 100)):
        metric.add_batch(**{name: values[rows] for name, values in given.items()})
    assert metric.compute(**options) == pytest.approx(expected)
    if kind == "labels":
        both = evaluate.combine([MacroF1(), ExcessError()]).compute(**given, **options)
        assert both.pop("macro_f1") < 1 and both == pytest.approx(expected)


@pytest.mark.parametrize("what", ["predictions", "references"])
def test_the_excess_error_rounds_no_labels(what):
    data, params = make_mnist1d(CONFIGS["noisy"]), CONFIGS["noisy"]
    given = {"predictions": data.y_test, "references": data.y_test, "x": data.x_test}
    given = {name: values[:100] for name, values in given.items()}
    with pytest.raises(ValueError, match=f"{what.replace('references', 'labels')} have"):
        ExcessError().compute(**{**given, what: given[what] + 0.7}, params=params)


def test_the_excess_error_needs_the_parameters():
    given = {"predictions": [0], "references": [0], "x": np.zeros((1, 40))}
    for options in ({}, {"params": {"seed": 7}}):
        with pytest.raises(ValueError, match="must be the SignalParams that the rows were made"):
            ExcessError().compute(**given, **options)
