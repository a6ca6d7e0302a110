"""Trainer against Mnist1DTrainer: same data, same seed, and nothing that tells them apart.

Weights, logs, the events that callbacks see, the files that are saved and the state of torch's
generator are compared bit for bit. Measured times are not. The intended differences have tests of
their own: here the metrics that come by default, in test_trainer.py the seed of a searched trial
and the data that are refused.
"""

from copy import deepcopy

import datasets
import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch.nn import functional as F
from transformers import (
    DefaultDataCollator,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)
from transformers.training_args import OptimizerNames

from mnist1d_hf.models import (
    Mnist1DFeatureExtractor,
    Mnist1DMLPConfig,
    Mnist1DMLPForSequenceClassification,
    new_model,
)
from mnist1d_hf.training.fast_path import PlainOptimizer, SliceLoader, slice_batches
from mnist1d_hf.training.metrics import compute_metrics
from mnist1d_hf.training.trainer import Mnist1DTrainer

torch.set_num_threads(1)
TIMES = ("runtime", "per_second", "preparation_time")


def split(n, seed=0):
    random = np.random.default_rng(seed)
    features = {
        "x": datasets.List(datasets.Value("float32"), 40),
        "label": datasets.ClassLabel(num_classes=10),
    }
    return datasets.Dataset.from_dict(
        {
            "x": random.standard_normal((n, 40), dtype=np.float32),
            "label": random.integers(0, 10, n),
        },
        features=datasets.Features(features),
    )


ROWS, OTHER = split(70), split(45, seed=1)  # nine batches of eight, the last of six


def arguments(**changes):
    settings = {
        "per_device_train_batch_size": 8,
        "per_device_eval_batch_size": 20,
        "learning_rate": 1e-2,
        "max_steps": 5,
        "logging_steps": 1,
        "save_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": True,
    }
    return TrainingArguments("out", **(settings | changes))


class Watch(TrainerCallback):
    """Notes what callbacks are given, at every event."""

    def __init__(self):
        self.seen = []

    def note(self, event, args, state, control, **given):
        optimizer, scheduler = given.get("optimizer"), given.get("lr_scheduler")
        groups = [
            {key: value for key, value in group.items() if key != "params"}
            | {"params": [tuple(p.shape) for p in group["params"]]}
            for group in (optimizer.param_groups if optimizer is not None else [])
        ]
        loader = given.get("train_dataloader")
        self.seen.append(
            (
                event,
                state.global_step,
                state.epoch,
                type(given["model"]).__name__,
                str(groups),
                scheduler.last_epoch if scheduler is not None else None,
                loader
                and (len(loader), type(loader.dataset).__name__, loader.collate_fn.__class__),
                loader and (loader.batch_sampler.batch_size, loader.batch_sampler.drop_last),
                sorted(given.get("logs") or given.get("metrics") or {}),
            )
        )
        return control


for event in (
    "init_end train_begin train_end epoch_begin epoch_end step_begin pre_optimizer_step "
    "optimizer_step substep_end step_end evaluate predict save log prediction_step"
).split():
    setattr(
        Watch,
        f"on_{event}",
        lambda self, args, state, control, event=event, **given: self.note(
            event, args, state, control, **given
        ),
    )


def without_times(entries):
    return [{k: v for k, v in entry.items() if not k.endswith(TIMES)} for entry in entries]


def as_bytes(value):
    """Arrays as what they hold, so that == means equal to the last bit."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return {key: as_bytes(one) for key, one in value.items() if not str(key).endswith(TIMES)}
    if isinstance(value, list | tuple):
        return [as_bytes(one) for one in value]
    return value


def trace(base, folder, monkeypatch, case):
    """Everything that a training by `base` leaves behind, and the trainer."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    case = dict(case)
    if case.get("train_dataset") == "copy":  # of a case that changes it
        case["train_dataset"] = ROWS.select(range(70))
    hooks, then, watch = case.pop("hooks", None), case.pop("then", None), Watch()
    watched, behind = case.pop("watched", True), case.pop("behind", None)
    cls = type(base.__name__, (hooks, base), {}) if hooks else base
    if behind:  # a class of the user's between ours, or Trainer's place, and Trainer
        cls = type(base.__name__, (base, behind) if base is not Trainer else (behind,), {})
    build = case.pop("model", "mlp")
    model = new_model(build, seed=0) if isinstance(build, str) else build()
    given = {
        "args": arguments(**deepcopy(case.pop("args", {}))),  # Trainer writes to some
        "train_dataset": ROWS,
        "eval_dataset": OTHER,
        "compute_metrics": compute_metrics,
        "processing_class": Mnist1DFeatureExtractor(),  # ours has it anyway
        "callbacks": [*[watch] * watched, *case.pop("callbacks", list)()],
    } | case
    if "optimizers" in given:
        given["optimizers"] = given["optimizers"](model)
    if isinstance(given["compute_metrics"], type):
        given["compute_metrics"] = given["compute_metrics"]()
    trainer = cls(model, **given)
    result = None
    try:
        trainer.train()
        result = then(trainer) if then else None
    except Exception as error:
        result = type(error), str(error)
    return {
        "weights": as_bytes(dict(trainer.model.state_dict())),
        "log": without_times(trainer.state.log_history),
        "events": watch.seen,
        "files": sorted(str(path.relative_to(folder)) for path in folder.rglob("*")),
        "result": as_bytes(result),
        "generator": torch.get_rng_state().tolist(),
        "best": (trainer.state.best_metric, trainer.state.best_model_checkpoint),
    }, trainer


def assert_equal(case, tmp_path, monkeypatch):
    expected, _ = trace(Trainer, tmp_path / "theirs", monkeypatch, case)
    found, ours = trace(Mnist1DTrainer, tmp_path / "ours", monkeypatch, case)
    for what, value in expected.items():
        assert str(found[what]) == str(value), what  # as text, where NaN equals NaN
    return ours


# ---------------------------------------------------------------- arguments

STEPS = {"eval_strategy": "steps", "eval_steps": 2}
SAVED = STEPS | {"save_strategy": "steps", "save_steps": 2}
SETTINGS = {
    "nothing": {},
    "epochs": {"max_steps": -1, "num_train_epochs": 1.5},
    "other-seed": {"seed": 7},
    "data-seed": {"data_seed": 7},
    "full-determinism": {"full_determinism": True},
    "drop-last": {"dataloader_drop_last": True, "max_steps": 10},
    "last-batch": {"max_steps": 10},
    "one-batch": {"per_device_train_batch_size": 100},
    "sequential": {"train_sampling_strategy": "sequential"},
    "workers": {"dataloader_num_workers": 1, "max_steps": 2},
    "unpinned": {"dataloader_pin_memory": False},
    "global-shuffle": {"accelerator_config": {"use_seedable_sampler": False}, "max_steps": 10},
    "all-columns": {"remove_unused_columns": False},
    "accumulation": {"gradient_accumulation_steps": 2},
    "uneven-accumulation": {"gradient_accumulation_steps": 4, "max_steps": 4},
    "accumulation-by-accelerate": {
        "accelerator_config": {"gradient_accumulation_kwargs": {"num_steps": 2}}
    },
    "no-clipping": {"max_grad_norm": 0},
    "clipping": {"max_grad_norm": 0.1},
    "overflow": {"max_grad_norm": 0, "learning_rate": 1e38, "optim": "sgd"},
    "kept-nan": {"logging_nan_inf_filter": False, "learning_rate": 1e38, "optim": "sgd"},
    "label-smoothing": {"label_smoothing_factor": 0.1, **STEPS},
    "weight-decay": {"weight_decay": 0.1},
    "bf16": {"bf16": True, **STEPS},
    "bf16-full-evaluation": {"bf16_full_eval": True, **STEPS},
    "compiled": {"torch_compile": True, "torch_compile_backend": "eager"},
    "emptied-cache": {"torch_empty_cache_steps": 1},
    "batch-size-search": {"auto_find_batch_size": True},
    "first-step-logged": {"logging_first_step": True, "logging_steps": 3},
    "epochs-logged": {"logging_strategy": "epoch", "max_steps": 20},
    "nothing-logged": {"logging_strategy": "no"},
    "unclipped-and-nothing-logged": {"logging_strategy": "no", "max_grad_norm": 0},
    "unclipped-and-some-logged": {"logging_steps": 2, "logging_first_step": True}
    | {"max_grad_norm": 0},
    "unclipped-and-epochs-logged": {"logging_strategy": "epoch", "max_grad_norm": 0}
    | {"max_steps": 20},
    "tokens-counted": {"include_num_input_tokens_seen": "all"},
    "evaluation": STEPS,
    "evaluation-each-epoch": {"eval_strategy": "epoch", "max_steps": 20},
    "evaluation-on-start": {"eval_on_start": True, **STEPS},
    "evaluation-delayed": {"eval_delay": 3, **STEPS},
    "evaluation-in-parts": {"eval_accumulation_steps": 1, **STEPS},
    "evaluation-of-loss": {"prediction_loss_only": True, **STEPS},
    "evaluation-with-inputs": {"include_for_metrics": ["inputs", "loss"], **STEPS},
    "saves": SAVED,
    "saves-each-epoch": {"save_strategy": "epoch", "max_steps": 20},
    "saves-weights-only": SAVED | {"save_only_model": True},
    "saves-few": SAVED | {"save_total_limit": 1, "load_best_model_at_end": True, "max_steps": 8},
    "best": STEPS
    | {"save_strategy": "best", "load_best_model_at_end": True, "max_steps": 8}
    | {"metric_for_best_model": "accuracy"},
    "constant": {"lr_scheduler_type": "constant"},
    "warmup": {"lr_scheduler_type": "constant_with_warmup", "warmup_steps": 3},
    "cosine": {"lr_scheduler_type": "cosine"},
    "restarts": {
        "lr_scheduler_type": "cosine_with_restarts",
        "lr_scheduler_kwargs": {"num_cycles": 2},
    },
    "polynomial": {"lr_scheduler_type": "polynomial"},
    "inverse-sqrt": {"lr_scheduler_type": "inverse_sqrt"},
    "min-lr": {"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr": 1e-3}},
    "stable-decay": {
        "lr_scheduler_type": "warmup_stable_decay",
        "lr_scheduler_kwargs": {"num_decay_steps": 2},
        "warmup_steps": 1,
    },
    "plateau": STEPS
    | {
        "lr_scheduler_type": "reduce_lr_on_plateau",
        "metric_for_best_model": "loss",
        "lr_scheduler_kwargs": {"patience": 0},
    },
}


@pytest.mark.parametrize("name", SETTINGS)
def test_arguments(name, tmp_path, monkeypatch):
    assert_equal({"args": SETTINGS[name]}, tmp_path, monkeypatch)


@pytest.mark.parametrize("name", [name for name in SETTINGS if name.startswith("unclipped")])
def test_norms_that_nobody_sees_are_left_out(name, tmp_path, monkeypatch):
    """A callback that watches would see them, and then all are computed."""
    ours = assert_equal({"args": SETTINGS[name], "watched": False}, tmp_path, monkeypatch)
    assert all("grad_norm" in entry for entry in ours.state.log_history if "loss" in entry)


@pytest.mark.parametrize("optim", [optim.value for optim in OptimizerNames])
def test_optimizers(optim, tmp_path, monkeypatch):
    """Those whose package is not installed are refused with the same words."""
    assert_equal({"args": {"optim": optim}}, tmp_path, monkeypatch)


@pytest.mark.parametrize("name", ["logistic", "cnn", "gru", "transformer", "tcn"])
def test_models(name, tmp_path, monkeypatch):
    assert_equal({"args": STEPS, "model": name}, tmp_path, monkeypatch)


def test_activation_checkpointing(tmp_path, monkeypatch):
    case = {"args": {"activation_checkpointing": True}, "model": "transformer"}
    assert_equal(case, tmp_path, monkeypatch)


# ---------------------------------------------------------------- what users bring


class Module(torch.nn.Module):
    """A model without config, whose logits come third."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.drop, self.linear = torch.nn.Dropout(0.5), torch.nn.Linear(40, 10)

    def forward(self, x, labels=None):
        logits = self.linear(self.drop(x))
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return {"loss": loss, "twice": [logits, logits]}


class Regression(torch.nn.Module):
    """Outputs as a tuple, twice, of numbers that are no classes; its config is None."""

    config = None

    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Parameter(torch.tensor(1.0)), torch.nn.Parameter(torch.zeros(()))

    def forward(self, input_x, labels=None, **kwargs):
        y = input_x * self.a + self.b
        return (y, y) if labels is None else (F.mse_loss(y, labels), y, y)


class Shapes(torch.utils.data.Dataset):
    """Of a length of its own in every batch of eight."""

    def __len__(self):
        return 40

    def __getitem__(self, index):
        values = np.random.default_rng(index).standard_normal(3 + index // 8, dtype=np.float32)
        return {"input_x": values, "labels": 2 * values}


class TwoLoaders:
    def get_eval_dataloader(self, eval_dataset=None):
        return super().get_eval_dataloader(None)


def noisy(batch):
    """A transform that draws from torch's generator, as augmentations do."""
    x = torch.tensor(batch["x"])
    return {"x": x + torch.randn_like(x), "label": batch["label"]}


def mixup(rows):
    batch = default_data_collator(rows)
    return {**batch, "x": (batch["x"] + batch["x"].flip(0)) / 2}


def summed_loss(outputs, labels, num_items_in_batch=None):
    return F.cross_entropy(outputs.logits, labels, reduction="sum") / num_items_in_batch


class OwnLoss:
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(x=inputs["x"])
        loss = outputs.logits.logsumexp(1).pow(2).mean()
        return (loss, outputs) if return_outputs else loss


class EmptyingLoss:
    """Takes everything out of the batch."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(x=inputs.pop("x"), labels=inputs.pop("labels"))
        return (outputs.loss, outputs) if return_outputs else outputs.loss


class ListLoss:
    """Of batches that no tensor is in."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        x, labels = torch.tensor(inputs["x"]), torch.tensor(inputs["labels"])
        outputs = model(x=x, labels=labels)
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]


def lists(rows):
    return {name: column.tolist() for name, column in default_data_collator(rows).items()}


class PreparedTwice:
    def _prepare_input(self, data):
        data = super()._prepare_input(data)
        return data * 2 if isinstance(data, torch.Tensor) and data.is_floating_point() else data


class Doubled(Trainer):
    """Stands between ours and Trainer."""

    def training_step(self, model, inputs, num_items_in_batch=None):
        inputs = {**inputs, "x": inputs["x"] * 2}
        return super().training_step(model, inputs, num_items_in_batch)


class Tripled(Trainer):
    def _prepare_inputs(self, inputs):
        return super()._prepare_inputs({**inputs, "x": inputs["x"] * 3})


class Halved(Accelerator):
    def backward(self, loss, **kwargs):
        super().backward(loss / 2, **kwargs)


class OwnAccelerator:
    def create_accelerator_and_postprocess(self):
        super().create_accelerator_and_postprocess()
        self.accelerator.__class__ = Halved


class PatchedBackward(TrainerCallback):
    """Changes the backward pass after training has begun."""

    def on_step_end(self, args, state, control, **given):
        accelerator = self.trainer.accelerator
        if state.global_step == 2:
            accelerator.backward = lambda loss, **kw: type(accelerator).backward(
                accelerator, loss / 2, **kw
            )


class WithTrainer:
    """Lets callbacks know the trainer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for callback in self.callback_handler.callbacks:
            callback.trainer = self


class LaterTransform(TrainerCallback):
    def on_epoch_begin(self, args, state, control, train_dataloader, **given):
        if state.epoch >= 1:
            train_dataloader.dataset.set_transform(noisy)


class SmallerBatches(TrainerCallback):
    def on_step_end(self, args, state, control, train_dataloader, **given):
        if state.global_step == 2:
            train_dataloader.batch_sampler.batch_size = 4


class Scheduled(Module):
    """Changes its dropout whenever a training step begins."""

    def train(self, mode=True):
        super().train(mode)
        if mode:
            self.drop.p *= 0.8
        return self


class SharedGenerator:
    """Rows are drawn with the generator that dropout draws with."""

    def _get_train_sampler(self, train_dataset=None):
        return torch.utils.data.RandomSampler(
            self.train_dataset, replacement=True, generator=torch.default_generator
        )


class Eager(torch.utils.data.Sampler):
    """Batches that are drawn before the first of them is asked for."""

    batch_size, drop_last = 8, False

    def __len__(self):
        return 9

    def __iter__(self):
        return iter(torch.randperm(70).split(8))


class EagerBatches:
    def get_train_dataloader(self):
        loader = torch.utils.data.DataLoader(
            ROWS, batch_sampler=Eager(), collate_fn=default_data_collator
        )
        loader = self.accelerator.prepare(loader)
        if isinstance(self, Mnist1DTrainer):
            slice_batches(loader)
        return loader


class Endless(torch.utils.data.Sampler):
    """A sampler without a length."""

    def __iter__(self):
        return iter(range(70))


class WithoutLength:
    def _get_train_sampler(self, train_dataset=None):
        return Endless()


class Forgetful:
    def log(self, logs, start_time=None):
        pass


class Cropping(Mnist1DMLPForSequenceClassification):
    def forward(self, x, labels=None, **kwargs):
        return super().forward(x[:, :40], labels, **kwargs)


def cropping():
    torch.manual_seed(0)
    return Cropping(Mnist1DMLPConfig())


class Cropped:
    def _prepare_inputs(self, inputs):
        return super()._prepare_inputs({**inputs, "x": inputs["x"][:, :40]})


class Asking:
    """Asks for a log in the middle of a step."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        self.control.should_log = self.state.global_step == 1
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)


def longer(rows):
    return rows.map(
        lambda row: {"x": [*row["x"], *[0.0] * 10]},
        features=datasets.Features(
            {**rows.features, "x": datasets.List(datasets.Value("float32"), 50)}
        ),
    )


class Reversed:
    def _get_train_sampler(self, train_dataset=None):
        return list(reversed(range(len(ROWS))))


class OwnStep:
    def training_step(self, model, inputs, num_items_in_batch=None):
        return super().training_step(model, {**inputs, "x": inputs["x"] * 2}, num_items_in_batch)


class OwnLoader:
    def get_train_dataloader(self):
        rows = self.train_dataset.with_format("torch")
        return torch.utils.data.DataLoader(rows, 8, collate_fn=default_data_collator)


class OwnOptimizer:
    def create_optimizer(self, model=None):
        self.optimizer = torch.optim.Adadelta(self.model.parameters(), lr=1.0)
        return self.optimizer


class Autocast:
    def compute_loss_context_manager(self):
        return torch.autocast("cpu", dtype=torch.bfloat16)


class Rescaled:
    loss_is_scaled_for_ga = True


class ScheduleFree(torch.optim.SGD):
    """An optimizer that must be told when training begins and ends, as schedule-free ones are."""

    in_training = False

    def train(self):
        self.in_training = True

    def eval(self):
        self.in_training = False

    def step(self, closure=None):
        if not self.in_training:
            raise RuntimeError("the optimizer is not in training mode")
        return super().step(closure)


class Rows(datasets.Dataset):
    """A subclass of the library's own class may do anything."""

    def __getitems__(self, keys):
        return [{**row, "label": 3} for row in super().__getitems__(keys)]


class Pairs(torch.utils.data.Dataset):
    def __len__(self):
        return len(ROWS)

    def __getitem__(self, index):
        return {"x": torch.full((40,), float(index)), "labels": index % 10}


class NoisyGradients(TrainerCallback):
    def on_pre_optimizer_step(self, args, state, control, model, **given):
        for parameter in model.parameters():
            parameter.grad += 1e-3


class FrozenDropout(TrainerCallback):
    """Leaves a part of the model in evaluation mode, which the next step undoes."""

    def on_step_end(self, args, state, control, model, **given):
        model.eval()


class Stop(TrainerCallback):
    def on_step_end(self, args, state, control, **given):
        control.should_training_stop = state.global_step == 3
        return control


class Batchwise:
    """`compute_metrics` for batch_eval_metrics."""

    def __init__(self):
        self.right = []

    def __call__(self, prediction, compute_result):
        self.right += [float((prediction.predictions.argmax(-1) == prediction.label_ids).sum())]
        return {"right": sum(self.right)} if compute_result else {}


def predicted(dataset):
    return lambda trainer: tuple(trainer.predict(dataset))


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), None


def sgd_and_schedule(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)


# name -> what is given, and whether batches may still be slices of tensors
BROUGHT = {
    "transform": ({"train_dataset": ROWS.with_transform(noisy)}, False),
    "transform-all-columns": (
        {
            "train_dataset": ROWS.with_transform(noisy),
            "args": {"remove_unused_columns": False},
        },
        False,
    ),
    "torch-format": ({"train_dataset": ROWS.with_format("torch")}, True),
    "numpy-format": ({"train_dataset": ROWS.with_format("numpy")}, True),
    "float64-format": ({"train_dataset": ROWS.with_format("torch", dtype=torch.float64)}, False),
    "half-the-columns": ({"train_dataset": ROWS.with_format("torch", columns=["x"])}, False),
    "double": (
        {"train_dataset": ROWS.cast_column("x", datasets.List(datasets.Value("float64")))},
        True,
    ),
    "half": (
        {"train_dataset": ROWS.cast_column("x", datasets.List(datasets.Value("float16")))},
        True,
    ),
    "small-labels": ({"train_dataset": ROWS.cast_column("label", datasets.Value("uint8"))}, True),
    "shuffled-rows": ({"train_dataset": ROWS.shuffle(seed=3).select(range(5, 60))}, True),
    "more-columns": ({"train_dataset": ROWS.add_column("name", ["a"] * 70)}, True),
    "unknown-columns": (
        {
            "train_dataset": ROWS.add_column("name", [1] * 70),
            "args": {"remove_unused_columns": False},
        },
        False,
    ),
    "subclass-of-dataset": ({"train_dataset": Rows(ROWS.data, ROWS.info)}, False),
    "dataset-of-torch": ({"train_dataset": Pairs()}, False),
    "stream": ({"train_dataset": ROWS.to_iterable_dataset()}, False),
    "collator": ({"data_collator": mixup}, False),
    "default-collator": ({"data_collator": DefaultDataCollator()}, True),
    "numpy-collator": ({"data_collator": DefaultDataCollator(return_tensors="np")}, False),
    "sampler": ({"hooks": Reversed}, True),
    "loader": ({"hooks": OwnLoader}, False),
    "loss": ({"hooks": OwnLoss, "args": STEPS}, True),
    "behind-a-step": ({"behind": Doubled}, True),
    "behind-inputs": ({"behind": Tripled}, True),
    "accelerator": ({"hooks": OwnAccelerator}, True),
    "patched-backward": ({"hooks": WithTrainer, "callbacks": lambda: [PatchedBackward()]}, True),
    "transform-that-comes-later": (
        {
            "callbacks": lambda: [LaterTransform()],
            "train_dataset": "copy",
            "args": {"max_steps": 20},
        },
        None,
    ),
    "batches-that-get-smaller": ({"callbacks": lambda: [SmallerBatches()]}, True),
    "mode-with-an-effect": ({"model": Scheduled, "args": STEPS}, True),
    "generator-shared-with-dropout": (
        {
            "model": Module,
            "hooks": SharedGenerator,
            "args": {"max_steps": 20, "accelerator_config": {"use_seedable_sampler": False}},
        },
        True,
    ),
    "generator-shared-and-reseeded": (
        {"model": Module, "hooks": SharedGenerator, "args": {"max_steps": 20}},
        True,
    ),
    "batches-drawn-at-once": ({"hooks": EagerBatches, "model": Module}, True),
    "sampler-without-length": ({"hooks": WithoutLength, "watched": False}, True),
    "log-without-history": ({"hooks": Forgetful, "args": STEPS}, True),
    "model-that-crops": (
        {"model": cropping, "train_dataset": longer(ROWS), "eval_dataset": longer(OTHER)},
        True,
    ),
    "inputs-that-are-cropped": (
        {"hooks": Cropped, "train_dataset": longer(ROWS), "eval_dataset": longer(OTHER)},
        True,
    ),
    "log-asked-for-in-a-step": (
        {
            "hooks": Asking,
            "watched": False,
            "args": {"max_grad_norm": 0, "logging_steps": 100},
        },
        True,
    ),
    "labels-in-two-columns": ({"args": {"label_names": ["labels", "x"], **STEPS}}, True),
    "no-batch-at-all": (
        {
            "args": STEPS
            | {"dataloader_drop_last": True, "per_device_eval_batch_size": 100, "max_steps": -1}
            | {"num_train_epochs": 1, "per_device_train_batch_size": 100},
            "then": predicted(OTHER),
        },
        True,
    ),
    "no-batch-to-evaluate": (
        {
            "args": STEPS | {"dataloader_drop_last": True, "per_device_eval_batch_size": 100},
            "then": predicted(OTHER),
        },
        True,
    ),
    "loss-that-empties-the-batch": ({"hooks": EmptyingLoss, "args": STEPS}, True),
    "batches-of-lists": (
        {
            "model": Module,
            "hooks": ListLoss,
            "data_collator": lists,
            "args": {"eval_strategy": "no"},
        },
        False,
    ),
    "inputs-prepared": ({"hooks": PreparedTwice, "args": STEPS}, True),
    "loss-accumulated": ({"hooks": OwnLoss, "args": {"gradient_accumulation_steps": 2}}, True),
    "loss-scaled": ({"hooks": Rescaled, "args": {"gradient_accumulation_steps": 2}}, True),
    "loss-function": ({"compute_loss_func": summed_loss, "args": STEPS}, True),
    "loss-function-accumulated": (
        {"compute_loss_func": summed_loss, "args": {"gradient_accumulation_steps": 2}},
        True,
    ),
    "loss-without-labels": (
        {"hooks": OwnLoss, "train_dataset": ROWS.remove_columns("label")},
        True,
    ),
    "ignored-labels": (
        {
            "train_dataset": ROWS.map(
                lambda row, i: {"label": -100 if i % 3 else 1},
                with_indices=True,
                features=datasets.Features(x=ROWS.features["x"], label=datasets.Value("int64")),
            )
        },
        True,
    ),
    "step": ({"hooks": OwnStep}, True),
    "autocast": ({"hooks": Autocast}, True),
    "module": ({"model": Module, "args": STEPS, "compute_metrics": None}, True),
    "regression": (
        {
            "model": Regression,
            "train_dataset": Shapes(),
            "eval_dataset": Shapes(),
            "compute_metrics": None,
            "args": {"train_sampling_strategy": "sequential", "eval_strategy": "epoch"}
            | {"per_device_eval_batch_size": 8, "max_steps": 10},
            "then": predicted(Shapes()),
        },
        False,
    ),
    "evaluation-loader": ({"hooks": TwoLoaders, "args": STEPS}, True),
    "no-training-set": ({"train_dataset": None}, None),
    "optimizer": ({"optimizers": sgd, "args": SAVED}, True),
    "optimizer-and-schedule": ({"optimizers": sgd_and_schedule}, True),
    "optimizer-class": ({"optimizer_cls_and_kwargs": (torch.optim.NAdam, {"lr": 1e-2})}, True),
    "optimizer-of-subclass": ({"hooks": OwnOptimizer}, True),
    "schedule-free": (
        {
            "optimizers": lambda model: (ScheduleFree(model.parameters(), lr=0.1), None),
            "args": STEPS,
        },
        True,
    ),
    "callback-on-gradients": (
        {"callbacks": lambda: [NoisyGradients()], "args": {"max_grad_norm": 0}},
        True,
    ),
    "callback-on-mode": ({"callbacks": lambda: [FrozenDropout()], "model": Module}, True),
    "callback-that-stops": ({"callbacks": lambda: [Stop()]}, True),
    "several-sets": ({"eval_dataset": {"a": OTHER, "b": ROWS}, "args": STEPS}, True),
    "splits-evaluated": (
        {"eval_dataset": datasets.DatasetDict(a=OTHER, b=ROWS), "args": STEPS},
        True,
    ),
    "no-metrics": ({"compute_metrics": None, "args": STEPS}, True),
    "batch-metrics": (
        {"compute_metrics": Batchwise, "args": {"batch_eval_metrics": True, **STEPS}},
        True,
    ),
    "lists-of-batches": (
        {
            "compute_metrics": lambda given: {"batches": len(given.predictions)},
            "args": {"eval_do_concat_batches": False, **STEPS},
        },
        True,
    ),
    "preprocessed-logits": (
        {
            "preprocess_logits_for_metrics": lambda logits, labels: logits.argmax(-1),
            "compute_metrics": lambda given: {"ones": float((given.predictions == 1).sum())},
            "args": STEPS,
        },
        True,
    ),
    "predict": ({"then": predicted(OTHER)}, True),
    "predict-without-labels": ({"then": predicted(OTHER.remove_columns("label"))}, True),
    "predict-transformed": ({"then": predicted(OTHER.with_transform(noisy))}, True),
    "evaluate-twice": (
        {"then": lambda t: (t.evaluate(), t.evaluate(ROWS, metric_key_prefix="b"))},
        True,
    ),
    "train-twice": ({"then": lambda trainer: trainer.train().training_loss}, True),
    "resume": (
        {
            "args": SAVED,
            "then": lambda t: t.train(resume_from_checkpoint="out/checkpoint-2").training_loss,
        },
        True,
    ),
    "resume-skipping-nothing": (
        {
            "args": SAVED | {"ignore_data_skip": True},
            "then": lambda t: t.train(resume_from_checkpoint="out/checkpoint-2").training_loss,
        },
        True,
    ),
}


@pytest.mark.parametrize("name", BROUGHT)
def test_what_users_bring(name, tmp_path, monkeypatch):
    case, sliced = BROUGHT[name]
    ours = assert_equal(case, tmp_path, monkeypatch)
    if sliced is None:
        return
    loader = ours.get_train_dataloader()
    assert isinstance(getattr(loader, "base_dataloader", None), SliceLoader) == sliced


# ---------------------------------------------------------------- across the two


@pytest.mark.parametrize("first, then", [(Trainer, Mnist1DTrainer), (Mnist1DTrainer, Trainer)])
def test_one_resumes_what_the_other_saved(first, then, tmp_path, monkeypatch):
    whole, _ = trace(then, tmp_path / "whole", monkeypatch, {"args": SAVED})
    trace(first, tmp_path / "saved", monkeypatch, {"args": SAVED})
    resumed = then(
        new_model("mlp", seed=1), arguments(**SAVED), train_dataset=ROWS, eval_dataset=OTHER,
        compute_metrics=compute_metrics,
    )  # fmt: skip
    resumed.train(resume_from_checkpoint="out/checkpoint-2")
    assert as_bytes(dict(resumed.model.state_dict())) == whole["weights"]
    assert without_times(resumed.state.log_history)[:-1] == whole["log"][:-1]


def test_a_search_makes_the_same_trials(tmp_path, monkeypatch):
    """Without an objective too: both minimise the loss, ours beside its default metrics."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def search(base):
        monkeypatch.chdir(tmp_path)
        trainer = base(
            model_init=lambda: new_model("logistic", seed=0), args=arguments(**STEPS),
            train_dataset=ROWS, eval_dataset=OTHER,
        )  # fmt: skip
        best = trainer.hyperparameter_search(
            lambda trial: {"learning_rate": trial.suggest_float("learning_rate", 1e-3, 1e-1)},
            n_trials=3,
            sampler=optuna.samplers.RandomSampler(seed=0),
        )
        return best, [trial.value for trial in studies.pop().trials]

    studies = []
    create = optuna.create_study
    monkeypatch.setattr(
        optuna, "create_study", lambda **given: studies.append(create(**given)) or studies[-1]
    )
    assert search(Trainer) == search(Mnist1DTrainer)


# ---------------------------------------------------------------- metrics by default


def evaluated(folder, monkeypatch, args=None, model=None, **given):
    monkeypatch.chdir(folder)
    trainer = Mnist1DTrainer(
        model or new_model("mlp", seed=0), arguments(**(args or {})), eval_dataset=OTHER, **given
    )
    return trainer.evaluate()


@pytest.mark.parametrize(
    "given",
    [
        {"compute_metrics": None},
        {"model": Module()},
        {"args": {"batch_eval_metrics": True}},
        {"args": {"eval_do_concat_batches": False}},
        {"args": {"prediction_loss_only": True}},
        {"preprocess_logits_for_metrics": lambda logits, labels: logits.argmax(-1)},
    ],
)
def test_there_are_none_where_there_are_no_logits(given, tmp_path, monkeypatch):
    metrics = evaluated(tmp_path, monkeypatch, **given)
    assert "eval_loss" in metrics and "eval_accuracy" not in metrics


def test_rows_without_a_class_have_no_part_in_them(tmp_path, monkeypatch):
    labels = np.array(OTHER["label"])
    some = OTHER.cast_column("label", datasets.Value("int64")).map(
        lambda row, i: {"label": row["label"] if i < 30 else -100}, with_indices=True
    )
    metrics = evaluated(tmp_path, monkeypatch)
    trainer = Mnist1DTrainer(new_model("mlp", seed=0), arguments(), eval_dataset=some)
    predicted = trainer.predict(OTHER).predictions.argmax(1)
    assert trainer.evaluate()["eval_accuracy"] == (predicted[:30] == labels[:30]).mean()
    assert metrics["eval_accuracy"] == (predicted == labels).mean()


def test_a_plain_optimizer_steps_only_where_gradients_are_whole(tmp_path, monkeypatch):
    constant = {"args": {"lr_scheduler_type": "constant"}}
    _, trainer = trace(Mnist1DTrainer, tmp_path / "out", monkeypatch, constant)
    optimizer = trainer.optimizer
    assert type(optimizer) is PlainOptimizer
    before = as_bytes(dict(trainer.model.state_dict()))
    for parameter in trainer.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    for whole in (False, True):
        trainer.accelerator.gradient_state._set_sync_gradients(whole)
        optimizer.step()
        assert (as_bytes(dict(trainer.model.state_dict())) != before) == whole
