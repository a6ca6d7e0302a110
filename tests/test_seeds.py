"""Initial weights by a seed: torch's, and nothing of the caller's is seeded."""

import pytest
import torch

from mnist1d_hf.models import new_model
from mnist1d_hf.seeds import seeded


def test_it_draws_what_torch_draws_after_its_seed():
    with torch.random.fork_rng():
        torch.manual_seed(7)
        expected = torch.nn.Linear(40, 10).weight
    with seeded(7):
        assert torch.equal(torch.nn.Linear(40, 10).weight, expected)


def test_the_generators_of_the_caller_stay_as_they_are(monkeypatch):
    devices = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", devices.append)
    state = torch.get_rng_state()
    new_model("mlp", seed=3)
    with pytest.raises(ZeroDivisionError), seeded(3):
        torch.rand(1 // 0)
    assert torch.equal(torch.get_rng_state(), state)
    assert devices == []
