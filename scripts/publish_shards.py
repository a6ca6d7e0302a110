"""Publish a large dataset, which `mnist1d-hf shards` made, in a repository of its own.

    mnist1d-hf shards default --num-samples 1e8 --workers 8 --out data
    python scripts/publish_shards.py data you/mnist1d-100m
    python scripts/publish_shards.py data you/mnist1d-100m --dry-run
    python scripts/publish_shards.py data local/big --hub local

Shards are checked against their manifests and sent by several workers; commits of at most 50 files
publish them, the card with the last. Before the tag is set, the Hub's digests of all files are
compared, and the bytes and values of the first and last shard of each split (with --read-all, the
bytes of all). Run again after any failure: it continues where it stopped, and when nothing is left
to do, it does nothing.
"""

import os
import signal
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":  # Ctrl-C until `run` has its own way to end
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import typer  # noqa: E402

# beside this file
from publish import (  # noqa: E402
    check_hub,
    report_failures,
    run,
    set_environment,
    show,
    stop_at_once,
)


def main(
    folder: Annotated[Path, typer.Argument(help="what `mnist1d-hf shards` was given as --out")],
    repo: Annotated[str, typer.Argument(help="user/name, of a repository for these data alone")],
    tag: Annotated[str, typer.Option(help="set when everything is there")] = "v1.0.0",
    workers: Annotated[int, typer.Option(help="files sent at a time")] = 6,
    read_all: Annotated[
        bool, typer.Option("--read-all", help="download every shard again to compare its bytes")
    ] = False,
    private: Annotated[bool, typer.Option("--private", help="a new repository is private")] = False,
    create_pr: Annotated[
        bool, typer.Option("--create-pr", help="as a pull request, no tag")
    ] = False,
    hub: Annotated[str, typer.Option(help="local: an embedded Hub; else HF_ENDPOINT says")] = "",
    hub_dir: Annotated[Path | None, typer.Option(help="where a local Hub keeps its files")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="list the files, send none")] = False,
) -> None:
    if repo.count("/") != 1:
        raise ValueError(f"{repo!r}: write user/name")
    if workers < 1:
        raise ValueError(f"--workers {workers}: at least 1")
    check_hub("" if dry_run and hub == "local" else hub, hub_dir)
    from mnist1d_hf.hub.push import whoami
    from mnist1d_hf.hub.shard_repo import publish_shards, shards_publication

    with report_failures():
        publication = shards_publication(folder, repo, tag, read_all)
        if dry_run:
            return show([publication])
        whoami(namespace=repo.split("/")[0])
        done = publish_shards(publication, private=private, create_pr=create_pr, workers=workers)
        state = "published" if done.changed else "already complete"
        print(f"{publication.name}: {state}, verified at {done.commit[:8]}\n  {done.url}")


if __name__ == "__main__":
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # a bar for each file, of several at a time
    signal.signal(signal.SIGINT, stop_at_once)
    set_environment()
    from mnist1d_hf.entrances import program

    run(program(main, __doc__))
