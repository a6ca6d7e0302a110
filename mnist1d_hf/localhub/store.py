"""The storage of the embedded Hub: one SQLite file, or memory.

Each request is one transaction. However the process ends, the changes of an answered request are
complete when the file is opened again, and those of any other request are complete or absent.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCK = 1 << 20  # bytes that are read at a time


class Store:
    """Values by kind and key; not thread-safe, so callers hold the Hub's lock."""

    def __init__(self, directory: Path | None = None):
        self.shrinking = False
        self.name = str(directory / "hub.sqlite3") if directory else ":memory:"
        try:
            if directory:
                directory.mkdir(parents=True, exist_ok=True)
                Path(self.name).touch(mode=0o600)  # it holds the tokens
            self.connection = connect(self.name)
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise ValueError(
                    f"folder {directory} cannot keep a hub: another hub runs on it; "
                    "stop that one, or choose another folder"
                ) from None
            raise damaged(self.name, error) from None
        except OSError as error:
            raise ValueError(
                f"folder {directory} cannot keep a hub ({error}): choose one that can be written"
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        try:
            yield
            self.connection.commit()
        except BaseException:
            self.connection.rollback()
            raise
        if self.shrinking:
            self.shrinking = False
            self.connection.executescript("PRAGMA incremental_vacuum")

    @property
    def changed(self) -> bool:
        """Whether the current transaction has written something."""
        return self.connection.in_transaction

    def put(self, kind: str, key: str, value: bytes) -> None:
        query = (
            "INSERT INTO items VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
        )
        self.connection.execute(query, (kind, key, value))

    def get(self, kind: str, key: str) -> bytes | None:
        query = "SELECT value FROM items WHERE kind = ? AND key = ?"
        row = self.connection.execute(query, (kind, key)).fetchone()
        return row and row[0]

    def size(self, kind: str, key: str) -> int | None:
        query = "SELECT length(value) FROM items WHERE kind = ? AND key = ?"
        row = self.connection.execute(query, (kind, key)).fetchone()
        return row and row[0]

    def join(self, kind: str, key: str, size: int, pieces: Iterator[bytes]) -> None:
        """Store a value of `size` bytes in pieces, so that it is never in memory as a whole."""
        self.delete(kind, key)
        query = "INSERT INTO items VALUES (?, ?, zeroblob(?))"
        row = self.connection.execute(query, (kind, key, size)).lastrowid
        assert row is not None
        with self.connection.blobopen("items", "value", row) as blob:
            for piece in pieces:
                blob.write(piece)

    def blocks(
        self, kind: str, key: str, start: int = 0, stop: int | None = None
    ) -> Iterator[bytes]:
        """The bytes of a value from `start` to `stop`, in blocks; nothing for a missing value."""
        query = "SELECT rowid, length(value) FROM items WHERE kind = ? AND key = ?"
        row, size = self.connection.execute(query, (kind, key)).fetchone() or (None, 0)
        stop = size if stop is None else min(stop, size)
        if row is None or start >= stop:
            return
        with self.connection.blobopen("items", "value", row, readonly=True) as blob:
            blob.seek(start)
            for at in range(start, stop, BLOCK):
                yield blob.read(min(BLOCK, stop - at))

    def delete(self, kind: str, key: str) -> None:
        self.connection.execute("DELETE FROM items WHERE kind = ? AND key = ?", (kind, key))

    def items(self, kind: str) -> list[tuple[str, bytes]]:
        """All values of a kind, oldest first."""
        query = "SELECT key, value FROM items WHERE kind = ? ORDER BY rowid"
        return self.connection.execute(query, (kind,)).fetchall()

    def keys(self, kind: str) -> list[str]:
        rows = self.connection.execute("SELECT key FROM items WHERE kind = ?", (kind,))
        return [key for (key,) in rows]

    def shrink(self) -> None:
        """Free the disk space of deleted values, after this transaction."""
        self.shrinking = True

    def compact(self) -> None:
        """Compact the file; not within a transaction."""
        self.connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        self.connection.execute("VACUUM")

    def clear(self) -> None:
        with self.transaction():
            self.connection.execute("DELETE FROM items")

    def close(self) -> None:
        self.connection.close()


def damaged(name: str, why: object) -> ValueError:
    return ValueError(
        f"{name} is damaged, or is not the file of a hub ({why}): restore it from a copy, "
        "or move it away and start anew"
    )


def connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=0, check_same_thread=False)
    try:
        # exclusive: a second hub on the same folder is refused instead of overwriting the first
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # before the first table is made
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS items"
            " (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key))"
        )
        connection.commit()
        return connection
    except BaseException:
        connection.close()
        raise
