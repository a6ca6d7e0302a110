"""A repository to try things on, and requests that no client has tidied up."""

import http.client

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

REPO = "alice/m"
BIG = bytes(range(256)) * 4096  # 1 MiB, kept by Xet or LFS


@pytest.fixture
def commit(hub):
    """A function that commits operations to alice/m."""

    def make(*operations, commit_message="Change", **options):
        api = HfApi(token=options.pop("token", None))
        return api.create_commit(REPO, list(operations), commit_message=commit_message, **options)

    return make


@pytest.fixture
def repo(hub, commit):
    """A hub that has alice/m with a small and a large file."""
    HfApi().create_repo(REPO)
    commit(CommitOperationAdd("a.txt", b"small"), CommitOperationAdd("data/b.bin", BIG))
    return hub


@pytest.fixture
def ask(hub):
    """A function that sends one request and gives status, headers and body of the answer."""

    def send(method, path, body=b"", headers=None, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or hub.port, timeout=20)
        connection.putrequest(method, path, skip_host=bool(headers and "Host" in headers))
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        result = answer.status, answer.headers, answer.read()
        connection.close()
        return result

    return send
