"""The command `mnist1d-hf`. Each command imports what it needs; the work is done elsewhere.

Here are the commands about data; those that start something longer are in `programs`.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mnist1d_hf import programs
from mnist1d_hf.entrances import CONTINUES, console, entrance
from mnist1d_hf.options import (
    DryRun,
    EngineName,
    EngineOptions,
    Logs,
    ParameterCommand,
    Ranks,
    engine_of,
    show_launch,
    takes_parameters,
)
from mnist1d_hf.signals.params import SignalParams

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="MNIST-1D: generate it, check it, look at it, study it.",
)

CONFIG_HELP = "default, shuffled, high-translation, noisy or templates"


def show_version(asked: bool) -> None:
    if asked:
        from mnist1d_hf import __version__

        console.print(f"mnist1d-hf {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


@app.command(cls=ParameterCommand)
@entrance(stopped="files that are whole are kept, but the same command starts from the first row")
@takes_parameters
def generate(
    config_name: Annotated[str, typer.Argument(metavar="CONFIG", help=CONFIG_HELP)],
    out: Annotated[Path, typer.Option(help="folder for the files")],
    format: Annotated[str, typer.Option(help="parquet, npz or csv")] = "parquet",
    *,
    params: dict[str, Any],
) -> None:
    """Write a dataset as files.

    The folder is complete when it has a manifest.json. After an interruption the same command
    starts again; for large datasets use [bold]mnist1d-hf shards[/], which continues.

    [bold]Examples[/]

      mnist1d-hf generate default --out data/default

      mnist1d-hf generate shuffled --seed 7 --format npz --out data/shuffled-7

      mnist1d-hf generate default --stream counter --num-samples 1e6 --out million
    """
    from mnist1d_hf.data.export import export_dataset
    from mnist1d_hf.data.load import load_dataset_builder

    for path in export_dataset(load_dataset_builder(config_name, **params), out, format):
        console.print(f"{path}  {path.stat().st_size:,} bytes", highlight=False, soft_wrap=True)


@app.command(cls=ParameterCommand)
@entrance(stopped=CONTINUES)
@takes_parameters
def shards(
    config_name: Annotated[
        str, typer.Argument(metavar="CONFIG", help="default, shuffled, high-translation or noisy")
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

      mnist1d-hf shards default --num-samples 1e8 --workers 8 --out data

      mnist1d-hf shards default --num-samples 1e8 --out data --verify

      mnist1d-hf shards shuffled --num-samples 1e9 --num-shards 340 \\
        --out s3://bucket/data --rank $SLURM_ARRAY_TASK_ID --world-size 20

      mnist1d-hf shards shuffled --num-samples 1e9 --num-shards 340 \\
        --out /shared/data --engine slurm --ranks 20 \\
        -E partition=cpu -E time=02:00:00
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


@app.command(cls=ParameterCommand)
@entrance(stopped="configs that are named above are kept; the same command makes the others")
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
    [bold]datasets.load_dataset("mnist1d", "shuffled")[/]. Set HF_HUB_OFFLINE=1 there: without it
    the library first asks the Hub, and where there is no network it retries for some 25 seconds.

    [bold]Examples[/]

      mnist1d-hf prepare

      mnist1d-hf prepare default --seed 7
    """
    from mnist1d_hf.data.load import load_dataset_builder
    from mnist1d_hf.data.mnist1d import Mnist1D

    builders = [
        load_dataset_builder(name, **params)
        for name in config_names or list(Mnist1D.builder_configs)
    ]
    for builder in builders:
        builder.download_and_prepare()
        place = f"{builder.config.name}: {builder.cache_dir}"
        console.print(place, highlight=False, soft_wrap=True)
    console.print(
        "Set HF_HUB_OFFLINE=1 where this is loaded without importing mnist1d_hf: the library "
        "would ask the Hub first, and without a network retry for some 25 seconds.",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
@entrance()
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
@entrance()
def info() -> None:
    """Print versions, the configs with what sets them apart, and where the cache is."""
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
    """What sets a config apart from default."""
    if config.name == "templates":
        return "the ten digits without noise"
    own = vars(config.params).items()
    return ", ".join(f"{key}={value}" for key, value in own if value != getattr(SignalParams, key))


@app.command(cls=ParameterCommand)
@entrance()
@takes_parameters
def show(
    config_name: Annotated[str, typer.Argument(metavar="CONFIG", help=CONFIG_HELP)] = "default",
    picture: Annotated[
        str | None,
        typer.Option(help="examples, templates, steps, overview, classes, film or all"),
    ] = None,
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
    from mnist1d_hf.signals.params import config_params

    if config_name == "templates":
        if picture not in (None, "templates"):
            raise ValueError(f"config 'templates': has no picture {picture!r}, only its own")
        config_name, picture = "default", "templates"
    wanted = config_params(config_name, **params)
    from mnist1d_hf.figures.gallery import draw

    for path in draw(picture or "examples", out, wanted, dark=dark):
        console.print(f"{path}", highlight=False, soft_wrap=True)


app.add_typer(programs.app)
