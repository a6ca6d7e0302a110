"""What `Mnist1DTrainer` leaves out of Trainer's work, and where that can be told from nothing.

A small model's step takes less time than Trainer needs to fetch its batch row by row, to look for
optional libraries and to divide by one. Where both functions below agree, none of that changes any
number, so it is left out; everywhere else the work is Trainer's own.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import datasets
import numpy as np
import torch
from accelerate import Accelerator, DistributedType
from accelerate.data_loader import DataLoaderShard, SeedableRandomSampler
from accelerate.optimizer import AcceleratedOptimizer
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler
from transformers import (
    DefaultDataCollator,
    IntervalStrategy,
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    default_data_collator,
)

from mnist1d_hf.data.tensors import to_numpy

# Methods of Trainer that a step does without, and that must be Trainer's own therefore.
HOOKS = (
    "compute_loss_context_manager",
    "autocast_smart_context_manager",
    "_prepare_input",
    "_prepare_context_parallel_inputs",
    "_maybe_log_save_evaluate",
    "_clip_grad_norm",
)

# Methods that `Mnist1DTrainer` has of its own, each for a part of Trainer's.
REPLACEMENTS = ("training_step", "_prepare_inputs", "floating_point_ops", "_get_grad_norm")

# what `train` of a module is where it does nothing but set the mode
PLAIN_TRAIN = (nn.Module.train, PreTrainedModel.train)


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


def is_replaced(trainer: Trainer, *names: str) -> bool:
    """Whether any of these methods is the user's: of a subclass, a mixin, or the object itself."""
    places = (trainer, *theirs(type(trainer).__mro__))
    return any(name in vars(place) for place in places for name in names)


def theirs(classes: Iterable[type]) -> list[type]:
    """The user's among some classes: those of neither transformers nor this package."""
    ours = {cls.__module__.split(".")[0] for cls in (Trainer, SliceLoader)}
    return [cls for cls in classes if cls.__module__.split(".")[0] not in ours]


def can_step_at_once(trainer: Trainer, ours: type) -> bool:
    """Whether a training step may be the forward pass, the backward pass and the optimizer's step.

    All of this must hold:

    - there is one process with at most one device, and full precision;
    - neither `args` nor accelerate's configuration asks for more: no emptying of caches, no
      parallelism within the model, no accumulation by accelerate;
    - the optimizer has no mode for training (schedule-free ones do) and none of its steps in the
      backward pass (LOMO);
    - no method in `HOOKS` is the user's, nor the accelerator's class;
    - no class of the user's that is behind `ours` in the order of inheritance has one of
      `REPLACEMENTS`; one that is before it calls it.

    The loss, its scaling, gradient clipping and all callbacks stay with Trainer and are no
    condition. `is_patched` says what may change between two steps.
    """
    accelerator = trainer.accelerator
    inner = getattr(trainer.optimizer, "optimizer", None)
    order = type(trainer).__mro__
    behind = theirs(order[order.index(ours) + 1 :])
    return (
        accelerator.distributed_type == DistributedType.NO
        and trainer.args.n_gpu <= 1
        and accelerator.mixed_precision == "no"
        and accelerator.scaler is None
        and accelerator.gradient_accumulation_steps == 1
        and getattr(accelerator, "parallelism_config", None) is None
        and not accelerator.has_lomo_optimizer
        and isinstance(inner, torch.optim.Optimizer)
        and not callable(getattr(inner, "train", None))
        and not is_replaced(trainer, *HOOKS)
        and not any(name in vars(cls) for cls in behind for name in REPLACEMENTS)
        and type(accelerator).backward is Accelerator.backward
    )


def is_patched(trainer: Trainer) -> bool:
    """Whether something was put on the trainer or its accelerator that a step must not leave out.

    A callback may do so in mid-training.
    """
    return (
        not vars(trainer).keys().isdisjoint(HOOKS)
        or "backward" in vars(trainer.accelerator)
        or trainer.args.torch_empty_cache_steps is not None
    )


def is_in_training(model: nn.Module) -> bool:
    """Whether `model.train()` would change nothing."""
    return all(
        module.training and type(module).train in PLAIN_TRAIN and "train" not in vars(module)
        for module in model.modules()
    )


def may_log_next(trainer: Trainer) -> bool:
    """Whether the log of the coming step may be written, and with it the norm of the gradients.

    Only where transformers' own callbacks decide about that is it known before the step ends.

    One difference is left, in a training that diverges without clipping: the norm being infinite or
    NaN, Trainer turns all gradients into NaN in that very step, whereas the fast path leaves the
    finite ones, and meets NaN with the next loss.
    """
    known = all(
        type(callback).__module__ == TrainerCallback.__module__
        and "on_step_end" not in vars(callback)
        for callback in trainer.callback_handler.callbacks
    )
    args, step = trainer.args, trainer.state.global_step + 1
    if not known or trainer.control.should_log or args.logging_strategy == IntervalStrategy.EPOCH:
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
    """`loader` again, whose batches are slices of `tensors`, the columns of its dataset.

    A transform that the dataset gets later is applied: then batches are those of `loader`.
    """

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
        self.order_is_known = type(loader.batch_sampler) is BatchSampler and knows_its_order(
            loader.batch_sampler.sampler
        )

    def __iter__(self) -> Iterator[dict[str, Tensor]]:  # type: ignore[override]
        if not can_slice(self.dataset, self.collate_fn):
            return super().__iter__()
        batches: Any = self.batch_sampler
        rows = self.draw_rows() if self.order_is_known else map(torch.as_tensor, iter(batches))
        # torch draws a seed for workers, also for none: what comes after must find its generator
        # where it would be
        torch.empty((), dtype=torch.int64).random_(generator=self.generator)
        return ({name: column[some] for name, column in self.tensors.items()} for some in rows)

    def draw_rows(self) -> Iterator[Tensor]:
        """The rows of one batch after the other, all of them drawn before the first."""
        batches: Any = self.batch_sampler
        # a tensor of its own for each list of rows would take a twentieth of a small model's step
        order = torch.from_numpy(np.fromiter(batches.sampler, dtype=np.int64))
        if batches.drop_last:
            order = order[: len(order) - len(order) % batches.batch_size]
        start = 0
        while start < len(order):
            rows = order[start : start + batches.batch_size]
            start += len(rows)
            yield rows


def knows_its_order(sampler: Any) -> bool:
    """Whether a sampler may be asked for all rows at once, because nothing else draws with it.

    `RandomSampler` draws once more at the end, and a generator of the user's may be in use
    elsewhere.
    """
    own = type(sampler) is SeedableRandomSampler and sampler.generator is None
    return own or type(sampler) is SequentialSampler


class PlainOptimizer(AcceleratedOptimizer):
    """Accelerate's wrapper; its own step looks twice for an optional library on disk."""

    def step(self, closure=None) -> None:
        if self.gradient_state.sync_gradients:
            self.optimizer.step(closure)
