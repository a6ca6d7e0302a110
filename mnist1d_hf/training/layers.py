"""Layers of M models at once, each with its own gradient; stack.py makes a network of them.

Activations are (M, batch, features) or (M, batch, length, channels). Every layer with weights is
one batched matrix product for all models. Weights are stored as (M, in, out), the reverse of
torch's axes, because a product with a transposed factor runs at half the speed. A convolution is a
matrix product with its windows (im2col).
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F


class Layer:
    """Base of all layers; it has no weights.

    `forward` computes the output of its inputs, and keeps the tensors that `backward` needs.
    """

    shapes: tuple[tuple[int, int], ...] = ()  # shapes of weight and bias
    weight: Tensor
    bias: Tensor
    d_weight: Tensor
    d_bias: Tensor
    forward: Callable[..., Tensor]  # one tensor per input

    def __init__(self, module: Any = None):
        pass

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        """The gradient with respect to each input, given that with respect to the output.

        An entry may be None when the gradients are not `needed`. Layers with weights also fill
        `d_weight` and `d_bias`.
        """
        raise NotImplementedError  # defined by every kind of layer


class Linear(Layer):
    """x W + b over the last axis."""

    def __init__(self, module: nn.Linear):
        self.shapes = (module.in_features, module.out_features), (1, module.out_features)

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        return torch.baddbmm(self.bias, x, self.weight)

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        torch.bmm(self.x.mT, gradient, out=self.d_weight)
        torch.sum(gradient, 1, keepdim=True, out=self.d_bias)
        return [torch.bmm(gradient, self.weight.mT) if needed else None]


class Conv(Linear):
    """A 1-d convolution: `Linear` on the windows of the signal (im2col)."""

    def __init__(self, module: nn.Conv1d):
        (self.kernel,), (self.stride,) = module.kernel_size, module.stride
        self.padding = int(module.padding[0])
        channels = module.out_channels
        self.shapes = (self.kernel * module.in_channels, channels), (1, channels)

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (0, 0, self.padding, self.padding))
        models, batch, self.length, channels = padded.shape
        windows = (self.length - self.kernel) // self.stride + 1
        # consecutive points are contiguous in memory, so each window is one contiguous block
        strides = *padded.stride()[:2], self.stride * channels, 1
        side_by_side = padded.as_strided(
            (models, batch, windows, self.kernel * channels), strides
        ).reshape(models, batch * windows, -1)
        return super().forward(side_by_side).unflatten(1, (batch, windows))

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        models, batch, windows, _ = gradient.shape
        (d_windows,) = super().backward(gradient.flatten(1, 2), needed)
        if d_windows is None:
            return [None]
        d_windows = d_windows.view(models, batch, windows, self.kernel, -1)
        d_x = gradient.new_zeros(models, batch, self.length, d_windows.shape[-1])
        for tap in range(self.kernel):
            last = tap + self.stride * (windows - 1)
            d_x[:, :, tap : last + 1 : self.stride].add_(d_windows[:, :, :, tap])
        return [d_x[:, :, self.padding : self.length - self.padding]]


class Relu(Layer):
    """max(x, 0), computed in place where no other layer uses its input."""

    in_place = False

    def forward(self, x: Tensor) -> Tensor:
        self.y = x.relu_() if self.in_place else x.relu()
        return self.y

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        return [torch.ops.aten.threshold_backward(gradient, self.y, 0)]


class Add(Layer):
    """The sum of two activations, for residual connections."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        return [gradient, gradient]


class Unflatten(Layer):
    """Adds an axis for one channel: (M, batch, length) to (M, batch, length, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(3)

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        return [gradient.squeeze(3)]


class Flatten(Layer):
    """Flattens channels and positions, in torch's order (channels first)."""

    def forward(self, x: Tensor) -> Tensor:
        self.shape = x.mT.shape
        return x.mT.flatten(2)

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        return [gradient.view(self.shape).mT.contiguous()]


class Pool(Layer):
    """Base of pooling over adjacent windows: (M, batch, length, channels) to (..., windows, ...).

    `self.x` is (M, batch, windows, size, channels) and `self.y` the output.
    """

    def __init__(self, module: Any):
        size = module.kernel_size
        self.size = size[0] if isinstance(size, tuple) else size

    def forward(self, x: Tensor) -> Tensor:
        self.rest = x.shape[2] % self.size
        self.x = x[:, :, : x.shape[2] - self.rest].unflatten(2, (-1, self.size))
        self.y = self.reduce()
        return self.y

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        return [F.pad(self.spread(gradient).flatten(2, 3), (0, 0, 0, self.rest))]

    def reduce(self) -> Tensor:
        """The output of the windows `self.x`."""
        raise NotImplementedError  # defined by each kind of pooling

    def spread(self, gradient: Tensor) -> Tensor:
        """The gradient with respect to the windows, given that with respect to the output."""
        raise NotImplementedError  # defined by each kind of pooling


class MaxPool(Pool):
    """The maximum of each window."""

    def reduce(self) -> Tensor:
        return functools.reduce(torch.maximum, self.x.unbind(3))

    def spread(self, gradient: Tensor) -> Tensor:
        parts = []
        for x in self.x.unbind(3)[:-1]:  # the first of several equal maxima gets the gradient
            parts.append(torch.where(x == self.y, gradient, 0))
            gradient = gradient - parts[-1]
        return torch.stack([*parts, gradient], 3)


class AvgPool(Pool):
    """The mean of each window."""

    def reduce(self) -> Tensor:
        return self.x.mean(3)

    def spread(self, gradient: Tensor) -> Tensor:
        return (gradient / self.size).unsqueeze(3).expand_as(self.x)


class L2Pool(Pool):
    """The square root of the sum of squares of each window; its gradient at zero is zero."""

    def reduce(self) -> Tensor:
        return self.x.square().sum(3).sqrt()

    def spread(self, gradient: Tensor) -> Tensor:
        tiny = torch.finfo(gradient.dtype).tiny
        return self.x * (gradient / self.y.clamp_min(tiny)).unsqueeze(3)


LAYERS: dict[str, type[Layer]] = {
    "Linear": Linear,
    "Conv1d": Conv,
    "MaxPool1d": MaxPool,
    "AvgPool1d": AvgPool,
    "LPPool1d": L2Pool,
    "ReLU": Relu,
    "relu": Relu,
    "Flatten": Flatten,
    "flatten": Flatten,
    "Unflatten": Unflatten,
    "unsqueeze": Unflatten,
    "add": Add,
}


def new_layer(node: fx.Node, module: nn.Module | None) -> Layer:
    """The layer for a node of a traced model, which calls `module` or a function.

    Raises ValueError for a module or function that is not in `LAYERS`.
    """
    kind = type(module).__name__ if module is not None else node.target
    kind = getattr(kind, "__name__", kind)
    if kind not in LAYERS:
        raise ValueError(f"layer {kind!r} cannot be stacked; these can: {', '.join(LAYERS)}")
    return LAYERS[kind](module)
