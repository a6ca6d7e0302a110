"""A training by a recipe: its steps, its learning rate, and the rows it sees."""

from dataclasses import replace
from itertools import repeat

import pytest
import torch
from torch.nn import functional as F

from mnist1d_hf.models import new_model
from mnist1d_hf.training.by_recipe import BATCH, epochs, schedule, time_steps, training
from mnist1d_hf.training.recipes import PAPER, RECIPES, recipe_of


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2 * BATCH, 40, generator=generator), torch.arange(2 * BATCH) % 10


def test_it_is_adam_on_the_rows_in_their_order(rows):
    ours, expected = new_model("mlp", 0), new_model("mlp", 0)
    assert list(training(ours, PAPER, epochs(PAPER, *rows, torch.Generator()), 3)) == [1, 2, 3]
    optimizer = torch.optim.Adam(expected.parameters(), 1e-2, fused=True)
    for part in (slice(0, BATCH), slice(BATCH, None), slice(0, BATCH)):
        F.cross_entropy(expected.logits(rows[0][part]), rows[1][part]).backward()
        optimizer.step()
        optimizer.zero_grad()
    for one, other in zip(ours.parameters(), expected.parameters(), strict=True):
        assert torch.equal(one, other)


def test_probabilities_are_targets_too(rows):
    x, labels = rows
    exact = F.one_hot(labels, 10).float()
    networks = [new_model("logistic", 0) for _ in range(2)]
    for network, targets in zip(networks, (labels, exact), strict=True):
        assert len(list(training(network, PAPER, repeat((x, targets)), 5))) == 5
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        torch.testing.assert_close(one, other)


def test_the_learning_rate_rises_and_falls_to_zero():
    rates = [schedule(RECIPES["tcn"], step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(0.02, abs=1e-4) and rates[-1] < 1e-5
    assert rates.index(max(rates)) == 49 and max(rates) == pytest.approx(1, abs=0.01)
    assert {schedule(PAPER, step, 1000) for step in range(1000)} == {1.0}


def test_augmentation_varies_what_the_network_sees_and_not_the_rows(rows):
    x, labels = rows
    before = x.clone()
    augmented = epochs(RECIPES["tcn"], x, labels, torch.Generator().manual_seed(0))
    seen = [next(augmented) for _ in range(2)]
    assert sorted(torch.cat([y for _, y in seen]).tolist()) == sorted(labels.tolist())
    assert not any(torch.equal(row, x[i]) for batch, _ in seen for i, row in enumerate(batch))
    assert torch.equal(x, before)
    plain = epochs(recipe_of("tcn", "plain"), x, labels, torch.Generator().manual_seed(0))
    shown = torch.cat([next(plain)[0] for _ in range(2)])
    assert torch.equal(shown.sort(dim=0).values, x.sort(dim=0).values)


def test_a_recipe_has_a_name():
    assert recipe_of("gru", "paper") is PAPER
    assert recipe_of("tcn", "augmented") is RECIPES["tcn"]
    assert recipe_of("tcn", "plain") == replace(RECIPES["tcn"], shift=None)


@pytest.mark.parametrize(("model", "name"), [("tcn", "augmentd"), ("ccn", "paper")])
def test_unknown_recipes_are_refused(model, name):
    with pytest.raises(ValueError, match="(recipe|model) '.*': must be one of"):
        recipe_of(model, name)


def test_networks_are_timed_in_turns(rows):
    networks = {name: new_model(name, 0) for name in ("logistic", "cnn")}
    before = networks["cnn"].classifier.weight.clone()
    found = time_steps(networks, PAPER, rows, 2)
    assert list(found) == ["logistic", "cnn"] and min(found.values()) > 0
    assert not torch.equal(networks["cnn"].classifier.weight, before)
