"""Pages for people: what is on this Hub, and a repository's first rows, card and files."""

import posixpath
import re
from html import escape
from typing import Any
from urllib.parse import quote

from mnist1d_hf.localhub.documents import markdown, picture_type, plain_text, rewriting
from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.metadata import body
from mnist1d_hf.localhub.previews import SIZE_LIMIT, first_rows, previews
from mnist1d_hf.localhub.repo import Commit, Repo
from mnist1d_hf.localhub.routes import TYPES, Routes
from mnist1d_hf.localhub.wire import Answer, HubError, Request

routes = Routes()

TEXT_LIMIT = 4 << 20  # bytes of a file that is shown as text
FOLDED = 20  # files; a longer list opens on a click
STYLE = """
:root { color-scheme: light dark; --text: #222; --page: #fff; --muted: #5c5c5c; --link: #0059a8;
  --line: #ccc; --shade: #f4f4f4; --badge: #eef; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --page: #14161a; --muted: #a8adb5; --link: #7cb7ff;
    --line: #3d424b; --shade: #22262d; --badge: #2a3350; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
body > header { border-bottom: 1px solid var(--line); padding-bottom: .5rem; margin-bottom: 1rem; }
a { color: var(--link); } .muted, .muted a, body > header a { color: var(--muted); }
h1 { margin: .3rem 0; } h1, h2, h3 { line-height: 1.2; } h3 { margin-bottom: .3rem; }
.kind { background: var(--badge); border-radius: .3rem; padding: .1rem .5rem; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: 0 1.2rem; margin: 1rem 0; }
table { border-collapse: collapse; display: block; max-width: 100%; overflow-x: auto;
  overflow-wrap: normal; }
td, th { border: 1px solid var(--line); padding: .2rem .6rem; }
th { text-align: left; } td.number { text-align: right; }
pre { background: var(--shade); padding: .6rem; white-space: pre-wrap; }
img { max-width: 100%; height: auto; } svg { vertical-align: middle; }
svg polyline { fill: none; stroke: var(--link); }
img.alone { background: #fff; }
.previews { display: grid;
  grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); }
section { min-width: 0; margin-bottom: 1rem; } section p { margin: 0; }
section h3 { font-size: 1rem; margin: 0; } summary { cursor: pointer; }
"""


@routes.on("GET", r"/")
def index(hub: Hub, request: Request) -> Answer:
    parts = []
    for types, repo_type in TYPES.items():
        repos = [r for r in hub.repos.values() if r.type == repo_type and not r.private]
        parts.append(f"<h2>{types.capitalize()}</h2>" + bullets(map(entry, repos)))
    public = [c for c in hub.collections.values() if not c["private"]]
    parts.append("<h2>Collections</h2>" + bullets(link_collection(c) for c in public))
    parts.append("<p class=muted>Private repositories are not shown here.</p>")
    return html_page(hub, "An embedded Hub", "".join(parts))


@routes.on("GET", r"/{page}(?:/(tree|commit|discussions)/{rev})?")
def show(
    hub: Hub,
    request: Request,
    types: str | None,
    repo_id: str,
    kind: str | None,
    revision: str | None,
) -> Answer:
    repo = hub.repo(request, TYPES[types or "models"], repo_id)
    hub.check_gate(request, repo)
    if kind == "discussions":
        revision = f"refs/pr/{revision}"
    commit = repo.resolve(revision or "main")
    names = ", ".join(re.sub(r"refs/(heads|tags)/", "", ref) for ref in repo.refs)
    facts = f"{names} · showing {commit.oid[:8]}: {commit.title} ({day(commit)})"
    pages, files = addresses(repo, commit)
    card = body(hub.text(commit, "README.md"))
    shown = markdown(card, rewriting(pages, files)) if card else "<p class=muted>no card</p>"
    parts = [
        f"<p class=muted><span class=kind>{repo.type}</span> {escape(facts)}</p>",
        previews(hub, commit),
        f"<article>{shown}</article>",
        file_list(repo, commit),
    ]
    return html_page(hub, repo.id, "".join(parts))


@routes.on("GET", r"/{page}/blob/{rev}/(.+)")
def show_file(
    hub: Hub, request: Request, types: str | None, repo_id: str, revision: str, path: str
) -> Answer:
    repo = hub.repo(request, TYPES[types or "models"], repo_id)
    hub.check_gate(request, repo)
    commit = repo.resolve(revision)
    file = commit.tree.get(path)
    if file is None:
        raise HubError(404, "Entry not found", "EntryNotFound")
    pages, files = addresses(repo, commit)
    address = escape(f"{files}/{quote(path)}")
    facts = f"{link(repo)} · {commit.oid[:8]} · {file.size:,} bytes"
    head = f'<p class=muted>{facts} · <a href="{address}">the file itself</a></p>'
    if picture_type(path):
        shown = f'<p><img class=alone src="{address}" alt="{escape(path)}"></p>'
    elif path.endswith(".parquet") and file.size <= SIZE_LIMIT:
        shown = first_rows(hub, commit, path)
    else:
        text = plain_text(hub.contents.read(file)) if file.size <= TEXT_LIMIT else None
        if text is None:
            shown = "<p>This file is no text that could be shown here.</p>"
        elif path.endswith(".md"):
            folder = posixpath.dirname(path)
            shown = f"<article>{markdown(body(text), rewriting(pages, files, folder))}</article>"
        else:
            shown = f"<pre>{escape(text)}</pre>"
    return html_page(hub, path, head + shown)


def addresses(repo: Repo, commit: Commit) -> tuple[str, str]:
    """Where the files of a commit are shown, and where they are read."""
    place = quote(repo.address)
    return f"{place}/blob/{commit.oid}", f"{place}/resolve/{commit.oid}"


@routes.on("GET", r"/collections/([^/]+/[^/]+)")
def show_collection(hub: Hub, request: Request, slug: str) -> Answer:
    collection = hub.collections.get(slug)
    if collection is None or collection["private"]:
        raise HubError(404, "Collection not found")
    found = [hub.repos.get((item["type"], item["id"].lower())) for item in collection["items"]]
    text = f"<p>{escape(collection['description'] or '')}</p>"
    text += bullets(entry(repo, kind=True) for repo in found if repo and not repo.private)
    return html_page(hub, collection["title"], text)


def refusal(hub: Hub, request: Request, error: HubError) -> Answer:
    """An error as a page for a browser, and as the clients know it for everyone else."""
    answer = error.answer()
    if "text/html" in request.headers.get("accept", ""):
        text = f"<p>{escape(error.message)}</p>"
        page = html_page(hub, f"{error.status}", text)
        answer.body, answer.headers = page.body, {**answer.headers, **page.headers}
    return answer


def html_page(hub: Hub, title: str, content: str) -> Answer:
    text = (
        f"<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<header><a href="{hub.url}/">Embedded Hub</a></header>'
        f"<h1>{escape(title)}</h1>{content}</body></html>"
    )
    # what users published is shown, never run
    sources = f"'self' {hub.url} {hub.cdn} data:"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src {sources}"
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
    return Answer(text.encode(), headers=headers)


def bullets(items: Any) -> str:
    listed = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{listed}</ul>" if listed else "<p class=muted>none yet</p>"


def day(commit: Commit) -> str:
    return commit.date[:10]


def entry(repo: Repo, kind: bool = False) -> str:
    """A repository in a list: its name, what it holds and since when."""
    commit = repo.resolve("main")
    label = f" <span class=kind>{repo.type}</span>" if kind else ""
    size = sum(file.size for file in commit.tree.values())
    amount = f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
    facts = f"{len(commit.tree)} files, {amount}, {day(commit)}"
    return f"{link(repo)}{label} <span class=muted>{facts}</span>"


def link(repo: Repo) -> str:
    return f'<a href="{quote(repo.address)}">{escape(repo.id)}</a>'


def link_collection(collection: dict) -> str:
    return f'<a href="/collections/{quote(collection["slug"])}">{escape(collection["title"])}</a>'


def file_list(repo: Repo, commit: Commit) -> str:
    rows = []
    for path, file in sorted(commit.tree.items()):
        address = f"{addresses(repo, commit)[0]}/{quote(path)}"
        kind = "Xet" if file.xet else "LFS" if file.sha256 else "git"
        size = f"{file.size:,}"
        name = f'<a href="{escape(address)}">{escape(path)}</a>'
        rows.append(f"<tr><td>{name}</td><td class=number>{size}</td><td>{kind}</td></tr>")
    head = "<tr><th>file</th><th>bytes</th><th>kept by</th></tr>"
    table = f"<table tabindex=0>{head}{''.join(rows)}</table>"
    if len(rows) > FOLDED:
        table = f"<details><summary>{len(rows)} files</summary>{table}</details>"
    return f"<h2>Files</h2>{table}"
