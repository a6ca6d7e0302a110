"""Conversion of any value to valid JSON, and of any text to a valid header."""

import base64
import json
import math
import re
from datetime import date, time
from typing import Any

DIGITS = 4000  # of an integer; Python writes no longer ones


def to_json(value: Any) -> bytes:
    """Valid JSON for any value, whatever a card, a path or a name contains."""
    return json.dumps(plain(value), allow_nan=False).encode()


def plain(value: Any) -> Any:
    """The value as JSON types.

    Dates and times become ISO text, sets lists, bytes base64, non-finite numbers null, and lone
    surrogates question marks.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 3 * DIGITS else hex(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key_text(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=str)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return plain(str(value))


def key_text(key: Any) -> str:
    """A key as text."""
    inner = plain(key)
    return inner if isinstance(inner, str) else json.dumps(inner)


def one_line(text: str) -> str:
    """A message without line breaks and other control characters."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()


def header_text(text: str) -> str:
    """A header's value as `http.server` takes it, whose bytes are UTF-8, as clients read them.

    Raises ValueError for line breaks and other control characters: what follows one would be
    another header, or a page.
    """
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError(f"a header's value has a control character: {text!r}")
    return text.encode(errors="replace").decode("latin-1")
