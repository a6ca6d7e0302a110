"""Routes of Xet (version 1): files as chunks, chunks in xorbs, shards that list the chunks.

hf_xet asks for newer versions first and falls back on a 404. The address holds the secret's
fingerprint, so that a client which remembers the chunks of another hub sends them again.
"""

import hashlib
import json
import re
import struct
import time
from typing import Any

from mnist1d_hf.localhub.hub import GRANT_SECONDS, Hub
from mnist1d_hf.localhub.wire import TYPES, Answer, HubError, Request, Routes

routes = Routes()

SHARD_HEADER = FILE_ENTRY = 48  # bytes
HAS_VERIFICATION, HAS_SHA256 = 1 << 31, 1 << 30  # flags of a file in a shard
NO_MORE_FILES = b"\xff" * 32
PLAIN, LZ4, GROUPED_LZ4 = range(3)  # how a chunk is compressed


@routes.on("GET", r"/api/{repo}/xet-(read|write)-token/{rev}")
def token(hub: Hub, request: Request, types: str, repo_id: str, mode: str, revision: str) -> Answer:
    write = mode == "write" and "create_pr" not in request.query
    hub.repo(request, TYPES[types], repo_id, write=write)
    if not hub.xet:
        raise HubError(404, "This hub runs without Xet: set HF_HUB_DISABLE_XET=1")
    expires = int(time.time()) + GRANT_SECONDS
    address, access = f"{hub.url}/cas/{hub.sign('cas')[:8]}", cas_token(hub, mode, expires)
    headers = {  # hf_xet reads these, huggingface_hub the body
        "X-Xet-Cas-Url": address,
        "X-Xet-Access-Token": access,
        "X-Xet-Token-Expiration": str(expires),
    }
    body = {"casUrl": address, "accessToken": access, "exp": expires}
    return Answer.of(body, headers=headers)


def cas_token(hub: Hub, mode: str, expires: int) -> str:
    return f"xet-{mode}.{expires}.{hub.sign(f'xet {mode} {expires}')}"


def check_token(hub: Hub, request: Request, *modes: str) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    match = re.fullmatch(r"xet-(read|write)\.(\d+)\..*", given)
    if not match or match[1] not in modes or int(match[2]) < time.time():
        raise HubError(401, "A current Xet token is needed")
    if given != cas_token(hub, match[1], int(match[2])):
        raise HubError(401, "The Xet token is not one of this hub")


@routes.on("POST", r"/cas/[^/]+/v1/xorbs/default/{sha}")
def put_xorb(hub: Hub, request: Request, key: str) -> dict:
    check_token(hub, request, "write")
    new = hub.store.size("xorb", key) is None
    hub.store.put("xorb", key, request.body)
    return {"was_inserted": new}


@routes.on("POST", r"/cas/[^/]+/v1/shards")
def put_shard(hub: Hub, request: Request) -> dict:
    check_token(hub, request, "write")
    try:
        files = read_shard(request.body)
    except struct.error as error:
        raise HubError(400, f"Not a shard: {error}") from None
    for file, sha256, segments in files:
        if any(hub.store.size("xorb", segment[0]) is None for segment in segments):
            raise HubError(400, "The shard refers to an unknown xorb")
        hub.store.put("xet", file, json.dumps(segments).encode())
        if sha256:
            hub.store.put("xet-sha", sha256, file.encode())
    return {"result": 1}


Segment = tuple[str, int, int, int]  # xorb, bytes of the file, first chunk, chunk after the last


def read_shard(shard: bytes) -> list[tuple[str, str | None, list[Segment]]]:
    """The files a shard describes: hash, SHA-256 and segments."""

    def digest(at: int) -> str:
        return "".join(f"{word:016x}" for word in struct.unpack_from("<4Q", shard, at))

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


@routes.on("GET", r"/cas/[^/]+/v1/reconstructions/{sha}")
def reconstruction(hub: Hub, request: Request, file: str) -> dict[str, Any]:
    """Where the chunks of a file, or of a range of it, are to be fetched."""
    check_token(hub, request, "read", "write")
    segments = segments_of(hub, file)
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
    start, end = (int(match[1]), int(match[2])) if match else (0, 1 << 62)
    terms: list[dict] = []
    fetch: dict[str, list] = {}
    at = skip = 0
    for xorb, size, first, last in segments:
        if at <= end and at + size > start:
            if not terms:
                skip = max(0, start - at)
            chunks = {"start": first, "end": last}
            terms.append({"hash": xorb, "unpacked_length": size, "range": chunks})
            offsets = chunk_offsets(hub.store.get("xorb", xorb) or b"")
            fetch.setdefault(xorb, []).append(
                {
                    "range": chunks,
                    "url": hub.grant("GET", f"/cdn/xorb/{xorb}"),
                    "url_range": {"start": offsets[first], "end": offsets[last] - 1},
                }
            )
        at += size
    if start >= at > 0:
        raise HubError(416, "The range begins after the end of the file")
    return {"offset_into_first_range": skip, "terms": terms, "fetch_info": fetch}


def segments_of(hub: Hub, file: str) -> list[Segment]:
    known = hub.store.get("xet", file)
    if known is None:
        raise HubError(404, "Unknown file")
    return [tuple(segment) for segment in json.loads(known)]


@routes.on("GET", r"/cdn/xorb/{sha}")
def get_xorb(hub: Hub, request: Request, key: str) -> Answer:
    hub.check_grant(request)
    data = hub.store.get("xorb", key)
    if data is None:
        raise HubError(403, "AccessDenied")
    return Answer.part(request, data, {"Content-Type": "application/octet-stream"})


@routes.on("GET|POST", r"/cas/.*")
def newer_version(hub: Hub, request: Request) -> None:
    check_token(hub, request, "read", "write")
    raise HubError(404, "This hub speaks version 1 of the protocol")


# -- the bytes of a file, for clients that know nothing of Xet -----------------------------------


def assemble(hub: Hub, file: str, sha256: str) -> bytes:
    """The file put together from its chunks; refused when its digest is not the announced one."""
    data = b"".join(
        chunk
        for xorb, _, first, last in segments_of(hub, file)
        for chunk in read_chunks(hub.store.get("xorb", xorb) or b"", first, last)
    )
    if hashlib.sha256(data).hexdigest() != sha256:
        raise HubError(400, f"The chunks of {sha256} give another SHA-256")
    return data


def chunk_offsets(xorb: bytes) -> list[int]:
    """Where every chunk of a xorb starts, and where the last one ends."""
    offsets, at = [0], 0
    while at + 8 <= len(xorb) and not xorb.startswith(b"XETBLOB", at):
        at += 8 + int.from_bytes(xorb[at + 1 : at + 4], "little")
        offsets.append(at)
    return offsets


def read_chunks(xorb: bytes, first: int, last: int) -> list[bytes]:
    """Chunks first to last - 1; before each: version, packed size, scheme, size (8 bytes)."""
    offsets = chunk_offsets(xorb)
    chunks = []
    for start, end in zip(offsets[first:last], offsets[first + 1 : last + 1], strict=True):
        scheme, size = xorb[start + 4], int.from_bytes(xorb[start + 5 : start + 8], "little")
        chunks.append(unpack(xorb[start + 8 : end], scheme, size))
    return chunks


def unpack(data: bytes, scheme: int, size: int) -> bytes:
    if scheme == PLAIN:
        return data
    import pyarrow

    plain = pyarrow.decompress(data, decompressed_size=size, codec="lz4", asbytes=True)
    if scheme == LZ4:
        return plain
    assert scheme == GROUPED_LZ4, f"unknown compression scheme {scheme}"
    # every fourth byte stands together: first those at 0, 4, 8, ..., then at 1, 5, 9, ...
    out, at = bytearray(size), 0
    for group in range(4):
        count = len(range(group, size, 4))
        out[group::4] = plain[at : at + count]
        at += count
    return bytes(out)
