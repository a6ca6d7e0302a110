"""Refuses every connection that leaves this machine, in the test process and in its children.

Python imports `sitecustomize` at start-up from any folder on PYTHONPATH, which conftest.py sets,
so subprocesses are guarded as well. A refused attempt is also written to MNIST1D_NETWORK_LOG:
libraries swallow connection errors, and a test that tried to leave the machine must fail.
"""

import ipaddress
import os
import socket
import sys


def is_local(host: object) -> bool:
    if host is None or host in (b"", "", "localhost", b"localhost", socket.gethostname()):
        return True
    try:
        text = host.decode() if isinstance(host, bytes) else str(host)
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def refuse(host: object) -> None:
    with open(os.environ["MNIST1D_NETWORK_LOG"], "a") as log:
        log.write(f"{host!r} from {sys.argv}\n")
    raise ConnectionRefusedError(f"tests stay on this machine, but something asked for {host!r}")


def guard(event: str, args: tuple) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        # an address that is no tuple is a path of this machine (AF_UNIX)
        if isinstance(address, tuple) and not is_local(address[0]):
            refuse(address[0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not is_local(args[0]):
        refuse(args[0])


if "MNIST1D_NETWORK_LOG" in os.environ:
    sys.addaudithook(guard)
