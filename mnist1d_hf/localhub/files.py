"""Routes that list files and read them."""

from urllib.parse import quote, urlencode

from mnist1d_hf.localhub.documents import PICTURE_POLICY, picture_type
from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.repo import Commit, Repo, file_view, folder_view, listing
from mnist1d_hf.localhub.routes import TYPES, Routes
from mnist1d_hf.localhub.wire import Answer, HubError, Request, byte_range

routes = Routes()

PATHS_LIMIT = 1000


@routes.on("GET", r"/api/{repo}/tree/{rev}(?:/(.*))?")
def tree(
    hub: Hub, request: Request, types: str, repo_id: str, revision: str, folder: str | None
) -> Answer:
    request.only("recursive", "expand", "cursor", "limit")
    repo = hub.repo(request, TYPES[types], repo_id)
    hub.check_gate(request, repo)  # digests reveal contents, so they need access too
    commit = repo.resolve(revision)
    inside = (folder or "").strip("/")
    entries = listing(repo, commit, inside, request.flag("recursive"), request.flag("expand"))
    start = request.number("cursor", 0)
    end = start + min(hub.page_size, max(1, request.number("limit", hub.page_size)))
    headers = {}
    if end < len(entries):
        query = urlencode({**request.query, "cursor": [str(end)]}, doseq=True)
        headers["Link"] = f'<{hub.url}{request.path}?{query}>; rel="next"'
    return Answer.of(entries[start:end], headers=headers)


@routes.on("POST", r"/api/{repo}/paths-info/{rev}")
def paths_info(hub: Hub, request: Request, types: str, repo_id: str, revision: str) -> list[dict]:
    repo = hub.repo(request, TYPES[types], repo_id)
    hub.check_gate(request, repo)
    commit, wanted = repo.resolve(revision), request.form()
    expand = str(wanted.get("expand", "")).lower() == "true"
    wanted.setdefault("paths", [])
    paths = [path.strip("/") for path in wanted.list_of("paths", str, PATHS_LIMIT)]
    folders = {path[:at] for path in commit.tree for at in range(len(path)) if path[at] == "/"}
    found = []
    for path in paths:
        if path in commit.tree:
            found.append(file_view(repo, commit, path, expand))
        elif path in folders:
            found.append(folder_view(repo, commit, path, expand))
    return found


@routes.on("GET|HEAD", r"/{page}/(resolve|raw)/{rev}/(.+)")
def resolve(
    hub: Hub,
    request: Request,
    types: str | None,
    repo_id: str,
    kind: str,
    revision: str,
    path: str,
) -> Answer:
    repo = hub.repo(request, TYPES[types or "models"], repo_id)
    hub.check_gate(request, repo)
    commit = repo.resolve(revision)
    headers = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
    file = commit.tree.get(path)
    if file is None:
        # with the commit, so that clients remember that the file is missing from it
        raise HubError(404, "Entry not found", "EntryNotFound", headers=headers)
    if kind == "resolve" and file.sha256:
        return to_storage(hub, repo, commit, path, headers)
    if kind == "resolve" and hub.redirect:
        address = f"/api/resolve-cache/{repo.type}s/{repo.id}/{commit.oid}/{quote(path)}"
        return redirect(307, address, file.oid, file.size, headers)
    return whole_file(hub, request, commit, path)


def to_storage(hub: Hub, repo: Repo, commit: Commit, path: str, headers: dict) -> Answer:
    """Redirect to the storage origin, which must not receive tokens."""
    file = commit.tree[path]
    assert file.sha256 is not None
    xet = hub.contents.xet_name(file.sha256) if hub.xet else None
    if xet:
        token = f"{hub.url}/api/{repo.type}s/{repo.id}/xet-read-token/{commit.oid}"
        headers |= {"X-Xet-Hash": xet, "Link": f'<{token}>; rel="xet-auth"'}
    address = hub.grant("GET", f"/cdn/lfs/{file.sha256}")
    if kind := picture_type(path):
        address += "&" + urlencode({"response-content-type": kind})
    return redirect(302, address, file.sha256, file.size, headers)


def redirect(status: int, address: str, etag: str, size: int, headers: dict) -> Answer:
    linked = {"Location": address, "X-Linked-ETag": f'"{etag}"', "X-Linked-Size": str(size)}
    return Answer(b"", status, {**headers, **linked})


@routes.on("GET|HEAD", r"/api/resolve-cache/{repo}/{rev}/(.+)")
def resolve_cache(
    hub: Hub, request: Request, types: str, repo_id: str, revision: str, path: str
) -> Answer:
    repo = hub.repo(request, TYPES[types], repo_id)
    hub.check_gate(request, repo)
    commit = repo.resolve(revision)
    if path not in commit.tree:
        raise HubError(404, "Entry not found", "EntryNotFound")
    return whole_file(hub, request, commit, path)


def whole_file(hub: Hub, request: Request, commit: Commit, path: str) -> Answer:
    file, picture = commit.tree[path], picture_type(path)
    headers = {
        "X-Repo-Commit": commit.oid,
        "Accept-Ranges": "bytes",
        "ETag": f'"{file.oid}"',
        # never as a page: it is a user's file
        "Content-Type": picture or "text/plain; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
    }
    if picture:
        headers["Content-Security-Policy"] = PICTURE_POLICY
    span = byte_range(request, file.size)
    return Answer.bytes(hub.contents.read(file, *(span or ())), span, file.size, headers)
