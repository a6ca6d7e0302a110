"""The command line of a study, made from its `Args`."""

import dataclasses
import inspect
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer
from rich.console import Console
from rich.table import Table

from mnist1d_hf.cells import Cells, CellsMissing
from mnist1d_hf.figures import save
from mnist1d_hf.results import Claim, write_result

HOW = {
    "scale": (Literal["smoke", "paper"], "smoke", "seconds, or the settings of the paper"),
    "out": (Path | None, None, "folder of results/ and figures/ [paper: dataset_card, else out]"),
    "workers": (int, 1, "processes of one thread each"),
    "shard": (int, 0, "this machine's share of the cells, with --num-shards"),
    "num_shards": (int, 1, "machines that share the cells"),
}


def command(
    args_class: Any,
    run: Callable[..., dict[str, Any]],
    plot: Callable[..., Any],
    **more_plots: Callable[..., Any],
) -> typer.Typer:
    """A program that reads the command line, runs the study and writes its result and figure.

    `args_class` is a dataclass whose fields are annotated `Annotated[type, "help"]`. A knob that is
    not given keeps the value of `args_class.at(scale)`. Of `more_plots`, `three=...` is saved as
    `<study>_three`.
    """
    study = inspect.getmodule(run)
    name = Path(inspect.getfile(run)).stem

    def main(**given: Any) -> None:
        scale, out, workers, shard, num_shards = (given.pop(key) for key in HOW)
        out = out or Path("dataset_card" if scale == "paper" else "out")
        given = {key: value for key, value in given.items() if value not in (None, [])}
        knobs = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        try:
            args = dataclasses.replace(args_class.at(scale), **knobs)
            cells = Cells(out / "results" / name, workers, shard, num_shards)
            start = time.perf_counter()
            result = run(args, cells)
        except (ValueError, CellsMissing) as error:
            raise SystemExit(f"{name}: {error}") from error
        except KeyboardInterrupt:
            raise SystemExit(f"{name}: stopped; the same command continues") from None
        seconds = time.perf_counter() - start
        write_result(out / "results" / f"{name}.json", result, args=args, seconds=seconds)
        save(plot(result), out / "figures" / name)
        for suffix, another in more_plots.items():
            save(another(result), out / "figures" / f"{name}_{suffix}")
        _report(result.get("claims", []), out / "results" / f"{name}.json")

    parameters = _parameters(args_class)
    main.__doc__ = study.__doc__ if study else None
    main.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    main.__annotations__ = {p.name: p.annotation for p in parameters}  # typer reads both
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name)(main)
    return app


def _parameters(args_class: Any) -> list[inspect.Parameter]:
    found = [_option(name, kind, default, text) for name, (kind, default, text) in HOW.items()]
    hints = get_type_hints(args_class, include_extras=True)
    paper = args_class.at("paper")
    for field in dataclasses.fields(args_class):
        kind, text = get_args(hints[field.name])
        if get_origin(kind) is tuple:
            kind = list[get_args(kind)[0]]  # type: ignore[misc]  # the option once per element
        text = f"{text} [paper: {getattr(paper, field.name)}]"
        found.append(_option(field.name, kind | None, None, text))
    return found


def _option(name: str, kind: Any, default: Any, text: str) -> inspect.Parameter:
    annotation = Annotated[kind, typer.Option(help=text)]
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=default, annotation=annotation)


def _report(claims: list[Claim], path: Path) -> None:
    table = Table("", "claim", "verdict", title=str(path))
    for claim in claims:
        table.add_row(claim.id, claim.claim, claim.verdict)
    Console(file=sys.stdout).print(table)
