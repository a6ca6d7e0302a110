"""How far a classifier is from the best possible one, on rows whose generator is known."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import pdtr, pdtrc

from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.posterior import as_array, class_posterior
from mnist1d_hf.signals.templates import Templates, check_templates

# Single precision has no smaller probability: less than this from a model counts as this.
LEAST = float(np.finfo(np.float32).tiny)
# By how much the probabilities of a row may miss 1: half precision has three digits.
ROUNDING = 1e-2
# Errors of the optimum whose number has a smaller chance than this come from other parameters.
CHANCE = 1e-6


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
    given_labels: bool = False,
    advance: Callable[[int], object] | None = None,
) -> ExcessError:
    """Compare predictions of a classifier with those of the best possible one.

    x (n, d) and labels (n,) are rows as the data sets hold them, made with `params`, and
    predictions are (n,) labels or (n, num_classes) probabilities, or with `logits` their logarithms
    give or take a constant a row. Then the divergence from the exact probabilities is found too.
    `templates`, `given_labels` and `advance` are as in `class_posterior`: training rows with label
    noise need `given_labels=True`.

    Raises ValueError for arrays that do not fit each other, for labels that are no class, for
    probabilities that do not sum to 1, and as `class_posterior` does. Warns (UserWarning) where the
    optimum makes a number of errors that it would not make on rows of `params`.

    >>> from mnist1d_hf import CONFIGS, make_mnist1d
    >>> data = make_mnist1d(CONFIGS["noisy"])
    >>> always_zero = np.zeros(1000, dtype=int)
    >>> found = excess_error(data.x_test, data.y_test, always_zero, CONFIGS["noisy"])
    >>> round(found.accuracy, 2), round(found.optimum_accuracy, 2)
    (0.1, 0.81)
    """
    classes = np.arange(10) if templates is None else check_templates(templates).y
    x, true = as_array(x), as_array(labels)
    if true.dtype.kind not in "iu" or true.shape != x.shape[:1] or not len(true):
        raise ValueError(
            f"labels have shape {true.shape} and dtype {true.dtype}, x has shape {x.shape}: must "
            "be an integer for each row, and at least one row"
        )
    check_known("label", true, classes)
    log_model, predicted = checked(as_array(predictions), classes, len(true), logits)
    exact = class_posterior(
        x, params, templates=templates, given_labels=given_labels, advance=advance
    )
    answers = classes[exact.argmax(axis=1)]
    right, best = predicted == true, answers == true
    warn_of_other_rows(best, (exact * (classes == answers[:, None])).sum(axis=1))
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
        check_known("prediction", predictions, classes)
        return None, predictions
    if shape != (n, len(classes)):
        many = f"({n}, {len(classes)})"
        allowed = f"{many} logits" if logits else f"({n},) labels or {many} probabilities"
        raise ValueError(f"predictions have shape {shape}: must be {allowed}")
    values = predictions.astype(np.float64) if kind in "fiu" else np.full(shape, np.nan)
    if not (np.isfinite(values) | (logits & np.isneginf(values))).all():
        raise ValueError("predictions have values that are no finite numbers")
    if logits:
        top = values.max(axis=1, keepdims=True)
        if not np.isfinite(top).all():
            raise ValueError("predictions have a row of logits without a finite number")
        values -= top
        values -= np.log(np.exp(values).sum(axis=1, keepdims=True))
        values = np.maximum(values, np.log(LEAST))
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


def check_known(what: str, given: np.ndarray, classes: np.ndarray) -> None:
    """ValueError where an answer is no class."""
    unknown = given[~np.isin(given, classes)]
    if len(unknown):
        raise ValueError(f"{what} {unknown[0]}: must be one of {classes.tolist()}")


def warn_of_other_rows(best: np.ndarray, chance: np.ndarray) -> None:
    """Warn where the optimum errs more or less often than by its own chances of being right.

    A Poisson distribution has longer tails than this sum of independent errors.
    """
    found, expected = int((~best).sum()), float((1 - chance).sum())
    if min(pdtr(found, expected), pdtrc(found - 1, expected) if found else 1) < CHANCE:
        warnings.warn(
            f"the optimum of these params makes {found} errors on {len(best)} rows, and expects "
            f"{expected:.1f}: the rows were made with other params, were changed, were selected by "
            "their label, or have label noise, which given_labels=True takes into account",
            stacklevel=3,
        )


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
