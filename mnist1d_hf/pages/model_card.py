"""Model cards: what a training record says, as the text of README.md and of its companion.

The same record gives the card beside the weights and, with published names, the one on the Hub.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import yaml
from huggingface_hub import (
    EvalResult,
    EvalResultEntry,
    ModelCard,
    ModelCardData,
    eval_result_entries_to_yaml,
)

from mnist1d_hf.evidence.training_record import TrainingRecord
from mnist1d_hf.pages.model_tables import (
    accuracy_table,
    curve_table,
    rows_of,
    several_seeds,
    training_table,
)

EVAL_RESULTS = ".eval_results/mnist1d.yaml"  # where the Hub's leaderboards look for `eval_results`
TASK = "tabular-classification"  # of the Hub's list, the nearest to signals

USE = """\
## Use

This needs `transformers` alone, because the code of the model comes with its weights:

```python
{snippet}
```

{pipelines}"""

SNIPPET = """\
import torch
from transformers import AutoFeatureExtractor, AutoModelForSequenceClassification

model = AutoModelForSequenceClassification.from_pretrained("{place}", trust_remote_code=True)
extract = AutoFeatureExtractor.from_pretrained("{place}", trust_remote_code=True)
signal = extract([0.0] * {length}, return_tensors="pt")
logits = model(**signal).logits  # (1, {classes})"""

SNIPPET_OF_A_TENSOR = """\
import torch
from transformers import AutoModelForSequenceClassification

model = AutoModelForSequenceClassification.from_pretrained("{place}", trust_remote_code=True)
logits = model(torch.zeros(1, {length})).logits  # (1, {classes})"""

# only a published model brings the code of the pipeline
REMOTE_PIPELINE = """\
Or as a pipeline, from signals to labels with scores:

```python
from transformers import pipeline

classify = pipeline("time-series-classification", model="{place}", trust_remote_code=True)
```

"""

PIPELINE = """\
With the package `mnist1d-hf`, no remote code runs. It is not on PyPI: in a checkout, run
`pip install -c constraints.txt '.[train]'`.

```python
import mnist1d_hf.models
from transformers import pipeline

classify = pipeline("time-series-classification", model="{place}")
classify([0.0] * {length})
```

"""

LIMITS = """\
## Limitations

This is a toy. It knows synthetic shapes under the noise, shifts and slopes that it was trained
with, and takes signals of {length} points only. Data made with other parameters follow another
distribution.
{sampling}"""


def model_card(
    record: TrainingRecord,
    *,
    name: str,
    place: str,
    license: str | None = None,
    measured: Sequence[Mapping[str, Any]] = (),
    remote_pipeline: bool = False,
) -> ModelCard:
    """The card of a trained model, with its accuracies also as a model-index.

    `place` is what `from_pretrained` takes: the folder or the name on the Hub. `measured` are rows
    of the benchmark study for this architecture and config; `remote_pipeline` says that the code
    of the pipeline lies beside the weights.
    """
    metadata = card_data(record, name, record.card.get("license") or license)
    sections = [
        f"# {name}\n\n{introduction(record)}\n",
        f"## Accuracy\n\n{accuracy_table(record.evaluations)}\n",
        several_seeds(measured),
        curve_table(record.curves),
        how_to_use(record, place, remote_pipeline).rstrip() + "\n" if record.model else "",
        f"## Training\n\n{training_table(record)}\n",
        f"```bash\n{record.command}\n```\n" if record.command else "",
        limits(record) if record.model else "",
    ]
    body = "\n".join(section for section in sections if section)
    return ModelCard(f"---\n{metadata.to_yaml().strip()}\n---\n\n{body}")


def card_data(record: TrainingRecord, name: str, license: str | None) -> ModelCardData:
    """The metadata of the card; facts that are not known are left out."""
    declared = record.card
    ours = {"mnist1d", "time-series-classification"} if record.model else set()
    task = next(iter(declared.get("tasks") or [TASK]))
    results = [
        EvalResult(
            task_type=task,
            task_name="Time Series Classification" if task == TASK else None,
            dataset_type=found.data.dataset,
            dataset_name="MNIST-1D" if found.data.parameters is not None else found.data.dataset,
            dataset_config=found.data.config_name,
            dataset_args=found.data.parameters or None,
            dataset_split=found.data.split,
            metric_type="accuracy",
            metric_name="Accuracy",
            metric_value=found.accuracy,
        )
        for found in record.evaluations
        if found.accuracy is not None and found.data.dataset is not None
    ]
    return ModelCardData(
        language=declared.get("language"),
        license=license,
        library_name="transformers",
        base_model=record.finetuned_from,
        pipeline_tag=task,
        tags=sorted({"generated_from_trainer", *ours, *declared.get("tags", [])}),
        datasets=[record.trained_on.dataset] if record.trained_on.dataset else None,
        metrics=["accuracy"] if results else None,
        model_name=name,
        eval_results=results or None,
    )


def introduction(record: TrainingRecord) -> str:
    what = f"{record.architecture}, {record.num_parameters:,} parameters"
    if record.model:
        what = (
            f"{record.architecture} for [MNIST-1D](https://github.com/greydanus/mnist1d), "
            f"{record.num_parameters:,} parameters"
        )
    start = f", fine-tuned from `{record.finetuned_from}`" if record.finetuned_from else ""
    takes = (
        f" It takes signals of {record.sequence_length} numbers and gives one of "
        f"{record.num_labels} classes."
    )
    return f"{what}{start}. Trained on {rows_of(record.trained_on)}.{takes if record.model else ''}"


def how_to_use(record: TrainingRecord, place: str, remote_pipeline: bool) -> str:
    names = {"place": place, "length": record.sequence_length, "classes": record.num_labels}
    extractor = record.feature_extractor
    pipelines = (REMOTE_PIPELINE if remote_pipeline else "") + PIPELINE if extractor else ""
    snippet = (SNIPPET if extractor else SNIPPET_OF_A_TENSOR).format(**names)
    return USE.format(snippet=snippet, pipelines=pipelines.format(**names))


def is_share(accuracy: float | None) -> TypeGuard[float]:
    """Whether an accuracy is a fraction: a metric of the user's may be in percent."""
    return accuracy is not None and 0 <= accuracy <= 1


def limits(record: TrainingRecord) -> str:
    """What not to expect, and how exact the accuracy on test is."""
    tests = [
        (e.accuracy, e.data.rows)
        for e in record.evaluations
        if e.name == "test" and is_share(e.accuracy) and e.data.rows
    ]
    sampling = "".join(
        f"With {rows:,} test rows, the standard error of the accuracy is "
        f"{100 * math.sqrt(accuracy * (1 - accuracy) / rows):.1f} percentage points.\n"
        for accuracy, rows in tests[:1]
    )
    return LIMITS.format(length=record.sequence_length, sampling=sampling)


def eval_results(record: TrainingRecord, dataset: str) -> str | None:
    """The text of `EVAL_RESULTS`: accuracies, as fractions, on the test splits of the benchmark.

    Its tasks are the configs of dataset_card/eval.yaml. None when no such split was evaluated.
    """
    entries = []
    for found in record.evaluations:
        if found.benchmark is None or not is_share(found.accuracy):
            continue
        notes = f"seed {record.seed}"
        if record.selection["split"] == found.name:
            notes += "; the step was selected on these rows"
        entries.append(
            EvalResultEntry(
                dataset_id=dataset,
                task_id=found.benchmark,
                value=found.accuracy,
                date=record.date,
                notes=notes,
            )
        )
    return (
        yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False) if entries else None
    )
