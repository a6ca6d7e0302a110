"""The record and card of a training say what ran: data, optimizer, weights, evaluations."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from datasets import ClassLabel, Dataset, concatenate_datasets
from huggingface_hub import HfApi, ModelCard
from torch.nn import functional as F
from transformers import EarlyStoppingCallback, TrainingArguments, default_data_collator

import mnist1d_hf
from mnist1d_hf.data.optimum import optimum_on
from mnist1d_hf.evidence.training_record import TrainingRecord
from mnist1d_hf.files import sha256
from mnist1d_hf.models import (
    Mnist1DFeatureExtractor,
    Mnist1DLogisticConfig,
    Mnist1DLogisticForSequenceClassification,
    new_model,
)
from mnist1d_hf.training.trainer import Mnist1DTrainer

torch.set_num_threads(1)
SETTINGS = dict(
    per_device_train_batch_size=50,
    learning_rate=1e-2,
    max_steps=4,
    save_strategy="no",
    disable_tqdm=True,
    use_cpu=True,
    report_to="none",
)


OBJECTS = ("compute_loss_func", "callbacks", "compute_metrics", "data_collator")


@pytest.fixture
def splits(cache):
    return mnist1d_hf.load_dataset("default", validation_size=500)


def make(folder, splits, model="logistic", kind=Mnist1DTrainer, optimizers=(None, None), **changes):
    model = new_model(model, 0) if isinstance(model, str) else model
    more = {key: changes.pop(key) for key in OBJECTS if key in changes}
    return kind(
        model,
        TrainingArguments(str(folder), **(SETTINGS | changes)),
        train_dataset=splits["train"],
        eval_dataset=splits.get("validation"),
        processing_class=Mnist1DFeatureExtractor(model.config.final_seq_length),
        optimizers=optimizers,
        **more,
    )


def record_of(trainer, save=True, **card):
    if save:
        trainer.save_model()
    trainer.create_model_card(**card)
    return TrainingRecord.read(trainer.args.output_dir)


def accuracies(record):
    return {found.name: found.accuracy for found in record.evaluations}


def results_file(folder):
    path = folder / ".eval_results" / "mnist1d.yaml"
    return yaml.safe_load(path.read_text()) if path.exists() else None


# ---------------------------------------------------------------- the weights that were saved


def test_the_metric_published_is_that_of_the_best_weights(splits, tmp_path):
    best = dict(load_best_model_at_end=True, metric_for_best_model="accuracy", save_total_limit=1)
    often = dict(eval_strategy="steps", eval_steps=1, save_strategy="steps", save_steps=1)
    trainer = make(
        *(tmp_path, splits),
        callbacks=[EarlyStoppingCallback(2)],
        **(best | often | {"learning_rate": 0.5, "max_steps": 30}),
    )
    trainer.train()
    last = [e["eval_accuracy"] for e in trainer.state.log_history if "eval_accuracy" in e][-1]
    record = record_of(trainer)
    accuracy = trainer.evaluate(splits["validation"])["eval_accuracy"]
    assert accuracy == trainer.state.best_metric != last
    assert accuracies(record) == {"validation": accuracy}
    step = trainer.state.best_global_step
    assert record.selection == {"step": step, "metric": "accuracy", "split": "validation"}
    assert record.steps == trainer.state.global_step > step
    card = ModelCard.load(tmp_path / "README.md")
    assert [r.metric_value for r in card.data.eval_results] == [accuracy]
    assert f"of step {step}, the best by accuracy on validation" in card.text
    assert record.weights_sha256 == sha256(tmp_path / "model.safetensors")


def test_the_best_weights_found_before_an_interruption_keep_their_metric(splits, tmp_path):
    best = dict(load_best_model_at_end=True, metric_for_best_model="accuracy", learning_rate=2.0)
    often = dict(eval_strategy="steps", eval_steps=2, save_strategy="steps", save_steps=2)
    often["seed"] = 5  # an order of rows with which a step before the last is the best
    whole = make(tmp_path / "a", splits, **(best | often | {"max_steps": 8}))
    whole.train()
    step = whole.state.best_global_step
    assert step < 8
    resumed = make(tmp_path / "a", splits, **(best | often | {"max_steps": 8}))
    resumed.train(resume_from_checkpoint=str(tmp_path / "a" / "checkpoint-6"))
    record = record_of(resumed)
    assert record.selection["step"] == step
    assert accuracies(record) == {"validation": resumed.state.best_metric}
    assert record == record_of(whole)


def test_evaluations_of_other_weights_are_left_out(splits, tmp_path):
    trainer = make(tmp_path, splits)
    trainer.evaluate(splits["test"], metric_key_prefix="test")
    trainer.train()
    assert record_of(trainer).evaluations == []
    assert results_file(tmp_path) is None
    accuracy = trainer.predict(splits["test"]).metrics["test_accuracy"]
    assert accuracies(record_of(trainer)) == {"test": accuracy}
    assert results_file(tmp_path)[0]["value"] == accuracy
    with torch.no_grad():
        trainer.model.classifier.bias += 1  # now neither the file nor the numbers are of the model
    record = record_of(trainer, save=False)
    assert (record.weights_sha256, record.evaluations) == (None, [])
    assert results_file(tmp_path) is None and not (tmp_path / ".eval_results/mnist1d.yaml").exists()


@pytest.mark.parametrize("rows", ["test", "train and test"])
def test_rows_that_were_trained_on_give_no_result_of_the_benchmark(splits, tmp_path, rows):
    parts = [splits[name] for name in rows.split(" and ")]
    known = {**splits, "train": concatenate_datasets(parts)}
    trainer = make(tmp_path, known, max_steps=1)
    trainer.train()
    trainer.evaluate(splits["test"], metric_key_prefix="test")
    record = record_of(trainer)
    assert list(accuracies(record)) == ["test"] and results_file(tmp_path) is None


# ---------------------------------------------------------------- the data


def test_the_split_that_was_evaluated_is_named(splits, tmp_path):
    trainer = make(tmp_path, splits, eval_strategy="steps", eval_steps=3)
    trainer.train()
    trainer.evaluate(splits["test"])  # without a prefix
    record = record_of(trainer)
    [validation, test] = record.evaluations  # Trainer evaluates after the last step, too
    assert (validation.name, validation.benchmark) == ("validation", None)
    assert (test.data.split, test.data.rows, test.benchmark) == ("test", 1000, "default")
    assert [step for step, _ in record.curves["validation"]] == [3, 4]


@pytest.mark.parametrize(
    "parameters", [{}, {"label_noise": 0.5, "seed": 7, "final_seq_length": 20}]
)
def test_config_and_parameters_are_named(parameters, cache, tmp_path):
    splits = mnist1d_hf.load_dataset("shuffled", **parameters)
    model = new_model("mlp", 0, final_seq_length=parameters.get("final_seq_length", 40))
    trainer = make(tmp_path, splits, model)
    trainer.train()
    trainer.evaluate(splits["test"], metric_key_prefix="test")
    record = record_of(trainer)
    data = record.trained_on
    assert (data.dataset, data.config_name, data.split) == ("mnist1d", "shuffled", "train")
    assert (data.parameters, data.rows) == (parameters, 4000)
    text = (tmp_path / "README.md").read_text()
    [result] = ModelCard(text).data.eval_results
    assert (result.dataset_config, result.dataset_args) == ("shuffled", parameters or None)
    assert all(f"`{name}={value}`" in text for name, value in parameters.items())
    entries = results_file(tmp_path)
    if parameters:  # other test rows than those of the benchmark
        assert entries is None
    else:
        assert entries[0]["dataset"] == {"id": "mnist1d", "task_id": "shuffled"}


def test_a_stream_is_named_too(cache, tmp_path):
    stream = mnist1d_hf.load_dataset("shuffled", split="train", streaming=True)
    test = mnist1d_hf.load_dataset("shuffled", split="test")
    trainer = make(tmp_path, {"train": stream, "validation": test})
    trainer.train()
    trainer.evaluate(metric_key_prefix="test")
    record = record_of(trainer)
    assert (record.trained_on.config_name, record.trained_on.rows) == ("shuffled", None)
    assert results_file(tmp_path)[0]["dataset"]["task_id"] == "shuffled"


def test_other_rows_do_not_pass_for_the_test_split(splits, tmp_path):
    trainer = make(tmp_path, splits)
    trainer.train()
    easy = splits["test"].filter(lambda row: row["label"] < 5)
    noisy = splits["test"].map(lambda row: {"x": [2 * v for v in row["x"]]})
    for rows in (easy, noisy, splits["test"].select(range(10))):
        trainer.evaluate(rows, metric_key_prefix="test")
    record = record_of(trainer)
    assert [found.benchmark for found in record.evaluations] == [None] * len(record.evaluations)
    assert results_file(tmp_path) is None


def test_rows_that_a_transform_or_collator_changed_do_not_pass_either(splits, tmp_path):
    def blank(batch):
        return {"x": [[0.0] * 40] * len(batch["x"]), "label": batch["label"]}

    def all_zeros(rows):
        batch = default_data_collator(rows)
        return {**batch, "labels": torch.zeros_like(batch["labels"])}

    changed = make(tmp_path / "a", splits)
    changed.evaluate(splits["test"].with_transform(blank), metric_key_prefix="test")
    collated = make(tmp_path / "b", splits, data_collator=all_zeros)
    collated.evaluate(splits["test"], metric_key_prefix="test")
    for trainer in (changed, collated):
        [found] = record_of(trainer).evaluations
        assert (found.benchmark, found.optimum) == (None, None) and found.accuracy is not None
        assert results_file(Path(trainer.args.output_dir)) is None


def test_metrics_of_any_kind_end_in_a_card(splits, tmp_path):
    def own(prediction):
        return {"accuracy": 93.5, "confusion": np.eye(2), "note": "in percent"}

    trainer = make(tmp_path, splits, compute_metrics=own)
    trainer.evaluate(splits["test"], metric_key_prefix="test")
    [found] = record_of(trainer).evaluations
    assert found.metrics["accuracy"] == 93.5 and "confusion" not in found.metrics
    assert results_file(tmp_path) is None  # its accuracies are fractions


def test_what_ran_is_recorded_and_not_what_was_changed_since(splits, tmp_path):
    trainer = make(tmp_path, splits, seed=3)
    trainer.train()
    trainer.train_dataset = mnist1d_hf.load_dataset("shuffled", split="train")
    trainer.args.seed = 4
    record = record_of(trainer)
    assert (record.trained_on.config_name, record.seed) == ("default", 3)


def test_data_of_unknown_origin_are_named_as_declared_or_not_at_all(splits, tmp_path):
    rows = splits["train"].to_dict()
    own = Dataset.from_dict(rows).cast_column("label", ClassLabel(num_classes=10))
    trainer = make(tmp_path, {"train": own, "validation": own})
    trainer.train()
    trainer.evaluate()
    record = record_of(trainer)
    assert (record.trained_on.dataset, record.trained_on.parameters) == (None, None)
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.datasets is None and card.data.eval_results is None
    assert "a dataset without a name" in card.text
    record = record_of(trainer, dataset="alice/signals", dataset_args="loud")
    assert (record.trained_on.dataset, record.trained_on.config_name) == ("alice/signals", "loud")
    assert ModelCard.load(tmp_path / "README.md").data.datasets == ["alice/signals"]


def test_several_evaluation_sets_have_a_curve_and_a_row_each(splits, tmp_path):
    both = {"kept": splits["validation"], "seen": splits["train"]}
    trainer = make(tmp_path, splits | {"validation": both}, eval_strategy="steps", eval_steps=2)
    trainer.train()
    record = record_of(trainer)
    assert {name: [s for s, _ in curve] for name, curve in record.curves.items()} == {
        "kept": [2, 4],
        "seen": [2, 4],
    }
    assert {found.name: found.data.split for found in record.evaluations} == {
        "kept": "validation",
        "seen": "train",
    }


def test_rows_held_out_of_the_training_split_are_not_called_train(cache, tmp_path):
    held = mnist1d_hf.load_dataset("default", split="train").train_test_split(500, seed=0)
    trainer = make(tmp_path, {"train": held["train"], "validation": held["test"]})
    trainer.train()
    trainer.evaluate()
    [found] = record_of(trainer).evaluations
    assert (found.name, found.data.split, found.data.rows) == ("eval", "train", 500)


# ---------------------------------------------------------------- how it was trained


def test_the_optimizer_that_ran_is_named(splits, tmp_path):
    model = new_model("logistic", 0)
    sgd = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    trainer = make(
        *(tmp_path, splits, model),
        optimizers=(sgd, None),
        per_device_train_batch_size=25,
        gradient_accumulation_steps=4,
    )
    trainer.train()
    record = record_of(trainer)
    assert record.optimizer["name"] == "SGD"
    assert (record.optimizer["learning_rate"], record.optimizer["momentum"]) == (0.5, 0.9)
    assert record.batch_size == {"total": 100, "per process": 25, "accumulation": 4, "processes": 1}
    text = (tmp_path / "README.md").read_text()
    assert "| batch size | 100 (4 steps of accumulation) |" in text
    assert "SGD (" in text and "learning_rate = 0.5" in text and "5e-05" not in text


def test_a_schedule_that_was_given_is_named_by_its_class(splits, tmp_path):
    model = new_model("logistic", 0)
    sgd = torch.optim.SGD(model.parameters(), lr=0.5)
    given = torch.optim.lr_scheduler.ExponentialLR(sgd, 0.5)
    trainer = make(tmp_path / "a", splits, model, optimizers=(sgd, given))
    trainer.train()
    record = record_of(trainer)
    assert record.schedule == {"name": "ExponentialLR"}
    assert record.optimizer["learning_rate"] == 0.5  # where it began
    usual = make(tmp_path / "b", splits, lr_scheduler_type="cosine", warmup_steps=2)
    usual.train()
    assert record_of(usual).schedule == {"name": "cosine", "warmup_steps": 2}


def test_loss_and_augmentation_are_named(splits, tmp_path):
    def halved(outputs, labels, num_items_in_batch=None):
        return F.cross_entropy(outputs["logits"], labels) / 2

    class Louder(Mnist1DTrainer):
        augmentation = {"name": "louder", "gain": 2}

    smooth = make(tmp_path / "a", splits, kind=Louder, label_smoothing_factor=0.1)
    smooth.train()
    record = record_of(smooth)
    assert record.loss == {"name": "cross-entropy", "label_smoothing": 0.1}
    assert record.augmentation == {"name": "louder", "gain": 2}
    own = make(tmp_path / "b", splits, compute_loss_func=halved)
    own.train()
    assert record_of(own).loss == {"name": "halved"}

    class Focal(Mnist1DLogisticForSequenceClassification):
        def loss(self, logits, labels):
            return super().loss(logits, labels) ** 2

    class Step(Mnist1DTrainer):
        def training_step(self, model, inputs, num_items_in_batch=None):
            return super().training_step(model, inputs, num_items_in_batch)

    class LouderStep(Step):
        augmentation = {"name": "louder", "gain": 2}

    class LouderLoss(LouderStep):
        def compute_loss(self, *args, **kwargs):
            return super().compute_loss(*args, **kwargs)

    focal = make(tmp_path / "c", splits, Focal(Mnist1DLogisticConfig()))
    step, patched = make(tmp_path / "d", splits, kind=Step), make(tmp_path / "e", splits)
    patched.compute_loss = patched.compute_loss
    for trainer, name in (
        (focal, "of Focal"),
        (step, "Step.training_step"),
        (patched, "Mnist1DTrainer.compute_loss"),
        (make(tmp_path / "f", splits, kind=LouderStep), "cross-entropy"),
        (make(tmp_path / "g", splits, kind=LouderLoss), "LouderLoss.compute_loss"),
    ):
        trainer.train()
        assert record_of(trainer).loss == {"name": name}


def test_before_any_training_the_card_claims_none(splits, tmp_path):
    record = record_of(make(tmp_path, splits))
    assert (record.steps, record.optimizer, record.schedule) == (0, None, None)
    assert "Not evaluated." in (tmp_path / "README.md").read_text()


# ---------------------------------------------------------------- Trainer's interface, the Hub


def test_every_keyword_of_trainer_is_taken(splits, tmp_path):
    trainer = make(tmp_path, splits)
    trainer.create_model_card(
        language="en",
        license="mit",
        tags=["signals"],
        model_name="mine",
        finetuned_from="alice/start",
        tasks="audio-classification",
        dataset_tags="alice/mnist1d",
        dataset="MNIST-1D",
        dataset_args="shuffled",
    )
    card = ModelCard.load(tmp_path / "README.md")
    data = card.data
    assert (data.language, data.license, data.base_model) == ("en", "mit", "alice/start")
    assert (data.pipeline_tag, data.datasets) == ("audio-classification", ["alice/mnist1d"])
    assert "signals" in data.tags and "# mine\n" in card.text
    assert "config `default`" in card.text  # which the dataset knows better


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_old_results_do_not_stay_on_the_hub(hub, splits, tmp_path):
    trainer = make(tmp_path / "m", splits, hub_model_id="alice/mnist1d-logistic")
    trainer.train()
    trainer.evaluate(splits["test"], metric_key_prefix="test")
    trainer.push_to_hub(finetuned_from="alice/start", tasks="tabular-classification")
    files = HfApi().list_repo_files("alice/mnist1d-logistic")
    assert {".eval_results/mnist1d.yaml", "training.json"} <= set(files)
    again = make(tmp_path / "m", splits, hub_model_id="alice/mnist1d-logistic")
    again.train()
    again.push_to_hub()
    assert ".eval_results/mnist1d.yaml" not in HfApi().list_repo_files("alice/mnist1d-logistic")


def test_the_optimum_on_the_test_rows_is_recorded_and_shown(splits, tmp_path, monkeypatch):
    found = []
    monkeypatch.setattr(
        "mnist1d_hf.training.record.optimum_on", lambda rows: found.append(1) or optimum_on(rows)
    )
    trainer = make(tmp_path, splits)
    trainer.train()
    trainer.evaluate()
    trainer.evaluate(splits["test"], metric_key_prefix="test")
    record = record_of(trainer)
    optima = {evaluation.name: evaluation.optimum for evaluation in record.evaluations}
    assert optima == {"validation": None, "test": 1.0}
    [test] = [evaluation for evaluation in record.evaluations if evaluation.name == "test"]
    assert test.excess_error == 100 * (1 - test.accuracy)
    assert f"{test.excess_error:.2f} points" in (tmp_path / "README.md").read_text()
    record_of(trainer)
    assert len(found) == 2, "computed again for the same rows"
