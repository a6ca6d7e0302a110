"""Model cards: what a training record says, as the text of README.md and of its companion.

The same record gives the card beside the weights and, with published names, the one on the Hub.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from huggingface_hub import (
    EvalResult,
    EvalResultEntry,
    ModelCard,
    ModelCardData,
    eval_result_entries_to_yaml,
)

from mnist1d_hf.evidence.published import PROTOCOLS
from mnist1d_hf.evidence.training_record import DataFacts, Evaluation, TrainingRecord
from mnist1d_hf.pages.tables import markdown

EVAL_RESULTS = ".eval_results/mnist1d.yaml"  # where the Hub's leaderboards look for `eval_results`
TASK = "tabular-classification"  # of the Hub's list, the nearest to signals
LONGEST_CURVE = 10  # points that a table shows

USE = """\
## Use

Without installing anything of ours; the code of the model comes with its weights:

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
With the package `mnist1d-hf`, no remote code runs:

```python
import mnist1d_hf.models
from transformers import pipeline

classify = pipeline("time-series-classification", model="{place}")
classify([0.0] * {length})
```

"""

OPTIMUM = """\
The optimum is the best possible classifier. It is known, because the generator of the data is: it
picks the most probable class of each signal."""

LIMITS = """\
## Limits

A toy: it knows synthetic shapes under the noise, shifts and slopes it was trained with, and
signals of {length} points only. Data made with other parameters are another distribution.
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


def rows_of(data: DataFacts) -> str:
    """The rows in words, such as "`mnist1d`, config `shuffled`, split `train` (4,000 rows)"."""
    parts = [f"`{data.dataset}`" if data.dataset else "a dataset without a name"]
    parts += [f"config `{data.config_name}`"] if data.config_name else []
    if data.parameters:
        changes = ", ".join(f"`{name}={value}`" for name, value in data.parameters.items())
        parts[-1] += f" with {changes}"
    parts += [f"split `{data.split}`"] if data.split else []
    return ", ".join(parts) + (f" ({data.rows:,} rows)" if data.rows is not None else "")


def accuracy_table(evaluations: Sequence[Evaluation]) -> str:
    if not evaluations:
        return "Not evaluated."
    names = ["accuracy"]
    if all(found.accuracy is None for found in evaluations):
        names = sorted({name for found in evaluations for name in found.metrics})

    def cell(name: str, value: Any) -> str:
        if not isinstance(value, int | float):
            return ""
        return f"{100 * value:.2f} %" if name == "accuracy" else f"{value:.4g}"

    header = ["split", "of", *names]
    rows = [
        [found.name, rows_of(found.data), *(cell(n, found.metrics.get(n)) for n in names)]
        for found in evaluations
    ]
    excess = [found.excess_error for found in evaluations]
    if all(points is None for points in excess):
        return markdown(header, rows)
    for row, points in zip(rows, excess, strict=True):
        row.append("" if points is None else f"{points:.2f} points")
    return f"{markdown([*header, 'error above the optimum'], rows)}\n\n{OPTIMUM}"


def several_seeds(measured: Sequence[Mapping[str, Any]]) -> str:
    if not measured:
        return ""
    lines = ["This architecture over several seeds, on test, in the project's benchmark study:\n"]
    for row in measured:
        spread = "" if row["std"] is None else f" ± {row['std']:.2f}"
        how = f"{row['recipe']} recipe, {PROTOCOLS[row['protocol']]}"
        lines.append(f"- {row['mean']:.2f}{spread} % (n = {row['n']}): {how}")
    return "\n".join(lines) + "\n"


def curve_table(curves: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """A table for each curve: at most about `LONGEST_CURVE` points, the last one always."""
    tables = []
    for name, curve in curves.items():
        every = -(-len(curve) // LONGEST_CURVE)
        points = [point for i, point in enumerate(curve) if (len(curve) - 1 - i) % every == 0]
        header = ["step", *(f"{step:.0f}" for step, _ in points)]
        tables.append(markdown(header, [[f"{name}, %", *(f"{100 * a:.1f}" for _, a in points)]]))
    return "While it was trained:\n\n" + "\n\n".join(tables) + "\n" if tables else ""


def how_to_use(record: TrainingRecord, place: str, remote_pipeline: bool) -> str:
    names = {"place": place, "length": record.sequence_length, "classes": record.num_labels}
    extractor = record.feature_extractor
    pipelines = (REMOTE_PIPELINE if remote_pipeline else "") + PIPELINE if extractor else ""
    snippet = (SNIPPET if extractor else SNIPPET_OF_A_TENSOR).format(**names)
    return USE.format(snippet=snippet, pipelines=pipelines.format(**names))


def training_table(record: TrainingRecord) -> str:
    """What ran, a row for each known fact."""
    batch = record.batch_size
    factors = {"processes": "processes", "accumulation": "steps of accumulation"}
    shares = [f"{batch[key]} {word}" for key, word in factors.items() if batch[key] > 1]
    facts = {
        "steps": record.steps,
        "batch size": f"{batch['total']}" + (f" ({', '.join(shares)})" if shares else ""),
        "optimizer": record.optimizer and named(record.optimizer),
        "schedule": record.schedule and named(record.schedule),
        "loss": named(record.loss),
        "gradients clipped to norm": record.max_grad_norm,
        "augmentation": record.augmentation and named(record.augmentation),
        "seed": record.seed,
        "weights": selection(record.selection),
        "versions": settings(record.versions, " "),
    }
    rows = [[key, str(value)] for key, value in facts.items() if value not in (None, "")]
    return markdown(["setting", "value"], rows)


def named(thing: Mapping[str, Any]) -> str:
    more = settings({key: value for key, value in thing.items() if key != "name"})
    return f"{thing['name']} ({more})" if more else thing["name"]


def settings(values: Mapping[str, Any], equals: str = " = ") -> str:
    return ", ".join(f"{name}{equals}{value}" for name, value in values.items())


def selection(chosen: Mapping[str, Any]) -> str:
    if not chosen["metric"]:
        return f"of the last step, {chosen['step']}"
    return f"of step {chosen['step']}, the best by {chosen['metric']} on {chosen['split']}"


def limits(record: TrainingRecord) -> str:
    """What not to expect, and how exact the accuracy on test is."""
    tests = [
        (e.accuracy, e.data.rows)
        for e in record.evaluations
        if e.name == "test" and e.accuracy is not None and e.data.rows
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
        if found.benchmark is None or found.accuracy is None:
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
