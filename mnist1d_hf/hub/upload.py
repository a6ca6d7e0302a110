"""Upload of large files, by several workers, before the commit that publishes them.

Files that are uploaded but not committed are invisible. Uploading them again costs one request and
no transfer, so that an interrupted upload is resumed by calling it again, on any machine.
huggingface_hub's `upload_large_folder` keeps its progress on one machine, and commits by itself.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from io import BytesIO
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi
from tqdm.auto import tqdm

from mnist1d_hf.files import sha256
from mnist1d_hf.hub.attempts import PublishError, attempt
from mnist1d_hf.hub.interrupt import POLL, check_stop
from mnist1d_hf.hub.publication import LargeFile, Publication, content

WORKERS = 6


def preupload(
    api: HfApi,
    target: Mapping[str, Any],
    files: Mapping[str, LargeFile],
    workers: int = WORKERS,
) -> dict[str, CommitOperationAdd]:
    """Check and upload files; returns the operations for a commit, by path in the repository.

    Each file is retried separately. Raises PublishError, before any upload if a file differs from
    its digest, because Xet does not check the digest.
    """
    total = sum(file.size for file in files.values())
    options: dict[str, Any] = {"total": total, "unit": "B", "unit_scale": True, "disable": None}
    additions: dict[str, CommitOperationAdd] = {}

    def check_file(path: str) -> None:
        additions[path] = addition(path, files[path])

    def send_file(path: str) -> None:
        attempt(
            f"sending {path}",
            lambda: api.preupload_lfs_files(
                **target, additions=[additions[path]], free_memory=False
            ),
        )

    for what, work in (("checking", check_file), ("sending", send_file)):
        with tqdm(desc=what, **options) as progress:
            for path in in_threads(work, files, workers):
                progress.update(files[path].size)
    return additions


def addition(path: str, file: LargeFile) -> CommitOperationAdd:
    """The commit operation of a file; PublishError if its bytes differ from its digest."""
    found = sha256(file.path)
    if found != file.sha256:
        raise PublishError(
            f"{file.path} is {'not there' if found is None else 'damaged'}: its SHA-256 is to be "
            f"{file.sha256}; make it again with `mnist1d-hf shards ... --verify`"
        )
    operation = CommitOperationAdd(path, file.path)
    operation.upload_info.sha256 = bytes.fromhex(file.sha256)
    return operation


def upload_by_lfs(
    api: HfApi, publication: Publication, create_pr: bool, paths: Iterable[str]
) -> None:
    """Upload files by LFS instead of Xet; the Hub ignores files that belong in git."""
    with ExitStack() as stack:
        additions = []
        for path in paths:
            large = publication.large.get(path)
            file: Any = (
                large.path.open("rb") if large else BytesIO(content(publication.files[path]))
            )
            # huggingface_hub sends open files by LFS
            additions.append(CommitOperationAdd(path, stack.enter_context(file)))
        api.preupload_lfs_files(**publication.target, additions=additions, create_pr=create_pr)


def in_threads(work: Callable[[str], None], items: Iterable[str], workers: int) -> Iterator[str]:
    """Yield items in the order of completion; no item is started after a failure or Ctrl-C."""
    stopped = threading.Event()

    def unless_stopped(item: str) -> None:
        try:
            if not stopped.is_set():
                work(item)
        except BaseException:
            stopped.set()
            raise

    pool = ThreadPoolExecutor(workers)
    pending: set[Future] = set()
    try:
        futures = {pool.submit(unless_stopped, item): item for item in items}
        pending = set(futures)
        while pending:
            done, pending = wait(pending, POLL, FIRST_COMPLETED)
            check_stop()
            for future in done:
                future.result()
                yield futures[future]
    finally:
        stopped.set()
        # wait for running transfers, except after Ctrl-C, which is not an Exception
        pool.shutdown(wait=isinstance(sys.exception(), Exception | None), cancel_futures=True)
