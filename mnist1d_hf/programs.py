"""Subcommands of `mnist1d-hf` that verify, show, study and serve data."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mnist1d_hf.entrances import CONTINUES, console, entrance, errors
from mnist1d_hf.options import (
    CONFIG_HELP,
    ParameterCommand,
    Port,
    study_names,
    takes_parameters,
)
from mnist1d_hf.signals.params import changes, check_choice

app = typer.Typer(rich_markup_mode="rich")


@app.command()
@entrance()
def verify() -> None:
    """Generate the presets and compare them with the frozen data and the original package.

    The exit code is 1 when the data differ on this machine.
    """
    from mnist1d_hf.data.identity import check_identity

    checks = check_identity()
    table = Table("what", "holds", "SHA-256, or remark")
    marks = {True: "[green]yes[/]", False: "[red]no[/]", None: "not checked"}
    for check in checks:
        table.add_row(check.what, marks[check.holds], check.detail)
    console.print(table)
    for number, kind in ((1, "float32"), (2, "float64")):
        found = [check.holds for check in checks if kind in check.what]
        word = "does not hold" if False in found else "not checked" if None in found else "holds"
        console.print(f"identity {number} ({kind}): {word}")
    if any(check.holds is False for check in checks):
        raise typer.Exit(1)


@app.command()
@entrance()
def info() -> None:
    """Print versions, the configs and their parameters, and the location of the cache."""
    import datasets
    import numpy
    import scipy

    from mnist1d_hf import __version__
    from mnist1d_hf.data.load import content_hash, load_dataset_builder
    from mnist1d_hf.data.mnist1d import Mnist1D

    versions = {"mnist1d-hf": __version__, "datasets": datasets.__version__}
    versions |= {"numpy": numpy.__version__, "scipy": scipy.__version__}
    console.print(", ".join(f"{k} {v}" for k, v in versions.items()), highlight=False)
    console.print(f"cache {datasets.config.HF_DATASETS_CACHE}", highlight=False, soft_wrap=True)
    console.print(f"digest of the generator's code {content_hash()}", highlight=False)
    table = Table("config", "train", "test", "differs from default in", "prepared")
    for name in Mnist1D.builder_configs:
        builder = load_dataset_builder(name)
        rows = {split: stop - start for split, (start, stop) in builder.split_rows().items()}
        sizes = (str(rows["train"]), str(rows.get("test", 0)))
        prepared = "yes" if Path(builder.cache_dir).is_dir() else "no"
        table.add_row(name, *sizes, difference(builder.config), prepared)
    console.print(table)


def difference(config: Any) -> str:
    """The parameters in which a config differs from default."""
    if config.name == "templates":
        return "the ten digits without noise"
    return ", ".join(f"{name}={value}" for name, value in changes(config.params).items())


@app.command(cls=ParameterCommand)
@entrance()
@takes_parameters
def show(
    config_name: Annotated[str, typer.Argument(metavar="CONFIG", help=CONFIG_HELP)] = "default",
    picture: Annotated[
        str | None,
        typer.Option(help="examples, templates, steps, overview, classes, film or all"),
    ] = None,
    out: Annotated[Path, typer.Option(help="PNG or SVG file; a folder with --picture all")] = Path(
        "mnist1d"
    ),
    dark: Annotated[bool, typer.Option("--dark", help="for a page with a dark background")] = False,
    *,
    params: dict[str, Any],
) -> None:
    """Draw the data as PNG or SVG, or the generation of examples as GIF (extra `studies`).

    [bold]Examples[/]

      mnist1d-hf show

      mnist1d-hf show default --iid-noise-scale 0 --corr-noise-scale 0 --out clean

      mnist1d-hf show --picture film --dark

      mnist1d-hf show --picture all --out dataset_card/figures
    """
    from mnist1d_hf.signals.params import config_params

    if config_name == "templates":
        if picture not in (None, "templates"):
            raise ValueError(f"config 'templates': has no picture {picture!r}, only its own")
        if params:
            given = ", ".join(params)
            raise ValueError(f"config 'templates': takes no parameters, but got {given}")
        config_name, picture = "default", "templates"
    wanted = config_params(config_name, **params)
    from mnist1d_hf.figures.gallery import draw

    for path in draw(picture or "examples", out, wanted, dark=dark):
        console.print(f"{path}", highlight=False, soft_wrap=True)


# without a help option of its own, so that the one after NAME is that of the study
@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
@entrance(stopped=CONTINUES)
def study(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=f"one of {', '.join(study_names())}")
    ] = "--help",
    out: Annotated[str | None, typer.Option(help="output folder")] = None,
    workers: Annotated[int | None, typer.Option(help="processes [1]")] = None,
) -> None:
    """Run an experiment of the paper, on one machine or many (extra `studies`).

    Each study has further options, which [bold]mnist1d-hf study NAME --help[/] lists. The same
    command continues after any interruption. Several machines can work together through a shared
    folder OUT: each runs the same command with its own --rank, first its share of the work and then
    what others have not done yet, and writes result and figures.

    [bold]Examples[/]

      mnist1d-hf study pooling

      mnist1d-hf study lottery_tickets --scale paper --workers 8

      mnist1d-hf study lottery_tickets --scale paper --out /shared/lottery \\
        --rank 3 --world-size 20
    """
    if name == "--help":
        print(context.get_help(), end="")
        return
    check_choice("study", name, study_names())
    from mnist1d_hf.studies import load_study

    given = [*context.args, *(["--out", out] if out else [])]
    given += ["--workers", str(workers)] if workers is not None else []
    load_study(name)(args=given, prog_name=f"mnist1d-hf study {name}")


@app.command()
@entrance()
def hub(
    directory: Annotated[
        Path | None, typer.Option("--dir", help="folder to store everything in [memory]")
    ] = None,
    port: Port = 0,
    gc: Annotated[
        bool, typer.Option("--gc", help="delete unreferenced files from --dir, and exit")
    ] = False,
) -> None:
    """Run a Hugging Face Hub on this machine, to publish to and load from without an account.

    It prints two environment variables, with which every Hugging Face library uses this Hub. Ctrl-C
    ends it. Files may have up to 900 MB each; larger files are rejected before the upload. Deleting
    a repository frees its files at once; [bold]--gc[/] frees uploads that were never committed.

    [bold]Examples[/]

      mnist1d-hf hub

      mnist1d-hf hub --dir hub --port 8000

      mnist1d-hf hub --dir hub --gc
    """
    from mnist1d_hf.localhub import collect, serve

    if not gc:
        return serve(directory, port)
    if directory is None:
        raise ValueError("--gc needs --dir: the folder of a hub that is not running")
    before, after = collect(directory)
    text = f"{directory}: {before:,} bytes, now {after:,}"
    console.print(text, highlight=False, soft_wrap=True)


@app.command()
@entrance()
def explore(
    models: Annotated[
        str | None,
        typer.Option(help="folders or repositories of models, separated by commas"),
    ] = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Port = 7860,
    browser: Annotated[bool, typer.Option(help="open a browser")] = True,
) -> None:
    """Open the explorer in a browser: data, models, quiz (extra `space`).

    It connects to other machines only to load models that are given as repositories of the Hub.

    [bold]Examples[/]

      mnist1d-hf explore

      mnist1d-hf explore --models out/models --no-browser
    """
    from mnist1d_hf.space.app import serve

    serve(models, host, port, browser)


@app.command()
@entrance()
def quiz(
    config_name: Annotated[str, typer.Argument(metavar="CONFIG", help="default or shuffled")] = (
        "default"
    ),
    questions: Annotated[int, typer.Option(help="20 or 100")] = 20,
    seed: Annotated[int | None, typer.Option(help="seed that selects the signals [random]")] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the result")] = None,
) -> None:
    """Classify signals yourself, in the terminal (extra `quiz`).

    It shows the ten digits first, and then ten signals at a time. A quiz cannot be resumed: answers
    are lost on Ctrl-C.

    [bold]Examples[/]

      mnist1d-hf quiz

      mnist1d-hf quiz shuffled --questions 100 --out result.json
    """
    from mnist1d_hf.space.quiz import chance_seed
    from mnist1d_hf.space.terminal import take_quiz

    try:
        take_quiz(console, config_name, questions, chance_seed() if seed is None else seed, out)
    except EOFError:
        errors.print("\nstopped: nothing is saved")
        raise typer.Exit(1) from None
