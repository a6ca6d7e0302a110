"""The files that a repository of the Hub should hold, and a comparison with those it holds."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

DATA = (".parquet", ".safetensors")  # files that a tag guarantees


class WrongBytes(OSError):
    """The Hub returns other bytes than were sent; `paths` are the damaged files, if known."""

    attempts = 3  # fewer than usual, since damaged storage stays damaged

    def __init__(self, message: str, paths: tuple[str, ...] = ()):
        super().__init__(message)
        self.paths = paths


class LargeFile(NamedTuple):
    """A file with known size and digest, so that it is read as rarely as possible."""

    path: Path
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Publication:
    """A repository with its files, by their paths: small files or bytes, and large files."""

    repo_id: str
    repo_type: str
    files: dict[str, Path | bytes]
    message: str
    tag: str | None = None
    space_sdk: str | None = None
    large: dict[str, LargeFile] = field(default_factory=dict, repr=False)
    read_all: bool = False  # whether the bytes of large files are read back too
    # called with the repository, the commit and an empty folder; loads the repository as a user
    # would, and raises WrongBytes
    check: Callable[[str, str, Path], None] | None = field(default=None, repr=False)

    @property
    def target(self) -> dict[str, Any]:
        return {"repo_id": self.repo_id, "repo_type": self.repo_type}

    @property
    def name(self) -> str:
        return f"{self.repo_type} {self.repo_id}"

    @property
    def address(self) -> str:
        return self.repo_id if self.repo_type == "model" else f"{self.repo_type}s/{self.repo_id}"

    @property
    def sizes(self) -> dict[str, int]:
        small = {path: len(content(file)) for path, file in self.files.items()}
        return {**small, **{path: file.size for path, file in self.large.items()}}

    @cached_property
    def digests(self) -> dict[str, set[str]]:
        """Accepted digests of each file: SHA-256, or the SHA-1 of its git blob."""
        small = {path: file_digests(content(file)) for path, file in self.files.items()}
        return {**small, **{path: {file.sha256} for path, file in self.large.items()}}

    def differs(self, there: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """Paths that are missing or differ in `there` (path -> digest), and unknown data files."""
        missing = [path for path, names in self.digests.items() if there.get(path) not in names]
        foreign = [path for path in there if path.endswith(DATA) and path not in self.digests]
        return missing, foreign


def content(file: Path | bytes) -> bytes:
    return file if isinstance(file, bytes) else file.read_bytes()


def bytes_sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def file_digests(data: bytes) -> set[str]:
    blob = b"blob %d\0" % len(data) + data
    return {bytes_sha256(data), hashlib.sha1(blob).hexdigest()}
