"""The entries of scripts/speedrun: short files that reach what their docstrings say, nearly."""

import importlib.util

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mnist1d_hf.leaderboard.draws import draw_trial
from mnist1d_hf.leaderboard.tracks import TRACKS

LONGEST = 250  # lines


@pytest.fixture
def entry(root):
    def load(name):
        path = root / "scripts" / "speedrun" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"speedrun_{name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_random_convolutions_reach_94_percent(entry):
    draw = draw_trial(TRACKS["seconds-94"], 1, 0, test_rows=5000)
    predict = entry("ridge").train(draw.x, draw.y, seed=draw.weight_seed, num_classes=10)
    assert 93 < 100 * np.mean(predict(draw.x_test) == draw.y_test) < 97


def test_a_network_comes_near_99_percent_in_few_epochs(entry):
    draw = draw_trial(TRACKS["seconds-99"], 1, 0, test_rows=2000)
    module, state = entry("cnn"), torch.random.get_rng_state()
    module.EPOCHS = 2
    first, second = (
        module.train(draw.x, draw.y, seed=draw.weight_seed, num_classes=10)(draw.x_test)
        for _ in range(2)
    )
    assert 100 * np.mean(first == draw.y_test) > 92
    np.testing.assert_array_equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_its_gradients_are_those_of_autograd(entry):
    module, generator = entry("cnn"), torch.Generator().manual_seed(0)
    weights = [w.double() for w in module.start(10, generator)]
    weights[3:6] = (torch.randn(w.shape, generator=generator).double() for w in weights[3:6])
    x = torch.randn(20, 40, generator=generator).double()
    targets = torch.eye(10).double()[torch.randint(10, (20,), generator=generator)]
    found = module.differentiate(weights, x, targets)

    leaves = [w.clone().requires_grad_() for w in weights]
    h = x.unsqueeze(1)
    for number in range(3):
        kernel, bias = leaves[number].permute(2, 1, 0), leaves[3 + number]
        h = F.conv1d(h, kernel, padding="same")
        h = F.max_pool1d(h, 2) if number < 2 else h
        h = F.relu(F.batch_norm(h, None, None, bias=bias, training=True))
    F.cross_entropy(h.amax(2) @ leaves[6] + leaves[7], targets).backward()
    for gradient, leaf in zip(found, leaves, strict=True):
        torch.testing.assert_close(gradient, leaf.grad)


def test_they_are_short(root):
    for path in (root / "scripts" / "speedrun").glob("*.py"):
        assert len(path.read_text().splitlines()) <= LONGEST, path.name
