"""The formats of Xet: files are divided into chunks, stored in xorbs and listed in shards.

Sizes, flags and hashes are those of the public specification (huggingface.co/docs/xet).
"""

import struct
from dataclasses import dataclass

from mnist1d_hf.localhub.wire import HubError

FRAME = 8  # bytes before a chunk: version, packed size, scheme, size
LARGEST_CHUNK = 128 << 10  # bytes
MOST_CHUNKS = 8192  # in a xorb
SHARD_HEADER = FILE_ENTRY = 48  # bytes
HAS_VERIFICATION, HAS_SHA256 = 1 << 31, 1 << 30  # flags of a file in a shard
NO_MORE_FILES = b"\xff" * 32
PLAIN, LZ4, GROUPED_LZ4 = range(3)  # how a chunk is compressed
# keys of BLAKE3
CHUNK_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
FILE_KEY = bytes(32)
CHILDREN = 4  # of a node of the hash tree, in the mean; at most twice as many and one

Hash = str  # four 64-bit words as hexadecimal digits
Leaf = tuple[Hash, int]  # a hash and how many bytes lie under it
Segment = tuple[Hash, int, int, int]  # xorb, bytes of the file, first chunk, chunk after the last


class FormatError(HubError):
    """Invalid bytes in a xorb or shard."""

    def __init__(self, message: str):
        super().__init__(400, f"Not in the format of Xet: {message}")


@dataclass(frozen=True)
class Chunk:
    """A chunk: its position in the xorb, its number of bytes, and its hash."""

    start: int
    stop: int
    size: int
    hash: Hash

    LAYOUT = struct.Struct("<QQQ64s")

    def pack(self) -> bytes:
        return self.LAYOUT.pack(self.start, self.stop, self.size, self.hash.encode())


def pack_chunks(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.pack() for chunk in chunks)


def unpack_chunks(table: bytes) -> list[Chunk]:
    return [
        Chunk(start, stop, size, name.decode())
        for start, stop, size, name in Chunk.LAYOUT.iter_unpack(table)
    ]


def read_xorb(xorb: bytes) -> list[Chunk]:
    """The chunks of a xorb, each unpacked and hashed; any further bytes are ignored."""
    chunks, at = [], 0
    while at + FRAME <= len(xorb) and not xorb.startswith(b"XETBLOB", at):
        stop = at + FRAME + int.from_bytes(xorb[at + 1 : at + 4], "little")
        data = unpack_chunk(xorb[at:stop])
        chunks.append(Chunk(at, stop, len(data), keyed(CHUNK_KEY, data)))
        at = stop
        if len(chunks) > MOST_CHUNKS:
            raise FormatError(f"a xorb has at most {MOST_CHUNKS} chunks")
    if not chunks:
        raise FormatError("the xorb has no chunk")
    return chunks


def unpack_chunk(framed: bytes) -> bytes:
    """The bytes of a chunk, given with its frame."""
    scheme, size = framed[4], int.from_bytes(framed[5:FRAME], "little")
    if size > LARGEST_CHUNK or scheme > GROUPED_LZ4:
        raise FormatError(f"a chunk of {size} bytes, compressed by scheme {scheme}")
    data = framed[FRAME:]
    if scheme != PLAIN:
        import pyarrow

        try:
            data = pyarrow.decompress(data, decompressed_size=size, codec="lz4", asbytes=True)
        except (OSError, ValueError) as error:
            raise FormatError(f"a chunk cannot be unpacked: {error}") from None
    if len(data) != size:
        raise FormatError(f"a chunk has {len(data)} bytes instead of {size}")
    return ungroup(data) if scheme == GROUPED_LZ4 else data


def ungroup(data: bytes) -> bytes:
    """Undo byte grouping, in which bytes 0, 4, 8, ... come first, then 1, 5, 9, ..."""
    out, at = bytearray(len(data)), 0
    for group in range(4):
        count = len(range(group, len(data), 4))
        out[group::4] = data[at : at + count]
        at += count
    return bytes(out)


# -- hashes ----------------------------------------------------------------------------------------


def keyed(key: bytes, data: bytes) -> Hash:
    import blake3

    return words(blake3.blake3(data, key=key).digest())


def words(digest: bytes) -> Hash:
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", digest))


def xorb_hash(chunks: list[Chunk]) -> Hash:
    return root([(chunk.hash, chunk.size) for chunk in chunks])


def file_hash(chunks: list[Chunk]) -> Hash:
    """The hash of a file, from its chunks."""
    top = root([(chunk.hash, chunk.size) for chunk in chunks])
    return keyed(FILE_KEY, struct.pack("<4Q", *(int(top[i : i + 16], 16) for i in (0, 16, 32, 48))))


def root(nodes: list[Leaf]) -> Hash:
    """The root of the hash tree over the nodes; a single node is the root."""
    while len(nodes) > 1:
        parents, at = [], 0
        while at < len(nodes):
            stop = at + family(nodes[at : at + 2 * CHILDREN + 1])
            children = nodes[at:stop]
            text = "".join(f"{name} : {size}\n" for name, size in children)
            parents.append((keyed(NODE_KEY, text.encode()), sum(size for _, size in children)))
            at = stop
        nodes = parents
    return nodes[0][0]


def family(nodes: list[Leaf]) -> int:
    """How many of the first nodes (at most nine) share a parent, which their hashes decide."""
    for count, (name, _) in enumerate(nodes[2:], 3):
        if int(name[-16:], 16) % CHILDREN == 0:
            return count
    return len(nodes)


# -- shards ----------------------------------------------------------------------------------------


def read_shard(shard: bytes) -> list[tuple[Hash, str | None, list[Segment]]]:
    """The files a shard describes: hash, SHA-256 and segments."""
    try:
        return read_files(shard)
    except struct.error as error:
        raise FormatError(f"the shard ends inside a file: {error}") from None


def read_files(shard: bytes) -> list[tuple[Hash, str | None, list[Segment]]]:
    def digest(at: int) -> Hash:
        return words(shard[at : at + 32])

    files, at = [], SHARD_HEADER
    while shard[at : at + 32] != NO_MORE_FILES:
        flags, count = struct.unpack_from("<II", shard, at + 32)
        file, at = digest(at), at + FILE_ENTRY
        segments: list[Segment] = []
        for entry in range(at, at + count * FILE_ENTRY, FILE_ENTRY):
            segments.append((digest(entry), *struct.unpack_from("<III", shard, entry + 36)))
        at += FILE_ENTRY * count * (2 if flags & HAS_VERIFICATION else 1)
        sha256 = None
        if flags & HAS_SHA256:
            sha256, at = digest(at), at + FILE_ENTRY
        files.append((file, sha256, segments))
    return files
