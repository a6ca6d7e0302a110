"""Tables about the data: configs, parameters, templates, digests, and what large sets take."""

from collections.abc import Mapping
from typing import Any

from mnist1d_hf.pages.tables import markdown

Results = Mapping[str, Mapping[str, Any]]


def configs_table(results: Results) -> str:
    rows = []
    for name, config in results["dataset"]["configs"].items():
        splits = config["splits"]
        changed = ", ".join(f"`{k}={v}`" for k, v in config["changed"].items())
        other = "the ten templates, with their positions `t`" if name == "templates" else "–"
        sizes = [f"{splits[s]['rows']:,}" if s in splits else "–" for s in ("train", "test")]
        size = sum(split["parquet_bytes"] for split in splits.values())
        rows.append([f"`{name}`", changed or other, *sizes, f"{size / 1000:,.0f} kB"])
    return markdown(["config", "differs from default in", "train", "test", "Parquet"], rows)


def parameters_table(results: Results) -> str:
    rows = [
        [f"`{p['name']}`", f"`{default_text(p['default'])}`", p["meaning"], p["rule"]]
        for p in results["dataset"]["parameters"]
    ]
    return markdown(["parameter", "default", "meaning", "range"], rows)


def default_text(value: Any) -> str:
    """A default as Python writes it; JSON has lists for tuples."""
    return str(tuple(value)) if isinstance(value, list | tuple) else str(value)


def templates_table(results: Results) -> str:
    """A row for each point, in hundredths: anything wider does not fit the Hub's page."""
    drawn = results["dataset"]["templates"]
    header = ["position", *map(str, range(len(drawn["x"])))]
    points = zip(*drawn["x"], strict=True)
    rows = [
        [f"{t:.2f}", *(f"{100 * v:.0f}" for v in point)]
        for t, point in zip(drawn["t"], points, strict=True)
    ]
    return markdown(header, rows)


def digests_table(results: Results) -> str:
    rows = [
        [f"`{name}`, {split}: `{column}`", f"`{sha256}`"]
        for name, config in results["dataset"]["configs"].items()
        for split, facts in config["splits"].items()
        for column, sha256 in facts["sha256"].items()
    ]
    return markdown(["values", "SHA-256"], rows)


def classes_table(results: Results) -> str:
    default = results["dataset"]["configs"]["default"]["splits"]
    rows = [[split, *map(str, facts["per_class"])] for split, facts in default.items()]
    return markdown(["digit", *map(str, range(10))], rows)


def scale_table(results: Results) -> str:
    """Time and size of large datasets, extrapolated from the measured time and size per row."""
    rows = [
        [
            *(f"{p[name]:,}" for name in ("rows", "machines", "cores")),
            *(f"{p[name]:.2g}" for name in ("hours", "hours to send")),
            f"{p['GB']:,.0f} GB",
            f"{p['files']:,}",
        ]
        for p in results["bench_scale"]["projection"]
    ]
    header = ["rows", "machines", "cores", "hours", "hours to send", "size", "files"]
    return markdown(header, rows)
