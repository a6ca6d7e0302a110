"""Normalisation and permutation of a dataset, and their inverse."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.counter import prepare
from mnist1d_hf.signals.generate import check_num_samples, raw_frozen_rows
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import check_spread
from mnist1d_hf.signals.templates import Templates
from mnist1d_hf.signals.templates import templates as digit_templates


class Frame(NamedTuple):
    """The map from an unnormalised signal y to a row of x: x = (y[order] - mean) / std."""

    mean: float
    std: float
    order: np.ndarray  # (d,) int64

    def undo(self, x: np.ndarray) -> np.ndarray:
        """The unnormalised signals of rows x (n, d), as float64."""
        y = np.empty(x.shape)
        y[:, self.order] = x
        y *= self.std
        y += self.mean
        return y


def frame(params: SignalParams, templates: Templates | None = None) -> Frame:
    """The frame of the dataset that `params` describe; cached for the ten digits.

    The frozen stream normalises by sample statistics, so that all rows are generated to compute
    them. The counter stream normalises by exact moments. Raises ValueError as `make_mnist1d` does.
    """
    if params.stream == "counter":
        shared = prepare(params, templates)
        return Frame(shared.mean, shared.std, shared.order)
    return frozen_digits_frame(params) if templates is None else frozen_frame(params, templates)


@lru_cache(maxsize=16)
def frozen_digits_frame(params: SignalParams) -> Frame:
    """`frozen_frame` for the ten digits, cached."""
    return frozen_frame(params, digit_templates())


def frozen_frame(params: SignalParams, templates: Templates) -> Frame:
    """Generate all rows of the frozen stream and compute their frame."""
    check_num_samples(params, len(templates.y))
    _, x, _, order = raw_frozen_rows(params, templates)
    mean, std = float(x.mean()), float(x.std())
    check_spread(mean, std**2)
    return Frame(mean, std, order)
