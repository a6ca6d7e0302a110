"""Rebuild the dataset's card: facts, picture, and the tables between the markers of README.md.

    python scripts/make_card.py            # dataset_card/ and README.md, in seconds

Facts go to results/dataset.json, the leaderboard to results/leaderboard.json, and the tables are
filled from these as from the other results. The project's own README has tables of the same kind.
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from mnist1d_hf.evidence.results import read_result, write_json, write_result
from mnist1d_hf.figures.pictures import plot_examples
from mnist1d_hf.figures.style import save
from mnist1d_hf.files import replacing
from mnist1d_hf.pages.dataset_card import fill, fill_tables
from mnist1d_hf.pages.facts import dataset_facts
from mnist1d_hf.pages.leaderboard import board
from mnist1d_hf.signals.generate import make_mnist1d
from mnist1d_hf.signals.params import SignalParams


def main(
    folder: Annotated[Path, typer.Argument(help="of the card")] = Path("dataset_card"),
) -> None:
    start = time.perf_counter()
    facts = dataset_facts()
    seconds = time.perf_counter() - start
    write_result(folder / "results" / "dataset.json", facts, args={}, seconds=seconds)
    data = make_mnist1d(SignalParams())
    save(plot_examples(data.x_train, data.y_train), folder / "figures" / "examples")
    results = {path.stem: read_result(path) for path in sorted(folder.glob("results/*.json"))}
    results["leaderboard"] = board(results.get("classification"), results.get("leaderboard"))
    write_json(folder / "results" / "leaderboard.json", results["leaderboard"])
    for path, make in ((folder / "README.md", fill), (Path("README.md"), fill_tables)):
        text = make(path.read_text(encoding="utf-8"), results)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        print(f"{path}: {len(text):,} characters")


if __name__ == "__main__":
    typer.run(main)
