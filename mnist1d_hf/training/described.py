"""Activation functions for `train` of training/unrolled.py, from a description that JSON can hold.

    from_description({"name": "relu"})                      # a known one, or the hand-made copy
    from_description({"meta": [w, b, v, c]})                # a metalearned one, by its weights
    from_description({"intercept": 0, "slope": 1, "knots": [0], "kinks": [-1]})  # a bent line

The study activation_transfer compares them, and its cells hold the descriptions.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import elu, silu, softplus

from mnist1d_hf.training.unrolled import Activation, look_up, plain, tabulate

# the notebook's hand-made copy of its learned activation: up to x, slope, intercept; 0 at each x
HAND_MADE = (
    (-2, 0.15, 0.9),
    (-1, -0.25, 0.1),
    (-0.25, -1.2, -0.85),
    (0.1, -0.5, -0.75),
    (0.6, 0.2, -0.85),
    (np.inf, 1.2, -1.4),
)


def copy_by_hand(x: Tensor) -> Tensor:
    """The notebook's piecewise-linear copy, with its jumps, and 0 where two pieces meet."""
    y, left = torch.zeros_like(x), -np.inf
    for right, slope, intercept in HAND_MADE:
        y = torch.where((x > left) & (x < right), slope * x + intercept, y)
        left = right
    return y


KNOWN = {
    "relu": torch.relu,
    "swish": silu,
    "elu": elu,
    "softplus": softplus,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "copy_by_hand": copy_by_hand,
}


def from_description(function: dict[str, Any]) -> Activation:
    """A function given by its {"name"}, as a network {"meta"}, or as a line with bends."""
    if "meta" in function:
        table = tabulate([torch.tensor(p) for p in function["meta"]])
        return lambda x, step: look_up(table, x)
    if "name" in function:
        return plain(KNOWN[function["name"]])
    bends = list(zip(function["knots"], function["kinks"], strict=True))

    def line(x: Tensor) -> Tensor:
        y = function["intercept"] + function["slope"] * x
        return y + sum(change * torch.relu(x - knot) for knot, change in bends)

    return plain(line)
