"""The first rows of Parquet files, as tables of a page."""

import io
import re
from html import escape
from typing import Any

from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.repo import Commit
from mnist1d_hf.localhub.wire import HubError

ROWS = 5  # shown of a file
AT_ONCE = 2  # files; more open on a click
MOST = 12  # files, of each split the first
SIZE_LIMIT = 64 << 20  # bytes; larger files are listed only


def previews(hub: Hub, commit: Commit) -> str:
    """The first rows of the repository's tables; empty when it has none."""
    found = [first_rows(hub, commit, path) for path in previewed(commit)]
    if not found:
        return ""
    text = f"<h2>First rows</h2><div class=previews>{''.join(found[:AT_ONCE])}</div>"
    if more := found[AT_ONCE:]:
        count = f"{len(more)} more {'file' if len(more) == 1 else 'files'}"
        inside = f"<div class=previews>{''.join(more)}</div>"
        text += f"<details><summary>{count}</summary>{inside}</details>"
    return text


def previewed(commit: Commit) -> list[str]:
    """The Parquet files whose first rows are shown: of files in several parts, the first."""
    found = [
        path
        for path, file in sorted(commit.tree.items())
        if path.endswith(".parquet")
        and file.size <= SIZE_LIMIT
        and not re.search(r"-(?!00000)\d{5}-of-\d{5}\.parquet$", path)
    ]
    return found[:MOST]


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
    table = f"<table tabindex=0><tr>{names}</tr>{table}</table>"
    return f"<section>{title}<p class=muted>{count}</p>{table}</section>"


def cell(value: Any) -> str:
    """A value as text, or a series of numbers as its curve."""
    if isinstance(value, list) and len(value) > 1 and all(isinstance(v, float) for v in value):
        low, high = min(value), max(value)
        step, scale = 140 / (len(value) - 1), 28 / ((high - low) or 1)
        points = " ".join(
            f"{i * step:.1f},{30 - (v - low) * scale:.1f}" for i, v in enumerate(value)
        )
        look = 'width="142" height="32" role="img" aria-label="series of numbers"'
        return f'<svg {look}><polyline points="{points}"/></svg>'
    text = str(value)
    return escape(text if len(text) <= 80 else text[:79] + "…")
