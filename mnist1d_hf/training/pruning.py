"""Pruned perceptrons: masks over weights, and training that omits units without effect.

    layers = initial_layers(seed=42)                        # three vectors: weights, then bias
    masks = [prune(layer.abs(), 0.9) for layer in layers]   # keep the largest 10 % of the weights
    network = PrunedMLP(layers, masks)
    history = train(network, x, labels, x_test, y_test, steps=1501)
    layers = network.layers()                               # trained; pruned weights are 0

The network is the original's `SparseMLP`, 40-500-500-10 with a residual second layer; the mask of a
layer covers its weights and its bias together. A unit without unpruned inputs is always 0, a unit
without unpruned outputs has no effect, and the weights of both have no gradient. Both are omitted
from the computation: no result changes, and at high sparsity most of the cost disappears.
`torch.nn.utils.prune` masks the full matrices and saves no time.
"""

import base64
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mnist1d_hf.seeds import seeded


def initial_layers(
    seed: int, inputs: int = 40, hidden: int = 500, outputs: int = 10
) -> list[Tensor]:
    """The initial weights of three layers that torch draws after `manual_seed(seed)`.

    Each layer is one vector: its weights (out, in), flattened, and then its bias.
    """
    return _draw(seed, inputs, hidden, outputs)[0]


def random_scores(
    seed: int, inputs: int = 40, hidden: int = 500, outputs: int = 10
) -> Iterator[list[Tensor]]:
    """An endless iterator of uniform scores for the layers.

    torch draws them after the numbers of `initial_layers(seed)`, as the original does.
    """
    layers, state = _draw(seed, inputs, hidden, outputs)
    generator = torch.Generator()
    generator.set_state(state)
    while True:
        yield [torch.rand(layer.shape, generator=generator) for layer in layers]


def _draw(seed: int, inputs: int, hidden: int, outputs: int) -> tuple[list[Tensor], Tensor]:
    """The initial layers, and the state of torch's generator after drawing them."""
    widths = (inputs, hidden), (hidden, hidden), (hidden, outputs)
    with seeded(seed):
        linears = [nn.Linear(*width) for width in widths]
        state = torch.get_rng_state()
    return [nn.utils.parameters_to_vector(x.parameters()).detach() for x in linears], state


def prune(scores: Tensor, sparsity: float) -> Tensor:
    """A mask of `scores`' shape (n,): 0 at the int(sparsity * n) lowest scores, 1 elsewhere."""
    mask = torch.ones_like(scores)
    mask[scores.argsort()[: int(sparsity * len(scores))]] = 0
    return mask


def encode(masks: Sequence[Tensor]) -> str:
    """Masks as text."""
    bits = np.packbits(torch.cat(list(masks)).numpy().astype(bool))
    return base64.b85encode(zlib.compress(bits.tobytes(), 9)).decode()


def decode(text: str, lengths: Sequence[int]) -> list[Tensor]:
    """Masks of these lengths, float32, that `encode` made into text."""
    packed = np.frombuffer(zlib.decompress(base64.b85decode(text)), dtype=np.uint8)
    bits = np.unpackbits(packed)[: sum(lengths)]
    return list(torch.tensor(bits, dtype=torch.float32).split(list(lengths)))


class PrunedMLP:
    """Three masked layers, as one flat vector of the weights that affect the logits.

    Args:
        layers: three vectors, each with weights (out, in) and bias, as in `initial_layers`.
        masks: vectors of the same lengths; a weight is 0 where its mask is 0.
        inputs: number of points of a signal.
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
        self.shared = int(both.sum())  # units used in both hidden layers come first in each
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
        """Indices of the weights (out, in) and biases (out,) in the concatenation of all layers."""
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
        """The layers with their current weights, including omitted units."""
        full = self.full.clone()
        full[self.places] = self.weights
        return list(full.split(self.lengths))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """First hidden layer, second without and with the residual connection, and logits."""
        w1, b1, w2, b2, w3, b3 = self.w
        first = torch.addmm(b1, x, w1).relu_()
        second = torch.addmm(b2, first, w2).relu_()
        summed = second.clone()
        summed[:, : self.shared] += first[:, : self.shared]
        return first, second, summed, torch.addmm(b3, summed, w3)

    def backward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Fill `gradients` for a batch x (n, d), labels (n,); returns its mean cross-entropy."""
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
    """Losses and accuracies during `train`."""

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
    """Train by Adam on batches in the order of the rows, with updates 0 to `steps` inclusive.

    The number of updates, the evaluation after update 0 and the defaults are those of the
    original's `train_model` (notebook lottery-tickets).

    Args:
        network: the network, whose weights change in place.
        x, labels: training rows (n, d) and their labels (n,) int64.
        x_test, y_test: rows and labels to evaluate.
        steps: number of the last update.
        batch_size: rows per update.
        learning_rate: learning rate of Adam.
        evaluate_every: number of updates between evaluations.
        checkpoint_at: number of the update after which to keep a copy of the layers.
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
