"""The dataset's card: its metadata, and tables between markers, generated from results.

All other text is written by hand. `fill` is idempotent, so the card agrees with the results exactly
when filling it changes nothing. The project's README has tables of the same kind.
huggingface_hub's card templates (Jinja2) generate whole cards, but cannot update a card in which
people write.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from huggingface_hub import RepoCard

from mnist1d_hf.evidence.claims import outcomes
from mnist1d_hf.evidence.published import NAMES, PROTOCOLS, PUBLISHED
from mnist1d_hf.leaderboard.tracks import TRACKS
from mnist1d_hf.pages.leaderboard import Entry, frozen_table, frozen_tables
from mnist1d_hf.pages.reproduction import verdict_counts
from mnist1d_hf.pages.tables import markdown, spread
from mnist1d_hf.pages.tracks import leaderboard_page, track_table

Results = Mapping[str, Mapping[str, Any]]

# placeholder for the published name, in the card of this repository
ADDRESS = "<user>/mnist1d"
METADATA = {
    "pretty_name": "MNIST-1D",
    "license": "apache-2.0",
    "task_categories": ["tabular-classification"],
    "task_ids": ["tabular-multi-class-classification"],
    "size_categories": ["1K<n<10K"],
    "source_datasets": ["original"],
    "annotations_creators": ["machine-generated"],
    "tags": [
        "timeseries",
        "synthetic",
        "procedural-generation",
        "mnist1d",
        "arxiv:2011.14439",
    ],
}
PROTOCOLS_TEXT = (
    "Test accuracy in percent. Published (paper, table 1): early stopping, mean and standard "
    "deviation over three runs; the human on `shuffled` is an estimate. Measured by this project: "
    '"last step" is the original\'s protocol, the accuracy after the last step, without any '
    'validation; "validation" selects the step on the last 500 training rows and looks at the test '
    "split once."
)


def fill(card: str, results: Results) -> str:
    """The card with its metadata and every marked table generated from the results."""
    return f"---\n{front_matter(results)}---\n{fill_tables(RepoCard(card).text, results)}"


def fill_tables(text: str, results: Results) -> str:
    """`text` with every table between markers generated from the results.

    `results` are the files of dataset_card/results by name. Raises ValueError for a marker of an
    unknown table.
    """

    def table(match: re.Match[str]) -> str:
        name = match[1]
        if name not in TABLES:
            raise ValueError(f"the text asks for table {name!r}: choose of {', '.join(TABLES)}")
        return f"<!-- begin {name} -->\n{TABLES[name](results)}\n<!-- end {name} -->"

    return re.sub(r"<!-- begin ([\w-]+) -->\n.*?<!-- end \1 -->", table, text, flags=re.DOTALL)


def addressed(card: str, repo_id: str) -> str:
    """The card with the name of the repository in its examples, for publishing."""
    return card.replace(ADDRESS, repo_id)


def front_matter(results: Results) -> str:
    """The card's metadata as YAML."""
    configs = []
    for name, config in results["dataset"]["configs"].items():
        files = [
            {"split": split, "path": f"{name}/{split}-*.parquet"} for split in config["splits"]
        ]
        default = {"default": True} if name == "default" else {}
        configs.append({"config_name": name, **default, "data_files": files})
    metadata = {
        **METADATA,
        "configs": configs,
        "dataset_info": results["dataset"]["dataset_info"],
    }
    return yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)


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
        [f"`{p['name']}`", f"`{json_text(p['default'])}`", p["meaning"], p["rule"]]
        for p in results["dataset"]["parameters"]
    ]
    return markdown(["parameter", "default", "meaning", "range"], rows)


def speed_table(results: Results) -> str:
    """Benchmarks that have a goal: only the paper's dataset size, and only ratios to another
    program."""
    generation = [
        [row["what"], f"{row['value']:,.3g}" if row["value"] < 1000 else f"{row['value']:,.0f}"]
        + [row["unit"] + (f" ({row['against']})" if row["against"] else ""), row["to reach"]]
        for row in results["bench_generation"]["rows"]
        if row["to reach"] and "50,000" not in row["what"] and row["against"] != "its draws alone"
    ]
    training = [
        [
            f"a training step by {loop}: {', '.join(NAMES[row['model']] for row in rows)}",
            ", ".join(f"{row['of the bare loop']:.2f}" for row in rows),
            "times the time (a bare PyTorch loop)",
            goal,
        ]
        for loop, goal in (("Mnist1DTrainer", "<= 1.3"), ("Trainer", "–"))
        if (rows := [row for row in results["bench_training"]["rows"] if row["loop"] == loop])
    ]
    many = [row for row in results["bench_many"]["rows"] if row["loop"] == "train_many"]
    together = [
        f"a training step of many models at once: {', '.join(NAMES[r['model']] for r in many)}",
        ", ".join(f"{row['of the original']:.2f}" for row in many),
        "times as fast (the original's loop)",
        "–",
    ]
    header = ["what", "measured", "unit (against)", "goal"]
    return markdown(header, [*generation, *training, together])


def scale_table(results: Results) -> str:
    """Time and size of large datasets, extrapolated from the measured time and size per row."""
    rows = [
        [
            *(f"{p[name]:,}" for name in ("rows", "machines", "cores")),
            *(f"{p[name]:.2g}" for name in ("hours", "hours to send")),
            f"{p['GB']:,.0f} GB",
            *(f"{p[name]:,}" for name in ("files", "commits")),
        ]
        for p in results["bench_scale"]["projection"]
    ]
    header = ["rows", "machines", "cores", "hours", "hours to send", "size", "files", "commits"]
    return markdown(header, rows)


def json_text(value: Any) -> str:
    return str(tuple(value)) if isinstance(value, list | tuple) else str(value)


def templates_table(results: Results) -> str:
    drawn = results["dataset"]["templates"]
    header = ["digit", *(f"{t:.2f}" for t in drawn["t"])]
    rows = [[str(digit), *(f"{v:.2f}" for v in x)] for digit, x in enumerate(drawn["x"])]
    return markdown(header, rows)


def digests_table(results: Results) -> str:
    rows = [
        [f"`{name}`", split, f"`{column}`", f"`{sha256}`"]
        for name, config in results["dataset"]["configs"].items()
        for split, facts in config["splits"].items()
        for column, sha256 in facts["sha256"].items()
    ]
    return markdown(["config", "split", "column", "SHA-256"], rows)


def classes_table(results: Results) -> str:
    default = results["dataset"]["configs"]["default"]["splits"]
    rows = [[split, *map(str, facts["per_class"])] for split, facts in default.items()]
    return markdown(["digit", *map(str, range(10))], rows)


def benchmark_table(results: Results) -> str:
    """Published and measured accuracies, with a row for every config, model and recipe."""
    lines: dict[tuple[str, str, str], dict[str, str]] = {}
    for config, accuracy in PUBLISHED.items():
        for model, value in accuracy.items():
            person = dict.fromkeys(PROTOCOLS, "–") if model == "human" else {}
            recipe = "–" if person else "paper"
            lines[config, model, recipe] = {"published": spread(*value), **person}
    for row in measured(results):
        line = lines.setdefault((row["config"], row["model"], row["recipe"]), {})
        line[row["protocol"]] = spread(row["mean"], row["std"]) + f" (n = {row['n']})"
    columns = {"published": "published", **PROTOCOLS}
    absent = {"published": "–", **dict.fromkeys(PROTOCOLS, "not measured yet")}
    configs, models = list(results["dataset"]["configs"]), list(NAMES)
    rows = [
        [f"`{config}`", NAMES[model], recipe, *({**absent, **line}[name] for name in columns)]
        for (config, model, recipe), line in sorted(
            lines.items(), key=lambda item: (configs.index(item[0][0]), models.index(item[0][1]))
        )
    ]
    table = markdown(["config", "model", "recipe", *columns.values()], rows)
    return f"{PROTOCOLS_TEXT}\n\n{table}"


def results_table(results: Results) -> str:
    """Accuracies by the protocol `validation`: a row per model and recipe, a column per config."""
    configs = [name for name in results["dataset"]["configs"] if name != "templates"]
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for row in measured(results):
        if row["protocol"] == "validation":
            line = lines.setdefault((row["model"], row["recipe"]), {"n": str(row["n"])})
            line[row["config"]] = spread(row["mean"], row["std"])
    for model, accuracy in PUBLISHED["default"].items():
        published = {"published": spread(*accuracy)}
        lines[model, "paper"] = {**lines.get((model, "paper"), {}), **published}
    order = list(NAMES)
    rows = [
        [NAMES[model] + (f", {recipe}" if recipe != "paper" else "")]
        + [line.get(column, "–") for column in ("published", *configs, "n")]
        for (model, recipe), line in sorted(lines.items(), key=lambda item: order.index(item[0][0]))
    ]
    header = ["test accuracy, %", "`default`, published", *(f"`{name}`" for name in configs), "n"]
    return markdown(header, rows)


def measured(results: Results) -> list[dict[str, Any]]:
    """The rows of our benchmark; empty before its first run."""
    return results.get("classification", {"table": []})["table"]


def leaders_table(results: Results) -> str:
    """The five best entries on default, or the five best published rows before there are any."""
    entries = results.get("tracks", {}).get("default", ())
    if entries:
        return track_table(TRACKS["default"], entries, ceilings(results).get("default"), most=5)
    rows = [Entry(**entry) for entry in results["leaderboard"]["entries"]]
    return frozen_table([row for row in rows if row.config == "default"][:5], [])


def headline(results: Results) -> str:
    """One sentence of accuracies on default: published ones, our best network, the optimum."""
    published = {name: value.mean for name, value in PUBLISHED["default"].items()}
    rows = [row for row in measured(results) if row["config"] == "default"]
    best = max((row["mean"] for row in rows if row["protocol"] == "validation"), default=None)
    parts = [f"a logistic regression gets {published['logistic']} %"]
    parts += [f"an MLP {published['mlp']} %", f"a CNN {published['cnn']} %"]
    parts += [f"the best network here {best:.1f} %"] if best is not None else []
    parts.append(f"a human {published['human']} %")
    if "default" in ceilings(results):
        parts.append(f"the best possible classifier {ceilings(results)['default']:.2f} %")
    return f"Almost any model gets 99 % on MNIST. Here {', '.join(parts[:-1])}, and {parts[-1]}."


def optimum_table(results: Results) -> str:
    """Percent right of the exact optimum, and of networks trained on 4000 examples below it."""
    found = results.get("optimum")
    if found is None:
        return "Not measured yet."
    learning = [r for r in found["learning"] if (r["rows"], r["targets"]) == (4000, "labels")]
    plain = found["dials"]["iid_noise_scale"][0]["models"]
    noisy = {run["model"]: run for run in learning}
    rows = [["**optimum**", *(f"**{ceilings(results)[c]:.2f}**" for c in ("default", "noisy")), ""]]
    for model in [name for name in NAMES if name in plain and name in noisy]:
        both = [one[model]["accuracy"] for one in (plain, noisy)]
        cells = [spread(one["mean"], one["std"]) for one in both]
        rows.append([NAMES[model], *cells, str(both[0]["n"])])
    return markdown(["test accuracy, %", "`default`", "`noisy`", "n"], rows)


def ceilings(results: Results) -> dict[str, float]:
    """The accuracy of the exact optimum on each config, in percent, where it was measured."""
    found = results.get("optimum", {}).get("configs", {})
    return {config: one["expected"] for config, one in found.items()}


def leaderboard(results: Results) -> str:
    """The page LEADERBOARD.md."""
    frozen = frozen_tables(results["leaderboard"]["entries"])
    return leaderboard_page(results.get("tracks", {}), ceilings(results), frozen)


def verdicts_table(results: Results) -> str:
    return verdict_counts(results, page="REPRODUCTION.md")


def verdict_numbers(results: Results) -> str:
    """The number of claims with each verdict, as a sentence."""
    counts = {name: len(ids) for name, ids in outcomes(results).items()}
    parts = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"Of {sum(counts.values())} claims: {parts}."


TABLES = {
    "benchmark": benchmark_table,
    "configs": configs_table,
    "parameters": parameters_table,
    "results": results_table,
    "speed": speed_table,
    "scale": scale_table,
    "templates": templates_table,
    "digests": digests_table,
    "classes": classes_table,
    "leaderboard": leaders_table,
    "headline": headline,
    "optimum": optimum_table,
    "verdicts": verdicts_table,
    "verdict-numbers": verdict_numbers,
}
