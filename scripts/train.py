#!/usr/bin/env python
# /// script
# requires-python = ">=3.11"
# dependencies = ["mnist1d-hf[train]"]
# ///
"""Train a classifier on MNIST-1D, or on a dataset of the same two columns.

    python scripts/train.py                                     # the paper's CNN and recipe
    python scripts/train.py --config_name shuffled --model gru
    python scripts/train.py --params validation_size=500 seed=7 --load_best_model_at_end true \\
        --metric_for_best_model accuracy --save_strategy best --early_stopping_patience 4
    python scripts/train.py --config run.yaml --learning_rate 0.003   # the command line wins
    python scripts/train.py --model tcn --augment 2 --learning_rate 0.003
    python scripts/train.py --dataset_name alice/mnist1d --push_to_hub true
    torchrun --nproc_per_node 2 scripts/train.py --per_device_train_batch_size 50 --use_cpu true
    accelerate launch --multi_gpu --num_processes 2 scripts/train.py --use_cpu true \\
        --per_device_train_batch_size 50    # accelerate's own --cpu would start one process

The defaults are the recipe of the paper's notebooks: Adam with a learning rate of 1e-2, batches of
100, 6000 steps; there the batches keep the order of the rows: --train_sampling_strategy sequential.
Every argument of transformers.TrainingArguments is accepted. Takes half a minute on one core
for the CNN; a model of 5210 parameters is no faster on two. scripts/train_baselines.py trains the
six models that are published.
"""

import difflib
import re
import shlex
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
import yaml
from transformers import (
    AutoModelForSequenceClassification,
    HfArgumentParser,
    TrainingArguments,
    set_seed,
)

import mnist1d_hf
from mnist1d_hf.models import ARCHITECTURES, Mnist1DFeatureExtractor
from mnist1d_hf.training.augment import vary
from mnist1d_hf.training.trainer import Mnist1DTrainer


@dataclass
class ModelArguments:
    """What is trained."""

    model: str = field(
        default="cnn",
        metadata={"help": f"{', '.join(ARCHITECTURES)}; or the folder or Hub name of a model"},
    )
    model_args: list[str] = field(
        default_factory=list, metadata={"help": "changes of its size, such as hidden_size=50"}
    )


@dataclass
class DataArguments:
    """What it is trained on."""

    config_name: str = field(
        default="default", metadata={"help": f"{', '.join(mnist1d_hf.CONFIGS)}"}
    )
    params: list[str] = field(
        default_factory=list,
        metadata={"help": "parameters of the dataset, such as num_samples=16000 seed=7"},
    )
    dataset_name: str | None = field(
        default=None, metadata={"help": "a Hub dataset or a local folder instead of ours"}
    )
    augment: int | None = field(
        default=None,
        metadata={"help": "vary every batch: shift by up to so many points, tilt, lift, add noise"},
    )


@dataclass
class RecipeArguments(TrainingArguments):
    """transformers.TrainingArguments with the paper's recipe as defaults."""

    output_dir: str | None = "out/mnist1d"
    per_device_train_batch_size: int = 100
    per_device_eval_batch_size: int = 1000
    learning_rate: float = 1e-2
    lr_scheduler_type: str = "constant"
    max_grad_norm: float = 0.0
    max_steps: int = 6000
    eval_strategy: str = "steps"
    eval_steps: float | None = 250
    logging_steps: float = 250
    save_strategy: str = "no"
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "evaluations without a better metric before stopping"}
    )


class AugmentingTrainer(Mnist1DTrainer):
    """Varies every batch, in a way that depends on seed, process and step alone: resuming it gives
    what one run gives. The variations are those of the study classification."""

    def __init__(self, *args, shift: int, **more):
        if shift < 0:
            raise ValueError(f"augment={shift}: the largest shift, in points, is at least 0")
        super().__init__(*args, **more)
        self.shift = shift

    def training_step(self, model, inputs, num_items_in_batch=None) -> torch.Tensor:
        x = inputs["x"]
        seed = np.random.SeedSequence(
            [self.args.seed, self.args.process_index, self.state.global_step]
        )
        generator = torch.Generator(x.device).manual_seed(int(seed.generate_state(1)[0]))
        x = vary(x, generator, self.shift)
        return super().training_step(model, {**inputs, "x": x}, num_items_in_batch)


Arguments = tuple[ModelArguments, DataArguments, RecipeArguments]


def parse(argv: list[str]) -> Arguments:
    """Arguments of the command line, over those of `--config FILE` (YAML or JSON)."""
    classes = (ModelArguments, DataArguments, RecipeArguments)
    parser = HfArgumentParser(classes, description=__doc__.split("\n")[0])
    parser.add_argument("--config", help="YAML or JSON file of any of the other arguments")
    known, _ = parser.parse_known_args(argv)
    if known.config:
        given = yaml.safe_load(Path(known.config).read_text(encoding="utf-8")) or {}
        names = {name for cls in classes for name in cls.__dataclass_fields__}
        for name in given:
            if name not in names:
                raise ValueError(f"{known.config}: {name!r} is no argument{suggest(name, names)}")
        parser.set_defaults(**given)
    *parsed, _ = parser.parse_args_into_dataclasses(argv, args_file_flag=None)
    return tuple(parsed)


def suggest(name: str, names) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def assignments(given: list[str]) -> dict[str, Any]:
    """["seed=7", "padding=[30, 60]"] to values; ValueError for what is no assignment."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r}: write name=value, such as seed=7")
        found[name] = yaml.safe_load(value)
    return found


def load_data(args: DataArguments) -> datasets.DatasetDict:
    """Splits train and test, and validation if there is one."""
    if args.dataset_name is None:
        return mnist1d_hf.load_dataset(args.config_name, **assignments(args.params))
    if args.params:
        raise ValueError("params are parameters of our generator: leave them out with dataset_name")
    folder = Path(args.dataset_name)
    if (folder / "dataset_dict.json").exists():
        return datasets.load_from_disk(folder)
    configs = datasets.get_dataset_config_names(args.dataset_name)
    return datasets.load_dataset(
        args.dataset_name, args.config_name if args.config_name in configs else None
    )


def build_model(args: ModelArguments, splits: datasets.DatasetDict):
    """A new model of the size of the data, or one that was saved."""
    changes = assignments(args.model_args)
    if args.model not in ARCHITECTURES:
        if not Path(args.model).is_dir() and "/" not in args.model:
            raise ValueError(
                f"model {args.model!r}: must be one of {', '.join(ARCHITECTURES)}, or the folder "
                f"or Hub name of a saved model{suggest(args.model, ARCHITECTURES)}"
            )
        return AutoModelForSequenceClassification.from_pretrained(args.model, **changes)
    features = splits["train"].features
    if "x" in features and "label" in features:
        changes.setdefault("final_seq_length", len(splits["train"][0]["x"]))
        if isinstance(features["label"], datasets.ClassLabel):
            changes.setdefault("num_labels", features["label"].num_classes)
    config_class, model_class = ARCHITECTURES[args.model]
    unknown = changes.keys() - config_class.__dataclass_fields__.keys() - {"num_labels"}
    for name in unknown:
        names = config_class.__dataclass_fields__
        raise ValueError(f"model_args: {args.model} has no {name!r}{suggest(name, names)}")
    return model_class(config_class(**changes))


def main(argv: list[str] | None = None) -> dict[str, float]:
    """Train, evaluate on test, save, and push if asked to; returns the test metrics."""
    argv = sys.argv[1:] if argv is None else argv
    model_args, data_args, args = parse(argv)
    set_seed(args.seed)
    torch.set_num_threads(1)  # models of this size are slower on several cores than on one
    with args.main_process_first():  # the first process fills the cache
        splits = load_data(data_args)
    model = build_model(model_args, splits)
    if args.load_best_model_at_end and "validation" not in splits:
        raise ValueError(
            "load_best_model_at_end selects a step, which needs a validation split: "
            "add --params validation_size=500"
        )
    augmented = data_args.augment is not None
    make = partial(AugmentingTrainer, shift=data_args.augment) if augmented else Mnist1DTrainer
    trainer = make(
        model,
        args,
        train_dataset=splits["train"],
        # as in the paper, test is watched where there is no validation; it selects nothing
        eval_dataset=splits["validation" if "validation" in splits else "test"],
        processing_class=Mnist1DFeatureExtractor(model.config.final_seq_length),
        early_stopping_patience=args.early_stopping_patience,
    )
    resume = args.resume_from_checkpoint
    result = trainer.train(resume_from_checkpoint=True if resume in ("true", "last") else resume)
    trainer.save_model()
    trainer.save_state()
    trainer.log_metrics("train", result.metrics)
    trainer.save_metrics("train", result.metrics)
    metrics = trainer.evaluate(splits["test"], metric_key_prefix="test")
    trainer.log_metrics("test", metrics)
    trainer.save_metrics("test", metrics)
    card = {
        "dataset": data_args.dataset_name or "mnist1d",
        "dataset_args": " ".join([data_args.config_name, *data_args.params]),
        # a token given as an argument is nobody else's business, and what resumed is in a folder
        # that nobody else has
        "command": re.sub(
            r" --(hub_token|resume_from_checkpoint)[= ]\S+",
            "",
            f"python scripts/train.py {shlex.join(argv)}",
        ),
    }
    if args.push_to_hub:
        trainer.push_to_hub(**card)
    else:
        trainer.create_model_card(**card)
    if trainer.is_world_process_zero():
        print(f"test accuracy {100 * metrics['test_accuracy']:.1f} %, saved in {args.output_dir}")
    if args.world_size > 1:  # a process that leaves while another still writes may take it down
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
    return metrics


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        raise SystemExit(f"train.py: {error}") from error
