"""The entries of scripts/entries: files of their own that do what the package does."""

import importlib.util

import numpy as np
import pytest
import torch

from mnist1d_hf.leaderboard.draws import draw_trial
from mnist1d_hf.leaderboard.tracks import TRACKS
from mnist1d_hf.models import ARCHITECTURES
from mnist1d_hf.training.augment import vary
from mnist1d_hf.training.recipes import OURS, RECIPES, WARM_UP

PEERS = ("boosted_trees", "minirocket", "nearest_dtw", "rocket", "svm")


@pytest.fixture
def entry(root):
    def load(name):
        path = root / "scripts" / "entries" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"entry_{name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(autouse=True)
def no_traces():
    state = torch.random.get_rng_state()
    yield
    torch.random.set_rng_state(state)


def test_every_model_is_an_entry(root):
    names = {path.stem for path in (root / "scripts" / "entries").glob("*.py")}
    assert names == {*ARCHITECTURES, *PEERS, "few_rows"}
    commands = (root / "scripts" / "entries" / "enter.sh").read_text()
    for name in names:
        assert f"enter entries {name} " in commands


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_networks_are_those_of_the_package(entry, name):
    module = entry(name)
    make = getattr(module, "Network", None) or module.network
    x = torch.randn(7, 40, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(3)
    mine = make(10)
    torch.manual_seed(3)
    config, model = ARCHITECTURES[name]
    theirs = model(config())
    for network in (mine, theirs):
        network.eval()
    torch.testing.assert_close(mine(x), theirs(x).logits)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_recipes_are_those_of_the_package(entry, name):
    module, recipe = entry(name), RECIPES[name]
    assert (module.STEPS, module.BATCH) == (recipe.steps, 100)
    assert module.LEARNING_RATE == recipe.learning_rate
    assert (recipe.optimizer == "AdamW") is (name in OURS)
    if name in OURS:
        found = (module.WEIGHT_DECAY, module.SMOOTHING, module.SHIFT, module.WARM_UP)
        assert found == (recipe.weight_decay, recipe.label_smoothing, recipe.shift, WARM_UP)


@pytest.mark.parametrize("name", OURS)
def test_augmentations_have_the_distribution_of_the_package(entry, name):
    module, x = entry(name), torch.arange(40.0).repeat(20_000, 1)
    torch.manual_seed(0)
    mine = module.vary(x)
    theirs = vary(x, torch.Generator().manual_seed(0), module.SHIFT)
    for statistic in (torch.mean, torch.std):
        torch.testing.assert_close(statistic(mine, 0), statistic(theirs, 0), rtol=0.1, atol=0.2)


@pytest.mark.parametrize(
    "name, least", [("logistic", 17), ("tcn", 25), ("few_rows", 25), ("svm", 28)]
)
def test_they_learn(entry, name, least):
    """From few rows, so that this takes a second; chance is 10 %."""
    draw = draw_trial(TRACKS["default"], 3, 0, rows=500, test_rows=500)
    module = entry(name)
    module.STEPS, module.BATCH = 60, 20
    predict = module.train(draw.x, draw.y, seed=draw.weight_seed, num_classes=10)
    assert 100 * np.mean(predict(draw.x_test) == draw.y_test) > least


@pytest.fixture
def uncompiled(monkeypatch):
    """Compiling takes longer than these tests."""
    monkeypatch.setattr("numba.config.DISABLE_JIT", True)


def test_the_nearest_neighbour_is_that_of_full_warping(entry, uncompiled):
    module = entry("nearest_dtw")
    x = np.random.default_rng(0).standard_normal((30, 12)).astype(np.float32).cumsum(1)
    signals, known = x[:10], x[10:]

    def warp(a, b):
        cost = np.full((len(a) + 1, len(b) + 1), np.inf)
        cost[0, 0] = 0
        for i, j in np.ndindex(len(a), len(b)):
            before = min(cost[i, j], cost[i, j + 1], cost[i + 1, j])
            cost[i + 1, j + 1] = (a[i] - b[j]) ** 2 + before
        return cost[-1, -1]

    expected = [np.argmin([warp(a, b) for b in known]) for a in signals]
    np.testing.assert_array_equal(module.nearest(signals, known), expected)


def test_random_convolutions_of_pyts_take_parts_of_the_rows(entry, uncompiled):
    draw = draw_trial(TRACKS["default"], 3, 0, rows=100, test_rows=30)
    module = entry("rocket")
    module.KERNELS, module.ROWS = 10, 20
    predict = module.train(draw.x, draw.y, seed=2**40, num_classes=10)
    found = predict(draw.x_test)
    assert found.shape == (30,) and np.mean(predict(draw.x) == draw.y) > 0.3
