"""SimCLR: its loss, its layers, and the encoder that it shares with a classifier."""

import pytest
import torch
from torch.nn.functional import normalize

from mnist1d_hf.evidence.published import read_published
from mnist1d_hf.training.contrastive import PROJECTORS, build, contrast, fit, layers


def test_the_loss_is_the_notebooks():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 3, 7, 16, generator=generator, dtype=torch.float64)
    for found, one, two in zip(contrast(first, second, 0.5), first, second, strict=True):
        s = torch.exp(normalize(one) @ normalize(two).T / 0.5)
        expected = (-s.diagonal().log() + s.sum(1).log()).mean()
        assert found.item() == pytest.approx(expected.item())


@pytest.mark.parametrize("projector", PROJECTORS)
def test_every_layer_is_looked_at(projector):
    _, network = build(projector, 42)
    widths = [found.shape[1] for found in layers(network, torch.zeros(2, 40))]
    assert widths == [475, 250, 125, *PROJECTORS[projector]]
    assert len(widths) + 1 == len(read_published("self_supervised")["linear"][projector])


def test_training_moves_the_encoder_of_the_classifier():
    model, network = build("default", 42)
    before = model.convs[0].weight.detach().clone()
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(40, 40, generator=generator)
    (losses,) = fit([network], x[None], 0, 12, 20, 0.01, 0.5)
    assert len(losses) == 12 and losses[-1] < losses[0]
    assert not torch.equal(model.convs[0].weight, before)
