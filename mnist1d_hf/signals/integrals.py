"""The integral over a signal's amplitude, by Gauss-Legendre quadrature.

The integrand is exp(s g u - s^2 g^2 / 2) band(s), where band(s) is the probability that a standard
normal number lies within `reach` of a(s) = along - s tilt; see `components`. Its logarithm is
concave, so that almost all of the integral lies around one peak. `scipy.integrate.quad_vec` shares
one set of nodes among all integrands; here each integrand has an interval around its own peak, and
the number of nodes follows from the length of that interval.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

SQRT_2PI = np.sqrt(2 * np.pi)
# Standard deviations around the peak to integrate; less than 1e-11 of the integral lies beyond.
SPAN = 7.0
# With the peak at an end of the interval, the integrand may fall exponentially. DECAY: nats below
# the peak at which to stop; less than 1e-9 of the integral lies beyond. DECAY_SPAN: the standard
# deviations that need as many nodes as one nat.
DECAY, DECAY_SPAN = 27.0, 0.27
# Number of nodes, and the longest interval, in standard deviations, on which the relative error of
# their rule is less than 1e-9; longer intervals get nodes in proportion.
RULES = {6: 1.2, 8: 2.5, 10: 4.0, 12: 5.5, 16: 8.0, 20: 10.5, 24: 13.0, 32: 18.0, 64: 37.0}
MOST_NODES = 1024
# The rule of an interval this much shorter still has a relative error of less than 1e-4.
MINOR_SPAN = 2.8
# Ways to compute the band: from both ends of the reach, from the near end, or as a logarithm.
SIDES = BOTH, ONE, LOGARITHM = 0, 1, 2
# With the far end beyond this, its tail is less than 1e-4 (minor) or 2e-9 of the band.
ONE_SIDED = (4.3, 6.4)
# Farther than this from the reach, in standard deviations, probabilities are too small for floats.
FAR = 25.0
# Nodes evaluated at a time: their arrays fit the processor's cache.
SLICE = 16_000


class Integrand(NamedTuple):
    """k integrands with their own coefficients and a common interval of s."""

    u: np.ndarray  # (k,)
    length: np.ndarray  # (k,) g in the integrand
    along: np.ndarray  # (k,)
    tilt: np.ndarray  # (k,)
    reach: np.ndarray  # (k,)
    low: float
    high: float


class Peak(NamedTuple):
    """Maximum of an upper bound of each integrand, in which a normal tail replaces band(s)."""

    s: np.ndarray  # (k,)
    distance: np.ndarray  # (k,) of a(s) from the reach; 0 within it
    bound: np.ndarray  # (k,) upper bound of the integrand's logarithm
    steepness: np.ndarray  # (k,) |derivative| of the log bound; 0 inside the interval


def peak(f: Integrand) -> Peak:
    """Maximum of the concave function s g u - s^2 g^2 / 2 - distance(s)^2 / 2, in closed form."""
    square = f.length**2
    with np.errstate(divide="ignore", invalid="ignore"):
        s = np.where(f.length > 0, f.u / f.length, (f.low + f.high) / 2)
    np.clip(s, f.low, f.high, out=s)
    a = f.along - s * f.tilt
    outside = (np.abs(a) > f.reach) & (f.tilt != 0)
    edge = f.along - np.copysign(f.reach, a)
    curvature = np.where(outside, square + f.tilt**2, 1)
    s = np.where(outside, (f.u * f.length + f.tilt * edge) / curvature, s)
    np.clip(s, f.low, f.high, out=s)
    a = f.along - s * f.tilt
    distance = np.maximum(np.abs(a) - f.reach, 0)
    bound = s * (f.length * f.u - square * s / 2) - distance**2 / 2
    slope = f.length * f.u - square * s + np.copysign(distance, a) * f.tilt
    at_end = (s == f.low) | (s == f.high)
    return Peak(s, distance, bound, np.where(at_end, np.abs(slope), 0))


def log_integral(f: Integrand, top: Peak, minor: np.ndarray) -> np.ndarray:
    """Log of each integrand's mean over the interval (k,); to 1e-4 where `minor` (k,) is set."""
    out = np.empty(len(f.u))
    for part, _, _, weight in nodes(f, top, minor):
        out[part] = weight.sum(axis=0)
    return np.log(out) + top.bound


def moments(f: Integrand, top: Peak, minor: np.ndarray) -> np.ndarray:
    """Log mean of each integrand, and the means of s, s^2, v and v^2 weighted by it: (5, k).

    v = x - a(s) is the slope in standard deviations, where x is the normal number within `reach`
    of a(s).
    """
    out = np.empty((5, len(f.u)))
    for part, s, a, weight in nodes(f, top, minor):
        total = weight.sum(axis=0)
        out[0, part] = np.log(total) + top.bound[part]
        weight /= total
        size, reach = np.abs(a), f.reach[part]
        log = log_band(size, reach)
        near, far = (np.exp(-((size + r) ** 2) / 2 - log) / SQRT_2PI for r in (-reach, reach))
        v = np.clip(np.copysign(near - far, a) - a, -reach, reach)
        v_square = np.clip(1 - reach * (near + far) - a * v, v * v, reach**2)
        means = s, s * s, v, v_square
        for row, values in enumerate(means, start=1):
            out[row, part] = (weight * values).sum(axis=0)
    return out


def nodes(f: Integrand, top: Peak, minor: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Groups of integrands (k,) with s, a(s) and weights at their nodes, each (n, k).

    The weights of an integrand sum to its integral divided by exp(bound), so that they neither
    overflow nor underflow.
    """
    low, high, spans = ends(f, top)
    half, middle = (high - low) / 2, (high + low) / 2
    width = f.high - f.low
    share = half / width if width > 0 else np.full_like(half, 0.5)
    rule = rules(spans - MINOR_SPAN * minor)
    # log(s g u - s^2 g^2 / 2) as a polynomial in the distance from the peak
    slope, curvature = f.length * (f.u - f.length * top.s), f.length**2 / 2
    least = np.maximum(np.abs(f.along - middle * f.tilt) - half * np.abs(f.tilt), 0)
    enough = np.where(minor, *ONE_SIDED)  # a narrow reach needs both ends at any distance
    one = (f.reach + least > enough) & (4 * f.reach * np.maximum(least, f.reach) > enough**2)
    side = np.where(one, ONE, BOTH)
    side[top.distance > FAR] = LOGARITHM
    case = len(SIDES) * rule + side
    for number in np.unique(case).tolist():
        n, kind = divmod(number, len(SIDES))
        chosen = np.flatnonzero(case == number)
        node, weight = legendre(n)
        step = max(1, SLICE // n)
        for start in range(0, len(chosen), step):
            k = chosen[start : start + step]
            s = node[:, None] * half[k]
            s += middle[k]
            a = s * -f.tilt[k]
            a += f.along[k]
            t = s - top.s[k]
            log = t * -curvature[k]
            log += slope[k]
            log *= t
            log += top.distance[k] ** 2 / 2
            value = weigh(log, np.abs(a), f.reach[k], kind)
            value *= weight[:, None] * share[k]
            yield k, s, a, value


def weigh(log: np.ndarray, size: np.ndarray, reach: np.ndarray, side: int) -> np.ndarray:
    """exp(log) times the probability that a normal number lies within `reach` of `size` >= 0."""
    from scipy.special import ndtr  # imported here: it takes longer than the rest of the package

    if side == LOGARITHM:
        return np.exp(log + log_band(size, reach))
    out = ndtr(reach - size)
    if side == BOTH:
        out -= ndtr(-reach - size)
    out *= np.exp(log, out=log)
    return out


def ends(f: Integrand, top: Peak) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ends of the part of the interval to integrate, and its length in the unit of `RULES`."""
    with np.errstate(divide="ignore"):
        around = np.minimum(SPAN / f.length, DECAY / top.steepness)
        # not much farther from the reach than at the peak
        limit = f.reach + top.distance + SPAN
        first, second = (f.along - limit) / f.tilt, (f.along + limit) / f.tilt
    low = np.maximum(np.maximum(f.low, top.s - around), np.minimum(first, second))
    high = np.minimum(np.minimum(f.high, top.s + around), np.maximum(first, second))
    scale = np.maximum(np.hypot(f.length, f.tilt), DECAY_SPAN * top.steepness)
    return low, high, (high - low) * scale


def rules(spans: np.ndarray) -> np.ndarray:
    """Number of nodes for each interval length `spans` (k,), in standard deviations: (k,) int64."""
    counts, longest = np.array([*RULES]), np.array([*RULES.values()])
    doublings = np.ceil(np.log2(np.maximum(spans / longest[-1], 1)))
    more = np.minimum(counts[-1] * 2**doublings, MOST_NODES).astype(np.int64)
    place = np.searchsorted(longest, spans)
    return np.where(place < len(counts), counts[np.minimum(place, len(counts) - 1)], more)


@cache
def legendre(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss-Legendre quadrature on [-1, 1], cached."""
    return np.polynomial.legendre.leggauss(n)


def log_band(size: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Log probability that a standard normal number lies within `reach` of `size` >= 0."""
    from scipy.special import log_ndtr

    upper, lower = log_ndtr(reach - size), log_ndtr(-reach - size)
    return upper + np.log1p(-np.exp(lower - upper))
