"""M models of one architecture as one network of stacked parameters, with explicit gradients.

    stack = Stack(models)                   # torch modules that differ in their weights only
    logits = stack.forward(x)               # x (M, batch, d) -> (M, batch, classes)
    stack.backward(gradients)               # fills stack.gradients, laid out as stack.weights
    stack.store()                           # writes the weights back into the models

Activations are (M, batch, features) or (M, batch, length, channels). Every layer with weights is
one batched matrix product for all models. Weights are stored as (M, in, out), the reverse of
torch's axes, because a product with a transposed factor runs at half the speed. A convolution is a
matrix product with its windows (im2col).

`torch.func.stack_module_state` with `vmap` stacks any model, but uses autograd, which here takes
about as long as the arithmetic. Instead each layer computes its own gradients, into one flat
buffer, so that the optimizer is one operation for all layers and models.
"""

import functools
import math
from collections.abc import Callable, Sequence
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


class Stack:
    """M models as one network, whose layers have views of flat `weights` and `gradients`.

    Raises ValueError when the models differ in more than their weights, or have a layer that is
    not in `LAYERS`.
    """

    def __init__(self, models: Sequence[nn.Module]):
        self.models = list(models)
        specs = [[(n, p.shape, p.dtype) for n, p in m.named_parameters()] for m in self.models]
        if not specs or any(spec != specs[0] for spec in specs):
            raise ValueError("models: at least one, and all with parameters of the same shapes")
        self.layers: list[tuple[Layer, list[int]]] = []  # with the numbers of their inputs; 0 is x
        self.trainable = [False]  # for each value, whether it depends on weights
        owners = self._read_graph()
        like = next(self.models[0].parameters())
        size = len(self.models) * sum(a * b for layer, _ in self.layers for a, b in layer.shapes)
        self.weights = torch.zeros(size, dtype=like.dtype, device=like.device)
        self.gradients = torch.zeros_like(self.weights)
        self.num_outputs = next(
            layer.shapes[1][1] for layer, _ in reversed(self.layers) if layer.shapes
        )
        # parameter name -> start of its stack in `weights`, and the shape (M, in, out)
        self.places: dict[str, tuple[int, tuple[int, int, int]]] = {}
        self._share_out(owners)
        names = {name for name, _, _ in specs[0]}
        if self.places.keys() != names:
            raise ValueError(
                f"the models have parameters {sorted(names)}, their layers {sorted(self.places)}: "
                "every layer needs its own weight and bias"
            )
        for name in self.places:
            self.fill(self.weights, name, [m.get_parameter(name) for m in self.models])

    def _read_graph(self) -> list[str]:
        """Find the layers; returns the name of the module behind each, "" for a function."""
        owners = []
        place: dict[fx.Node, int] = {}
        for node in fx.Tracer().trace(_Logits(self.models[0])).nodes:
            inputs = [place[n] for n in node.all_input_nodes if n in place]
            if node.op == "placeholder" and not place:
                place[node] = 0
            elif inputs and node.op.startswith("call"):
                place[node] = len(self.trainable)
                owner = str(node.target).removeprefix("model").removeprefix(".")
                module = self.models[0].get_submodule(owner) if node.op == "call_module" else None
                layer = new_layer(node, module)
                if isinstance(layer, Relu) and inputs[0]:
                    # the output of a product is not needed again if this is its only user
                    (x,) = node.all_input_nodes
                    product = isinstance(self.layers[inputs[0] - 1][0], Linear)
                    layer.in_place = product and len(x.users) == 1
                self.layers.append((layer, inputs))
                self.trainable.append(bool(layer.shapes) or any(self.trainable[i] for i in inputs))
                owners.append(owner if module is not None else "")
        return owners

    def _share_out(self, owners: list[str]) -> None:
        start = 0
        for (layer, _), owner in zip(self.layers, owners, strict=True):
            for kind, shape in zip(("weight", "bias"), layer.shapes, strict=False):
                name = f"{owner}.{kind}".removeprefix(".")
                self.places[name] = start, (len(self.models), *shape)
                setattr(layer, kind, self.view(self.weights, name))
                setattr(layer, f"d_{kind}", self.view(self.gradients, name))
                start += len(self.models) * math.prod(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (M, batch, classes) of signals (M, batch, d)."""
        values = [x]
        for layer, inputs in self.layers:
            values.append(layer.forward(*(values[i] for i in inputs)))
        return values[-1]

    def backward(self, gradient: Tensor) -> None:
        """Fill `gradients`, given the gradient of each model's loss with respect to its logits.

        The logits are those of the last call of `forward`.
        """
        upstream = {len(self.layers): gradient}
        for place in range(len(self.layers), 0, -1):
            layer, inputs = self.layers[place - 1]
            if not self.trainable[place]:
                continue
            needed = any(self.trainable[i] for i in inputs)
            for i, part in zip(inputs, layer.backward(upstream.pop(place), needed), strict=True):
                if self.trainable[i]:
                    upstream[i] = upstream[i] + part if i in upstream else part

    def check(self, x: Tensor) -> None:
        """ValueError unless the logits of signals x (rows, d) are those of the models themselves.

        They differ when a layer has an option that the layers here do not support.
        """
        alone = torch.stack([_Logits(model)(x) for model in self.models])
        try:
            stacked = self.forward(x.expand(len(self.models), -1, -1))
            same = stacked.shape == alone.shape and torch.allclose(stacked, alone, 1e-3, 1e-4, True)
        except RuntimeError:  # shapes that do not match
            same = False
        if not same:
            raise ValueError(
                f"the stack does not compute what {type(self.models[0]).__name__} does: one of "
                "its layers has an option that cannot be stacked"
            )

    def view(self, flat: Tensor, name: str) -> Tensor:
        """The view (M, in, out) of a parameter in a tensor that is laid out as `weights`."""
        start, shape = self.places[name]
        return flat[start : start + math.prod(shape)].view(shape)

    @torch.no_grad()
    def fill(self, flat: Tensor, name: str, values: Sequence[Tensor]) -> None:
        """Write one tensor per model, with the shape of the parameter `name`, into `flat`."""
        stacked = torch.stack(list(values))
        reverse = stacked.permute(0, *range(stacked.ndim - 1, 0, -1))
        view = self.view(flat, name)
        view.copy_(reverse.reshape(view.shape))

    @torch.no_grad()
    def store(self) -> None:
        """Write the weights back into the models."""
        for name in self.places:
            for model, weights in zip(self.models, self.view(self.weights, name), strict=True):
                parameter = model.get_parameter(name)
                reverse = weights.reshape(parameter.shape[::-1])
                parameter.copy_(reverse.permute(*range(parameter.ndim - 1, -1, -1)))


class _Logits(nn.Module):
    """A module that returns the logits of a model only, whatever else the model returns."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self.model, "logits", self.model)(x)
