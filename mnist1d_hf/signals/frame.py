"""How the rows of a set follow from raw signals: its normalisation and its permutation."""

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
    """A row of x from a raw signal y: x = (y[order] - mean) / std."""

    mean: float
    std: float
    order: np.ndarray  # (d,) int64

    def undo(self, x: np.ndarray) -> np.ndarray:
        """The raw signals of rows x (n, d), in float64."""
        y = np.empty(x.shape)
        y[:, self.order] = x
        y *= self.std
        y += self.mean
        return y


def frame(params: SignalParams, templates: Templates | None = None) -> Frame:
    """The frame of the set that `params` describe; kept for the digits, made anew for others.

    The frozen stream normalises a set by its own mean and deviation: all rows are made to find
    them. The counter stream's are known. Raises ValueError as `make_mnist1d` does.
    """
    if params.stream == "counter":
        shared = prepare(params, templates)
        return Frame(shared.mean, shared.std, shared.order)
    return frozen_digits_frame(params) if templates is None else frozen_frame(params, templates)


@lru_cache(maxsize=16)
def frozen_digits_frame(params: SignalParams) -> Frame:
    return frozen_frame(params, digit_templates())


def frozen_frame(params: SignalParams, templates: Templates) -> Frame:
    check_num_samples(params, len(templates.y))
    _, x, _, order = raw_frozen_rows(params, templates)
    mean, std = float(x.mean()), float(x.std())
    check_spread(mean, std**2)
    return Frame(mean, std, order)
