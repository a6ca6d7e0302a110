"""The entries of scripts/speedrun: short files that reach what their docstrings say, nearly."""

import importlib.util

import numpy as np
import pytest

from mnist1d_hf.leaderboard.draws import draw_trial
from mnist1d_hf.leaderboard.tracks import TRACKS

LONGEST = 250  # lines


@pytest.fixture
def train(root):
    def load(name):
        path = root / "scripts" / "speedrun" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"speedrun_{name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.train

    return load


def test_random_convolutions_reach_94_percent(train):
    draw = draw_trial(TRACKS["seconds-94"], 1, 0, test_rows=5000)
    predict = train("ridge")(draw.x, draw.y, seed=draw.weight_seed, num_classes=10)
    assert 93 < 100 * np.mean(predict(draw.x_test) == draw.y_test) < 97


def test_they_are_short(root):
    for path in (root / "scripts" / "speedrun").glob("*.py"):
        assert len(path.read_text().splitlines()) <= LONGEST, path.name
