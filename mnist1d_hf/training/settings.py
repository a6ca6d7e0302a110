"""What a Trainer was set to: batch size, optimizer, schedule and loss, for its record."""

import math
from typing import Any

import torch
from transformers import SchedulerType, Trainer

from mnist1d_hf.models.modeling_mnist1d import Mnist1DPreTrainedModel
from mnist1d_hf.training.fast_path import is_replaced


def batch_size(trainer: Trainer) -> dict[str, int]:
    """The rows of one update, and the factors they are the product of."""
    factors = {
        "per process": trainer._train_batch_size,  # which auto_find_batch_size may have lowered
        "accumulation": trainer.args.gradient_accumulation_steps,
        "processes": trainer.args.world_size,
    }
    return {"total": math.prod(factors.values()), **factors}


def optimizer_facts(optimizer: Any) -> dict[str, Any] | None:
    """Class and settings of an optimizer; a setting that differs between its groups is a list."""
    inner = getattr(optimizer, "optimizer", optimizer)  # accelerate wraps it
    if not isinstance(inner, torch.optim.Optimizer):
        return None
    # what a schedule has changed meanwhile is kept as initial_lr
    groups = [{**group, "lr": group.get("initial_lr", group["lr"])} for group in inner.param_groups]
    found: dict[str, Any] = {"name": type(inner).__name__}
    for name, default in inner.defaults.items():
        values = [group.get(name, default) for group in groups]
        if isinstance(values[0], bool | int | float | str | tuple | list):
            found[name] = values[0] if values.count(values[0]) == len(values) else values
    found["learning_rate"] = found.pop("lr")
    return {key: value for key, value in found.items() if value is not False}


def schedule_facts(trainer: Trainer, named: bool) -> dict[str, Any] | None:
    """The schedule of the learning rate: by name, or the class of an object that was given."""
    schedule = getattr(trainer.lr_scheduler, "scheduler", trainer.lr_scheduler)
    if schedule is None or not named:
        return None if schedule is None else {"name": type(schedule).__name__}
    args = trainer.args
    facts: dict[str, Any] = {"name": SchedulerType(args.lr_scheduler_type).value}
    warmup = args.get_warmup_steps(trainer.state.max_steps)
    if warmup and facts["name"] != SchedulerType.CONSTANT.value:  # which has no warm-up
        facts["warmup_steps"] = warmup
    more: Any = args.lr_scheduler_kwargs or {}
    return facts | {key: str(value) for key, value in more.items()}


def loss_facts(trainer: Trainer, varies_batches: bool) -> dict[str, Any]:
    """The loss that was minimised, by the name of the function where it is not this package's.

    A trainer that varies its batches in `training_step` changes no loss by that.
    """
    own = trainer.compute_loss_func
    if own is not None:
        return {"name": getattr(own, "__name__", type(own).__name__)}
    hooks = ("compute_loss",) if varies_batches else ("compute_loss", "training_step")
    for hook in hooks:
        if is_replaced(trainer, hook):
            return {"name": f"{type(trainer).__name__}.{hook}"}
    smoother, model = trainer.label_smoother, type(trainer.model)
    ours = getattr(model, "loss", None) is Mnist1DPreTrainedModel.loss
    name = "cross-entropy" if ours or smoother else f"of {model.__name__}"
    return {"name": name} | ({"label_smoothing": smoother.epsilon} if smoother else {})
