"""M models of one architecture as one network of stacked parameters, gradients written by hand.

    stack = Stack(models)                   # torch modules, equal but for their weights
    logits = stack.forward(x)               # x (M, batch, d) -> (M, batch, classes)
    stack.backward(gradients)                  # fills stack.gradients, laid out as stack.weights
    stack.store()                           # writes the weights back into the models

Activations are (M, batch, features) or (M, batch, length, channels). Every layer with weights is
one batched matrix product for all models. Its weights are stored with the axes of torch's in
reverse, (M, in, out), because a product with a transposed factor runs at half the speed; a
convolution lays its windows side by side first (im2col), which on a CPU beats grouped and vmapped
convolutions. Autograd would cost about as much as the arithmetic, so each layer computes its
gradients; they go straight into one flat buffer, and the optimizer is one operation however many
layers.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F


class Layer:
    """A layer without weights; `backward` takes the gradient with respect to its output and
    returns those with respect to each input."""

    shapes: tuple[tuple[int, int], ...] = ()  # of weight and bias
    weight: Tensor
    bias: Tensor
    d_weight: Tensor
    d_bias: Tensor
    forward: Callable[..., Tensor]  # one tensor per input

    def __init__(self, module: Any = None):
        pass

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        """One tensor per input; None is allowed when they are not `needed`."""
        raise NotImplementedError  # every kind of layer has its own


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
    """A 1-d convolution: `Linear` on windows laid side by side."""

    def __init__(self, module: nn.Conv1d):
        (self.kernel,), (self.stride,) = module.kernel_size, module.stride
        self.padding = int(module.padding[0])
        channels = module.out_channels
        self.shapes = (self.kernel * module.in_channels, channels), (1, channels)

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (0, 0, self.padding, self.padding))
        models, batch, self.length, channels = padded.shape
        windows = (self.length - self.kernel) // self.stride + 1
        # neighbours in time are neighbours in memory, so a window is one run of numbers
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
    in_place = False

    def forward(self, x: Tensor) -> Tensor:
        self.y = x.relu_() if self.in_place else x.relu()
        return self.y

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        return [torch.ops.aten.threshold_backward(gradient, self.y, 0)]


class Add(Layer):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        return [gradient, gradient]


class Unflatten(Layer):
    """One channel: (M, batch, length) to (M, batch, length, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(3)

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        return [gradient.squeeze(3)]


class Flatten(Layer):
    """All channels at all positions, in torch's order."""

    def forward(self, x: Tensor) -> Tensor:
        self.shape = x.mT.shape
        return x.mT.flatten(2)

    def backward(self, gradient: Tensor, needed: bool) -> list[Any]:
        return [gradient.view(self.shape).mT.contiguous()]


class Pool(Layer):
    """Windows of `size` that do not overlap: `x` (M, batch, windows, size, channels) to `y`."""

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
        raise NotImplementedError  # each kind of pooling has its own

    def spread(self, gradient: Tensor) -> Tensor:
        raise NotImplementedError  # each kind of pooling has its own


class MaxPool(Pool):
    def reduce(self) -> Tensor:
        return functools.reduce(torch.maximum, self.x.unbind(3))

    def spread(self, gradient: Tensor) -> Tensor:
        parts = []
        for x in self.x.unbind(3)[:-1]:  # of several equal maxima the first gets it all
            parts.append(torch.where(x == self.y, gradient, 0))
            gradient = gradient - parts[-1]
        return torch.stack([*parts, gradient], 3)


class AvgPool(Pool):
    def reduce(self) -> Tensor:
        return self.x.mean(3)

    def spread(self, gradient: Tensor) -> Tensor:
        return (gradient / self.size).unsqueeze(3).expand_as(self.x)


class L2Pool(Pool):
    """The root of the sum of squares; its gradient at zero is zero, as behind torch's ReLU."""

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
    """The layer that does what a step of a traced model does, by `module` or by a function."""
    kind = type(module).__name__ if module is not None else node.target
    kind = getattr(kind, "__name__", kind)
    if kind not in LAYERS:
        raise ValueError(f"layer {kind!r} cannot be stacked; these can: {', '.join(LAYERS)}")
    return LAYERS[kind](module)


class Stack:
    """M models as one: flat `weights` and `gradients`, of which every layer has its views.

    Raises ValueError when the models differ in more than their weights, or have a layer that is
    not in `LAYERS`.
    """

    def __init__(self, models: Sequence[nn.Module]):
        self.models = list(models)
        specs = [[(n, p.shape, p.dtype) for n, p in m.named_parameters()] for m in self.models]
        if not specs or any(spec != specs[0] for spec in specs):
            raise ValueError("models: at least one, and all with parameters of the same shapes")
        self.layers: list[tuple[Layer, list[int]]] = []  # and the values each takes; value 0 is x
        self.trainable = [False]  # by value: whether it depends on weights
        owners = self._read_graph()
        like = next(self.models[0].parameters())
        size = len(self.models) * sum(a * b for layer, _ in self.layers for a, b in layer.shapes)
        self.weights = torch.zeros(size, dtype=like.dtype, device=like.device)
        self.gradients = torch.zeros_like(self.weights)
        self.num_outputs = next(
            layer.shapes[1][1] for layer, _ in reversed(self.layers) if layer.shapes
        )
        # parameter of the models -> where its stack starts in `weights`, and (M, in, out)
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
                    # what a product made for this layer alone is not looked at again
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
        """Signals (M, batch, d) to logits (M, batch, classes)."""
        values = [x]
        for layer, inputs in self.layers:
            values.append(layer.forward(*(values[i] for i in inputs)))
        return values[-1]

    def backward(self, gradient: Tensor) -> None:
        """Fill `gradients`, given the gradients of the losses with respect to the last logits."""
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
        """Compare the logits of a few signals (rows, d) with those of the models themselves.

        Raises ValueError where they differ: a layer has an option that `LAYERS` does not know.
        """
        alone = torch.stack([_Logits(model)(x) for model in self.models])
        try:
            stacked = self.forward(x.expand(len(self.models), -1, -1))
            same = stacked.shape == alone.shape and torch.allclose(stacked, alone, 1e-3, 1e-4, True)
        except RuntimeError:  # shapes that do not fit
            same = False
        if not same:
            raise ValueError(
                f"the stack does not compute what {type(self.models[0]).__name__} does: one of "
                "its layers has an option that cannot be stacked"
            )

    def view(self, flat: Tensor, name: str) -> Tensor:
        """The part of a tensor laid out as `weights` that belongs to a parameter: (M, in, out)."""
        start, shape = self.places[name]
        return flat[start : start + math.prod(shape)].view(shape)

    @torch.no_grad()
    def fill(self, flat: Tensor, name: str, values: Sequence[Tensor]) -> None:
        """Write one tensor per model, shaped as parameter `name`, into `flat`."""
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
    """A model's function from signals to logits, also when its own output holds more."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self.model, "logits", self.model)(x)
