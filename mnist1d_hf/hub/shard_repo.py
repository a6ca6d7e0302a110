"""Publication of finished shards: checks their manifests before, and their values afterwards."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from datasets.exceptions import DatasetsError
from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from mnist1d_hf.hub.attempts import PublishError, attempt
from mnist1d_hf.hub.interrupt import check_stop
from mnist1d_hf.hub.publication import DATA, LargeFile, Publication, WrongBytes
from mnist1d_hf.hub.push import Pushed, push
from mnist1d_hf.hub.read_back import download, remote_files
from mnist1d_hf.hub.upload import WORKERS
from mnist1d_hf.pages.shard_card import shard_card
from mnist1d_hf.shards.plan import hash_columns

TAG = "v1.0.0"
AGAIN = "run its `mnist1d-hf shards` again"


def publish_shards(
    publication: Publication,
    *,
    private: bool = False,
    create_pr: bool = False,
    workers: int = WORKERS,
) -> Pushed:
    """Upload the publication of `shards_publication` to a separate repository, verify and tag it.

    Raises PublishError, before any upload if the repository holds other data or shards are damaged.
    """
    attempt(f"looking for {publication.name}", lambda: check_other_data(HfApi(), publication))
    return push(publication, private=private, create_pr=create_pr, workers=workers)


def shards_publication(
    folder: Path, repo_id: str, tag: str = TAG, read_all: bool = False
) -> Publication:
    """The publication of the output of `mnist1d-hf shards`: all configs in `folder`, or one.

    With `read_all` all shards are downloaded and compared after the upload, otherwise two of each
    split. Raises PublishError when there are no shards, or they are unfinished, or files differ
    from the manifest in number or size.
    """
    manifests: dict[str, dict[str, Any]] = {}
    files: dict[str, Path | bytes] = {}
    large = {}
    for home in config_folders(folder):
        manifest = read_manifest(home)
        config = manifest["config"]
        manifests[config] = manifest
        files[f"{config}/manifest.json"] = home / "manifest.json"
        for name, facts in manifest["files"].items():
            large[f"{config}/{name}"] = LargeFile(home / name, facts["bytes"], facts["sha256"])
    files["README.md"] = shard_card(manifests, repo_id).encode()
    message = f"Publish {len(large)} shards"
    check = reads_as(manifests)
    return Publication(
        repo_id,
        "dataset",
        files,
        message,
        tag=tag,
        large=large,
        read_all=read_all,
        check=check,
    )


def config_folders(folder: Path) -> list[Path]:
    """The folders of the configs; PublishError if one is unfinished."""
    candidates = (
        [folder] if is_config_folder(folder) else sorted(filter(is_config_folder, folder.glob("*")))
    )
    if not candidates:
        raise PublishError(f"no shards: {folder} holds none; make them with `mnist1d-hf shards`")
    for home in candidates:
        if not (home / "manifest.json").exists():
            raise PublishError(f"the shards in {home} are not finished: {AGAIN}")
    return candidates


def is_config_folder(folder: Path) -> bool:
    return (folder / "manifest.json").exists() or (folder / ".shards").exists()


def read_manifest(home: Path) -> dict[str, Any]:
    """The manifest; PublishError unless the files in the folder are those of the manifest."""
    try:
        manifest = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
        sizes = {name: file["bytes"] for name, file in manifest["files"].items()}
    except (ValueError, KeyError, TypeError) as error:
        raise PublishError(
            f"{home / 'manifest.json'} is no manifest ({error!r}): {AGAIN}"
        ) from None
    there = {path.name: path.stat().st_size for path in home.glob("*.parquet")}
    for name in sorted(sizes.keys() | there.keys()):
        if name not in sizes:
            raise PublishError(f"{home / name} is not in the manifest: move it elsewhere")
        if there.get(name) != sizes[name]:
            found = f"has {there[name]:,} bytes" if name in there else "is not there"
            raise PublishError(f"{home / name} {found}, not {sizes[name]:,}: {AGAIN}")
    return manifest


def check_other_data(api: HfApi, publication: Publication) -> None:
    """PublishError if the repository holds data of other configs, which would be removed."""
    try:
        there = remote_files(api, publication.target, "main")
    except RepositoryNotFoundError:
        return
    ours = {path.split("/")[0] for path in publication.large}
    for path in there:
        if path.endswith(DATA) and path.split("/")[0] not in ours:
            raise PublishError(
                f"{publication.repo_id} holds other data ({path}): "
                "publish shards in a repository of their own"
            )


# -- what came back --------------------------------------------------------------------------------


def reads_as(manifests: Mapping[str, Mapping[str, Any]]) -> Callable[[str, str, Path], None]:
    """A check that a repository loads with these rows; compares two shards of each split."""

    def check(repo_id: str, commit: str, folder: Path) -> None:
        for config, manifest in manifests.items():
            check_stop()
            try:
                check_config(repo_id, commit, config, manifest, folder)
            except (DatasetsError, ValueError) as error:  # both are raised for missing files
                raise WrongBytes(f"{config} does not load: {error}") from error

    return check


def check_config(
    repo_id: str, commit: str, config: str, manifest: Mapping[str, Any], folder: Path
) -> None:
    target = {"repo_id": repo_id, "repo_type": "dataset"}
    downloads = datasets.DownloadConfig(cache_dir=folder)
    streams = datasets.load_dataset(
        repo_id,
        config,
        revision=commit,
        streaming=True,
        cache_dir=str(folder),
        download_config=downloads,
    )
    for split, count in manifest["rows"].items():
        stated = streams[split].info.splits[split].num_examples
        if stated != count:
            raise WrongBytes(f"{config} {split} has {stated} rows, not {count}")
        names = [name for name in manifest["files"] if name.startswith(f"{split}-")]
        for name in {min(names), max(names)}:
            facts = manifest["files"][name]
            path = f"{config}/{name}"
            copy = download(HfApi(), target, path, commit, facts["sha256"], folder)
            table = pq.read_table(copy)
            if column_digests(table) != facts["arrow"]:
                raise WrongBytes(f"{config}/{name} holds other values than were sent")
            if (
                name == min(names)
                and next(iter(streams[split])) != table.slice(0, 1).to_pylist()[0]
            ):
                raise WrongBytes(f"{config} {split} does not begin with the rows of {name}")


def column_digests(table: pa.Table) -> dict[str, str]:
    """SHA-256 of the values of each column, as in manifests."""
    hashes: dict[str, Any] = {}
    hash_columns(table, hashes)
    return {name: sha.hexdigest() for name, sha in hashes.items()}
