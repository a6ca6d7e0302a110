"""Cards: facts in, the text of README.md and of its companions out; no file, no network."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import yaml
from huggingface_hub import (
    EvalResult,
    EvalResultEntry,
    ModelCardData,
    eval_result_entries_to_yaml,
)

from mnist1d_hf.evidence.published import PROTOCOLS

MODEL_CARD = """\
---
{metadata}
---

# {model_name}

{architecture} for [MNIST-1D](https://github.com/greydanus/mnist1d), {num_parameters:,} parameters,
trained on `{dataset}`{dataset_args}. It takes signals of {sequence_length} numbers and gives one
of ten digits.

## Accuracy

{results}

<!-- several seeds -->
{curve}
## Use

Without installing anything of ours; the code of the model comes with its weights:

```python
import torch
from transformers import AutoFeatureExtractor, AutoModelForSequenceClassification

model = AutoModelForSequenceClassification.from_pretrained("{repo_id}", trust_remote_code=True)
extract = AutoFeatureExtractor.from_pretrained("{repo_id}", trust_remote_code=True)
logits = model(**extract([0.0] * {sequence_length}, return_tensors="pt")).logits  # (1, 10)
```

<!-- pipeline -->
With the package `mnist1d-hf`, no remote code runs:

```python
import mnist1d_hf.models
from transformers import pipeline

classify = pipeline("time-series-classification", model="{repo_id}")
classify([0.0] * {sequence_length})
```

## Training

{training}.
{command}
## Limits

A toy: it knows ten synthetic shapes under the noise, shifts and slopes it was trained with, and
signals of {sequence_length} points only. Data made with other parameters are another distribution.
The test split has 1000 rows: a difference of one percentage point between two models is within
sampling error.
"""


# only a published model brings the code of the pipeline
PIPELINE = """\
Or as a pipeline, from signals to labels with scores:

```python
from transformers import pipeline

classify = pipeline("time-series-classification", model="{repo_id}", trust_remote_code=True)
```

"""


def model_card(
    *,
    model_name: str,
    architecture: str,
    num_parameters: int,
    dataset: str,
    dataset_args: str | None = None,
    accuracy: Mapping[str, float],
    training: Mapping[str, Any],
    repo_id: str | None = None,
    sequence_length: int = 40,
    command: str | None = None,
    curve: Sequence[tuple[int, float]] = (),
    watched: str = "validation",
    license: str = "apache-2.0",
    tags: Sequence[str] = (),
) -> str:
    """The card of a trained model, with its `accuracy` by split also as a model-index.

    `command` trains the model again; `curve` has pairs of step and accuracy on the split that was
    `watched` in training.
    """
    results = [
        EvalResult(
            task_type="tabular-classification",
            task_name="Time Series Classification",
            dataset_type=dataset,
            dataset_name="MNIST-1D",
            dataset_args={"config": dataset_args} if dataset_args else None,
            dataset_split=split,
            metric_type="accuracy",
            metric_name="Accuracy",
            metric_value=value,
        )
        for split, value in accuracy.items()
    ]
    metadata = ModelCardData(
        license=license,
        library_name="transformers",
        pipeline_tag="tabular-classification",
        tags=sorted({"mnist1d", "time-series-classification", *tags}),
        datasets=[dataset],
        metrics=["accuracy"],
        model_name=model_name,
        eval_results=results or None,
    )
    return MODEL_CARD.format(
        metadata=metadata.to_yaml().strip(),
        model_name=model_name,
        repo_id=repo_id or model_name,
        architecture=architecture,
        num_parameters=num_parameters,
        sequence_length=sequence_length,
        dataset=dataset,
        dataset_args=f" ({dataset_args})" if dataset_args else "",
        results=accuracy_table(accuracy),
        curve=curve_table(curve, watched),
        training=", ".join(f"{name} {value}" for name, value in training.items()).capitalize(),
        command=f"\n```bash\n{command}\n```\n" if command else "",
    )


def accuracy_table(accuracy: Mapping[str, float]) -> str:
    if not accuracy:
        return "Not evaluated."
    rows = [f"| {split} | {100 * value:.2f} % |" for split, value in accuracy.items()]
    return "\n".join(["| split | these weights |", "| --- | --- |", *rows])


def curve_table(curve: Sequence[tuple[int, float]], watched: str, most: int = 10) -> str:
    """At most about `most` points of the curve, the last one always."""
    if not curve:
        return ""
    every = -(-len(curve) // most)
    points = [point for i, point in enumerate(curve) if (len(curve) - 1 - i) % every == 0]
    steps = " | ".join(str(step) for step, _ in points)
    values = " | ".join(f"{100 * value:.1f}" for _, value in points)
    rule = " | ".join(["---"] * (len(points) + 1))
    table = f"| step | {steps} |\n| {rule} |\n| {watched}, % | {values} |"
    return f"\nWhile it was trained:\n\n{table}\n"


def eval_results(
    *, dataset: str, task: str, accuracy: float, date: str, notes: str | None = None
) -> str:
    """The text of `.eval_results/mnist1d.yaml`: one accuracy, as a fraction, on the test split."""
    entry = EvalResultEntry(
        dataset_id=dataset, task_id=task, value=accuracy, date=date, notes=notes
    )
    return yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False)


def for_hub(
    text: str, repo_id: str, dataset: str, measured: Sequence[Mapping[str, Any]] = ()
) -> str:
    """A model's card as it is published: with the names of its repository and of the dataset.

    `measured` are rows of the benchmark study for this architecture and config.
    """
    match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if match is None:
        raise ValueError("the card has no front matter between two lines of ---")
    metadata, body = yaml.safe_load(match[1]), text[match.end() :]
    for trained_on in metadata["datasets"]:
        body = body.replace(f"`{trained_on}`", f"`{dataset}`")
    metadata["datasets"] = [dataset]
    name = repo_id.split("/")[-1]
    for model in metadata.get("model-index", []):
        body = body.replace(f'"{model["name"]}"', f'"{repo_id}"')
        body = re.sub(f"^# {re.escape(model['name'])}$", f"# {name}", body, flags=re.MULTILINE)
        model["name"] = name
        for result in model["results"]:
            result["dataset"]["type"] = dataset
    body = body.replace("<!-- several seeds -->\n", several_seeds(measured))
    body = body.replace("<!-- pipeline -->\n", PIPELINE.format(repo_id=repo_id))
    return f"---\n{yaml.safe_dump(metadata, sort_keys=False)}---\n{body}"


def several_seeds(measured: Sequence[Mapping[str, Any]]) -> str:
    if not measured:
        return ""
    lines = ["This architecture over several seeds, on test, in the project's benchmark study:\n"]
    for row in measured:
        spread = "" if row["std"] is None else f" ± {row['std']:.2f}"
        how = f"{row['recipe']} recipe, {PROTOCOLS[row['protocol']]}"
        lines.append(f"- {row['mean']:.2f}{spread} % (n = {row['n']}): {how}")
    return "\n".join(lines) + "\n"


def results_for_hub(text: str, dataset: str, tasks: Collection[str]) -> str | None:
    """The text of .eval_results as it is published: with the name of the dataset.

    None when no entry is left: only `tasks` of the dataset's eval.yaml belong there, not what was
    measured on other data.
    """
    entries = [e for e in yaml.safe_load(text) if e["dataset"]["task_id"] in tasks]
    for entry in entries:
        entry["dataset"]["id"] = dataset
    return yaml.safe_dump(entries, sort_keys=False) if entries else None
