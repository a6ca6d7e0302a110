"""What was drawn for each row is what makes the row again."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist1d_hf import SignalParams, latent_posterior, latents_of, make_mnist1d
from mnist1d_hf.signals.counter import BLOCK, TEST_START
from mnist1d_hf.signals.frame import frame
from mnist1d_hf.signals.latents import Latents
from mnist1d_hf.signals.render import resample
from mnist1d_hf.signals.templates import Templates, templates

CLEAN = SignalParams(num_samples=120, corr_noise_scale=0, iid_noise_scale=0, seed=3)
COUNTER = SignalParams(stream="counter", num_samples=5000, seed=3)


def rendered(latents: Latents, labels: np.ndarray, params: SignalParams) -> np.ndarray:
    """Normalised rows without noise, step by step as the words of `Latents` say."""
    digits = templates()
    raw = []
    for padding, shift, scale, slope, label in zip(*latents, labels, strict=True):
        template = digits.x[list(digits.y).index(label)]
        padded = np.concatenate([template + 1e-8, np.zeros(padding)])
        digit = scale * np.roll(resample(padded, params.padded_length), shift)
        line = slope * np.linspace(0.5, -0.5, params.padded_length)
        raw.append(resample(digit + line, params.final_seq_length))
    where = frame(params)
    return ((np.array(raw) - where.mean) / where.std)[:, where.order]


@pytest.mark.parametrize("stream, exact", [("frozen", 1e-12), ("counter", 2e-5)])
@pytest.mark.parametrize("shuffle_seq", [False, True])
def test_rows_without_noise_follow_from_their_latents(stream, exact, shuffle_seq):
    params = replace(CLEAN, stream=stream, shuffle_seq=shuffle_seq)
    data = make_mnist1d(params)
    start, stop = (TEST_START, TEST_START + 24) if stream == "counter" else (96, None)
    for rows, x, y in [
        ((0, 96), data.x_train, data.y_train),
        ((start, stop), data.x_test, data.y_test),
    ]:
        again = rendered(latents_of(params, *rows), y, params)
        np.testing.assert_allclose(x, again, rtol=0, atol=exact)


@pytest.mark.parametrize("stream", ["frozen", "counter"])
def test_the_posterior_of_the_latents_finds_them(stream):
    params = SignalParams(stream=stream, num_samples=400, train_split=1.0)
    drawn = latents_of(params, 0, 400)
    found = latent_posterior(make_mnist1d(params).x_train, params)
    rows = np.arange(400)
    place = found.place[rows, drawn.padding - params.padding[0], drawn.shift]
    assert place.mean() > 20 / found.place[0].size, "no better than chance"
    for name in ("scale", "slope"):
        mean, std = getattr(found, f"{name}_mean"), getattr(found, f"{name}_std")
        z = (getattr(drawn, name) - mean) / std
        assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / 400), name
        assert abs(z.mean()) < 4 / np.sqrt(400), name


@given(st.lists(st.integers(0, 3 * BLOCK), min_size=2, max_size=4), st.booleans())
@settings(max_examples=25, deadline=None)
def test_parts_of_the_counter_stream_are_those_of_the_whole(cuts, test):
    cuts.sort()
    offset = TEST_START if test else 0
    whole = latents_of(COUNTER, offset, offset + 3 * BLOCK)
    for start, stop in zip(cuts, cuts[1:], strict=False):
        part = latents_of(COUNTER, offset + start, offset + stop)
        for values, all_values in zip(part, whole, strict=True):
            np.testing.assert_array_equal(values, all_values[start:stop], strict=True)


@pytest.mark.parametrize("stream, real", [("frozen", np.float64), ("counter", np.float32)])
def test_types_ranges_and_progress(stream, real):
    params = SignalParams(stream=stream, num_samples=5500, max_translation=10, padding=(5, 9))
    done = []
    drawn = latents_of(params, 0, 5500, advance=done.append)
    assert sum(done) == 5500
    assert [values.dtype for values in drawn] == [np.int32, np.int32, real, real]
    assert set(drawn.padding) == set(range(5, 10)) and set(drawn.shift) == set(range(10))
    assert 0.8 <= drawn.scale.min() < 0.81 < 1.19 < drawn.scale.max() <= 1.2
    assert -0.375 <= drawn.slope.min() < -0.37 < 0.37 < drawn.slope.max() <= 0.375


def test_of_the_templates_only_the_number_matters():
    three = Templates(x=np.ones((3, 12)), t=np.arange(12.0), y=np.arange(3))
    assert len(latents_of(SignalParams(num_samples=50), templates=three).shift) == 48
    alone = latents_of(COUNTER, 5, 8, templates=three)
    np.testing.assert_array_equal(alone.shift, latents_of(COUNTER, 5, 8).shift)


@pytest.mark.parametrize(
    "params, rows, message",
    [
        (COUNTER, (0,), "stop=None: the counter stream has no last row"),
        (COUNTER, (5, 4), "stop=4: must be an integer from 5"),
        (SignalParams(num_samples=50), (0, 51), "stop=51: must be an integer from 0 to 50"),
        (SignalParams(num_samples=50), (-1,), "start=-1: must be an integer from 0 to 50"),
        ({"seed": 1}, (), "must be a SignalParams"),
    ],
)
def test_ranges_that_do_not_exist_are_refused(params, rows, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        latents_of(params, *rows)
