"""A Trainer that records what it did, and writes the record and the model card made of it."""

import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from huggingface_hub import HfApi
from safetensors.torch import load_file
from transformers import Trainer
from transformers.feature_extraction_utils import FeatureExtractionMixin
from transformers.utils import SAFE_WEIGHTS_NAME

import mnist1d_hf
from mnist1d_hf.data.optimum import optimum_on
from mnist1d_hf.evidence.training_record import DataFacts, TrainingRecord
from mnist1d_hf.files import replacing, sha256
from mnist1d_hf.pages.model_card import EVAL_RESULTS, eval_results, model_card
from mnist1d_hf.training.fast_path import is_plain
from mnist1d_hf.training.measurements import (
    Measurement,
    curves,
    describe,
    measured,
    without_prefix,
)
from mnist1d_hf.training.settings import batch_size, loss_facts, optimizer_facts, schedule_facts


class RecordingTrainer(Trainer):
    """Trainer whose model card and `training.json` say what ran.

    The accuracies in them are those of evaluations and predictions that this object made with
    exactly the weights it has when the card is written. A subclass that varies its batches says how
    in `augmentation`.
    """

    augmentation: Mapping[str, Any] | None = None

    def __init__(self, *args, **kwargs):
        self._measurements: list[Measurement] = []
        self._optima: dict[int, float | None] = {}  # by the identity of the measured dataset
        self._named_schedule = False
        self._began: tuple[Any, int] | None = None  # dataset and seed of the last training
        super().__init__(*args, **kwargs)

    def create_scheduler(self, num_training_steps, optimizer=None):
        self._named_schedule = self.lr_scheduler is None  # else it was given as an object
        self._began = self.train_dataset, self.args.seed
        return super().create_scheduler(num_training_steps, optimizer)

    def evaluate(self, eval_dataset=None, ignore_keys=None, metric_key_prefix="eval"):
        metrics = super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)
        dataset: Any = self.eval_dataset if eval_dataset is None else eval_dataset
        if isinstance(dataset, str):
            named: Any = self.eval_dataset
            dataset = named[dataset]
        if not isinstance(dataset, dict):  # of a dict, each was evaluated by a call of its own
            logged = next(reversed(self.state.log_history), None)  # a subclass may not keep any
            self._remember(dataset, metric_key_prefix, metrics, logged)
        return metrics

    def predict(self, test_dataset, ignore_keys=None, metric_key_prefix="test"):
        output = super().predict(test_dataset, ignore_keys, metric_key_prefix)
        self._remember(test_dataset, metric_key_prefix, output.metrics, None)
        return output

    def _remember(self, dataset, prefix, metrics, logged) -> None:
        if self.is_world_process_zero():
            self._measurements.append(
                Measurement(
                    dataset,
                    prefix,
                    without_prefix(metrics, prefix),
                    self.state.global_step,
                    self._weights_digest(),
                    logged,
                    self.is_in_train,
                    is_plain(dataset, self.data_collator),
                )
            )

    def _optimum_on(self, dataset) -> float | None:
        """`optimum_on`, once for each dataset, however often a card is written."""
        if id(dataset) not in self._optima:
            self._optima[id(dataset)] = optimum_on(dataset)
        return self._optima[id(dataset)]

    def _weights_digest(self) -> str | None:
        """None where this process holds only a part of the weights."""
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            return None
        model: Any = self.model
        return weights_digest(model.state_dict())

    def create_model_card(
        self,
        language: str | None = None,
        license: str | None = None,
        tags: str | list[str] | None = None,
        model_name: str | None = None,
        finetuned_from: str | None = None,
        tasks: str | list[str] | None = None,
        dataset_tags: str | list[str] | None = None,
        dataset: str | list[str] | None = None,
        dataset_args: str | list[str] | None = None,
        *,
        config_name: str | None = None,
        command: str | None = None,
    ) -> None:
        """Write README.md, training.json and, where a published test split was evaluated,
        .eval_results/mnist1d.yaml, which goes where it was not.

        Takes what `Trainer.create_model_card` takes; `push_to_hub` calls this with its further
        arguments. `dataset_tags`, or else `dataset`, names the data and `config_name`, or else
        `dataset_args`, its config, where the dataset does not know them itself. `command` is what
        trains the model again.
        """
        if not self.is_world_process_zero():
            return
        declared = DataFacts(
            dataset=next(iter([*as_list(dataset_tags), *as_list(dataset)]), None),
            config_name=config_name or next(iter(as_list(dataset_args)), None),
        )
        card: dict[str, Any] = {"language": language, "license": license}
        card |= {"tags": as_list(tags), "tasks": as_list(tasks)}
        record = record_training(
            self,
            declared,
            finetuned_from=finetuned_from or self._start(),
            card={key: value for key, value in card.items() if value},
            command=command,
        )
        folder = Path(self.args.output_dir or ".")
        text = model_card(
            record, name=model_name or folder.name, place=self.hub_model_id or str(folder)
        )
        results = eval_results(record, declared.dataset or "mnist1d")
        for name, content in (("README.md", str(text)), (EVAL_RESULTS, results)):
            if content is None:
                (folder / name).unlink(missing_ok=True)
                continue
            with replacing(folder / name) as temporary:
                temporary.write_text(content, encoding="utf-8")
        record.write(folder)  # last: a folder with a record is complete

    def push_to_hub(
        self,
        commit_message: str | None = "End of training",
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        **kwargs,
    ):
        """`Trainer.push_to_hub`; results of an earlier training do not stay in the repository."""
        pushed = super().push_to_hub(commit_message, blocking, token, revision, private, **kwargs)
        results = Path(self.args.output_dir or ".") / EVAL_RESULTS
        if self.is_world_process_zero() and not results.exists():
            api = HfApi(token=token or self.args.hub_token)
            repo_id, revision = str(self.hub_model_id), revision or self.args.hub_revision
            if api.file_exists(repo_id, EVAL_RESULTS, revision=revision):
                api.delete_file(
                    EVAL_RESULTS, repo_id, revision=revision, commit_message="Remove old results"
                )
        return pushed

    def _start(self) -> str | None:
        """The name on the Hub of the model that training started from."""
        name = getattr(getattr(self.model, "config", None), "_name_or_path", "")
        return name if name and not os.path.isdir(name) else None


def record_training(
    trainer: RecordingTrainer,
    declared: DataFacts,
    *,
    finetuned_from: str | None,
    card: dict[str, Any],
    command: str | None,
) -> TrainingRecord:
    """What the trainer did up to now; `declared` names data that do not name themselves."""
    model: Any = trainer.model
    args, state = trainer.args, trainer.state
    config = getattr(model, "config", None)
    weights = trainer._weights_digest()
    trained_on, seed = trainer._began or (trainer.train_dataset, args.seed)
    chosen, evaluations = measured(
        trainer, trainer._measurements, trainer._optimum_on, weights, trained_on, declared
    )
    parameters = list(model.parameters())
    return TrainingRecord(
        model_type=getattr(config, "model_type", None),
        architecture=type(model).__name__,
        num_parameters=sum(p.numel() for p in parameters),
        sequence_length=getattr(config, "final_seq_length", None),
        num_labels=getattr(config, "num_labels", None),
        finetuned_from=finetuned_from,
        feature_extractor=isinstance(trainer.processing_class, FeatureExtractionMixin),
        weights_sha256=saved_weights(Path(args.output_dir or ".") / SAFE_WEIGHTS_NAME, weights),
        trained_on=describe(trained_on, declared),
        steps=state.global_step,
        selection=chosen,
        batch_size=batch_size(trainer),
        optimizer=optimizer_facts(trainer.optimizer),
        schedule=schedule_facts(trainer, trainer._named_schedule),
        loss=loss_facts(trainer, bool(trainer.augmentation)),
        max_grad_norm=args.max_grad_norm or None,
        augmentation=None if trainer.augmentation is None else dict(trainer.augmentation),
        seed=seed,
        evaluations=evaluations,
        curves=curves(trainer, trainer._measurements),
        card=card,
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        versions={
            library.__name__: library.__version__
            for library in (mnist1d_hf, torch, transformers, datasets)
        },
    )


def weights_digest(weights: Mapping[str, Any]) -> str:
    """A digest of the names and values of the tensors of a state dict, in any order."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name]
        if isinstance(tensor, torch.Tensor):
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def saved_weights(path: Path, weights: str | None) -> str | None:
    """SHA-256 of a file of weights, if it holds those of the digest."""
    if weights is None or not path.exists() or weights_digest(load_file(path)) != weights:
        return None
    return sha256(path)


def as_list(value: str | list[str] | None) -> list[str]:
    """A name or a list of names as a list."""
    return [value] if isinstance(value, str) else list(value or [])
