"""The embedded Hub over HTTP: it listens on this machine alone."""

import ipaddress
import re
import secrets
import socket
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from mnist1d_hf.localhub import (
    collections,
    discussions,
    files,
    lfs,
    metadata,
    page,
    repo_routes,
    xet,
)
from mnist1d_hf.localhub.faults import Fault, corrupted
from mnist1d_hf.localhub.hub import Hub
from mnist1d_hf.localhub.wire import Answer, HubError, Request, Routes

ROUTES = Routes(
    [
        *repo_routes.routes,
        *metadata.routes,
        *collections.routes,
        *files.routes,
        *discussions.routes,
        *lfs.routes,
        *xet.routes,
        *page.routes,
        *repo_routes.fallback,
    ]
)


class LocalHub(Hub):
    """A Hub one can connect to; `stop` it, or use it in a `with` statement.

    The API is at http://127.0.0.1:PORT and the bytes of large files at http://localhost:PORT: two
    origins, as on the real Hub, where the second must never see a user's token.
    """

    def __init__(
        self,
        directory: str | Path | None = None,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        max_body: int = 256 << 20,
        **options: Any,
    ):
        """Keep everything in `directory`, or in memory; port 0 takes a free one.

        Raises `ValueError` for a host that is not this machine, a port that cannot be had, and a
        folder another hub uses. `options` are those of `Hub`.
        """
        check_loopback(host)
        super().__init__(directory, **options)
        self.max_body = max_body  # bytes
        self.log: list[Request] = []
        self.faults: list[Fault] = []
        self.bugs: list[str] = []  # tracebacks of requests this program failed on
        try:
            self.server = Server((host, port), type("Handler", (Handler,), {"hub": self}))
        except OSError as error:
            self.store.close()
            raise ValueError(f"port {port} of {host} cannot be used: {error}") from None
        self.port = self.server.server_port
        self.url, self.cdn = f"http://127.0.0.1:{self.port}", f"http://localhost:{self.port}"

    def start(self) -> "LocalHub":
        """Answer requests from a thread of this process."""
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
        """The variables that send the Hugging Face libraries here; they read them on import."""
        return {"HF_ENDPOINT": self.url, "HF_TOKEN": token}

    def reset(self) -> None:
        super().reset()
        self.log.clear()
        self.faults.clear()
        self.bugs.clear()

    def fail(self, pattern: str, **what: Any) -> Fault:
        """Order a fault for requests that match, for example ("POST .*/commit/", status=503)."""
        self.faults.append(Fault(pattern, **what))
        return self.faults[-1]

    def calls(self, pattern: str = "") -> list[Request]:
        """The requests so far whose "METHOD /path" matches."""
        return [r for r in self.log if re.search(pattern, f"{r.method} {r.path}")]

    def note(self, request: Request) -> Fault | None:
        """Write a request down; the fault that strikes it, if any."""
        with self.lock:
            self.log.append(request)
            return next((fault for fault in self.faults if fault.strikes(request)), None)

    def answer(self, request: Request) -> Answer:
        try:
            if request.host not in (f"127.0.0.1:{self.port}", f"localhost:{self.port}"):
                # a web page whose name was made to point here would come with its own name
                raise HubError(403, f"This hub answers to {self.url}, not to {request.host!r}")
            return self.respond(ROUTES, request)
        except HubError as error:
            return page.refusal(self, request, error)
        except Exception as error:
            self.bugs.append(traceback.format_exc())
            print(self.bugs[-1], file=sys.stderr)
            return HubError(500, f"The embedded Hub failed: {error!r}").answer()


def check_loopback(host: str) -> None:
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        raise ValueError(f"host {host!r}: the embedded Hub serves this machine only, use 127.0.0.1")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Clients hang up as they like; faults of ours are kept in `LocalHub.bugs`."""


class Handler(BaseHTTPRequestHandler):
    hub: LocalHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60  # seconds without a word

    def log_message(self, *_: object) -> None:
        """Silent: `LocalHub.log` has everything."""

    def handle_any(self) -> None:
        path, _, query = self.path.partition("?")
        request = Request(
            self.command,
            path,
            {name: values[-1] for name, values in parse_qs(query, True).items()},
            {name.lower(): value for name, value in self.headers.items()},
        )
        try:
            request.body = self.read_body()
        except HubError as error:
            self.close_connection = True  # what follows is the rest of the body
            return self.send(request, error.answer())
        fault = self.hub.note(request) or Fault("")
        if fault.run:
            fault.run(request)
        time.sleep(fault.delay)
        if fault.drop == "before":
            return self.hang_up()
        answer = fault.replaced() or self.hub.answer(request)
        if fault.drop == "after":
            return self.hang_up()
        self.send(request, answer, fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any

    def read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self.read_chunks()
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit():
            raise HubError(400, f"Invalid Content-Length: {length}")
        return self.read(int(length))

    def read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            line = self.rfile.readline(100).split(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]+", line):
                raise HubError(400, "Invalid chunk")
            size = int(line, 16)
            body += self.read(size, len(body))
            self.rfile.readline(100)
            if not size:
                return bytes(body)

    def read(self, size: int, already: int = 0) -> bytes:
        if size + already > self.hub.max_body:
            raise HubError(413, f"The body is larger than {self.hub.max_body} bytes")
        data = self.rfile.read(size)
        if len(data) < size:
            raise HubError(400, "The body ended early")
        return data

    def send(self, request: Request, answer: Answer, fault: Fault | None = None) -> None:
        request.status = answer.status
        body = corrupted(answer.body) if fault and fault.corrupt else answer.body
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("X-Request-Id", f"Root=1-{secrets.token_hex(8)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault and fault.truncate is not None:
            self.wfile.write(body[: fault.truncate])
            return self.hang_up()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)


def serve(directory: str | Path | None = None, port: int = 0, user: str = "local") -> None:
    """Run an embedded Hub until Ctrl-C, and print how to use it.

    With `directory`, everything outlives the program, the token included. Raises `ValueError` for
    a folder another hub uses and for a port that cannot be had.
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
