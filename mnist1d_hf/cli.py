"""The command `mnist1d-hf`, with the subcommands that generate data.

The subcommands that show, study and serve data are in `programs`. Each subcommand imports its
modules when it runs, so that --help is fast.
"""

import math
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from mnist1d_hf import programs
from mnist1d_hf.entrances import CONTINUES, console, entrance
from mnist1d_hf.options import (
    CONFIG_HELP,
    DryRun,
    EngineName,
    EngineOptions,
    Latents,
    Logs,
    ParameterCommand,
    Posterior,
    Ranks,
    engine_of,
    show_launch,
    takes_parameters,
)
from mnist1d_hf.signals.params import CONFIGS

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="MNIST-1D: generate it, check it, look at it, study it.",
)


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
    latents: Latents = False,
    posterior: Posterior = False,
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

      mnist1d-hf generate noisy --latents --posterior --out data/noisy
    """
    from mnist1d_hf.data.export import export_dataset
    from mnist1d_hf.data.load import load_dataset_builder

    builder = load_dataset_builder(config_name, **params, latents=latents, posterior=posterior)
    for path in export_dataset(builder, out, format):
        console.print(f"{path}  {path.stat().st_size:,} bytes", highlight=False, soft_wrap=True)


@app.command(cls=ParameterCommand)
@entrance(stopped=CONTINUES)
@partial(takes_parameters, stream="counter")
def shards(
    config_name: Annotated[
        str, typer.Argument(metavar="CONFIG", help=f"one of {', '.join(CONFIGS)}")
    ],
    out: Annotated[str, typer.Option(help="folder, or any fsspec path: s3://, gs://, hf://")],
    num_shards: Annotated[int, typer.Option(help="number of files of all splits together")] = 64,
    rank: Annotated[int, typer.Option(help="R: this process makes shards R, R + W, ...")] = 0,
    world_size: Annotated[int, typer.Option(help="number of ranks, W")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="processes [1]; with --engine, ranks at a time")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="read every byte, and make damaged shards again")
    ] = False,
    engine: EngineName = None,
    ranks: Ranks = None,
    engine_option: EngineOptions = None,
    logs: Logs = None,
    dry_run: DryRun = False,
    latents: Latents = False,
    posterior: Posterior = False,
    *,
    params: dict[str, Any],
) -> None:
    """Write a large dataset as Parquet shards, on one machine or many.

    The rows are those of [bold]--stream counter[/], which is the default here, because shards of
    the frozen stream cannot be made independently. Files are
    OUT/CONFIG/train-00000-of-00051.parquet and so on, which datasets.load_dataset reads;
    --train-split and --validation-size divide the rows into splits. The dataset is complete when it
    has a manifest.json.

    The same command continues after any interruption. Ranks share only the folder, and may run at
    the same time or one after another, started by hand or by an engine.

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
    from mnist1d_hf.signals.params import check_integer, config_params

    data = config_params(config_name, **{"stream": "counter", **params})
    job = ShardJob(config_name, data, num_shards, out, latents, posterior)
    if engine is None:
        of_engine = {"ranks": ranks, "engine-option": engine_option, "logs": logs}
        for name, given in {**of_engine, "dry-run": dry_run or None}.items():
            if given is not None:
                raise ValueError(f"--{name} is for an engine: add --engine, or leave it out")
        processes = 1 if workers is None else workers
        made = job.run(rank=rank, world_size=world_size, workers=processes, verify=verify)
        for name in made:
            console.print(f"made {name}", highlight=False, soft_wrap=True)
    else:
        from mnist1d_hf.shards.ranks import ShardRanks

        if (rank, world_size) != (0, 1):
            raise ValueError("--rank and --world-size are the engine's: give --ranks")
        tasks = check_integer("ranks", num_shards if ranks is None else ranks, 1, math.inf)
        where = engine_of(engine, workers, logs, engine_option, dry_run)
        show_launch(where, where.run(ShardRanks(job, verify), tasks))
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
        list[str] | None, typer.Argument(metavar="CONFIG", help=f"{CONFIG_HELP}; all if none")
    ] = None,
    latents: Latents = False,
    posterior: Posterior = False,
    *,
    params: dict[str, Any],
) -> None:
    """Fill the datasets cache, so that load_dataset("mnist1d", CONFIG) works without this package.

    Other processes with the same cache can then call
    [bold]datasets.load_dataset("mnist1d", "shuffled")[/]. Set HF_HUB_OFFLINE=1 for them: otherwise
    the library first asks the Hub, and without a network it retries for about 25 seconds.

    [bold]Examples[/]

      mnist1d-hf prepare

      mnist1d-hf prepare default --seed 7
    """
    from mnist1d_hf.data.load import load_dataset_builder
    from mnist1d_hf.data.mnist1d import Mnist1D

    builders = [
        load_dataset_builder(name, **params, latents=latents, posterior=posterior)
        for name in config_names or list(Mnist1D.builder_configs)
    ]
    for builder in builders:
        builder.download_and_prepare()
        place = f"{builder.config.name}: {builder.cache_dir}"
        console.print(place, highlight=False, soft_wrap=True)
    console.print(
        "Set HF_HUB_OFFLINE=1 to load these without importing mnist1d_hf: otherwise the library "
        "asks the Hub first, and without a network it retries for about 25 seconds.",
        highlight=False,
        soft_wrap=True,
    )


app.add_typer(programs.app)
