"""The contents of files. Each content is stored once: whole, or as the chunks of Xet.

Contents are compared with their digests when they arrive, and again, once per process, before a
client is told to skip an upload. So contents that the disk has damaged are uploaded again.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Iterable, Iterator

from mnist1d_hf.localhub.repo import File, git_oid
from mnist1d_hf.localhub.store import Store
from mnist1d_hf.localhub.wire import HubError
from mnist1d_hf.localhub.xorbs import (
    Chunk,
    FormatError,
    Segment,
    file_hash,
    pack_chunks,
    read_shard,
    read_xorb,
    unpack_chunk,
    unpack_chunks,
    xorb_hash,
)

PENDING_SECONDS = 3600  # for which uploads are kept without a commit


class Contents:
    """Kinds of the store: file, lfs, part, xorb, chunks (of a xorb), xet and xet-sha."""

    def __init__(self, store: Store, max_file: int):
        self.store, self.max_file = store, max_file
        self.sound: set[tuple[str, str]] = set()  # contents whose digests this process has verified
        self.pending: dict[str, float] = {}  # SHA-256 of uncommitted uploads -> time of upload
        self.generation = (store.get("hub", "cas") or b"").decode()

    def check_size(self, what: str, size: int) -> None:
        if size > self.max_file:
            limit = f"{self.max_file / 1e6:,.0f} MB"
            raise HubError(413, f"{what}: {size:,} bytes; this Hub takes files of up to {limit}")

    # -- writing -----------------------------------------------------------------------------------

    def put_regular(self, data: bytes) -> File:
        file = File.regular(data)
        self.store.put("file", file.oid, data)
        self.sound.add(("file", file.oid))
        return file

    def put_lfs(self, sha256: str, size: int, pieces: Iterator[bytes]) -> None:
        """Store a file that arrives in pieces; HubError if its size or digest is wrong."""
        self.store.join("lfs", sha256, size, pieces)
        if digest(self.store.blocks("lfs", sha256)) != sha256:
            raise HubError(400, "BadDigest: the SHA-256 of the bytes is not the one announced")
        self.arrived("lfs", sha256)

    def put_xorb(self, key: str, xorb: bytes) -> bool:
        """Store a xorb; returns whether it is new."""
        if xorb_hash(chunks := read_xorb(xorb)) != key:
            raise FormatError("the hash of the xorb is not the one in the address")
        if self.store.size("xorb", key) is not None and self.is_sound("xorb", key):
            return False
        self.store.put("xorb", key, xorb)
        self.sound.add(("xorb", key))
        self.store.put("chunks", key, pack_chunks(chunks))
        return True

    def put_shard(self, shard: bytes) -> None:
        """Store the descriptions of files in a shard, after checking them."""
        for file, sha256, segments in read_shard(shard):
            size = sum(segment[1] for segment in segments)
            self.check_size(f"file {file}", size)
            if file_hash([chunk for segment in segments for chunk in self.part(segment)]) != file:
                raise FormatError("the hash of a file is not that of its chunks")
            self.store.put("xet", file, json.dumps(segments).encode())
            if sha256:
                if digest(self.chunks(file, 0, size)) != sha256:
                    raise FormatError("the SHA-256 of a file is not that of its chunks")
                self.store.put("xet-sha", sha256, file.encode())
                self.arrived("xet-sha", sha256)

    def arrived(self, kind: str, sha256: str) -> None:
        self.sound.add((kind, sha256))
        self.pending[sha256] = time.time()

    # -- reading -----------------------------------------------------------------------------------

    def read(self, file: File, start: int = 0, stop: int | None = None) -> bytes:
        """The bytes of a file from `start` to `stop`; HubError if the disk has damaged them."""
        stop = file.size if stop is None else stop
        xet = self.xet_name(file.sha256) if file.sha256 else None
        kind = "xet-sha" if xet else "lfs" if file.sha256 else "file"
        self.check_sound(kind, file.sha256 or file.oid)
        if xet:
            return b"".join(self.chunks(xet, start, stop))
        return b"".join(self.store.blocks(kind, file.sha256 or file.oid, start, stop))

    def xorb(self, key: str, span: tuple[int, int]) -> bytes:
        self.check_sound("xorb", key)
        return b"".join(self.store.blocks("xorb", key, *span))

    def check_sound(self, kind: str, key: str) -> None:
        if not self.is_sound(kind, key):
            raise lost(key)

    def stored(self, sha256: str) -> File | None:
        """The stored form of a large file, without checking its bytes."""
        xet = self.xet_name(sha256)
        if xet:
            return File.large(sha256, sum(s[1] for s in self.segments(xet)), xet)
        size = self.store.size("lfs", sha256)
        return None if size is None else File.large(sha256, size)

    def xet_name(self, sha256: str) -> str | None:
        name = self.store.get("xet-sha", sha256)
        return name.decode() if name else None

    def segments(self, xet: str) -> list[Segment]:
        known = self.store.get("xet", xet)
        if known is None:
            raise HubError(404, "Unknown file")
        return [tuple(segment) for segment in json.loads(known)]

    def part(self, segment: Segment) -> list[Chunk]:
        """The chunks of a segment."""
        xorb, size, first, last = segment
        table = self.store.get("chunks", xorb)
        if table is None:  # made by an earlier version
            chunks = read_xorb(self.store.get("xorb", xorb) or b"")
        else:
            chunks = unpack_chunks(table)
        if not 0 <= first < last <= len(chunks) or size != sum(c.size for c in chunks[first:last]):
            raise FormatError(f"xorb {xorb} has no such chunks")
        return chunks[first:last]

    def chunks(self, xet: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of a file of Xet, in pieces."""
        at = 0
        for segment in self.segments(xet):
            if at >= stop or at + segment[1] <= start:
                at += segment[1]
                continue
            for chunk in self.part(segment):
                if at < stop and at + chunk.size > start:
                    blocks = self.store.blocks("xorb", segment[0], chunk.start, chunk.stop)
                    yield unpack_chunk(b"".join(blocks))[max(0, start - at) : stop - at]
                at += chunk.size

    # -- what is here ------------------------------------------------------------------------------

    def large(self, sha256: str) -> File | None:
        """A file uploaded by LFS or Xet, if its bytes are correct; damaged files are deleted."""
        xet = self.xet_name(sha256)
        if xet and self.is_sound("xet-sha", sha256):
            self.store.delete("lfs", sha256)  # one copy is enough
            return self.stored(sha256)
        if xet:
            self.store.delete("xet-sha", sha256)
            self.renew()
        if self.store.size("lfs", sha256) is not None and not self.is_sound("lfs", sha256):
            self.store.delete("lfs", sha256)
        return self.stored(sha256)

    def has(self, file: File) -> bool:
        """Whether the bytes of a file are stored and correct."""
        if file.sha256:
            return self.large(file.sha256) is not None
        return self.store.size("file", file.oid) is not None and self.is_sound("file", file.oid)

    def is_sound(self, kind: str, key: str) -> bool:
        if (kind, key) not in self.sound:
            try:
                if kind == "file":
                    right = git_oid(self.store.get(kind, key) or b"") == key
                elif kind == "lfs":
                    right = digest(self.store.blocks(kind, key)) == key
                elif kind == "xorb":
                    right = xorb_hash(read_xorb(self.store.get(kind, key) or b"")) == key
                else:
                    right = digest(self.chunks(self.xet_name(key) or "", 0, self.max_file)) == key
            except HubError:
                right = False
            if not right:
                return False
            self.sound.add((kind, key))
        return True

    # -- giving back -------------------------------------------------------------------------------

    def free(self, gone: set[str], kept: set[str], xorbs: Iterable[str] = ()) -> None:
        """Delete files by SHA-256 or git digest, unless they are `kept` or await a commit.

        Their xorbs, and those in `xorbs`, are deleted too when no file needs them any more.
        """
        late = time.time() - PENDING_SECONDS
        loose = set(xorbs)
        for name in gone - kept:
            if self.pending.get(name, 0) > late:
                continue
            xet = self.xet_name(name)
            if xet:
                loose |= {segment[0] for segment in self.segments(xet)}
                self.store.delete("xet", xet)
            for kind in ("file", "lfs", "xet-sha"):
                self.store.delete(kind, name)
                self.sound.discard((kind, name))
        if loose:
            for _, value in self.store.items("xet"):
                loose -= {segment[0] for segment in json.loads(value)}
        for xorb in loose:
            self.store.delete("xorb", xorb)
            self.store.delete("chunks", xorb)
            self.sound.discard(("xorb", xorb))
        if loose:
            self.renew()
        self.store.shrink()

    def renew(self) -> None:
        """Change the address of Xet, by which clients cache the chunks that are stored."""
        self.generation = secrets.token_hex(4)
        self.store.put("hub", "cas", self.generation.encode())


def lost(key: str) -> HubError:
    """The error for damaged contents, with a status that clients do not retry."""
    return HubError(410, f"This Hub has lost the bytes of {key}: send them again")


def digest(blocks: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for block in blocks:
        found.update(block)
    return found.hexdigest()
