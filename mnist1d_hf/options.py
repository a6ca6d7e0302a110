"""Options that several commands share, and options generated from the fields of a dataclass.

typer does not read dataclasses. tyro does, but beside typer it would give a second style of help
and errors.
"""

import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import Field, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from mnist1d_hf.entrances import console
from mnist1d_hf.signals.params import CONFIGS, SignalParams

CONFIG_HELP = f"one of {', '.join(CONFIGS)}, templates"
PAIR = "padding"  # the parameter that has two values


def whole_number(text: str) -> int:
    """An integer written as 100000, 100_000 or 1e5; ValueError for any other text."""
    try:
        number = Decimal(text.replace("_", ""))
        if number.is_finite() and number.adjusted() > 100:
            raise ValueError(f"{text} is too large a number")
        if number == number.to_integral_value():
            return int(number)
    except (InvalidOperation, OverflowError):
        pass
    raise ValueError(f"{text!r} is not a whole number")


Port = Annotated[int, typer.Option(min=0, max=65535, help="port to listen on; 0: any free one")]
COLUMNS_PANEL = "Columns besides x and label"
Latents = Annotated[
    bool,
    typer.Option(
        "--latents",
        help="add what was drawn for each row: padding, shift, scale, slope",
        rich_help_panel=COLUMNS_PANEL,
    ),
]
Posterior = Annotated[
    bool,
    typer.Option(
        "--posterior",
        help="add the ten exact probabilities of each row's digit (0.2 to 2 ms a row)",
        rich_help_panel=COLUMNS_PANEL,
    ),
]
EngineName = Annotated[
    str | None,
    typer.Option(help="local, slurm, ray or jobs (extra `distributed`)", rich_help_panel="Engine"),
]
Ranks = Annotated[
    int | None,
    typer.Option(help="number of tasks of the engine", rich_help_panel="Engine"),
]
EngineOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--engine-option",
        "-E",
        metavar="NAME=VALUE",
        help="argument of datatrove's executor, as partition=cpu; once for each",
        rich_help_panel="Engine",
    ),
]
Logs = Annotated[
    str | None,
    typer.Option(help="folder for the engine's files [OUT/.logs]", rich_help_panel="Engine"),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="run nothing; show what would run (slurm: have sbatch check it)",
        rich_help_panel="Engine",
    ),
]


def engine_of(
    name: str, workers: int | None, logs: str | None, options: list[str] | None, dry_run: bool
) -> Any:
    """The engine for the options of a command line; option values are JSON, or else text."""
    from mnist1d_hf.shards.engines import Engine

    values: dict[str, Any] = {}
    for assignment in options or []:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(f"--engine-option {assignment!r}: must be NAME=VALUE")
        try:
            values[key] = json.loads(text)
        except json.JSONDecodeError:
            values[key] = text
    return Engine(name=name, workers=workers, logs=logs, options=values, dry_run=dry_run)


def show_launch(engine: Any, executor: Any) -> None:
    """Print what an engine would run, or the number of the submitted job."""
    from mnist1d_hf.shards.executors import describe

    if engine.dry_run:
        console.print(describe(executor), highlight=False, soft_wrap=True, markup=False)
    elif engine.name == "slurm":
        console.print(f"submitted as job {executor.job_id}", highlight=False)


def option(name: str, kind: Any, text: str, default: Any = None, **more: Any) -> inspect.Parameter:
    """A keyword parameter that typer reads as an option; `more` goes to typer.Option."""
    annotation = Annotated[kind, typer.Option(help=text, **more)]
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=default, annotation=annotation)


def give_signature(command: Callable[..., Any], parameters: Iterable[inspect.Parameter]) -> None:
    """Set the signature that typer reads, for a function that takes arbitrary keywords."""
    signature = inspect.Signature(list(parameters))
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}


def takes_parameters(command: Callable[..., None], **defaults: Any) -> Callable[..., None]:
    """Decorator that adds every field of `SignalParams` as an option of a command.

    The command gets the options that were given as the dictionary `params`. Help shows `defaults`
    where the command has others than `SignalParams`.
    """

    def run(**given: Any) -> None:
        params = {field.name: given.pop(field.name) for field in fields(SignalParams)}
        command(**given, params={name: v for name, v in params.items() if v is not None})

    own = [p for p in inspect.signature(command).parameters.values() if p.name != "params"]
    options = [parameter(f, defaults.get(f.name, f.default)) for f in fields(SignalParams)]
    give_signature(run, [*own, *options])
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def parameter(field: Field[Any], default: Any) -> inspect.Parameter:
    """The option for a field of `SignalParams`, with the default that its help shows."""
    kind = Any if field.type is Any else field.type | None  # type: ignore[operator]
    look: dict[str, Any] = {}
    if field.type is int:
        look = {"parser": whole_number, "metavar": "<int>"}
    elif field.name == PAIR:
        default, look = ",".join(map(str, default)), {"metavar": "<int>,<int>"}
    text = f"{field.metadata['help']} \\[{default}]"
    panel = "Parameters of the data"
    return option(field.name, kind, text, rich_help_panel=panel, show_default=False, **look)


class ParameterCommand(typer.core.TyperCommand):
    """A command that also accepts `--padding 36,60`, with a comma instead of a space."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words = iter(args)
        split: list[str] = []
        for word in words:
            if word == f"--{PAIR}":
                split += [word, *next(words, "").split(",", 1)]
            elif word.startswith(f"--{PAIR}="):
                split += [f"--{PAIR}", *word.partition("=")[2].split(",", 1)]
            else:
                split.append(word)
        return super().parse_args(ctx, [w for w in split if w])


def study_names() -> list[str]:
    """The names of all studies, found without importing them: modules with a `main`."""
    modules = sorted(Path(__file__).with_name("studies").glob("*.py"))
    return [m.stem for m in modules if "\nmain = command(" in m.read_text(encoding="utf-8")]
