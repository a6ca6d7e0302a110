"""Activation functions by name: those of transformers, ELU, and two metalearned on MNIST-1D.

    Mnist1DMLPConfig(hidden_act="mnist1d_learned")

The study metalearn_activation found the function by gradient descent through whole trainings (the
MNIST-1D paper, section "Metalearning an activation function"); this is its seed 0. The numbers
below are copies of `tanh` and `lines` in dataset_card/results/metalearn_activation.json.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.activations import ACT2FN


class LearnedActivation(nn.Module):
    """The metalearned activation: ELU plus six tanh, which follow the network that was learned."""

    offset = 0.0
    units = ((0.0, 1.0, 0.0),)  # height, slope and shift of each tanh

    def forward(self, x: Tensor) -> Tensor:
        y = F.elu(x) + self.offset
        for height, slope, shift in self.units:
            y = y + height * torch.tanh(slope * x + shift)
        return y


class PiecewiseLinearActivation(nn.Module):
    """The closest line with five bends: the metalearned activation without its curves."""

    intercept, slope = 0.0, 1.0
    bends = ((0.0, 0.0),)  # position, and by how much the slope changes there

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
    """The elementwise function called `name`. Raises ValueError for an unknown name."""
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]()
    if name in ACT2FN:
        return ACT2FN[name]
    known = ", ".join([*ACTIVATIONS, *sorted(ACT2FN)])
    raise ValueError(f"hidden_act={name!r}: choose one of {known}")
