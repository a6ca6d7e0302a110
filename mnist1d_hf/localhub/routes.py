"""Routing of requests to functions, by method and path."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from mnist1d_hf.localhub.wire import HubError, Request

TYPES = {"models": "model", "datasets": "dataset", "spaces": "space"}
PARTS = {
    "{type}": r"(models|datasets|spaces)",
    "{repo}": r"(models|datasets|spaces)/([^/]+/[^/]+?)",
    # the address of a repository outside /api, where models have no prefix
    "{page}": r"(?:(datasets|spaces)/)?"
    r"((?!(?:api|cdn|cas|collections|datasets|spaces)/)[^/]+/[^/]+?)",
    "{rev}": r"([^/]+)",
    "{sha}": r"([0-9a-f]{64})",
}

Function = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """A function with the method and path that it answers.

    `admit(hub, request)` rejects unauthorised senders before the body is read; routes without it
    accept small bodies only.
    """

    methods: frozenset[str]
    pattern: re.Pattern[str]
    function: Function
    admit: Callable[[Any, Request], object] | None


class Routes(list[Route]):
    """`routes.on("GET", "/api/{repo}/refs")` adds a function."""

    def on(
        self, methods: str, path: str, *, admit: Callable[[Any, Request], object] | None = None
    ) -> Callable[[Function], Function]:
        pattern = re.compile(re.sub(r"\{[a-z]+\}", lambda part: PARTS[part.group()], path))

        def add(function: Function) -> Function:
            self.append(Route(frozenset(methods.split("|")), pattern, function, admit))
            return function

        return add

    def find(self, method: str, path: str) -> tuple[Route, list[str | None]]:
        for route in self:
            match = route.pattern.fullmatch(path)
            if match and method in route.methods:
                return route, [None if g is None else unquote(g) for g in match.groups()]
        raise no_route(method, path)


def no_route(method: str, path: str) -> HubError:
    return HubError(404, f"This Hub has no such route: {method} {path}")
