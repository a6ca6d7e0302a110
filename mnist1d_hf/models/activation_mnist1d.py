"""Activation functions by name: those of transformers, ELU, and two metalearned on MNIST-1D.

    Mnist1DMLPConfig(hidden_act="mnist1d_learned")

The study metalearn_activation learned the function by gradient descent through whole training runs
(the MNIST-1D paper, section "Metalearning an activation function"); this is its seed 0. The numbers
below are copies of `tanh` and `lines` in dataset_card/results/metalearn_activation.json.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.activations import ACT2FN


class LearnedActivation(nn.Module):
    """The metalearned activation, as ELU plus six tanh units that approximate the learned network.

    Elementwise: a tensor of any shape to one of the same shape.
    """

    offset = 0.0818
    units = (  # height, slope and shift of each tanh
        (0.6727, 0.1347, 0.2661),
        (-0.8191, -0.351, -0.4366),
        (-0.4957, 0.1346, 0.0911),
        (0.1664, -1.762, -0.7749),
        (2.1117, -1.0998, -0.3776),
        (-0.3897, -0.8277, 0.8346),
    )

    def forward(self, x: Tensor) -> Tensor:
        y = F.elu(x) + self.offset
        for height, slope, shift in self.units:
            y = y + height * torch.tanh(slope * x + shift)
        return y


class PiecewiseLinearActivation(nn.Module):
    """The piecewise linear function with five bends that is closest to the metalearned activation.

    Elementwise: a tensor of any shape to one of the same shape.
    """

    intercept, slope = 1.2674, 0.2109
    bends = (  # position, and by how much the slope changes there
        (-1.4925, -0.6999),
        (-0.9332, -0.9413),
        (-0.0756, 0.8942),
        (0.2734, 0.8113),
        (0.6454, 0.8483),
    )

    def forward(self, x: Tensor) -> Tensor:
        y = self.intercept + self.slope * x
        for position, change in self.bends:
            y = y + change * torch.relu(x - position)
        return y


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "mnist1d_learned": LearnedActivation,
    "mnist1d_piecewise": PiecewiseLinearActivation,
    "elu": nn.ELU,  # which transformers does not list
}


def activation(name: str) -> nn.Module:
    """The elementwise function with this name; ValueError for an unknown name."""
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]()
    if name in ACT2FN:
        return ACT2FN[name]
    known = ", ".join([*ACTIVATIONS, *sorted(ACT2FN)])
    raise ValueError(f"hidden_act={name!r}: choose one of {known}")
