"""The publications of the project: the dataset, trained models, the Space, and a collection."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import httpx2
from datasets.exceptions import DatasetsError
from huggingface_hub import HfApi

from mnist1d_hf.data.identity import digest
from mnist1d_hf.data.load import load_dataset_builder
from mnist1d_hf.data.mnist1d import Mnist1D
from mnist1d_hf.data.parquet import write_parquet
from mnist1d_hf.data.tensors import to_numpy
from mnist1d_hf.evidence.results import read_result
from mnist1d_hf.hub.attempts import PublishError, attempt, explain
from mnist1d_hf.hub.checkpoints import model_publications
from mnist1d_hf.hub.interrupt import check_stop
from mnist1d_hf.hub.publication import Publication, WrongBytes
from mnist1d_hf.pages.dataset_card import addressed

PARTS = ("dataset", "models", "space", "collection")
TAG = "v1.0.0"
TITLE = "MNIST-1D"
PACKAGE = Path(__file__).parents[1]
SPACE = PACKAGE / "space"
SPACE_FILES = ("app.py", "requirements.txt")
CARD_FILES = ("eval.yaml", "*.md", "figures/*", "results/*.json")
SECRET = re.compile(rb"hf_[A-Za-z0-9]{30,}")


def plan(
    namespace: str,
    work: Path,
    *,
    parts: Sequence[str] = PARTS,
    card: Path = Path("dataset_card"),
    models: Path | None = None,
    tag: str = TAG,
    prefix: str = "",
) -> list[Publication]:
    """All publications, in the order in which to `push` them.

    Args:
        namespace: user or organisation on the Hub.
        work: folder for generated files.
        parts: some of PARTS.
        card: folder of the dataset's card.
        models: folder with a subfolder for each trained model.
        tag: tag of the dataset.
        prefix: prefix of the name of every repository.

    Raises:
        PublishError: an unknown part, no dataset card, or no models where they are all that is
            asked for.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise PublishError(f"unknown parts {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    dataset_id = f"{namespace}/{prefix}mnist1d"
    publications = []
    if "models" in parts and models is not None:  # first, since a folder may lack something
        study = card / "results" / "classification.json"
        table = read_result(study)["table"] if study.exists() else []
        publications += model_publications(models, dataset_id, table)
    elif set(parts) == {"models"}:
        raise PublishError("no models: name the folder that holds them, each in its own folder")
    if "dataset" in parts:
        publications.insert(0, dataset_publication(dataset_id, card, work, tag))
    if "space" in parts:
        publications.append(space_publication(dataset_id))
    for publication in publications:
        check_secrets(publication)
    return publications


# -- parts -----------------------------------------------------------------------------------------


def dataset_publication(repo_id: str, card: Path, work: Path, tag: str) -> Publication:
    """Every config as Parquet, and the card with its figures and results."""
    check_card(card)
    files: dict[str, Path | bytes] = {
        str(path.relative_to(card)): path for pattern in CARD_FILES for path in card.glob(pattern)
    }
    text = (card / "README.md").read_text(encoding="utf-8")
    files["README.md"] = addressed(text, repo_id).encode()
    expected = {}
    for config in Mnist1D.builder_configs:
        builder = load_dataset_builder(config, cache_dir=str(work))
        for split, rows in builder.split_rows().items():
            path = f"{config}/{split}-00000-of-00001.parquet"
            table = builder.table(split, *rows)
            files[path] = write_parquet(table, work / path)
            expected[config, split] = split_digests(datasets.Dataset(table))
    check = loads_as(expected)
    message = f"Publish MNIST-1D {tag}"
    return Publication(repo_id, "dataset", files, message, tag=tag, check=check)


def check_card(card: Path) -> None:
    """Raises PublishError when there is no dataset card in the folder."""
    if not (card / "README.md").exists():
        raise PublishError(f"no dataset card: {card / 'README.md'} does not exist")


def split_digests(dataset: datasets.Dataset) -> dict[str, str | int]:
    """Number of rows, and SHA-256 of the values of every column."""
    columns = {name: digest(to_numpy(dataset, name)) for name in sorted(dataset.column_names)}
    return {"rows": dataset.num_rows, **columns}


def loads_as(expected: dict[tuple[str, str], dict]) -> Callable[[str, str, Path], None]:
    """A check that `datasets.load_dataset` gives these rows and values from a repository."""

    def check(repo_id: str, commit: str, folder: Path) -> None:
        downloads = datasets.DownloadConfig(cache_dir=folder)
        for (config, split), wanted in expected.items():
            check_stop()
            try:
                found = datasets.load_dataset(
                    repo_id,
                    config,
                    split=split,
                    revision=commit,
                    cache_dir=str(folder),
                    download_config=downloads,
                )
            except DatasetsError as error:
                raise WrongBytes(f"{config} does not load: {error}") from error
            if split_digests(found) != wanted:
                raise WrongBytes(f"{config} {split} loads as {split_digests(found)}, not {wanted}")

    return check


def space_publication(dataset_id: str) -> Publication:
    """The explorer, with the package beside its app.

    The Hub installs the requirements before the repository's other files are there, so a wheel
    among them would not be found; the package is imported from the folder of the app instead.
    """
    files: dict[str, Path | bytes] = {name: SPACE / name for name in SPACE_FILES}
    card = (SPACE / "README.md").read_text(encoding="utf-8")
    files["README.md"] = addressed(card, dataset_id).encode()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            files[path.relative_to(PACKAGE.parent).as_posix()] = path
    repo_id = f"{dataset_id}-explorer"
    return Publication(repo_id, "space", files, "Publish the explorer", space_sdk="gradio")


def check_secrets(publication: Publication) -> None:
    for path, file in publication.files.items():
        if SECRET.search(file if isinstance(file, bytes) else file.read_bytes()):
            raise PublishError(f"{path} of {publication.repo_id} holds a token: remove it first")


# -- collection ------------------------------------------------------------------------------------


def update_collection(namespace: str, *, prefix: str = "", private: bool = False) -> str:
    """Add all published repositories of the namespace to one collection; returns its address."""
    api = HfApi()
    collection = attempt(
        "creating the collection",
        lambda: api.create_collection(
            prefix + TITLE,
            namespace=namespace,
            description="MNIST-1D: the dataset, trained models and the explorer",
            private=private,
            exists_ok=True,
        ),
    )
    ours = attempt("listing what is published", partial(our_repositories, api, namespace, prefix))
    for repo_type, repo_id in ours:
        attempt(
            f"adding {repo_id} to the collection",
            partial(api.add_collection_item, collection.slug, repo_id, repo_type, exists_ok=True),
        )
    return collection.url


def our_repositories(api: HfApi, namespace: str, prefix: str) -> list[tuple[Any, str]]:
    """Type and name of our repositories in the namespace."""
    name = re.compile(re.escape(f"{namespace}/{prefix}mnist1d") + r"(-[\w.-]+)?")
    listings: dict[str, Any] = {
        "dataset": api.list_datasets(author=namespace),
        "model": api.list_models(author=namespace),
        "space": api.list_spaces(author=namespace),
    }
    return [
        (repo_type, repo.id)
        for repo_type, repos in listings.items()
        for repo in repos
        if name.fullmatch(repo.id)
    ]


def delete(namespace: str, prefix: str) -> list[str]:
    """Delete the repositories that a run with this prefix published; returns their names.

    Raises PublishError without a prefix, which is required for safety, and when the Hub fails.
    """
    if not prefix:
        raise PublishError("only repositories published with a prefix can be deleted")
    try:
        return delete_all(HfApi(), namespace, prefix)
    except (OSError, httpx2.HTTPError) as error:
        raise PublishError(explain(f"deleting what {prefix!r} begins", error)) from error


def delete_all(api: HfApi, namespace: str, prefix: str) -> list[str]:
    gone = []
    for repo_type, repo_id in our_repositories(api, namespace, prefix):
        api.delete_repo(repo_id, repo_type=repo_type, missing_ok=True)
        gone.append(f"{repo_type} {repo_id}")
    for collection in api.list_collections(owner=namespace):
        if collection.title == prefix + TITLE:
            api.delete_collection(collection.slug, missing_ok=True)
            gone.append(f"collection {collection.slug}")
    return gone
