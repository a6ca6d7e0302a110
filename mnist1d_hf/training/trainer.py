"""`Mnist1DTrainer`: transformers' Trainer, fast where the split can be two tensors in memory.

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

A batch is then a slice of the tensors, so that a step costs little more than in a bare loop. Rows,
their order, weights and logs are those of Trainer; where something of the user's takes part, such
as a transform or a collator, the work is Trainer's own.
"""

import inspect
from typing import Any

import datasets
import numpy as np
import torch
from accelerate.optimizer import AcceleratedOptimizer
from torch.utils.data import DataLoader
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    Trainer,
    TrainingArguments,
    default_data_collator,
)
from transformers.trainer_utils import default_compute_objective

from mnist1d_hf.models import ARCHITECTURES, Mnist1DFeatureExtractor, Mnist1DPreTrainedModel
from mnist1d_hf.training.batches import Batches
from mnist1d_hf.training.fast_path import (
    PlainOptimizer,
    can_slice,
    can_step_at_once,
    columns,
    is_in_training,
    is_patched,
    is_plain,
    is_replaced,
    may_log_next,
    slice_batches,
)
from mnist1d_hf.training.metrics import compute_metrics
from mnist1d_hf.training.record import RecordingTrainer

# The label of rows that take no part in the loss, in torch and in Trainer.
IGNORED = -100

# Methods of Trainer that get batches before a model does.
TAKES_BATCHES = (
    *("get_train_dataloader", "get_eval_dataloader", "get_test_dataloader"),
    *("training_step", "prediction_step", "compute_loss", "_prepare_inputs", "_prepare_input"),
)
MODELS = {model for _, model in ARCHITECTURES.values()}


class Mnist1DTrainer(RecordingTrainer):
    """Trainer for datasets with the columns `x` and `label`; takes what Trainer takes.

    Where `training.fast_path` may, batches are slices of tensors and a step is nothing but the
    step; weights and logs are those of Trainer to the last bit, and everything else is Trainer.

    Models of this package are evaluated by `training.metrics.compute_metrics` unless
    `compute_metrics` is given (None: the loss alone) or the evaluation does not yield whole arrays
    of logits. A hyperparameter search without an objective minimises the loss, with those metrics
    as without. Training ends after `early_stopping_patience` evaluations on `eval_dataset` without
    a better `metric_for_best_model`. Saving writes the feature extractor of such a model too, so
    that `pipeline("time-series-classification")` takes the folder.

    Raises ValueError for several splits in place of one and, before any work, for plain columns
    that do not fit a model of this package: other signal lengths, NaN, labels that are no class.
    """

    def __init__(
        self,
        model: Any = None,
        args: TrainingArguments | None = None,
        *others,
        early_stopping_patience: int | None = None,
        **kwargs,
    ):
        given = inspect.signature(Trainer).bind(model, args, *others, **kwargs).arguments
        check_one_split("train_dataset", given.get("train_dataset"))
        if given.get("processing_class") is None and isinstance(model, Mnist1DPreTrainedModel):
            # saved beside the model, where a pipeline looks for it
            given["processing_class"] = Mnist1DFeatureExtractor(model.config.final_seq_length)
        super().__init__(**given)
        if "compute_metrics" not in given and self._yields_logits():
            self.compute_metrics = class_metrics
        self._check_fit(self.train_dataset, training=True)
        evaluated = self.eval_dataset
        for dataset in evaluated.values() if isinstance(evaluated, dict) else [evaluated]:
            self._check_fit(dataset)
        if early_stopping_patience is not None:
            self.add_callback(EarlyStoppingCallback(early_stopping_patience))

    def get_train_dataloader(self) -> DataLoader:
        check_one_split("train_dataset", self.train_dataset)
        self._check_fit(self.train_dataset, training=True)
        loader = super().get_train_dataloader()
        slice_batches(loader)
        return loader

    def get_eval_dataloader(self, eval_dataset=None) -> DataLoader:
        dataset = self.eval_dataset if eval_dataset is None else eval_dataset
        if isinstance(dataset, str) and isinstance(self.eval_dataset, dict):
            dataset = self.eval_dataset.get(dataset)
        self._check_fit(dataset)
        loader = super().get_eval_dataloader(eval_dataset)
        slice_batches(loader)
        return loader

    def get_test_dataloader(self, test_dataset) -> DataLoader:
        check_one_split("test_dataset", test_dataset)
        self._check_fit(test_dataset)
        loader = super().get_test_dataloader(test_dataset)
        slice_batches(loader)
        return loader

    # Set when model and optimizer are prepared, once a training: whether a step is nothing but the
    # step, and the operations of a batch by the size of its input, where that settles them.
    _steps_at_once = False
    _operations: dict[int, int] | None = None

    def create_scheduler(self, num_training_steps, optimizer=None):
        self._steps_at_once = can_step_at_once(self, Mnist1DTrainer)
        self._operations = {} if self._steps_at_once and self._is_own_model else None
        if self._steps_at_once and type(self.optimizer) is AcceleratedOptimizer:
            self.optimizer.__class__ = PlainOptimizer
        return super().create_scheduler(num_training_steps, optimizer)

    @property
    def _at_once(self) -> bool:
        return self._steps_at_once and not is_patched(self)

    def training_step(self, model, inputs, num_items_in_batch=None) -> torch.Tensor:
        if not self._at_once or self.current_gradient_accumulation_steps > 1:
            return super().training_step(model, inputs, num_items_in_batch)
        if not is_in_training(model):
            model.train()
        inputs = self._prepare_inputs(inputs)
        loss: Any = self.compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)
        loss.backward()
        return loss.detach()

    def _prepare_inputs(self, inputs):
        if self._at_once and type(inputs) is dict and inputs.keys() == {"x", "labels"}:
            device = self.args.device
            if all(getattr(value, "device", None) == device for value in inputs.values()):
                return dict(inputs)  # a copy, as from Trainer: a loss may take the labels out
        return super()._prepare_inputs(inputs)

    def floating_point_ops(self, inputs) -> int:
        # Trainer walks over all parameters, in every step
        if self._operations is None or not self._at_once or "x" not in inputs:
            return super().floating_point_ops(inputs)
        size = inputs["x"].numel()
        if size not in self._operations:
            self._operations[size] = super().floating_point_ops(inputs)
        return self._operations[size]

    def _get_grad_norm(self, model, grad_norm=None):
        # without clipping, Trainer computes the norm in every step, also where nothing logs it
        if grad_norm is None and self._at_once and not may_log_next(self):
            return None
        return super()._get_grad_norm(model, grad_norm)

    def train(self, resume_from_checkpoint=None, trial=None, ignore_keys_for_eval=None):
        # transformers 5.23 starts the model of a trial before it applies the trial's parameters,
        # so that a searched seed would be that of the next trial
        self._hp_search_setup(trial)
        if resume_from_checkpoint and isinstance(self.train_dataset, Batches):
            self.train_dataset.rewind()  # resuming skips the batches of the steps that were made
        return super().train(resume_from_checkpoint, trial, ignore_keys_for_eval)

    def hyperparameter_search(self, hp_space=None, compute_objective=None, *others, **kwargs):
        if compute_objective is None and self.compute_metrics is class_metrics:
            compute_objective = objective_without_class_metrics
        return super().hyperparameter_search(hp_space, compute_objective, *others, **kwargs)

    @property
    def _is_own_model(self) -> bool:
        config = getattr(self.model, "config", None)
        return str(getattr(config, "model_type", "")).startswith("mnist1d_")

    @property
    def _has_own_forward(self) -> bool:
        """Whether signals and labels go to a model of this package, no subclass of it."""
        model: Any = self.model
        return type(model) in MODELS and "forward" not in vars(model)

    def _yields_logits(self) -> bool:
        """Whether an evaluation ends with one array of logits and one of labels."""
        args = self.args
        whole = args.eval_do_concat_batches and not args.batch_eval_metrics
        return self._is_own_model and whole and self.preprocess_logits_for_metrics is None

    def _check_fit(self, dataset, training: bool = False) -> None:
        """ValueError where columns that reach a model of this package as they are do not fit it.

        A transform, a collator, a loss, a model or a hook of the user's may still make them fit:
        then no check.
        """
        theirs = is_replaced(self, *TAKES_BATCHES) or self.compute_loss_func is not None
        if self._has_own_forward and not theirs and is_plain(dataset, self.data_collator):
            model: Any = self.model
            check_fit(dataset, model.config, ["x", "label"] if training else ["x"])


def check_one_split(name: str, dataset: object) -> None:
    """ValueError for a dictionary of splits, where Trainer takes one."""
    if isinstance(dataset, dict):
        raise ValueError(
            f"{name} holds the splits {', '.join(map(str, dataset))}: pass one of them"
        )


def check_fit(dataset: datasets.Dataset, config: Any, needed: list[str]) -> None:
    """ValueError where `dataset` lacks rows or a column, or what a model of `config` can take."""
    if not len(dataset):
        raise ValueError("the dataset has no rows")
    names = set(dataset.column_names)
    if "labels" in names:  # transformers' own name, which its collator takes as well
        names.add("label")
    missing = [name for name in needed if name not in names]
    if missing:
        raise ValueError(
            f"the dataset has columns {dataset.column_names} and lacks {missing}: "
            "rename yours with `rename_column`"
        )
    label = dataset.features.get("label")
    if isinstance(label, datasets.Value) and label.dtype.startswith("float"):
        raise ValueError(
            f"labels are {label.dtype}: they must be integers from 0 to num_labels - 1 = "
            f"{config.num_labels - 1}; `class_encode_column('label')` makes such"
        )
    rows = dataset.select_columns(sorted({"x", "label"} & set(dataset.column_names)))
    if not can_slice(rows, default_data_collator):
        return
    tensors = columns(rows)
    x, labels = tensors["x"], tensors.get("labels", torch.zeros(0, dtype=torch.int64))
    if x.ndim != 2 or x.shape[1] != config.final_seq_length:
        raise ValueError(
            f"signals have shape {tuple(x.shape[1:])}; the model takes "
            f"final_seq_length={config.final_seq_length}"
        )
    if not x.isfinite().all():
        row = int((~x.isfinite().all(dim=1)).nonzero()[0])
        raise ValueError(f"x of row {row} holds NaN or infinity: filter such rows out")
    wrong = labels[((labels < 0) | (labels >= config.num_labels)) & (labels != IGNORED)]
    if len(wrong):
        raise ValueError(
            f"label {int(wrong[0])}: must be from 0 to num_labels - 1 = {config.num_labels - 1}"
        )


def class_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """`compute_metrics` of logits (n, num_labels) and classes (n,); {} for anything else."""
    logits, given = prediction.predictions, prediction.label_ids
    if isinstance(given, tuple):  # several columns are labels
        return {}
    labels = np.asarray(given)
    if isinstance(logits, tuple):  # hidden states follow
        logits = logits[0]
    logits = np.asarray(logits)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or labels.dtype.kind not in "iu":
        return {}
    known = labels != IGNORED
    return compute_metrics(EvalPrediction(logits[known], labels[known])) if known.any() else {}


def objective_without_class_metrics(metrics: dict[str, float]) -> float:
    """What a search optimises where no metrics were asked for: the loss."""
    names = ("_accuracy", "_macro_f1", "_expected_calibration_error")
    others = {name: value for name, value in metrics.items() if not name.endswith(names)}
    return default_compute_objective(others)
