"""Verification of a publication by downloading it from the Hub, with and without Xet.

The Hub identifies a file by its digest, and treats it as stored when it knows the digest. So a
damaged copy is only detected by reading its bytes. The Hub may also have separate copies for Xet
and for clients without Xet. huggingface_hub verifies sizes and, by `hf cache verify`, local files,
but not the stored bytes.
"""

import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from mnist1d_hf.files import sha256 as file_sha256
from mnist1d_hf.hub.attempts import disk_error, status
from mnist1d_hf.hub.interrupt import check_stop
from mnist1d_hf.hub.publication import Publication, WrongBytes, bytes_sha256, content

SHA1_DIGITS = 40  # of the digests of files that git keeps; LFS and Xet use SHA-256


def remote_files(api: HfApi, target: dict[str, Any], revision: str) -> dict[str, str]:
    """Digests of the files at a revision: SHA-256 for LFS and Xet, or SHA-1 for files in git."""
    entries = api.list_repo_tree(**target, revision=revision, recursive=True)
    return {
        entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
        for entry in entries
        if isinstance(entry, RepoFile)
    }


def read_back(api: HfApi, publication: Publication, commit: str, work: str) -> None:
    """Download every file, compare the bytes, and run the publication's `check`.

    For large files the Hub's digests are compared, and with `read_all` their bytes too. Raises
    WrongBytes with the names of the damaged files.
    """
    there = remote_files(api, publication.target, commit)
    missing, _ = publication.differs(there)
    if missing:
        raise WrongBytes(f"{missing[0]} is not there as it was sent")
    # a new cache, so that the bytes come from the Hub
    with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as folder:
        damaged = {}
        for path, sent in sent_files(publication):
            lfs = len(there[path]) != SHA1_DIGITS
            try:
                copy = download(api, publication.target, path, commit, sent, Path(folder), lfs)
            except WrongBytes as error:
                damaged[path] = error
            else:
                copy.resolve().unlink()  # all files together may not fit on the disk
        if damaged:
            first = next(iter(damaged.values()))
            more = f", and of {len(damaged) - 1} more files" if len(damaged) > 1 else ""
            raise WrongBytes(f"{first}{more}", tuple(damaged))
        if publication.check:
            publication.check(publication.repo_id, commit, Path(folder))


def sent_files(publication: Publication) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of the files whose bytes are to be read back."""
    for path, file in publication.files.items():
        yield path, bytes_sha256(content(file))
    if publication.read_all:
        for path, large in publication.large.items():
            yield path, large.sha256


def download(
    api: HfApi,
    target: dict[str, Any],
    path: str,
    commit: str,
    sha256: str,
    folder: Path,
    lfs: bool = True,
) -> Path:
    """Download a file into `folder`, with and without Xet; WrongBytes unless the digests match.

    `lfs` says whether Xet may transfer the file.
    """
    check_stop()
    xet = lfs and find_spec("hf_xet") is not None and not constants.HF_HUB_DISABLE_XET
    try:
        if xet:
            compare(download_plainly(api, target, path, commit, folder), sha256, path, "without")
        copy = Path(api.hf_hub_download(**target, filename=path, revision=commit, cache_dir=folder))
    except (OSError, RuntimeError) as error:
        if isinstance(error, WrongBytes) or not is_lost(error):
            raise
        raise WrongBytes(f"{path} cannot be read: {error}", (path,)) from error
    compare(copy, sha256, path, "by" if xet else "without")
    return copy


def is_lost(error: BaseException) -> bool:
    """Whether the Hub or hf_xet, which compares digests, reports damaged bytes."""
    code = status(error)
    if disk_error(error):
        return False
    return code in (410, 500) or (code is None and isinstance(error, RuntimeError))


def download_plainly(
    api: HfApi, target: dict[str, Any], path: str, commit: str, folder: Path
) -> Path:
    """Download a file like a client without Xet, which uses another address."""
    copy = folder / "plain"
    url = hf_hub_url(**target, filename=path, revision=commit, endpoint=api.endpoint)
    headers = build_hf_headers(token=api.token)
    with get_session().stream("GET", url, headers=headers, follow_redirects=True) as response:
        hf_raise_for_status(response)
        with copy.open("wb") as file:
            for block in response.iter_bytes():
                file.write(block)
    return copy


def compare(copy: Path, sent: str, path: str, how: str) -> None:
    came = file_sha256(copy)
    if came != sent:
        message = f"other bytes came back for {path} {how} Xet: SHA-256 {came}, sent {sent}"
        raise WrongBytes(message, (path,))
