"""The HTTP server of the embedded Hub, which listens on this machine only."""

import re
import sqlite3
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from mnist1d_hf.localhub import (
    collections,
    commits,
    discussions,
    files,
    lfs,
    metadata,
    page,
    refs,
    repo_routes,
    xet,
)
from mnist1d_hf.localhub.clients import redirect_clients
from mnist1d_hf.localhub.connections import Handler, Server
from mnist1d_hf.localhub.faults import Fault
from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.routes import Routes
from mnist1d_hf.localhub.wire import SMALL_BODY, Answer, HubError, Request

NAMES = ("127.0.0.1", "localhost")
ROUTES = Routes(
    [
        *repo_routes.routes,
        *refs.routes,
        *metadata.routes,
        *collections.routes,
        *files.routes,
        *commits.routes,
        *discussions.routes,
        *lfs.routes,
        *xet.routes,
        *page.routes,
        *repo_routes.fallback,
    ]
)


class LocalHub(Hub):
    """A Hub that clients can connect to; call `stop`, or use it in a `with` statement.

    The API is at 127.0.0.1 or localhost, and large files are at the other name: two origins, as on
    the real Hub, where the storage origin must never receive a user's token.
    """

    def __init__(
        self,
        directory: str | Path | None = None,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        max_body: int = 256 << 20,
        keep_log: bool = False,
        **options: Any,
    ):
        """Store everything in `directory`, or in memory; port 0 selects a free port.

        `host` is the name of the API's origin. With `keep_log`, for tests, `log` has all requests
        without their bodies, and `bugs` the tracebacks of internal errors. Requests of more than
        `max_body` bytes are rejected. `options` are those of `Hub`.

        Raises ValueError for another host, a port that is not available, a folder in use, and a
        damaged database.
        """
        if host not in NAMES:
            raise ValueError(
                f"host {host!r}: the embedded Hub serves this machine only, by its two names: "
                f"use {' or '.join(NAMES)}"
            )
        if not 0 <= port < 1 << 16:
            raise ValueError(
                f"port {port} cannot be used: choose one from 1 to 65535, or 0 for any"
            )
        super().__init__(directory, **options)
        self.max_body, self.keep_log = max_body, keep_log
        self.log: list[Request] = []
        self.faults: list[Fault] = []
        self.bugs: list[str] = []
        try:
            self.server = Server(("127.0.0.1", port), type("Handler", (Handler,), {"hub": self}))
        except OSError as error:
            self.store.close()
            raise ValueError(f"port {port} of {host} cannot be used: {error}") from None
        self.port = self.server.server_port
        self.hosts = [f"{name}:{self.port}" for name in NAMES]
        other = NAMES[1 - NAMES.index(host)]
        self.url, self.cdn = f"http://{host}:{self.port}", f"http://{other}:{self.port}"

    def start(self) -> "LocalHub":
        """Start to answer requests, in a thread of this process."""
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            self.store.close()

    def __enter__(self) -> "LocalHub":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def environment(self, token: str) -> dict[str, str]:
        """Environment variables with which other processes use this Hub."""
        return {"HF_ENDPOINT": self.url, "HF_TOKEN": token}

    def connect(self, token: str) -> None:
        """Redirect the Hugging Face libraries of this process and its children to this Hub.

        Imported libraries are updated by `redirect_clients`.
        """
        redirect_clients(self.environment(token))

    def reset(self) -> None:
        super().reset()
        self.log.clear()
        self.faults.clear()
        self.bugs.clear()

    def fail(self, pattern: str, **what: Any) -> Fault:
        """Add a fault for matching requests, for example ("POST .*/commit/", status=503)."""
        self.faults.append(Fault(pattern, **what))
        return self.faults[-1]

    def calls(self, pattern: str = "") -> list[Request]:
        """The logged requests whose "METHOD /path" matches."""
        return [r for r in self.log if re.search(pattern, f"{r.method} {r.path}")]

    def note(self, request: Request) -> Fault | None:
        """Log a request; returns the fault that applies to it, or None."""
        with self.lock:
            if self.keep_log:
                self.log.append(request)
            return next((fault for fault in self.faults if fault.strikes(request)), None)

    # -- answers -----------------------------------------------------------------------------------

    def body_limit(self, request: Request) -> int:
        """The largest body that a request may have, decided before it is read.

        Raises HubError for a request that is rejected whatever its body.
        """
        self.check_host(request)
        route, _ = ROUTES.find(request.method, request.path)
        if route.admit is None:
            return min(SMALL_BODY, self.max_body)
        with self.lock:
            route.admit(self, request)
        return self.max_body

    def check_host(self, request: Request) -> None:
        if request.host not in self.hosts:
            # DNS rebinding: a web page whose name resolves to this machine sends its own name
            raise HubError(403, f"This hub answers to {self.url}, not to {request.host[:200]!r}")

    def answer(self, request: Request) -> Answer:
        try:
            self.check_host(request)
            return self.respond(ROUTES, request)
        except HubError as error:
            return self.refusal(request, error)
        except sqlite3.Error as error:
            message = f"The embedded Hub cannot use {self.store.name}: {error}"
            print(message, file=sys.stderr)
            return HubError(500, message).answer()
        except Exception as error:
            return self.failure(error)

    def refusal(self, request: Request, error: HubError) -> Answer:
        return page.refusal(self, request, error)

    def failure(self, error: Exception) -> Answer:
        """The answer after an internal error."""
        text = "".join(traceback.format_exception(error))
        print(text, file=sys.stderr)
        if self.keep_log:
            self.bugs.append(text)
        return HubError(500, f"The embedded Hub failed: {error!r}").answer()


def serve(directory: str | Path | None = None, port: int = 0, user: str = "local") -> None:
    """Run an embedded Hub until Ctrl-C, and print how to use it.

    With `directory`, everything is persistent, including the token. Raises ValueError as `LocalHub`
    does.
    """
    with LocalHub(directory, port=port) as hub:
        token = hub.add_user(user)
        print(f"The embedded Hub runs at {hub.url} (open it in a browser); Ctrl-C ends it.")
        print(f"Everything is kept in {directory or 'memory, until it ends'}. In another terminal:")
        for name, value in hub.environment(token).items():
            print(f"export {name}={value}")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


def collect(directory: str | Path) -> tuple[int, int]:
    """Delete contents that no commit needs from a hub's folder; returns its size before and after.

    Raises ValueError for a folder without a hub, a folder in use, and a damaged database.
    """
    file = Path(directory) / "hub.sqlite3"
    if not file.is_file():
        raise ValueError(f"folder {directory} holds no hub: there is no {file.name} in it")
    before, hub = file.stat().st_size, Hub(directory)
    try:
        hub.collect()
    finally:
        hub.store.close()
    return before, file.stat().st_size
