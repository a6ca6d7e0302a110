"""Train many models of one architecture at once.

    models = [build(seed) for seed in range(10)]       # torch modules that differ in weights only
    batches = shuffled_batches([4000] * 10, 100, steps=6000, seeds=range(10))
    history = train_many(models, x, labels, batches, splits={"test": (x_test, y_test)})
    history.error["test"]                              # (times, 10)
    models[3].save_pretrained("third")                 # the models hold their trained weights

For networks of this size, dispatching operations takes longer than the arithmetic, so one operation
computes all models (see `stack`, which compares this with `torch.func`). `torch.compile` would be
about as fast, but takes half a minute for every new shape, and a study has dozens of shapes. The
same code runs on a GPU. Every model is trained as it would be alone, which
tests/training/test_many.py checks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mnist1d_hf.training.stack import Stack

LOSSES = ("cross_entropy", "mse")
OPTIMIZERS = ("adam", "sgd")
IGNORED = -100  # torch's label for rows that are ignored
ROWS = 2000  # rows of all models together evaluated at a time, so that they fit the cache


class History(NamedTuple):
    """Metrics of M models over time; row t was measured after `steps[t]` updates."""

    steps: list[int]
    loss: dict[str, Tensor]  # split -> (times, M) float64
    error: dict[str, Tensor]  # split -> (times, M) float64, fraction of wrong rows, 0 to 1


@torch.no_grad()
def train_many(
    models: Sequence[nn.Module],
    x: Tensor,
    labels: Tensor,
    batches: Iterable[Tensor],
    *,
    optimizer: str = "adam",
    learning_rate: float | Sequence[float] = 0.01,
    momentum: float = 0.9,
    loss: str = "cross_entropy",
    masks: Mapping[str, Tensor] | None = None,
    splits: Mapping[str, tuple[Tensor, Tensor]] | None = None,
    evaluate_every: int | None = None,
) -> History:
    """Train M models of one architecture independently; their weights change in place.

    Args:
        models: M modules of linear layers, 1-d convolutions, pooling, ReLU, additions and
            flattening.
        x: (n, d) signals, or (M, n, d) if each model has its own; in the dtype and on the device of
            the models.
        labels: (n,) int64, or (M, n) if each model has its own labels or signals.
        batches: one tensor of row numbers per update: (batch,), or (M, batch) if each model has its
            own order. See `ordered_batches` and `shuffled_batches`.
        optimizer: "adam", with torch's defaults, or "sgd" with `momentum`.
        learning_rate: one number for all models, or one per model.
        momentum: momentum of "sgd".
        loss: "cross_entropy", or "mse": squared distance of the logits from the one-hot label,
            summed over the classes; both are means over the batch.
        masks: parameter name -> (M, *shape of the parameter); a weight is 0 where its mask is 0.
        splits: name -> (x, labels) to evaluate, with shapes as above; rows with label -100 are
            ignored.
        evaluate_every: number of updates between evaluations; the last update is always evaluated.

    Returns:
        Loss and error of every split and model over time.

    Raises:
        ValueError: a layer is of another kind, the models differ in more than their weights, a name
            is unknown, a label is none of the classes, or lengths do not match.
    """
    if loss not in LOSSES:
        raise ValueError(f"loss={loss!r}: must be one of {', '.join(LOSSES)}")
    stack = Stack(models)
    check_shapes(stack, x, labels)
    check_labels(stack, labels)
    signals, num_rows = x.flatten(0, -2), x.shape[-2]
    stack.check(signals[:2])
    for name, data in (splits or {}).items():
        check_shapes(stack, *data)
        check_labels(stack, data[1][data[1] != IGNORED])
        if data[0].shape[-1] != x.shape[-1]:
            raise ValueError(
                f"splits[{name!r}] has signals of {data[0].shape[-1]} points: must be "
                f"{x.shape[-1]}, as those to train on"
            )
    update = _Update(stack, optimizer, learning_rate, momentum, masks or {})
    targets = F.one_hot(labels, stack.num_outputs).to(x.dtype).flatten(0, -2)
    first = torch.arange(len(models), device=x.device)[:, None] * num_rows  # row of each model
    own_signals, own_labels = first * (x.ndim - 2), first * (labels.ndim - 1)
    measured: dict[int, dict[str, Tensor]] = {}

    def measure() -> None:
        measured[step] = {n: _measure(stack, *data, loss) for n, data in (splits or {}).items()}

    step = 0
    for step, rows in enumerate(batches, start=1):
        rows = rows.to(x.device).expand(len(models), -1)
        logits = stack.forward(signals[rows + own_signals])
        stack.backward(_loss_gradient(logits, targets[rows + own_labels], loss))
        update.step()
        if evaluate_every and step % evaluate_every == 0:
            measure()
    if step not in measured:
        measure()
    stack.store()
    found = {name: torch.stack([m[name] for m in measured.values()]) for name in splits or {}}
    return History(
        list(measured),
        loss={name: values[:, 0] for name, values in found.items()},
        error={name: values[:, 1] for name, values in found.items()},
    )


def check_shapes(stack: Stack, x: Tensor, labels: Tensor) -> None:
    """ValueError where signals or labels are neither shared by all models nor one set for each."""
    models = len(stack.models)
    if x.ndim not in (2, 3) or (x.ndim == 3 and len(x) != models):
        raise ValueError(
            f"x of shape {tuple(x.shape)}: must be (n, d), or ({models}, n, d) if each of the "
            f"{models} models has its own signals"
        )
    own = (models, x.shape[-2])
    shapes = [own] if x.ndim == 3 else [own[1:], own]
    if labels.shape not in shapes:
        allowed = " or ".join(map(str, shapes))
        raise ValueError(f"labels of shape {tuple(labels.shape)}: must be {allowed}")


def check_labels(stack: Stack, labels: Tensor) -> None:
    """ValueError where a label is none of the classes."""
    wrong = labels[(labels < 0) | (labels >= stack.num_outputs)]
    if len(wrong):
        raise ValueError(f"label {wrong[0]}: must be from 0 to {stack.num_outputs - 1}")


def rows_of(parts: Sequence[np.ndarray]) -> Tensor:
    """The rows (n, ...) of one part, or (M, n, ...) of one for each model, as `train_many` has."""
    return torch.tensor(parts[0] if len(parts) == 1 else np.stack(parts))


def ordered_batches(num_rows: int, batch_size: int, steps: int) -> Iterator[Tensor]:
    """Batches of rows 0, 1, ... in every epoch: the order of the paper's `train_model`.

    The last batch of an epoch is shorter when `batch_size` does not divide `num_rows`.
    """
    passes = torch.arange(num_rows).split(batch_size)
    return (passes[step % len(passes)] for step in range(steps))


def shuffled_batches(
    num_rows: Sequence[int], batch_size: int, steps: int, seeds: Iterable[int]
) -> Iterator[Tensor]:
    """Batches (M, batch) that permute the first `num_rows[m]` rows of model m in every epoch.

    Raises ValueError when `batch_size` does not divide a number of rows, since the batches of all
    models have the same size.
    """
    for rows in num_rows:
        if rows < 1 or rows % batch_size:
            raise ValueError(f"num_rows={rows}: must be a multiple of batch_size={batch_size}")
    orders = [
        _permutations(rows, batch_size, torch.Generator().manual_seed(seed))
        for rows, seed in zip(num_rows, seeds, strict=True)
    ]
    return (torch.stack([next(order) for order in orders]) for _ in range(steps))


def _permutations(rows: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    while True:
        yield from torch.randperm(rows, generator=generator).split(batch_size)


def _loss_gradient(logits: Tensor, targets: Tensor, loss: str) -> Tensor:
    """Gradient of each model's loss with respect to its logits (M, batch, classes)."""
    batch = logits.shape[1]
    if loss == "mse":
        return (logits - targets).mul_(2 / batch)
    return logits.softmax(2).sub_(targets).div_(batch)


def _measure(stack: Stack, x: Tensor, labels: Tensor, loss: str) -> Tensor:
    """Loss and fraction of wrong rows of each model: (2, M) float64."""
    models, classes = len(stack.models), stack.num_outputs
    total = torch.zeros(2, models, dtype=torch.float64, device=x.device)
    labels = labels.expand(models, -1)
    rows = max(1, ROWS // models)
    for part, wanted in zip(x.split(rows, dim=-2), labels.split(rows, dim=1), strict=True):
        logits = stack.forward(part.expand(models, -1, -1)).double()
        counts = wanted != IGNORED
        if loss == "mse":
            one_hot = F.one_hot(wanted.clamp_min(0), classes)
            losses = (logits - one_hot).square().sum(2) * counts
        else:
            flat = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none")
            losses = flat.view(models, -1)  # torch gives ignored rows the loss zero
        total[0] += losses.sum(1)
        total[1] += ((logits.argmax(2) != wanted) & counts).sum(1)
    return total / (labels != IGNORED).sum(1)


class _Update:
    """One step of the optimizer for all models; pruned weights are held at zero."""

    def __init__(
        self,
        stack: Stack,
        optimizer: str,
        learning_rate: float | Sequence[float],
        momentum: float,
        masks: Mapping[str, Tensor],
    ):
        self.weights, self.gradients = stack.weights, stack.gradients
        self.mask: Tensor | None = None
        self.rates: Tensor | None = None
        if masks:
            self.mask = torch.ones_like(self.weights)
            for name, mask in masks.items():
                if name not in stack.places or len(mask) != len(stack.models):
                    raise ValueError(
                        f"masks[{name!r}]: must be one mask per model of a parameter, "
                        f"{', '.join(stack.places)}"
                    )
                stack.fill(self.mask, name, list(mask))
            self.weights.mul_(self.mask)
        self.moved, rate = self.weights, 1.0
        if isinstance(learning_rate, int | float):
            rate = learning_rate
        else:
            if len(learning_rate) != len(stack.models):
                raise ValueError(
                    f"learning_rate: {len(learning_rate)} values for {len(stack.models)} models"
                )
            # torch's optimizer updates `moved` from zero at learning rate 1, and the update is
            # scaled by each model's learning rate: neither Adam nor SGD reads the weights
            self.moved = torch.zeros_like(self.weights)
            self.rates = torch.empty_like(self.weights)
            rates = torch.tensor(learning_rate, dtype=self.weights.dtype)
            for name in stack.places:
                stack.view(self.rates, name).copy_(rates[:, None, None])
        self.moved.grad = self.gradients
        if optimizer == "adam":
            self.optimizer: torch.optim.Optimizer = torch.optim.Adam([self.moved], rate, fused=True)
        elif optimizer == "sgd":
            self.optimizer = torch.optim.SGD([self.moved], rate, momentum, fused=True)
        else:
            raise ValueError(f"optimizer={optimizer!r}: must be one of {', '.join(OPTIMIZERS)}")

    def step(self) -> None:
        if self.mask is not None:
            self.gradients.mul_(self.mask)
        if self.rates is not None:
            self.moved.zero_()
        self.optimizer.step()
        if self.rates is not None:
            self.weights.addcmul_(self.rates, self.moved)
