"""Routes on branches, tags and their history."""

import re

from mnist1d_hf.localhub.discussions import TITLE_LIMIT
from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.routes import TYPES, Routes
from mnist1d_hf.localhub.wire import HubError, Request

routes = Routes()

NAME_LIMIT = 255  # characters of a reference
KINDS = {
    "refs/heads/": "branches",
    "refs/tags/": "tags",
    "refs/convert/": "converts",
    "refs/pr/": "pullRequests",
}


@routes.on("GET", r"/api/{repo}/refs")
def list_refs(hub: Hub, request: Request, types: str, repo_id: str) -> dict[str, list]:
    request.only("include_prs", "include_pull_requests")
    repo = hub.repo(request, TYPES[types], repo_id)
    found: dict[str, list] = {kind: [] for kind in KINDS.values()}
    for ref, oid in repo.refs.items():
        prefix = next(prefix for prefix in KINDS if ref.startswith(prefix))
        entry = {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": oid}
        found[KINDS[prefix]].append(entry)
    if not request.flag("include_prs"):
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
    """Create (POST branch/NAME, tag/REVISION) or delete (DELETE branch/NAME, tag/NAME) a ref."""
    repo = hub.repo(request, TYPES[types], repo_id, write=True)
    prefix = {"branch": "refs/heads/", "tag": "refs/tags/"}[kind]
    if request.method == "DELETE":
        if prefix + name == "refs/heads/main":
            raise HubError(403, "Cannot delete refs/heads/main")
        if repo.refs.pop(prefix + name, None) is None:
            raise HubError(404, f"Invalid rev id: {name}", "RevisionNotFound")
    else:
        wanted = request.json()
        start = name if kind == "tag" else wanted.text("startingPoint", "main")
        target = repo.resolve(start)
        ref = prefix + check_name(wanted.text("tag") if kind == "tag" else name)
        if ref in repo.refs:
            raise HubError(409, f"Reference {ref} already exists")
        repo.refs[ref] = target.oid
    hub.save(repo)
    return {}


def check_name(name: str) -> str:
    """Check a name of a branch or tag by the rules of git."""
    parts = name.split("/")
    bad = any(not part or part.startswith(".") or part.endswith((".", ".lock")) for part in parts)
    if bad or ".." in name or not re.fullmatch(r"[\w./+-]+", name) or len(name) > NAME_LIMIT:
        raise HubError(400, f"Invalid reference name: {name[:NAME_LIMIT]}")
    return name


@routes.on("POST", r"/api/{repo}/super-squash/{rev}")
def squash(hub: Hub, request: Request, types: str, repo_id: str, branch: str) -> dict:
    repo = hub.repo(request, TYPES[types], repo_id, write=True)
    message = request.json().text("message", "Super-squash", TITLE_LIMIT)
    user, ref = hub.accounts.known(request), repo.ref(branch)
    if ref is None or ref.startswith("refs/tags/"):
        raise HubError(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    hub.add_commit(repo, ref, repo.draw_commit(repo.resolve(branch).tree, message, "", user, None))
    return {}
