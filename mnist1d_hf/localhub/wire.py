"""Requests, answers and errors, the types that the parts of the embedded Hub exchange."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from mnist1d_hf.localhub.plain import one_line, to_json

SMALL_BODY = 16 << 20  # bytes; larger ones are taken on a few routes, from senders it knows
LONGEST_TEXT = 1 << 20  # characters of a field
MAX_NUMBER = 1 << 53  # the largest whole number that JSON carries safely


class HubError(Exception):
    """An error answer; clients act on the status and on `code` (sent as X-Error-Code)."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        body: dict | None = None,
    ):
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.headers, self.body = headers or {}, body or {"error": message}

    def answer(self) -> "Answer":
        headers = {"X-Error-Message": one_line(self.message)[:2000], **self.headers}
        if self.code:
            headers["X-Error-Code"] = self.code
        return Answer.of(self.body, self.status, headers)


class Payload(dict):
    """A JSON object from a client; HubError for missing fields and wrong types."""

    def __missing__(self, key: str) -> Any:
        raise HubError(400, f"The field {key!r} is missing")

    def text(self, key: str, default: str | None = None, limit: int = LONGEST_TEXT) -> str:
        """A text, or the default, if any, for a field that is missing, null or empty."""
        value = self[key] if default is None else self.get(key) or default
        if not isinstance(value, str):
            raise HubError(400, f"The field {key!r} is not a text")
        if len(value) > limit:
            raise HubError(413, f"The field {key!r} is longer than {limit:,} characters")
        return value

    def choice(self, key: str, choices: Collection[str]) -> str:
        value = self.text(key)
        if value not in choices:
            raise HubError(400, f"The field {key!r} is {value!r}: one of {', '.join(choices)}")
        return value

    def number(self, key: str) -> int:
        """A non-negative integer."""
        value = self[key]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_NUMBER:
            raise HubError(400, f"The field {key!r} is not a whole number from 0 to 2**53")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.get(key, default)
        if not isinstance(value, bool):
            raise HubError(400, f"The field {key!r} is neither true nor false")
        return value

    def object(self, key: str) -> "Payload":
        if not isinstance(self[key], Payload):
            raise HubError(400, f"The field {key!r} is not an object")
        return self[key]

    def list_of(self, key: str, kind: type, limit: int) -> list[Any]:
        """A list of texts or of objects."""
        value = self[key]
        if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
            raise HubError(400, f"The field {key!r} is not a list of {kind.__name__}")
        if len(value) > limit:
            raise HubError(413, f"The field {key!r} has {len(value):,} entries, at most {limit:,}")
        return value


@dataclass
class Request:
    """A request; its path stays quoted, since revisions and file names may contain slashes."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]  # names in lower case
    body: bytes = b""
    status: int = 0  # of the answer, for the log

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def bearer(self) -> str | None:
        """The token of the request."""
        header = self.headers.get("authorization")
        return header.removeprefix("Bearer ").strip() if header else None

    def json(self) -> Payload:
        return parse_json(self.body or b"{}")

    def form(self) -> Payload:
        """The body as JSON or as an HTML form, according to the content type."""
        if "json" in self.headers.get("content-type", ""):
            return self.json()
        fields = parse_qs(self.body.decode(errors="replace"))
        return Payload({k: v if k == "paths" else v[-1] for k, v in fields.items()})

    def option(self, name: str, default: str = "") -> str:
        """A parameter of the query; the last one if it is repeated."""
        return self.query.get(name, [default])[-1]

    def flag(self, name: str) -> bool:
        return self.option(name).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        text = self.option(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise HubError(400, f"{name}={text[:100]}: not a number")
        return int(text)

    def only(self, *names: str) -> None:
        """HubError for other parameters, since ignoring one would give a wrong answer."""
        for name in self.query:
            if name not in names:
                raise HubError(400, f"This Hub cannot list by {name!r}")


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> "Answer":
        """The answer for the result of a route: an Answer itself, and JSON of anything else."""
        if isinstance(value, Answer):
            return value
        json_type = {"Content-Type": "application/json; charset=utf-8"}
        return cls(to_json(value), status, {**json_type, **(headers or {})})

    @classmethod
    def bytes(
        cls, data: bytes, span: tuple[int, int] | None, size: int, headers: dict[str, str]
    ) -> "Answer":
        """An answer with a file of `size` bytes, or with a span of it."""
        if span is None:
            return cls(data, 200, headers)
        position = {"Content-Range": f"bytes {span[0]}-{span[1] - 1}/{size}"}
        return cls(data, 206, {**headers, **position})


def byte_range(request: Request, size: int) -> tuple[int, int] | None:
    """First byte, and last byte + 1, of a Range header; None without a range.

    Raises HubError 416 for a range that begins after the end.
    """
    match = re.fullmatch(r"bytes=([0-9]{0,15})-([0-9]{0,15})", request.headers.get("range", ""))
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first:
        start, stop = int(first), min(int(last or size), size - 1) + 1
    else:  # the last N bytes
        start, stop = max(0, size - int(last)), size
    if start >= size:
        headers = {"Content-Range": f"bytes */{size}"}
        raise HubError(416, "The range begins after the end of the file", headers=headers)
    return (start, stop) if start < stop else None


def parse_json(text: bytes) -> Payload:
    """Parse a body, or a line of it, as a JSON object."""
    try:
        value = json.loads(text.decode(), object_hook=Payload, parse_constant=refuse_constant)
        if b"\\u" in text:  # an escape may stand for half a character, which no file name may hold
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise HubError(400, f"The body is not JSON: {str(error)[:200]}") from None
    if not isinstance(value, Payload):
        raise HubError(400, "The body is not a JSON object")
    return value


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
