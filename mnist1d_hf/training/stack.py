"""M models of one architecture as one network of stacked parameters, with explicit gradients.

    stack = Stack(models)                   # torch modules that differ in their weights only
    logits = stack.forward(x)               # x (M, batch, d) -> (M, batch, classes)
    stack.backward(gradients)               # fills stack.gradients, laid out as stack.weights
    stack.store()                           # writes the weights back into the models

`torch.func.stack_module_state` with `vmap` stacks any model, but uses autograd, which here takes
about as long as the arithmetic. Instead each layer (layers.py) computes its own gradients, into one
flat buffer, so that the optimizer is one operation for all layers and models.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn

from mnist1d_hf.training.layers import Layer, Linear, Relu, new_layer


class Stack:
    """M models as one network, whose layers have views of flat `weights` and `gradients`.

    Raises ValueError when the models differ in more than their weights, or have a layer that is
    not in `LAYERS` of layers.py.
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
