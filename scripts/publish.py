"""Publish MNIST-1D on the Hugging Face Hub: the dataset, trained models, the Space, a collection.

    python scripts/publish.py --dry-run           # list the files, send none
    python scripts/publish.py --hub local         # to a Hub on this machine
    python scripts/publish.py --hub local --hub-dir hub     # which is kept
    python scripts/publish.py --models out/models # to huggingface.co
    python scripts/publish.py --train         # trained first, in minutes

It needs a token with write access: `hf auth login`, or HF_TOKEN. The address is huggingface.co or
that of HF_ENDPOINT; a Hub that is kept can be looked at with `mnist1d-hf hub --dir hub`.
Everything is read back and compared before the tag is set; run again after any failure, it
continues where it stopped. To see it work with your own token and leave nothing behind:

    python scripts/publish.py --private --repo-prefix tmp- --delete-after
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

STOPPED = "stopped; the same command continues"


def stop_at_once(*_: object) -> None:
    """Ctrl-C while there is nothing to clean up."""
    os.write(2, f"{STOPPED}\n".encode())
    os._exit(130)


if __name__ == "__main__":  # before the imports that take a moment
    signal.signal(signal.SIGINT, stop_at_once)

import typer  # noqa: E402


def set_environment() -> None:
    """What the libraries read when they are imported: so this comes before any of them is.

    It is the address of a Hub on this machine, if `--hub local` asks for one, and no bars in logs.
    """
    if not sys.stderr.isatty():
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    # hf_xet is silent while it tries again, for minutes; here every retry says what it waits for
    os.environ.setdefault("HF_XET_CLIENT_RETRY_MAX_ATTEMPTS", "2")
    os.environ.setdefault("HF_XET_CLIENT_RETRY_BASE_DELAY", "500ms")
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--hub", nargs="?")
    if finder.parse_known_args()[0].hub == "local":
        reserve_endpoint()


def reserve_endpoint() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{free.getsockname()[1]}"


def start_local_hub(directory: Path | None) -> None:
    """An embedded Hub for this process, at the address that was reserved."""
    from mnist1d_hf.localhub import LocalHub

    port = int(os.environ["HF_ENDPOINT"].rpartition(":")[2])
    hub = LocalHub(directory, port=port).start()
    os.environ["HF_TOKEN"] = hub.add_user("local")


def check_hub(hub: str, hub_dir: Path | None) -> None:
    """Start the Hub that was asked for; ValueError for a name that is unknown."""
    if hub not in ("", "local"):
        raise ValueError(f"--hub {hub!r}: only 'local' is known; else set HF_ENDPOINT")
    if hub == "local":
        try:
            start_local_hub(hub_dir)
        except Exception as error:  # of a damaged database, the errors are many
            from mnist1d_hf.hub.attempts import without_tokens

            where = f"the Hub in {hub_dir}" if hub_dir else "the Hub"
            text = " ".join(without_tokens(str(error)).split())
            raise ValueError(f"{where} does not start: {text}") from None


@contextmanager
def report_failures() -> Iterator[None]:
    """Failures and Ctrl-C end the program with one line, and nothing shows a token."""
    from mnist1d_hf.hub.attempts import PublishError, explain, without_tokens
    from mnist1d_hf.hub.interrupt import EXIT_CODE, stoppable

    try:
        with stoppable():
            yield
    except PublishError as error:
        raise SystemExit(f"error: {error}") from None
    except OSError as error:
        raise SystemExit(f"error: {explain('preparing the files', error)}") from None
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        raise SystemExit(EXIT_CODE) from None
    except Exception:
        raise SystemExit(without_tokens(traceback.format_exc())) from None


def run(app: typer.Typer) -> None:
    """Run the command; after Ctrl-C, end without waiting for transfers that are under way."""
    signal.signal(signal.SIGINT, stop_at_once)
    try:
        app()
    except SystemExit as end:
        if end.code == 130:
            sys.stdout.flush()
            os._exit(130)
        raise


def train_models(folder: Path) -> None:
    """The six baselines by their recipes, in a process of its own: what is there is left alone."""
    from mnist1d_hf.extras import require
    from mnist1d_hf.workers import Stopped

    require("train", "torch", "transformers", "accelerate")
    command = [sys.executable, str(Path(__file__).with_name("train_baselines.py"))]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which ends the child too
    try:
        done = subprocess.run([*command, "--out", str(folder)])
    except KeyboardInterrupt:
        stop_at_once()
    signal.signal(signal.SIGINT, before)
    if done.returncode:
        raise Stopped("training failed; the same command goes on where it stopped")


def main(
    hub: Annotated[str, typer.Option(help="local: an embedded Hub; else HF_ENDPOINT says")] = "",
    hub_dir: Annotated[Path | None, typer.Option(help="where a local Hub keeps its files")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="dataset, models, space or collection; may be repeated")
    ] = None,
    namespace: Annotated[str | None, typer.Option(help="user or organisation [you]")] = None,
    models: Annotated[Path | None, typer.Option(help="folder of trained models")] = None,
    train: Annotated[
        bool, typer.Option("--train", help="train the six baselines first [into out/models]")
    ] = False,
    card: Annotated[Path, typer.Option(help="folder of the dataset card")] = Path("dataset_card"),
    tag: Annotated[str, typer.Option(help="of the dataset's data")] = "v1.0.0",
    private: Annotated[
        bool, typer.Option("--private", help="new repositories are private")
    ] = False,
    create_pr: Annotated[
        bool, typer.Option("--create-pr", help="as pull requests, no tag")
    ] = False,
    repo_prefix: Annotated[str, typer.Option(help="before every name, for example tmp-")] = "",
    delete_after: Annotated[
        bool, typer.Option("--delete-after", help="remove it all again; needs --repo-prefix")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="list the files, send none")] = False,
) -> None:
    if delete_after and not repo_prefix:
        raise ValueError("--delete-after needs --repo-prefix, for example tmp-")
    from mnist1d_hf.hub.interrupt import finish_running
    from mnist1d_hf.hub.publish import PARTS, check_card, delete, plan
    from mnist1d_hf.hub.push import whoami
    from mnist1d_hf.signals.params import check_choice

    parts = tuple(only or PARTS)
    for part in parts:
        check_choice("--only", part, PARTS)
    check_hub("" if dry_run and hub == "local" else hub, hub_dir)
    with report_failures():
        if "dataset" in parts:  # before a training that takes minutes
            check_card(card)
        owner = (namespace or "you") if dry_run else whoami(namespace=namespace)
    if train:
        models = models or Path("out/models")
        train_models(models)
    with report_failures(), tempfile.TemporaryDirectory(prefix="mnist1d-publish-") as work:
        publications = plan(
            owner,
            Path(work),
            parts=parts,
            card=card,
            models=models,
            tag=tag,
            prefix=repo_prefix,
        )
        if "models" in parts and models is None:
            print("models: left out; --models FOLDER publishes trained ones, --train makes them")
        if dry_run:
            return show(publications)
        try:
            publish_all(publications, owner, parts, repo_prefix, private, create_pr)
        finally:
            if delete_after:
                finish_running()  # after Ctrl-C; a second one ends the program here
                for name in delete(owner, repo_prefix):
                    print(f"deleted {name}")


def show(publications: list) -> None:
    """Every file and its size."""
    for publication in publications:
        print(publication.name)
        for path, size in sorted(publication.sizes.items()):
            print(f"  {size:>10,}  {path}")


def publish_all(
    publications: list, owner: str, parts: tuple[str, ...], prefix: str, private: bool, pr: bool
) -> None:
    """Publish, a line for each repository and one for the collection."""
    from mnist1d_hf.hub.publish import update_collection
    from mnist1d_hf.hub.push import push

    for publication in publications:  # each is complete and verified before the next begins
        done = push(publication, private=private, create_pr=pr)
        state = "published" if done.changed else "already complete"
        print(f"{done.repo_type} {done.repo_id}: {state}, verified at {done.commit[:8]}")
        print(f"  {done.url}")
    if "collection" in parts and not pr:
        print(f"collection: {update_collection(owner, prefix=prefix, private=private)}")


if __name__ == "__main__":
    set_environment()
    from mnist1d_hf.entrances import program

    run(program(main, __doc__))
