"""Routes on collections: named lists of repositories."""

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.routes import Routes
from mnist1d_hf.localhub.wire import HubError, Payload, Request, now

routes = Routes()

TITLE_LIMIT = 1000  # characters


def save(hub: Hub, collection: dict) -> None:
    hub.collections[collection["slug"]] = collection
    hub.store.put("collection", collection["slug"], json.dumps(collection).encode())


def find(hub: Hub, request: Request, slug: str, write: bool = False) -> dict:
    collection = hub.collections.get(slug)
    namespace = slug.split("/")[0]
    user = hub.accounts.user(request)
    if not collection or (collection["private"] and not hub.accounts.belongs(user, namespace)):
        raise HubError(404, "Collection not found")
    if write:
        hub.accounts.writer(request, namespace)
    return collection


@routes.on("GET", r"/api/collections")
def list_collections(hub: Hub, request: Request) -> list[dict]:
    request.only("owner", "item", "q", "sort", "limit")
    user, words = hub.accounts.user(request), request.option("q").lower()
    owners, wanted = request.query.get("owner"), request.query.get("item")
    order = request.option("sort", "lastModified")
    if order not in ("lastModified", "trending", "upvotes"):
        raise HubError(400, f"This Hub cannot sort collections by {order!r}")
    listed = list(hub.collections.values())
    if order == "lastModified":
        listed = sorted(listed, key=lambda c: c["lastUpdated"], reverse=True)
    found = [  # without the position, which the client counts itself
        {key: value for key, value in c.items() if key != "position"}
        for c in listed
        if (owners is None or c["owner"]["name"] in owners)
        and (wanted is None or any(f"{i['type']}s/{i['id']}" in wanted for i in c["items"]))
        and words in c["title"].lower()
        and (not c["private"] or hub.accounts.belongs(user, c["owner"]["name"]))
    ]
    return found[: request.number("limit", len(found))]


@routes.on("POST", r"/api/collections")
def create(hub: Hub, request: Request) -> dict:
    wanted = request.json()
    namespace, title = wanted.text("namespace"), wanted.text("title", limit=TITLE_LIMIT)
    hub.accounts.writer(request, namespace)
    start = f"{namespace}/" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    for slug in hub.collections:
        if slug.rsplit("-", 1)[0] == start:
            message = "This collection already exists"
            raise HubError(409, message, body={"error": message, "slug": slug})
    collection: dict[str, Any] = {
        "slug": f"{start}-{secrets.token_hex(12)}",
        "title": title,
        "description": wanted.text("description", "") or None,
        "owner": {"name": namespace},
        "items": [],
        "lastUpdated": now(),
        "position": 0,
        "private": wanted.flag("private"),
        "theme": "blue",
        "upvotes": 0,
    }
    save(hub, collection)
    return collection


@routes.on("GET", r"/api/collections/([^/]+/[^/]+)")
def get(hub: Hub, request: Request, slug: str) -> dict:
    return find(hub, request, slug)


@routes.on("DELETE", r"/api/collections/([^/]+/[^/]+)")
def delete(hub: Hub, request: Request, slug: str) -> dict:
    find(hub, request, slug, write=True)
    hub.store.delete("collection", slug)
    return hub.collections.pop(slug)


@routes.on("PATCH", r"/api/collections/([^/]+/[^/]+)")
def update(hub: Hub, request: Request, slug: str) -> dict:
    collection = find(hub, request, slug, write=True)
    wanted = request.json()
    read: dict[str, Callable[[str], Any]] = {
        "title": lambda key: wanted.text(key, limit=TITLE_LIMIT),
        "description": wanted.text,
        "theme": wanted.text,
        "private": wanted.flag,
        "position": wanted.number,
    }
    collection |= {key: read[key](key) for key in read if key in wanted}
    save(hub, collection)
    return {"data": collection}


@routes.on("POST", r"/api/collections/([^/]+/[^/]+)/items")
def add_item(hub: Hub, request: Request, slug: str) -> dict:
    collection, wanted = find(hub, request, slug, write=True), request.json()
    item = wanted.object("item")
    hub.repo(request, item.text("type"), item.text("id"))
    if any(i["id"] == item["id"] and i["type"] == item["type"] for i in collection["items"]):
        raise HubError(409, "Item already in collection")
    entry = {"_id": secrets.token_hex(12), "id": item["id"], "type": item["type"]}
    entry |= {"position": len(collection["items"])} | note_of(wanted)
    collection["items"].append(entry)
    save(hub, collection)
    return collection


def note_of(wanted: Payload) -> dict:
    return {"note": {"text": wanted.text("note")}} if wanted.get("note") else {}


@routes.on("PATCH|DELETE", r"/api/collections/([^/]+/[^/]+)/items/([^/]+)")
def change_item(hub: Hub, request: Request, slug: str, item_id: str) -> dict:
    collection = find(hub, request, slug, write=True)
    item = next((i for i in collection["items"] if i["_id"] == item_id), None)
    if item is None:
        raise HubError(404, "No such item in this collection")
    if request.method == "DELETE":
        collection["items"].remove(item)
    else:
        wanted = request.json()
        item |= note_of(wanted)
        if "position" in wanted:
            collection["items"].remove(item)
            collection["items"].insert(wanted.number("position"), item)
    for position, entry in enumerate(collection["items"]):
        entry["position"] = position
    save(hub, collection)
    return {}
