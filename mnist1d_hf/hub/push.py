"""Upload files to a repository of the Hub atomically and idempotently, and verify them.

huggingface_hub's `upload_folder` and `upload_large_folder` do not retry a commit, and accept wrong
bytes of the right size. This module commits on top of the revision that it compared with, retries
transient failures, reads everything back, and sets the tag last. Files that exist are not sent
again, so that an interrupted run is completed by running it again.

Large files are uploaded first, by several workers, and published in a few commits, with the card in
the last one. For large files only the Hub's digests are compared.
"""

import logging
import tempfile
from dataclasses import dataclass
from typing import NamedTuple

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from mnist1d_hf.hub.attempts import ADVICE, AGAIN, ATTEMPTS, PublishError, attempt
from mnist1d_hf.hub.publication import DATA, Publication, WrongBytes
from mnist1d_hf.hub.read_back import SHA1_DIGITS, read_back, remote_files
from mnist1d_hf.hub.upload import WORKERS, addition, preupload, upload_by_lfs

logger = logging.getLogger(__name__)

READ_BACK = "mnist1d-read-back-"  # prefix of temporary folders
COMMIT_FILES = 50  # large files per commit; the Hub is slow or fails with many more


@dataclass(frozen=True)
class Pushed:
    repo_id: str
    repo_type: str
    commit: str
    changed: bool  # whether this run committed something
    url: str  # of the commit or the pull request


def push(
    publication: Publication,
    *,
    private: bool = False,
    create_pr: bool = False,
    workers: int = WORKERS,
    api: HfApi | None = None,
) -> Pushed:
    """Upload a publication to its repository, verify it, and tag it (except for pull requests).

    Other files in the repository stay, except data files, which `datasets` would load too. Large
    files are uploaded by `workers` threads.

    Raises PublishError. The tag then does not exist, or refers to a complete revision: an older
    one, or one that somebody else tagged at the same time.
    """
    api = api or HfApi()
    name = publication.name
    attempt(
        f"creating {name}",
        lambda: api.create_repo(
            **publication.target, private=private, exist_ok=True, space_sdk=publication.space_sdk
        ),
    )
    if publication.tag and not create_pr:
        attempt(f"reading the tags of {name}", lambda: check_tag(api, publication))
    uploaded = upload_missing(api, publication, create_pr, workers)
    if damage := find_damage(api, publication, uploaded.commit):
        uploaded = repair(api, publication, create_pr, workers, damage)
    if publication.tag and not create_pr:
        attempt(f"tagging {name}", lambda: set_tag(api, publication, uploaded.commit))
    url = uploaded.pull_request or f"{api.endpoint}/{publication.address}"
    return Pushed(**publication.target, commit=uploaded.commit, changed=uploaded.changed, url=url)


def whoami(api: HfApi | None = None, namespace: str | None = None) -> str:
    """The namespace to publish in: by default the token's user, else one of their organisations.

    Raises PublishError when the token is missing, invalid or read-only.
    """
    user = attempt("checking the token", (api or HfApi()).whoami)
    if user["auth"].get("accessToken", {}).get("role") == "read":
        raise PublishError(f"the token of {user['name']} may only read: {ADVICE[403]}")
    own = [user["name"], *(org["name"] for org in user.get("orgs", []))]
    if namespace and namespace not in own:
        raise PublishError(f"{user['name']} may not publish in {namespace!r}: choose of {own}")
    return namespace or user["name"]


# -- steps -----------------------------------------------------------------------------------------


def check_tag(api: HfApi, publication: Publication) -> None:
    """PublishError if the tag exists with other data; cards may differ."""
    refs = api.list_repo_refs(**publication.target)
    tagged = next((ref.target_commit for ref in refs.tags if ref.name == publication.tag), None)
    if tagged is None:
        return
    missing, foreign = publication.differs(remote_files(api, publication.target, tagged))
    if foreign or any(path.endswith(DATA) for path in missing):
        raise PublishError(
            f"tag {publication.tag} of {publication.repo_id} already names other data: "
            "publish these under a new tag with --tag"
        )


def open_pull_request(api: HfApi, publication: Publication) -> str | None:
    """The pull request an earlier run opened for this publication."""
    requests = api.get_repo_discussions(
        **publication.target,
        author=api.whoami()["name"],
        discussion_type="pull_request",
        discussion_status="open",
    )
    return next((r.git_reference for r in requests if r.title == publication.message), None)


class Batch(NamedTuple):
    commit: str
    changed: bool = False  # whether this call made the commit
    last: bool = True
    pull_request: str | None = None


def upload_missing(api: HfApi, publication: Publication, create_pr: bool, workers: int) -> Batch:
    """Upload and commit the files that differ; returns the last commit."""
    what = f"sending the files of {publication.name}"
    sent: dict[str, CommitOperationAdd] = {}
    if publication.large:
        _, _, missing, _ = attempt(what, lambda: compare(api, publication, create_pr))
        ahead = {path: file for path, file in publication.large.items() if path in missing}
        sent = preupload(api, {**publication.target, "create_pr": create_pr}, ahead, workers)
    changed, pull_request = False, None
    for _ in range(len(publication.large) // COMMIT_FILES + ATTEMPTS):
        batch = attempt(what, lambda: commit_batch(api, publication, create_pr, sent))
        changed, pull_request = changed or batch.changed, pull_request or batch.pull_request
        if batch.last:
            return Batch(batch.commit, changed, True, pull_request)
    raise PublishError(f"{what} failed: somebody else changes them all the time; {AGAIN}")


def compare(
    api: HfApi, publication: Publication, create_pr: bool
) -> tuple[str | None, str, list[str], list[str]]:
    """The revision to commit to, its commit, the missing files, and the files to delete."""
    revision = open_pull_request(api, publication) if create_pr else None
    head = api.repo_info(**publication.target, revision=revision).sha
    assert head
    return revision, head, *publication.differs(remote_files(api, publication.target, head))


def commit_batch(
    api: HfApi, publication: Publication, create_pr: bool, sent: dict[str, CommitOperationAdd]
) -> Batch:
    """Make one commit of missing files; idempotent, so that it can be retried.

    The card and other small files are in the last commit.
    """
    revision, head, missing, foreign = compare(api, publication, create_pr)
    if not missing and not foreign:
        return Batch(head)
    large, files = publication.large, publication.files
    ahead = [path for path in missing if path in large]
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        sent[path] if path in sent else addition(path, large[path]) for path in ahead[:COMMIT_FILES]
    ]
    last = not ahead or len(missing) + len(foreign) <= COMMIT_FILES
    if last:
        operations += [CommitOperationAdd(path, files[path]) for path in missing if path in files]
        operations += [CommitOperationDelete(path) for path in foreign]
    done = api.create_commit(
        **publication.target,
        operations=operations,
        commit_message=publication.message,
        revision=revision,
        parent_commit=head,
        create_pr=create_pr and revision is None,
    )
    for path in ahead[:COMMIT_FILES]:
        sent.pop(path, None)  # it can be committed only once
    return Batch(done.oid, True, last, done.pr_url)


def find_damage(api: HfApi, publication: Publication, commit: str) -> WrongBytes | None:
    """Read everything back; returns the error that names permanently damaged files, or None."""
    # created in the main thread, which removes the folder after Ctrl-C too
    with tempfile.TemporaryDirectory(prefix=READ_BACK, ignore_cleanup_errors=True) as folder:
        try:
            attempt(
                f"reading back {publication.name}",
                lambda: read_back(api, publication, commit, folder),
            )
        except PublishError as error:
            if not (isinstance(error.__cause__, WrongBytes) and error.__cause__.paths):
                raise
            return error.__cause__
    return None


def repair(
    api: HfApi,
    publication: Publication,
    create_pr: bool,
    workers: int,
    damage: WrongBytes,
) -> Batch:
    """Upload damaged files again, although the Hub reports them as stored.

    Large files are sent by LFS, which asks the server, while hf_xet remembers the files that it has
    sent. Files in git are deleted first, because otherwise the Hub ignores them. Raises
    PublishError when the files are still damaged.
    """
    names = damage.paths if len(damage.paths) < 4 else [f"{len(damage.paths)} files"]
    what = f"sending {', '.join(names)} again"
    logger.warning(f"{what} to {api.endpoint}: {damage}")

    def delete_small() -> None:
        revision, head, _, _ = compare(api, publication, create_pr)
        there = remote_files(api, publication.target, head)
        small = [path for path in damage.paths if len(there.get(path, "")) == SHA1_DIGITS]
        if small:
            api.create_commit(
                **publication.target,
                operations=[CommitOperationDelete(path) for path in small],
                commit_message=publication.message,
                revision=revision,
                parent_commit=head,
                create_pr=create_pr and revision is None,
            )

    attempt(what, lambda: upload_by_lfs(api, publication, create_pr, damage.paths))
    attempt(what, delete_small)
    uploaded = upload_missing(api, publication, create_pr, workers)
    if left := find_damage(api, publication, uploaded.commit):
        raise PublishError(
            f"the storage of {api.endpoint} is damaged: {left}, of {publication.name}, after "
            f"{what} too. The same command will not repair it: start an embedded Hub anew in an "
            "empty --hub-dir, or report it to whoever runs this Hub"
        )
    return uploaded


def set_tag(api: HfApi, publication: Publication, commit: str) -> None:
    """Set the tag; PublishError if somebody else has set it to other data since `check_tag`."""
    assert publication.tag is not None
    api.create_tag(**publication.target, tag=publication.tag, revision=commit, exist_ok=True)
    check_tag(api, publication)
