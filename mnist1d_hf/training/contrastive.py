"""SimCLR for signals: an encoder and a projector that learn from two views of every signal.

    models, networks = zip(*(build("default", seed) for seed in (0, 1)))
    losses = fit(networks, x, 0, epochs=200, batch_size=100, learning_rate=0.01, temperature=0.5)
    layers(networks[0], x_test)                             # what every layer makes of them

The networks and the loss are those of the notebook self-supervised-learning. The encoder of a
network is that of its model, which is therefore trained with it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mnist1d_hf.models import Mnist1DCNNConfig, Mnist1DCNNForSequenceClassification
from mnist1d_hf.seeds import seeded
from mnist1d_hf.training.augment import augment
from mnist1d_hf.training.stack import Stack

# widths of the linear layers after the encoder, whose output has 125 numbers
PROJECTORS: dict[str, tuple[int, ...]] = {
    "default": (125, 16),
    "none": (),
    "deep": (125, 125, 125, 16),
}
PARAMETERS = {"default": 21716, "none": 3950, "deep": 53216}  # printed by the notebook


def encoder(model: Mnist1DCNNForSequenceClassification) -> nn.Sequential:
    """The convolutions of a classifier: from signals (n, 40) to (n, 125)."""
    convs = (module for conv in model.convs for module in (conv, nn.ReLU()))
    return nn.Sequential(nn.Unflatten(1, (1, -1)), *convs, nn.Flatten())


def build(projector: str, seed: int) -> tuple[Mnist1DCNNForSequenceClassification, nn.Sequential]:
    """A classifier, and its convolutions followed by a projector as one network."""
    with seeded(seed):
        model = Mnist1DCNNForSequenceClassification(Mnist1DCNNConfig())
        parts = list(encoder(model))
        width = model.classifier.in_features
        for number, new in enumerate(PROJECTORS[projector]):
            parts += [nn.ReLU()] * (number > 0) + [nn.Linear(width, new)]
            width = new
    network = nn.Sequential(*parts)
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[projector]
    return model, network


@torch.no_grad()
def layers(network: nn.Sequential, x: Tensor) -> list[np.ndarray]:
    """What every layer makes of x (n, 40), layer 1 first: three convolutions, the projector's."""
    found = []
    for number, module in enumerate(network, 1):
        x = module(x)
        last = isinstance(module, nn.Linear) and number == len(network)
        if isinstance(module, nn.ReLU) or last:
            found.append(x.flatten(1).numpy())
    return found


def contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """InfoNCE of two views (models, n, d), for each model: (models,).

    Row i of one view must find row i of the other among all n rows.
    """
    similarity = normalize(first, dim=2) @ normalize(second, dim=2).mT / temperature
    return (similarity.logsumexp(2) - similarity.diagonal(dim1=1, dim2=2)).mean(1)


def fit(
    networks: Sequence[nn.Sequential], x: Tensor, seed: int, epochs: int, batch_size: int,
    learning_rate: float, temperature: float,
) -> list[list[float]]:  # fmt: skip
    """Train the networks together, each on data in an order of its own: the losses per epoch.

    `x` (networks, n, 40) has the signals of each network.
    """
    generator = torch.Generator().manual_seed(seed)
    stack = Stack(networks)
    weights = nn.Parameter(stack.weights)
    weights.grad = stack.gradients
    optimizer = torch.optim.Adam([weights], lr=learning_rate, fused=True)
    own = torch.arange(len(networks))[:, None]
    losses = []
    for _ in range(epochs):
        orders = [torch.randperm(x.shape[1], generator=generator) for _ in networks]
        batches = torch.stack(orders).split(batch_size, dim=1)
        total = torch.zeros(len(networks))
        for rows in batches:
            signals = x[own, rows.repeat(1, 2)]  # (networks, two views of each signal, 40)
            views = augment(signals.flatten(0, 1), generator).view_as(signals)
            z = stack.forward(views).requires_grad_()
            first, second = z.chunk(2, dim=1)
            loss = contrast(first, second, temperature)
            stack.backward(*torch.autograd.grad(loss.sum(), z))
            optimizer.step()
            total += loss.detach()
        losses.append((total / len(batches)).tolist())
    stack.store()
    return [[round(value, 4) for value in column] for column in zip(*losses, strict=True)]
