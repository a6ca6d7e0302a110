"""Activation functions from descriptions."""

import numpy as np
import pytest
import torch

from mnist1d_hf.studies.metalearn_activation import sample, search_draws
from mnist1d_hf.training.described import copy_by_hand, from_description


def test_descriptions_of_functions_are_understood():
    x = torch.linspace(-3, 3, 13)
    value, slope = from_description({"name": "swish"})(x, 0)
    assert torch.allclose(value, x * torch.sigmoid(x))
    leaky = {"intercept": 0.0, "slope": 0.1, "knots": [0.0], "kinks": [0.9]}
    value, slope = from_description(leaky)(x, 0)
    assert torch.allclose(value, torch.nn.functional.leaky_relu(x, 0.1), atol=1e-6)
    assert slope[0] == pytest.approx(0.1) and slope[-1] == pytest.approx(1)
    meta = [p.tolist() for p in search_draws(0, 2, 4, 10).meta]
    value, _ = from_description({"meta": meta})(x, 0)
    assert np.allclose(value, sample(meta, x.double().numpy()), atol=1e-6)


def test_the_copy_by_hand_has_the_pieces_of_the_notebook():
    x = torch.tensor([-3.0, -2.0, -1.5, -0.5, 0.0, 0.3, 0.6, 2.0])
    expected = [0.45, 0.0, 0.475, -0.25, -0.75, -0.79, 0.0, 1.0]
    assert copy_by_hand(x).tolist() == pytest.approx(expected, abs=1e-6)
