"""The integral over the amplitude against adaptive quadrature, in the corners too."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import log_ndtr

from mnist1d_hf.signals.integrals import Integrand, log_integral, moments, peak

LOW, HIGH = 0.8, 1.2


def log_integrand(s, u, length, along, tilt, reach):
    size = abs(along - s * tilt)
    upper, lower = log_ndtr(reach - size), log_ndtr(-reach - size)
    return s * length * u - (s * length) ** 2 / 2 + upper + np.log1p(-np.exp(lower - upper))


def cases():
    rng = np.random.default_rng(3)
    n = 150
    length = 10 ** rng.uniform(-1, 2.5, n) * (rng.random(n) < 0.9)
    tilt = rng.standard_normal(n) * 10 ** rng.uniform(-1, 2, n) * (rng.random(n) < 0.9)
    reach = 10 ** rng.uniform(-4, 1.5, n)
    near = rng.uniform(0.7, 1.3, n)  # amplitudes that the signal speaks for, with and without slope
    u = length * near + rng.standard_normal(n)
    along = near * tilt + reach * rng.uniform(-1.5, 1.5, n) + 3 * rng.standard_normal(n)
    along[:20] += 60 * np.sign(along[:20])  # out of the reach of floats
    return u, length, along, tilt, reach


@pytest.fixture(scope="module")
def integrand():
    return Integrand(*cases(), LOW, HIGH)


@pytest.fixture(scope="module")
def expected(integrand):
    """Log mean, and means of s and s^2, of each integrand: (3, k)."""
    out = np.empty((3, len(integrand.u)))
    top = peak(integrand)
    for k, values in enumerate(zip(*integrand[:5], strict=True)):
        grid = np.linspace(LOW, HIGH, 2001)
        shift = log_integrand(grid, *values).max()
        points = np.unique(np.clip(top.s[k] + np.array([-0.02, 0, 0.02]), LOW, HIGH))

        def mean(power, values=values, shift=shift, points=points):
            def value(s):
                return s**power * np.exp(log_integrand(s, *values) - shift)

            return quad(value, LOW, HIGH, points=points, limit=500, epsrel=1e-11)[0]

        total = mean(0)
        out[:, k] = np.log(total / (HIGH - LOW)) + shift, mean(1) / total, mean(2) / total
    return out


def test_the_integral_is_exact(integrand, expected):
    top = peak(integrand)
    major = np.zeros(len(integrand.u), dtype=bool)
    np.testing.assert_allclose(log_integral(integrand, top, major), expected[0], atol=2e-8)
    np.testing.assert_allclose(log_integral(integrand, top, ~major), expected[0], atol=2e-4)


def test_the_bound_is_one_and_the_peak_is_its_place(integrand, expected):
    top = peak(integrand)
    assert (expected[0] <= top.bound + 1e-9).all()
    for s in np.linspace(LOW, HIGH, 41):
        size = np.abs(integrand.along - s * integrand.tilt)
        distance = np.maximum(size - integrand.reach, 0)
        g = integrand.length
        bound = s * g * integrand.u - (s * g) ** 2 / 2 - distance**2 / 2
        assert (bound <= top.bound + 1e-7 * (1 + np.abs(top.bound))).all()


def test_the_moments_are_exact(integrand, expected):
    log, s, s_square, v, v_square = moments(
        integrand, peak(integrand), np.zeros(len(integrand.u), dtype=bool)
    )
    np.testing.assert_allclose(log, expected[0], atol=2e-8)
    np.testing.assert_allclose(s, expected[1], rtol=1e-8)
    np.testing.assert_allclose(s_square, expected[2], rtol=1e-8)
    assert (np.abs(v) <= integrand.reach * (1 + 1e-6)).all()
    assert (v_square <= integrand.reach**2 * (1 + 1e-4)).all()


def test_the_slope_is_a_normal_number_cut_off():
    """Without tilt the slope's moments are those of one truncated normal distribution."""
    from scipy.stats import truncnorm

    along = np.array([-7.0, -1.0, 0.0, 0.5, 3.0, 30.0])
    none = np.zeros(6)
    f = Integrand(none, none, along, none, np.full(6, 2.0), LOW, HIGH)
    _, _, _, v, v_square = moments(f, peak(f), none > 0)
    # v = x - along with x standard normal and |v| <= 2: normal around -along, cut off at -2 and 2
    expected = truncnorm(-2 + along, 2 + along, loc=-along)
    np.testing.assert_allclose(v, expected.mean(), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(v_square, expected.var() + expected.mean() ** 2, rtol=1e-6)
