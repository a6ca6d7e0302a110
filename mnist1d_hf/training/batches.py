"""Endless fresh batches, made by torch on the device that trains: no row is ever seen twice.

    from mnist1d_hf import SignalParams
    from mnist1d_hf.training.batches import batches, to_inputs

    fresh = batches(SignalParams(stream="counter"), 100, device="cuda", seed=0)
    for _, (x, labels) in zip(range(6000), fresh):
        model(x=x, labels=labels).loss.backward()
        ...
    torch.save(fresh.state_dict(), "fresh.pt")      # `load_state_dict`: goes on with the next batch

To `Mnist1DTrainer` a batch is one item:

    args = TrainingArguments(
        "out", max_steps=6000, per_device_train_batch_size=1, dataloader_pin_memory=False
    )
    Mnist1DTrainer(model, args, train_dataset=fresh, data_collator=to_inputs).train()

Rows have the distribution of the counter stream, whose numbers they are not; the permutation of
`shuffle_seq` and the constants of the normalisation are the same. So its test rows are the ones to
test on: `make_range(params, TEST_START, TEST_START + 20_000)`.
"""

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from mnist1d_hf.signals.counter import prepare
from mnist1d_hf.signals.params import SignalParams, check_integer
from mnist1d_hf.signals.render import dilated_table, resample, smooth
from mnist1d_hf.signals.templates import templates

# Rows drawn at a time: on a CPU their temporaries stay in its cache, elsewhere launches cost time.
CPU_ROWS, OTHER_ROWS = 2000, 100_000


def batches(
    params: SignalParams,
    batch_size: int,
    *,
    device: torch.device | str = "cpu",
    seed: int | None = None,
) -> "Batches":
    """An iterator without end over batches: x (batch_size, d) float32, labels (batch_size,) int64.

    Of `params`, `num_samples`, `train_split` and `validation_size` play no part. `seed` (that of
    `params` if None) starts a generator of its own: torch's global one is neither read nor moved.
    The same seed gives the same batches on one machine, device and version of torch. Each process
    of a distributed training needs a seed of its own.

    Raises ValueError for the frozen stream, which is normalised by its own sample, and for a
    `batch_size` or `seed` that is none.

    >>> x, labels = next(batches(SignalParams(stream="counter"), 100))
    >>> x.shape, labels.dtype
    (torch.Size([100, 40]), torch.int64)
    """
    return Batches(params, batch_size, torch.device(device), params.seed if seed is None else seed)


class Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """What `batches` returns; also a dataset of torch whose items are batches."""

    def __init__(self, params: SignalParams, batch_size: int, device: torch.device, seed: int):
        if params.stream != "counter":
            raise ValueError(
                f"stream={params.stream!r}: fresh rows have the constants of stream='counter'"
            )
        self.params = params
        self.batch_size = check_integer("batch_size", batch_size, 1, math.inf)
        self.generator = torch.Generator(device)
        self.generator.manual_seed(check_integer("seed", seed, 0, 2**63 - 1))
        most = CPU_ROWS if device.type == "cpu" else OTHER_ROWS
        self._count = max(1, most // batch_size) * batch_size  # rows drawn at a time
        self._start = self.generator.get_state()
        self._before = 0, self._start  # rows drawn, and the generator, before these:
        self._batches: list[tuple[Tensor, Tensor]] = []
        self._next = 0  # of them
        self._prepare()

    def _prepare(self) -> None:
        """The rendering as matrices: after the draws, and the mask, a signal is linear in them."""
        params, shared = self.params, prepare(self.params)
        length = params.padded_length
        table = dilated_table(templates(), params)
        # (length, d): resampling and division by the standard deviation
        points = resample(np.eye(length), params.final_seq_length) / shared.std
        ramp = np.linspace(-0.5, 0.5, params.final_seq_length) / shared.std
        # noise that is independent before resampling: as few normals as have its covariance after
        _, scales, axes = np.linalg.svd(params.iid_noise_scale * points, full_matrices=False)

        def put(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array.astype(np.float32)).to(self.generator.device)

        # (num_classes, num_paddings, length + 1, length): rotated left by k at [class, padding, k]
        self._windows = put(np.concatenate([table, table], axis=-1)).unfold(-1, length, 1)
        self._background = put(params.corr_noise_scale * smooth(np.eye(length)))
        self._points = put(points[:, shared.order])
        self._independent = put(scales[:, None] * axes[:, shared.order])
        self._ramp = put(ramp[shared.order])
        self._offset = -shared.mean / shared.std
        self._labels = torch.from_numpy(shared.labels).to(self.generator.device)

    def __iter__(self) -> "Batches":
        if get_worker_info() is not None:
            raise RuntimeError(
                "every worker of the DataLoader would make the same batches: set num_workers=0; "
                "they are made where the training is, faster than workers could send them"
            )
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        if self._next == len(self._batches):
            self._draw()
        self._next += 1
        return self._batches[self._next - 1]

    def _draw(self) -> None:
        drawn = self._before[0] + len(self._batches) * self.batch_size
        self._before = drawn, self.generator.get_state()
        x, labels = self._rows(drawn, self._count)
        self._batches = list(
            zip(x.split(self.batch_size), labels.split(self.batch_size), strict=True)
        )
        self._next = 0

    def _rows(self, first: int, n: int) -> tuple[Tensor, Tensor]:
        """n rows, the first of which is number `first` since the start; classes are balanced."""
        params, generator = self.params, self.generator
        draw: dict[str, Any] = {"generator": generator, "device": generator.device}
        num_classes, num_paddings = self._windows.shape[:2]
        length = params.padded_length
        classes = (torch.randperm(n, **draw) + first) % num_classes
        padding = torch.randint(num_paddings, (n,), **draw)
        shift = torch.randint(params.max_translation, (n,), **draw)
        scale, shear = torch.rand(2, n, 1, **draw) - 0.5
        x = self._windows[classes, padding, length - shift]  # (n, length)
        x *= 1 + params.scale_coeff * scale
        background = torch.randn(n, length, **draw) @ self._background
        x.addcmul_(background, (x == 0).to(x.dtype))
        out = torch.addmm(self._offset - params.shear_scale * shear * self._ramp, x, self._points)
        out.addmm_(torch.randn(n, len(self._independent), **draw), self._independent)
        labels = self._labels[classes]
        if params.label_noise:
            noisy = torch.rand(n, **draw) < params.label_noise
            other = torch.randint(num_classes, (n,), **draw)
            labels = torch.where(noisy, self._labels[other], labels)
        return out, labels

    def state_dict(self) -> dict[str, Any]:
        """Where the iteration stands, in a few kilobytes that `torch.save` can write."""
        drawn, generator = self._before
        return {"of": self._identity(), "drawn": drawn, "generator": generator, "next": self._next}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on after the last batch that the batches which gave `state` had returned.

        Raises ValueError when those were of other parameters, another size or kind of device.
        """
        here = self._identity()
        other = [name for name, value in state["of"].items() if value != here[name]]
        if other:
            name = other[0]
            raise ValueError(
                f"the state is of batches with {name}={state['of'][name]!r}, not {here[name]!r}"
            )
        self._before = state["drawn"], state["generator"]
        self._batches, self._next = [], 0
        self.generator.set_state(state["generator"])
        if state["next"]:
            self._draw()
            self._next = state["next"]

    def rewind(self) -> None:
        """Go back to before the first batch, as a training does that skips those it has seen."""
        self._before = 0, self._start
        self._batches, self._next = [], 0
        self.generator.set_state(self._start)

    def _identity(self) -> dict[str, Any]:
        """What else determines the batches."""
        identity = dataclasses.asdict(self.params)
        return {**identity, "batch_size": self.batch_size, "device": self.generator.device.type}


def to_inputs(items: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """The one item, a batch, as keywords of a model: the `data_collator` of a Trainer."""
    [(x, labels)] = items
    return {"x": x, "labels": labels}
