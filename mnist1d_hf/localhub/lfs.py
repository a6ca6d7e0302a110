"""Routes of git LFS: the bytes of large files, on the storage origin."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from mnist1d_hf.localhub.contents import lost
from mnist1d_hf.localhub.documents import PICTURE_POLICY, PICTURES
from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.routes import TYPES, Routes
from mnist1d_hf.localhub.wire import Answer, HubError, Payload, Request, byte_range

routes = Routes()

BATCH_LIMIT = 1000  # files of a request


def etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@routes.on("POST", r"/{page}\.git/info/lfs/objects/batch")
def batch(hub: Hub, request: Request, types: str | None, repo_id: str) -> Answer:
    """The files to upload, and their addresses; HubError for files that are too large."""
    wanted, repo_type = request.json(), TYPES[types or "models"]
    wanted.choice("operation", ("upload",))  # files are read by their addresses
    # a new pull request comes without `ref`
    revision = wanted.object("ref").text("name") if "ref" in wanted else None
    hub.push_target(request, repo_type, repo_id, revision)
    objects, transfer = [], "basic"
    several = "transfers" in wanted and "multipart" in wanted.list_of("transfers", str, 10)
    for item in wanted.list_of("objects", Payload, BATCH_LIMIT):
        oid, size = item.text("oid"), item.number("size")
        if not re.fullmatch(r"[0-9a-f]{64}", oid):
            raise HubError(422, f"oid {oid!r}: not a SHA-256")
        hub.contents.check_size(f"object {oid}", size)
        entry: dict[str, Any] = {"oid": oid, "size": size}
        if hub.contents.large(oid) is None:
            upload: dict[str, Any] = {"href": hub.grant("PUT", f"/cdn/lfs/{oid}")}
            if size > hub.part_size and several:
                transfer, upload = "multipart", in_parts(hub, oid, size)
            entry["actions"] = {"upload": upload, "verify": {"href": f"{hub.url}/api/lfs/verify"}}
        objects.append(entry)
    answer = {"transfer": transfer, "objects": objects}
    return Answer.of(answer, headers={"Content-Type": "application/vnd.git-lfs+json"})


def in_parts(hub: Hub, oid: str, size: int) -> dict[str, Any]:
    numbers = range(1, -(-size // hub.part_size) + 1)
    parts = {str(n): hub.grant("PUT", f"/cdn/lfs/{oid}/{n}") for n in numbers}
    return {
        "href": hub.grant("POST", f"/cdn/lfs/{oid}/complete"),
        "header": {"chunk_size": str(hub.part_size), **parts},
    }


@routes.on("PUT", r"/cdn/lfs/{sha}(?:/([0-9]{1,5}))?", admit=Hub.check_grant)
def put(hub: Hub, request: Request, oid: str, part: str | None) -> Answer:
    if part:
        hub.store.put("part", part_key(oid, int(part)), request.body)
    else:
        hub.contents.put_lfs(oid, len(request.body), iter([request.body]))
    return Answer(headers={"ETag": etag(request.body)})


def part_key(oid: str, number: int) -> str:
    return f"{oid}/{number:05d}"


@routes.on("POST", r"/cdn/lfs/{sha}/complete")
def complete(hub: Hub, request: Request, oid: str) -> dict:
    """Join the parts of an upload."""
    hub.check_grant(request)
    parts = request.json().list_of("parts", Payload, 10_000)
    listed = sorted((part.number("partNumber"), part.text("etag")) for part in parts)
    keys = [part_key(oid, number) for number, _ in listed]
    size = sum(hub.store.size("part", key) or 0 for key in keys)
    hub.contents.check_size(f"object {oid}", size)

    def pieces() -> Iterator[bytes]:
        for key, (number, tag) in zip(keys, listed, strict=True):
            piece = hub.store.get("part", key)
            if piece is None or etag(piece) != tag:
                raise HubError(400, f"InvalidPart: {number}")
            yield piece

    hub.contents.put_lfs(oid, size, pieces())
    for key in keys:
        hub.store.delete("part", key)
    return {}


@routes.on("POST", r"/api/lfs/verify")
def verify(hub: Hub, request: Request) -> dict:
    hub.accounts.known(request)
    wanted = request.json()
    if hub.store.size("lfs", wanted.text("oid")) != wanted.number("size"):
        raise HubError(404, "LFS object not found")
    return {}


@routes.on("GET|HEAD", r"/cdn/lfs/{sha}")
def get(hub: Hub, request: Request, oid: str) -> Answer:
    hub.check_grant(request)
    file = hub.contents.stored(oid)
    if file is None:
        raise lost(oid)
    asked = request.option("response-content-type")
    headers = {
        "ETag": f'"{oid}"',
        "Accept-Ranges": "bytes",
        "Content-Type": asked if asked in PICTURES.values() else "application/octet-stream",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": PICTURE_POLICY,
    }
    span = byte_range(request, file.size)
    return Answer.bytes(hub.contents.read(file, *(span or ())), span, file.size, headers)
