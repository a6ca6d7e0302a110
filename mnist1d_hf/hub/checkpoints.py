"""Publications of trained models, made from the folders of trainings."""

import json
from pathlib import Path
from typing import Any

from mnist1d_hf.evidence.training_record import FILE_NAME, TrainingRecord
from mnist1d_hf.files import sha256
from mnist1d_hf.hub.attempts import PublishError
from mnist1d_hf.hub.publication import Publication
from mnist1d_hf.pages.model_card import EVAL_RESULTS, eval_results, model_card

# published files of a model's folder; not optimiser states and training arguments, which may hold
# secrets
MODEL_FILES = (
    "config.json",
    "model.safetensors",
    "preprocessor_config.json",
    "*.py",
    "figures/*",
)
LICENSE = "apache-2.0"  # licence of the published models, and of the code
# the pipeline's code, for users without this package
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
    """A publication for each folder in `folder` with a config.json.

    `dataset_id` is the repository of the dataset, and `table` has the results of the study
    classification, which the cards show. Raises PublishError when there is no model or a model is
    unfinished.
    """
    homes = sorted(path.parent for path in folder.glob("*/config.json"))
    if not homes:
        raise PublishError(f"no models: {folder} holds no folder with a config.json")
    return [model_publication(home, dataset_id, table) for home in homes]


def model_publication(home: Path, dataset_id: str, table: list[dict[str, Any]]) -> Publication:
    """The model trained in `home`, with the published names in its card and results."""
    missing = [file for file in ("model.safetensors", FILE_NAME) if not (home / file).exists()]
    if missing:
        raise PublishError(f"{home} lacks {' and '.join(missing)}: train the model again")
    try:
        record = TrainingRecord.read(home)
    except ValueError as error:
        raise PublishError(str(error)) from None
    if record.weights_sha256 != sha256(home / "model.safetensors"):
        raise PublishError(
            f"{home / FILE_NAME} is not of the weights beside it: train the model again"
        )
    repo_id = f"{dataset_id}-{home.name}"
    files: dict[str, Path | bytes] = {
        str(path.relative_to(home)): path for pattern in MODEL_FILES for path in home.glob(pattern)
    }
    settings = json.loads((home / "config.json").read_text(encoding="utf-8"))
    settings["custom_pipelines"] = CUSTOM_PIPELINES
    # the same class under both names, since there is no variant without the classifier
    classes = settings.get("auto_map", {})
    if CLASSIFIER in classes:
        classes["AutoModel"] = classes[CLASSIFIER]
    files["config.json"] = json.dumps(settings, indent=2).encode()
    files[PIPELINE.name] = PIPELINE
    record = record.published_as(dataset_id)
    data = record.trained_on
    measured = [
        row
        for row in table
        if (row["model"], row["config"]) == (record.model, data.config_name)
        and data.parameters is not None
        and not data.parameters.keys() - {"validation_size"}  # held out in the study too
    ]
    card = model_card(
        record,
        name=repo_id.split("/")[-1],
        place=repo_id,
        license=LICENSE,
        measured=measured,
        remote_pipeline=True,
    )
    files["README.md"] = str(card).encode()
    files[FILE_NAME] = record.text().encode()
    results = eval_results(record, dataset_id)
    if results is not None:
        files[EVAL_RESULTS] = results.encode()
    return Publication(repo_id, "model", files, f"Publish {home.name}")
