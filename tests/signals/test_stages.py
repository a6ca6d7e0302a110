"""The steps of the transformation are those of the generator itself."""

import numpy as np
import pytest

from mnist1d_hf.signals.frozen import frozen_draws, legacy_stream
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import dilated_table, render, rotations
from mnist1d_hf.signals.stages import STEPS, stages
from mnist1d_hf.signals.templates import templates

SETTINGS = [
    SignalParams(),
    SignalParams(seed=7, final_seq_length=100, padding=(0, 20), max_translation=5),
    SignalParams(corr_noise_scale=0, iid_noise_scale=0, shear_scale=0, scale_coeff=0),
]


def example(params, n=20):
    return np.arange(n) % 10, frozen_draws(legacy_stream(params.seed), n, params)


@pytest.mark.parametrize("params", SETTINGS)
@pytest.mark.parametrize("shares", [(1.0,), (0.0, 0.4, 1.0)])
def test_the_last_stage_is_the_generator_s_signal(params, shares):
    classes, draws = example(params)
    windows = rotations(dilated_table(templates(), params))
    *_, last = stages(classes, draws, params, shares=shares)
    assert last.step == "resample"
    assert np.array_equal(last.x, render(windows, classes, draws, params))


@pytest.mark.parametrize("shares", [(0.5,), ()])
def test_shares_end_with_the_whole_effect(shares):
    with pytest.raises(ValueError, match="the last one must be 1"):
        next(stages(*example(SignalParams()), SignalParams(), shares=shares))


def test_every_step_does_what_its_name_says():
    params = SignalParams()
    classes, draws = example(params)
    found = stages(classes, draws, params)
    x = {stage.step: stage.x for stage in found}
    assert tuple(x) == STEPS
    length = params.padded_length
    assert [a.shape for a in x.values()] == [(20, length)] * 7 + [(20, params.final_seq_length)]
    np.testing.assert_allclose(x["pad"][:, :12], templates().x[classes], atol=1e-7)
    assert not x["pad"][:, 12:].any()
    widths = [(x[step] != 0).sum(axis=1) for step in ("pad", "dilate")]
    assert (widths[1] >= widths[0]).all() and widths[1].mean() > widths[0].mean() + 2
    scale = 1 + params.scale_coeff * (draws.scale - 0.5)
    np.testing.assert_array_equal(x["scale"], x["dilate"] * scale[:, None])
    for before, after, shift in zip(x["scale"], x["translate"], draws.shift, strict=True):
        np.testing.assert_array_equal(after, np.roll(before, shift))
    digit = x["translate"] != 0
    np.testing.assert_array_equal(x["correlated noise"][digit], x["translate"][digit])
    assert 0.05 < x["correlated noise"][~digit].std() < 0.15
    noise = x["independent noise"] - x["correlated noise"]
    np.testing.assert_allclose(noise, params.iid_noise_scale * draws.noise[:, length:], atol=1e-12)
    line = x["independent noise"] - x["shear"]
    np.testing.assert_allclose(np.diff(line, n=2), 0, atol=1e-12)


def test_shares_are_a_film_from_the_step_before():
    params = SignalParams()
    classes, draws = example(params)
    film = list(stages(classes, draws, params, shares=(0.0, 0.5, 1.0)))
    cuts = list(stages(classes, draws, params))
    assert [stage.step for stage in film[::3]] == list(STEPS)
    for i in range(8):
        np.testing.assert_array_equal(film[3 * i + 2].x, cuts[i].x)
        if i:
            np.testing.assert_array_equal(film[3 * i].x, cuts[i - 1].x)
    middle = (film[-6].x + film[-4].x) / 2  # shear is linear in its share
    np.testing.assert_allclose(film[-5].x, middle, atol=1e-12)
