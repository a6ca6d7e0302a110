"""Rebuild the dataset's card: its facts, and the tables between the markers of README.md.

    python scripts/make_card.py     # dataset_card/ and README.md, seconds

Facts go to results/dataset.json, the leaderboard to results/leaderboard.json, and the tables are
filled from these as from the other results. The project's own README has tables of the same kind.
"""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from mnist1d_hf.entrances import program, refusals
from mnist1d_hf.evidence.results import read_result, write_json, write_result
from mnist1d_hf.files import replacing

with refusals():  # the extra `leaderboard`
    from mnist1d_hf.leaderboard.records import read_records
    from mnist1d_hf.pages.dataset_card import fill, fill_tables, leaderboard
    from mnist1d_hf.pages.facts import dataset_facts
    from mnist1d_hf.pages.leaderboard import board


def main(
    folder: Annotated[Path, typer.Argument(help="folder of the card")] = Path("dataset_card"),
) -> None:
    pages = ((folder / "README.md", fill), (Path("README.md"), fill_tables))
    before = [path.read_text(encoding="utf-8") for path, _ in pages]  # both are there, or nothing
    start = time.perf_counter()
    facts = dataset_facts()
    seconds = time.perf_counter() - start
    write_if_new(folder / "results" / "dataset.json", facts, seconds)
    results = {path.stem: read_result(path) for path in sorted(folder.glob("results/*.json"))}
    results["leaderboard"] = board(results.get("classification"))
    write_json(folder / "results" / "leaderboard.json", results["leaderboard"])
    results["tracks"] = read_records(folder / "leaderboard")
    texts = {path: make(old, results) for (path, make), old in zip(pages, before, strict=True)}
    for path, text in (texts | {folder / "LEADERBOARD.md": leaderboard(results)}).items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        print(f"{path}: {len(text):,} characters")


def write_if_new(path: Path, facts: dict[str, Any], seconds: float) -> None:
    """Write `facts` unless the file has them already: its date is that of the last change."""
    known = read_result(path) if path.exists() else {}
    plain = json.loads(json.dumps(facts, default=lambda array: array.tolist()))
    if {key: known.get(key) for key in plain} != plain:
        write_result(path, facts, args={}, seconds=seconds)


app = program(main, __doc__, "the files that are named above are complete")

if __name__ == "__main__":
    app()
