"""A repository: files, commits, branches, tags and pull requests."""

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from mnist1d_hf.localhub.wire import HubError, now

OPEN = ("open", "draft")  # states of a discussion that goes on
PATH_LIMIT = 1024  # characters


@dataclass(frozen=True)
class File:
    """An entry of a commit's tree; its content is stored by `sha256`, or else by `oid`."""

    size: int
    oid: str  # git digest of the file, or of its pointer for files in LFS or Xet
    sha256: str | None = None
    xet: str | None = None

    @classmethod
    def regular(cls, data: bytes) -> "File":
        return cls(len(data), git_oid(data))

    @classmethod
    def large(cls, sha256: str, size: int, xet: str | None = None) -> "File":
        return cls(size, git_oid(pointer(sha256, size)), sha256, xet)

    def lfs(self, sha_key: str) -> dict[str, Any]:
        """The `lfs` part of answers, in which the digest has different names."""
        assert self.sha256 is not None
        pointer_size = len(pointer(self.sha256, self.size))
        return {sha_key: self.sha256, "size": self.size, "pointerSize": pointer_size}


@dataclass(frozen=True)
class Commit:
    oid: str
    parent: str | None
    tree: dict[str, File]
    title: str
    message: str
    author: str
    date: str = field(default_factory=now)

    def dump(self, repo: str) -> bytes:
        return json.dumps({"repo": repo, **asdict(self)}).encode()

    @classmethod
    def load(cls, value: dict) -> "Commit":
        tree = {path: File(**file) for path, file in value.pop("tree").items()}
        return cls(tree=tree, **value)


@dataclass
class Repo:
    type: str
    id: str
    private: bool = False
    gated: bool | str = False
    sdk: str | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(12))  # survives a rename
    created: str = field(default_factory=now)
    refs: dict[str, str] = field(default_factory=dict)  # full name -> commit
    discussions: list[dict] = field(default_factory=list)
    commits: dict[str, Commit] = field(default_factory=dict, repr=False)

    @property
    def namespace(self) -> str:
        return self.id.split("/")[0]

    @property
    def address(self) -> str:
        """The path of the repository's page; models have no prefix."""
        return f"/{self.id}" if self.type == "model" else f"/{self.type}s/{self.id}"

    def dump(self) -> bytes:
        return json.dumps({k: v for k, v in vars(self).items() if k != "commits"}).encode()

    def draw_commit(
        self, tree: dict[str, File], title: str, message: str, author: str, parent: str | None
    ) -> Commit:
        """A commit without references; its digest is random, so that it is never reused."""
        return Commit(
            hashlib.sha1(secrets.token_bytes(20)).hexdigest(), parent, tree, title, message, author
        )

    def names(self) -> set[str]:
        """The files of all commits, by SHA-256 or git digest."""
        files = {file for commit in self.commits.values() for file in commit.tree.values()}
        return {file.sha256 or file.oid for file in files}

    def ref(self, revision: str) -> str | None:
        """The full name of a branch, tag or pull request."""
        names = (revision, f"refs/heads/{revision}", f"refs/tags/{revision}")
        return next((name for name in names if name in self.refs), None)

    def resolve(self, revision: str) -> Commit:
        ref = self.ref(revision)
        if ref:
            return self.commits[self.refs[ref]]
        if re.fullmatch(r"[0-9a-f]{7,40}", revision):
            for oid, commit in self.commits.items():
                if oid.startswith(revision):
                    return commit
        raise HubError(404, f"Invalid rev id: {revision[:PATH_LIMIT]}", "RevisionNotFound")

    def proposer(self, revision: str) -> str | None:
        """The author of the open pull request `revision`, or None."""
        for discussion in self.discussions:
            if revision == f"refs/pr/{discussion['num']}" and discussion["status"] in OPEN:
                return discussion["author"]["name"]
        return None

    def history(self, commit: Commit) -> Iterator[Commit]:
        current: Commit | None = commit
        while current:
            yield current
            current = self.commits.get(current.parent or "")


def pointer(sha256: str, size: int) -> bytes:
    """The pointer file that represents an LFS file in git."""
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
    )


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def folder_oid(path: str) -> str:
    return hashlib.sha1(path.encode()).hexdigest()


def check_path(path: str) -> str:
    """Check a path; HubError if it could leave the repository or does not name a file."""
    if any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise HubError(422, f"Invalid path: {path}")
    if re.search(r"[\\\x00-\x1f\x7f]", path) or len(path) > PATH_LIMIT:
        raise HubError(422, f"Invalid path: {path[:PATH_LIMIT]}")
    return path


def check_tree(tree: dict[str, File]) -> None:
    """HubError if a path is both a file and a folder of another file."""
    for path in tree:
        for end in (at for at, letter in enumerate(path) if letter == "/"):
            if path[:end] in tree:
                raise HubError(422, f"Invalid path: {path}: {path[:end]} is a file, not a folder")


def file_view(repo: Repo, commit: Commit, path: str, expand: bool = False) -> dict[str, Any]:
    """A file in the form of the tree and paths-info answers."""
    file = commit.tree[path]
    view: dict[str, Any] = {"type": "file", "oid": file.oid, "size": file.size, "path": path}
    if file.sha256:
        view["lfs"] = file.lfs("oid")
    if file.xet:
        view["xetHash"] = file.xet
    if expand:
        view["lastCommit"] = last_change(repo, commit, path)
    return view


def folder_view(repo: Repo, commit: Commit, path: str, expand: bool = False) -> dict[str, Any]:
    view: dict[str, Any] = {"type": "directory", "oid": folder_oid(path), "size": 0, "path": path}
    if expand:
        view["lastCommit"] = last_change(repo, commit, path)
    return view


def last_change(repo: Repo, commit: Commit, path: str) -> dict[str, str]:
    """The last commit that changed a file or the files of a folder."""

    def contents(version: Commit) -> File | dict[str, File]:
        if path in version.tree:
            return version.tree[path]
        return {p: f for p, f in version.tree.items() if p.startswith(f"{path}/")}

    last, present = commit, contents(commit)
    for older in repo.history(commit):
        if contents(older) != present:
            break
        last = older
    return {"id": last.oid, "title": last.title, "date": last.date}


def listing(
    repo: Repo, commit: Commit, folder: str, recursive: bool, expand: bool
) -> list[dict[str, Any]]:
    """The sorted entries of a folder; empty folders do not exist."""
    base = f"{folder}/" if folder else ""
    views, seen = [], set()
    for path in sorted(p for p in commit.tree if p.startswith(base)):
        parts = path.removeprefix(base).split("/")
        for depth in range(1, len(parts) if recursive else min(len(parts), 2)):
            inner = base + "/".join(parts[:depth])
            if inner not in seen:
                seen.add(inner)
                views.append(folder_view(repo, commit, inner, expand))
        if recursive or len(parts) == 1:
            views.append(file_view(repo, commit, path, expand))
    if folder and not views:
        raise HubError(404, f"{folder} does not exist on {commit.oid!r}", "EntryNotFound")
    return views
