"""HTTP connections on this machine, with limits on their time and number."""

import io
import re
import secrets
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote

from mnist1d_hf.localhub.faults import Fault, corrupted
from mnist1d_hf.localhub.plain import header_text
from mnist1d_hf.localhub.wire import Answer, HubError, Request

IDLE_SECONDS = 30  # limit of the wait for the next request of a connection
GRACE_SECONDS = 20  # limit for receiving a request and for sending an answer, plus
PACE = 10_000  # one second per so many bytes
MAX_CONNECTIONS = 200
LINGER_BYTES = 64 << 20  # of a rejected request that are read before the connection closes


class Paced(io.RawIOBase):
    """Reads from a socket; times out if the sender is slower than the minimum pace."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self.begin(IDLE_SECONDS)

    def begin(self, grace: float) -> None:
        self.deadline = time.monotonic() + grace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the sender is too slow")
        self.connection.settimeout(left)
        count = self.connection.recv_into(buffer)
        self.deadline += count / PACE
        return count


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type, limit: int = MAX_CONNECTIONS):
        self.limit = limit
        self.open: set[socket.socket] = set()
        self.waiting: dict[socket.socket, None] = {}  # without a request, the longest waiting first
        self.guard = threading.Lock()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError:  # no descriptor is left: trying at once again would keep a core busy
            time.sleep(0.05)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Accept a connection; if there are too many, close the one that has waited longest."""
        with self.guard:
            full = len(self.open) >= self.limit
            longest = next(iter(self.waiting), None) if full else None
            if longest:
                del self.waiting[longest]
            if longest or not full:
                self.open.add(request)
        if longest:
            hang_up(longest)
        elif full:
            request.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return self.shutdown_request(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self.guard:
                self.open.discard(request)
                self.waiting.pop(request, None)

    def server_close(self) -> None:
        """Stop listening, and close all connections."""
        super().server_close()
        with self.guard:
            for connection in self.open:
                hang_up(connection)

    def handle_error(self, *_: object) -> None:
        """Ignore errors of connections that clients close; the Hub records its own errors."""


def hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other end was faster


class Handler(BaseHTTPRequestHandler):
    hub: Any
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rfile: io.BufferedReader

    def setup(self) -> None:
        super().setup()
        self.paced = Paced(self.connection)
        self.rfile = io.BufferedReader(self.paced)

    def log_message(self, *_: object) -> None:
        """Print nothing; `LocalHub` can keep a log."""

    def handle_one_request(self) -> None:
        with self.server.guard:
            self.server.waiting[self.connection] = None
        try:
            self.paced.begin(IDLE_SECONDS)
            if not self.rfile.peek(1):
                self.close_connection = True
                return
            self.paced.begin(GRACE_SECONDS)
            super().handle_one_request()
        except TimeoutError:
            self.close_connection = True

    def handle_any(self) -> None:
        with self.server.guard:
            self.server.waiting.pop(self.connection, None)
        # some clients send unquoted characters that should be quoted
        path, _, query = self.path.partition("?")
        request = Request(
            self.command,
            re.sub(r"[^!-~]", lambda letter: quote(letter.group().encode("latin-1")), path),
            parse_qs(query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
        )
        refused = self.read_body(request)
        fault = self.hub.note(request) or Fault("")
        if fault.run:
            fault.run(request)
        time.sleep(fault.delay)
        if fault.drop == "before":
            return self.drop()
        answer = refused or fault.replaced() or self.hub.answer(request)
        request.body = b""
        if fault.drop == "after":
            return self.drop()
        request.status = answer.status
        self.send(answer, fault)
        if refused and self.close_connection:
            self.linger()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that cannot be parsed."""
        self.close_connection = True
        self.send(HubError(code, message or "Not a request of HTTP").answer())

    # -- the body ----------------------------------------------------------------------------------

    def read_body(self, request: Request) -> Answer | None:
        """Read the body of a request; returns an answer if the body is rejected."""
        chunked = "chunked" in request.headers.get("transfer-encoding", "").lower()
        length = request.headers.get("content-length", "0").strip() or "0"
        given = self.headers.get_all("Content-Length", [])
        try:
            if not re.fullmatch(r"[0-9]{1,15}", length):
                raise HubError(400, f"Invalid Content-Length: {length[:100]}")
            if len(given) + chunked > 1:
                raise HubError(400, "The length of the body is given twice")
            if chunked or int(length):
                limit = self.hub.body_limit(request)
                read = self.read_chunks if chunked else lambda most: self.read(int(length), most)
                request.body = read(limit)
        except HubError as error:
            self.close_connection = True  # what follows is the rest of the body
            return self.hub.refusal(request, error)
        except TimeoutError:
            self.close_connection = True
            return HubError(408, "The body came too slowly").answer()
        return None

    def read_chunks(self, limit: int) -> bytes:
        body = bytearray()
        while True:
            line = self.rfile.readline(100).split(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,12}", line):
                raise HubError(400, "Invalid chunk")
            size = int(line, 16)
            body += self.read(size, limit - len(body))
            self.rfile.readline(100)
            if not size:
                return bytes(body)

    def read(self, size: int, limit: int) -> bytes:
        if size > limit:
            raise HubError(413, "The body is larger than this Hub takes on this route")
        data = self.rfile.read(size)
        if len(data) < size:
            raise HubError(400, "The body ended early")
        return data

    # -- the answer --------------------------------------------------------------------------------

    def send(self, answer: Answer, fault: Fault | None = None) -> None:
        """Write an answer; headers with line breaks are rejected here."""
        try:
            headers = {name: header_text(value) for name, value in answer.headers.items()}
        except ValueError as error:
            answer = self.hub.failure(error)
            headers = {name: header_text(value) for name, value in answer.headers.items()}
        body = corrupted(answer.body) if fault and fault.corrupt else answer.body
        self.connection.settimeout(GRACE_SECONDS + len(body) / PACE)
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Request-Id", f"Root=1-{secrets.token_hex(8)}")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault and fault.truncate is not None:
            self.wfile.write(body[: fault.truncate])
            return self.drop()
        self.wfile.write(body)

    def linger(self) -> None:
        """Read the rest of a rejected request, so that the sender receives the answer."""
        self.connection.shutdown(socket.SHUT_WR)
        self.paced.begin(1)
        left = LINGER_BYTES
        while left > 0 and (data := self.rfile.read1(1 << 16)):
            left -= len(data)

    def drop(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        hang_up(self.connection)
