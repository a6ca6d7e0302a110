"""Pruned perceptrons: the original's procedure, and leaving dead units out changes nothing."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mnist1d_hf.training.pruning import (
    PrunedMLP,
    decode,
    encode,
    initial_layers,
    prune,
    random_scores,
    train,
)

SIZES = {"inputs": 12, "hidden": 20, "outputs": 4}


def problem(rows=60):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(rows, 12, generator=generator, dtype=torch.float64)
    return x, torch.randint(4, (rows,), generator=generator)


def masks_of(layers, sparsity, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [prune(torch.rand(x.shape, generator=generator), sparsity) for x in layers]


def original(layers, masks, x, labels, steps, batch_size, rate):
    """The original's SparseMLP and loop: masked parameters before each use, plain Adam."""
    widths = [(12, 20), (20, 20), (20, 4)]
    linears = [nn.Linear(*width, dtype=torch.float64) for width in widths]
    for linear, layer in zip(linears, layers, strict=True):
        nn.utils.vector_to_parameters(layer.clone(), linear.parameters())

    def mask():
        for linear, keep in zip(linears, masks, strict=True):
            vector = nn.utils.parameters_to_vector(linear.parameters()).detach()
            nn.utils.vector_to_parameters(vector * keep, linear.parameters())

    optimizer = torch.optim.Adam([p for x in linears for p in x.parameters()], lr=rate)
    for step in range(steps + 1):
        mask()
        start = step * batch_size % len(x)
        rows = slice(start, start + batch_size)
        h = torch.relu(linears[0](x[rows]))
        h = h + torch.relu(linears[1](h))
        loss = F.cross_entropy(linears[2](h), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    mask()
    return [nn.utils.parameters_to_vector(x.parameters()).detach() for x in linears], loss.item()


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9, 0.97])
def test_training_is_the_originals_at_any_sparsity(sparsity):
    layers = [layer.double() for layer in initial_layers(3, **SIZES)]
    masks = masks_of(layers, sparsity)
    x, labels = problem()
    expected, loss = original(layers, masks, x, labels, steps=40, batch_size=20, rate=0.02)
    network = PrunedMLP(layers, masks, inputs=12)
    history = train(network, x, labels, x, labels, steps=40, batch_size=20, checkpoint_at=40)
    for ours, theirs, mask in zip(history.checkpoint, expected, masks, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)
        assert (ours[mask == 0] == 0).all()
    assert history.train_loss == pytest.approx(loss, rel=1e-9)


def test_dead_units_are_left_out_and_keep_their_weights():
    layers = initial_layers(0, **SIZES)
    masks = masks_of(layers, 0.95)
    network = PrunedMLP(layers, masks, inputs=12)
    assert network.weights.numel() < sum(len(layer) for layer in layers) / 3
    for ours, layer, mask in zip(network.layers(), layers, masks, strict=True):
        assert torch.equal(ours, layer * mask)


def test_first_weights_and_scores_are_torchs_for_the_seed():
    state = torch.get_rng_state()
    layers, scores = initial_layers(42), random_scores(42)
    drawn = [next(scores), next(scores)]
    assert torch.equal(torch.get_rng_state(), state)
    with torch.random.fork_rng():
        torch.manual_seed(42)
        linears = [nn.Linear(40, 500), nn.Linear(500, 500), nn.Linear(500, 10)]
        expected = [[torch.rand(len(layer)) for layer in layers] for _ in range(2)]
    assert sum(len(layer) for layer in layers) == 276_010  # the paper's
    for layer, linear in zip(layers, linears, strict=True):
        assert torch.equal(layer[: linear.weight.numel()], linear.weight.detach().flatten())
        assert torch.equal(layer[linear.weight.numel() :], linear.bias.detach())
    for ours, theirs in zip(sum(drawn, []), sum(expected, []), strict=True):
        assert torch.equal(ours, theirs)


def test_pruning_drops_the_lowest_scores():
    scores = torch.tensor([0.5, 0.1, 0.9, 0.3])
    assert prune(scores, 0.0).tolist() == [1, 1, 1, 1]
    assert prune(scores, 0.74).tolist() == [1, 0, 1, 0]
    assert prune(scores, 1.0).tolist() == [0, 0, 0, 0]


def test_evaluation_begins_after_the_first_update():
    layers = initial_layers(1, **SIZES)
    x, labels = problem()
    network = PrunedMLP(layers, masks_of(layers, 0.0), inputs=12)
    history = train(network, x.float(), labels, x.float(), labels, steps=30, evaluate_every=10)
    assert len(history.test_loss) == len(history.test_accuracy) == 4  # 0, 10, 20, 30
    assert history.test_loss[-1] < history.test_loss[0]
    assert not torch.equal(history.checkpoint[0], layers[0])  # after update 0


def test_masks_survive_the_way_through_text():
    generator = torch.Generator().manual_seed(0)
    layers = initial_layers(42)
    masks = [prune(torch.rand(len(layer), generator=generator), 0.92) for layer in layers]
    text = encode(masks)
    assert text.isascii() and len(text) < 25_000
    for back, mask in zip(decode(text, [len(layer) for layer in layers]), masks, strict=True):
        assert torch.equal(back, mask)
