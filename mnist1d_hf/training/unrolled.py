"""Unrolled training: a training loop whose losses are differentiable, for metalearning.

`train` applies RMSprop to the network 40-hidden-10. One reverse pass through it gives the gradient
of any function of its losses with respect to the activation function. The study
metalearn_activation uses it with an activation that is itself a network, made fast by `tabulate`.
`torch.func` differentiates through training loops too, but by nested autograd: explicit inner
gradients need a single reverse pass.

    table = tabulate(meta)                                  # differentiable in the weights `meta`
    losses, _ = train(lambda x, step: look_up(table, x), weights, noise, x, labels, rate=0.01)
    torch.autograd.grad(losses[-200:].mean(), meta)
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import elu, one_hot

NOISE = 0.1  # half-width of the uniform noise on hidden units, in training and testing
REACH, NODES = 48, 128  # the table covers [-48, 48] with 128 nodes per unit

# (pre-activations, number of the step) -> values and derivatives of the activation
Activation = Callable[[Tensor, int], tuple[Tensor, Tensor]]


def tabulate(meta: list[Tensor]) -> Tensor:
    """Coefficients (4, cells) of a cubic through f(x) = ELU(x) + 0.2 m(x) in every table cell.

    m is the network 1-n-1 with tanh units and weights `meta`: w (n, 1), b (n,), v (1, n), c (1,).
    The noise on its hidden units only adds a constant to f, so that one table serves all steps of a
    training; the notebook evaluates n tanh units for each of 12,800 pre-activations at every step.
    The cubic interpolates f and f' at the nodes; its error is below the rounding of float32.
    """
    w, b, v, c = meta
    x = torch.arange(-REACH * NODES, REACH * NODES + 1, dtype=w.dtype) / NODES
    hidden = torch.tanh(x[:, None] * w.T + b)  # (nodes, n)
    value = elu(x) + 0.2 * (hidden @ v.T + c)[:, 0]
    derivative = x.clamp(max=0).exp() + 0.2 * ((1 - hidden**2) @ (v * w.T).T)[:, 0]
    (y0, y1), (d0, d1) = ((a[:-1], a[1:]) for a in (value, derivative / NODES))
    return torch.stack([y0, d0, 3 * (y1 - y0) - 2 * d0 - d1, 2 * (y0 - y1) + d0 + d1])


def look_up(table: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Values and derivatives of the tabulated function at x; differentiable in both arguments.

    Outside the table the outermost cubic is extrapolated, since f is nearly linear there.
    """
    position = x * NODES + REACH * NODES
    cell = position.detach().floor().clamp(0, table.shape[1] - 1)
    s = position - cell
    # gather: its backward pass is 20 times faster on a CPU than that of an embedding
    index = cell.long().flatten().expand(4, -1)
    a, b, c, d = table.gather(1, index).view(4, *x.shape)
    return a + s * (b + s * (c + s * d)), NODES * (b + s * (2 * c + s * (3 * d)))


def plain(function: Callable[[Tensor], Tensor]) -> Activation:
    """An elementwise torch function as activation of `train`, without gradients through it."""

    def activation(x: Tensor, step: int) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            value = function(x)
            (derivative,) = torch.autograd.grad(value.sum(), x)
        return value.detach(), derivative

    return activation


def train(
    activation: Activation,
    weights: Tensor,
    noise: Tensor,
    x: Tensor,
    labels: Tensor,
    rate: float,
) -> tuple[Tensor, Tensor]:
    """Train the network 40-hidden-10 by RMSprop, differentiably.

    The inner gradient is computed explicitly, so that an outer gradient needs one reverse pass
    through this loop instead of nested autograd.

    Args:
        activation: the activation function, see `Activation`.
        weights: initial weights, flat, as from `flat`.
        noise: (steps + 1, hidden) noise that is added to the hidden units.
        x: (steps, batch, 40) signals.
        labels: (steps, batch) int64.
        rate: learning rate.

    Returns:
        The losses (steps,) and the final weights, flat.
    """
    losses, mean_square = [], torch.ones_like(weights)
    targets = one_hot(labels, 10).to(x.dtype) / labels.shape[1]
    for step in range(len(x)):
        w1, b1, w2, b2 = unflatten(weights)
        value, derivative = activation(torch.addmm(b1, x[step], w1.T), step)
        hidden = value + noise[step]
        log_p = torch.log_softmax(torch.addmm(b2, hidden, w2.T), 1)
        losses.append(-(targets[step] * log_p).sum())
        output = log_p.exp() / len(log_p) - targets[step]  # gradient w.r.t. the logits (batch, 10)
        inner = (output @ w2) * derivative  # w.r.t. the pre-activations (batch, hidden)
        gradient = flat([inner.T @ x[step], inner.sum(0), output.T @ hidden, output.sum(0)])
        mean_square = 0.4 * mean_square + 0.6 * gradient**2
        weights = weights - rate * gradient / (mean_square.sqrt() + 1e-8)
    return torch.stack(losses), weights


def accuracy(
    activation: Activation,
    weights: Tensor,
    noise: Tensor,
    x: Tensor,
    labels: Tensor,
) -> float:
    """Accuracy in percent, with noise on the hidden units as in the notebook."""
    w1, b1, w2, b2 = unflatten(weights)
    hidden = activation(x @ w1.T + b1, -1)[0] + noise[-1]
    return 100 * ((hidden @ w2.T + b2).argmax(1) == labels).float().mean().item()


def unflatten(weights: Tensor) -> tuple[Tensor, ...]:
    """Weights and biases of the two layers as views of a flat vector of 51 hidden + 10 numbers."""
    hidden = (len(weights) - 10) // 51
    w1, b1, w2, b2 = weights.split([40 * hidden, hidden, 10 * hidden, 10])
    return w1.view(hidden, 40), b1, w2.view(10, hidden), b2


def flat(weights: list[Tensor]) -> Tensor:
    """All weights as one vector."""
    return torch.cat([w.flatten() for w in weights])


def two_layers(inputs: int, hidden: int, outputs: int, generator: torch.Generator) -> list[Tensor]:
    """Weights and biases of two linear layers, as `torch.nn.Linear` draws its first ones."""
    drawn = []
    for before, after in ((inputs, hidden), (hidden, outputs)):
        reach = before**-0.5
        for shape in ((after, before), (after,)):
            drawn.append(torch.empty(shape).uniform_(-reach, reach, generator=generator))
    return drawn


def training_noise(steps: int, *widths: int, generator: torch.Generator) -> list[Tensor]:
    """Noise (steps + 1, width) for each width: for `steps` >= 2 updates and the final test."""
    rows = []
    for step in range(steps):
        rows.append([torch.rand(width, generator=generator) for width in widths])
        if step:  # the notebook draws test noise after every update but the first
            test = [torch.rand(width, generator=generator) for width in widths]
    return [NOISE * (2 * torch.stack(column) - 1) for column in zip(*rows, test, strict=True)]
