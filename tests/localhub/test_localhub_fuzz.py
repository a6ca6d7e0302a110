"""Requests with something wrong in them: each is refused, or makes sense after all."""

import copy
import http.client
import json
import random

import pytest
from huggingface_hub import HfApi

REPO = "alice/m"
COUNT = 2000  # a few seconds
HEADER = {"key": "header", "value": {"summary": "x", "description": "y", "parentCommit": "0" * 40}}
FILE = {"key": "file", "value": {"path": "f.txt", "content": "eA==", "encoding": "base64"}}
LARGE_FILE = {"key": "lfsFile", "value": {"path": "l.bin", "algo": "sha256", "oid": "0" * 64}}
GONE = {"key": "deletedFile", "value": {"path": "gone.txt"}}
ITEM = {"item": {"type": "model", "id": REPO}, "note": "n"}
PARTS = {"oid": "0" * 64, "parts": [{"partNumber": 1, "etag": "x"}]}
OBJECTS = [{"oid": "0" * 64, "size": 5}]
MODEL = f"/api/models/{REPO}"
# method, address and what is sent: nothing, a JSON object, or some that are lines
REQUESTS = [
    ("GET", "/api/whoami-v2", None),
    (
        "POST",
        "/api/repos/create",
        {"name": "n", "type": "model", "private": False, "sdk": "x"},
    ),
    ("DELETE", "/api/repos/delete", {"name": "spare", "organization": "alice", "type": "model"}),
    ("POST", "/api/repos/move", {"fromRepo": "alice/spare", "toRepo": "alice/t", "type": "model"}),
    ("PUT", f"{MODEL}/settings", {"visibility": "public", "gated": False}),
    ("GET", f"{MODEL}/auth-check/write", None),
    ("GET", "/api/models?author=alice&search=m&limit=5&sort=likes&filter=a", None),
    ("GET", f"{MODEL}/revision/main?blobs=1", None),
    ("GET", f"{MODEL}/tree/main/data?recursive=1&expand=1&cursor=0", None),
    ("POST", f"{MODEL}/paths-info/main", {"paths": ["a.txt", "data"], "expand": True}),
    ("GET", f"/{REPO}/resolve/main/a.txt", None),
    ("GET", f"/{REPO}/raw/main/data/b.bin", None),
    ("GET", f"/api/resolve-cache/models/{REPO}/main/a.txt", None),
    ("GET", f"{MODEL}/refs?include_prs=1", None),
    ("GET", f"{MODEL}/commits/main", None),
    ("POST", f"{MODEL}/branch/side", {"startingPoint": "main"}),
    ("POST", f"{MODEL}/tag/main", {"tag": "v1"}),
    ("DELETE", f"{MODEL}/tag/v1", None),
    ("POST", f"{MODEL}/super-squash/side", {"message": "m"}),
    ("POST", f"{MODEL}/preupload/main", {"files": [{"path": "a", "size": 1, "sample": "eA=="}]}),
    ("POST", f"{MODEL}/commit/main", [HEADER, FILE, LARGE_FILE, GONE]),
    ("POST", f"{MODEL}/commit/main?create_pr=1", [HEADER, FILE]),
    ("POST", f"{MODEL}/commit/main", [{"key": "header", "value": {"summary": "x"}}, FILE]),
    ("POST", "/api/validate-yaml", {"content": "---\na: b\n---\n", "repoType": "model"}),
    ("GET", f"{MODEL}/discussions?type=all&status=open&p=0", None),
    ("POST", f"{MODEL}/discussions", {"title": "t", "description": "d", "pullRequest": True}),
    ("GET", f"{MODEL}/discussions/1", None),
    ("POST", f"{MODEL}/discussions/1/comment", {"comment": "c"}),
    ("POST", f"{MODEL}/discussions/1/status", {"status": "open"}),
    ("POST", f"{MODEL}/discussions/1/title", {"title": "t"}),
    ("POST", f"{MODEL}/discussions/2/merge", {}),
    ("GET", "/api/collections?owner=alice&limit=3", None),
    ("POST", "/api/collections", {"title": "t", "namespace": "alice", "private": False}),
    ("PATCH", "/api/collections/SLUG", {"title": "t", "position": 1, "private": False}),
    ("POST", "/api/collections/SLUG/items", ITEM),
    ("PATCH", "/api/collections/SLUG/items/0", {"note": "n", "position": 0}),
    ("POST", f"/{REPO}.git/info/lfs/objects/batch", {"operation": "upload", "objects": OBJECTS}),
    ("POST", "/api/lfs/verify", {"oid": "0" * 64, "size": 5}),
    ("POST", f"/cdn/lfs/{'0' * 64}/complete?expires=1&sig=x", PARTS),
    ("PUT", f"/cdn/lfs/{'0' * 64}/1?expires=99999999999&sig=x", None),
    ("GET", f"{MODEL}/xet-write-token/main?create_pr=1", None),
    ("POST", f"/cas/x/v1/xorbs/default/{'0' * 64}", None),
    ("GET", f"/cas/x/v1/reconstructions/{'0' * 64}", None),
    ("GET", "/", None),
    ("GET", f"/{REPO}/tree/main", None),
    ("GET", "/collections/SLUG", None),
    ("GET", "/api/settings/repositories", None),
]
ODD = (
    [None, True, 0, -1, 0.5, 1e308, 1 << 70, [], [[]], [None], {}, {"a": {}}, "", "x" * 300, "\0"]
    + ["..", "a/../b", "a//b", "/", "日本", "\ud800", "²", "-1", "1e9", "refs/pr/1", "\r\nX: 1"]
    + ["9" * 5000, "%", "%zz", "{}", "<script>", "0" * 64, "refs/heads/main", float("nan"), "a.txt"]
)
PIECES = ["%2e%2e", "%00", "%0d%0aX:1", "%ff", "%", "..", "", "²", "9" * 4000, "-1", "main", "a b"]
HEADERS = {
    "Authorization": [
        "Bearer",
        "Bearer hf_none",
        "Basic x",
        "xet-write.1.x",
        "Bearer xet-read.x.y",
    ],
    "Range": ["bytes=-", "bytes=5-1", "bytes=0-0,2-3", "bytes=" + "9" * 4000 + "-", "x=1-2"],
    "Content-Type": ["application/x-www-form-urlencoded", "text/plain", "\xff"],
    "Accept": ["text/html", "text/plain", "*"],
    "Host": ["evil.example", "", "127.0.0.1", "localhost:1"],
}


class Careless(http.client.HTTPConnection):
    """It sends what a client would not."""

    def _validate_path(self, url):
        pass

    def _encode_request(self, request):
        return request.encode("latin-1")


def nodes(value, path=()):
    """The places in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from nodes(child, (*path, key))


def changed(draw, value):
    """The value with one place replaced by something odd, or taken away."""
    place = draw.choice(list(nodes(value)))
    if not place:
        return draw.choice(ODD)
    value = copy.deepcopy(value)
    parent = value
    for key in place[:-1]:
        parent = parent[key]
    if draw.random() < 0.2:
        del parent[place[-1]]
    else:
        parent[place[-1]] = draw.choice(ODD)
    return value


def body_of(draw, value):
    """What is sent, with an error in one request of two."""
    if value is None:
        return draw.choice([b"", b"", b"{}", draw.randbytes(30), b"[" * 3000])
    wrong = draw.random() < 0.7
    lines = value if isinstance(value, list) else [value]
    at = draw.randrange(len(lines))
    sent = [changed(draw, v) if wrong and n == at else v for n, v in enumerate(lines)]
    body = b"\n".join(json.dumps(v).encode() for v in sent)
    if draw.random() < 0.15:
        at = draw.randrange(len(body))
        body = body[:at] + draw.randbytes(3) + body[at + draw.randrange(9) :]
    return body


def address_of(draw, address):
    """The address, with one piece of it replaced in one request of four."""
    if draw.random() < 0.75:
        return address
    pieces = address.replace("?", "/?/").replace("&", "/&/").replace("=", "/=/").split("/")
    pieces[draw.randrange(1, len(pieces))] = draw.choice(PIECES)
    text = "/".join(pieces)
    for mark in "?&=":
        text = text.replace(f"/{mark}/", mark)
    return text.replace(" ", "%20")


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_two_thousand_requests_and_no_fault_of_the_hub(repo):
    draw, statuses = random.Random(0), {}
    api = HfApi()
    slug = api.create_collection("All", namespace="alice").slug
    connection = Careless("127.0.0.1", repo.port, timeout=20)
    for number in range(COUNT):
        if number % 50 == 0:  # what the requests have deleted or hidden
            for name in (REPO, "alice/spare"):
                api.create_repo(name, exist_ok=True)
            api.create_discussion(REPO, title="A question")
        method, address, value = draw.choice(REQUESTS)
        headers = {"Authorization": "Bearer hf_alice", "Content-Type": "application/json"}
        if draw.random() < 0.2:
            name = draw.choice(list(HEADERS))
            headers[name] = draw.choice(HEADERS[name])
        path = address_of(draw, address).replace("SLUG", slug)
        body = body_of(draw, value)
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, text in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, text)
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.read()
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        assert answer.status < 500 and not repo.bugs, (method, path, headers, body)
    connection.close()
    assert statuses[200] > COUNT / 10 and statuses[400] > COUNT / 10, statuses
    api.create_repo(REPO, exist_ok=True)
    api.upload_file(path_or_fileobj=b"1", path_in_repo="after.txt", repo_id=REPO)
    assert REPO in [model.id for model in api.list_models()]
    repo.log.clear()  # the tokens on the storage origin were ours
