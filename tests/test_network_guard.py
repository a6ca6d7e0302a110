"""The guard itself: what it refuses, here and in child processes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

LOG = Path(os.environ["MNIST1D_NETWORK_LOG"])


def refused() -> str:
    return LOG.read_text()


def forget() -> None:
    LOG.write_text("")


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_a_connection_beyond_loopback_is_refused_and_recorded(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as s, pytest.raises(ConnectionRefusedError, match="stay on this"):
        s.connect(address)
    assert address[0] in refused()
    forget()


def test_a_name_look_up_is_refused():
    with pytest.raises(ConnectionRefusedError):
        socket.getaddrinfo("huggingface.co", 443)
    assert "huggingface.co" in refused()
    forget()


def test_loopback_is_allowed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    assert refused() == ""


def test_child_processes_are_guarded():
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.returncode == 1
    assert "tests stay on this machine" in child.stderr
    assert "192.0.2.1" in refused()
    forget()
