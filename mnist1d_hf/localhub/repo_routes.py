"""Routes on whole repositories: create, rename, delete, list, describe; branches and tags."""

import re
from typing import Any

from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.metadata import as_list
from mnist1d_hf.localhub.repo import Commit, Repo
from mnist1d_hf.localhub.wire import TYPES, HubError, Request, Routes

routes = Routes()

LARGE = (
    "7z arrow avro bin bz2 ckpt ftz gz h5 joblib lz4 mds mlmodel model msgpack npy npz onnx ot "
    "parquet pb pickle pkl pt pth rar safetensors tar tflite tgz wasm xz zip zst png jpg jpeg webp "
    "wav mp3 flac ogg mp4"
).split()
GITATTRIBUTES = "".join(f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LARGE)
KINDS = {
    "refs/heads/": "branches",
    "refs/tags/": "tags",
    "refs/convert/": "converts",
    "refs/pr/": "pullRequests",
}


@routes.on("GET", r"/api/whoami-v2")
def whoami(hub: Hub, request: Request) -> dict:
    return hub.accounts.whoami(request)


@routes.on("POST", r"/api/repos/create")
def create(hub: Hub, request: Request) -> dict:
    wanted = request.json()
    repo_type, name = wanted.get("type") or "model", wanted.text("name")
    namespace = wanted.get("organization") or hub.accounts.known(request)
    user = hub.accounts.writer(request, namespace)
    repo_id = checked_id(namespace, name)
    if repo_type not in TYPES.values():
        raise HubError(400, f"Invalid repo type: {repo_type}")
    private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
    repo = Repo(repo_type, repo_id, private=private, sdk=wanted.get("sdk"))
    url = {"url": hub.url + repo.address, "name": repo_id, "id": repo.key}
    if (repo_type, repo_id.lower()) in hub.repos:
        message = f"You already created this {repo_type} repo"
        raise HubError(409, f"{message}: {repo_id}", body={"error": message, **url})
    hub.repos[repo_type, repo_id.lower()] = repo
    tree = {".gitattributes": hub.put_regular(GITATTRIBUTES.encode())}
    first = repo.draw_commit(tree, "initial commit", "", user, None)
    hub.add_commit(repo, "refs/heads/main", first)
    return url


def checked_id(namespace: str, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,96}", name) or ".." in name or "--" in name:
        raise HubError(400, f"Invalid repo name: {namespace}/{name}")
    return f"{namespace}/{name}"


@routes.on("DELETE", r"/api/repos/delete")
def delete(hub: Hub, request: Request) -> dict:
    wanted = request.json()
    namespace = wanted.get("organization") or hub.accounts.known(request)
    repo_id = f"{namespace}/{wanted.text('name')}"
    hub.remove(hub.repo(request, wanted.get("type") or "model", repo_id, write=True))
    return {}


@routes.on("POST", r"/api/repos/move")
def move(hub: Hub, request: Request) -> dict:
    wanted = request.json()
    repo = hub.repo(request, wanted.get("type") or "model", wanted.text("fromRepo"), write=True)
    namespace, _, name = wanted.text("toRepo").partition("/")
    hub.accounts.writer(request, namespace)
    repo_id = checked_id(namespace, name)
    if (repo.type, repo_id.lower()) in hub.repos:
        raise HubError(409, f"A {repo.type} repository called {repo_id} already exists")
    hub.repos[repo.type, repo_id.lower()] = hub.repos.pop((repo.type, repo.id.lower()))
    repo.id = repo_id
    hub.save(repo)
    return {}


@routes.on("PUT", r"/api/{repo}/settings")
def settings(hub: Hub, request: Request, types: str, repo_id: str) -> dict:
    repo, wanted = hub.repo(request, TYPES[types], repo_id, write=True), request.json()
    if "visibility" in wanted:
        repo.private = wanted["visibility"] == "private"
    repo.private = wanted.get("private", repo.private)
    repo.gated = wanted.get("gated", repo.gated)
    hub.save(repo)
    return {"private": repo.private, "gated": repo.gated}


@routes.on("GET", r"/api/{repo}/auth-check(/write)?")
def auth_check(hub: Hub, request: Request, types: str, repo_id: str, write: str | None) -> dict:
    hub.check_gate(request, hub.repo(request, TYPES[types], repo_id, write=bool(write)))
    return {}


@routes.on("GET", r"/api/{type}")
def list_repos(hub: Hub, request: Request, types: str) -> list[dict]:
    user, author = hub.accounts.user(request), request.query.get("author")
    search, limit = request.query.get("search", "").lower(), request.number("limit", 1000)
    found = [
        repo
        for repo in hub.repos.values()
        if repo.type == TYPES[types]
        and author in (None, repo.namespace)
        and search in repo.id.lower()
        and hub.visible(repo, user)
    ]
    views = [description(hub, repo, repo.resolve("main")) for repo in found]
    for view in views:
        del view["siblings"]
    return views[:limit]


@routes.on("GET", r"/api/{repo}(?:/revision/{rev})?")
def describe(hub: Hub, request: Request, types: str, repo_id: str, revision: str | None) -> dict:
    repo = hub.repo(request, TYPES[types], repo_id)
    return description(hub, repo, repo.resolve(revision or "main"), request.flag("blobs"))


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
        "tags": as_list(card.get("tags")) + [f"license:{x}" for x in as_list(card.get("license"))],
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


@routes.on("GET", r"/api/{repo}/refs")
def list_refs(hub: Hub, request: Request, types: str, repo_id: str) -> dict[str, list]:
    repo = hub.repo(request, TYPES[types], repo_id)
    found: dict[str, list] = {kind: [] for kind in KINDS.values()}
    for ref, oid in repo.refs.items():
        prefix = next(prefix for prefix in KINDS if ref.startswith(prefix))
        entry = {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": oid}
        found[KINDS[prefix]].append(entry)
    if not request.query.get("include_prs"):
        del found["pullRequests"]
    return found


@routes.on("GET", r"/api/{repo}/commits/{rev}")
def list_commits(hub: Hub, request: Request, types: str, repo_id: str, revision: str) -> list[dict]:
    repo = hub.repo(request, TYPES[types], repo_id)
    return [
        {
            "id": commit.oid,
            "title": commit.title,
            "message": commit.message,
            "date": commit.date,
            "authors": [{"user": commit.author}],
        }
        for commit in repo.history(repo.resolve(revision))
    ]


@routes.on("POST|DELETE", r"/api/{repo}/(branch|tag)/{rev}")
def change_ref(hub: Hub, request: Request, types: str, repo_id: str, kind: str, name: str) -> dict:
    """POST branch/NAME or tag/REVISION makes one, DELETE branch/NAME or tag/NAME removes it."""
    repo = hub.repo(request, TYPES[types], repo_id, write=True)
    prefix = {"branch": "refs/heads/", "tag": "refs/tags/"}[kind]
    if request.method == "DELETE":
        if prefix + name == "refs/heads/main":
            raise HubError(403, "Cannot delete refs/heads/main")
        if repo.refs.pop(prefix + name, None) is None:
            raise HubError(404, f"Invalid rev id: {name}", "RevisionNotFound")
    else:
        wanted = request.json()
        start = name if kind == "tag" else wanted.get("startingPoint") or "main"
        target = repo.resolve(start)
        ref = prefix + (wanted.text("tag") if kind == "tag" else name)
        if not re.fullmatch(r"[\w./-]+", ref):
            raise HubError(400, f"Invalid reference name: {ref}")
        if ref in repo.refs:
            raise HubError(409, f"Reference {ref} already exists")
        repo.refs[ref] = target.oid
    hub.save(repo)
    return {}


@routes.on("POST", r"/api/{repo}/super-squash/{rev}")
def squash(hub: Hub, request: Request, types: str, repo_id: str, branch: str) -> dict:
    repo = hub.repo(request, TYPES[types], repo_id, write=True)
    message = request.json().get("message") or "Super-squash"
    user = hub.accounts.known(request)
    commit = repo.draw_commit(repo.resolve(branch).tree, message, "", user, None)
    hub.add_commit(repo, repo.ref(branch) or f"refs/heads/{branch}", commit)
    return {}


# Matched last: names like `gpt2`, which this Hub never has, and routes it does not know.
fallback = Routes()


@fallback.on("GET", r"/api/{type}/[^/]+")
@fallback.on("GET|POST|PUT|DELETE", r"/api/{type}/[^/]+/.*")
@fallback.on("GET|HEAD", r"/.*/resolve/.*")
def no_such_repo(hub: Hub, request: Request, *_: str) -> None:
    status = 404 if hub.accounts.user(request) else 401
    raise HubError(status, "Repository not found", "RepoNotFound")
