"""Publishing the whole project on the embedded Hub, and loading it back with the real clients."""

import dataclasses
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfApi, ModelCard, hf_hub_download, snapshot_download

from mnist1d_hf.data.identity import DIGESTS
from mnist1d_hf.evidence.training_record import DataFacts, Evaluation, TrainingRecord
from mnist1d_hf.files import sha256
from mnist1d_hf.hub import publish
from mnist1d_hf.hub.attempts import PublishError
from mnist1d_hf.hub.push import push
from mnist1d_hf.localhub import LocalHub

CONFIGS = ("default", "shuffled", "high-translation", "noisy", "templates")


@pytest.fixture(scope="session")
def script(load_script):
    """scripts/publish.py as a module: its `main`, without a process."""
    return load_script("publish")


def training_record(home, model, **changes):
    """What a training of the default config would have recorded, with an accuracy on test."""
    trained_on = DataFacts("mnist1d", "default", {}, "train", 4000)
    tested_on = DataFacts("mnist1d", "default", {}, "test", 1000)
    facts = {
        "model_type": model.config.model_type,
        "architecture": type(model).__name__,
        "num_parameters": model.num_parameters(),
        "sequence_length": 40,
        "num_labels": 10,
        "finetuned_from": None,
        "feature_extractor": True,
        "weights_sha256": sha256(home / "model.safetensors"),
        "trained_on": trained_on,
        "steps": 0,
        "selection": {"step": 0, "metric": None, "split": None},
        "batch_size": {"total": 100, "per process": 100, "accumulation": 1, "processes": 1},
        "optimizer": None,
        "schedule": None,
        "loss": {"name": "cross-entropy"},
        "max_grad_norm": None,
        "augmentation": None,
        "seed": 42,
        "evaluations": [Evaluation("test", tested_on, {"accuracy": 0.125}, "default")],
        "curves": {},
    }
    return TrainingRecord(**(facts | changes))


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Two models as their training leaves them, with a file that must stay at home."""
    from mnist1d_hf.models import ARCHITECTURES, Mnist1DFeatureExtractor

    folder = tmp_path_factory.mktemp("models")
    for name in ("cnn", "logistic"):
        config, model = ARCHITECTURES[name]
        home = folder / name
        trained = model(config())
        trained.save_pretrained(home)
        Mnist1DFeatureExtractor().save_pretrained(home)
        training_record(home, trained).write(home)
        (home / "README.md").write_text("the card of this machine")
        (home / "training_args.bin").write_bytes(b"may hold a token")
    return folder


@pytest.fixture(scope="session")
def card(root, tmp_path_factory):
    """The card's folder as it is now: a study that runs meanwhile would change it."""
    folder = tmp_path_factory.mktemp("card") / "dataset_card"
    return shutil.copytree(root / "dataset_card", folder)


@pytest.fixture
def publish_all(script, root, card, models, monkeypatch, capsys):
    """Run the command with some options; return what it printed. The Space is left out."""
    monkeypatch.chdir(root)
    parts = ["dataset", "models", "collection"]

    def run(**options):
        script.main(**{"models": models, "card": card, "only": parts, **options})
        return capsys.readouterr().out

    return run


def repositories():
    api = HfApi()
    listings = (api.list_datasets(), api.list_models(), api.list_spaces())
    return sorted(repo.id for listing in listings for repo in listing)


def test_publishes_everything_once(hub, publish_all):
    told = publish_all()
    assert repositories() == ["alice/mnist1d", "alice/mnist1d-cnn", "alice/mnist1d-logistic"]
    api = HfApi()
    assert len(api.list_repo_commits("alice/mnist1d", repo_type="dataset")) == 2
    tags = api.list_repo_refs("alice/mnist1d", repo_type="dataset").tags
    assert [tag.name for tag in tags] == ["v1.0.0"]
    assert "dataset alice/mnist1d: published, verified at" in told
    [collection] = list(api.list_collections(owner="alice"))
    items = api.get_collection(collection.slug).items
    assert sorted(item.item_id for item in items) == repositories()
    assert "training_args.bin" not in api.list_repo_files("alice/mnist1d-cnn")

    hub.log.clear()
    told = publish_all()
    assert "published, verified" not in told and told.count("already complete") == 3
    assert not hub.calls("/commit/")
    assert len(api.get_collection(collection.slug).items) == 3


def test_dry_run_sends_nothing(hub, publish_all):
    told = publish_all(dry_run=True)
    assert re.search(r"model you/mnist1d-cnn\n.*\n? +[\d,]+  README.md", told)
    assert re.search(r" 550,\d{3}  default/train-00000-of-00001.parquet", told)
    assert not hub.log


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_parts_privacy_namespace_and_deletion(hub, publish_all):
    publish_all(only=["models", "collection"], private=True, namespace="acme", repo_prefix="tmp-")
    assert repositories() == ["acme/tmp-mnist1d-cnn", "acme/tmp-mnist1d-logistic"]
    assert all(repo.private for repo in HfApi().list_models())
    HfApi().create_repo("acme/other")
    told = publish_all(
        only=["models", "collection"], namespace="acme", repo_prefix="tmp-", delete_after=True
    )
    assert repositories() == ["acme/other"] and told.count("deleted") == 3
    assert not list(HfApi().list_collections(owner="acme"))


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_deletes_what_was_published_when_the_rest_fails(hub, publish_all):
    hub.fail("POST .*logistic/commit/", status=403)
    with pytest.raises(SystemExit, match="model alice/tmp-mnist1d-logistic failed.*403"):
        publish_all(only=["models"], repo_prefix="tmp-", delete_after=True)
    assert repositories() == []


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_as_pull_requests(hub, publish_all):
    told = publish_all(only=["models"], create_pr=True)
    assert told.count("/discussions/1") == 2
    assert HfApi().list_repo_files("alice/mnist1d-cnn") == [".gitattributes"]


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_the_space_has_all_that_its_app_imports(hub, publish_all, tmp_path):
    publish_all(only=["space"])
    assert HfApi().space_info("alice/mnist1d-explorer").sdk == "gradio"
    snapshot_download("alice/mnist1d-explorer", repo_type="space", local_dir=tmp_path)
    assert "spaces/alice/mnist1d-explorer\n" in (tmp_path / "README.md").read_text()
    code = "import app, mnist1d_hf; print(mnist1d_hf.__file__); app.build()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'mnist1d_hf' / '__init__.py'}\n"


def test_models_that_are_missing_are_mentioned(hub, publish_all):
    for dry_run in (True, False):
        told = publish_all(only=["models", "collection"], models=None, dry_run=dry_run)
        assert "models: left out; --models FOLDER" in told


@pytest.mark.parametrize(
    "options, message",
    [
        ({"only": ["data"]}, "--only 'data': must be one of dataset, models"),
        ({"hub": "remote"}, "only 'local' is known"),
        ({"delete_after": True}, "--delete-after needs --repo-prefix"),
        ({"namespace": "bob"}, "alice may not publish in 'bob'"),
        ({"card": "nowhere"}, "no dataset card: nowhere/README.md does not exist"),
        ({"only": ["models"], "models": None}, "no models: name the folder"),
    ],
)
@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_mistakes_are_told_in_one_line_before_anything_is_sent(
    hub, script, publish_all, monkeypatch, options, message
):
    if "card" in options:
        options = {"card": Path(options["card"])}
    if "models" not in options:
        options = {**options, "train": True}
        monkeypatch.setattr(script, "train_models", None)  # nor is anything trained
    with pytest.raises((SystemExit, ValueError)) as told:
        publish_all(**options)
    assert message in str(told.value)
    assert "\n" not in str(told.value)
    assert not hub.calls("POST|PUT")


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_no_token_is_printed_with_a_bug(hub, publish_all, monkeypatch):
    def broken(*_, **options):
        raise KeyError("Bearer hf_alicesecret0123456789")

    monkeypatch.setattr(publish, "plan", broken)
    with pytest.raises(SystemExit) as told:
        publish_all()
    assert "KeyError" in str(told.value) and "Traceback" in str(told.value)
    assert "hf_alice" not in str(told.value)


@pytest.mark.parametrize("content", [b"no database" * 1000, b""])
def test_a_hub_that_does_not_start_is_told_in_one_line(root, tmp_path, content):
    (tmp_path / "hub.sqlite3").write_bytes(content)
    command = [sys.executable, "scripts/publish.py", "--hub", "local", "--only", "models"]
    done = subprocess.run(
        [*command, "--hub-dir", tmp_path], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == (2 if content else 1) and done.stderr.count("\n") == 1
    wanted = f"error: the Hub in {tmp_path} does not start: " if content else "error: no models"
    assert done.stderr.startswith(wanted)


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_full_disk_while_the_files_are_made(hub, publish_all):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(SystemExit, match="error: preparing the files failed.*free some space"):
            publish_all()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not hub.calls("POST")


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_a_token_in_a_file_is_not_published(hub, models, tmp_path):
    (tmp_path / "m").symlink_to(models / "cnn")
    leaky = tmp_path / "leaky"
    leaky.mkdir()
    for path in (models / "cnn").iterdir():
        (leaky / path.name).symlink_to(path)
    (leaky / "note.py").write_text("token = 'hf_" + "a1" * 17 + "'")
    with pytest.raises(PublishError, match="note.py of alice/mnist1d-leaky holds a token"):
        publish.plan("alice", tmp_path / "work", parts=("models",), models=tmp_path)


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_a_model_folder_that_is_not_finished(hub, tmp_path):
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "config.json").write_text("{}")
    with pytest.raises(PublishError, match="cnn lacks model.safetensors and training.json"):
        publish.plan("alice", tmp_path / "work", parts=("models",), models=tmp_path)


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_a_record_of_other_weights_is_not_published(hub, models, tmp_path):
    home = shutil.copytree(models / "cnn", tmp_path / "cnn")
    shutil.copy(models / "logistic" / "model.safetensors", home)
    with pytest.raises(PublishError, match="training.json is not of the weights beside it"):
        publish.plan("alice", tmp_path / "work", parts=("models",), models=tmp_path)
    (home / "training.json").write_text("{}")
    with pytest.raises(PublishError, match="is not a training record"):
        publish.plan("alice", tmp_path / "work", parts=("models",), models=tmp_path)


@pytest.mark.parametrize("hub", ["xet"], indirect=True)
def test_killed_while_it_publishes(hub, publish_all, root, card, models, tmp_path):
    """kill -9 just after the Hub took the commit; the next run finishes."""
    command = [sys.executable, "scripts/publish.py", "--models", models, "--only", "dataset"]
    command += ["--card", card]
    process = subprocess.Popen(
        command, cwd=root, env={**os.environ, "HF_HOME": str(tmp_path)}, stdout=subprocess.PIPE
    )
    hub.fail("HEAD .*/datasets/.*/resolve/", run=lambda request: process.kill(), drop="before")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    api = HfApi()
    assert len(api.list_repo_commits("alice/mnist1d", repo_type="dataset")) == 2
    assert not api.list_repo_refs("alice/mnist1d", repo_type="dataset").tags
    publish_all()
    assert len(repositories()) == 3
    assert len(api.list_repo_commits("alice/mnist1d", repo_type="dataset")) == 2
    assert api.list_repo_refs("alice/mnist1d", repo_type="dataset").tags


def test_on_a_hub_of_its_own(root, tmp_path):
    """--hub local, kept in a folder, in a process as a person starts it."""
    command = [sys.executable, "scripts/publish.py", "--hub", "local", "--only", "dataset"]
    command += ["--hub-dir", tmp_path / "hub", "--repo-prefix", "try-"]
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "dataset local/try-mnist1d: published, verified at" in done.stdout
    with LocalHub(tmp_path / "hub") as hub:
        [token] = hub.accounts.tokens
        api = HfApi(endpoint=hub.url)
        refs = api.list_repo_refs("local/try-mnist1d", repo_type="dataset")
        assert [tag.name for tag in refs.tags] == ["v1.0.0"]
    assert token not in done.stdout + done.stderr
    left = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not [path for path in left if token.encode() in path.read_bytes()]


def test_baselines_that_are_there_are_not_trained_again(root, tmp_path, models, monkeypatch):
    """--train, in a process as a person starts it, where all six are finished already."""
    monkeypatch.syspath_prepend(str(root / "scripts"))
    import train_baselines

    for model in train_baselines.RECIPES:
        home = shutil.copytree(models / "cnn", tmp_path / model)
        argv = train_baselines.arguments(model, tmp_path, None)
        command = f"python scripts/train.py {shlex.join(argv)}"
        dataclasses.replace(TrainingRecord.read(home), command=command).write(home)
    command = [sys.executable, "scripts/publish.py", "--train", "--models", tmp_path]
    command += ["--only", "models", "--dry-run"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("there already") == done.stdout.count("model you/mnist1d-") == 6
    assert "training_args.bin" not in done.stdout


# -- loading back, without this package ------------------------------------------------------------

LOAD_DATASET = """
import hashlib, sys
sys.modules["mnist1d_hf"] = None  # importing the package is an error from here on
import datasets
import numpy as np
from datasets import load_dataset
datasets.config.USE_PARQUET_EXPORT = False  # a service with an address that does not exist here

def digest(values, kind):
    return hashlib.sha256(np.asarray(values).astype(kind).tobytes()).hexdigest()

def show(config, split, columns):
    print("=", config, split, digest(columns["x"], "<f4"), digest(columns["label"], "<i8"))

repo, commit, offline = "alice/mnist1d", sys.argv[1], len(sys.argv) > 2
for config in ("default", "shuffled", "high-translation", "noisy", "templates"):
    for revision in ("v1.0.0", commit):
        for split, rows in load_dataset(repo, config, revision=revision).items():
            show(config, split, rows.with_format("numpy")[:])
        if not offline:
            stream = load_dataset(repo, config, revision=revision, streaming=True)
            for split, rows in stream.items():
                [columns] = rows.with_format("numpy").iter(10_000)
                show(config, split, columns)
default = load_dataset(repo, "default", revision=commit)
assert default["train"].features["label"].names == [str(d) for d in range(10)]
assert default["train"].features["x"].length == 40
if not offline:
    import pandas as pd
    frame = pd.read_parquet(f"hf://datasets/{repo}/shuffled/test-00000-of-00001.parquet")
    show("shuffled", "test", {"x": np.stack(frame["x"]), "label": frame["label"]})
"""
LOAD_MODELS = """
import numpy as np, torch
from huggingface_hub import snapshot_download
from pathlib import Path
from transformers import (
    AutoFeatureExtractor, AutoModel, AutoModelForSequenceClassification, pipeline
)
x = np.linspace(-1, 1, 40)
for name in ("cnn", "logistic"):
    model_id = f"alice/mnist1d-{name}"
    model = AutoModelForSequenceClassification.from_pretrained(model_id, trust_remote_code=True)
    extract = AutoFeatureExtractor.from_pretrained(model_id, trust_remote_code=True)
    same = AutoModel.from_pretrained(model_id, trust_remote_code=True)
    with torch.no_grad():
        logits = model(**extract(x, return_tensors="pt")).logits
        assert (same(**extract(x, return_tensors="pt")).logits == logits).all()
    classify = pipeline("time-series-classification", model=model_id, trust_remote_code=True)
    for kind in (type(model), type(classify)):
        assert kind.__module__.startswith("transformers_modules"), kind
    scores = {answer["label"]: answer["score"] for answer in classify(x, top_k=10)}
    print("~", name, *(float(value).hex() for value in logits[0]))
    print("%", name, *(scores[str(digit)].hex() for digit in range(10)))
    print("#", name, *sorted(path.name for path in Path(snapshot_download(model_id)).iterdir()))
"""


def run_child(code, *arguments, **environment):
    result = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-c", code, *arguments],
        env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def expected(models):
    """What the models of the folder say to the same signal, here, by way of their weights."""
    import torch
    from transformers import AutoModelForSequenceClassification

    import mnist1d_hf.models  # noqa: F401

    x = torch.tensor(np.linspace(-1, 1, 40), dtype=torch.float32)[None]
    for name in ("cnn", "logistic"):
        model = AutoModelForSequenceClassification.from_pretrained(models / name)
        with torch.no_grad():
            [logits] = model(x).logits
        for kind, values in (("~", logits), ("%", logits.softmax(-1))):
            yield " ".join([kind, name, *(float(value).hex() for value in values)])


def test_loads_back_without_the_package(hub, request, card, models, tmp_path):
    """Data, streams, models and pipelines by the real clients; then once more without a network."""
    parts = ("dataset", "models")
    work = tmp_path / "work"
    for publication in publish.plan("alice", work, parts=parts, card=card, models=models):
        done = push(publication)
        if publication.repo_type == "dataset":
            commit = done.commit
    environment = {
        "HF_HOME": str(tmp_path / "home"),
        "HF_DATASETS_CACHE": str(tmp_path / "home" / "datasets"),
        "HF_HUB_DISABLE_XET": "1" if request.node.callspec.params["hub"] == "lfs" else "0",
    }
    told = run_child(LOAD_DATASET + LOAD_MODELS, commit, **environment)

    seen = {}
    for line in (line.split() for line in told if line.startswith("=")):
        seen.setdefault((line[1], line[2]), []).append(line[3:])
    for config, digests in DIGESTS.items():
        for split in ("train", "test"):
            wanted = [digests[f"x_{split}"], digests[f"y_{split}"]]
            ways = 5 if (config, split) == ("shuffled", "test") else 4
            assert seen.pop((config, split)) == [wanted] * ways
    [(where, values)] = seen.items()
    assert where == ("templates", "train") and values == [values[0]] * 4
    assert [line for line in told if line[0] in "~%"] == list(expected(models))
    for line in (line for line in told if line.startswith("#")):
        assert {"modeling_mnist1d.py", "pipeline_mnist1d.py"} < set(line.split())

    hub.log.clear()
    again = run_child(
        LOAD_DATASET + LOAD_MODELS, commit, "offline", HF_HUB_OFFLINE="1", **environment
    )
    assert [line for line in again if line[0] in "~%#"] == [x for x in told if x[0] in "~%#"]
    assert {line for line in again if line[0] == "="} == {x for x in told if x[0] == "="}
    assert not hub.log


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_with_the_package_no_remote_code_is_asked_for(hub, publish_all):
    publish_all(only=["models"])
    import transformers

    import mnist1d_hf.models

    model = transformers.AutoModel.from_pretrained("alice/mnist1d-cnn")
    assert type(model) is mnist1d_hf.models.Mnist1DCNNForSequenceClassification
    classify = transformers.pipeline("time-series-classification", model="alice/mnist1d-cnn")
    assert type(classify) is mnist1d_hf.models.TimeSeriesClassificationPipeline
    assert 0 <= classify([0.0] * 40)[0]["score"] <= 1


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_cards_of_published_models(hub, publish_all):
    publish_all(only=["models"])
    card = ModelCard.load("alice/mnist1d-cnn")
    card.validate()
    assert card.data.datasets == ["alice/mnist1d"]
    [result] = card.data.eval_results
    assert (result.dataset_type, result.metric_value) == ("alice/mnist1d", 0.125)
    path = hf_hub_download("alice/mnist1d-cnn", ".eval_results/mnist1d.yaml")
    entry = Path(path).read_text()
    assert "id: alice/mnist1d" in entry and "value: 0.125" in entry
    for block in re.findall(r"```python\n(.*?)```", card.text, re.DOTALL):
        exec(block, {})
