"""Upload files to a repository of the Hub atomically and idempotently, and verify them.

The clients do not retry a commit, and accept wrong bytes of the right size. So this module commits
on top of the state it compared with, asks again after a failure that may pass, reads everything
back, and sets the tag last. What is there already is not sent again, so an interrupted
run is repaired by running it again.

Large files are sent ahead by several workers and published by as few commits as the Hub likes to
take, the card with the last; of them, the Hub's digests are read back.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.hf_api import RepoFile

from mnist1d_hf.hub.attempts import ADVICE, AGAIN, ATTEMPTS, PublishError, attempt
from mnist1d_hf.hub.interrupt import check_stop
from mnist1d_hf.hub.publication import DATA, Publication, WrongBytes, bytes_sha256, content
from mnist1d_hf.hub.upload import WORKERS, addition, preupload

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
    commit, changed, pull_request = upload_missing(api, publication, create_pr, workers)
    # of the main thread, which removes it after Ctrl-C too
    with tempfile.TemporaryDirectory(prefix=READ_BACK, ignore_cleanup_errors=True) as folder:
        attempt(f"reading back {name}", lambda: read_back(api, publication, commit, folder))
    if publication.tag and not create_pr:
        attempt(f"tagging {name}", lambda: set_tag(api, publication, commit))
    url = pull_request or f"{api.endpoint}/{publication.address}"
    return Pushed(**publication.target, commit=commit, changed=changed, url=url)


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


def remote_files(api: HfApi, publication: Publication, revision: str) -> dict[str, str]:
    """Digests of the files at a revision: SHA-256, or git's for those kept in git itself."""
    entries = api.list_repo_tree(**publication.target, revision=revision, recursive=True)
    return {
        entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
        for entry in entries
        if isinstance(entry, RepoFile)
    }


def check_tag(api: HfApi, publication: Publication) -> None:
    """Refuse to publish other data under a tag that exists; cards may change beside it."""
    refs = api.list_repo_refs(**publication.target)
    tagged = next((ref.target_commit for ref in refs.tags if ref.name == publication.tag), None)
    if tagged is None:
        return
    missing, strange = publication.differs(remote_files(api, publication, tagged))
    if strange or any(path.endswith(DATA) for path in missing):
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


def upload_missing(
    api: HfApi, publication: Publication, create_pr: bool, workers: int
) -> tuple[str, bool, str | None]:
    """Send and commit what differs; the last commit, whether we made it, and its pull request."""
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
            return batch.commit, changed, pull_request
    raise PublishError(f"{what} failed: somebody else changes them all the time; {AGAIN}")


def compare(
    api: HfApi, publication: Publication, create_pr: bool
) -> tuple[str | None, str, list[str], list[str]]:
    """Revision to commit to, its commit, what is missing there, and what must go."""
    revision = open_pull_request(api, publication) if create_pr else None
    head = api.repo_info(**publication.target, revision=revision).sha
    assert head
    return revision, head, *publication.differs(remote_files(api, publication, head))


class Batch(NamedTuple):
    commit: str
    changed: bool = False  # whether this call made the commit
    last: bool = True
    pull_request: str | None = None


def commit_batch(
    api: HfApi, publication: Publication, create_pr: bool, sent: dict[str, CommitOperationAdd]
) -> Batch:
    """One commit of what is still missing; may be called again whatever became of the call before.

    The card and all that is not large come with the last one.
    """
    revision, head, missing, strange = compare(api, publication, create_pr)
    if not missing and not strange:
        return Batch(head)
    large, files = publication.large, publication.files
    ahead = [path for path in missing if path in large]
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        sent[path] if path in sent else addition(path, large[path]) for path in ahead[:COMMIT_FILES]
    ]
    last = not ahead or len(missing) + len(strange) <= COMMIT_FILES
    if last:
        operations += [CommitOperationAdd(path, files[path]) for path in missing if path in files]
        operations += [CommitOperationDelete(path) for path in strange]
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


def read_back(api: HfApi, publication: Publication, commit: str, work: str) -> None:
    """Download every file of ours, compare the bytes, and load the whole as a user would.

    Of large files the Hub's digests are compared, and `check` reads as much as it likes.
    """
    missing, _ = publication.differs(remote_files(api, publication, commit))
    if missing:
        raise WrongBytes(f"{missing[0]} is not there as it was sent")
    # a cache of its own, so that the bytes come from the Hub
    with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as folder:
        for path, file in publication.files.items():
            check_stop()
            copy = api.hf_hub_download(
                **publication.target, filename=path, revision=commit, cache_dir=folder
            )
            sent, came = bytes_sha256(content(file)), bytes_sha256(Path(copy).read_bytes())
            if sent != came:
                raise WrongBytes(f"other bytes came back for {path}: SHA-256 {came}, sent {sent}")
        if publication.check:
            publication.check(publication.repo_id, commit, Path(folder))


def set_tag(api: HfApi, publication: Publication, commit: str) -> None:
    """Set the tag; refused when somebody else has given it to other data since `check_tag`."""
    assert publication.tag is not None
    api.create_tag(**publication.target, tag=publication.tag, revision=commit, exist_ok=True)
    check_tag(api, publication)
