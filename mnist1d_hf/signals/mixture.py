"""The exact density of unnormalised signals, summed over the components of the mixture.

Most components contribute nothing to the density of a given signal. Matrix products give upper
bounds for all components at once, and only components near the greatest bound are integrated.
"""

from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.components import Components
from mnist1d_hf.signals.integrals import Integrand, Peak, log_integral, moments, peak

# Components this many nats below the best bound are omitted: together less than 1e-8 of the sum.
WINDOW = 30.0
# Components this many nats below the best bound are integrated with lower precision.
MINOR = 15.0


class Live(NamedTuple):
    """Pairs of a row and a component that contributes to its density."""

    row: np.ndarray  # (pairs,) int64
    component: np.ndarray  # (pairs,) int64
    offset: np.ndarray  # (pairs,) log density less the log integral over the amplitude
    integrand: Integrand
    peak: Peak
    minor: np.ndarray  # (pairs,) bool: far below the best bound
    top: np.ndarray  # greatest bound of each row (n, 1), or of each row and class (n, num_classes)


def log_joint(c: Components, y: np.ndarray, *, by_class: bool = False) -> np.ndarray:
    """Joint log density of each signal y (n, d) and class: (n, num_classes).

    Classes are equally likely. A class with less than 1e-8 of a signal's density may get -inf,
    unless `by_class` is set.
    """
    live = live_pairs(c, y, by_class)
    label = c.label[live.component]
    top = np.broadcast_to(live.top, (len(y), c.shape[0]))
    value = live.offset + log_integral(live.integrand, live.peak, live.minor)
    share = np.exp(value - top[live.row, label])
    total = np.bincount(live.row * c.shape[0] + label, share, top.size)
    with np.errstate(divide="ignore"):
        return np.log(total.reshape(top.shape)) + top


def latents(c: Components, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior of the padding, shift, amplitude and slope of each signal y (n, d).

    Returns the probabilities of the places (n, num_paddings, num_shifts), and the means (n, 4) of
    the amplitude, its square, the slope and its square.
    """
    live = live_pairs(c, y, by_class=False)
    log, *means = moments(live.integrand, live.peak, live.minor)
    rise = c.rise[c.group[live.component]]
    means[2] /= rise
    means[3] /= rise**2
    weight = np.exp(live.offset + log - live.top[live.row, 0])
    weight /= np.bincount(live.row, weight)[live.row]
    shape = (len(y), *c.shape[1:])
    place = live.row, c.padding[live.component], c.shift[live.component]
    flat = np.ravel_multi_index(place, shape)
    places = np.bincount(flat, weight, np.prod(shape)).reshape(shape)
    return places, np.stack([np.bincount(live.row, weight * mean) for mean in means], axis=1)


def live_pairs(c: Components, y: np.ndarray, by_class: bool) -> Live:
    """The pairs that contribute to the density of signals y (n, d), of each class if `by_class`.

    Loose bounds select the pairs and tight bounds check the selection: where the tight bounds are
    much lower, the selection is repeated with a lower threshold.
    """
    owner = c.label * by_class
    shape = len(y), c.shape[0] if by_class else 1
    u, along, distance, bound = bounds(c, y)
    first = np.maximum.reduceat(bound, c.runs, axis=0)  # (runs, n)
    threshold = highest(first, np.arange(len(y)), owner[c.runs, None], shape) - WINDOW
    while True:
        chosen = bound >= (threshold.T[owner] if by_class else threshold.T)
        component, row = np.divmod(np.flatnonzero(chosen), len(y))
        group = c.group[component]
        f = Integrand(
            u=u[component, row],
            length=c.length[component],
            along=along[group, row],
            tilt=c.tilt[component],
            reach=c.reach[group],
            low=c.amplitudes[0],
            high=c.amplitudes[1],
        )
        offset = c.log_weight[group] - distance[group, row] / 2
        best = peak(f)
        tight = offset + best.bound
        top = highest(tight, row, owner[component], shape)
        if (threshold <= top - WINDOW * 2 / 3).all():
            minor = tight < top[row, owner[component]] - MINOR
            return Live(row, component, offset, f, best, minor, top)
        threshold = np.minimum(threshold, top - WINDOW)


def bounds(c: Components, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Projections of signals y (n, d), and an upper bound of the log density of each component.

    Returns u (M, n), ramp y (G, n), |whitening y|^2 (G, n) and the bounds (M, n). A bound is the
    maximum over the amplitudes of exp(s g u - s^2 g^2 / 2), times the maximum of band(s).
    """
    columns = np.ascontiguousarray(y.T)
    d, n = columns.shape
    shifts, (low, high) = c.shape[2], c.amplitudes
    u, along = c.direction @ columns, c.ramp @ columns
    bound, distance = np.empty_like(u), np.empty_like(along)
    for k, part in enumerate(c.masks):
        groups = slice(k * shifts, (k + 1) * shifts)
        white = (c.whitening[groups].reshape(-1, d) @ columns).reshape(-1, d, n)
        np.einsum("gdn,gdn->gn", white, white, out=distance[groups])
        length, tilt = c.length[part, None], c.tilt[part, None].reshape(-1, shifts, 1)
        best, out = np.clip(u[part], low * length, high * length), bound[part]
        np.multiply(best, -0.5, out=out)
        out += u[part]
        out *= best
        by_group, beyond = out.reshape(tilt.shape[:2] + (n,)), best.reshape(tilt.shape[:2] + (n,))
        by_group += c.log_weight[groups, None] - distance[groups] / 2
        # distance of the ramp from the reach, measured from the amplitude 1
        np.subtract(along[groups], tilt, out=beyond)
        np.abs(beyond, out=beyond)
        beyond -= np.abs(tilt) * (high - 1) + c.reach[groups, None]
        np.maximum(beyond, 0, out=beyond)
        beyond *= beyond
        beyond *= 0.5
        by_group -= beyond
    return u, along, distance, bound


def highest(
    values: np.ndarray, row: np.ndarray, owner: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """The maximum of `values` for each pair of row and owner, as an array of `shape`."""
    top = np.full(shape[0] * shape[1], -np.inf)
    np.maximum.at(top, (row * shape[1] + owner).ravel(), values.ravel())
    return top.reshape(shape)
