"""Routes of Xet (version 1): files as chunks, chunks in xorbs, shards that list the chunks.

hf_xet asks for newer versions first and falls back on a 404. The address has a fingerprint, so that
a client that has cached the chunks of another hub, or of deleted files, uploads them again.
"""

import re
import time
from typing import Any

from mnist1d_hf.localhub.contents import lost
from mnist1d_hf.localhub.hub import GRANT_SECONDS, Hub
from mnist1d_hf.localhub.routes import TYPES, Routes
from mnist1d_hf.localhub.wire import Answer, HubError, Request, byte_range

routes = Routes()


@routes.on("GET", r"/api/{repo}/xet-(read|write)-token/{rev}")
def token(hub: Hub, request: Request, types: str, repo_id: str, mode: str, revision: str) -> Answer:
    if mode == "write":
        target = None if "create_pr" in request.query else revision
        hub.push_target(request, TYPES[types], repo_id, target)
    else:
        hub.check_gate(request, hub.repo(request, TYPES[types], repo_id))
    if not hub.xet:
        raise HubError(404, "This hub runs without Xet: set HF_HUB_DISABLE_XET=1")
    expires = int(time.time()) + GRANT_SECONDS
    fingerprint = hub.sign(f"cas {hub.contents.generation}")[:8]
    address, access = f"{hub.url}/cas/{fingerprint}", cas_token(hub, mode, expires)
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
    given = request.bearer or ""
    match = re.fullmatch(r"xet-(read|write)\.([0-9]{1,15})\..*", given)
    if not match or match[1] not in modes or int(match[2]) < time.time():
        raise HubError(401, "A current Xet token is needed")
    if not hub.same(given, cas_token(hub, match[1], int(match[2]))):
        raise HubError(401, "The Xet token is not one of this hub")


def check_writer(hub: Hub, request: Request) -> None:
    check_token(hub, request, "write")


@routes.on("POST", r"/cas/[^/]+/v1/xorbs/default/{sha}", admit=check_writer)
def put_xorb(hub: Hub, request: Request, key: str) -> dict:
    return {"was_inserted": hub.contents.put_xorb(key, request.body)}


@routes.on("POST", r"/cas/[^/]+/v1/shards", admit=check_writer)
def put_shard(hub: Hub, request: Request) -> dict:
    hub.contents.put_shard(request.body)
    return {"result": 1}


@routes.on("GET", r"/cas/[^/]+/v1/reconstructions/{sha}")
def reconstruction(hub: Hub, request: Request, file: str) -> dict[str, Any]:
    """The addresses of the chunks of a file or of a range of it."""
    check_token(hub, request, "read", "write")
    segments = hub.contents.segments(file)
    size = sum(segment[1] for segment in segments)
    start, stop = byte_range(request, size) or (0, size)
    terms: list[dict] = []
    fetch: dict[str, list] = {}
    at = skip = 0
    for segment in segments:
        xorb, length, first, last = segment
        if at < stop and at + length > start:
            if not terms:
                skip = max(0, start - at)
            chunks = {"start": first, "end": last}
            terms.append({"hash": xorb, "unpacked_length": length, "range": chunks})
            part = hub.contents.part(segment)
            fetch.setdefault(xorb, []).append(
                {
                    "range": chunks,
                    "url": hub.grant("GET", f"/cdn/xorb/{xorb}/{part[0].start}-{part[-1].stop}"),
                    "url_range": {"start": part[0].start, "end": part[-1].stop - 1},
                }
            )
        at += length
    return {"offset_into_first_range": skip, "terms": terms, "fetch_info": fetch}


@routes.on("GET", r"/cdn/xorb/{sha}/([0-9]{1,15})-([0-9]{1,15})")
def get_xorb(hub: Hub, request: Request, key: str, start: str, stop: str) -> Answer:
    """Chunks of a xorb; other chunks may belong to files that the reader may not see."""
    hub.check_grant(request)
    size = hub.store.size("xorb", key)
    if size is None:
        raise lost(key)
    span = byte_range(request, size)
    if span is None or span[0] < int(start) or span[1] > int(stop):
        raise HubError(403, "AccessDenied: the range is not the one granted")
    data = hub.contents.xorb(key, span)
    return Answer.bytes(data, span, size, {"Content-Type": "application/octet-stream"})


@routes.on("GET|POST", r"/cas/.*")
def newer_version(hub: Hub, request: Request) -> None:
    check_token(hub, request, "read", "write")
    raise HubError(404, "This hub speaks version 1 of the protocol")
