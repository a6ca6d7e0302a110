"""What `Mnist1DTrainer` leaves out of Trainer's work, and where that can be told from nothing.

A small model's step takes less time than Trainer needs to fetch its batch row by row, to look for
optional libraries and to divide by one. Where both functions below agree, none of that changes any
number, so it is left out; everywhere else the work is Trainer's own.
"""

from collections.abc import Iterator
from typing import Any

import datasets
import numpy as np
import torch
from accelerate import DistributedType
from accelerate.data_loader import DataLoaderShard, SeedableRandomSampler
from accelerate.optimizer import AcceleratedOptimizer
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler
from transformers import (
    DefaultDataCollator,
    IntervalStrategy,
    Trainer,
    TrainerCallback,
    default_data_collator,
)

from mnist1d_hf.data.tensors import to_numpy

# Samplers that settle the order of an epoch before its first row.
SAMPLERS = (SequentialSampler, RandomSampler, SeedableRandomSampler)

# Methods of Trainer that a step without them must not have lost to a subclass.
HOOKS = (
    "compute_loss_context_manager",
    "autocast_smart_context_manager",
    "_prepare_input",
    "_prepare_context_parallel_inputs",
    "_maybe_log_save_evaluate",
    "_clip_grad_norm",
)


def is_plain(dataset: Any, collator: object) -> bool:
    """Whether what is stored in `dataset` is what reaches the model.

    All of this must hold:

    - the dataset is a `datasets.Dataset` itself, not a subclass, a stream, or a dataset of torch;
    - its format is none, torch or numpy, without options, over all columns: no transform;
    - the collator is the default of transformers.
    """
    if type(dataset) is not datasets.Dataset:
        return False
    default = type(collator) is DefaultDataCollator and collator.return_tensors == "pt"
    form = dataset.format
    return (
        (default or collator is default_data_collator)
        and form["type"] in (None, "torch", "numpy")
        and not form["format_kwargs"]
        and set(form["columns"]) == set(dataset.column_names)
    )


def can_slice(dataset: Any, collator: object) -> bool:
    """Whether batches of `dataset` may be slices of tensors instead of lists of rows.

    It must be plain (`is_plain`), with lists of floating-point numbers as `x`, perhaps integers as
    `label`, and no other column. `x` must become float32, which is a matter of torch's default.
    """
    if not is_plain(dataset, collator) or not {"x"} <= set(dataset.features) <= {"x", "label"}:
        return False
    x, label = dataset.features["x"], dataset.features.get("label", datasets.Value("int64"))
    return (
        torch.get_default_dtype() == torch.float32
        and isinstance(x, datasets.List)
        and getattr(x.feature, "dtype", "").startswith("float")
        and isinstance(label, datasets.Value | datasets.ClassLabel)
        and label.dtype.startswith(("int", "uint"))
    )


def can_step_at_once(trainer: Trainer) -> bool:
    """Whether a training step may be the forward pass, the backward pass and the optimizer's step.

    All of this must hold:

    - there is one process with at most one device, and full precision;
    - neither `args` nor accelerate's configuration asks for more: no emptying of caches, no
      parallelism within the model, no accumulation by accelerate;
    - the optimizer has no mode for training (schedule-free ones do) and none of its steps in the
      backward pass (LOMO);
    - no subclass has replaced a method in `HOOKS`, or `backward` of the accelerator.

    The loss, its scaling, the inputs, gradient clipping and all callbacks stay with Trainer and are
    no condition.
    """
    accelerator = trainer.accelerator
    inner = getattr(trainer.optimizer, "optimizer", None)
    replaced = [
        name
        for name in HOOKS
        if name in vars(trainer) or getattr(type(trainer), name) is not getattr(Trainer, name)
    ]
    return (
        accelerator.distributed_type == DistributedType.NO
        and trainer.args.n_gpu <= 1
        and accelerator.mixed_precision == "no"
        and accelerator.scaler is None
        and accelerator.gradient_accumulation_steps == 1
        and getattr(accelerator, "parallelism_config", None) is None
        and trainer.args.torch_empty_cache_steps is None
        and not accelerator.has_lomo_optimizer
        and isinstance(inner, torch.optim.Optimizer)
        and not callable(getattr(inner, "train", None))
        and not replaced
        and "backward" not in vars(accelerator)
    )


def may_log_next(trainer: Trainer) -> bool:
    """Whether the log of the coming step may be written, and with it the norm of the gradients.

    Only where transformers' own callbacks decide about that is it known before the step ends.

    One difference is left, in a training that diverges without clipping: the norm being infinite,
    Trainer turns all gradients into NaN in that very step, whereas the fast path leaves the finite
    ones, and meets NaN with the next loss.
    """
    known = all(
        type(callback).__module__ == TrainerCallback.__module__
        for callback in trainer.callback_handler.callbacks
    )
    args, step = trainer.args, trainer.state.global_step + 1
    if not known or args.logging_strategy == IntervalStrategy.EPOCH:
        return True
    if args.logging_first_step and step == 1:
        return True
    steps = args.logging_strategy == IntervalStrategy.STEPS
    return steps and step % trainer.state.logging_steps == 0


def slice_batches(loader: Any) -> None:
    """Let a loader that accelerate prepared cut its batches from tensors, where it may.

    Sampler, order, epochs, sharing among processes and the loader itself stay as they are; so do
    loaders with workers. Raises ValueError for columns with missing values or unequal rows.
    """
    if (
        type(loader) is not DataLoaderShard
        or type(loader.base_dataloader) is not DataLoader
        or loader.num_workers
        or loader.batch_sampler is None
        or not can_slice(loader.dataset, loader.collate_fn)
    ):
        return
    tensors = {name: column.to(loader.device) for name, column in columns(loader.dataset).items()}
    loader.base_dataloader = SliceLoader(loader.base_dataloader, tensors)
    loader.device = None  # the batches are there: do not look for it in every step


def columns(dataset: datasets.Dataset) -> dict[str, Tensor]:
    """`labels` (n,) int64, where there are any, and `x` (n, d) float32, as the collator names them.

    Raises ValueError for missing values and for rows of different lengths.
    """
    tensors = {"x": torch.from_numpy(np.array(to_numpy(dataset, "x"), dtype=np.float32))}
    if "label" in dataset.column_names:
        labels = np.array(to_numpy(dataset, "label"), dtype=np.int64)
        tensors = {"labels": torch.from_numpy(labels)} | tensors
    return tensors


class SliceLoader(DataLoader):
    """`loader` again, whose batches are slices of `tensors`, the columns of its dataset."""

    def __init__(self, loader: DataLoader, tensors: dict[str, Tensor]):
        super().__init__(
            loader.dataset,
            batch_sampler=loader.batch_sampler,
            collate_fn=loader.collate_fn,
            pin_memory=loader.pin_memory,
            worker_init_fn=loader.worker_init_fn,
            generator=loader.generator,
        )
        self.tensors = tensors

    def __iter__(self) -> Iterator[dict[str, Tensor]]:  # type: ignore[override]
        # torch draws a seed for workers, also for none: what comes after must find its generator
        # where it would be
        torch.empty((), dtype=torch.int64).random_(generator=self.generator)
        return (
            {name: column[rows] for name, column in self.tensors.items()}
            for rows in self.draw_rows()
        )

    def draw_rows(self) -> Iterator[Tensor]:
        """The rows of one batch after the other, as the batch sampler has them."""
        batches = self.batch_sampler
        if type(batches) is not BatchSampler or type(batches.sampler) not in SAMPLERS:
            yield from map(torch.tensor, batches or ())
            return
        # a tensor of its own for each list of rows would take a twentieth of a small model's step
        order = torch.from_numpy(np.fromiter(batches.sampler, dtype=np.int64))
        if batches.drop_last:
            order = order[: len(batches) * batches.batch_size]
        yield from order.split(batches.batch_size)


class PlainOptimizer(AcceleratedOptimizer):
    """Accelerate's wrapper; its own step looks twice for an optional library on disk."""

    def step(self, closure=None) -> None:
        if self.gradient_state.sync_gradients:
            self.optimizer.step(closure)
