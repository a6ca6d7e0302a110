"""Routes on whole repositories: create, rename, delete, list and describe."""

import re
from typing import Any

from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.metadata import as_list
from mnist1d_hf.localhub.repo import Commit, Repo
from mnist1d_hf.localhub.routes import TYPES, Routes, no_route
from mnist1d_hf.localhub.wire import HubError, Payload, Request

routes = Routes()

LARGE = (
    "7z arrow avro bin bz2 ckpt ftz gz h5 joblib lz4 mds mlmodel model msgpack npy npz onnx ot "
    "parquet pb pickle pkl pt pth rar safetensors tar tflite tgz wasm xz zip zst png jpg jpeg webp "
    "wav mp3 flac ogg mp4"
).split()
GITATTRIBUTES = "".join(f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LARGE)
# parameters of a listing that ask for more or less of each entry: it is always the same here
DETAILS = ("full", "config", "cardData", "expand")
ORDERS = {
    "createdAt": "createdAt",
    "created_at": "createdAt",
    "lastModified": "lastModified",
    "last_modified": "lastModified",
    "downloads": "downloads",
    "likes": "likes",
    "trendingScore": "likes",
    "trending_score": "likes",
}


@routes.on("GET", r"/api/whoami-v2")
def whoami(hub: Hub, request: Request) -> dict:
    return hub.accounts.whoami(request)


@routes.on("POST", r"/api/repos/create")
def create(hub: Hub, request: Request) -> dict:
    wanted = request.json()
    namespace = wanted.text("organization", "") or hub.accounts.known(request)
    user = hub.accounts.writer(request, namespace)
    repo_id = checked_id(namespace, wanted.text("name"))
    repo_type = type_of(wanted)
    repo = Repo(
        repo_type, repo_id, private=private(wanted, False), sdk=wanted.text("sdk", "") or None
    )
    url = {"url": hub.url + repo.address, "name": repo_id, "id": repo.key}
    if (repo_type, repo_id.lower()) in hub.repos:
        message = f"You already created this {repo_type} repo"
        raise HubError(409, f"{message}: {repo_id}", body={"error": message, **url})
    hub.repos[repo_type, repo_id.lower()] = repo
    hub.take_name(repo)
    tree = {".gitattributes": hub.contents.put_regular(GITATTRIBUTES.encode())}
    first = repo.draw_commit(tree, "initial commit", "", user, None)
    hub.add_commit(repo, "refs/heads/main", first)
    return url


def type_of(wanted: Payload) -> str:
    repo_type = wanted.text("type", "model")
    if repo_type not in TYPES.values():
        raise HubError(400, f"Invalid repo type: {repo_type}")
    return repo_type


def private(wanted: Payload, default: bool) -> bool:
    """Newer clients send `visibility`, older ones `private`."""
    if wanted.get("visibility") is not None:
        return wanted.choice("visibility", ("public", "private")) == "private"
    return default if wanted.get("private") is None else wanted.flag("private")


def checked_id(namespace: str, name: str) -> str:
    """Check a repository's name by the rules of the clients."""
    fits = re.fullmatch(r"(?=.*[A-Za-z0-9])\b[A-Za-z0-9_.-]{1,96}\b", name)
    if not fits or ".." in name or "--" in name or name.endswith(".git"):
        raise HubError(400, f"Invalid repo name: {namespace}/{name}")
    return f"{namespace}/{name}"


@routes.on("DELETE", r"/api/repos/delete")
def delete(hub: Hub, request: Request) -> dict:
    wanted = request.json()
    namespace = wanted.text("organization", "") or hub.accounts.known(request)
    repo_id = f"{namespace}/{wanted.text('name')}"
    hub.remove(hub.repo(request, type_of(wanted), repo_id, write=True))
    return {}


@routes.on("POST", r"/api/repos/move")
def move(hub: Hub, request: Request) -> dict:
    wanted = request.json()
    repo = hub.repo(request, type_of(wanted), wanted.text("fromRepo"), write=True)
    namespace, _, name = wanted.text("toRepo").partition("/")
    hub.accounts.writer(request, namespace)
    repo_id = checked_id(namespace, name)
    if (repo.type, repo_id.lower()) in hub.repos:
        raise HubError(409, f"A {repo.type} repository called {repo_id} already exists")
    hub.rename(repo, repo_id)
    return {}


@routes.on("PUT", r"/api/{repo}/settings")
def settings(hub: Hub, request: Request, types: str, repo_id: str) -> dict:
    repo, wanted = hub.repo(request, TYPES[types], repo_id, write=True), request.json()
    gated = wanted.get("gated", repo.gated)
    if gated not in (False, True, "auto", "manual"):
        raise HubError(400, f"gated: {gated!r} is not one of auto, manual, false")
    repo.private, repo.gated = private(wanted, repo.private), gated
    hub.save(repo)
    return {"private": repo.private, "gated": repo.gated}


@routes.on("GET", r"/api/{repo}/auth-check(/write)?")
def auth_check(hub: Hub, request: Request, types: str, repo_id: str, write: str | None) -> dict:
    hub.check_gate(request, hub.repo(request, TYPES[types], repo_id, write=bool(write)))
    return {}


@routes.on("GET", r"/api/{type}")
def list_repos(hub: Hub, request: Request, types: str) -> list[dict]:
    """Repositories that the sender may see and that match the query; rejects unknown parameters."""
    narrowing = ("author", "search", "filter", "gated", "pipeline_tag", "sdk")
    request.only(*narrowing, "limit", "sort", "direction", *DETAILS)
    user, author = hub.accounts.user(request), request.option("author")
    words = [word.lower() for word in request.query.get("search", [])]
    found = [
        description(hub, repo, repo.resolve("main"))
        for repo in hub.repos.values()
        if repo.type == TYPES[types]
        and author in ("", repo.namespace)
        and all(word in repo.id.lower() for word in words)
        and hub.visible(repo, user)
    ]
    views = [view for view in found if fits(view, request)]
    for view in views:
        del view["siblings"]
    order = request.option("sort")
    if order:
        if order not in ORDERS:
            raise HubError(400, f"This Hub cannot sort by {order!r}: one of {', '.join(ORDERS)}")
        ascending = request.option("direction") == "1"
        views.sort(key=lambda view: view[ORDERS[order]], reverse=not ascending)
    return views[: request.number("limit", len(views))]


def fits(view: dict, request: Request) -> bool:
    """Whether an entry of a listing matches the tags and other filters."""
    gated = request.option("gated").lower()
    return (
        all(tag in view["tags"] for tag in request.query.get("filter", []))
        and gated in ("", str(bool(view["gated"])).lower())
        and request.option("pipeline_tag") in ("", view.get("pipeline_tag"))
        and request.option("sdk") in ("", view.get("sdk"))
    )


@routes.on("GET", r"/api/settings/repositories")
def list_own(hub: Hub, request: Request) -> list[dict]:
    return storage(hub, hub.accounts.known(request))


@routes.on("GET", r"/api/organizations/([^/]+)/settings/repositories")
def list_of_organization(hub: Hub, request: Request, namespace: str) -> list[dict]:
    if not hub.accounts.belongs(hub.accounts.known(request), namespace):
        raise HubError(403, f"Forbidden: only members of {namespace} see this")
    return storage(hub, namespace)


def storage(hub: Hub, namespace: str) -> list[dict]:
    """The repositories of a namespace and their sizes in bytes."""
    repos = [repo for repo in hub.repos.values() if repo.namespace == namespace]
    views = [description(hub, repo, repo.resolve("main")) for repo in repos]
    total = sum(view["usedStorage"] for view in views) or 1
    return [
        {
            "id": repo.id,
            "type": repo.type,
            "updatedAt": view["lastModified"],
            "visibility": "private" if repo.private else "public",
            "storage": view["usedStorage"],
            "storagePercent": 100 * view["usedStorage"] / total,
        }
        for repo, view in zip(repos, views, strict=True)
    ]


@routes.on("GET", r"/api/{repo}(?:/revision/{rev})?")
def describe(hub: Hub, request: Request, types: str, repo_id: str, revision: str | None) -> dict:
    repo, blobs = hub.repo(request, TYPES[types], repo_id), request.flag("blobs")
    if blobs:
        hub.check_gate(request, repo)
    return description(hub, repo, repo.resolve(revision or "main"), blobs)


def description(hub: Hub, repo: Repo, commit: Commit, blobs: bool = False) -> dict[str, Any]:
    card = hub.card(commit)
    siblings = []
    for path, file in sorted(commit.tree.items()):
        sibling: dict[str, Any] = {"rfilename": path}
        if blobs:
            sibling |= {"size": file.size, "blobId": file.oid}
            if file.sha256:
                sibling["lfs"] = file.lfs("sha256")
        siblings.append(sibling)
    tags = [str(tag) for tag in as_list(card.get("tags"))]
    view = {
        "_id": repo.key,
        "id": repo.id,
        "author": repo.namespace,
        "sha": commit.oid,
        "lastModified": commit.date,
        "createdAt": repo.created,
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "siblings": siblings,
        "tags": tags + [f"license:{x}" for x in as_list(card.get("license"))],
        "usedStorage": sum(file.size for file in commit.tree.values()),
    }
    if card:
        view["cardData"] = card
    if repo.type == "model":
        view["modelId"] = repo.id
        view |= {k: card[k] for k in ("pipeline_tag", "library_name") if k in card}
    if repo.type == "space":
        view["sdk"] = repo.sdk
    return view


# Matched last: names like `gpt2`, which this Hub never has, and routes it does not know.
fallback = Routes()


@fallback.on("GET|POST|PUT|DELETE|PATCH", r"/api/{repo}(?:/.*)?")
def unknown_route(hub: Hub, request: Request, types: str, repo_id: str) -> None:
    hub.repo(request, TYPES[types], repo_id)
    raise no_route(request.method, request.path)


@fallback.on("GET", r"/api/{type}/[^/]+")
@fallback.on("GET|POST|PUT|DELETE", r"/api/{type}/[^/]+/.*")
@fallback.on("GET|HEAD", r"/.*/resolve/.*")
def no_such_repo(hub: Hub, request: Request, *_: str) -> None:
    status = 404 if hub.accounts.user(request) else 401
    raise HubError(status, "Repository not found", "RepoNotFound")
