"""Upload files to a repository of the Hub atomically and idempotently, and verify them.

The clients do not retry a commit, and accept wrong bytes of the right size. So this module commits
on top of the state it compared with, asks again after a failure that may pass, reads everything
back, and sets the tag last. What is there already is not sent again, so an interrupted
run is repaired by running it again.

Large files are sent ahead by several workers and published by as few commits as the Hub likes to
take, the card with the last; of them, the Hub's digests are read back.
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

READ_BACK = "mnist1d-read-back-"  # of temporary folders
COMMIT_FILES = 50  # of a commit with large files; with many more the Hub is slow or refuses


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
    """Make the repository hold the publication, prove it, then tag it (but no pull request).

    Files that are not ours stay, except data files, which would be loaded along with ours. Large
    files are sent by `workers` threads. Raises `PublishError`; the tag then does not exist, or
    names a complete state: an older one, or the other data of somebody who was faster.
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
    """The namespace to publish in: the token's user, or an organisation of theirs.

    Raises `PublishError` before anything is sent when the token is missing, bad or read-only.
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
    """Refuse to publish other data under a tag that exists; cards may change beside it."""
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
    """Send and commit what differs; the last commit, `changed` if one was made."""
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
    """Revision to commit to, its commit, what is missing there, and what must go."""
    revision = open_pull_request(api, publication) if create_pr else None
    head = api.repo_info(**publication.target, revision=revision).sha
    assert head
    return revision, head, *publication.differs(remote_files(api, publication.target, head))


def commit_batch(
    api: HfApi, publication: Publication, create_pr: bool, sent: dict[str, CommitOperationAdd]
) -> Batch:
    """One commit of what is still missing; may be called again whatever became of the call before.

    The card and all that is not large come with the last one.
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
    """Read everything back; says of which files the Hub gives other bytes every time, if of any."""
    # the folder is of the main thread, which removes it after Ctrl-C too
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
    """Make the Hub take files again that it says it has; `PublishError` when that does not help.

    Large files go by LFS, whose server is asked whether it wants the bytes, while hf_xet remembers
    what it has sent. A file kept in git is taken again only after it was deleted.
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
    """Set the tag; refused when somebody else has given it to other data since `check_tag`."""
    assert publication.tag is not None
    api.create_tag(**publication.target, tag=publication.tag, revision=commit, exist_ok=True)
    check_tag(api, publication)
