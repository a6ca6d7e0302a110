"""The Trainer: as fast as promised is bench.py's affair; here it computes and resumes exactly."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from huggingface_hub import HfApi, ModelCard
from torch.nn import functional as F
from transformers import (
    AutoModelForSequenceClassification,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
    pipeline,
)

import mnist1d_hf
from mnist1d_hf.models import ARCHITECTURES, Mnist1DFeatureExtractor
from mnist1d_hf.training.trainer import Mnist1DTrainer

torch.set_num_threads(1)


def split(n, seed=0, length=40):
    """Signals whose label is where they are largest: learnt in a few steps."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, n)
    x = random.standard_normal((n, length), dtype=np.float32)
    x[np.arange(n), 4 * labels] += 4
    features = {"x": List(Value("float32"), length), "label": ClassLabel(num_classes=10)}
    return Dataset.from_dict({"x": x, "label": labels}, features=Features(features))


TRAIN, VALIDATION = split(230), split(100, seed=1)


def build(name="mlp"):
    config, model = ARCHITECTURES[name]
    torch.manual_seed(0)
    return model(config())


def arguments(folder, **changes):
    settings = dict(
        per_device_train_batch_size=50,
        per_device_eval_batch_size=1000,
        learning_rate=1e-2,
        weight_decay=0.0,
        max_grad_norm=0.0,
        lr_scheduler_type="constant",
        max_steps=12,
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    )
    return TrainingArguments(str(folder), **(settings | changes))


def train(folder, model=None, train_dataset=TRAIN, resume=None, callbacks=None, **changes):
    trainer = Mnist1DTrainer(
        model or build(),
        arguments(folder, **changes),
        train_dataset=train_dataset,
        eval_dataset=VALIDATION,
        callbacks=callbacks,
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def losses(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


# ---------------------------------------------------------------- what it computes


@pytest.mark.parametrize("order", ["random", "sequential"])
def test_the_steps_are_those_of_a_bare_loop(order, tmp_path):
    model = build()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0, fused=True)
    x, labels = torch.tensor(TRAIN["x"][:]), torch.tensor(TRAIN["label"][:])
    expected = []
    for epoch in range(3):
        # accelerate's SeedableRandomSampler: a generator of seed + epoch
        rows = torch.randperm(230, generator=torch.Generator().manual_seed(7 + epoch))
        rows = rows if order == "random" else torch.arange(230)
        for batch in rows.split(50):  # four whole batches and one of 30
            loss = F.cross_entropy(model.logits(x[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            expected.append(loss.item())
    trainer = train(tmp_path, train_sampling_strategy=order, max_steps=15, seed=7)
    assert losses(trainer) == pytest.approx(expected, rel=1e-5)


def test_a_resumed_run_continues_exactly(tmp_path):
    """From the middle of an epoch: step 7 of 5 steps per epoch."""
    whole = train(tmp_path / "whole", save_strategy="steps", save_steps=7)
    checkpoint = tmp_path / "whole" / "checkpoint-7"
    resumed = train(tmp_path / "resumed", model=build("mlp"), resume=str(checkpoint))
    assert torch.equal(weights(whole), weights(resumed))
    assert losses(whole)[7:] == losses(resumed)[7:] and len(losses(whole)) == 12


def test_gradient_accumulation_gives_the_same_step(tmp_path):
    rows = TRAIN.select(range(200))
    whole = train(tmp_path, train_dataset=rows)
    parts = train(
        tmp_path,
        train_dataset=rows,
        per_device_train_batch_size=25,
        gradient_accumulation_steps=2,
    )
    torch.testing.assert_close(weights(whole), weights(parts), rtol=1e-3, atol=1e-5)


def test_clipping_label_smoothing_and_bf16_are_trainers_own(tmp_path):
    clipped = train(tmp_path, max_grad_norm=1e-3, max_steps=2)
    assert clipped.state.log_history[0]["grad_norm"] > 1e-3
    smoothed = train(tmp_path, label_smoothing_factor=0.9, max_steps=1)
    assert abs(losses(smoothed)[0] - losses(clipped)[0]) > 1e-3
    halved = train(tmp_path, bf16=True, max_steps=1)
    assert losses(halved)[0] == pytest.approx(losses(clipped)[0], rel=2e-2)


def test_metrics_come_by_default(tmp_path):
    trainer = train(tmp_path, max_steps=60)
    metrics = trainer.evaluate()
    predicted = trainer.predict(VALIDATION)
    accuracy = (predicted.predictions.argmax(1) == np.array(VALIDATION["label"])).mean()
    assert metrics["eval_accuracy"] == pytest.approx(accuracy) and accuracy > 0.8
    assert {"eval_macro_f1", "eval_expected_calibration_error"} < metrics.keys()
    several = trainer.evaluate({"a": VALIDATION, "b": TRAIN})
    assert several["eval_a_accuracy"] == metrics["eval_accuracy"]
    trainer.eval_dataset = {"a": VALIDATION}
    assert trainer.evaluate()["eval_a_accuracy"] == metrics["eval_accuracy"]


def test_training_stops_early_on_the_validation_split(tmp_path):
    class Worse(TrainerCallback):
        """Spoils the model after the first evaluation."""

        def on_step_begin(self, args, state, control, model, **kwargs):
            if state.global_step >= 20:
                torch.nn.init.zeros_(model.classifier.weight)

    args = arguments(
        tmp_path,
        max_steps=500,
        eval_strategy="steps",
        eval_steps=20,
        save_strategy="best",
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
    )
    trainer = Mnist1DTrainer(
        build(),
        args,
        train_dataset=TRAIN,
        eval_dataset=VALIDATION,
        early_stopping_patience=2,
        callbacks=[Worse()],
    )
    trainer.train()
    assert trainer.state.global_step == 60
    assert trainer.evaluate()["eval_accuracy"] == trainer.state.best_metric > 0.5


def test_a_searched_seed_starts_its_own_trial(tmp_path):
    """And not the next one."""
    started = {}

    def model_init():
        config, model = ARCHITECTURES["logistic"]
        return model(config())

    class Note(TrainerCallback):
        def on_train_begin(self, args, state, control, model, **kwargs):
            started.setdefault(args.seed, []).append(model.classifier.weight.sum().item())

    trainer = Mnist1DTrainer(
        args=arguments(tmp_path, max_steps=1),
        model_init=model_init,
        train_dataset=TRAIN,
        eval_dataset=VALIDATION,
        callbacks=[Note()],
    )
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trainer.hyperparameter_search(
        lambda trial: {"seed": trial.suggest_categorical("seed", [1, 2, 3])},
        n_trials=4,
        sampler=optuna.samplers.GridSampler({"seed": [1, 2, 3]}),
    )
    expected = {}
    for seed in started:
        torch.manual_seed(seed)
        expected[seed] = model_init().classifier.weight.sum().item()
    assert len(started) == 3
    assert all(value == expected[seed] for seed, values in started.items() for value in values)


# ---------------------------------------------------------------- bad input


def poisoned():
    x = np.zeros((5, 40), np.float32)
    x[3, 7] = np.nan
    return Dataset.from_dict({"x": x, "label": [0] * 5})


@pytest.mark.parametrize(
    "dataset, message",
    [
        (split(5, length=50), "shape .50,.; the model takes final_seq_length=40"),
        (poisoned(), "x of row 3 holds NaN or infinity"),
        (TRAIN.rename_column("label", "y"), r"lacks \['label'\]: rename yours"),
        (
            Dataset.from_dict({"x": np.zeros((2, 40), np.float32), "label": [3, 10]}),
            "label 10: must be from 0 to num_labels - 1 = 9",
        ),
        (
            Dataset.from_dict({"x": np.zeros((2, 40), np.float32), "label": [0.7, 2.9]}),
            "labels are float64: they must be integers from 0 to num_labels - 1 = 9",
        ),
        (
            Dataset.from_dict({"x": [[0.0] * 39 + [None]], "label": [0]}),
            "x of row 0 holds NaN|column 'x' has 1 missing",
        ),
        (
            Dataset.from_dict({"x": [[0.0] * 40, [0.0] * 40], "label": [0, None]}),
            "column 'label' has missing values in 1 rows",
        ),
        (
            Dataset.from_dict({"x": [[0.0] * 40, [0.0] * 41], "label": [0, 0]}),
            r"rows of different lengths: \[40, 41\]",
        ),
        (TRAIN.select([]), "the dataset has no rows"),
        (DatasetDict(train=TRAIN, test=TRAIN), "train_dataset holds the splits train, test: pass"),
        ({"a": TRAIN}, "train_dataset holds the splits a: pass one"),
    ],
)
def test_bad_data_is_named_before_any_work(dataset, message, tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(ValueError, match=message):
        train(folder, train_dataset=dataset)
    assert not (folder / "model.safetensors").exists()


def test_labels_may_have_the_name_of_transformers(tmp_path):
    renamed = train(tmp_path / "a", train_dataset=TRAIN.rename_column("label", "labels"))
    assert torch.equal(weights(renamed), weights(train(tmp_path / "b")))


def test_bad_data_is_named_in_evaluation_too(tmp_path):
    trainer = train(tmp_path, max_steps=1)
    for dataset, message in [
        (split(5, length=50), "shape .50,.; the model takes final_seq_length=40"),
        (poisoned(), "x of row 3 holds NaN or infinity"),
        (TRAIN.rename_column("x", "signal"), r"lacks \['x'\]: rename yours"),
    ]:
        for use in (trainer.evaluate, trainer.predict):
            with pytest.raises(ValueError, match=message):
                use(dataset)
    with pytest.raises(ValueError, match="test_dataset holds the splits a, b: pass one"):
        trainer.predict(DatasetDict(a=TRAIN, b=TRAIN))


def test_what_a_collator_or_a_loss_mends_is_not_refused(tmp_path):
    def filled(rows):
        batch = default_data_collator(rows)
        return {**batch, "x": batch["x"].nan_to_num()}

    def remainder(outputs, labels, num_items_in_batch):
        return F.cross_entropy(outputs.logits, labels % 10)

    high = Dataset.from_dict({"x": np.zeros((5, 40), np.float32), "label": [13] * 5})
    for given in (
        {"train_dataset": poisoned(), "data_collator": filled},
        {"train_dataset": high, "compute_loss_func": remainder},
    ):
        trainer = Mnist1DTrainer(build(), arguments(tmp_path, max_steps=1), **given)
        trainer.train()
        assert np.isfinite(losses(trainer)).all()


def test_resuming_from_nothing_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="No valid checkpoint found"):
        train(tmp_path, resume=True)
    with pytest.raises(ValueError, match="valid checkpoint"):
        train(tmp_path, resume=str(tmp_path))


def test_what_is_saved_is_what_a_pipeline_takes(tmp_path):
    args = arguments(tmp_path / "out", save_strategy="steps", save_steps=2, max_steps=2)
    trainer = Mnist1DTrainer(build("cnn"), args, train_dataset=TRAIN)
    trainer.train()
    trainer.save_model()
    for folder in (tmp_path / "out", tmp_path / "out" / "checkpoint-2"):
        classify = pipeline("time-series-classification", model=str(folder))
        assert len(classify(TRAIN[0]["x"], top_k=3)) == 3
    plain = Mnist1DTrainer(torch.nn.Linear(40, 10), args)
    assert plain.processing_class is None


# ---------------------------------------------------------------- the Hub


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_push_to_hub_brings_model_code_card_and_results(hub, cache, tmp_path):
    args = arguments(tmp_path / "cnn", hub_model_id="alice/mnist1d-cnn", save_strategy="steps")
    trainer = Mnist1DTrainer(
        build("cnn"),
        args,
        train_dataset=TRAIN,
        eval_dataset=VALIDATION,
        processing_class=Mnist1DFeatureExtractor(),
    )
    trainer.train()
    test = mnist1d_hf.load_dataset("shuffled", split="test")
    accuracy = trainer.evaluate(test, metric_key_prefix="test")["test_accuracy"]
    trainer.push_to_hub(dataset="alice/mnist1d")
    files = set(HfApi().list_repo_files("alice/mnist1d-cnn"))
    assert files >= {
        ".eval_results/mnist1d.yaml",
        "README.md",
        "config.json",
        "configuration_mnist1d.py",
        "feature_extraction_mnist1d.py",
        "model.safetensors",
        "modeling_mnist1d.py",
        "preprocessor_config.json",
        "training.json",
    }
    assert not any(name.startswith("checkpoint") for name in files)
    card = ModelCard.load("alice/mnist1d-cnn")
    [result] = card.data.eval_results
    assert (result.metric_value, result.dataset_split) == (accuracy, "test")
    assert card.data.datasets == ["alice/mnist1d"] and "5,210 parameters" in card.text
    downloaded = HfApi().hf_hub_download("alice/mnist1d-cnn", ".eval_results/mnist1d.yaml")
    [entry] = yaml.safe_load(Path(downloaded).read_text())
    assert entry["value"] == accuracy
    assert entry["dataset"] == {"id": "alice/mnist1d", "task_id": "shuffled"}
    model = AutoModelForSequenceClassification.from_pretrained("alice/mnist1d-cnn")
    assert torch.equal(model.classifier.bias, trainer.model.classifier.bias)
