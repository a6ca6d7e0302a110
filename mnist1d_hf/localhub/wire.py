"""Requests, answers, errors and routes: what the parts of the embedded Hub say to each other."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

TYPES = {"models": "model", "datasets": "dataset", "spaces": "space"}


class HubError(Exception):
    """A refusal: the clients act on the status and on `code` (sent as X-Error-Code)."""

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
        headers = {"X-Error-Message": self.message.replace("\n", " "), **self.headers}
        if self.code:
            headers["X-Error-Code"] = self.code
        return Answer.of(self.body, self.status, headers)


class Payload(dict):
    """A JSON object from outside: asking it for a missing field is the sender's error."""

    def __missing__(self, key: str) -> Any:
        raise HubError(400, f"The field {key!r} is missing")

    def text(self, key: str) -> str:
        if not isinstance(self[key], str):
            raise HubError(400, f"The field {key!r} is not a text")
        return self[key]


@dataclass
class Request:
    """What came in; the path is kept quoted, because revisions and file names may hold a slash."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes = b""
    status: int = 0  # of the answer, for the log

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    def json(self) -> Payload:
        return parse_json(self.body or b"{}")

    def form(self) -> Payload:
        """A body sent as JSON or as an HTML form, by the content type."""
        if "json" in self.headers.get("content-type", ""):
            return self.json()
        fields = parse_qs(self.body.decode(errors="replace"))
        return Payload({k: v if k == "paths" else v[-1] for k, v in fields.items()})

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        text = self.query.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise HubError(400, f"{name}={text}: not a number")
        return int(text)


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> "Answer":
        """The answer for what a route returned: an Answer as it is, anything else as JSON."""
        if isinstance(value, Answer):
            return value
        json_type = {"Content-Type": "application/json; charset=utf-8"}
        return cls(json.dumps(value).encode(), status, {**json_type, **(headers or {})})

    @classmethod
    def part(cls, request: Request, data: bytes, headers: dict[str, str]) -> "Answer":
        """The bytes a Range header asks for, or all of them."""
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
        if not match or match.groups() == ("", ""):
            return cls(data, 200, headers)
        first, last = match.groups()
        if first:
            start, end = int(first), min(int(last or len(data)), len(data) - 1)
        else:  # the last N bytes
            start, end = max(0, len(data) - int(last)), len(data) - 1
        if start >= len(data):
            return cls(b"", 416, {**headers, "Content-Range": f"bytes */{len(data)}"})
        span = {"Content-Range": f"bytes {start}-{end}/{len(data)}"}
        return cls(data[start : end + 1], 206, {**headers, **span})


Route = Callable[..., Any]
PARTS = {
    "{type}": r"(models|datasets|spaces)",
    "{repo}": r"(models|datasets|spaces)/([^/]+/[^/]+?)",
    # the address of a repository outside /api, where models have no prefix
    "{page}": r"(?:(datasets|spaces)/)?"
    r"((?!(?:api|cdn|cas|collections|datasets|spaces)/)[^/]+/[^/]+?)",
    "{rev}": r"([^/]+)",
    "{sha}": r"([0-9a-f]{64})",
}


class Routes(list[tuple[set[str], re.Pattern, Route]]):
    """Functions by method and path; `routes.on("GET", "/api/{repo}/refs")` adds one."""

    def on(self, methods: str, path: str) -> Callable[[Route], Route]:
        pattern = re.compile(re.sub(r"\{[a-z]+\}", lambda part: PARTS[part.group()], path))

        def add(route: Route) -> Route:
            self.append((set(methods.split("|")), pattern, route))
            return route

        return add

    def find(self, method: str, path: str) -> tuple[Route, list[str | None]]:
        for methods, pattern, route in self:
            match = pattern.fullmatch(path)
            if match and method in methods:
                return route, [None if g is None else unquote(g) for g in match.groups()]
        raise HubError(404, f"No such route: {method} {path}")


def parse_json(text: bytes) -> Payload:
    try:
        value = json.loads(text, object_hook=Payload)
    except (ValueError, RecursionError) as error:
        raise HubError(400, f"The body is not JSON: {error}") from None
    if not isinstance(value, Payload):
        raise HubError(400, "The body is not a JSON object")
    return value


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
