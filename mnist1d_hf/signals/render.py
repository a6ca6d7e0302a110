"""Rendering of signals from labels and random numbers: the original's eight steps, bit for bit.

The steps are pad, dilate, scale, translate, correlated noise, independent noise, shear and resample
(figure 2 of the paper), computed on whole batches. Nothing here is random.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.frozen import Draws
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.templates import Templates

# Added to the template, so that its zeros count as digit and get no correlated noise.
EPSILON = 1e-8
# Standard deviation, in positions, of the kernel that smooths the correlated noise.
NOISE_SIGMA = 2
# Half-width of the kernel in positions: SciPy truncates it at four standard deviations.
RADIUS = 4 * NOISE_SIGMA


class Grid(NamedTuple):
    """Positions of n equidistant points among L equidistant points of the same interval."""

    left: np.ndarray  # (n,) int64: left neighbour, at most L - 2
    step: np.ndarray  # (n,) from it to the right neighbour
    offset: np.ndarray  # (n,) from it to the point, 0 to step


@lru_cache(maxsize=256)
def grid(length: int, new_length: int) -> Grid:
    """The grid of `new_length` points among `length`; cached, so its arrays must not be written."""
    old, new = np.linspace(0, 1, length), np.linspace(0, 1, new_length)
    left = np.minimum(np.searchsorted(old, new, side="right") - 1, length - 2)
    return Grid(left, old[left + 1] - old[left], new - old[left])


def resample(x: np.ndarray, length: int) -> np.ndarray:
    """Linear interpolation of the last axis at `length` equidistant points: (..., length) float64.

    The floating-point operations are those of `numpy.interp`, applied to all rows at once.
    """
    left, step, offset = grid(x.shape[-1], length)
    start = x[..., left]
    out = x[..., left + 1]
    out -= start
    out /= step
    out *= offset
    out += start
    last = offset == step
    out[..., last] = x[..., -1:]
    return out


def dilated_table(templates: Templates, params: SignalParams) -> np.ndarray:
    """Every digit at every padding, resampled: (num_classes, num_paddings, padded_length).

    These are all dilated signals that exist, so dilation is a table look-up.
    """
    low, high = params.padding
    num_classes, num_points = templates.x.shape
    padded = np.zeros((num_classes, num_points + high))
    padded[:, :num_points] = templates.x + EPSILON
    table = np.empty((num_classes, high - low + 1, params.padded_length))
    for p in range(low, high + 1):
        table[:, p - low] = resample(padded[:, : num_points + p], params.padded_length)
    return table


def rotations(table: np.ndarray) -> np.ndarray:
    """Every signal of `table` rotated right by k positions, at [class, padding, k]; a view."""
    length = table.shape[-1]
    twice = np.concatenate([table, table], axis=-1)
    # a signal rotated right by k is the window of the doubled signal that starts at length - k
    return np.lib.stride_tricks.sliding_window_view(twice, length, axis=-1)[:, :, ::-1]


@cache
def noise_kernel() -> np.ndarray:
    """Weights of `scipy.ndimage.gaussian_filter1d`, which recomputes them in every call."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(np.eye(2 * RADIUS + 1)[RADIUS], NOISE_SIGMA)


def smooth(white: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """`white` filtered by a Gaussian along its last axis, reflected at the borders."""
    from scipy.ndimage import correlate1d  # imported here: it takes longer than the rest

    return correlate1d(white, noise_kernel(), output=out)


def time_axis(templates: Templates, params: SignalParams) -> np.ndarray:
    """Positions of the points of a signal before normalisation: (final_seq_length,) float64.

    `Mnist1DArrays.t` has these positions divided by the standard deviation of the dataset.

    >>> from mnist1d_hf import SignalParams, templates, time_axis
    >>> time_axis(templates(), SignalParams()).shape
    (40,)
    """
    return resample(resample(templates.t, params.padded_length), params.final_seq_length)


def check_spread(mean: float, variance: float) -> None:
    """ValueError for constant data, where normalisation divides by zero or by rounding errors."""
    if not variance > (1e-6 * mean) ** 2:
        raise ValueError(
            f"x is constant (mean {mean:.3g}, variance {variance:.3g}) and cannot be normalised: "
            "raise final_seq_length, max_translation or one of the scales"
        )


def render(
    windows: np.ndarray, classes: np.ndarray, draws: Draws, params: SignalParams
) -> np.ndarray:
    """Signals of `classes` (n,) from `windows` (see `rotations`): (n, final_seq_length) float64.

    The signals are neither normalised nor permuted.
    """
    length = params.padded_length
    padding = (draws.padding * windows.shape[1]).astype(np.int64)
    x = windows[classes, padding, draws.shift]  # (n, length)
    x *= (1 + params.scale_coeff * (draws.scale - 0.5))[:, None]
    term = params.corr_noise_scale * draws.noise[:, :length]
    smooth(term, out=term)
    np.copyto(x, term, where=x == 0)
    x += np.multiply(params.iid_noise_scale, draws.noise[:, length:], out=term)
    slope = params.shear_scale * (draws.shear - 0.5)
    x -= np.multiply(slope[:, None], np.linspace(-0.5, 0.5, length), out=term)
    return resample(x, params.final_seq_length)
