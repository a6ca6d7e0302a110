"""Atomic writing of files, and checks of output folders."""

import hashlib
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, which is renamed to `path` when the block ends without error.

    Missing folders are created, and `~` is the home folder. After an error or an interrupt `path`
    is unchanged.
    """
    path = Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    # no two threads of a machine have the same number, but those of two that share a folder may
    temporary = path.with_name(f".{path.name}.{platform.node()}-{threading.get_native_id()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(directory: str | Path) -> None:
    """ValueError unless the folder is writable or can be created; does not create it."""
    path = Path(directory).expanduser()
    try:
        there = next(folder for folder in (path, *path.parents) if folder.exists())
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"output folder {directory}: {reason}; choose another") from error


def sha256(path: str | Path) -> str | None:
    """SHA-256 of a file's bytes as hexadecimal digits; None when the file does not exist."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
