"""training.json holds a record whole, and a damaged one is refused."""

import json

import pytest

from mnist1d_hf.evidence.training_record import (
    FILE_NAME,
    DataFacts,
    Evaluation,
    TrainingRecord,
)

DATA = DataFacts("mnist1d", "shuffled", {"seed": 7}, "train", 4000)
RECORD = TrainingRecord(
    model_type="mnist1d_gru",
    architecture="Mnist1DGRUForSequenceClassification",
    num_parameters=5134,
    sequence_length=40,
    num_labels=10,
    finetuned_from=None,
    feature_extractor=True,
    weights_sha256=None,
    trained_on=DATA,
    steps=10,
    selection={"step": 10, "metric": None, "split": None},
    batch_size={"total": 100, "per process": 100, "accumulation": 1, "processes": 1},
    optimizer={"name": "SGD", "learning_rate": 0.5},
    schedule=None,
    loss={"name": "cross-entropy"},
    max_grad_norm=1.0,
    augmentation=None,
    seed=42,
    evaluations=[Evaluation("test", DATA, {"accuracy": 0.5})],
    curves={"validation": [[5, 0.25]]},
)


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = RECORD.write(tmp_path)
    assert path == tmp_path / FILE_NAME and list(tmp_path.iterdir()) == [path]
    assert TrainingRecord.read(tmp_path) == RECORD
    assert RECORD.model == "gru" and RECORD.evaluations[0].accuracy == 0.5


def test_only_the_builders_name_is_replaced_by_the_published_one():
    published = RECORD.published_as("alice/mnist1d")
    assert published.trained_on.dataset == "alice/mnist1d"
    assert published.evaluations[0].data.dataset == "alice/mnist1d"
    assert published.published_as("bob/mnist1d") == published


def test_a_missing_or_damaged_record_is_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        TrainingRecord.read(tmp_path)
    content = json.loads(RECORD.write(tmp_path).read_text())
    for text in ("{", "[]", json.dumps({**content, "more": 1}), json.dumps({"trained_on": {}})):
        (tmp_path / FILE_NAME).write_text(text)
        with pytest.raises(ValueError, match=r"training.json is not a training record"):
            TrainingRecord.read(tmp_path)
