"""Commands of `mnist1d-hf` that run on for a while: a study, the local Hub, explorer, quiz."""

from pathlib import Path
from typing import Annotated

import typer

from mnist1d_hf.entrances import CONTINUES, console, entrance, errors
from mnist1d_hf.options import Port, study_names
from mnist1d_hf.signals.params import check_choice

app = typer.Typer(rich_markup_mode="rich")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@entrance(stopped=CONTINUES)
def study(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"one of {', '.join(study_names())}")],
    out: Annotated[str | None, typer.Option(help="folder of all that is written")] = None,
    workers: Annotated[int | None, typer.Option(help="processes [1]")] = None,
) -> None:
    """Run an experiment of the paper, on one machine or many (extra `studies`).

    All other options are the study's own: [bold]mnist1d-hf study NAME -- --help[/] lists them. The
    same command continues after any interruption. Machines share the work through one folder OUT
    that all of them reach: each runs the same command with its own --rank, and the last to end
    writes result and figures.

    [bold]Examples[/]

      mnist1d-hf study pooling

      mnist1d-hf study lottery_tickets --scale paper --workers 8

      mnist1d-hf study lottery_tickets --scale paper --out /shared/lottery \\
        --rank 3 --world-size 20
    """
    check_choice("study", name, study_names())
    from mnist1d_hf.studies import load_study

    given = [*context.args, *(["--out", out] if out else [])]
    given += ["--workers", str(workers)] if workers is not None else []
    load_study(name)(args=given, prog_name=f"mnist1d-hf study {name}")


@app.command()
@entrance()
def hub(
    directory: Annotated[
        Path | None, typer.Option("--dir", help="folder that keeps everything; memory if none")
    ] = None,
    port: Port = 0,
    gc: Annotated[
        bool, typer.Option("--gc", help="delete from --dir what no commit needs, and end")
    ] = False,
) -> None:
    """Run a Hugging Face Hub on this machine, to publish to and load from without an account.

    It prints two variables to set; every Hugging Face library then uses it. Ctrl-C ends it. Files
    may have up to 900 MB each; a larger one is refused before it is sent. The bytes of a deleted
    repository are freed at once, those of uploads that were never committed by [bold]--gc[/].

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

    Nothing is asked of other machines, but for models that are named as repositories of the Hub.

    [bold]Examples[/]

      mnist1d-hf explore

      mnist1d-hf explore --models out/models --no-browser
    """
    from mnist1d_hf.space.app import launch

    launch(models, server_name=host, server_port=port, inbrowser=browser)


@app.command()
@entrance()
def quiz(
    config_name: Annotated[str, typer.Argument(metavar="CONFIG", help="default or shuffled")] = (
        "default"
    ),
    questions: Annotated[int, typer.Option(help="20 or 100")] = 20,
    seed: Annotated[
        int | None, typer.Option(help="that chooses the signals; by chance if none")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the result")] = None,
) -> None:
    """Take the human's quiz in the terminal (extra `quiz`).

    It cannot be continued later: what is answered before Ctrl-C is lost.

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
