"""Cells that were run again, on the page of what holds: how far their numbers move."""

from collections.abc import Mapping, Sequence
from typing import Any

from mnist1d_hf.evidence.outcomes import Results
from mnist1d_hf.pages.tables import markdown


def repeat_section(results: Results) -> str:
    """Cells that were run again, by where they were made and where they were run again."""
    if "repeat" not in results:
        return ""
    places: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for cell in results["repeat"]["cells"]:
        places.setdefault((cell["study"], cell["made on"], cell["again on"]), []).append(cell)
    rows = [
        [
            *(study, made, again, str(len(cells))),
            f"{sum(c['equal'] for c in cells)} of {sum(c['numbers'] for c in cells)}",
            f"{max(c['largest difference'] for c in cells):.3g}",
            *moved(cells),
        ]
        for (study, made, again), cells in sorted(places.items())
    ]
    head = (
        "## repeat\n\nCells that `python scripts/repeat.py` ran again. Differences are in the unit "
        "of the number that differs most: percent, a loss or a step. The last two columns are on "
        "test accuracies of single runs, in points, where a cell keeps one a run: by how much one "
        "of them moves at most, and by how much their mean moves."
    )
    header = ["study", "made on", "run again on", "cells", "equal numbers", "largest difference"]
    header += ["an accuracy", "mean accuracy"]
    return f"{head}\n\n{markdown(header, rows)}"


def moved(cells: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """By how much an accuracy moves at most, and by how much the mean of all, in points."""
    pairs = [p for c in cells for p in zip(*c.get("accuracies", ((), ())), strict=True)]
    changes = [now - before for before, now in pairs]
    if not changes:
        return "–", "–"
    most, mean = max(map(abs, changes)), abs(sum(changes)) / len(changes)
    return f"{most:.2f}", f"{mean:.2f} (of {len(changes)})"
