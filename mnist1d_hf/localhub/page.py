"""Pages for people: what is on this Hub, and a repository's card, files and first rows."""

import io
import re
from html import escape
from typing import Any
from urllib.parse import quote

from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.metadata import body
from mnist1d_hf.localhub.repos import Commit, Repo
from mnist1d_hf.localhub.wire import TYPES, Answer, HubError, Request, Routes

routes = Routes()

ROWS = 5  # shown of every Parquet file
PREVIEW_LIMIT = 64 << 20  # bytes; larger files are listed only
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { border: 1px solid #ccc; padding: .2rem .6rem; }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto; } img { max-width: 100%; }
header, .muted { color: #666; } svg { vertical-align: middle; }
"""


@routes.on("GET", r"/")
def index(hub: Hub, request: Request) -> Answer:
    parts = []
    for types, repo_type in TYPES.items():
        repos = [r for r in hub.repos.values() if r.type == repo_type and not r.private]
        parts.append(f"<h2>{types.capitalize()}</h2>" + bullets(map(link, repos)))
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
    facts = f"{repo.type} · {names} · showing {commit.oid[:8]}: {commit.title} ({commit.date})"
    parts = [
        f"<p class=muted>{escape(facts)}</p>",
        markdown(hub.text(commit, "README.md")),
        "<h2>Files</h2>",
        file_table(repo, commit),
        *(first_rows(hub, commit, path) for path in sorted(commit.tree)),
    ]
    # so that the card's pictures, named relative to the repository, are found
    base = f"{hub.url}{repo.address}/resolve/{commit.oid}/"
    return html_page(hub, repo.id, "".join(parts), base)


@routes.on("GET", r"/collections/([^/]+/[^/]+)")
def show_collection(hub: Hub, request: Request, slug: str) -> Answer:
    collection = hub.collections.get(slug)
    if collection is None or collection["private"]:
        raise HubError(404, "Collection not found")
    found = [hub.repos.get((item["type"], item["id"].lower())) for item in collection["items"]]
    text = f"<p>{escape(collection['description'] or '')}</p>"
    text += bullets(link(repo) for repo in found if repo and not repo.private)
    return html_page(hub, collection["title"], text)


def html_page(hub: Hub, title: str, content: str, base: str | None = None) -> Answer:
    head = f'<base href="{escape(base)}">' if base else ""
    text = (
        f"<!doctype html><html lang=en><head><meta charset=utf-8>{head}"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<header><a href="{hub.url}/">Embedded Hub</a></header>'
        f"<h1>{escape(title)}</h1>{content}</body></html>"
    )
    # what users published is shown, never run
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src {hub.url} {hub.cdn} data:"
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
    return Answer(text.encode(), headers=headers)


def bullets(items: Any) -> str:
    listed = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{listed}</ul>" if listed else "<p class=muted>none yet</p>"


def link(repo: Repo) -> str:
    return f'<a href="{quote(repo.address)}">{escape(repo.id)}</a>'


def link_collection(collection: dict) -> str:
    return f'<a href="/collections/{quote(collection["slug"])}">{escape(collection["title"])}</a>'


def markdown(card: str) -> str:
    """The card without its metadata; HTML in it is shown as text."""
    if not card:
        return "<p class=muted>no card</p>"
    import markdown_it

    text = re.sub(r"<!--.*?-->", "", body(card), flags=re.DOTALL)
    return markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table").render(text)


def file_table(repo: Repo, commit: Commit) -> str:
    rows = []
    for path, file in sorted(commit.tree.items()):
        address = f"{repo.address}/resolve/{commit.oid}/{quote(path)}"
        kind = "Xet" if file.xet else "LFS" if file.sha256 else "git"
        size = f"{file.size:,}"
        name = f'<a href="{quote(address, safe="/%")}">{escape(path)}</a>'
        rows.append(f"<tr><td>{name}</td><td align=right>{size}</td><td>{kind}</td></tr>")
    return f"<table><tr><th>file</th><th>bytes</th><th>kept by</th></tr>{''.join(rows)}</table>"


def first_rows(hub: Hub, commit: Commit, path: str) -> str:
    file = commit.tree[path]
    if not path.endswith(".parquet") or file.size > PREVIEW_LIMIT:
        return ""
    import pyarrow
    import pyarrow.parquet

    title = f"<h3>{escape(path)}</h3>"
    try:
        parquet = pyarrow.parquet.ParquetFile(io.BytesIO(hub.content(file)))
        batch = next(parquet.iter_batches(ROWS), None)
    except pyarrow.ArrowException as error:
        return f"{title}<p>cannot be read: {escape(str(error))}</p>"
    rows = batch.to_pylist() if batch else []
    names = "".join(f"<th>{escape(name)}</th>" for name in parquet.schema_arrow.names)
    cells = ("".join(f"<td>{cell(value)}</td>" for value in row.values()) for row in rows)
    table = "".join(f"<tr>{row}</tr>" for row in cells)
    count = f"{parquet.metadata.num_rows:,} rows, the first {len(rows)}:"
    return f"{title}<p class=muted>{count}</p><table><tr>{names}</tr>{table}</table>"


def cell(value: Any) -> str:
    """A value as text, or a series of numbers as its curve."""
    if isinstance(value, list) and len(value) > 1 and all(isinstance(v, float) for v in value):
        low, high = min(value), max(value)
        step, scale = 160 / (len(value) - 1), 28 / ((high - low) or 1)
        points = " ".join(
            f"{i * step:.1f},{30 - (v - low) * scale:.1f}" for i, v in enumerate(value)
        )
        line = f'<polyline points="{points}" fill="none" stroke="#06c"/>'
        return f'<svg width="162" height="32" role="img">{line}</svg>'
    text = str(value)
    return escape(text if len(text) <= 80 else text[:79] + "…")
