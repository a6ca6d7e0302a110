"""What a training was, as data beside the weights: `training.json`, which model cards are made of.

from mnist1d_hf.evidence.training_record import TrainingRecord

record = TrainingRecord.read("out/mnist1d")
record.trained_on.config_name, record.steps, [e.metrics for e in record.evaluations]

A field is None where its fact is not known: whoever reads it leaves the fact out.
"""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from mnist1d_hf.files import replacing

FILE_NAME = "training.json"


@dataclass(frozen=True)
class DataFacts:
    """Rows that a model was trained or evaluated on."""

    dataset: str | None = None  # its name: mnist1d for rows of the builder, or as declared
    config_name: str | None = None
    parameters: dict[str, Any] | None = None  # that differ from the config's; None: not known
    split: str | None = None  # as `datasets` writes it, such as train or train[:10%]
    rows: int | None = None  # None for a stream


@dataclass(frozen=True)
class Evaluation:
    """Metrics of exactly the weights that were saved."""

    name: str  # the split, or what the caller named the evaluation
    data: DataFacts
    metrics: dict[str, Any]  # without prefix; accuracy is a fraction
    # the config whose published test split was evaluated, recognised by the values of its rows
    benchmark: str | None = None
    # the accuracy of the best possible classifier on these rows; None where it is not known
    optimum: float | None = None

    @property
    def accuracy(self) -> float | None:
        """The fraction of right answers, or None where it was not measured."""
        return self.metrics.get("accuracy")

    @property
    def excess_error(self) -> float | None:
        """The error above the optimum, in percentage points, or None where it is not known."""
        if self.accuracy is None or self.optimum is None:
            return None
        return 100 * (self.optimum - self.accuracy)


@dataclass(frozen=True)
class TrainingRecord:
    """One training: the model, the data, how it was trained, and what the saved weights reach."""

    # the model
    model_type: str | None
    architecture: str
    num_parameters: int
    sequence_length: int | None
    num_labels: int | None
    finetuned_from: str | None
    feature_extractor: bool  # whether one was saved beside the weights
    weights_sha256: str | None  # of model.safetensors; None where it does not hold these weights
    # the data and the steps
    trained_on: DataFacts
    steps: int
    selection: dict[str, Any]  # step of the saved weights, and the metric and split that chose it
    batch_size: dict[str, int]  # in all, and the factors: per device, accumulation, processes
    optimizer: dict[str, Any] | None  # name and settings of the optimizer object
    schedule: dict[str, Any] | None
    loss: dict[str, Any]
    max_grad_norm: float | None
    augmentation: dict[str, Any] | None
    seed: int
    # what came of it
    evaluations: list[Evaluation]
    curves: dict[str, list[list[float]]]  # split -> pairs of step and accuracy while training
    # for the card
    card: dict[str, Any] = field(default_factory=dict)  # declared: language, license, tags, tasks
    command: str | None = None  # that trains the model again
    date: str | None = None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def model(self) -> str | None:
        """The short name of the architecture, such as cnn; None for a model of another package."""
        name = self.model_type or ""
        return name.removeprefix("mnist1d_") if name.startswith("mnist1d_") else None

    def published_as(self, dataset: str) -> "TrainingRecord":
        """The same with the published name of the dataset in place of the builder's name."""

        def named(data: DataFacts) -> DataFacts:
            return replace(data, dataset=dataset) if data.dataset == "mnist1d" else data

        evaluations = [replace(e, data=named(e.data)) for e in self.evaluations]
        return replace(self, trained_on=named(self.trained_on), evaluations=evaluations)

    def text(self) -> str:
        """The content of `training.json`; the same record always gives the same text."""
        return json.dumps(asdict(self), indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    def write(self, folder: str | Path) -> Path:
        """Write `training.json` into a folder; the file is whole or absent."""
        path = Path(folder) / FILE_NAME
        with replacing(path) as temporary:
            temporary.write_text(self.text(), encoding="utf-8")
        return path

    @classmethod
    def read(cls, folder: str | Path) -> "TrainingRecord":
        """Read `training.json` of a folder.

        Raises FileNotFoundError where there is none, and ValueError for one that is damaged or has
        other fields than this version writes.
        """
        path = Path(folder) / FILE_NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content["trained_on"] = DataFacts(**content["trained_on"])
            content["evaluations"] = [
                Evaluation(**{**found, "data": DataFacts(**found["data"])})
                for found in content["evaluations"]
            ]
            return cls(**content)
        except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
            names = ", ".join(f.name for f in fields(cls))
            raise ValueError(
                f"{path} is not a training record with the fields {names} ({error}): train the "
                "model again"
            ) from None
