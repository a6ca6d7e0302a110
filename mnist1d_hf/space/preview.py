"""Ten signals for a picture: the random numbers stay while the parameters move."""

from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.frozen import Draws
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import dilated_table, render, rotations
from mnist1d_hf.signals.templates import templates
from mnist1d_hf.space.optimum import touched

COUNT = 10


class Preview(NamedTuple):
    """Ten examples. They are not normalised, so that a change of one does not scale the others."""

    x: np.ndarray  # (10, final_seq_length) float64
    y: np.ndarray  # (10,) int64
    digit: np.ndarray  # (10, final_seq_length) bool: what comes from the digit's template


def steady_draws(params: SignalParams) -> Draws:
    """Random numbers of ten examples, of which a parameter changes no more than it must.

    Those of the dataset come from one stream, where a longer signal or a wider translation
    changes all that follow.
    """
    uniforms, smoothed, independent = np.random.default_rng(params.seed).spawn(3)
    padding, scale, shift, shear = uniforms.random((4, COUNT))
    shape = (params.padded_length, COUNT)
    noise = np.concatenate([smoothed.standard_normal(shape), independent.standard_normal(shape)])
    places = (shift * params.max_translation).astype(np.int64)
    return Draws(padding, scale, places, noise.T, shear)


def preview(params: SignalParams, digit: int | None = None) -> Preview:
    """One example of each digit, or ten of one."""
    y = np.arange(COUNT) if digit is None else np.full(COUNT, digit)
    windows, draws = rotations(dilated_table(templates(), params)), steady_draws(params)
    x = render(windows, y, draws, params)
    padding = (draws.padding * windows.shape[1]).astype(np.int64)
    part = touched(windows[y, padding, draws.shift], params)
    if params.shuffle_seq:
        order = np.random.default_rng([params.seed, 1]).permutation(params.final_seq_length)
        x, part = x[:, order], part[:, order]
    return Preview(x, y, part)
