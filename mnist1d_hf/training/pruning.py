"""Pruned perceptrons: masks over weights, and training that leaves dead units out.

    layers = initial_layers(seed=42)                        # three vectors: weights, then bias
    masks = [prune(layer.abs(), 0.9) for layer in layers]   # the tenth with the largest weights
    network = PrunedMLP(layers, masks)
    history = train(network, x, labels, x_test, y_test, steps=1501)
    layers = network.layers()                               # trained; pruned weights are 0

The network is the original's `SparseMLP`, 40-500-500-10 with a residual second layer, where every
layer's mask runs over its weights and its bias together. A unit that nothing enters is always 0,
and one that nothing leaves changes nothing, and the weights of neither ever get a gradient: so
both are left out of the arithmetic, which changes no number and at high sparsity most of the cost.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def initial_layers(
    seed: int, inputs: int = 40, hidden: int = 500, outputs: int = 10
) -> list[Tensor]:
    """Weights (out, in) flattened, then bias, of three layers, as torch draws them for `seed`."""
    return _draw(seed, inputs, hidden, outputs)[0]


def random_scores(
    seed: int, inputs: int = 40, hidden: int = 500, outputs: int = 10
) -> Iterator[list[Tensor]]:
    """Endless uniform scores for the layers: what torch draws after `initial_layers(seed)`."""
    layers, state = _draw(seed, inputs, hidden, outputs)
    generator = torch.Generator()
    generator.set_state(state)
    while True:
        yield [torch.rand(layer.shape, generator=generator) for layer in layers]


def _draw(seed: int, inputs: int, hidden: int, outputs: int) -> tuple[list[Tensor], Tensor]:
    """The layers, and the state of torch's generator afterwards."""
    widths = (inputs, hidden), (hidden, hidden), (hidden, outputs)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        linears = [nn.Linear(*width) for width in widths]
        state = torch.get_rng_state()
    return [nn.utils.parameters_to_vector(x.parameters()).detach() for x in linears], state


def prune(scores: Tensor, sparsity: float) -> Tensor:
    """A mask of `scores`' shape (n,): 0 at the int(sparsity * n) lowest scores, 1 elsewhere."""
    mask = torch.ones_like(scores)
    mask[scores.argsort()[: int(sparsity * len(scores))]] = 0
    return mask


class PrunedMLP:
    """Three layers under masks, as one flat vector of the weights that can matter.

    Args:
        layers: three vectors, weights (out, in) flattened and bias, as of `initial_layers`.
        masks: vectors of the same lengths; where one is 0, the weight is 0 and stays 0.
        inputs: points of a signal.
    """

    def __init__(self, layers: Sequence[Tensor], masks: Sequence[Tensor], inputs: int = 40):
        hidden = len(layers[0]) // (inputs + 1)
        outputs = len(layers[2]) // (hidden + 1)
        self.lengths = [len(layer) for layer in layers]
        mask = torch.cat(list(masks))
        self.full = torch.cat(list(layers)) * mask
        weights, biases = self._places(((inputs, hidden), (hidden, hidden), (hidden, outputs)))
        entered = mask[weights[0]].any(1) | mask[biases[0]].bool()
        left = mask[weights[2]].any(0)
        both, first, second = entered & left, entered & ~left, left & ~entered
        self.shared = int(both.sum())  # units of both layers come first in either
        one, two = (torch.cat([both.nonzero()[:, 0], x.nonzero()[:, 0]]) for x in (first, second))
        # stored as (in, out): a product with a transposed factor is slower
        parts = (
            *(weights[0][one].T, biases[0][one]),
            *(weights[1][two][:, one].T, biases[1][two]),
            *(weights[2][:, two].T, biases[2]),
        )
        self.places = torch.cat([part.flatten() for part in parts])
        self.mask = mask[self.places]
        self.weights = self.full[self.places]
        self.gradients = torch.zeros_like(self.weights)
        self.w, self.d = (self._views(flat, parts) for flat in (self.weights, self.gradients))

    @staticmethod
    def _places(shapes: Sequence[tuple[int, int]]) -> tuple[list[Tensor], list[Tensor]]:
        """Where each weight (out, in) and each bias (out,) lies in all layers, concatenated."""
        weights, biases, start = [], [], 0
        for n_in, n_out in shapes:
            end = start + n_in * n_out
            weights.append(torch.arange(start, end).view(n_out, n_in))
            biases.append(torch.arange(end, end + n_out))
            start = end + n_out
        return weights, biases

    @staticmethod
    def _views(flat: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
        pieces = flat.split([part.numel() for part in parts])
        return [piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True)]

    def layers(self) -> list[Tensor]:
        """The layers with their present weights, the ones left out included."""
        full = self.full.clone()
        full[self.places] = self.weights
        return list(full.split(self.lengths))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Activations of both hidden layers, the second before and after the residual, logits."""
        w1, b1, w2, b2, w3, b3 = self.w
        first = torch.addmm(b1, x, w1).relu_()
        second = torch.addmm(b2, first, w2).relu_()
        summed = second.clone()
        summed[:, : self.shared] += first[:, : self.shared]
        return first, second, summed, torch.addmm(b3, summed, w3)

    def backward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Fill `gradients` for a batch; returns its mean cross-entropy."""
        first, second, summed, logits = self.forward(x)
        d1, c1, d2, c2, d3, c3 = self.d
        gradient = logits.softmax(1)
        gradient[torch.arange(len(x)), labels] -= 1
        gradient /= len(x)
        torch.mm(summed.T, gradient, out=d3)
        torch.sum(gradient, 0, out=c3)
        d_summed = gradient @ self.w[4].T
        d_second = torch.ops.aten.threshold_backward(d_summed, second, 0)
        torch.mm(first.T, d_second, out=d2)
        torch.sum(d_second, 0, out=c2)
        d_first = d_second @ self.w[2].T
        d_first[:, : self.shared] += d_summed[:, : self.shared]
        d_first = torch.ops.aten.threshold_backward(d_first, first, 0)
        torch.mm(x.T, d_first, out=d1)
        torch.sum(d_first, 0, out=c1)
        return F.cross_entropy(logits, labels)


class History(NamedTuple):
    """What `train` saw."""

    train_loss: float  # of the last batch, before its update
    test_loss: list[float]  # at update 0, evaluate_every, ...
    test_accuracy: list[float]  # % of the test set, at the same times
    checkpoint: list[Tensor]  # the layers after update `checkpoint_at`


@torch.no_grad()
def train(
    network: PrunedMLP,
    x: Tensor,
    labels: Tensor,
    x_test: Tensor,
    y_test: Tensor,
    *,
    steps: int,
    batch_size: int = 100,
    learning_rate: float = 0.02,
    evaluate_every: int = 100,
    checkpoint_at: int = 0,
) -> History:
    """Adam on batches in the order of the rows; updates 0 to `steps`, both included.

    That, the evaluation after update 0 and the defaults are the original's `train_model`
    (notebook lottery-tickets).
    """
    weights = nn.Parameter(network.weights, requires_grad=False)
    weights.grad = network.gradients
    optimizer = torch.optim.Adam([weights], lr=learning_rate, fused=True)
    losses, accuracies, checkpoint = [], [], network.layers()
    for step in range(steps + 1):
        start = step * batch_size % len(x)
        rows = slice(start, start + batch_size)
        loss = network.backward(x[rows], labels[rows])
        optimizer.step()
        network.weights.mul_(network.mask)
        if step % evaluate_every == 0:
            logits = network.forward(x_test)[-1]
            losses.append(F.cross_entropy(logits, y_test).item())
            accuracies.append(100 * (logits.argmax(1) == y_test).double().mean().item())
        if step == checkpoint_at:
            checkpoint = network.layers()
    return History(loss.item(), losses, accuracies, checkpoint)
