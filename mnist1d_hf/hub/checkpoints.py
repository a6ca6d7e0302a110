"""Trained models as they are published: a folder from training in, a `Publication` out."""

import json
import re
from pathlib import Path
from typing import Any

from mnist1d_hf.hub.attempts import PublishError
from mnist1d_hf.hub.publication import Publication
from mnist1d_hf.pages.model_card import for_hub, results_for_hub
from mnist1d_hf.signals.params import CONFIGS

# of a trained model's folder; optimiser states and training arguments stay (they may hold secrets)
MODEL_FILES = (
    *("README.md", "config.json", "model.safetensors", "preprocessor_config.json"),
    *("*.py", ".eval_results/*.yaml", "figures/*"),
)
# the task of the pipeline, for those who do not have the package that registers it
PIPELINE = Path(__file__).parents[1] / "models" / "pipeline_mnist1d.py"
CLASSIFIER = "AutoModelForSequenceClassification"
CUSTOM_PIPELINES = {
    "time-series-classification": {
        "impl": f"{PIPELINE.stem}.TimeSeriesClassificationPipeline",
        "pt": [CLASSIFIER],
    }
}


def model_publications(
    folder: Path, dataset_id: str, table: list[dict[str, Any]]
) -> list[Publication]:
    """One for each folder in `folder` with a config.json, named after it.

    `table` is that of the benchmark study, whose numbers go to the cards; `dataset_id` is the
    published name of the data. Raises `PublishError` when there is none, and for an unfinished one.
    """
    homes = sorted(path.parent for path in folder.glob("*/config.json"))
    if not homes:
        raise PublishError(f"no models: {folder} holds no folder with a config.json")
    return [model_publication(home, dataset_id, table) for home in homes]


def model_publication(home: Path, dataset_id: str, table: list[dict[str, Any]]) -> Publication:
    """The model trained in `home`, with the published names in its card and results."""
    missing = [file for file in ("model.safetensors", "README.md") if not (home / file).exists()]
    if missing:
        raise PublishError(f"{home} lacks {' and '.join(missing)}: train the model again")
    repo_id = f"{dataset_id}-{home.name}"
    files: dict[str, Path | bytes] = {
        str(path.relative_to(home)): path for pattern in MODEL_FILES for path in home.glob(pattern)
    }
    settings = json.loads((home / "config.json").read_text(encoding="utf-8"))
    settings["custom_pipelines"] = CUSTOM_PIPELINES
    # the same class by both names: there is no model without the classifier
    classes = settings.get("auto_map", {})
    if CLASSIFIER in classes:
        classes["AutoModel"] = classes[CLASSIFIER]
    files["config.json"] = json.dumps(settings, indent=2).encode()
    files[PIPELINE.name] = PIPELINE
    card = (home / "README.md").read_text(encoding="utf-8")
    model = settings["model_type"].removeprefix("mnist1d_")
    config = re.search(r"^ +config: (.*)$", card, re.MULTILINE)
    measured = [
        row for row in table if config and (row["model"], row["config"]) == (model, config[1])
    ]
    try:
        files["README.md"] = for_hub(card, repo_id, dataset_id, measured).encode()
    except ValueError as error:
        raise PublishError(f"{home / 'README.md'}: {error}") from None
    for path in home.glob(".eval_results/*.yaml"):
        name = str(path.relative_to(home))
        text = results_for_hub(path.read_text(encoding="utf-8"), dataset_id, CONFIGS)
        files.pop(name) if text is None else files.update({name: text.encode()})
    return Publication(repo_id, "model", files, f"Publish {home.name}")
