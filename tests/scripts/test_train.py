"""scripts/train.py: arguments, data of every origin, refusals, several processes, trackers."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

import mnist1d_hf
from mnist1d_hf.entrances import refusals
from mnist1d_hf.evidence.training_record import TrainingRecord


@pytest.fixture(scope="module")
def train(load_script):
    return load_script("train")


SHORT = ["--max_steps=4", "--eval_steps=2", "--logging_steps=2", "--disable_tqdm=true"]
SHORT += ["--use_cpu=true"]
SMALL = ["--params", "num_samples=500"]


@pytest.fixture(autouse=True)
def one_cache(tmp_path_factory, monkeypatch):
    """The dataset is built once for all tests of this file."""
    folder = tmp_path_factory.getbasetemp() / "train_cache"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(folder))


def test_the_defaults_are_the_papers_recipe(train):
    model, data, args = train.parse([])
    assert (model.model, data.config_name, data.params) == ("cnn", None, [])
    assert train.folder_name(model, data) == "out/default-cnn"
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
    with pytest.raises(ValueError, match="'learnin_rate': unknown; did you mean 'learning_"):
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
    assert "config `shuffled` with `num_samples=500`" in card
    assert "learning_rate = 0.01" in card and "| schedule | constant |" in card
    record = TrainingRecord.read(folder)
    assert (record.trained_on.config_name, record.trained_on.rows) == ("shuffled", 350)
    tests = [found.accuracy for found in record.evaluations if found.name == "test"]
    assert tests == [metrics["test_accuracy"]]
    history = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    assert [e["step"] for e in history if "eval_accuracy" in e] == [2, 4]


def test_the_snippets_of_a_local_card_run_where_the_command_ran(train, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train.main([*SHORT, "--model=logistic", "--output_dir=mnist1d"])  # which could be a Hub name
    blocks = re.findall(r"```python\n(.*?)```", Path("mnist1d/README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, {})


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
        (["--model=mlp", "--model_args", "hidden_size=1e30", *SMALL], "2147483647 or less"),
        (["--max_step=5"], "argument '--max_step': unknown; did you mean '--max_steps'?"),
        (["--params", "seed"], "'seed': write name=value"),
        (["--config_name=shufled"], "shufled"),
        (
            ["--early_stopping_patience=3", "--metric_for_best_model=loss", "--protocol=paper"],
            "a step is selected on validation rows: leave out --protocol paper",
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


def test_an_argument_that_is_given_wins_over_the_defaults(train, tmp_path):
    for options, expected in [
        (["--num_train_epochs=1"], (1.0, -1)),
        (["--max_steps=7"], (3.0, 7)),
        (["--num_train_epochs=1", "--max_steps=7"], (1.0, 7)),
    ]:
        _, _, args = train.parse(options)
        assert (args.num_train_epochs, args.max_steps) == expected
    (tmp_path / "run.yaml").write_text("num_train_epochs: 2\nparams: {seed: 7, padding: [30, 60]}")
    _, data, args = train.parse(["--config", str(tmp_path / "run.yaml")])
    assert (args.num_train_epochs, args.max_steps) == (2.0, -1)
    assert train.assignments(data.params) == {"seed": 7, "padding": [30, 60]}


def test_numbers_are_read_as_people_write_them(train):
    given = ["num_samples=1e5", "iid_noise_scale=1e-2", "shuffle_seq=true", "stream=counter"]
    assert train.assignments(given) == {
        "num_samples": 100_000,
        "iid_noise_scale": 0.01,
        "shuffle_seq": True,
        "stream": "counter",
    }


@pytest.fixture
def evaluated(train, monkeypatch):
    """The names of the splits that were evaluated, and the rows that were trained on."""
    seen, rows = [], []

    class Watching(train.Mnist1DTrainer):
        def evaluate(self, eval_dataset=None, ignore_keys=None, metric_key_prefix="eval"):
            dataset = self.eval_dataset if eval_dataset is None else eval_dataset
            seen.append((metric_key_prefix, len(dataset)))
            rows.append(len(self.train_dataset))
            return super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)

    monkeypatch.setattr(train, "Mnist1DTrainer", Watching)
    return seen, rows


def test_test_rows_are_looked_at_once_unless_the_protocol_is_the_papers(train, evaluated, tmp_path):
    seen, rows = evaluated
    train.main([*SHORT, "--params", "num_samples=800", f"--output_dir={tmp_path / 'a'}"])
    assert seen == [("eval", 80), ("eval", 80), ("test", 160)] and set(rows) == {560}
    seen.clear(), rows.clear()
    paper = ["--protocol=paper", f"--output_dir={tmp_path / 'b'}"]
    train.main([*SHORT, "--params", "num_samples=800", *paper])
    assert seen == [("eval", 160), ("eval", 160), ("test", 160)] and set(rows) == {640}


def test_another_dataset_has_validation_rows_too_and_keeps_its_label_names(
    train, evaluated, tmp_path
):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(96, 8)).astype("float32").tolist()
    names = datasets.ClassLabel(names=["cat", "dog"])
    for folder, label, feature in [
        ("numbers", [i % 2 for i in range(96)], names),
        ("words", ["cat" if i % 3 else "dog" for i in range(96)], datasets.Value("string")),
    ]:
        rows = datasets.Dataset.from_dict(
            {"x": x, "label": label},
            datasets.Features({"x": datasets.List(datasets.Value("float32")), "label": feature}),
        )
        splits = datasets.DatasetDict(train=rows.select(range(64)), test=rows.select(range(64, 96)))
        splits.save_to_disk(tmp_path / folder)
        out = tmp_path / f"{folder}-model"
        train.main([*SHORT, f"--dataset_name={tmp_path / folder}", f"--output_dir={out}"])
        model = AutoModelForSequenceClassification.from_pretrained(out)
        assert model.config.id2label == {0: "cat", 1: "dog"}
        assert model.config.label2id == {"cat": 0, "dog": 1}
        assert evaluated[0][-3:] == [("eval", 8), ("eval", 8), ("test", 32)]


def test_splits_that_are_missing_are_named(train, tmp_path):
    with pytest.raises(ValueError, match="no test rows, only splits train, validation"):
        train.main([*SHORT, "--params", "train_split=1.0", "num_samples=100"])
    with pytest.raises(ValueError, match="config 'templates': must be one of default, shuffled"):
        train.main([*SHORT, "--config_name=templates"])


def test_a_folder_belongs_to_one_command(train, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train.main([*SHORT, *SMALL])
    weights = (tmp_path / "out/default-cnn/model.safetensors").read_bytes()
    with pytest.raises(ValueError, match="holds the run of the command .*--overwrite true"):
        train.main([*SHORT, *SMALL, "--learning_rate=0.5"])
    train.main([*SHORT, *SMALL])
    assert (tmp_path / "out/default-cnn/model.safetensors").read_bytes() == weights
    train.main([*SHORT, *SMALL, "--model=gru"])
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"default-cnn", "default-gru"}
    train.main([*SHORT, *SMALL, "--learning_rate=0.5", "--overwrite=true"])
    assert (tmp_path / "out/default-cnn/model.safetensors").read_bytes() != weights


@pytest.mark.parametrize("save", ["no", "steps"])
def test_after_ctrl_c_the_same_command_continues(train, tmp_path, monkeypatch, save):
    options = [*SHORT, *SMALL, "--augment=2", f"--save_strategy={save}", "--save_steps=2"]
    whole = tmp_path / "whole"
    train.main([*options, f"--output_dir={whole}"])
    step = train.AugmentingTrainer.training_step

    def press(self, *args, **more):
        if self.state.global_step == 2:  # in the third step of four
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, *args, **more)

    options += [f"--output_dir={tmp_path / 'out'}"]
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt, match="step 3 is saved"):
        patch.setattr(train.AugmentingTrainer, "training_step", press)
        train.main(options)
    assert signal.getsignal(signal.SIGINT) is handler
    assert not (tmp_path / "out" / "config.json").exists()
    cut_off = tmp_path / "out" / "checkpoint-4"  # a second Ctrl-C, while it was written
    cut_off.mkdir()
    (cut_off / "model.safetensors").write_bytes(b"half")
    with pytest.raises(ValueError, match="of the command"):
        train.main([*options, "--seed=1"])
    train.main([*options, "--overwrite=true"])  # of which there is nothing to do
    a, b = (load_file(f / "model.safetensors") for f in (whole, tmp_path / "out"))
    assert all(torch.equal(a[key], b[key]) for key in a)
    state = json.loads((tmp_path / "out" / "trainer_state.json").read_text())
    assert [e["step"] for e in state["log_history"] if "eval_accuracy" in e] == [2, 4]
    if save == "steps":  # trained for longer, from a checkpoint that is named
        train.main([*options, "--max_steps=6", "--resume_from_checkpoint=last"])
        longer = json.loads((tmp_path / "out" / "trainer_state.json").read_text())
        assert longer["log_history"][:2] == state["log_history"][:2]
        assert longer["global_step"] == 6
    left = sorted(p.name for p in (tmp_path / "out").glob("checkpoint-*"))
    assert bool(left) == (save == "steps")


def test_the_parts_of_a_step_are_varied_in_different_ways(train, tmp_path, monkeypatch):
    drawn = {}

    def vary(x, generator, shift):
        drawn.setdefault("numbers", []).append(torch.rand(1, generator=generator).item())
        return x

    monkeypatch.setattr(train, "vary", vary)
    options = [*SHORT, *SMALL, "--augment=2", "--per_device_train_batch_size=25"]
    train.main([*options, "--gradient_accumulation_steps=3", f"--output_dir={tmp_path / 'a'}"])
    several = drawn.pop("numbers")
    train.main([*options, f"--output_dir={tmp_path / 'b'}"])
    single = drawn.pop("numbers")
    assert len(several) == len(set(several)) == 12
    assert several[::3] == single  # the first part of a step is what the step was


def test_a_training_that_diverges_is_told_and_saves_nothing(train, tmp_path, capsys):
    quick = ["--max_steps", "20", "--logging_steps", "20", "--output_dir", str(tmp_path / "out")]
    with pytest.raises(ValueError, match="diverged, .* --learning_rate 1e\\+30 is too high"):
        train.main([*quick, "--model", "mlp", "--learning_rate", "1e30"])
    assert "'loss': 'nan'" in capsys.readouterr().out
    assert not list((tmp_path / "out").glob("*.safetensors"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--learning_rate", "abc"], "invalid float value: 'abc'"),
        (["--config", "nothere.yaml"], "nothere.yaml: No such file or directory"),
        (["--config", "list.yaml"], "list.yaml: must hold lines such as"),
        (["--config", "broken.yaml"], "broken.yaml: while parsing"),
        (["--output_dir", "/proc/x"], "output folder /proc/x"),
        (["--lerning_rate", "1"], "did you mean '--learning_rate'?"),
        (["--report_to", "nothing"], "report_to 'nothing'"),
        (["--learning_rate", "1e400"], "learning_rate=inf: must be a finite number"),
        (["--max_grad_norm", "nan"], "max_grad_norm=nan: must be a finite number"),
        (["--logging_steps", "nan"], "logging_steps=nan: must be a finite number"),
        (["--per_device_train_batch_size", "0"], "per_device_train_batch_size=0: must be 1"),
        (["--dataset_name", "null"], "must be lists of numbers"),
        (["--dataset_name", "scalar"], "must be lists of numbers"),
    ],
)
def test_mistakes_are_told_in_one_line(train, tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.yaml").write_text("- 1")
    (tmp_path / "broken.yaml").write_text("a: [")
    for name, x in (("null", None), ("scalar", 1.5)):
        rows = datasets.Dataset.from_dict({"x": [x] * 20, "label": list(range(10)) * 2})
        datasets.DatasetDict(train=rows, test=rows).save_to_disk(tmp_path / name)
    before = sorted(tmp_path.iterdir())
    capsys.readouterr()
    with pytest.raises(SystemExit, match="2"), refusals():
        train.main(options)
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "option",
    ["prediction_loss_only=true", "eval_do_concat_batches=false", "label_names=x"],
)
def test_arguments_without_an_accuracy_end_well(train, tmp_path, capsys, option):
    metrics = train.main([*SHORT, *SMALL, f"--{option}", f"--output_dir={tmp_path / 'out'}"])
    assert "test_accuracy" not in metrics and (tmp_path / "out" / "training.json").exists()
    assert f"saved in {tmp_path / 'out'}" in capsys.readouterr().out


def test_a_mistake_ends_the_program_with_code_2(root, tmp_path):
    program = [sys.executable, str(root / "scripts" / "train.py"), "--config", "nothere.yaml"]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and done.stdout == ""
    assert not list(tmp_path.iterdir())


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


def test_a_number_of_steps_between_checkpoints_asks_for_them(train, tmp_path):
    out = tmp_path / "out"
    train.main([*SHORT, *SMALL, "--save_steps=2", f"--output_dir={out}"])
    assert sorted(path.name for path in out.glob("checkpoint-*")) == [
        "checkpoint-2",
        "checkpoint-4",
    ]
