"""What users wrote, as parts of a page: Markdown, pictures and text. Nothing in it ever runs."""

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urlsplit

LONGEST = 200_000  # characters that are shown
# Characters of HTML in one place of a document; more is shown as text, since the time that
# html.parser takes for tags without ends grows with the square of their number.
MOST_HTML = 4000
COMMENT = re.compile("<!--.*?(?:-->|\\Z)", re.DOTALL)

# Pictures by the ends of their names, and what a browser may do with one that is opened alone: an
# SVG can hold scripts.
PICTURES = {
    **{".png": "image/png", ".gif": "image/gif", ".svg": "image/svg+xml", ".webp": "image/webp"},
    **{".jpg": "image/jpeg", ".jpeg": "image/jpeg"},
}
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

# The HTML that is kept in Markdown; all else of it is shown as text.
TAGS = {
    **{"a": ("id", "href"), "img": ("src", "alt", "width", "height"), "p": ("align",)},
    **{"picture": (), "source": ("media", "srcset"), "details": (), "summary": (), "br": ()},
    **{"sub": (), "sup": (), "kbd": (), "div": ("align",)},
}

Rewrite = Callable[[str, bool], str]


def picture_type(path: str) -> str | None:
    """The content type of a picture, by its name; None for any other file."""
    return PICTURES.get(posixpath.splitext(path)[1].lower())


def rewriting(pages: str, files: str, folder: str = "") -> Rewrite:
    """A function that makes an address in a document of `folder` one of this Hub.

    Other files are found as pages under `pages`, pictures as they are under `files`. What is
    neither in the repository nor on the web becomes a link to nothing.
    """

    def rewrite(address: str, picture: bool) -> str:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return address if parts.scheme in ("http", "https", "mailto") else "#"
        if not parts.path or parts.path.startswith("/"):
            return address
        path = posixpath.normpath(posixpath.join(folder, unquote(parts.path)))
        if path.startswith(".."):
            return "#"
        place = f"{files if picture else pages}/{quote(path)}"
        return f"{place}#{parts.fragment}" if parts.fragment else place

    return rewrite


def markdown(text: str, rewrite: Rewrite) -> str:
    """Markdown as HTML: tables, anchors of headings as on GitHub, and the few `TAGS`."""
    import markdown_it

    parser = markdown_it.MarkdownIt("commonmark").enable("table")
    seen: Counter[str] = Counter()

    def kept(tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
        return clean(tokens[index].content, rewrite)

    for rule in ("html_inline", "html_block"):
        parser.renderer.rules[rule] = kept  # type: ignore[attr-defined]
    tokens = parser.parse(text[:LONGEST])
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before is not None and before.type == "heading_open":
            before.attrSet("id", anchor(token, seen))
        if token.type == "table_open":
            token.attrSet("tabindex", "0")  # so that keys can move what is wider than the page
        for child in token.children or []:
            for name in ("href", "src"):
                if name in child.attrs:
                    child.attrSet(name, rewrite(str(child.attrs[name]), name == "src"))
    return parser.renderer.render(tokens, parser.options, {})


def anchor(heading: Any, seen: Counter[str]) -> str:
    """The name by which links find a heading; of equal ones, the second ends in -1."""
    words = "".join(child.content for child in heading.children or [])
    name = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}-{seen[name] - 1}"


def clean(html: str, rewrite: Rewrite) -> str:
    """HTML of which the `TAGS` remain, each with no attributes but those of its row.

    Comments are left out.
    """
    html = COMMENT.sub("", html)
    if len(html) > MOST_HTML:
        return escape(html)
    cleaner = Cleaner(rewrite)
    cleaner.feed(html)
    cleaner.close()
    return "".join(cleaner.parts)


class Cleaner(HTMLParser):
    def __init__(self, rewrite: Rewrite):
        super().__init__(convert_charrefs=False)
        self.rewrite = rewrite
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.parts.append(escape(self.get_starttag_text() or ""))
            return
        look = ""
        for name, value in attrs:
            if name not in TAGS[tag] or value is None:
                continue
            if name in ("href", "src", "srcset"):
                value = self.rewrite(value, name != "href")
            look += f' {name}="{escape(value)}"'
        if tag == "img" and " alt=" not in look:
            look += ' alt=""'
        self.parts.append(f"<{tag}{look}>")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>" if tag in TAGS else escape(f"</{tag}>"))

    def handle_data(self, data: str) -> None:
        self.parts.append(escape(data))

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")


def plain_text(data: bytes) -> str | None:
    """The text of a file, cut where it is too long; None when it is no text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text[:LONGEST]
