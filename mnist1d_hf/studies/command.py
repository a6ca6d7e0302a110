"""The command line of a study, made from its `Args`; its figures, from its result."""

import dataclasses
import inspect
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer
from rich.console import Console
from rich.table import Table

from mnist1d_hf.entrances import CONTINUES, entrance
from mnist1d_hf.evidence.cells import Cells
from mnist1d_hf.evidence.provenance import git_revision, source_sha256
from mnist1d_hf.evidence.results import read_result, write_result
from mnist1d_hf.figures.fingerprint import description, digest, fingerprint
from mnist1d_hf.figures.style import save
from mnist1d_hf.files import check_writable
from mnist1d_hf.options import give_signature, option

HOW = {
    "scale": (
        Literal["smoke", "once", "paper"],
        "smoke",
        "seconds, one repetition of what is in the paper, or all the runs behind our page",
    ),
    "out": (
        Path | None,
        None,
        "folder of all that is written [paper: dataset_card, once: out/once, smoke: out]",
    ),
    "workers": (int, 1, "processes of one thread each"),
    "rank": (int, 0, "number of this machine, from 0, with --world-size"),
    "world_size": (int, 1, "machines that share the cells in OUT, a folder that all reach"),
}
CARD, SCRATCH = Path("dataset_card"), Path("out")
FOLDERS = {"paper": CARD, "once": SCRATCH / "once", "smoke": SCRATCH}
COMMITTED = Path(__file__).parents[2] / CARD  # in a checkout
OF_THE_PAPER = "{out} has results of the settings of the paper; give another folder, --out"


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study as a program, `study()`, its figures, and what others need to know of it."""

    name: str
    title: str  # the first line of its docstring
    args_class: Any
    app: typer.Typer
    plots: Mapping[str, Callable[..., Any]]  # name of the figure -> result to figure
    reads: Mapping[str, str]  # argument with the path of a result -> the study whose result it is
    repeated: str | None
    once: bool  # whether it has the scale `once`
    published_figure: str
    elsewhere: str

    def __call__(self, **options: Any) -> Any:
        return self.app(**options)

    def changed(self, args: Mapping[str, Any], scale: str) -> dict[str, Any]:
        """The arguments of a result that are not those of a scale, results that it reads aside."""
        usual = plain(dataclasses.asdict(self.args_class.at(scale)))
        given = {name: value for name, value in plain(args).items() if name not in self.reads}
        return {name: value for name, value in given.items() if value != usual.get(name)}

    def settings(self, args: Mapping[str, Any]) -> str:
        """A sentence on the arguments of a result that has those of no scale; "" for others."""
        changed = [self.changed(args, scale) for scale in FOLDERS]
        return f"Made with other settings: {listed(changed[0])}." if all(changed) else ""

    @property
    def captions(self) -> dict[str, str]:
        """The caption of each figure by its name: the docstring of what draws it, on one line."""
        return {name: " ".join((plot.__doc__ or "").split()) for name, plot in self.plots.items()}

    def draw(self, out: Path) -> list[Path]:
        """Draw the figures of the result in `out`; each says in its metadata what it shows."""
        result, written = read_result(result_path(self.name, out)), []
        for name in self.plots:
            figure = self.figure(name, result)
            shows = digest(fingerprint(figure))
            written.append(save(figure, out / "figures" / f"{name}.png", description=shows))
        return written

    def figure(self, name: str, result: dict[str, Any]) -> Any:
        """One of the figures; ValueError where its result has too little for it."""
        try:
            return self.plots[name](result)
        except (ValueError, LookupError, TypeError) as error:
            raise ValueError(
                f"the figure {name} cannot be drawn from the result of {self.name}, which may have "
                f"too few settings for it: {error!r}"
            ) from error

    def outdated(self, out: Path) -> list[str]:
        """Figures that are missing, or not what would be drawn now from the result in `out`."""
        result = read_result(result_path(self.name, out))
        return [
            name
            for name in self.plots
            if description(out / "figures" / f"{name}.png")
            != digest(fingerprint(self.figure(name, result)))
        ]


def command(
    args_class: Any,
    run: Callable[..., dict[str, Any]],
    plot: Callable[..., Any],
    *,
    more_plots: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
    reads: Mapping[str, str] = MappingProxyType({}),
    repeated: str | None = None,
    once: bool = False,
    published_figure: str = "",
    elsewhere: str = "",
) -> Study:
    """A program that reads the command line, runs the study and writes its result and figures.

    `args_class` is a dataclass whose fields are annotated `Annotated[type, "help"]`. A knob that is
    not given keeps the value of `args_class.at(scale)`. Of `more_plots`, `{"three": ...}` is saved
    as `<study>_three`. A field of `args_class` that `reads` maps to another study gets the path of
    that study's result: the one in the same folder, or else the one of the checkout.

    For an experiment of the paper, `repeated` is the argument that says how often it is repeated,
    and `published_figure` what its figure shows, for the eye to compare; `elsewhere` is a sentence
    of Markdown on where else the result is shown. `once` says that a part of it is in the paper.
    """
    name = Path(inspect.getfile(run)).stem
    plots = {name: plot, **{f"{name}_{suffix}": another for suffix, another in more_plots.items()}}
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    module = inspect.getmodule(run)
    words = (module.__doc__ if module else None) or name
    study = Study(
        name=name,
        title=words.splitlines()[0],
        args_class=args_class,
        app=app,
        plots=plots,
        reads=reads,
        repeated=repeated,
        once=once or repeated is not None,
        published_figure=published_figure,
        elsewhere=elsewhere,
    )

    def main(**given: Any) -> None:
        scale, out, workers, rank, world_size = (given.pop(key) for key in HOW)
        out = out or FOLDERS[scale]
        if scale == "once" and not study.once:
            raise ValueError(f"{name}: not in the paper, so that it has no scale once")
        given = {key: value for key, value in given.items() if value not in (None, [])}
        knobs = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        if scale == "paper" and (git_revision() or "").endswith("-dirty"):
            warn(f"{name}: the code has changes that are not committed; new cells will say so")
        check_knobs(args_class, knobs)
        check_writable(out)
        other_results = {field: knobs[field] for field in reads.keys() & knobs.keys()}
        for field in reads.keys() - knobs.keys():
            knobs[field] = str(find_result(name, reads[field], out))
        args = dataclasses.replace(args_class.at(scale), **knobs)
        changed = study.changed(dataclasses.asdict(args), "paper") | other_results
        if changed and is_card(out):
            raise ValueError(f"{listed(changed)}: {OF_THE_PAPER.format(out=out)}")
        pack = packed_cells(name, out)
        cells = Cells(loose_cells(name, out), pack, workers, rank, world_size)
        start = time.perf_counter()
        result = run(args, cells)
        seconds = time.perf_counter() - start
        if cells.outdated:
            warn(
                f"{name}: {len(cells.outdated)} cells in {pack} were made by other sources than "
                "these, or do not say by which; to run them again, delete their lines"
            )
        if scale == "smoke":
            result = {**result, "findings": []}  # too small to judge
        source = source_sha256(Path(inspect.getfile(run)))
        path = result_path(name, out)
        write_result(path, result, args=args, seconds=seconds, source_sha256=source)
        print(f"wrote {path} and {', '.join(map(str, study.draw(out)))}")
        report(study, scale, out)

    main.__doc__ = module.__doc__ if module else None
    give_signature(main, _parameters(args_class))
    app.command(name)(entrance(stopped=CONTINUES)(main))
    return study


def is_card(out: Path) -> bool:
    """Whether a folder is that of the results behind the page."""
    return out.resolve() in (CARD.resolve(), COMMITTED.resolve())


def plain(args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a result has them, with lists in place of tuples."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in args.items()}


def listed(changed: Mapping[str, Any]) -> str:
    """Arguments as words."""
    return ", ".join(f"{name}={value}" for name, value in changed.items())


def check_knobs(args_class: Any, knobs: Mapping[str, Any]) -> None:
    """ValueError for a number that is negative or not finite, a count of 0, and a value that is
    given twice: it would count as another run, and is the same.

    Where the paper's own value is 0, as that of a seed, 0 is no count.
    """
    paper = args_class.at("paper")
    for name, given in knobs.items():
        if isinstance(given, tuple) and len(set(given)) < len(given):
            raise ValueError(f"{name}={given}: every value once")
        usual = getattr(paper, name)
        zero = 0 in (usual if isinstance(usual, tuple) else (usual,))
        for value in given if isinstance(given, tuple) else (given,):
            if isinstance(value, str):
                continue
            counts = isinstance(value, int) and not zero
            if not math.isfinite(value) or value < (1 if counts else 0):
                raise ValueError(f"{name}={value}: must be at least {1 if counts else 0}")


def warn(line: str) -> None:
    Console(stderr=True).print(line, soft_wrap=True, markup=False, highlight=False)


def report(study: Study, scale: str, out: Path) -> None:
    """Print the verdicts of the result in `out`; those of the full size, if that was smaller."""
    path = result_path(study.name, out)
    if scale == "smoke":
        print("A run of seconds is too small to judge anything by.")
        path = result_path(study.name, COMMITTED)
        if not path.exists():
            print(f"The full-size run judges: mnist1d-hf study {study.name} --scale paper")
            return
    result = read_result(path)
    if words := study.settings(result.get("args", {})):
        print(words)
    title = "full-size verdicts, " * (scale == "smoke") + str(path)
    table = Table("", "claim", "verdict", title=title)
    for finding in result["findings"]:
        table.add_row(finding["id"], finding["claim"], finding["verdict"])
    Console(file=sys.stdout).print(table)


def result_path(study: str, out: Path) -> Path:
    return out / "results" / f"{study}.json"


def find_result(reader: str, study: str, out: Path) -> Path:
    """The result of another study in `out`, or else that of the checkout.

    Raises ValueError with the command that makes it.
    """
    for folder in (out, CARD, COMMITTED):
        if (path := result_path(study, folder)).exists():
            return path
    place = "" if out in (CARD, SCRATCH) else f" --out {out}"
    raise ValueError(
        f"{reader} reads the result of {study}, and {result_path(study, out)} does not exist: run "
        f"mnist1d-hf study {study}{place}{' --scale paper' * (out == CARD)} first"
    )


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
