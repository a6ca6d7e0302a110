"""Nobody keeps others from the embedded Hub by being slow, idle or many."""

import socket
import threading
import time

import pytest

from mnist1d_hf.localhub import LocalHub, connections
from mnist1d_hf.localhub.wire import SMALL_BODY

pytestmark = pytest.mark.parametrize("hub", ["lfs"], indirect=True)
PATIENCE = 60  # seconds, far more than any of this takes


def dial(hub):
    return socket.create_connection(("127.0.0.1", hub.port), timeout=PATIENCE)


def ended(connection):
    """Whether the other end hangs up, after an answer perhaps."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


def drip(connection, text):
    """Send a byte now and then until the other end has had enough."""
    connection.settimeout(0.02)
    end = time.monotonic() + PATIENCE
    received = b""
    for letter in text:
        assert time.monotonic() < end
        try:
            connection.sendall(bytes([letter]))
            data = connection.recv(4096)
        except TimeoutError:
            continue
        except ConnectionError:
            return received
        received += data
        if not data:
            return received
    pytest.fail("all of it was taken")


def test_a_request_that_drips_in_is_given_up(hub, monkeypatch):
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(connections, "PACE", 1e9)
    with dial(hub) as connection:
        assert drip(connection, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 3000) == b""
    head = f"POST /api/validate-yaml HTTP/1.1\r\nHost: 127.0.0.1:{hub.port}\r\n"
    with dial(hub) as connection:
        connection.sendall(f"{head}Content-Length: 5000\r\n\r\n".encode())
        assert drip(connection, b"a" * 3000).startswith(b"HTTP/1.1 408 ")


def test_a_connection_without_requests_ends(hub, ask, monkeypatch):
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.2)
    with dial(hub) as connection:
        assert ended(connection)
    assert ask("GET", "/")[0] == 200


def test_idle_connections_make_room(hub, ask, monkeypatch):
    monkeypatch.setattr(hub.server, "limit", 10)
    idle = [dial(hub) for _ in range(40)]
    for connection in idle[1::2]:
        connection.sendall(b"GET / HTTP/1.1\r\nX: the rest never comes")
    for _ in range(30):
        assert ask("GET", "/")[0] == 200
    for connection in idle[:20]:
        assert ended(connection)
    for connection in idle:
        connection.close()


def test_when_all_are_busy_the_next_is_told(hub, ask, monkeypatch):
    go_on, started = threading.Event(), threading.Semaphore(0)

    def wait(request):
        started.release()
        assert go_on.wait(PATIENCE)

    for connection in tuple(hub.server.open):  # that clients of other tests keep alive
        connections.hang_up(connection)
    while hub.server.open:
        time.sleep(0.01)
    hub.fail("GET /busy", run=wait, times=3)
    monkeypatch.setattr(hub.server, "limit", 3)
    threads = [threading.Thread(target=ask, args=("GET", "/busy")) for _ in range(3)]
    for thread in threads:
        thread.start()
        assert started.acquire(timeout=PATIENCE)
    with dial(hub) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 503 ")
    go_on.set()
    for thread in threads:
        thread.join()
    while hub.server.open:  # their threads end
        time.sleep(0.01)
    assert ask("GET", "/")[0] == 200


def test_the_sender_of_a_body_that_is_refused_reads_why(hub, ask):
    status, headers, body = ask("POST", "/api/validate-yaml", b"x" * (SMALL_BODY + 1))
    assert status == 413 and headers["Connection"] == "close" and b"larger" in body


def test_no_connection_outlives_its_hub(hub):
    """One that is kept alive would go on asking a hub that has closed its store."""
    with LocalHub() as first:
        connection = dial(first)
        request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{first.port}\r\n\r\n".encode()
        connection.sendall(request)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert ended(connection)
    connection.close()


@pytest.mark.parametrize(
    "request_line",
    [b"", b"GET", b"GET /", b"GET / HTTP/9.9", b"\xff\xfe / HTTP/1.1", b"BREW / HTTP/1.1"],
)
def test_what_is_not_http_is_refused(hub, ask, request_line):
    with dial(hub) as connection:
        connection.sendall(request_line + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096)
        assert b"Traceback" not in answer and b" 200 " not in answer
        assert ended(connection)
    assert ask("GET", "/")[0] == 200
