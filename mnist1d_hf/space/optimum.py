"""What is exactly known of a signal: how probable each digit is, and where in it the digit lies."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.posterior import class_posterior, latent_posterior, log_density
from mnist1d_hf.signals.render import dilated_table, resample, rotations
from mnist1d_hf.signals.templates import templates

COMPARED = 200  # test rows that the density of a signal is compared with


class Judgement(NamedTuple):
    """Probabilities, given one signal of d positions."""

    classes: np.ndarray  # (10,) of each digit; they sum to 1
    inside: np.ndarray  # (d,) that a position belongs to the digit and not to its background
    below: float  # nats by which its log density lies below that of the least dense test row


def judge(signal: np.ndarray, params: SignalParams) -> Judgement:
    """The exact judgement of a signal (d,) as a row of the dataset of `params`, not shuffled.

    Raises ValueError as `class_posterior` does.
    """
    rows = signal[None]
    place = latent_posterior(rows, params).place[0]
    inside = np.einsum("ps,psd->d", place, digit_places(params))
    below = least_density(params) - log_density(rows, params)[0]
    return Judgement(class_posterior(rows, params)[0], inside, float(below))


@lru_cache(maxsize=4)
def least_density(params: SignalParams) -> float:
    """The smallest log density among some test rows of the set, in nats."""
    return float(log_density(make_mnist1d(params).x_test[:COMPARED], params).min())


@lru_cache(maxsize=4)
def digit_places(params: SignalParams) -> np.ndarray:
    """The positions that a digit takes: bool (paddings, shifts, final_seq_length), of any digit."""
    windows = rotations(dilated_table(templates(), params))[0, :, : params.max_translation]
    return touched(windows, params)


def touched(windows: np.ndarray, params: SignalParams) -> np.ndarray:
    """Where signals before resampling are not zero, at the resolution of the final ones: bool."""
    return resample((windows != 0).astype(float), params.final_seq_length) > 0
