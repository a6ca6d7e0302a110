"""Metrics of a classifier, computed offline: for Trainer, for evaluate, or from plain arrays.

    import evaluate
    from mnist1d_hf import CONFIGS
    from mnist1d_hf.training.metrics import Accuracy, ExcessError, MacroF1

    evaluate.combine([Accuracy(), MacroF1()]).compute(predictions=[1, 2], references=[1, 3])

    # how far from the best possible classifier, which is known as the rows are generated
    ExcessError().compute(
        predictions=probabilities, references=test["label"], x=test["x"], params=CONFIGS["noisy"]
    )

    evaluate.evaluator("time-series-classification").compute(pipe, test, metric=Accuracy())

Unlike `evaluate.load("accuracy")`, these classes need no network. They keep what they are given in
memory: two metrics on disk would wait a second for each other's lock.
"""

from collections.abc import Mapping
from typing import Any

import datasets
import evaluate
import numpy as np
import transformers
from evaluate.evaluator import SUPPORTED_EVALUATOR_TASKS
from evaluate.evaluator.base import Evaluator
from scipy.special import softmax

from mnist1d_hf.signals.excess import excess_error
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.templates import Templates

TASK = "time-series-classification"


def confusion_matrix(references, predictions, num_labels: int | None = 10) -> np.ndarray:
    """Counts (num_labels, num_labels) int64: row is the true class, column the predicted one.

    With None for `num_labels` there are ten classes, or as many more as occur. Raises ValueError
    for what is no class from 0 to num_labels - 1, or arrays of different lengths.
    """
    true, predicted = np.asarray(references), np.asarray(predictions)
    for name, classes in (("references", true), ("predictions", predicted)):
        if classes.dtype.kind not in "iu" and classes.size:
            raise ValueError(f"{name} of dtype {classes.dtype}: must be the integers of classes")
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(f"references {true.shape} and predictions {predicted.shape}: must match")
    if num_labels is None:
        num_labels = max([10, *(int(c.max()) + 1 for c in (true, predicted) if c.size)])
    for name, classes in (("reference", true), ("prediction", predicted)):
        wrong = classes[(classes < 0) | (classes >= num_labels)]
        if len(wrong):
            raise ValueError(f"{name} {wrong[0]}: must be a class from 0 to {num_labels - 1}")
    cells = np.bincount(true * num_labels + predicted, minlength=num_labels**2)
    return cells.reshape(num_labels, num_labels)


def recall_per_class(confusion: np.ndarray) -> list[float | None]:
    """The fraction of each class that was found; None for a class without examples."""
    totals = confusion.sum(axis=1)
    return [
        float(found / total) if total else None
        for found, total in zip(confusion.diagonal(), totals, strict=True)
    ]


def macro_f1(confusion: np.ndarray) -> float:
    """The mean F1 of the classes that occur among references or predictions."""
    totals = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float(np.mean(2 * confusion.diagonal()[totals > 0] / totals[totals > 0]))


def expected_calibration_error(references, scores, num_bins: int = 15) -> float:
    """The mean gap between confidence and accuracy, over equal bins of confidence.

    Guo et al. 2017 (arXiv 1706.04599), with their 15 bins. NaN if one of the scores is.

    Args:
        references: (n,) the true classes.
        scores: (n, num_labels) the probabilities given to the classes.

    Raises ValueError for other shapes.
    """
    references, scores = np.asarray(references), np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2 or references.shape != scores.shape[:1]:
        raise ValueError(
            f"references of shape {references.shape} and scores of shape {scores.shape}: must be "
            "(n,) and (n, num_labels)"
        )
    if np.isnan(scores).any():
        return float("nan")
    confidence, correct = scores.max(axis=1), scores.argmax(axis=1) == references
    bins = np.clip(np.ceil(confidence * num_bins).astype(int) - 1, 0, num_bins - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=num_bins)
    return float(np.abs(gaps).sum() / len(scores))


def compute_metrics(prediction: transformers.EvalPrediction) -> dict[str, float]:
    """Accuracy, macro-F1 and calibration error of logits, as Trainer's `compute_metrics`."""
    logits, labels = np.asarray(prediction.predictions), np.asarray(prediction.label_ids)
    confusion = confusion_matrix(labels, logits.argmax(axis=1), logits.shape[1])
    return {
        "accuracy": float(confusion.trace() / confusion.sum()),
        "macro_f1": macro_f1(confusion),
        "expected_calibration_error": expected_calibration_error(labels, softmax(logits, axis=1)),
    }


class _InMemoryMetric(evaluate.Metric):
    """`evaluate.combine` hands the options of one metric to all: hence `**others` in each."""

    _inputs: Mapping[str, Any] = {
        "predictions": datasets.Value("int64"),
        "references": datasets.Value("int64"),
    }

    @property
    def _features(self) -> Any:
        return datasets.Features(self._inputs)

    def __init__(self, config_name: str | None = None, keep_in_memory: bool = True, **kwargs):
        super().__init__(config_name, keep_in_memory=keep_in_memory, **kwargs)

    def _info(self):
        return evaluate.MetricInfo(
            description=type(self).__doc__,
            citation="",
            inputs_description="",
            features=self._features,
        )


class Accuracy(_InMemoryMetric):
    """`accuracy`: the fraction of predictions that are right."""

    def _compute(self, predictions, references, num_labels: int | None = None, **others):
        confusion = confusion_matrix(references, predictions, num_labels)
        return {"accuracy": float(confusion.trace() / confusion.sum())}


class Recall(_InMemoryMetric):
    """`recall_per_class`: the fraction of each class that was found, None without examples."""

    def _compute(self, predictions, references, num_labels: int | None = None, **others):
        confusion = confusion_matrix(references, predictions, num_labels)
        return {"recall_per_class": recall_per_class(confusion)}


class ConfusionMatrix(_InMemoryMetric):
    """`confusion_matrix`: one list per true class, of the counts of predicted classes."""

    def _compute(self, predictions, references, num_labels: int | None = None, **others):
        return {"confusion_matrix": confusion_matrix(references, predictions, num_labels).tolist()}


class MacroF1(_InMemoryMetric):
    """`macro_f1`: the unweighted mean of the classes' F1."""

    def _compute(self, predictions, references, num_labels: int | None = None, **others):
        return {"macro_f1": macro_f1(confusion_matrix(references, predictions, num_labels))}


class CalibrationError(_InMemoryMetric):
    """`expected_calibration_error` of `scores`, the probabilities of all classes."""

    _inputs = {
        "scores": datasets.List(datasets.Value("float32")),
        "references": datasets.Value("int64"),
    }

    def _compute(self, scores, references, num_bins: int = 15, **others):
        return {
            "expected_calibration_error": expected_calibration_error(references, scores, num_bins)
        }


class ExcessError(_InMemoryMetric):
    """How far from the best possible classifier, on generated rows: the fields of `excess_error`.

    `predictions` are labels, probabilities of the ten classes, or, with `logits=True`, logits;
    `references` the labels and `x` the signals, as the data sets hold them. `params` are those that
    the rows were made with, `templates` the digits if they were others, and `given_labels=True`
    says that labels have label noise.

    >>> from mnist1d_hf import CONFIGS, load_dataset, to_numpy
    >>> test = load_dataset("noisy", split="test", posterior=True)
    >>> x, labels = to_numpy(test, "x"), to_numpy(test, "label")
    >>> found = ExcessError().compute(
    ...     predictions=to_numpy(test, "posterior"), references=labels, x=x, params=CONFIGS["noisy"]
    ... )
    >>> found["excess_error"], round(found["kl"], 6)
    (0.0, 0.0)
    """

    @property
    def _features(self) -> list[datasets.Features]:
        number = datasets.Value("float64")
        # labels as floats, too: as integers, fractions would be rounded in silence
        rest = {"references": number, "x": datasets.List(number)}
        kinds = (datasets.List(number), number)
        return [datasets.Features({"predictions": kind, **rest}) for kind in kinds]

    def _compute(
        self,
        predictions,
        references,
        x,
        params: SignalParams | None = None,
        logits: bool = False,
        templates: Templates | None = None,
        given_labels: bool = False,
        **others,
    ):
        if not isinstance(params, SignalParams):
            raise ValueError(
                f"params={params!r}: must be the SignalParams that the rows were made with, such "
                "as CONFIGS['noisy']"
            )
        found = excess_error(
            np.asarray(x),
            whole(np.asarray(references)),
            whole(np.asarray(predictions)),
            params,
            logits=logits,
            templates=templates,
            given_labels=given_labels,
        )
        return found._asdict()


def whole(values: np.ndarray) -> np.ndarray:
    """Numbers (n,) that are all whole as integers, and all else unchanged."""
    return values.astype(np.int64) if values.ndim == 1 and not (values % 1).any() else values


class TimeSeriesClassificationEvaluator(Evaluator):
    """`evaluate.evaluator` for our pipeline: a model, a split and a metric to numbers.

    `strategy="bootstrap"` adds confidence intervals to metrics whose values are numbers.
    """

    PIPELINE_KWARGS = {"top_k": 1}

    def __init__(self, task: str = TASK, default_metric_name: str | None = None):
        super().__init__(task, default_metric_name)

    def compute(
        self,
        model_or_pipeline=None,
        data=None,
        metric=None,
        input_column: str = "x",
        label_column: str = "label",
        tokenizer=None,
        feature_extractor=None,
        device: int | None = None,
        label_mapping: Mapping[str, int] | None = None,
        **kwargs,
    ) -> dict[str, Any]:
        """As `Evaluator.compute`; the metric is `Accuracy` and the columns ours if not given.

        Without `label_mapping`, the labels that the model gives become the numbers that the dataset
        has for these names, or else those of the model's configuration.
        """
        pipe = self.prepare_pipeline(model_or_pipeline, tokenizer, feature_extractor, device)
        if label_mapping is None:
            label_mapping = numbers_of_labels(pipe.model.config.label2id, data, label_column)
        return super().compute(
            model_or_pipeline=pipe,
            data=data,
            metric=Accuracy() if metric is None else metric,  # len(metric) may be 0
            input_column=input_column,
            label_column=label_column,
            label_mapping=label_mapping,
            **kwargs,
        )

    def prepare_pipeline(
        self, model_or_pipeline, tokenizer=None, feature_extractor=None, device=None
    ):
        # the inherited method looks for transformers' TensorFlow classes, which are gone
        if isinstance(model_or_pipeline, transformers.Pipeline):
            return model_or_pipeline
        return transformers.pipeline(
            self.task,
            model=model_or_pipeline,
            feature_extractor=feature_extractor,
            device=self._infer_device() if device is None else device,
        )

    def predictions_processor(self, predictions, label_mapping):
        return {"predictions": [label_mapping[best["label"]] for [best] in predictions]}


def numbers_of_labels(
    label2id: Mapping[str, int], data: Any, label_column: str
) -> Mapping[str, int]:
    """The dataset's own numbers for the names of the model's classes, if it knows all of them."""
    label = (getattr(data, "features", None) or {}).get(label_column)
    names = label.names if isinstance(label, datasets.ClassLabel) else []
    if set(label2id) <= set(names):
        return {name: names.index(name) for name in label2id}
    return label2id


SUPPORTED_EVALUATOR_TASKS[TASK] = {
    "implementation": TimeSeriesClassificationEvaluator,
    "default_metric_name": None,
}
