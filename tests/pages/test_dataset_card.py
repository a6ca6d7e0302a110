"""The dataset's card says what the results say, and its examples run."""

import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard

from mnist1d_hf.data.identity import DIGESTS
from mnist1d_hf.evidence.published import NAMES, PUBLISHED
from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.hub.publish import dataset_publication
from mnist1d_hf.hub.push import push
from mnist1d_hf.leaderboard.records import read_records
from mnist1d_hf.pages.dataset_card import TABLES, addressed, fill
from mnist1d_hf.pages.facts import dataset_facts
from mnist1d_hf.signals.params import SignalParams


@pytest.fixture(scope="module")
def folder(root):
    return root / "dataset_card"


@pytest.fixture(scope="module")
def card(folder):
    return (folder / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results(folder):
    found = {path.stem: read_result(path) for path in folder.glob("results/*.json")}
    return {**found, "tracks": read_records(folder / "leaderboard")}


def test_card_agrees_with_the_results(card, results):
    assert fill(card, results) == card, "run make pages"


def test_made_again_it_is_the_same(root, folder, tmp_path, monkeypatch):
    """scripts/make_card.py, on a copy: card, README, facts and leaderboard stay the same."""
    monkeypatch.syspath_prepend(str(root / "scripts"))
    import make_card

    names = ["README.md", *(f"dataset_card/{p.relative_to(folder)}" for p in folder.rglob("*.*"))]
    for name in names:
        if Path(name).parts[1:2] == ("leaderboard",) or Path(name).parent.name in (
            *("", "dataset_card", "results"),
        ):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((root / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    make_card.main()
    results = [f"dataset_card/results/{name}.json" for name in ("dataset", "leaderboard")]
    for name in ("README.md", "dataset_card/README.md", *results):
        assert (tmp_path / name).read_bytes() == (root / name).read_bytes(), "run make pages"


def test_results_agree_with_the_data(results):
    stored = dict(results["dataset"])
    del stored["args"], stored["provenance"]
    computed = dataset_facts()
    for facts in (stored, computed):  # sizes on disk vary with the version of PyArrow
        for config in facts["configs"].values():
            for split in config["splits"].values():
                assert 2_000 < split.pop("parquet_bytes") < 600_000
                split["per_class"] = list(split["per_class"])
        for info in facts["dataset_info"]:
            info.pop("download_size")
        for parameter in facts["parameters"]:
            if isinstance(parameter["default"], tuple):
                parameter["default"] = list(parameter["default"])
        facts["templates"] = {
            k: [list(row) for row in v] if k == "x" else list(v)
            for k, v in facts["templates"].items()
        }
    assert computed == stored, "run make pages"


def test_digests_are_those_of_the_promises(results):
    for config, digests in DIGESTS.items():
        for split, facts in results["dataset"]["configs"][config]["splits"].items():
            wanted = {"x": digests[f"x_{split}"], "label": digests[f"y_{split}"]}
            assert facts["sha256"] == wanted


@pytest.mark.parametrize(
    "name, outside",
    [
        ("num_samples", 9),
        ("train_split", 1.1),
        ("template_len", 0),
        ("padding", (5, 4)),
        ("scale_coeff", -1),
        ("max_translation", 73),
        ("max_translation", 0),
        ("corr_noise_scale", -1),
        ("iid_noise_scale", -1),
        ("shear_scale", -1),
        ("shuffle_seq", 2),
        ("final_seq_length", 0),
        ("seed", 2**32),
        ("label_noise", 1.1),
        ("validation_size", 4001),
        ("stream", "other"),
    ],
)
def test_rules_in_the_card_are_enforced(name, outside):
    with pytest.raises(ValueError, match=name):
        SignalParams(**{name: outside})


def test_everything_published_stands_in_the_card_measured_or_not(card, results):
    for config, accuracy in PUBLISHED.items():
        for model, (mean, spread) in accuracy.items():
            recipe = "–" if model == "human" else "paper"
            assert f"| `{config}` | {NAMES[model]} | {recipe} | {mean} ± {spread} |" in card
    text = TABLES["benchmark"]({"dataset": results["dataset"]})  # before anything is measured
    assert "| `default` | GRU | paper | 91 ± 2 | not measured yet | not measured yet |" in text
    assert "| `shuffled` | human | – | 30 ± 10 | – | – |" in text
    assert len(re.findall("^\\| `", text, flags=re.MULTILINE)) == 10


def test_measured_accuracies_stand_beside_the_published(results):
    run = {"config": "default", "model": "cnn", "recipe": "paper"}
    first = {**run, "protocol": "last_step", "mean": 93.731, "std": 0.64, "n": 10}
    second = {**run, "protocol": "validation", "mean": 92.1, "std": None, "n": 1}
    third = {**first, "config": "high-translation", "model": "tcn", "recipe": "augmented"}
    text = TABLES["benchmark"]({**results, "classification": {"table": [third, first, second]}})
    assert "| `default` | CNN | paper | 94 ± 2 | 93.73 ± 0.64 (n = 10) | 92.1 (n = 1) |" in text
    assert "| – | 93.73 ± 0.64 (n = 10) | not measured yet |" in text
    assert "The exact optimum on these rows, in percent: 100.0 on `default`, " in text


def test_the_table_of_results_has_a_line_per_model_and_recipe(results):
    run = {"model": "tcn", "protocol": "validation", "mean": 99.25, "std": 0.21, "n": 10}
    plain = {**run, "config": "default", "recipe": "plain"}
    shuffled = {**run, "config": "shuffled", "recipe": "plain", "mean": 70.1, "std": 1.2}
    augmented = {**run, "config": "high-translation", "recipe": "augmented"}
    other = {**plain, "protocol": "last_step", "mean": 1.0}
    table = {"table": [augmented, other, plain, shuffled]}
    lines = TABLES["results"]({**results, "classification": table}).splitlines()
    assert lines[2].startswith("| **optimum** | – | **100.0** | ")
    assert lines[4] == "| MLP | 68 ± 2 | – | – | – | – | – |"
    assert lines[7:9] == [
        "| TCN, augmented | – | – | – | 99.25 ± 0.21 | – | 10 |",
        "| TCN, plain | – | 99.25 ± 0.21 | 70.1 ± 1.2 | – | – | 10 |",
    ]
    assert lines[9] == "| human | 96 ± 1 | – | – | – | – | – |"


def test_unknown_table(results):
    with pytest.raises(ValueError, match="table 'no-such': choose of benchmark, configs"):
        fill("<!-- begin no-such -->\n<!-- end no-such -->", results)


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_card_is_valid_and_its_examples_run(hub, folder, card, tmp_path):
    published = DatasetCard(addressed(card, "alice/mnist1d"))
    published.validate()
    assert published.data.license == "apache-2.0" and published.data.configs[0]["default"]
    push(dataset_publication("alice/mnist1d", folder, tmp_path, "v1.0.0"))
    blocks = re.findall(r"```python\n(.*?)```", published.text, re.DOTALL)
    assert len(blocks) == 6
    for block in blocks:
        if "jax" in block:
            pytest.importorskip("jax", reason="the card's JAX example needs jax")
        exec(block, names := {})
        if "exact" in block:
            assert (names["exact"].argmax(axis=1) == names["data"].y_test).all()
        if "to_numpy" in block:
            assert names["x"].shape == (12300, 40) and names["x"].dtype == "float32"


def test_eval_yaml(folder, results):
    benchmark = yaml.safe_load((folder / "eval.yaml").read_text())
    configs = results["dataset"]["configs"]
    assert [task["id"] for task in benchmark["tasks"]] == [c for c in configs if c != "templates"]
    for task in benchmark["tasks"]:  # a task is named like its config: trained models rely on it
        assert task["id"] == task["config"] and task["split"] in configs[task["config"]]["splits"]
    assert benchmark.keys() == {"name", "description", "tasks"}  # the Hub refuses other frameworks


def test_where_there_is_no_card_nothing_is_written(load_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="README.md"):
        load_script("make_card").main(tmp_path / "card")
    assert list(tmp_path.iterdir()) == []
