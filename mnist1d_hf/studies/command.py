"""The command line of a study, made from its `Args`; its figures, from its result."""

import dataclasses
import inspect
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer
from rich.console import Console
from rich.table import Table

from mnist1d_hf.entrances import CONTINUES, entrance
from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.results import Finding, read_result, write_result
from mnist1d_hf.figures.fingerprint import description, digest, fingerprint
from mnist1d_hf.figures.style import save
from mnist1d_hf.files import check_writable
from mnist1d_hf.options import give_signature, option

HOW = {
    "scale": (Literal["smoke", "paper"], "smoke", "seconds, or the settings of the paper"),
    "out": (Path | None, None, "folder of all that is written [paper: dataset_card, else out]"),
    "workers": (int, 1, "processes of one thread each"),
    "rank": (int, 0, "number of this machine, from 0, with --world-size"),
    "world_size": (int, 1, "machines that share the cells in OUT, a folder that all reach"),
}
CARD, SCRATCH = Path("dataset_card"), Path("out")


@dataclass(frozen=True)
class Study:
    """A study as a program, `study()`, and its figures."""

    name: str
    args_class: Any
    app: typer.Typer
    plots: dict[str, Callable[..., Any]]  # name of the figure -> result to figure

    def __call__(self, **options: Any) -> Any:
        return self.app(**options)

    def draw(self, out: Path) -> list[Path]:
        """Draw the figures of the result in `out`; each says in its metadata what it shows."""
        result, written = read_result(out / "results" / f"{self.name}.json"), []
        for name, plot in self.plots.items():
            figure = plot(result)
            shows = digest(fingerprint(figure))
            written += save(figure, out / "figures" / name, description=shows)
        return written

    def outdated(self, out: Path) -> list[str]:
        """Figures that are missing, or not what would be drawn now from the result in `out`."""
        result = read_result(out / "results" / f"{self.name}.json")
        return [
            name
            for name, plot in self.plots.items()
            if description(out / "figures" / f"{name}.png") != digest(fingerprint(plot(result)))
        ]


def command(
    args_class: Any,
    run: Callable[..., dict[str, Any]],
    plot: Callable[..., Any],
    **more_plots: Callable[..., Any],
) -> Study:
    """A program that reads the command line, runs the study and writes its result and figure.

    `args_class` is a dataclass whose fields are annotated `Annotated[type, "help"]`. A knob that is
    not given keeps the value of `args_class.at(scale)`. Of `more_plots`, `three=...` is saved as
    `<study>_three`.
    """
    name = Path(inspect.getfile(run)).stem
    plots = {name: plot, **{f"{name}_{suffix}": another for suffix, another in more_plots.items()}}
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    study = Study(name, args_class, app, plots)

    def main(**given: Any) -> None:
        scale, out, workers, rank, world_size = (given.pop(key) for key in HOW)
        out = out or (CARD if scale == "paper" else SCRATCH)
        given = {key: value for key, value in given.items() if value not in (None, [])}
        knobs = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        check_writable(out / "results")
        args = dataclasses.replace(args_class.at(scale), **knobs)
        cells = Cells(
            loose_cells(name, out), packed_cells(name, out), workers, rank, world_size
        )
        start = time.perf_counter()
        result = run(args, cells)
        seconds = time.perf_counter() - start
        write_result(out / "results" / f"{name}.json", result, args=args, seconds=seconds)
        study.draw(out)
        _report(result.get("findings", []), out / "results" / f"{name}.json")

    module = inspect.getmodule(run)
    main.__doc__ = module.__doc__ if module else None
    give_signature(main, _parameters(args_class))
    app.command(name)(entrance(stopped=CONTINUES)(main))
    return study


def packed_cells(study: str, out: Path) -> Path:
    """The file of all finished cells of a study."""
    return out / "cells" / f"{study}.jsonl"


def loose_cells(study: str, out: Path) -> Path:
    """The folder of cells that are not packed yet; git ignores that of the card."""
    return (SCRATCH if out == CARD else out) / "cells" / study


def _parameters(args_class: Any) -> list[inspect.Parameter]:
    found = [option(name, kind, text, default) for name, (kind, default, text) in HOW.items()]
    hints = get_type_hints(args_class, include_extras=True)
    paper = args_class.at("paper")
    for field in dataclasses.fields(args_class):
        kind, text = get_args(hints[field.name])
        if get_origin(kind) is tuple:
            kind = list[get_args(kind)[0]]  # type: ignore[misc]  # the option once per element
        text = f"{text} [paper: {getattr(paper, field.name)}]"
        found.append(option(field.name, kind | None, text))
    return found


def _report(findings: list[Finding], path: Path) -> None:
    table = Table("", "claim", "verdict", title=str(path))
    for finding in findings:
        table.add_row(finding.id, finding.claim, finding.verdict)
    Console(file=sys.stdout).print(table)
