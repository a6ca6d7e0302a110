"""Where the embedded Hub keeps everything: one SQLite file, or memory.

A request is one transaction. Whatever ends the process, a request that was answered is there
entirely when the file is opened again, and one that was not is there entirely or not at all.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Store:
    """Values by kind and key; not thread-safe, the Hub's lock guards it."""

    def __init__(self, directory: Path | None = None):
        name = ":memory:"
        try:
            if directory:
                directory.mkdir(parents=True, exist_ok=True)
                name = str(directory / "hub.sqlite3")
                Path(name).touch(mode=0o600)  # it holds the tokens
            self.connection = connect(name)
        except (OSError, sqlite3.DatabaseError) as error:
            raise ValueError(
                f"folder {directory} cannot keep a hub ({error}): another hub runs on it, or it is "
                "not writable, or holds something else; choose another"
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        try:
            yield
            self.connection.commit()
        except BaseException:
            self.connection.rollback()
            raise

    @property
    def changed(self) -> bool:
        """Whether the transaction under way has written something."""
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

    def delete(self, kind: str, key: str) -> None:
        self.connection.execute("DELETE FROM items WHERE kind = ? AND key = ?", (kind, key))

    def items(self, kind: str) -> list[tuple[str, bytes]]:
        """Everything of a kind, oldest first."""
        query = "SELECT key, value FROM items WHERE kind = ? ORDER BY rowid"
        return self.connection.execute(query, (kind,)).fetchall()

    def clear(self) -> None:
        with self.transaction():
            self.connection.execute("DELETE FROM items")

    def close(self) -> None:
        self.connection.close()


def connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=0, check_same_thread=False)
    try:
        # exclusive: a second hub on the same folder is refused instead of overwriting the first
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA synchronous=FULL")
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
