"""Entries as they are handed in: the source of a file, or a checkpoint on the Hub."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist1d_hf.leaderboard.checkpoints import STAND_IN, fetch_checkpoint


@dataclass(frozen=True)
class Entry:
    """What is run: source code, and for models trained elsewhere also a checkpoint."""

    name: str
    code: str
    checkpoint: dict[str, str] | None = None  # repo_id and revision
    home: Path | None = None  # the checkpoint's folder

    @property
    def sha256(self) -> str:
        """What tells this entry from others, whatever its name is."""
        return identity(self.code, self.checkpoint)


def identity(code: str, checkpoint: Mapping[str, str] | None = None) -> str:
    """SHA-256 of an entry's source, and of the checkpoint's name and commit where it has one."""
    more = json.dumps(checkpoint, sort_keys=True) if checkpoint else ""
    return hashlib.sha256((code + more).encode()).hexdigest()


def read_entry(name: str, file: Path | None, checkpoint: str) -> Entry:
    """The entry from its file, or else from a checkpoint OWNER/NAME@REVISION."""
    if file:
        return Entry(name, read_code(file))
    repo_id, _, revision = checkpoint.partition("@")
    home, commit = fetch_checkpoint(repo_id, revision or None)
    code = STAND_IN.read_text(encoding="utf-8")
    return Entry(name, code, {"repo_id": repo_id, "revision": commit}, home)


def recorded(record: dict[str, Any]) -> Entry:
    """The entry of a record; a checkpoint is fetched again."""
    checkpoint = record.get("checkpoint")
    home = fetch_checkpoint(**checkpoint)[0] if checkpoint else None
    return Entry(record["name"], record["code"], checkpoint, home)


def read_code(file: Path) -> str:
    """The source of an entry; ValueError when it is no Python with a function `train`."""
    if not file.is_file():
        what = "is no file" if file.exists() else "does not exist"
        raise ValueError(f"{file} {what}: give the Python file of an entry")
    try:
        code = file.read_text(encoding="utf-8-sig")
        compile(code, str(file), "exec")
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from None
    if "def train" not in code:
        raise ValueError(f"{file} has no function train(x, y, *, seed, num_classes)")
    return code
