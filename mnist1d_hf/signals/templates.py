"""The ten digit templates: twelve points each, drawn by hand by the authors (paper, figure 1)."""

from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.params import LARGEST_SCALE

# Heights as drawn by the authors; `templates` standardises them.
DRAWN = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
# Both axes are divided by this, so that a template fits the unit square of the paper's figures.
EXTENT = 6.0


class Templates(NamedTuple):
    """Noise-free patterns, one per class, in the units of a signal before normalisation.

    >>> import numpy as np
    >>> from mnist1d_hf import Templates, make_mnist1d
    >>> two = Templates(x=np.eye(2, 12), t=np.linspace(-1, 1, 12), y=np.array([0, 1]))
    >>> make_mnist1d(templates=two).x_train.shape
    (4000, 40)
    """

    x: np.ndarray  # (num_classes, num_points) float64
    t: np.ndarray  # (num_points,) float64, positions of the points
    y: np.ndarray  # (num_classes,) int64, the label of each row


def templates() -> Templates:
    """The ten digits as the generator uses them: x (10, 12), t (12,), y (10,).

    Each drawn row is standardised (mean 0, standard deviation 1), shifted so that its first value
    is 0, and divided by 6.

    >>> templates().x.shape
    (10, 12)
    """
    x = np.asarray(DRAWN, dtype=np.float64)
    x -= x.mean(axis=1, keepdims=True)
    x /= x.std(axis=1, keepdims=True)
    x -= x[:, :1]
    t = np.linspace(-5, 5, x.shape[1])
    return Templates(x / EXTENT, t / EXTENT, np.arange(len(x)))


def check_templates(custom: Templates) -> Templates:
    """`custom` as arrays of the right dtypes; ValueError for wrong shapes, dtypes or values."""
    if not all(hasattr(custom, name) for name in Templates._fields):
        raise ValueError(
            f"templates are a {type(custom).__name__}: must be Templates(x, t, y), as `templates()`"
        )
    x, t = np.asarray(custom.x, dtype=np.float64), np.asarray(custom.t, dtype=np.float64)
    y = np.asarray(custom.y)
    if x.ndim != 2 or x.shape[0] < 1 or x.shape[1] < 2 or not (abs(x) <= LARGEST_SCALE).all():
        raise ValueError(
            f"templates.x has shape {x.shape}; it must be (num_classes >= 1, num_points >= 2) "
            f"with finite values of at most {LARGEST_SCALE:g}"
        )
    if t.shape != x.shape[1:] or y.shape != x.shape[:1]:
        raise ValueError(
            f"templates.t has shape {t.shape} and templates.y {y.shape}; for templates.x of shape "
            f"{x.shape} they must be {x.shape[1:]} and {x.shape[:1]}"
        )
    if not np.isfinite(t).all():
        raise ValueError("templates.t has values that are not finite")
    if not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"templates.y has dtype {y.dtype}; labels must be integers")
    return Templates(x, t, y.astype(np.int64))
