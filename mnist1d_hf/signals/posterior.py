"""The exact posterior and density of signals, computed from the known generative model.

The most probable class of `class_posterior` is the Bayes-optimal prediction: no classifier has a
higher expected accuracy. No model of the signals has a higher expected `log_density` on new rows.

All functions take rows x (n, final_seq_length) of a dataset of either stream, float32 or float64,
with the parameters that generated the dataset, and return float64. A row takes about 0.2 ms with
the default noise, and 2 ms at `iid_noise_scale=0.1`.

>>> from mnist1d_hf import SignalParams, class_posterior, make_mnist1d
>>> data = make_mnist1d()
>>> probabilities = class_posterior(data.x_test, SignalParams())
>>> int((probabilities.argmax(axis=1) == data.y_test).sum())
1000
"""

import reprlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np

from mnist1d_hf.signals.components import Components, components
from mnist1d_hf.signals.frame import Frame, frame
from mnist1d_hf.signals.mixture import latents, log_joint
from mnist1d_hf.signals.params import NUM_CLASSES, SignalParams
from mnist1d_hf.signals.templates import Templates, check_templates
from mnist1d_hf.signals.templates import templates as digit_templates

# Rows evaluated at a time, so that their bounds fit the processor's cache; the number of bounds
# (rows times components) is limited too.
CHUNK = 64
CHUNK_BOUNDS = 1_000_000
# Normalised rows lie within about 10; beyond this, squares are too large to compare densities.
GREATEST = 1e6

Advance = Callable[[int], object]


@dataclass(frozen=True)
class LatentPosterior:
    """Posterior of the generator's random draws for each of n rows; all arrays are float64."""

    place: np.ndarray  # (n, number of paddings, max_translation) probabilities that sum to 1
    scale_mean: np.ndarray  # (n,) amplitude of the digit, within 1 +- scale_coeff / 2
    scale_std: np.ndarray  # (n,)
    slope_mean: np.ndarray  # (n,) slope of the subtracted line, within +- shear_scale / 2
    slope_std: np.ndarray  # (n,)


def class_posterior(
    x: np.ndarray,
    params: SignalParams,
    *,
    templates: Templates | None = None,
    given_labels: bool = False,
    advance: Advance | None = None,
) -> np.ndarray:
    """Exact probability of each class given a row.

    Args:
        x: rows (n, final_seq_length) of the dataset, float32 or float64.
        params: the parameters that generated the dataset.
        templates: the templates that generated the dataset, if not the ten digits.
        given_labels: whether to return the probabilities of the label that a training row has,
            which `label_noise` may have replaced, instead of those of the digit.
        advance: called as `advance(n)` after n more rows, for a progress bar.

    Returns:
        Probabilities (n, 10) float64 in the order of the labels, or (n, num_classes) in the order
        of the rows of `templates`.

    Raises:
        ValueError: x is not a finite array of this shape, or `iid_noise_scale` is too small for a
            density.

    >>> from mnist1d_hf import SignalParams, class_posterior, make_mnist1d
    >>> data = make_mnist1d()
    >>> class_posterior(data.x_test[:5], SignalParams()).argmax(axis=1) == data.y_test[:5]
    array([ True,  True,  True,  True,  True])
    """
    if given_labels:
        check_labels(params, templates)
    _, parts, raw = prepared(x, params, templates, advance)
    out = np.empty((len(x), parts.shape[0]))
    for rows, y in raw:
        joint = log_joint(parts, y)
        out[rows] = np.exp(joint - log_total(joint)[:, None])
    if given_labels:
        out *= 1 - params.label_noise
        out += params.label_noise / out.shape[1]
    return out


def log_density(
    x: np.ndarray,
    params: SignalParams,
    *,
    templates: Templates | None = None,
    by_class: bool = False,
    advance: Advance | None = None,
) -> np.ndarray:
    """Exact log density of each row, in nats.

    The density is that of the normalised row, a vector of d = final_seq_length numbers.

    Args:
        x, params, templates, advance: as in `class_posterior`.
        by_class: whether to return the log density given each class.

    Returns:
        Log densities (n,) float64, or (n, num_classes) if `by_class`.

    Raises:
        ValueError: as in `class_posterior`, and when final_seq_length exceeds the padded length:
            such rows lie in a subspace and have no density.

    >>> from mnist1d_hf import SignalParams, log_density, make_mnist1d
    >>> data = make_mnist1d()
    >>> log_density(data.x_test[:5], SignalParams(), by_class=True).shape
    (5, 10)
    """
    x = check_rows(x, params)
    if params.final_seq_length > params.padded_length:
        raise ValueError(
            f"final_seq_length={params.final_seq_length}: rows with more positions than the padded "
            f"signal, {params.padded_length}, have no density; class_posterior works"
        )
    where, parts, raw = prepared(x, params, templates, advance)
    num_classes = parts.shape[0]
    out = np.empty((len(x), num_classes) if by_class else len(x))
    for rows, y in raw:
        joint = log_joint(parts, y, by_class=by_class)
        out[rows] = joint + np.log(num_classes) if by_class else log_total(joint)
    out += params.final_seq_length * np.log(where.std)  # of normalised rows, not of raw ones
    return out


def latent_posterior(
    x: np.ndarray,
    params: SignalParams,
    *,
    templates: Templates | None = None,
    advance: Advance | None = None,
) -> LatentPosterior:
    """Exact posterior of a digit's place, amplitude and slope given a row, averaged over classes.

    A place is a pair of padding (counted from the least one) and shift. Arguments and errors are
    those of `class_posterior`.

    >>> from mnist1d_hf import SignalParams, latent_posterior, make_mnist1d
    >>> data = make_mnist1d()
    >>> latent_posterior(data.x_test[:5], SignalParams()).place.shape
    (5, 25, 48)
    """
    _, parts, raw = prepared(x, params, templates, advance)
    place, means = np.empty((len(x), *parts.shape[1:])), np.empty((len(x), 4))
    for rows, y in raw:
        place[rows], means[rows] = latents(parts, y)
    scale, scale_square, slope, slope_square = means.T
    return LatentPosterior(
        place,
        scale,
        np.sqrt(np.maximum(scale_square - scale**2, 0)),
        slope,
        np.sqrt(np.maximum(slope_square - slope**2, 0)),
    )


def log_total(joint: np.ndarray) -> np.ndarray:
    """Log density of each row (n,) from those of its classes (n, num_classes)."""
    top = joint.max(axis=1)
    return top + np.log(np.exp(joint - top[:, None]).sum(axis=1))


def prepared(
    x: np.ndarray, params: SignalParams, templates: Templates | None, advance: Advance | None
) -> tuple[Frame, Components, Iterator[tuple[slice, np.ndarray]]]:
    """The frame, the components, and an iterator of row slices with their unnormalised signals.

    Arguments are checked at once, not when the iterator is first used.
    """
    x = check_rows(x, params)
    custom = None if templates is None else check_templates(templates)
    if custom is None:
        parts = digit_components(replace(params, **IRRELEVANT))
    else:
        parts = components(params, custom)
    where = frame(params, custom)
    size = max(1, min(CHUNK, CHUNK_BOUNDS // len(parts.label)))

    def raw() -> Iterator[tuple[slice, np.ndarray]]:
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            y = where.undo(x[rows])
            yield rows, y if parts.reduction is None else y @ parts.reduction.T
            if advance:
                advance(len(y))

    return where, parts, raw()


# Parameters that do not affect an unnormalised signal: datasets that differ only in them share
# their components.
OTHER = "num_samples train_split shuffle_seq seed label_noise validation_size stream".split()
IRRELEVANT: dict[str, Any] = {f.name: f.default for f in fields(SignalParams) if f.name in OTHER}


@lru_cache(maxsize=8)
def digit_components(params: SignalParams) -> Components:
    """The components for the ten digits, cached."""
    return components(params, digit_templates())


def as_array(x: Any) -> np.ndarray:
    """`x` as an array; also a tensor of torch that needs a gradient or is bfloat16.

    Raises ValueError for masked values and for lists of several lengths.
    """
    if hasattr(x, "detach"):
        x = x.detach().cpu()
        x = x.float() if "bfloat16" in str(x.dtype) else x
    if np.ma.is_masked(x):
        raise ValueError(f"{np.ma.count_masked(x)} values are masked: fill them or drop their rows")
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(f"rows have several lengths, and no array holds them: {error}") from error


def check_rows(x: np.ndarray, params: SignalParams) -> np.ndarray:
    """`x` as an array; ValueError unless it is finite, real and (n, final_seq_length)."""
    if not isinstance(params, SignalParams):
        given = reprlib.repr(params)
        raise ValueError(f"params={given}: must be a SignalParams, for example CONFIGS['noisy']")
    rows = as_array(x)
    if rows.ndim != 2 or rows.shape[1] != params.final_seq_length:
        raise ValueError(
            f"x has shape {rows.shape}; it must be (n, {params.final_seq_length}), a column for "
            "each position of final_seq_length (a single row: x[None])"
        )
    if rows.dtype.kind not in "fiu":
        raise ValueError(f"x has dtype {rows.dtype}; it must hold real numbers")
    if rows.dtype == np.float16:  # to which GREATEST is infinite
        rows = rows.astype(np.float32)
    if not (np.abs(rows) <= GREATEST).all():
        row = int(np.argmin((np.abs(rows) <= GREATEST).all(axis=1)))
        raise ValueError(
            f"x[{row}] is not finite or exceeds {GREATEST:.0e}; normalised rows lie within about 10"
        )
    return rows


def check_labels(params: SignalParams, templates: Templates | None) -> None:
    """ValueError when label noise can give a row a label that the templates do not have.

    The frozen stream redraws labels from 0 to 9, whatever the labels of the templates are.
    """
    if templates is None or params.stream == "counter" or not params.label_noise:
        return
    if sorted(check_templates(templates).y.tolist()) != list(range(NUM_CLASSES)):
        raise ValueError(
            f"templates.y={templates.y}: the frozen stream draws noisy labels from 0 to 9, so that "
            "given_labels needs templates with these labels; or use stream='counter'"
        )
