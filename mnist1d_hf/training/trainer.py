"""`Mnist1DTrainer`: transformers' Trainer with the whole split in memory as two tensors.

    from mnist1d_hf import load_dataset
    from mnist1d_hf.models import Mnist1DCNNConfig, Mnist1DCNNForSequenceClassification
    from mnist1d_hf.training.trainer import Mnist1DTrainer
    from transformers import TrainingArguments

    splits = load_dataset("default", validation_size=500)
    model = Mnist1DCNNForSequenceClassification(Mnist1DCNNConfig())
    args = TrainingArguments("out", per_device_train_batch_size=100, learning_rate=1e-2)
    trainer = Mnist1DTrainer(
        model, args, train_dataset=splits["train"], eval_dataset=splits["validation"]
    )
    trainer.train()
    trainer.evaluate(splits["test"], metric_key_prefix="test")

A batch is a slice of the tensors, so a step costs little more than in a bare loop. Everything
else (callbacks, logging, checkpoints, several processes, push_to_hub) is Trainer's own.
"""

from collections.abc import Iterator
from typing import Any

import datasets
import numpy as np
import torch
from accelerate import DistributedType
from accelerate.optimizer import AcceleratedOptimizer
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import EarlyStoppingCallback, TrainingArguments

from mnist1d_hf.data.tensors import to_torch
from mnist1d_hf.training.batches import Batches
from mnist1d_hf.training.metrics import compute_metrics
from mnist1d_hf.training.record import RecordingTrainer


class Mnist1DTrainer(RecordingTrainer):
    """Trainer for datasets with the columns `x` and `label`; takes what Trainer takes.

    Metrics are those of `training.metrics.compute_metrics` unless others are given. Training
    ends after `early_stopping_patience` evaluations on `eval_dataset` without a better
    `metric_for_best_model`.

    Raises ValueError for a dataset that lacks the columns, does not fit the model, or holds NaN.
    """

    def __init__(
        self,
        model=None,
        args: TrainingArguments | None = None,
        *,
        early_stopping_patience: int | None = None,
        **kwargs,
    ):
        kwargs.setdefault("compute_metrics", compute_metrics)
        super().__init__(model, args, **kwargs)
        evaluated = self.eval_dataset
        splits = evaluated.values() if isinstance(evaluated, dict) else [evaluated]
        for dataset in [self.train_dataset, *splits]:
            if isinstance(dataset, datasets.Dataset):
                self._tensors(dataset)  # what is wrong with the data shows before any work
        if early_stopping_patience is not None:
            self.add_callback(EarlyStoppingCallback(early_stopping_patience))

    def get_train_dataloader(self) -> DataLoader:
        if not isinstance(self.train_dataset, datasets.Dataset):
            return super().get_train_dataloader()  # streams, and datasets of torch
        rows = self._tensors(self.train_dataset)
        batches = EpochBatches(
            len(rows),
            self._train_batch_size,
            seed=self.args.seed if self.args.data_seed is None else self.args.data_seed,
            shuffle=self.args.train_sampling_strategy != "sequential",
            drop_last=self.args.dataloader_drop_last,
            rank=self.args.process_index,
            world_size=self.args.world_size,
        )
        return EpochLoader(rows, batch_sampler=batches, collate_fn=_as_it_is)

    def get_eval_dataloader(self, eval_dataset=None) -> DataLoader:
        dataset = self.eval_dataset if eval_dataset is None else eval_dataset
        if isinstance(dataset, str) and isinstance(self.eval_dataset, dict):
            dataset = self.eval_dataset[dataset]
        if not isinstance(dataset, datasets.Dataset):
            return super().get_eval_dataloader(eval_dataset)
        return self.get_test_dataloader(dataset)

    def get_test_dataloader(self, test_dataset) -> DataLoader:
        if not isinstance(test_dataset, datasets.Dataset):
            return super().get_test_dataloader(test_dataset)
        rows = self._tensors(test_dataset)
        loader = DataLoader(rows, batch_size=self.args.eval_batch_size, collate_fn=_as_it_is)
        return self.accelerator.prepare(loader)

    def train(self, resume_from_checkpoint=None, trial=None, ignore_keys_for_eval=None):
        # transformers 5.23 starts the model of a trial before it applies the trial's parameters,
        # so that a searched seed would be that of the next trial
        self._hp_search_setup(trial)
        if resume_from_checkpoint and isinstance(self.train_dataset, Batches):
            self.train_dataset.rewind()  # resuming skips the batches of the steps that were made
        return super().train(resume_from_checkpoint, trial, ignore_keys_for_eval)

    # What follows leaves out, in one process and at full precision, work that Trainer repeats in
    # every step and that takes longer than the step of a small model.

    @property
    def _plain(self) -> bool:
        return (
            self.accelerator.distributed_type == DistributedType.NO
            and self.accelerator.mixed_precision == "no"
            and self.args.n_gpu <= 1
        )

    def get_decay_parameter_names(self, model) -> list[str]:
        if self.args.weight_decay:
            return super().get_decay_parameter_names(model)
        return [name for name, _ in model.named_parameters()]  # one group steps faster than two

    def create_optimizer(self, model=None) -> torch.optim.Optimizer:
        optimizer = super().create_optimizer(model)
        if self._plain and not isinstance(optimizer, AcceleratedOptimizer):
            self.optimizer = optimizer = PlainOptimizer(optimizer)
        return optimizer

    def training_step(self, model, inputs, num_items_in_batch=None) -> torch.Tensor:
        if not self._plain:
            return super().training_step(model, inputs, num_items_in_batch)
        if not model.training:
            model.train()
        loss: Any = self.compute_loss(model, inputs)
        if self.current_gradient_accumulation_steps > 1:
            loss = loss / self.current_gradient_accumulation_steps
        loss.backward()
        return loss.detach()

    def floating_point_ops(self, inputs) -> int:
        """0, whatever the model: counting walks over all its parameters."""
        return 0

    def _get_grad_norm(self, model, grad_norm=None):
        # Trainer would compute it, to log it, also where max_grad_norm=0 asks for no clipping
        return None if grad_norm is None else super()._get_grad_norm(model, grad_norm)

    def _tensors(self, dataset: datasets.Dataset) -> "Rows":
        """The split on the device of the training; ValueError where it does not fit the model."""
        missing = {"x", "label"} - set(dataset.column_names)
        if missing:
            raise ValueError(
                f"the dataset has columns {dataset.column_names} and lacks {sorted(missing)}: "
                "rename yours with `rename_column`"
            )
        x, labels = to_torch(dataset)
        model: Any = self.model
        config = model.config
        if x.ndim != 2 or x.shape[1] != config.final_seq_length:
            raise ValueError(
                f"signals have shape {tuple(x.shape[1:])}; the model takes "
                f"final_seq_length={config.final_seq_length}"
            )
        if not x.isfinite().all():
            row = int((~x.isfinite().all(dim=1)).nonzero()[0])
            raise ValueError(f"x of row {row} holds NaN or infinity: filter such rows out")
        wrong = labels[(labels < 0) | (labels >= config.num_labels)]
        if len(wrong):
            raise ValueError(
                f"label {int(wrong[0])}: must be from 0 to num_labels - 1 = {config.num_labels - 1}"
            )
        return Rows(x.to(self.args.device), labels.to(self.args.device))


class PlainOptimizer(AcceleratedOptimizer):
    """Accelerate's wrapper; its own step looks twice for an optional library on disk."""

    _is_accelerate_prepared = True

    def step(self, closure=None) -> None:
        self.optimizer.step(closure)


class Rows(Dataset):
    """A split in memory; a list of indices gives a whole batch at once."""

    def __init__(self, x: torch.Tensor, labels: torch.Tensor):
        self.x, self.labels = x, labels

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index) -> dict[str, torch.Tensor]:
        return {"x": self.x[index], "labels": self.labels[index]}

    def __getitems__(self, indices) -> dict[str, torch.Tensor]:
        return self[torch.as_tensor(indices)]


class EpochBatches(Sampler):
    """Batches of one epoch, in an order that depends on seed and epoch alone.

    So a resumed run meets the same batches. With several processes, `batch_size` is per process
    and each takes its part of the common batch; what cannot be shared equally is left out.
    """

    def __init__(
        self,
        num_rows: int,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
    ):
        self.num_rows, self.batch_size, self.seed, self.shuffle = (
            num_rows,
            batch_size,
            seed,
            shuffle,
        )
        self.rank, self.epoch = rank, 0
        together = batch_size * world_size
        last = num_rows % together // world_size  # rows per process in the incomplete batch
        self.sizes = [batch_size] * (num_rows // together)
        self.sizes += [last] if last and not drop_last else []
        self.world_size = world_size

    def __len__(self) -> int:
        return len(self.sizes)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[torch.Tensor]:
        if self.shuffle:
            generator = np.random.default_rng([self.seed, self.epoch])
            order = torch.from_numpy(generator.permutation(self.num_rows))
        else:
            order = torch.arange(self.num_rows)
        start = 0
        for size in self.sizes:
            mine = start + self.rank * size
            yield order[mine : mine + size]
            start += size * self.world_size


class EpochLoader(DataLoader):
    """A DataLoader that hands the epoch on to its batches, and fetches them in this process."""

    batch_sampler: EpochBatches

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:  # type: ignore[override]
        return (self.dataset[rows] for rows in self.batch_sampler)

    def set_epoch(self, epoch: int) -> None:
        self.batch_sampler.set_epoch(epoch)


def _as_it_is(batch):
    return batch
