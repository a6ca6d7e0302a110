"""A folder on this machine or on any fsspec file system: s3://, gs://, hf://, memory://.

fsspec's `DirFileSystem` gives relative names too, but its transactions write local files to the
system's temporary folder and copy them from there, which is not atomic across file systems.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from mnist1d_hf.files import check_writable, replacing

CHUNK_BYTES = 2**20


class Folder:
    """A folder whose files are addressed by relative names; created with the first file.

    A file is written on this machine and then moved or uploaded, so that no partly written file
    appears: neither on a local disk nor on an object store, which accepts whole objects only
    (s3, gs, hf).

    >>> folder = Folder("memory://somewhere")
    >>> folder.write_json("a/b.json", {"rows": 3})
    >>> folder.read_json("a/b.json"), list(folder.sizes())
    ({'rows': 3}, ['a/b.json'])
    """

    def __init__(self, url: str | Path) -> None:
        """ValueError when fsspec does not know the address or lacks the package for it."""
        try:
            self.fs, self.root = url_to_fs(str(url))
        except (ValueError, ImportError) as error:
            raise ValueError(f"output folder {url}: {error}") from error
        self.local = isinstance(self.fs, LocalFileSystem)
        self.url = self.root if self.local else str(url)  # absolute, for use on other machines

    def check_writable(self) -> None:
        """ValueError when the folder is on this machine and cannot be made or written."""
        if self.local:
            check_writable(self.root)

    def sizes(self) -> dict[str, int]:
        """Size in bytes of every file at any depth, hidden files included; empty without a folder.

        Never cached, since other machines write to the folder too.
        """
        self.fs.invalidate_cache()
        try:
            found = self.fs.find(self.root, detail=True)
        except FileNotFoundError:  # raised for repositories of the Hub that do not exist
            return {}
        start = len(self.root.rstrip("/")) + 1
        return {path[start:]: info["size"] for path, info in found.items()}

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A local path whose content becomes the file `name` when the block ends without error."""
        if self.local:
            with replacing(Path(self.root, name)) as temporary:
                yield temporary
            return
        with TemporaryDirectory(prefix="mnist1d-") as directory:
            path = Path(directory, PurePosixPath(name).name)
            yield path
            self.fs.put_file(str(path), self._path(name))

    def fetch(self, name: str, path: Path) -> None:
        """Copy the file `name` to the local `path`, creating its folder if needed."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.fs.get_file(self._path(name), str(path))

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file; the same content always gives the same bytes."""
        with self.writing(name) as path:
            path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def read_json(self, name: str) -> Any:
        """The content of a JSON file; None when the file is missing or damaged."""
        try:
            return json.loads(self.fs.cat_file(self._path(name)))
        except (FileNotFoundError, ValueError):
            return None

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        try:
            self.fs.rm_file(self._path(name))
        except FileNotFoundError:
            pass

    def sha256(self, name: str) -> str | None:
        """SHA-256 of a file's bytes as hexadecimal digits; None when the file does not exist."""
        digest = hashlib.sha256()
        try:
            with self.fs.open(self._path(name), "rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
        except FileNotFoundError:
            return None
        return digest.hexdigest()

    def _path(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}"
