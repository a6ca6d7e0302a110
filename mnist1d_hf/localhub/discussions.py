"""Routes on discussions and pull requests."""

import secrets
from typing import Any

from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.repo import OPEN, Commit, Repo
from mnist1d_hf.localhub.routes import TYPES, Routes
from mnist1d_hf.localhub.wire import HubError, Request, now

routes = Routes()

TITLE_LIMIT = 1000  # characters


def open_discussion(
    repo: Repo, user: str, title: str, description: str, base: Commit | None, draft: bool = False
) -> dict[str, Any]:
    """Open a discussion, or a pull request when a commit is given."""
    discussion: dict[str, Any] = {
        "num": len(repo.discussions) + 1,
        "title": title,
        "author": {"name": user},
        "createdAt": now(),
        "isPullRequest": base is not None,
        "status": "draft" if draft else "open",
        "repo": {"name": repo.id, "type": repo.type},
        "events": [],
        "diff": "",
    }
    add_event(discussion, user, "comment", comment(description))
    if base:
        discussion |= {"changes": {"base": "refs/heads/main"}, "filesWithConflicts": []}
        repo.refs[f"refs/pr/{discussion['num']}"] = base.oid
    repo.discussions.append(discussion)
    return discussion


def comment(text: str) -> dict[str, Any]:
    latest = {"raw": text, "html": "", "updatedAt": now()}
    return {"edited": False, "hidden": False, "latest": latest}


def add_event(discussion: dict, user: str, kind: str, data: dict) -> dict[str, Any]:
    event = {
        "id": secrets.token_hex(12),
        "type": kind,
        "createdAt": now(),
        "author": {"name": user},
        "data": data,
    }
    discussion["events"].append(event)
    return event


def find(repo: Repo, number: str) -> dict[str, Any]:
    if not 0 < int(number) <= len(repo.discussions):
        raise HubError(404, "Discussion not found")
    return repo.discussions[int(number) - 1]


@routes.on("GET", r"/api/{repo}/discussions")
def list_discussions(hub: Hub, request: Request, types: str, repo_id: str) -> dict:
    """Newest first, in pages from 0; `type`, `author` and `status` narrow the list."""
    request.only("type", "author", "status", "p")
    kind, who, status = map(request.option, ("type", "author", "status"))
    found = [
        d
        for d in reversed(hub.repo(request, TYPES[types], repo_id).discussions)
        if kind in ("", "all", "pull_request" if d["isPullRequest"] else "discussion")
        and who in ("", d["author"]["name"])
        and status in ("", "all", "open" if d["status"] in OPEN else "closed")
    ]
    start = request.number("p", 0) * hub.page_size
    page = found[start : start + hub.page_size]
    return {"discussions": page, "count": len(found), "start": start}


@routes.on("POST", r"/api/{repo}/discussions")
def create(hub: Hub, request: Request, types: str, repo_id: str) -> dict:
    repo, wanted = hub.repo(request, TYPES[types], repo_id), request.json()
    user = hub.accounts.contributor(request)
    is_pr = wanted.flag("pullRequest")
    base = repo.resolve("main") if is_pr else None
    title, description = wanted.text("title", limit=TITLE_LIMIT), wanted.text("description", "")
    discussion = open_discussion(repo, user, title, description, base, draft=is_pr)
    hub.save(repo)
    return discussion


@routes.on("GET", r"/api/{repo}/discussions/([0-9]{1,9})")
def details(hub: Hub, request: Request, types: str, repo_id: str, number: str) -> dict:
    return find(hub.repo(request, TYPES[types], repo_id), number)


@routes.on("POST", r"/api/{repo}/discussions/([0-9]{1,9})/(comment|status|title|merge)")
def change(hub: Hub, request: Request, types: str, repo_id: str, number: str, what: str) -> dict:
    repo = hub.repo(request, TYPES[types], repo_id, write=what == "merge")
    user, wanted = hub.accounts.contributor(request), request.json()
    discussion = find(repo, number)
    if what == "merge":
        return merge(hub, repo, discussion, user)
    if what != "comment" and user != discussion["author"]["name"]:
        hub.accounts.writer(request, repo.namespace)
    if what == "comment":
        event = add_event(discussion, user, "comment", comment(wanted.text("comment")))
        answer = {"newMessage": event}
    elif what == "title":
        change = {"from": discussion["title"], "to": wanted.text("title", limit=TITLE_LIMIT)}
        discussion["title"] = change["to"]
        answer = {"newTitle": add_event(discussion, user, "title-change", change)}
    else:
        if discussion["status"] == "merged":
            raise HubError(400, f"Discussion {number} is merged")
        discussion["status"] = wanted.choice("status", ("open", "closed"))
        event = add_event(discussion, user, "status-change", {"status": discussion["status"]})
        answer = {"newStatus": event}
    hub.save(repo)
    return answer


@routes.on("POST", r"/api/{repo}/discussions/([0-9]{1,9})/comment/(\w+)/(edit|hide)")
def change_comment(
    hub: Hub, request: Request, types: str, repo_id: str, number: str, event_id: str, what: str
) -> dict:
    """Edit or hide a comment, as its author or as an owner of the namespace."""
    repo, user = hub.repo(request, TYPES[types], repo_id), hub.accounts.contributor(request)
    event = next((e for e in find(repo, number)["events"] if e["id"] == event_id), None)
    if event is None or event["type"] != "comment":
        raise HubError(404, "Comment not found")
    if user != event["author"]["name"]:
        hub.accounts.writer(request, repo.namespace)
    data = event["data"]
    if what == "hide":
        data |= {"hidden": True, "latest": {**data["latest"], "raw": ""}}
    else:
        data |= {**comment(request.json().text("content")), "edited": True}
    hub.save(repo)
    return {"updatedComment": event}


def merge(hub: Hub, repo: Repo, discussion: dict, user: str) -> dict:
    """Apply the changes of a pull request since it was opened to the main branch."""
    if not discussion["isPullRequest"] or discussion["status"] not in OPEN:
        raise HubError(400, f"Discussion {discussion['num']} is not an open pull request")
    changed, main = repo.resolve(f"refs/pr/{discussion['num']}"), repo.resolve("main")
    shared = {c.oid for c in repo.history(main)}
    base = next((c for c in repo.history(changed) if c.oid in shared), main)
    tree = dict(main.tree)
    for path in {*base.tree, *changed.tree}:
        ours, theirs = base.tree.get(path), changed.tree.get(path)
        if theirs is None:
            tree.pop(path, None)
        elif theirs != ours:
            tree[path] = theirs
    title = f"{discussion['title']} (#{discussion['num']})"
    discussion["status"] = "merged"
    commit = repo.draw_commit(tree, title, "", user, main.oid)
    discussion["changes"]["mergeCommitId"] = commit.oid
    hub.add_commit(repo, "refs/heads/main", commit)
    return {}
