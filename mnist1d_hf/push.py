"""Bring a set of files to a repository of the Hub: whole, verified, once however often it runs.

The clients do not retry a commit, and accept wrong bytes of the right size. So this module commits
on top of the state it compared with, asks again after a failure that may pass, reads everything
back, and sets the tag last. What is there already is not sent again, so an interrupted
run is repaired by running it again.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.hf_api import RepoFile

from mnist1d_hf.attempts import ADVICE, PublishError, attempt

DATA = (".parquet", ".safetensors")  # what a tag vouches for


class WrongBytes(OSError):
    """What came back from the Hub is not what was sent."""


@dataclass(frozen=True)
class Publication:
    """What a repository shall hold: a file or its bytes by path."""

    repo_id: str
    repo_type: str
    files: dict[str, Path | bytes]
    message: str
    tag: str | None = None
    space_sdk: str | None = None
    # called with the repository and the commit: loads it as a user would, raises WrongBytes
    check: Callable[[str, str], None] | None = field(default=None, repr=False)

    @property
    def target(self) -> dict[str, Any]:
        return {"repo_id": self.repo_id, "repo_type": self.repo_type}

    @property
    def address(self) -> str:
        return self.repo_id if self.repo_type == "model" else f"{self.repo_type}s/{self.repo_id}"


@dataclass(frozen=True)
class Published:
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
    api: HfApi | None = None,
) -> Published:
    """Make the repository hold the publication, prove it, then tag it (but no pull request).

    Files that are not ours stay, except data files, which would be loaded along with ours. Raises
    `PublishError`; the tag then does not exist, or names an older complete state.
    """
    api = api or HfApi()
    name = f"{publication.repo_type} {publication.repo_id}"
    attempt(
        f"creating {name}",
        lambda: api.create_repo(
            **publication.target, private=private, exist_ok=True, space_sdk=publication.space_sdk
        ),
    )
    if publication.tag and not create_pr:
        attempt(f"reading the tags of {name}", lambda: check_tag(api, publication))
    commit, changed, pull_request = attempt(
        f"sending the files of {name}", lambda: bring(api, publication, create_pr)
    )
    attempt(f"reading back {name}", lambda: read_back(api, publication, commit))
    if publication.tag and not create_pr:
        attempt(f"tagging {name}", lambda: set_tag(api, publication, commit))
    url = pull_request or f"{api.endpoint}/{publication.address}"
    return Published(**publication.target, commit=commit, changed=changed, url=url)


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


def content(file: Path | bytes) -> bytes:
    return file if isinstance(file, bytes) else file.read_bytes()


def size(file: Path | bytes) -> int:
    return len(file) if isinstance(file, bytes) else file.stat().st_size


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digests(file: Path | bytes) -> set[str]:
    """The names the Hub may give these bytes: SHA-256 and git's."""
    data = content(file)
    blob = b"blob %d\0" % len(data) + data
    return {sha256(data), hashlib.sha1(blob).hexdigest()}


def check_tag(api: HfApi, publication: Publication) -> None:
    """Refuse to publish other data under a tag that exists; cards may change beside it."""
    refs = api.list_repo_refs(**publication.target)
    tagged = next((ref.target_commit for ref in refs.tags if ref.name == publication.tag), None)
    if tagged is None:
        return
    there = remote_files(api, publication, tagged)
    wanted = {path: file for path, file in publication.files.items() if path.endswith(DATA)}
    same = {path for path in there if path.endswith(DATA)} == set(wanted)
    if not same or any(there[path] not in digests(file) for path, file in wanted.items()):
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


def bring(api: HfApi, publication: Publication, create_pr: bool) -> tuple[str, bool, str | None]:
    """Commit what differs; may be called again whatever became of the call before."""
    revision = open_pull_request(api, publication) if create_pr else None
    head = api.repo_info(**publication.target, revision=revision).sha
    assert head
    there = remote_files(api, publication, head)
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(path, file)
        for path, file in publication.files.items()
        if there.get(path) not in digests(file)
    ]
    operations += [
        CommitOperationDelete(path)
        for path in there
        if path.endswith(DATA) and path not in publication.files
    ]
    if not operations:
        return head, False, None
    done = api.create_commit(
        **publication.target,
        operations=operations,
        commit_message=publication.message,
        revision=revision,
        parent_commit=head,
        create_pr=create_pr and revision is None,
    )
    return done.oid, True, done.pr_url


def read_back(api: HfApi, publication: Publication, commit: str) -> None:
    """Download every file of ours, compare the bytes, and load the whole as a user would."""
    with tempfile.TemporaryDirectory(prefix="mnist1d-read-back-") as folder:
        for path, file in publication.files.items():
            # into an own cache, so that the bytes come from the Hub
            copy = api.hf_hub_download(
                **publication.target, filename=path, revision=commit, cache_dir=folder
            )
            sent, came = sha256(content(file)), sha256(Path(copy).read_bytes())
            if sent != came:
                raise WrongBytes(f"other bytes came back for {path}: SHA-256 {came}, sent {sent}")
    if publication.check:
        publication.check(publication.repo_id, commit)


def set_tag(api: HfApi, publication: Publication, commit: str) -> None:
    assert publication.tag is not None
    api.create_tag(**publication.target, tag=publication.tag, revision=commit, exist_ok=True)
