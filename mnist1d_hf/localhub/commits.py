"""Routes that change files: preuploads and commits."""

import base64
import binascii
import fnmatch
from dataclasses import replace
from typing import Any

from mnist1d_hf.localhub.discussions import TITLE_LIMIT, open_discussion
from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.repo import PATH_LIMIT, File, Repo, check_path, check_tree
from mnist1d_hf.localhub.routes import TYPES, Routes
from mnist1d_hf.localhub.wire import HubError, Payload, Request, parse_json

routes = Routes()

REGULAR_LIMIT = 10 << 20  # bytes; beyond, the Hub wants LFS or Xet
RULES_LIMIT = 1000  # lines of .gitattributes and .gitignore that are used
PREUPLOAD_LIMIT = 1000  # files of a request


@routes.on("POST", r"/api/{repo}/preupload/{rev}")
def preupload(hub: Hub, request: Request, types: str, repo_id: str, revision: str) -> dict:
    """The way to upload each file: in the commit itself, or to storage first."""
    repo = push_target(hub, request, types, repo_id, revision)
    commit, wanted = repo.resolve(revision), request.json()
    attributes = hub.text(commit, ".gitattributes").splitlines()
    rules = [line.split()[0] for line in attributes if "filter=lfs" in line][:RULES_LIMIT]
    given = wanted.text("gitIgnore", "") if "gitIgnore" in wanted else None
    ignored = ignore_rules(hub.text(commit, ".gitignore") if given is None else given)
    files = wanted.list_of("files", Payload, PREUPLOAD_LIMIT)
    advices = [advice(hub, file, commit.tree, rules, ignored) for file in files]
    return {"files": advices, "commitOid": commit.oid}


def push_target(hub: Hub, request: Request, types: str, repo_id: str, revision: str) -> Repo:
    target = None if "create_pr" in request.query else revision
    return hub.push_target(request, TYPES[types], repo_id, target)


def ignore_rules(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line.rstrip("/") for line in lines if line and not line.startswith("#")][:RULES_LIMIT]


def advice(
    hub: Hub, file: Payload, tree: dict[str, File], rules: list[str], ignored: list[str]
) -> dict:
    path, size = file.text("path", limit=PATH_LIMIT), file.number("size")
    hub.contents.check_size(path, size)
    name = path.rsplit("/", 1)[-1]
    known = tree.get(path)
    here = known is not None and hub.contents.has(known)
    large = (
        # damaged files are uploaded in the same way as before; .gitattributes may be damaged too
        (known is not None and not here and known.sha256 is not None)
        or any(fnmatch.fnmatch(name, rule) or fnmatch.fnmatch(path, rule) for rule in rules)
        or size > REGULAR_LIMIT
        or b"\0" in decode(file.text("sample", ""))
    )
    answer = {
        "path": path,
        "uploadMode": "lfs" if large else "regular",
        "shouldIgnore": any(
            fnmatch.fnmatch(part, rule) for part in [path, *path.split("/")] for rule in ignored
        ),
    }
    if known is not None and here:  # lets the client notice that nothing changes
        answer["oid"] = known.sha256 or known.oid
    return answer


def decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HubError(400, f"Not base64: {error}") from None


def check_committer(hub: Hub, request: Request) -> None:
    hub.accounts.contributor(request)


@routes.on("POST", r"/api/{repo}/commit/{rev}", admit=check_committer)
def commit(hub: Hub, request: Request, types: str, repo_id: str, revision: str) -> dict[str, Any]:
    create_pr = "create_pr" in request.query
    repo = push_target(hub, request, types, repo_id, revision)
    header, operations = read_operations(request.body)
    title, message = header.text("summary", "", TITLE_LIMIT), header.text("description", "")
    if not title:
        raise HubError(400, "Commit summary is required")
    head, ref = repo.resolve(revision), repo.ref(revision)
    if ref is None or ref.startswith("refs/tags/"):
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    parent = header.text("parentCommit", "")
    if parent and not create_pr and not head.oid.startswith(parent):
        raise HubError(
            412, "The branch was updated since you opened this page. Please refresh and try again."
        )
    base = repo.resolve(parent) if parent and create_pr else head
    files = dict(base.tree)
    for operation in operations:
        apply(hub, files, operation.text("key"), operation.object("value"))
    check_tree(files)
    answer: dict[str, Any] = {"success": True, "hookOutput": ""}
    user = hub.accounts.known(request)
    if create_pr:
        discussion = open_discussion(repo, user, title, message, base)
        ref = f"refs/pr/{discussion['num']}"
        answer["pullRequestUrl"] = f"{hub.url}{repo.address}/discussions/{discussion['num']}"
    new = hub.add_commit(repo, ref, repo.draw_commit(files, title, message, user, base.oid))
    url = f"{hub.url}{repo.address}/commit/{new.oid}"
    return {**answer, "commitOid": new.oid, "commitUrl": url}


def read_operations(body: bytes) -> tuple[Payload, list[Payload]]:
    """The header and the operations of a commit, one per line."""
    lines = [parse_json(line) for line in body.splitlines() if line.strip()]
    if not lines or lines[0].text("key") != "header":
        raise HubError(400, "Missing commit header")
    return lines[0].object("value"), lines[1:]


def apply(hub: Hub, files: dict[str, File], key: str, value: Payload) -> None:
    """Apply one operation of a commit to its tree."""
    path = value.text("path", limit=4 * PATH_LIMIT)
    if key in ("deletedFile", "deletedFolder"):
        return remove(files, check_path(path.rstrip("/")), key == "deletedFile")
    check_path(path)
    if key == "file":
        content = value.text("content", limit=2 * REGULAR_LIMIT)
        data = decode(content) if value.get("encoding") == "base64" else content.encode()
        if len(data) > REGULAR_LIMIT:
            raise HubError(400, f"File {path} is too large to be a regular file, use LFS")
        files[path] = hub.contents.put_regular(data)
    elif key == "lfsFile":
        files[path] = large_file(hub, path, value.text("oid"))
    else:
        raise HubError(400, f"Unknown operation {key}")


def remove(files: dict[str, File], path: str, file_too: bool) -> None:
    gone = [p for p in files if (file_too and p == path) or p.startswith(f"{path}/")]
    if not gone:
        raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
    for name in gone:
        del files[name]


def large_file(hub: Hub, path: str, sha256: str) -> File:
    """A file that was uploaded before the commit, by LFS or Xet."""
    file = hub.contents.large(sha256)
    if file is None:
        raise HubError(
            400,
            "Your push was rejected because an LFS pointer pointed to a file that does not exist. "
            f"Offending file: - {path}",
        )
    return file if hub.xet else replace(file, xet=None)
