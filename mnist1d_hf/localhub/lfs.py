"""Routes of git LFS: the bytes of large files, on the storage origin."""

import hashlib
from typing import Any

from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.wire import TYPES, Answer, HubError, Request, Routes

routes = Routes()


def etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@routes.on("POST", r"/{page}\.git/info/lfs/objects/batch")
def batch(hub: Hub, request: Request, types: str | None, repo_id: str) -> Answer:
    wanted = request.json()
    # a pull request comes without `ref` and needs no right to write
    write = wanted["operation"] == "upload" and "ref" in wanted
    hub.repo(request, TYPES[types or "models"], repo_id, write=write)
    hub.accounts.known(request)
    objects, transfer = [], "basic"
    for item in wanted["objects"]:
        oid, size = str(item["oid"]), int(item["size"])
        entry: dict[str, Any] = {"oid": oid, "size": size}
        if hub.store.size("lfs", oid) is None:
            upload: dict[str, Any] = {"href": hub.grant("PUT", f"/cdn/lfs/{oid}")}
            if size > hub.part_size and "multipart" in wanted.get("transfers", []):
                transfer, upload = "multipart", in_parts(hub, oid, size)
            verify = {"href": f"{hub.url}/api/lfs/verify"}
            entry["actions"] = {"upload": upload, "verify": verify}
        objects.append(entry)
    answer = {"transfer": transfer, "objects": objects}
    return Answer.of(answer, headers={"Content-Type": "application/vnd.git-lfs+json"})


def in_parts(hub: Hub, oid: str, size: int) -> dict[str, Any]:
    numbers = range(1, -(-size // hub.part_size) + 1)
    parts = {str(n): hub.grant("PUT", f"/cdn/lfs/{oid}/{n}") for n in numbers}
    return {
        "href": f"{hub.url}/api/lfs/complete/{oid}",
        "header": {"chunk_size": str(hub.part_size), **parts},
    }


@routes.on("PUT", r"/cdn/lfs/{sha}(?:/(\d+))?")
def put(hub: Hub, request: Request, oid: str, part: str | None) -> Answer:
    hub.check_grant(request)
    if part:
        hub.store.put("part", f"{oid}/{int(part):05d}", request.body)
    else:
        keep(hub, oid, request.body)
    return Answer(headers={"ETag": etag(request.body)})


def keep(hub: Hub, oid: str, data: bytes) -> None:
    if hashlib.sha256(data).hexdigest() != oid:
        raise HubError(400, "BadDigest: the SHA-256 of the bytes is not the one announced")
    hub.store.put("lfs", oid, data)


@routes.on("POST", r"/api/lfs/complete/{sha}")
def complete(hub: Hub, request: Request, oid: str) -> dict:
    """Put the parts of an upload together."""
    data = b""
    for part in sorted(request.json()["parts"], key=lambda part: part["partNumber"]):
        key = f"{oid}/{int(part['partNumber']):05d}"
        piece = hub.store.get("part", key)
        if piece is None or etag(piece) != part["etag"]:
            raise HubError(400, f"InvalidPart: {part['partNumber']}")
        data += piece
        hub.store.delete("part", key)
    keep(hub, oid, data)
    return {}


@routes.on("POST", r"/api/lfs/verify")
def verify(hub: Hub, request: Request) -> dict:
    wanted = request.json()
    if hub.store.size("lfs", wanted["oid"]) != wanted["size"]:
        raise HubError(404, "LFS object not found")
    return {}


@routes.on("GET|HEAD", r"/cdn/lfs/{sha}")
def get(hub: Hub, request: Request, oid: str) -> Answer:
    hub.check_grant(request)
    data = hub.store.get("lfs", oid)
    if data is None:
        raise HubError(403, "AccessDenied")
    headers = {
        "ETag": f'"{oid}"',
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
    }
    return Answer.part(request, data, headers)
