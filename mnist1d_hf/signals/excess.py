"""How far a classifier is from the best possible one, on rows whose generator is known."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.posterior import as_array, class_posterior
from mnist1d_hf.signals.templates import Templates

# Single precision has no smaller probability: less than this from a model counts as this.
LEAST = float(np.finfo(np.float32).tiny)
# By how much the probabilities of a row may miss 1: half precision has three digits.
ROUNDING = 1e-2


class ExcessError(NamedTuple):
    """A classifier beside the optimum, on n rows; standard errors are those of samples of n rows.

    Accuracies are fractions. `excess_error` is the difference of the two, in percentage points. As
    both see the same rows, its standard error is that of the paired difference.
    """

    accuracy: float
    accuracy_stderr: float  # standard error
    optimum_accuracy: float
    optimum_accuracy_stderr: float
    excess_error: float
    excess_error_stderr: float
    kl: float | None  # mean KL(exact || model) in nats; None where labels were predicted
    kl_stderr: float | None


def excess_error(
    x: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    params: SignalParams,
    *,
    logits: bool = False,
    templates: Templates | None = None,
    advance: Callable[[int], object] | None = None,
) -> ExcessError:
    """Compare predictions of a classifier with those of the best possible one.

    x (n, d) and labels (n,) are rows as the data sets hold them, made with `params`, and
    predictions are (n,) labels or (n, num_classes) probabilities, or with `logits` their logarithms
    give or take a constant a row. Then the divergence from the exact probabilities is found too.
    `templates` and `advance` are as in `class_posterior`.

    Raises ValueError for arrays that do not fit each other, for probabilities that do not sum to 1,
    and as `class_posterior` does.

    >>> from mnist1d_hf import CONFIGS, make_mnist1d
    >>> data = make_mnist1d(CONFIGS["noisy"])
    >>> always_zero = np.zeros(1000, dtype=int)
    >>> found = excess_error(data.x_test, data.y_test, always_zero, CONFIGS["noisy"])
    >>> round(found.accuracy, 2), round(found.optimum_accuracy, 2)
    (0.1, 0.81)
    """
    classes = np.arange(10) if templates is None else np.asarray(templates.y)
    x, true = as_array(x), as_array(labels)
    if true.dtype.kind not in "iu" or true.shape != x.shape[:1] or not len(true):
        raise ValueError(
            f"labels have shape {true.shape} and dtype {true.dtype}, x has shape {x.shape}: must "
            "be an integer for each row, and at least one row"
        )
    log_model, predicted = checked(as_array(predictions), classes, len(true), logits)
    exact = class_posterior(x, params, templates=templates, advance=advance)
    right, best = predicted == true, classes[exact.argmax(axis=1)] == true
    kl = None if log_model is None else divergence(exact, log_model)
    return ExcessError(
        *mean_and_error(right),
        *mean_and_error(best),
        *mean_and_error(100.0 * best - 100.0 * right),
        *((None, None) if kl is None else mean_and_error(kl)),
    )


def checked(
    predictions: np.ndarray, classes: np.ndarray, n: int, logits: bool
) -> tuple[np.ndarray | None, np.ndarray]:
    """Log probabilities (n, num_classes), or None, and labels (n,), of predictions of any kind."""
    shape, kind = predictions.shape, predictions.dtype.kind
    if shape == (n,) and not logits:
        if kind not in "iu":
            raise ValueError(f"predictions have dtype {predictions.dtype}: labels are integers")
        unknown = predictions[~np.isin(predictions, classes)]
        if len(unknown):
            raise ValueError(f"prediction {unknown[0]}: must be one of {classes.tolist()}")
        return None, predictions
    if shape != (n, len(classes)):
        kinds = "logits" if logits else "labels, or probabilities"
        raise ValueError(
            f"predictions have shape {shape}: must be ({n},) labels or "
            f"({n}, {len(classes)}) {kinds}"
            + (", and only the latter with logits=True" if logits else "")
        )
    values = predictions.astype(np.float64) if kind in "fiu" else np.full(shape, np.nan)
    if not np.isfinite(values).all():
        raise ValueError("predictions have values that are no finite numbers")
    if logits:
        values -= values.max(axis=1, keepdims=True)
        values -= np.log(np.exp(values).sum(axis=1, keepdims=True))
    else:
        total = values.sum(axis=1)
        wrong = (values < 0).any(axis=1) | (abs(total - 1) > ROUNDING)
        if wrong.any():
            raise ValueError(
                f"predictions[{wrong.argmax()}]={predictions[wrong.argmax()]}: must be "
                "probabilities that sum to 1; for logits, say logits=True"
            )
        values = np.log(np.maximum(values / total[:, None], LEAST))
    return values, classes[values.argmax(axis=1)]


def divergence(exact: np.ndarray, log_model: np.ndarray) -> np.ndarray:
    """KL(exact || model) of each row, in nats: (n,)."""
    positive = exact > 0
    log_exact = np.log(exact, where=positive, out=np.zeros_like(exact))
    return (exact * (log_exact - log_model)).sum(axis=1)


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """The mean and its standard error; NaN for that of a single value."""
    n = len(values)
    spread = float(values.std(ddof=1)) if n > 1 else float("nan")
    return float(values.mean()), spread / n**0.5
