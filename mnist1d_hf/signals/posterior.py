"""The optimum: exact probabilities and densities of signals, since their generator is known.

No classifier can be right more often than the one that picks the most probable class here, and no
model of the signals can give new ones a higher mean log density. All functions take rows of x as
the data sets hold them, of either stream, in float32 or float64, with the parameters that made
them, and give float64. They need about 0.2 ms a row with the default noise, and 2 ms at
`iid_noise_scale=0.1`.

>>> from mnist1d_hf import SignalParams, class_posterior, make_mnist1d
>>> data = make_mnist1d()
>>> probabilities = class_posterior(data.x_test, SignalParams())
>>> int((probabilities.argmax(axis=1) == data.y_test).sum())
1000
"""

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

# Rows at a time, so that their bounds stay in the processor's cache; fewer of many components.
CHUNK = 64
CHUNK_BOUNDS = 1_000_000
# Normalised rows lie within about 10; beyond this, squares are too large to compare densities.
GREATEST = 1e6

Advance = Callable[[int], object]


@dataclass(frozen=True)
class LatentPosterior:
    """What the generator probably drew for each of n rows; all arrays float64."""

    place: np.ndarray  # (n, number of paddings, max_translation) probabilities that sum to 1
    scale_mean: np.ndarray  # (n,) amplitude of the digit: 1 give or take scale_coeff / 2
    scale_std: np.ndarray  # (n,)
    slope_mean: np.ndarray  # (n,) of the line taken away: 0 give or take shear_scale / 2
    slope_std: np.ndarray  # (n,)


def class_posterior(
    x: np.ndarray,
    params: SignalParams,
    *,
    templates: Templates | None = None,
    given_labels: bool = False,
    advance: Advance | None = None,
) -> np.ndarray:
    """Probability of each class, given a row: (n, 10), or a column for each row of `templates`.

    With `given_labels` they are the probabilities of the label that a training row carries, which
    `label_noise` may have drawn anew. `advance(n)` is called whenever n more rows are done, in sum
    once per row: for a progress bar.

    Raises ValueError when x is no finite (n, final_seq_length) array, and when `iid_noise_scale`
    is too small for a density.
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
    """Log density of each row of x, in nats: (n,), or given each class, (n, 10), if `by_class`.

    It is the density of the normalised row, d = final_seq_length numbers, so that its integral
    over all rows is 1. `templates` and `advance` are as in `class_posterior`.

    Raises ValueError as `class_posterior` does, and when final_seq_length is greater than the
    padded length: such rows fill a subspace, on which alone they have a density.
    """
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
    """Where the digit lies, how large it is and how steep its background, given a row.

    Places are by padding, from the least one, and shift. The classes are weighed by their
    probabilities. `templates` and `advance` are as in `class_posterior`, and so are the errors.
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
    """The frame, the components, and some rows at a time with their raw signals; all checked."""
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


# What a raw signal does not depend on, so that sets that differ in it share their components.
OTHER = "num_samples train_split shuffle_seq seed label_noise validation_size stream".split()
IRRELEVANT: dict[str, Any] = {f.name: f.default for f in fields(SignalParams) if f.name in OTHER}


@lru_cache(maxsize=8)
def digit_components(params: SignalParams) -> Components:
    return components(params, digit_templates())


def check_rows(x: np.ndarray, params: SignalParams) -> np.ndarray:
    rows = np.asarray(x)
    if rows.ndim != 2 or rows.shape[1] != params.final_seq_length:
        raise ValueError(
            f"x has shape {rows.shape}; it must be (n, {params.final_seq_length}), a column for "
            "each position of final_seq_length (a single row: x[None])"
        )
    if rows.dtype.kind not in "fiu":
        raise ValueError(f"x has dtype {rows.dtype}; it must hold real numbers")
    if not (np.abs(rows) <= GREATEST).all():
        row = int(np.argmin((np.abs(rows) <= GREATEST).all(axis=1)))
        raise ValueError(
            f"x[{row}] is not finite or exceeds {GREATEST:.0e}; normalised rows lie within about 10"
        )
    return rows


def check_labels(params: SignalParams, templates: Templates | None) -> None:
    """The frozen stream draws new labels from 0 to 9, whatever the labels of the templates are."""
    if templates is None or params.stream == "counter" or not params.label_noise:
        return
    if sorted(np.asarray(templates.y).tolist()) != list(range(NUM_CLASSES)):
        raise ValueError(
            f"templates.y={templates.y}: the frozen stream draws noisy labels from 0 to 9, so that "
            "given_labels needs templates with these labels; or use stream='counter'"
        )
