"""Tables and sentences of what was measured: accuracies, the optimum, speed, verdicts."""

from collections.abc import Mapping
from typing import Any

from mnist1d_hf.evidence.outcomes import outcomes
from mnist1d_hf.evidence.published import NAMES, PROTOCOLS, PUBLISHED
from mnist1d_hf.evidence.results import enumerated
from mnist1d_hf.leaderboard.tracks import TRACKS
from mnist1d_hf.pages.leaderboard import Entry, frozen_table
from mnist1d_hf.pages.reproduction import verdict_counts
from mnist1d_hf.pages.tables import markdown, spread
from mnist1d_hf.pages.tracks import track_table

Results = Mapping[str, Mapping[str, Any]]

PROTOCOLS_TEXT = (
    "Test accuracy in percent. Published (paper, table 1): early stopping, mean and standard "
    "deviation over three runs; the human on `shuffled` is an estimate. Measured by this project: "
    '"last step" is the original\'s protocol, the accuracy after the last step, without any '
    'validation; "validation" selects the step on the last 500 training rows and looks at the test '
    "split once."
)
# benchmark and its unit in the results -> what a user knows it as, and the program beside it
SPEED = (
    (
        *("make_mnist1d, frozen stream, 5,000 rows", "times as fast"),
        *("generating the paper's 5,000 rows", "the original package"),
    ),
    ("make_range, counter stream", "rows/s", "generating rows of the counter stream", "–"),
    ("load_dataset, cached", "s", "`load_dataset` from the cache", "–"),
    (
        *("to_numpy, 4,000 rows", "times as fast"),
        *("`to_numpy` of a split of 4,000 rows", '`with_format("numpy")`'),
    ),
)


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
    best = [f"{value} on `{config}`" for config, value in on_published_rows(results).items()]
    optimum = f"\n\nThe exact optimum on these rows, in percent: {', '.join(best)}." if best else ""
    return f"{PROTOCOLS_TEXT}\n\n{table}{optimum}"


def on_published_rows(results: Results) -> dict[str, str]:
    """The percentage of the published test rows of each config that the exact optimum has right."""
    found = results.get("optimum", {}).get("frozen", {})
    return {c: f"{100 - 100 * one['wrong'] / one['rows']:.1f}" for c, one in found.items()}


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
    order, best = list(NAMES), on_published_rows(results)
    rows = [["**optimum**", "–", *(f"**{best[c]}**" for c in configs), ""]] if best else []
    rows += [
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
    """Why the dataset exists, in accuracies: published ones, our best network, the optimum."""
    published = {name: f"{value.mean} %" for name, value in PUBLISHED["default"].items()}
    ours = ""
    if "default" in ceilings(results):
        models = results["optimum"]["dials"]["iid_noise_scale"][0]["models"]
        best = max(model["accuracy"]["mean"] for model in models.values())
        ours = (
            f" On new examples the best of six models reaches {best:.1f} % here, and the best "
            f"possible classifier {ceilings(results)['default']:.2f} %."
        )
    return (
        "On MNIST, the paper says, a multilayer perceptron and a convolutional network both score "
        "above 99 %, so that it can hardly tell them apart. On MNIST-1D it reports "
        f"{published['logistic']} for logistic regression, {published['mlp']} for the perceptron, "
        f"{published['cnn']} for the convolutional network and {published['human']} for a human."
    ) + ours


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


def speed_table(results: Results) -> str:
    """The benchmarks that a user would feel, each against the program it replaces."""
    rows = []
    for what, unit, name, against in SPEED:
        [value] = [
            row["value"]
            for row in results["bench_generation"]["rows"]
            if (row["what"], row["unit"]) == (what, unit) and row["against"] != "its draws alone"
        ]
        shown = f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
        rows.append([name, f"{shown} {unit.replace('/s', ' per second')}", against])
    for loop in ("Mnist1DTrainer", "Trainer"):
        steps = [row for row in results["bench_training"]["rows"] if row["loop"] == loop]
        times = enumerated([f"{row['of the bare loop']:.2f}" for row in steps])
        models = enumerated([NAMES[row["model"]] for row in steps])
        rows.append(
            [f"a training step of `{loop}`: {models}", f"{times} times as long", "a PyTorch loop"]
        )
    many = [row for row in results["bench_many"]["rows"] if row["loop"] == "train_many"]
    models = enumerated([NAMES[row["model"]] for row in many])
    times = enumerated([f"{row['of the original']:.2f}" for row in many])
    rows.append(
        [f"training many models at once: {models}", f"{times} times as fast", "the original's loop"]
    )
    return markdown(["what", "measured", "compared with"], rows)


def verdicts_table(results: Results) -> str:
    return verdict_counts(results, page="REPRODUCTION.md")


def verdict_numbers(results: Results) -> str:
    """The number of claims with each verdict, and what it takes to run the paper once, in words."""
    counts = {name: len(ids) for name, ids in outcomes(results).items()}
    parts = ", ".join(f"{count} {name}" for name, count in counts.items())
    words = f"Of {sum(counts.values())} claims: {parts}."
    # judged after a run of everything, not of some studies
    if any(one["id"] == "C7-printed" for one in results.get("cost", {}).get("findings", ())):
        minutes = sum(study["minutes"] for study in results["once"]["studies"].values())
        words += (
            " `make paper` runs every experiment of the paper once, in "
            f"{minutes:.0f} minutes of one thread."
        )
    return words
