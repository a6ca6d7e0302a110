"""Pages for people: what is on this Hub, and a repository's card, files and first rows."""

import io
import re
from html import escape
from typing import Any
from urllib.parse import quote

from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.metadata import body
from mnist1d_hf.localhub.repo import Commit, Repo
from mnist1d_hf.localhub.routes import TYPES, Routes
from mnist1d_hf.localhub.wire import Answer, HubError, Request

routes = Routes()

ROWS = 5  # shown of a Parquet file
PREVIEWS = 12  # files, of each split the first
PREVIEW_LIMIT = 64 << 20  # bytes; larger files are listed only
CARD_LIMIT = 200_000  # characters that are shown
FOLDED = 20  # files; a longer list opens on a click
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
  max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }
body > header { border-bottom: 1px solid #ccc; padding-bottom: .5rem; margin-bottom: 1rem; }
a { color: #05a; } .muted, .muted a, body > header a { color: #666; }
h1 { margin: .3rem 0; } h1, h2, h3 { line-height: 1.2; } h3 { margin-bottom: .3rem; }
.kind { background: #eef; border-radius: .3rem; padding: .1rem .5rem; }
article { border: 1px solid #ddd; border-radius: .5rem; padding: 0 1.2rem; margin: 1rem 0; }
table { border-collapse: collapse; display: block; max-width: 100%; overflow-x: auto; }
td, th { border: 1px solid #ccc; padding: .2rem .6rem; }
th { text-align: left; } td.number { text-align: right; }
pre { background: #f4f4f4; padding: .6rem; white-space: pre-wrap; }
img { max-width: 100%; } svg { vertical-align: middle; }
.previews { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); }
section { min-width: 0; margin-bottom: 1rem; } section p { margin: 0; }
section h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; } summary { cursor: pointer; }
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
    rows = [first_rows(hub, commit, path) for path in previewed(commit)]
    parts = [
        f"<p class=muted><span class=kind>{repo.type}</span> {escape(facts)}</p>",
        f"<article>{markdown(hub.text(commit, 'README.md'))}</article>",
        f"<h2>First rows</h2><div class=previews>{''.join(rows)}</div>" if rows else "",
        file_list(repo, commit),
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


def html_page(hub: Hub, title: str, content: str, base: str | None = None) -> Answer:
    head = f'<base href="{escape(base)}">' if base else ""
    text = (
        f"<!doctype html><html lang=en><head><meta charset=utf-8>{head}"
        '<meta name=viewport content="width=device-width">'
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


def markdown(card: str) -> str:
    """The card without its metadata; HTML in it is shown as text."""
    if not card:
        return "<p class=muted>no card</p>"
    import markdown_it

    first, *rest = body(card)[:CARD_LIMIT].split("<!--")
    text = first + "".join(piece.partition("-->")[2] for piece in rest)
    return markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table").render(text)


def file_list(repo: Repo, commit: Commit) -> str:
    rows = []
    for path, file in sorted(commit.tree.items()):
        address = f"{repo.address}/resolve/{commit.oid}/{quote(path)}"
        kind = "Xet" if file.xet else "LFS" if file.sha256 else "git"
        size = f"{file.size:,}"
        name = f'<a href="{quote(address, safe="/%")}">{escape(path)}</a>'
        rows.append(f"<tr><td>{name}</td><td class=number>{size}</td><td>{kind}</td></tr>")
    table = f"<table><tr><th>file</th><th>bytes</th><th>kept by</th></tr>{''.join(rows)}</table>"
    if len(rows) > FOLDED:
        table = f"<details><summary>{len(rows)} files</summary>{table}</details>"
    return f"<h2>Files</h2>{table}"


def previewed(commit: Commit) -> list[str]:
    """The Parquet files whose first rows are shown: of files in several parts, the first."""
    found = [
        path
        for path, file in sorted(commit.tree.items())
        if path.endswith(".parquet")
        and file.size <= PREVIEW_LIMIT
        and not re.search(r"-(?!00000)\d{5}-of-\d{5}\.parquet$", path)
    ]
    return found[:PREVIEWS]


def first_rows(hub: Hub, commit: Commit, path: str) -> str:
    import pyarrow
    import pyarrow.parquet

    title = f"<h3>{escape(path)}</h3>"
    try:
        content = hub.contents.read(commit.tree[path])
        parquet = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        batch = next(parquet.iter_batches(ROWS), None)
        rows = batch.to_pylist() if batch else []
    except (pyarrow.ArrowException, ValueError, OverflowError, OSError, HubError) as error:
        return f"<section>{title}<p>cannot be read: {escape(str(error))}</p></section>"
    names = "".join(f"<th>{escape(name)}</th>" for name in parquet.schema_arrow.names)
    cells = ("".join(f"<td>{cell(value)}</td>" for value in row.values()) for row in rows)
    table = "".join(f"<tr>{row}</tr>" for row in cells)
    count = f"{parquet.metadata.num_rows:,} rows, the first {len(rows)}:"
    table = f"<table><tr>{names}</tr>{table}</table>"
    return f"<section>{title}<p class=muted>{count}</p>{table}</section>"


def cell(value: Any) -> str:
    """A value as text, or a series of numbers as its curve."""
    if isinstance(value, list) and len(value) > 1 and all(isinstance(v, float) for v in value):
        low, high = min(value), max(value)
        step, scale = 140 / (len(value) - 1), 28 / ((high - low) or 1)
        points = " ".join(
            f"{i * step:.1f},{30 - (v - low) * scale:.1f}" for i, v in enumerate(value)
        )
        line = f'<polyline points="{points}" fill="none" stroke="#06c"/>'
        return f'<svg width="142" height="32" role="img">{line}</svg>'
    text = str(value)
    return escape(text if len(text) <= 80 else text[:79] + "…")
