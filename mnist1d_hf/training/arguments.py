"""The command line of scripts/train.py: our arguments, and transformers' with new defaults.

model, data, recipe = parse(["--model", "gru", "--params", "seed=7", "--max_steps", "100"])
"""

import argparse
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

import yaml
from transformers import HfArgumentParser, TrainingArguments
from transformers.integrations import get_available_reporting_integrations

from mnist1d_hf.models import ARCHITECTURES
from mnist1d_hf.options import whole_number
from mnist1d_hf.signals.params import CONFIGS, check_choice

DESCRIPTION = "Train a classifier on MNIST-1D, or on a dataset of the same two columns."


@dataclass
class ModelArguments:
    """The model to train."""

    model: str = field(
        default="cnn",
        metadata={"help": f"{', '.join(ARCHITECTURES)}; or the folder or Hub name of a model"},
    )
    model_args: list[str] = field(
        default_factory=list,
        metadata={"help": "changes to its configuration, such as hidden_size=50"},
    )
    overwrite: bool = field(
        default=False, metadata={"help": "replace results of another command in output_dir"}
    )


@dataclass
class DataArguments:
    """The data to train on."""

    config_name: str | None = field(
        default=None, metadata={"help": f"{', '.join(CONFIGS)} [default]"}
    )
    params: list[str] = field(
        default_factory=list,
        metadata={"help": "parameters of the dataset, such as num_samples=16000 seed=7"},
    )
    dataset_name: str | None = field(
        default=None, metadata={"help": "a Hub dataset or a local folder instead of ours"}
    )
    protocol: Literal["validation", "paper"] = field(
        default="validation",
        metadata={
            "help": "validation: hold out an eighth of the training rows, and look at the test "
            "rows once; paper: train on all rows, and watch the test rows during training"
        },
    )
    augment: int | None = field(
        default=None,
        metadata={"help": "augment every batch: shift by up to this many points, add lines, noise"},
    )


@dataclass
class RecipeArguments(TrainingArguments):
    """transformers.TrainingArguments with the paper's recipe as defaults.

    6000 steps, unless max_steps or num_train_epochs is given.
    """

    output_dir: str | None = field(default=None, metadata={"help": "[out/CONFIG-MODEL]"})
    per_device_train_batch_size: int = 100
    per_device_eval_batch_size: int = 1000
    learning_rate: float = 1e-2
    lr_scheduler_type: str = "constant"
    max_grad_norm: float = 0.0
    num_train_epochs: float | None = None  # type: ignore[assignment]
    max_steps: int | None = None  # type: ignore[assignment]
    eval_strategy: str = "steps"
    eval_steps: float | None = 250
    logging_steps: float = 250
    logging_nan_inf_filter: bool = False  # a loss of NaN is shown, not left out of the mean
    save_steps: float | None = None  # type: ignore[assignment]
    save_strategy: str | None = None  # type: ignore[assignment]
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "evaluations without a better metric before stopping"}
    )

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name}={value}: must be a finite number")
        for name in ("per_device_train_batch_size", "per_device_eval_batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be 1 or more")
        if self.max_steps is None:
            self.max_steps = 6000 if self.num_train_epochs is None else -1
        if self.num_train_epochs is None:
            self.num_train_epochs = 3.0  # of TrainingArguments
        if self.save_strategy is None:  # a number of steps asks for checkpoints
            self.save_strategy = "no" if self.save_steps is None else "steps"
        if self.save_steps is None:
            self.save_steps = 500  # of TrainingArguments
        given = self.output_dir
        super().__post_init__()
        self.output_dir = given and self.output_dir
        for name in {*(self.report_to or ())} - set(get_available_reporting_integrations()):
            raise ValueError(f"report_to {name!r}: it is unknown, or its package is not installed")
        if self.early_stopping_patience is not None and self.metric_for_best_model is None:
            raise ValueError("early_stopping_patience: add --metric_for_best_model accuracy")


CLASSES: Any = (ModelArguments, DataArguments, RecipeArguments)
NAMES = [name for cls in CLASSES for name in cls.__dataclass_fields__]
Arguments = tuple[ModelArguments, DataArguments, RecipeArguments]


def parse(argv: list[str]) -> Arguments:
    """Arguments of the command line; they override those of `--config FILE` (YAML or JSON)."""
    usage = "train.py [--config FILE] [--NAME VALUE]..."
    parser: Any = HfArgumentParser(
        CLASSES, description=DESCRIPTION, usage=usage, allow_abbrev=False
    )
    parser.add_argument("--config", help="YAML or JSON file of any of the other arguments")
    parser.error = refuse
    *parsed, rest = parser.parse_args_into_dataclasses(
        with_config(argv), return_remaining_strings=True, args_file_flag=None
    )
    for word in rest:
        check_choice("argument", word.partition("=")[0], [f"--{name}" for name in NAMES])
    return tuple(parsed[:3])


def refuse(message: str) -> NoReturn:
    """Raise ValueError, where argparse would print its usage and exit."""
    raise ValueError(message)


def with_config(argv: list[str]) -> list[str]:
    """The arguments, preceded by those of the file that `--config` names."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config")
    finder.error = refuse  # type: ignore[method-assign]
    found, rest = finder.parse_known_args(argv)
    if found.config is None:
        return argv
    given = read_yaml(Path(found.config).expanduser().read_text(encoding="utf-8"), found.config)
    if not isinstance(given or {}, dict):
        raise ValueError(f"{found.config}: must hold lines such as learning_rate: 0.003")
    words: list[str] = []
    for name, value in (given or {}).items():
        check_choice(f"{found.config}: argument", name, NAMES)
        if isinstance(value, dict) and name in ("params", "model_args"):
            value = [f"{key}={json.dumps(one)}" for key, one in value.items()]
        if isinstance(value, list):
            words += [f"--{name}", *map(str, value)]
        elif value is not None:
            words.append(f"--{name}={json.dumps(value) if isinstance(value, dict) else value}")
    return [*words, *rest]


def read_yaml(text: str, name: str) -> Any:
    """The content of a YAML text; ValueError that names its origin if it is invalid."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{name}: {error}") from error


def assignments(given: list[str]) -> dict[str, Any]:
    """Values of assignments such as ["seed=7", "padding=30,60"]; ValueError for any other text."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r}: write name=value, such as seed=7")
        found[name] = value_of(value, name)
    return found


def value_of(text: str, name: str) -> Any:
    """A number (1e5, 1e-2), a list of numbers separated by commas, or any other YAML value."""
    for number in (whole_number, float):
        try:
            return number(text)
        except ValueError:
            pass
    return read_yaml(f"[{text}]" if "," in text and text[0] not in "[{" else text, name)
