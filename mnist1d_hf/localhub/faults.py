"""Simulated faults of the network and the service, for tests."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from mnist1d_hf.localhub.wire import Answer, Request


@dataclass
class Fault:
    """A fault of requests whose "METHOD /path" matches, after the first `skip` such requests."""

    pattern: str
    times: int = 1
    skip: int = 0
    status: int | None = None  # answer this, and do nothing
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncate: int | None = None  # send so many bytes of the answer, then hang up
    corrupt: bool = False  # send an answer of the right length with wrong bytes
    drop: Literal["before", "after"] | None = None  # hang up without doing it, or having done it
    delay: float = 0.0  # seconds
    run: Callable[[Request], object] | None = None  # call this first

    def strikes(self, request: Request) -> bool:
        if self.times <= 0 or not re.search(self.pattern, f"{request.method} {request.path}"):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True

    def replaced(self) -> Answer | None:
        """The answer that replaces that of the Hub."""
        return Answer(self.body, self.status, dict(self.headers)) if self.status else None


def corrupted(data: bytes) -> bytes:
    """Wrong bytes of the same number."""
    return bytes(byte ^ 0xFF for byte in data)
