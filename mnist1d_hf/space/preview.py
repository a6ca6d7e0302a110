"""Ten signals for a picture: the random numbers stay while the parameters move."""

import numpy as np

from mnist1d_hf.signals.frozen import Draws
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import dilated_table, render, rotations
from mnist1d_hf.signals.templates import templates

COUNT = 10


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


def preview(params: SignalParams, digit: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """One example of each digit, or ten of one: x (10, final_seq_length), y (10,).

    x is not normalised, so that a change of one signal does not scale the others.
    """
    y = np.arange(COUNT) if digit is None else np.full(COUNT, digit)
    x = render(rotations(dilated_table(templates(), params)), y, steady_draws(params), params)
    if params.shuffle_seq:
        x = x[:, np.random.default_rng([params.seed, 1]).permutation(params.final_seq_length)]
    return x, y
