"""One network trained by its recipe in plain PyTorch, step by step.

    recipe = RECIPES["tcn"]
    network = new_model("tcn", seed=0)
    rows = epochs(recipe, x, labels, torch.Generator().manual_seed(0))
    for step in training(network, recipe, rows, recipe.steps):
        ...  # measure the network after this step, or do nothing

The Trainer of transformers trains the same networks, with logs, checkpoints and a record; studies
train thousands of networks for seconds each and need none of these.
"""

import math
import time
from collections.abc import Iterator, Mapping
from itertools import islice, product, repeat
from typing import Any

import torch
from torch.nn import functional as F

from mnist1d_hf.training.augment import vary
from mnist1d_hf.training.recipes import WARM_UP, Recipe

BATCH = 100  # rows of a step, in all recipes
Examples = Iterator[tuple[torch.Tensor, torch.Tensor]]


def training(network: Any, recipe: Recipe, examples: Examples, steps: int) -> Iterator[int]:
    """Train `network` on `steps` batches of `examples`; yields each step, from 1, after it.

    Examples are signals (n, d) with labels (n,) int64 or probabilities (n, classes).
    """
    optimizer = optimizer_of(recipe, network)
    for step, (x, targets) in enumerate(islice(examples, steps)):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * schedule(recipe, step, steps)
        loss = F.cross_entropy(network.logits(x), targets, label_smoothing=recipe.label_smoothing)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield step + 1


def optimizer_of(recipe: Recipe, network: torch.nn.Module) -> torch.optim.Optimizer:
    """The optimizer of a recipe, at its learning rate."""
    return getattr(torch.optim, recipe.optimizer)(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )


def schedule(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step, from 0, as a fraction of the recipe's."""
    if recipe.schedule == "constant":
        return 1.0
    return min(1.0, (step + 1) / (WARM_UP * steps)) * (1 + math.cos(math.pi * step / steps)) / 2


def epochs(
    recipe: Recipe, x: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
) -> Examples:
    """Batches of all rows without end, in the order and with the augmentation of the recipe.

    x (n, d) and targets (n, ...) are not changed; `generator` draws order and augmentation.
    """
    while True:
        n = len(x)
        order = torch.randperm(n, generator=generator) if recipe.shuffled else torch.arange(n)
        for rows in order.split(BATCH):
            batch = x[rows]
            if recipe.shift is not None:
                batch = vary(batch, generator, recipe.shift)
            yield batch, targets[rows]


def time_steps(
    networks: Mapping[str, torch.nn.Module],
    recipe: Recipe,
    batch: tuple[torch.Tensor, torch.Tensor],
    steps: int,
) -> dict[str, float]:
    """CPU milliseconds of one step of training on `batch`, the best of five rounds of `steps`.

    The networks take turns, so that whatever else the machine does disturbs all of them.
    """
    best = dict.fromkeys(networks, math.inf)
    for _, name in product(range(5), networks):
        start = time.process_time()
        for _ in training(networks[name], recipe, repeat(batch), steps):
            pass
        best[name] = min(best[name], 1e3 * (time.process_time() - start) / steps)
    return best
