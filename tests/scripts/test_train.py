"""scripts/train.py: arguments, data of every origin, refusals, several processes, trackers."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

import mnist1d_hf


@pytest.fixture(scope="module")
def train(load_script):
    return load_script("train")


SHORT = ["--max_steps=4", "--eval_steps=2", "--logging_steps=2", "--disable_tqdm=true"]
SHORT += ["--use_cpu=true"]
SMALL = ["--params", "num_samples=500"]


@pytest.fixture(autouse=True)
def one_cache(tmp_path_factory, monkeypatch):
    """The dataset is built once for all tests of this file."""
    import datasets

    folder = tmp_path_factory.getbasetemp() / "train_cache"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(folder))


def test_the_defaults_are_the_papers_recipe(train):
    model, data, args = train.parse([])
    assert (model.model, data.config_name, data.params) == ("cnn", "default", [])
    assert (args.learning_rate, args.weight_decay, args.max_grad_norm) == (1e-2, 0, 0)
    assert (args.per_device_train_batch_size, args.max_steps) == (100, 6000)
    assert args.lr_scheduler_type == "constant" and args.optim == "adamw_torch_fused"


def test_a_file_gives_arguments_and_the_command_line_wins(train, tmp_path):
    settings = {"model": "gru", "params": ["seed=7"], "learning_rate": 0.5, "max_steps": 9}
    for name, text in (("a.yaml", yaml.safe_dump(settings)), ("a.json", json.dumps(settings))):
        (tmp_path / name).write_text(text)
        config = ["--config", str(tmp_path / name)]
        model, data, args = train.parse([*config, "--learning_rate", "0.25"])
        assert (model.model, data.params) == ("gru", ["seed=7"])
        assert (args.learning_rate, args.max_steps) == (0.25, 9)
    (tmp_path / "b.yaml").write_text("learnin_rate: 1")
    with pytest.raises(ValueError, match="'learnin_rate' is no argument; did you mean 'learning_"):
        train.parse(["--config", str(tmp_path / "b.yaml")])


@pytest.fixture(scope="module")
def trained(train, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "gru"
    options = ["--config_name=shuffled", "--model=gru", "--model_args", "hidden_size=4"]
    options += ["--params", "num_samples=500", "final_seq_length=24", "validation_size=50"]
    metrics = train.main([*SHORT, *options, f"--output_dir={folder}"])
    return folder, metrics


def test_it_trains_what_was_asked_for(trained):
    folder, metrics = trained
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    assert (model.config.hidden_size, model.config.final_seq_length) == (4, 24)
    test = mnist1d_hf.load_dataset(
        "shuffled", split="test", num_samples=500, final_seq_length=24, validation_size=50
    )
    x, labels = mnist1d_hf.to_torch(test)
    accuracy = (model(x).logits.argmax(1) == labels).float().mean().item()
    assert metrics["test_accuracy"] == pytest.approx(accuracy)
    saved = json.loads((folder / "test_results.json").read_text())
    assert saved["test_accuracy"] == metrics["test_accuracy"]
    card = (folder / "README.md").read_text()
    assert "shuffled num_samples=500" in card
    assert "learning rate 0.01 (constant)" in card and "weights of the last step." in card
    history = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    assert [e["step"] for e in history if "eval_accuracy" in e] == [2, 4]


def test_a_saved_model_and_other_data_may_be_used(train, tmp_path):
    splits = mnist1d_hf.load_dataset("default", num_samples=300)
    splits.save_to_disk(tmp_path / "disk")
    for name, split in splits.items():
        split.to_parquet(tmp_path / "parquet" / f"{name}.parquet")
    first, second = tmp_path / "first", tmp_path / "second"
    train.main(
        [*SHORT, "--model=mlp", f"--output_dir={first}", f"--dataset_name={tmp_path / 'disk'}"]
    )
    train.main(
        [
            *SHORT,
            *(f"--model={first}", f"--dataset_name={tmp_path / 'parquet'}"),
            *("--learning_rate=0", f"--output_dir={second}"),
        ]
    )
    before, after = (load_file(f / "model.safetensors") for f in (first, second))
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(
    "options, message",
    [
        (["--model=ccn"], "model 'ccn': must be one of logistic, .*did you mean 'tcn'"),
        (["--model=cnn", "--model_args", "hiden_size=3"], "did you mean 'hidden_size'"),
        (["--params", "num_sample=500"], "num_sample"),
        (["--params", "seed"], "'seed': write name=value"),
        (["--config_name=shufled"], "shufled"),
        (
            ["--load_best_model_at_end=true", "--save_strategy=best", *SMALL],
            "needs a validation split: add --params validation_size=500",
        ),
        (["--resume_from_checkpoint=true", *SMALL], "No valid checkpoint found"),
        (["--dataset_name=somewhere", "--params", "seed=1"], "leave them out"),
    ],
)
def test_a_mistake_is_named_and_nothing_written(options, message, train, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.safetensors").write_text("precious")
    with pytest.raises(ValueError, match=message):
        train.main([*SHORT, *options, f"--output_dir={tmp_path / 'out'}"])
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["model.safetensors"]
    assert (tmp_path / "out" / "model.safetensors").read_text() == "precious"


LAUNCHERS = {
    "torchrun": ["torch.distributed.run", "--standalone", "--nproc_per_node=2"],
    "accelerate launch": [
        *("accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--num_machines=1"),
        *("--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0"),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_processes_compute_what_one_does(launcher, train, root, tmp_path):
    """At the same batch of all processes together."""
    options = [*SHORT, *SMALL, "--max_steps=12", "--model=cnn"]
    one, two = tmp_path / "one", tmp_path / "two"
    metrics = train.main([*options, "--per_device_train_batch_size=50", f"--output_dir={one}"])
    child = subprocess.run(
        [
            *(sys.executable, "-m", *LAUNCHERS[launcher], str(root / "scripts" / "train.py")),
            *(*options, "--per_device_train_batch_size=25", f"--output_dir={two}"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    weights, shared = (load_file(f / "model.safetensors") for f in (one, two))
    for key, value in weights.items():
        np.testing.assert_allclose(shared[key], value, rtol=1e-3, atol=1e-4)
    saved = json.loads((two / "test_results.json").read_text())
    assert saved["epoch"] == metrics["epoch"]  # each process took half of every batch
    assert saved["test_accuracy"] == pytest.approx(metrics["test_accuracy"])
    assert child.stdout.count("test accuracy") == 1


def test_metrics_go_to_tensorboard(train, tmp_path, monkeypatch):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "logs"))
    train.main([*SHORT, *SMALL, "--report_to=tensorboard", f"--output_dir={tmp_path / 'out'}"])
    events = accumulator.EventAccumulator(str(tmp_path / "logs")).Reload()
    assert [e.step for e in events.Scalars("eval/accuracy")] == [2, 4]


@pytest.mark.filterwarnings("ignore")  # those of gradio and uvicorn, which trackio imports
def test_metrics_go_to_trackio(train, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    pytest.importorskip("trackio")
    train.main(
        [
            *SHORT,
            *SMALL,
            *("--report_to=trackio", "--project=mnist1d", "--run_name=first"),
            f"--output_dir={tmp_path / 'out'}",
        ]
    )
    assert list((tmp_path / "trackio").glob("mnist1d*.db"))
