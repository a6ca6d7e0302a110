import types

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mnist1d.transform import interpolate, transform
from scipy.ndimage import gaussian_filter

from mnist1d_hf.signals.frozen import Draws, frozen_draws, legacy_stream
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import (
    check_spread,
    dilated_table,
    render,
    resample,
    rotations,
    smooth,
    time_axis,
)
from mnist1d_hf.signals.templates import templates

DIGITS = templates()


@given(st.integers(2, 150), st.integers(1, 150), st.integers(0, 99))
@example(length=2, new_length=1, seed=0)
@example(length=12, new_length=12, seed=0)
@example(length=72, new_length=144, seed=0)
@settings(max_examples=200)
def test_resample_has_the_bits_of_the_original(length, new_length, seed):
    x = np.random.RandomState(seed).randn(3, length)
    ours = resample(x, new_length)
    for row, reference in zip(ours, x, strict=True):
        np.testing.assert_array_equal(row, interpolate(reference, new_length), strict=True)


def test_a_rotation_is_numpys_roll():
    table = np.arange(24.0).reshape(2, 3, 4)
    windows = rotations(table)
    for k in range(4):
        np.testing.assert_array_equal(windows[:, :, k], np.roll(table, k, axis=-1))


def test_smooth_filters_rows_alone():
    white = np.random.RandomState(0).randn(3, 20)
    for row, reference in zip(smooth(white), white, strict=True):
        np.testing.assert_array_equal(row, gaussian_filter(reference, 2))


def test_the_dilated_table_holds_every_padded_digit():
    params = SignalParams(padding=(3, 5), template_len=9, max_translation=1)
    table = dilated_table(DIGITS, params)
    assert table.shape == (10, 3, 14)
    padded = np.concatenate([DIGITS.x[7] + 1e-8, np.zeros(4)])
    np.testing.assert_array_equal(
        table[7, 1], np.interp(np.linspace(0, 1, 14), np.linspace(0, 1, 16), padded)
    )


@pytest.mark.parametrize("final_seq_length", [1, 2, 40, 144])
def test_render_has_the_bits_of_the_original_transform(final_seq_length):
    params = SignalParams(final_seq_length=final_seq_length)
    args = types.SimpleNamespace(**vars(params))
    draws = frozen_draws(legacy_stream(5), 10, params)
    ours = render(rotations(dilated_table(DIGITS, params)), DIGITS.y, draws, params)
    state = np.random.get_state()
    try:
        np.random.seed(5)
        for digit in DIGITS.y:
            x, t = transform(DIGITS.x[digit], DIGITS.t, args)
            np.testing.assert_array_equal(ours[digit], x, strict=True)
            np.testing.assert_array_equal(time_axis(DIGITS, params), t, strict=True)
    finally:
        np.random.set_state(state)


def test_without_randomness_a_signal_is_its_resampled_template():
    params = SignalParams(padding=(0, 0), template_len=12, max_translation=1, final_seq_length=12)
    n, middle = 10, np.full(10, 0.5)  # the middle of the scales and slopes: no scaling, no shear
    draws = Draws(np.zeros(n), middle, np.zeros(n, np.int64), np.zeros((n, 24)), middle)
    x = render(rotations(dilated_table(DIGITS, params)), DIGITS.y, draws, params)
    np.testing.assert_allclose(x, DIGITS.x + 1e-8, rtol=0, atol=1e-15)


@pytest.mark.parametrize("variance", [0.0, -1e-20, 1e-13, np.nan])
def test_constant_data_are_refused(variance):
    check_spread(0.5, 1e-12)
    with pytest.raises(ValueError, match="x is constant .* raise final_seq_length"):
        check_spread(0.5, variance)
