"""Tables of a model card: accuracies, curves, and what ran."""

from collections.abc import Mapping, Sequence
from typing import Any

from mnist1d_hf.evidence.published import PROTOCOLS
from mnist1d_hf.evidence.training_record import DataFacts, Evaluation, TrainingRecord
from mnist1d_hf.pages.tables import markdown

LONGEST_CURVE = 10  # points that a table shows

OPTIMUM = """\
The optimum is the best possible classifier. It is known, because the generator of the data is: it
picks the most probable class of each signal."""


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
