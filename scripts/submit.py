"""Add an entry to the leaderboard: predictions for the test rows, checked and scored here.

    python scripts/submit.py predictions.csv --name "my TCN" \\
        --selection validation --link https://github.com/me/my-tcn

The file has a line for each of the 1000 test rows, in their order, and on it the digits that the
runs predict, separated by commas or spaces: a column per run; at least three runs with seeds of
their own are recommended. Or a NumPy array (1000, runs) as .npy. To make one:

    classes = np.stack(runs, axis=1)
    np.savetxt("predictions.csv", classes, fmt="%d", delimiter=",")

Writes dataset_card/results/leaderboard.json and the table of the card; then open a pull request.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from mnist1d_hf.entrances import program
from mnist1d_hf.evidence.results import read_result, write_json
from mnist1d_hf.files import replacing
from mnist1d_hf.pages.dataset_card import fill
from mnist1d_hf.pages.leaderboard import Submission, frozen_labels, submit

LARGEST = 10_000_000  # bytes


def read_classes(path: Path) -> np.ndarray:
    """What is predicted, (rows, runs), unchecked; ValueError when the file holds no numbers."""
    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    if not 0 < path.stat().st_size < LARGEST:
        raise ValueError(f"{path} has {path.stat().st_size} bytes: must be 1 to {LARGEST}")
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        lines = path.read_text(encoding="utf-8").replace(",", " ").splitlines()
        return np.loadtxt(lines, ndmin=2)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{path}: {error}; it must hold digits alone, a line per test row, without a header"
        ) from None


def main(
    predictions: Annotated[Path, typer.Argument(help="file of predicted digits, .csv or .npy")],
    name: Annotated[str, typer.Option(help="of the model")],
    selection: Annotated[
        str,
        typer.Option(help="what decided which weights were tested: validation, last_step, test"),
    ],
    link: Annotated[str, typer.Option(help="address of the paper or the code")],
    config: Annotated[
        str, typer.Option(help="default, shuffled, high-translation or noisy")
    ] = "default",
    remark: Annotated[str, typer.Option(help="what departs from the protocol")] = "",
    card: Annotated[Path, typer.Option(help="folder of the card")] = Path("dataset_card"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="score, write nothing")] = False,
) -> None:
    submission = Submission(name, selection, link, config, remark)
    results = {path.stem: read_result(path) for path in sorted(card.glob("results/*.json"))}
    if "leaderboard" not in results:
        raise ValueError(f"{card}/results/leaderboard.json does not exist: name it by --card")
    labels = frozen_labels(config)
    board = submit(results["leaderboard"], submission, read_classes(predictions), labels)
    (entry,) = (e for e in board["entries"] if (e["name"], e["config"]) == (name, config))
    print(f"{name}: {entry['accuracy']} % of {len(labels)} rows, mean of {entry['n']} runs")
    if entry["n"] < 3:
        print("note: at least three runs, each with a seed of its own, are recommended")
    if selection == "test":
        print("note: the table will say that the weights were selected on the test rows")
    if dry_run:
        return
    text = fill((card / "README.md").read_text(encoding="utf-8"), {**results, "leaderboard": board})
    write_json(card / "results" / "leaderboard.json", board)
    with replacing(card / "README.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"wrote {card / 'results' / 'leaderboard.json'} and {card / 'README.md'}")


app = program(main, __doc__, "the files that are named above are complete")

if __name__ == "__main__":
    app()
