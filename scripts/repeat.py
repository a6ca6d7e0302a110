"""Run committed cells again on this machine, and write down how far their numbers move.

    python scripts/repeat.py --study metalearn_lr --study tsne  # minutes

Of each study the cells that took least time are run again, and every number of their results is
compared with the committed one. `dataset_card/results/repeat.json` keeps a row for each cell, by
the processors of both runs; the rows of earlier calls stay.

Where a whole study was run again, its committed cells are compared with those they replaced, and
nothing is run:

    git show REVISION:dataset_card/cells/tsne.jsonl > replaced.jsonl
    python scripts/repeat.py --study tsne --replaced replaced.jsonl
"""

import importlib
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mnist1d_hf.entrances import program, refusals
from mnist1d_hf.evidence.packed import Record, read_packed
from mnist1d_hf.evidence.provenance import provenance
from mnist1d_hf.evidence.results import read_result, write_json
from mnist1d_hf.signals.params import check_choice

with refusals():  # the extra `studies`
    import torch

    from mnist1d_hf.studies import study_names

CARD = Path(__file__).parents[1] / "dataset_card"


def pairs(before: Any, now: Any) -> Iterator[tuple[float, float]]:
    """Every number of a result with that of another run of it.

    What only one of them has, as a newer version may, is left out.
    """
    if hasattr(now, "tolist"):
        now = now.tolist()
    if isinstance(before, dict):
        for key in before.keys() & now.keys():
            yield from pairs(before[key], now[key])
    elif isinstance(before, list):
        for one, other in zip(before, now, strict=True):
            yield from pairs(one, other)
    elif isinstance(before, int | float):
        yield float(before), math.nan if now is None else float(now)  # a number, or no longer one


def accuracies(result: Any) -> list[float]:
    """Test accuracies of the runs of a cell, in percent; none where it measures another thing."""
    runs = result if isinstance(result, list) else [result]
    found = [run["accuracy"] for run in runs if isinstance(run, dict) and "accuracy" in run]
    return np.ravel(found).tolist()


def again(study: str, record: Record) -> Record:
    """Run one cell."""
    function = getattr(importlib.import_module(f"mnist1d_hf.studies.{study}"), record["function"])
    start = time.perf_counter()
    result = function(**record["cell"])
    return {"result": result, "provenance": provenance(time.perf_counter() - start)}


def compare(study: str, name: str, before: Record, now: Record) -> dict[str, Any]:
    """The numbers of one cell beside those of another run of it."""
    found = list(pairs(before["result"], now["result"]))
    gaps = [abs(a - b) for a, b in found if math.isfinite(a - b)]
    made, again = (one["provenance"]["machine"]["processor"] for one in (before, now))
    row = {
        "study": study,
        "cell": name,
        "made on": made,
        "again on": again,
        "numbers": len(found),
        "equal": sum(a == b or (math.isnan(a) and math.isnan(b)) for a, b in found),
        "largest difference": max(gaps, default=0.0),
        "accuracies": [accuracies(one["result"]) for one in (before, now)],
    }
    print(f"{study} {name}: {row['equal']} of {row['numbers']} equal", flush=True)
    return row


def rerun(studies: list[str], cells: int, out: Path) -> Iterator[dict[str, Any]]:
    """Rows for the cells of each study that took least time, as each is run again."""
    for study in studies:
        records = {
            name: record
            for name, record in read_packed(out / "cells" / f"{study}.jsonl").items()
            # of data as parameters a cell keeps the digest alone
            if not any(isinstance(v, dict) and "sha256" in v for v in record["cell"].values())
        }
        seconds = {name: record["provenance"]["seconds"] for name, record in records.items()}
        for name in sorted(seconds, key=lambda name: seconds[name])[:cells]:
            yield compare(study, name, records[name], again(study, records[name]))


def replaced(study: str, earlier: Path, out: Path) -> Iterator[dict[str, Any]]:
    """Rows for the cells of a study that are others now than in the file `earlier`."""
    now, before = read_packed(out / "cells" / f"{study}.jsonl"), read_packed(earlier)
    if not now.keys() & before.keys():
        raise ValueError(f"--replaced {earlier}: no cell of {study} is in it")
    for name, record in before.items():
        if name in now and now[name]["provenance"] != record["provenance"]:
            yield compare(study, name, record, now[name])


def main(
    study: Annotated[list[str], typer.Option(help="whose cells; may be repeated")],
    cells: Annotated[int, typer.Option(help="of each study, those that took least time")] = 2,
    out: Annotated[Path, typer.Option(help="folder with cells/, for results/")] = CARD,
    replaced_file: Annotated[
        Path | None, typer.Option("--replaced", help="cells as they were before; runs nothing")
    ] = None,
) -> None:
    for one in study:
        check_choice("--study", one, study_names())
    if cells < 1:
        raise ValueError(f"cells={cells}: at least 1")
    for one in study:
        if not (out / "cells" / f"{one}.jsonl").exists():
            raise ValueError(f"--out {out}: has no cells of {one}, {out}/cells/{one}.jsonl")
    if replaced_file and (len(study) > 1 or not replaced_file.is_file()):
        raise ValueError(f"--replaced {replaced_file}: a file, with the cells of one --study")
    torch.set_num_threads(1)
    start = time.perf_counter()
    path = out / "results" / "repeat.json"
    rows = read_result(path)["cells"] if path.exists() else []
    made = replaced(study[0], replaced_file, out) if replaced_file else rerun(study, cells, out)
    for row in made:
        key = ("cell", "again on")
        rows = [r for r in rows if any(r[k] != row[k] for k in key)] + [row]
        write_json(path, {"cells": rows, "provenance": provenance(time.perf_counter() - start)})
    print(f"wrote {path}")


app = program(main, __doc__)

if __name__ == "__main__":
    app()
