"""The command `mnist1d-hf`. Each command imports what it needs; the work is done elsewhere."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from mnist1d_hf.options import (
    DryRun,
    EngineName,
    EngineOptions,
    Logs,
    Ranks,
    engine_of,
    errors,
    refusals,
    takes_parameters,
)
from mnist1d_hf.signals.params import SignalParams

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="MNIST-1D: generate it, check it, look at it, publish it.",
)
console = Console()

CONFIG_HELP = "default, shuffled, high-translation or templates"


def show_version(asked: bool) -> None:
    if asked:
        from mnist1d_hf import __version__

        console.print(f"mnist1d-hf {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="and exit")
    ] = False,
) -> None:
    pass


@app.command()
@takes_parameters
def generate(
    config_name: Annotated[str, typer.Argument(metavar="CONFIG", help=CONFIG_HELP)],
    out: Annotated[Path, typer.Option(help="folder for the files")],
    format: Annotated[str, typer.Option(help="parquet, npz or csv")] = "parquet",
    *,
    params: dict[str, Any],
) -> None:
    """Write a dataset as files.

    The folder is complete when it has a manifest.json; a run that was interrupted is completed by
    running it again.

    [bold]Examples[/]

      mnist1d-hf generate default --out data/default

      mnist1d-hf generate shuffled --seed 7 --format npz --out data/shuffled-7

      mnist1d-hf generate default --stream counter --num-samples 1000000 --out data/million
    """
    from mnist1d_hf.data.export import export_dataset
    from mnist1d_hf.data.load import load_dataset_builder

    for path in export_dataset(load_dataset_builder(config_name, **params), out, format):
        console.print(f"{path}  {path.stat().st_size:,} bytes", highlight=False, soft_wrap=True)


@app.command()
@takes_parameters
def shards(
    config_name: Annotated[
        str, typer.Argument(metavar="CONFIG", help="default, shuffled or high-translation")
    ],
    out: Annotated[str, typer.Option(help="folder, or any fsspec path: s3://, gs://, hf://")],
    num_shards: Annotated[int, typer.Option(help="files of all splits together")] = 64,
    rank: Annotated[int, typer.Option(help="this process makes shards R, R + W, ...")] = 0,
    world_size: Annotated[int, typer.Option(help="number of ranks, W")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="processes [1]; with --engine, ranks at a time")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="read every byte; make what is not right again")
    ] = False,
    engine: EngineName = None,
    ranks: Ranks = None,
    engine_option: EngineOptions = None,
    logs: Logs = None,
    dry_run: DryRun = False,
    *,
    params: dict[str, Any],
) -> None:
    """Write a large dataset as Parquet shards, on one machine or many.

    The rows are those of [bold]--stream counter[/], which is the default here: the frozen stream
    has no parts that could be made alone. Files are OUT/CONFIG/train-00000-of-00051.parquet and so
    on, for datasets.load_dataset; rows are shared by splits as --train-split and --validation-size
    say. The dataset is complete when it has a manifest.json.

    The same command continues after any interruption. Ranks need nothing but the same folder, and
    may run at the same time or one after another: by hand, or by an engine.

    [bold]Examples[/]

      mnist1d-hf shards default --num-samples 1e8 --num-shards 64 --workers 8 --out data

      mnist1d-hf shards default --num-samples 1e8 --num-shards 64 --out data --verify

      mnist1d-hf shards shuffled --num-samples 1e9 --num-shards 340 --out s3://bucket/data
      --rank $SLURM_ARRAY_TASK_ID --world-size 20

      mnist1d-hf shards shuffled --num-samples 1e9 --num-shards 340 --out /shared/data
      --engine slurm --ranks 20 -E partition=cpu -E time=02:00:00
    """
    from mnist1d_hf.shards.job import MANIFEST, ShardJob
    from mnist1d_hf.signals.params import config_params

    data = config_params(config_name, **{"stream": "counter", **params})
    job = ShardJob(config_name, data, num_shards, out)
    if engine is None:
        processes = 1 if workers is None else workers
        made = job.run(rank=rank, world_size=world_size, workers=processes, verify=verify)
        for name in made:
            console.print(f"made {name}", highlight=False, soft_wrap=True)
    else:
        from mnist1d_hf.shards.ranks import ShardRanks

        if (rank, world_size) != (0, 1):
            raise ValueError("--rank and --world-size are the engine's: give --ranks")
        where = engine_of(engine, workers, logs, engine_option, dry_run)
        show_launch(where, where.run(ShardRanks(job, verify), ranks or num_shards))
    there = job.folder.url
    if MANIFEST in job.folder.sizes():
        console.print(f"{there}: all {num_shards} shards", highlight=False, soft_wrap=True)
    else:
        console.print(f"{there}: not all shards are there yet", highlight=False, soft_wrap=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def study(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="any other name lists all")],
    out: Annotated[str | None, typer.Option(help="folder of results/ and figures/")] = None,
    workers: Annotated[
        int | None, typer.Option(help="processes [1]; with --engine, ranks at a time")
    ] = None,
    engine: EngineName = None,
    ranks: Ranks = None,
    engine_option: EngineOptions = None,
    logs: Logs = None,
    dry_run: DryRun = False,
) -> None:
    """Run an experiment of the paper, on one machine or many (extra `studies`).

    All other options are the study's own: [bold]mnist1d-hf study NAME -- --help[/] lists them. With
    an engine its cells are shared by ranks, which need one folder OUT that all of them reach; a
    last run makes result and figures. The same command continues after any interruption.

    [bold]Examples[/]

      mnist1d-hf study pooling

      mnist1d-hf study lottery_tickets --scale paper --workers 8

      mnist1d-hf study lottery_tickets --scale paper --out /shared/lottery --engine ray --ranks 50
    """
    from mnist1d_hf.shards.ranks import StudyRanks, study_main

    given = context.args
    with refusals():
        main = study_main(name)
        if engine is None:
            given += ["--out", out] if out else []
            given += ["--workers", str(workers)] if workers is not None else []
            main(args=given, prog_name=f"mnist1d-hf study {name}")
            return
        if out is None:
            raise ValueError("--engine needs --out: a folder that all machines reach")
        if ranks is None:
            raise ValueError("--engine needs --ranks: how many tasks share the cells")
        where = engine_of(engine, workers, logs, engine_option, dry_run)
        show_launch(where, where.run_study(StudyRanks(name, tuple(given), out), ranks))


def show_launch(engine: Any, executor: Any) -> None:
    """What an engine would run, or that it has taken it."""
    from mnist1d_hf.shards.executors import describe

    if engine.dry_run:
        console.print(describe(executor), highlight=False, soft_wrap=True, markup=False)
    elif engine.name == "slurm":
        console.print(f"submitted as job {executor.job_id}", highlight=False)


@app.command()
@takes_parameters
def prepare(
    config_names: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG]...", help=f"{CONFIG_HELP}; all if none")
    ] = None,
    *,
    params: dict[str, Any],
) -> None:
    """Fill the datasets cache, so that load_dataset("mnist1d", ...) works without importing us.

    Later processes, in any environment with the same cache, call plain
    [bold]datasets.load_dataset("mnist1d", "shuffled")[/]. Set HF_HUB_OFFLINE=1 there, or the
    library first asks the Hub.

    [bold]Examples[/]

      mnist1d-hf prepare

      mnist1d-hf prepare default --seed 7
    """
    from mnist1d_hf.data.load import load_dataset_builder
    from mnist1d_hf.data.mnist1d import Mnist1D

    for name in config_names or list(Mnist1D.builder_configs):
        builder = load_dataset_builder(name, **params)
        builder.download_and_prepare()
        console.print(f"{name}: {builder.cache_dir}", highlight=False, soft_wrap=True)


@app.command()
def hub(
    directory: Annotated[
        Path | None, typer.Option("--dir", help="folder that keeps everything; memory if none")
    ] = None,
    port: Annotated[int, typer.Option(help="port to listen on; any free one if none")] = 0,
) -> None:
    """Run a Hugging Face Hub on this machine, to publish to and load from without an account.

    It prints two variables to set; every Hugging Face library then uses it. Ctrl-C ends it.

    [bold]Examples[/]

      mnist1d-hf hub

      mnist1d-hf hub --dir hub --port 8000
    """
    from mnist1d_hf.localhub import serve

    with refusals():
        serve(directory, port)


@app.command()
def verify() -> None:
    """Generate the presets and compare them with the frozen data and the original package.

    Exit code 1 when a promise of identity does not hold on this machine.
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
def info() -> None:
    """Print versions, the presets with what sets them apart, and where the cache is."""
    import datasets
    import numpy
    import scipy

    from mnist1d_hf import CONFIGS, __version__
    from mnist1d_hf.data.load import content_hash, load_dataset_builder

    versions = {"mnist1d-hf": __version__, "datasets": datasets.__version__}
    versions |= {"numpy": numpy.__version__, "scipy": scipy.__version__}
    console.print(", ".join(f"{k} {v}" for k, v in versions.items()), highlight=False)
    console.print(f"generator {content_hash()}, cache {datasets.config.HF_DATASETS_CACHE}")
    table = Table("config", "train", "test", "differs from default in", "prepared")
    for name, params in CONFIGS.items():
        other = [f"{k}={v}" for k, v in vars(params).items() if v != getattr(SignalParams, k)]
        prepared = Path(load_dataset_builder(name).cache_dir).is_dir()
        test = params.num_rows() - params.num_train
        row = (
            name,
            str(params.num_train),
            str(test),
            ", ".join(other),
            "yes" if prepared else "no",
        )
        table.add_row(*row)
    console.print(table)


@app.command()
@takes_parameters
def show(
    config_name: Annotated[str, typer.Argument(metavar="CONFIG", help=CONFIG_HELP)] = "default",
    picture: Annotated[
        str, typer.Option(help="examples, templates, steps, overview, classes, film or all")
    ] = "examples",
    out: Annotated[
        Path, typer.Option(help="file to write, without its ending; a folder for all")
    ] = Path("mnist1d"),
    dark: Annotated[bool, typer.Option("--dark", help="for a page with a dark background")] = False,
    *,
    params: dict[str, Any],
) -> None:
    """Draw the data: PNG and SVG, or a GIF of how examples come to be (extra `studies`).

    [bold]Examples[/]

      mnist1d-hf show

      mnist1d-hf show default --iid-noise-scale 0 --corr-noise-scale 0 --out clean

      mnist1d-hf show --picture film --dark

      mnist1d-hf show --picture all --out dataset_card/figures
    """
    from mnist1d_hf.figures.gallery import draw
    from mnist1d_hf.signals.params import config_params

    for path in draw(picture, out, config_params(config_name, **params), dark=dark):
        console.print(f"{path}", highlight=False, soft_wrap=True)


@app.command()
def explore(
    models: Annotated[
        str | None,
        typer.Option(help="folders or repositories of models, separated by commas"),
    ] = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 7860,
    browser: Annotated[bool, typer.Option(help="open a browser")] = True,
) -> None:
    """Open the explorer in a browser: data, models, quiz (extra `space`).

    Nothing is asked of other machines, but for models that are named as repositories of the Hub.

    [bold]Examples[/]

      mnist1d-hf explore

      mnist1d-hf explore --models out/models --no-browser
    """
    with refusals():
        from mnist1d_hf.space.app import launch
    launch(models, server_name=host, server_port=port, inbrowser=browser)


@app.command()
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

    [bold]Examples[/]

      mnist1d-hf quiz

      mnist1d-hf quiz shuffled --questions 100 --out result.json
    """
    with refusals():
        from mnist1d_hf.space.quiz import chance_seed
        from mnist1d_hf.space.terminal import take_quiz
    try:
        with refusals():
            take_quiz(console, config_name, questions, chance_seed() if seed is None else seed, out)
    except (EOFError, KeyboardInterrupt):
        errors.print("\nstopped; nothing is saved")
        raise typer.Exit(1) from None
