"""Routes on files: list and read them, and commit changes."""

import base64
import binascii
import fnmatch
from typing import Any
from urllib.parse import quote

from mnist1d_hf.localhub.discussions import open_discussion
from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.repo import (
    Commit,
    File,
    Repo,
    check_path,
    file_view,
    folder_view,
    listing,
)
from mnist1d_hf.localhub.wire import TYPES, Answer, HubError, Payload, Request, Routes, parse_json
from mnist1d_hf.localhub.xet import assemble

routes = Routes()

REGULAR_LIMIT = 10 << 20  # bytes; beyond, the Hub wants LFS or Xet
PATHS_LIMIT = 1000


# -- reading ---------------------------------------------------------------------------------------


@routes.on("GET", r"/api/{repo}/tree/{rev}(?:/(.*))?")
def tree(
    hub: Hub, request: Request, types: str, repo_id: str, revision: str, folder: str | None
) -> Answer:
    repo = hub.repo(request, TYPES[types], repo_id)
    commit = repo.resolve(revision)
    inside = (folder or "").strip("/")
    entries = listing(repo, commit, inside, request.flag("recursive"), request.flag("expand"))
    start = request.number("cursor", 0)
    end = start + hub.page_size
    headers = {}
    if end < len(entries):
        query = {**request.query, "cursor": str(end)}
        text = "&".join(f"{key}={quote(value)}" for key, value in query.items())
        headers["Link"] = f'<{hub.url}{request.path}?{text}>; rel="next"'
    return Answer.of(entries[start:end], headers=headers)


@routes.on("POST", r"/api/{repo}/paths-info/{rev}")
def paths_info(hub: Hub, request: Request, types: str, repo_id: str, revision: str) -> list[dict]:
    repo = hub.repo(request, TYPES[types], repo_id)
    commit, wanted = repo.resolve(revision), request.form()
    expand = str(wanted.get("expand", "")).lower() == "true"
    paths = [path.strip("/") for path in wanted.get("paths", [])]
    if len(paths) > PATHS_LIMIT:
        raise HubError(413, f"Too many paths: {len(paths)}, at most {PATHS_LIMIT}")
    found = []
    for path in paths:
        if path in commit.tree:
            found.append(file_view(repo, commit, path, expand))
        elif any(other.startswith(path + "/") for other in commit.tree):
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
        return to_storage(hub, repo, commit, file, headers)
    if kind == "resolve" and hub.redirect:
        address = f"/api/resolve-cache/{repo.type}s/{repo.id}/{commit.oid}/{quote(path)}"
        return redirect(307, address, file.oid, file.size, headers)
    return whole_file(hub, request, commit, file)


def to_storage(hub: Hub, repo: Repo, commit: Commit, file: File, headers: dict) -> Answer:
    """To the second origin, where no token may go."""
    assert file.sha256 is not None
    if file.xet:
        token = f"{hub.url}/api/{repo.type}s/{repo.id}/xet-read-token/{commit.oid}"
        headers |= {"X-Xet-Hash": file.xet, "Link": f'<{token}>; rel="xet-auth"'}
    address = hub.grant("GET", f"/cdn/lfs/{file.sha256}")
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
    return whole_file(hub, request, commit, commit.tree[path])


def whole_file(hub: Hub, request: Request, commit: Commit, file: File) -> Answer:
    headers = {
        "X-Repo-Commit": commit.oid,
        "Accept-Ranges": "bytes",
        "ETag": f'"{file.oid}"',
        "Content-Type": "text/plain; charset=utf-8",  # never as a page: it is a user's file
        "X-Content-Type-Options": "nosniff",
    }
    return Answer.part(request, hub.content(file), headers)


# -- writing ---------------------------------------------------------------------------------------


@routes.on("POST", r"/api/{repo}/preupload/{rev}")
def preupload(hub: Hub, request: Request, types: str, repo_id: str, revision: str) -> dict:
    """How each file should be sent: in the commit itself, or to storage first."""
    repo = hub.repo(request, TYPES[types], repo_id, write="create_pr" not in request.query)
    commit, wanted = repo.resolve(revision), request.json()
    rules = [
        line.split()[0]
        for line in hub.text(commit, ".gitattributes").splitlines()
        if "filter=lfs" in line
    ]
    ignore = wanted.get("gitIgnore")
    ignored = ignore_rules(hub.text(commit, ".gitignore") if ignore is None else ignore)
    files = [advice(file, commit.tree, rules, ignored) for file in wanted["files"]]
    return {"files": files, "commitOid": commit.oid}


def ignore_rules(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line.rstrip("/") for line in lines if line and not line.startswith("#")]


def advice(file: Payload, tree: dict[str, File], rules: list[str], ignored: list[str]) -> dict:
    path = file.text("path")
    name = path.rsplit("/", 1)[-1]
    large = (
        any(fnmatch.fnmatch(name, rule) or fnmatch.fnmatch(path, rule) for rule in rules)
        or file["size"] > REGULAR_LIMIT
        or b"\0" in decode(file.text("sample"))
    )
    answer = {
        "path": path,
        "uploadMode": "lfs" if large else "regular",
        "shouldIgnore": any(
            fnmatch.fnmatch(part, rule) for part in [path, *path.split("/")] for rule in ignored
        ),
    }
    if path in tree:  # lets the client notice that nothing changes
        answer["oid"] = tree[path].sha256 or tree[path].oid
    return answer


def decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HubError(400, f"Not base64: {error}") from None


@routes.on("POST", r"/api/{repo}/commit/{rev}")
def commit(hub: Hub, request: Request, types: str, repo_id: str, revision: str) -> dict[str, Any]:
    create_pr = "create_pr" in request.query
    repo = hub.repo(request, TYPES[types], repo_id, write=not create_pr)
    user = hub.accounts.known(request)
    lines = [parse_json(line) for line in request.body.splitlines() if line.strip()]
    if not lines or lines[0]["key"] != "header":
        raise HubError(400, "Missing commit header")
    header, operations = lines[0]["value"], lines[1:]
    title, message = header.get("summary"), header.get("description") or ""
    if not title:
        raise HubError(400, "Commit summary is required")
    head, ref = repo.resolve(revision), repo.ref(revision)
    if ref is None or ref.startswith("refs/tags/"):
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    parent = header.get("parentCommit")
    if parent and not create_pr and not head.oid.startswith(parent):
        raise HubError(
            412, "The branch was updated since you opened this page. Please refresh and try again."
        )
    base = repo.resolve(parent) if parent and create_pr else head
    files = dict(base.tree)
    for operation in operations:
        apply(hub, files, operation["key"], operation["value"])
    answer: dict[str, Any] = {"success": True, "hookOutput": ""}
    if create_pr:
        discussion = open_discussion(repo, user, title, message, base)
        ref = f"refs/pr/{discussion['num']}"
        answer["pullRequestUrl"] = f"{hub.url}{repo.address}/discussions/{discussion['num']}"
    new = hub.add_commit(repo, ref, repo.draw_commit(files, title, message, user, base.oid))
    url = f"{hub.url}{repo.address}/commit/{new.oid}"
    return {**answer, "commitOid": new.oid, "commitUrl": url}


def apply(hub: Hub, files: dict[str, File], key: str, value: Payload) -> None:
    """Carry out one operation of a commit on its tree."""
    path = check_path(value.text("path"))
    if key == "file":
        encoded = value.get("encoding") == "base64"
        data = decode(value.text("content")) if encoded else value.text("content").encode()
        if len(data) > REGULAR_LIMIT:
            raise HubError(400, f"File {path} is too large to be a regular file, use LFS")
        files[path] = hub.put_regular(data)
    elif key == "lfsFile":
        files[path] = large_file(hub, path, value.text("oid"))
    elif key in ("deletedFile", "deletedFolder"):
        folder = path.rstrip("/") + "/"
        gone = [p for p in files if (key == "deletedFile" and p == path) or p.startswith(folder)]
        if not gone:
            raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
        for name in gone:
            del files[name]
    else:
        raise HubError(400, f"Unknown operation {key}")


def large_file(hub: Hub, path: str, sha256: str) -> File:
    """A file whose bytes came beforehand, by LFS or by Xet."""
    xet = hub.store.get("xet-sha", sha256)
    if hub.store.size("lfs", sha256) is None and xet:
        hub.store.put("lfs", sha256, assemble(hub, xet.decode(), sha256))
    size = hub.store.size("lfs", sha256)
    if size is None:
        raise HubError(
            400,
            "Your push was rejected because an LFS pointer pointed to a file that does not exist. "
            f"Offending file: - {path}",
        )
    return File.large(sha256, size, xet.decode() if xet and hub.xet else None)
