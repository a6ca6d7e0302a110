#!/usr/bin/env python
# /// script
# requires-python = ">=3.11"
# dependencies = ["mnist1d-hf[train]"]
#
# [tool.uv.sources]
# mnist1d-hf = { path = "..", editable = true }
# ///
"""Train a classifier on MNIST-1D, or on a dataset of the same two columns.

    python scripts/train.py                      # the paper's CNN and recipe
    python scripts/train.py --config_name shuffled --model gru
    python scripts/train.py --params seed=7 --output_dir out/best \\
        --load_best_model_at_end true --metric_for_best_model accuracy \\
        --save_strategy best --early_stopping_patience 4
    python scripts/train.py --protocol paper     # all 4000 rows, test curve
    python scripts/train.py --config run.yaml --learning_rate 0.003
    python scripts/train.py --model tcn --augment 2 --learning_rate 0.003
    python scripts/train.py --dataset_name alice/mnist1d --push_to_hub true
    torchrun --nproc_per_node 2 scripts/train.py --use_cpu true \\
        --per_device_train_batch_size 50
    accelerate launch --multi_gpu --num_processes 2 scripts/train.py \\
        --use_cpu true --per_device_train_batch_size 50

The defaults are the recipe of the paper's notebooks: Adam with a learning rate of 1e-2, batches of
100, 6000 steps; there the batches keep the order of the rows: --train_sampling_strategy sequential.
Every argument of transformers.TrainingArguments is accepted, and one that is given always wins;
arguments of the command line win over those of a file. An eighth of the training rows is held out
for validation, and the test rows are looked at once, at the end.

Model, card and results go to out/CONFIG-MODEL, a folder that belongs to one command. After Ctrl-C
the same command continues. Takes half a minute on one core for the CNN; a model of 5210 parameters
is no faster on two. scripts/train_baselines.py trains the six models that are published.
"""

import gc
import re
import shlex
import sys
from functools import partial
from pathlib import Path

from mnist1d_hf.entrances import refusals

with refusals():  # all of these need the extra `train`
    import datasets
    import numpy as np
    import torch
    from transformers import AutoModelForSequenceClassification, set_seed

    import mnist1d_hf
    from mnist1d_hf.files import check_writable
    from mnist1d_hf.models import ARCHITECTURES, Mnist1DFeatureExtractor
    from mnist1d_hf.signals.params import check_choice, config_params
    from mnist1d_hf.training.arguments import (
        DataArguments,
        ModelArguments,
        assignments,
        parse,
        with_config,
    )
    from mnist1d_hf.training.augment import vary
    from mnist1d_hf.training.runs import Interruption, claim, last_checkpoint, release
    from mnist1d_hf.training.trainer import Mnist1DTrainer, check_fit


class AugmentingTrainer(Mnist1DTrainer):
    """Varies every batch, in a way that depends on seed, process, step and the batch's place in
    the step alone: resuming it gives what one run gives. The variations are those of the study
    classification."""

    def __init__(self, *args, shift: int, **more):
        if shift < 0:
            raise ValueError(f"augment={shift}: the largest shift, in points, is at least 0")
        super().__init__(*args, **more)
        # a step of its own might make other columns fit, so that Trainer does not ask
        check_fit(self.train_dataset, self.model.config, ["x", "label"])
        self.shift = shift
        self.augmentation = {"name": vary.__name__, "shift": shift}
        self.place = -1, 0  # step, and batch in it: several with gradient_accumulation_steps

    def training_step(self, model, inputs, num_items_in_batch=None) -> torch.Tensor:
        x = inputs["x"]
        step, batch = self.state.global_step, 0
        if step == self.place[0]:
            batch = self.place[1] + 1
        self.place = step, batch
        # a batch of 0 at the end changes nothing: the numbers are those without accumulation
        seed = np.random.SeedSequence([self.args.seed, self.args.process_index, step, batch])
        generator = torch.Generator(x.device).manual_seed(int(seed.generate_state(1)[0]))
        x = vary(x, generator, self.shift)
        return super().training_step(model, {**inputs, "x": x}, num_items_in_batch)


def load_data(args: DataArguments) -> datasets.DatasetDict:
    """Splits train and test, and validation where the protocol has one."""
    splits = our_data(args) if args.dataset_name is None else other_data(args)
    for split in ("train", "test"):
        if split not in splits:
            raise ValueError(f"there are no {split} rows, only splits {', '.join(splits)}")
    if isinstance(splits["train"].features.get("label"), datasets.Value):
        if splits["train"].features["label"].dtype in ("string", "large_string"):
            splits = splits.class_encode_column("label")
    if args.protocol == "validation" and "validation" not in splits:
        held = splits["train"].train_test_split(max(1, len(splits["train"]) // 8), seed=42)
        splits = datasets.DatasetDict(
            {**splits, "train": held["train"], "validation": held["test"]}
        )
    return splits


def our_data(args: DataArguments) -> datasets.DatasetDict:
    name, params = args.config_name or "default", assignments(args.params)
    rows = config_params(name, **params)
    if args.protocol == "validation":
        params.setdefault("validation_size", rows.num_train // 8)
    elif rows.validation_size:
        raise ValueError("the paper's protocol has no validation rows: leave one of the two out")
    return mnist1d_hf.load_dataset(name, **params)


def other_data(args: DataArguments) -> datasets.DatasetDict:
    if args.params:
        raise ValueError("params are parameters of our generator: leave them out with dataset_name")
    folder = Path(args.dataset_name or "").expanduser()
    if (folder / "dataset_dict.json").exists():
        return datasets.load_from_disk(folder)
    name = str(folder) if folder.is_dir() else args.dataset_name
    if args.config_name is not None:
        check_choice("config", args.config_name, datasets.get_dataset_config_names(name))
    return datasets.load_dataset(name, args.config_name)


def build_model(args: ModelArguments, splits: datasets.DatasetDict):
    """A new model of the size of the data, or one that was saved; it answers in their labels."""
    changes = assignments(args.model_args)
    features = splits["train"].features
    label = features.get("label")
    names = label.names if isinstance(label, datasets.ClassLabel) else None
    if args.model not in ARCHITECTURES:
        if not Path(args.model).expanduser().is_dir() and "/" not in args.model:
            check_choice("folder or name of a model", args.model, ARCHITECTURES)
        source = Path(args.model).expanduser()
        model = AutoModelForSequenceClassification.from_pretrained(
            source if source.is_dir() else args.model, **changes
        )
        if names and len(names) == model.config.num_labels:
            model.config.id2label = dict(enumerate(names))
            model.config.label2id = {name: i for i, name in enumerate(names)}
        return model
    config_class, model_class = ARCHITECTURES[args.model]
    for name in changes:
        known = [*config_class.__dataclass_fields__, "num_labels"]
        check_choice(f"model_args: {args.model}'s", name, known)
    if "x" in features:
        check_signals(splits["train"])
        changes.setdefault("final_seq_length", len(splits["train"][0]["x"]))
    if names and "num_labels" not in changes:
        changes.setdefault("id2label", dict(enumerate(names)))
        changes.setdefault("label2id", {name: i for i, name in enumerate(names)})
    return model_class(config_class(**changes))


def check_signals(rows: datasets.Dataset) -> None:
    """ValueError unless each row has a list of numbers as `x`."""
    kind = rows.features["x"]
    number = getattr(getattr(kind, "feature", None), "dtype", "")
    if not number.startswith(("float", "int", "uint")) or rows[0]["x"] is None:
        raise ValueError(f"x is {kind} and begins with {rows[0]['x']!r}: must be lists of numbers")


def check_finite(model: torch.nn.Module, rate: float) -> None:
    """ValueError when a training has made weights of the model infinite or NaN."""
    if not all(weights.isfinite().all() for weights in model.state_dict().values()):
        raise ValueError(
            f"the training diverged, so that no model is saved: --learning_rate {rate:g} is too "
            "high here, or the data hold numbers that are too large"
        )


def folder_name(model: ModelArguments, data: DataArguments) -> str:
    """out/CONFIG-MODEL, of the last parts of names that have several."""
    parts = [Path(data.dataset_name).name] if data.dataset_name else []
    if data.config_name or not parts:
        parts.append(data.config_name or "default")
    return f"out/{'-'.join([*parts, Path(model.model).name])}"


def lasting(argv: list[str]) -> str:
    """The command without what is said once: a token is nobody else's business, and a folder's
    own history is no recipe."""
    once = r" --(hub_token|resume_from_checkpoint|overwrite)([= ](?!--)\S+)?(?= |$)"
    return re.sub(once, "", f" {shlex.join(argv)}").strip()


def main(argv: list[str] | None = None) -> dict[str, float]:
    """Train, evaluate on test, save, and push if asked to; returns the test metrics."""
    argv = with_config(sys.argv[1:] if argv is None else argv)
    model_args, data_args, args = parse(argv)
    args.output_dir = args.output_dir or folder_name(model_args, data_args)
    folder = Path(args.output_dir)
    check_writable(folder)
    set_seed(args.seed)
    torch.set_num_threads(1)  # models of this size are slower on several cores than on one
    with args.main_process_first():  # the first process fills the cache
        splits = load_data(data_args)
    watched = "validation" if data_args.protocol == "validation" else "test"
    selects = args.load_best_model_at_end or args.early_stopping_patience is not None
    if selects and watched == "test":
        raise ValueError("a step is selected on validation rows: leave out --protocol paper")
    model = build_model(model_args, splits)
    augmented = data_args.augment is not None
    make = partial(AugmentingTrainer, shift=data_args.augment) if augmented else Mnist1DTrainer
    trainer = make(
        model,
        args,
        train_dataset=splits["train"],
        eval_dataset=splits[watched],
        processing_class=Mnist1DFeatureExtractor(model.config.final_seq_length),
        early_stopping_patience=args.early_stopping_patience,
    )
    resume = args.resume_from_checkpoint
    if resume in ("true", "last"):
        last = last_checkpoint(folder)
        if last is None:
            raise ValueError(f"No valid checkpoint found in {folder}")
        resume = str(last[0])
    begun = claim(folder, lasting(argv), overwrite=model_args.overwrite, resuming=bool(resume))
    with Interruption(trainer) as interruption:
        result = trainer.train(resume_from_checkpoint=resume or begun)
    interruption.end()
    check_finite(trainer.model, args.learning_rate)
    trainer.save_model()
    trainer.save_state()
    trainer.log_metrics("train", result.metrics)
    trainer.save_metrics("train", result.metrics)
    metrics = trainer.evaluate(splits["test"], metric_key_prefix="test")
    trainer.log_metrics("test", metrics)
    trainer.save_metrics("test", metrics)
    card = {
        "dataset": data_args.dataset_name,  # ours names itself, its config and parameters
        "config_name": data_args.config_name,
        "command": f"python scripts/train.py {lasting(argv)}".strip(),
    }
    if args.push_to_hub:
        trainer.push_to_hub(**card)
    else:
        trainer.create_model_card(**card)
    if trainer.is_world_process_zero():
        if args.save_strategy == "no":
            release(folder)
        accuracy = metrics.get("test_accuracy")  # none where arguments ask for the loss alone
        told = "" if accuracy is None else f"test accuracy {100 * accuracy:.1f} %, "
        print(f"{told}saved in {folder}")
    if args.world_size > 1:
        # what shares gradients goes while the group is there: at Python's exit it can wait for ever
        trainer.model_wrapped = trainer.model
        trainer.accelerator.free_memory()
        gc.collect()
        torch.distributed.barrier()  # leaving while another process still writes may take it down
        torch.distributed.destroy_process_group()
    return metrics


if __name__ == "__main__":
    with refusals("nothing is saved, and the same command starts again"):
        main()
