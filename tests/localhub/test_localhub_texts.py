"""Whatever a card, a path, a name or an address holds, the embedded Hub can say it."""

import json
import socket
from pathlib import Path
from urllib.parse import quote

import pytest
from datasets import Dataset, load_dataset
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mnist1d_hf.localhub.plain import header_text
from mnist1d_hf.localhub.wire import Answer

REPO = "alice/m"
ALICE = {"Authorization": "Bearer hf_alice"}
pytestmark = pytest.mark.parametrize("hub", ["lfs"], indirect=True)

ODD_FRONTS = {
    "date: 2024-01-31": {"date": "2024-01-31"},
    "at: 2024-01-31T10:20:30Z": {"at": "2024-01-31T10:20:30+00:00"},
    "raw: !!binary aGVsbG8=": {"raw": "aGVsbG8="},
    "some: !!set {b, a}": {"some": ["a", "b"]},
    "pairs: !!omap [a: 1]": {"pairs": [["a", 1]]},
    "number: .nan": {"number": None},
    "number: -.inf": {"number": None},
    "2024-01-31: day": {"2024-01-31": "day"},
    "2: two\ntrue: yes": {"2": "two", "true": True},
    "text: 日本": {"text": "日本"},
    "tags: [2024-01-31, 5, null]": {"tags": ["2024-01-31", 5, None]},
}


@pytest.mark.parametrize("front", ODD_FRONTS)
def test_a_card_with_any_yaml_is_listed_and_read(hub, ask, front):
    api = HfApi()
    api.create_repo("alice/d", repo_type="dataset")
    card = f"---\nlicense: mit\n{front}\n---\n# T\n".encode()
    api.upload_file(
        path_or_fileobj=card, path_in_repo="README.md", repo_id="alice/d", repo_type="dataset"
    )
    expected = ODD_FRONTS[front]
    card = json.loads(ask("GET", "/api/datasets/alice/d")[2])["cardData"]
    assert {key: card[key] for key in expected} == expected
    assert api.dataset_info("alice/d").card_data.license == "mit"
    assert [listed.id for listed in api.list_datasets(full=True)] == ["alice/d"]
    if front.startswith(("date", "at", "raw", "some", "number", "text")):  # a client takes these
        Dataset.from_dict({"x": [1]}).push_to_hub("alice/d")
        assert load_dataset("alice/d", split="train")["x"] == [1]


@pytest.mark.parametrize(
    "front",
    [
        "a: &a [1, *a]",
        "a: &a {b: *a}",
        "a0: &a0 [x, x]\n" + "\n".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]" for n in range(40)),
        "a: " + "[" * 5000,
        "a: 2024-13-45",
        "? [a, b]\n: of a list",
        'text: "\\ud800"',
        "a: " + "9" * 5000,
        "a: [" + "x, " * 60_000 + "x]",
        "a: " + "x" * (1 << 20),
    ],
)
def test_a_card_that_cannot_be_said_is_refused_and_harms_nobody(hub, ask, front):
    text = f"---\n{front}\n---\n# T\n"
    body = json.dumps({"content": text, "repoType": "model"}).encode()
    status, _, answer = ask("POST", "/api/validate-yaml", body)
    assert status == 400 and b"Invalid YAML" in answer
    HfApi().create_repo(REPO)
    lines = [
        {"key": "header", "value": {"summary": "x"}},
        {"key": "file", "value": {"path": "README.md", "content": text}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    assert ask("POST", f"/api/models/{REPO}/commit/main", body, ALICE)[0] == 200  # past a client
    assert [m.id for m in HfApi().list_models()] == [REPO]
    assert ask("GET", f"/{REPO}")[0] == 200


@pytest.mark.parametrize("piece", ["<!-- ", "<a ", "<p x=y"])
def test_a_page_shows_a_card_of_any_size(hub, commit, ask, piece):
    """Also one whose tags never end, at which html.parser takes minutes."""
    HfApi().create_repo(REPO)
    card = f"---\nlicense: mit\n---\n# A\n<!-- note -->\n\nseen\n\n{piece * 800_000}"
    commit(CommitOperationAdd("README.md", card.encode()))
    status, _, page = ask("GET", f"/{REPO}")
    assert status == 200 and b"seen" in page and b"note" not in page


# -- headers ---------------------------------------------------------------------------------------


def test_text_beyond_latin_1_in_addresses(repo):
    """What is missing is said to be missing, at once."""
    api = HfApi()
    with pytest.raises(RemoteEntryNotFoundError):
        list(api.list_repo_tree(REPO, "日本"))
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download(REPO, "日本/ü.txt")
    with pytest.raises(RevisionNotFoundError, match="日本"):
        api.model_info(REPO, revision="日本")
    assert not api.revision_exists(REPO, "日本")
    with pytest.raises(HfHubHTTPError, match="v1 ä…"):
        api.create_tag(REPO, tag="v1 ä…")
    with pytest.raises(HfHubHTTPError, match="422"):
        api.upload_file(path_or_fileobj=b"1", path_in_repo="日本//ü", repo_id=REPO)
    with pytest.raises((HfHubHTTPError, ValueError)):
        api.create_repo("alice/日本")
    assert not repo.sleeps


def test_files_with_text_beyond_latin_1(repo, commit):
    commit(CommitOperationAdd("日本/ü.txt", b"1"), CommitOperationAdd("日本/ü.bin", b"\0" * 99))
    assert Path(hf_hub_download(REPO, "日本/ü.txt")).read_bytes() == b"1"
    assert Path(hf_hub_download(REPO, "日本/ü.bin")).read_bytes() == b"\0" * 99


def test_an_address_that_is_not_quoted_is_read_as_utf_8(repo, commit, ask):
    commit(CommitOperationAdd("日本.txt", b"1"))
    path = f"/{REPO}/raw/main/"
    assert ask("GET", path + quote("日本.txt"))[2] == b"1"
    raw = "日本.txt".encode().decode("latin-1")
    connection = socket.create_connection(("127.0.0.1", repo.port))
    request = (
        f"GET {path}{raw} HTTP/1.1\r\nHost: 127.0.0.1:{repo.port}\r\nConnection: close\r\n\r\n"
    )
    with connection:
        connection.sendall(request.encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\n1")


@pytest.mark.parametrize("where", ["x%0d%0aInjected:1%0d%0a%0d%0a<script>=1", "a=%0aInjected:1"])
def test_no_query_reaches_the_headers(repo, ask, monkeypatch, where):
    monkeypatch.setattr(repo, "page_size", 1)
    plain = f"/api/models/{REPO}/tree/main?recursive=1"
    assert ask("GET", f"{plain}&{where}")[0] == 400  # not a parameter of a listing
    key, _, value = where.partition("=")
    for name in ("cursor", "recursive", "expand"):
        status, headers, _ = ask("GET", f"{plain}&{name}=%0d%0aInjected:1")
        assert "Injected" not in headers and status in (200, 400)
    _, headers, _ = ask("GET", f"{plain}&expand=%0d%0aInjected:1")
    assert "expand=%0D%0AInjected%3A1" in headers["Link"]


@pytest.mark.parametrize("mark", ["\r", "\n", "\r\n", "\0", "\x0b"])
def test_no_header_with_a_line_break_leaves(hub, ask, monkeypatch, mark):
    """Not even when a route makes one: the one place that writes headers refuses."""
    with pytest.raises(ValueError, match="control character"):
        header_text(f"a{mark}b")
    bad = Answer(b"body", headers={"X-Bad": f"a{mark}Injected: 1{mark}{mark}<script>"})
    monkeypatch.setattr(type(hub), "answer", lambda self, request: bad)
    status, headers, body = ask("GET", "/")
    assert status == 500 and "X-Bad" not in headers and "Injected" not in headers
    assert b"<script>" not in body.split(b"{")[0]
    hub.bugs.clear()


def test_messages_are_one_line(repo, ask):
    status, headers, body = ask(
        "GET", f"/api/models/{REPO}/revision/a%0d%0ab%0bc%0dd", headers=ALICE
    )
    assert status == 404 and headers["X-Error-Message"] == "Invalid rev id: a b c d"
    with pytest.raises(RepositoryNotFoundError):
        HfApi().model_info("alice/none")


# -- paths and names -------------------------------------------------------------------------------


def send(ask, *operations):
    lines = [{"key": "header", "value": {"summary": "x"}}]
    lines += [{"key": key, "value": value} for key, value in operations]
    body = "\n".join(map(json.dumps, lines)).encode()
    return ask("POST", f"/api/models/{REPO}/commit/main", body, ALICE)[0]


def test_no_file_stands_where_a_folder_is(repo, ask):
    def file(path):
        return "file", {"path": path, "content": "x"}

    before = HfApi().list_repo_files(REPO)
    for operations in (
        [file("a"), file("a/b.txt")],
        [file("a/b/c"), file("a/b")],
        [file("data")],  # a folder that is there
        [file("a.txt/b")],  # a file that is there
        [file("new/")],
        [("deletedFolder", {"path": "data"}), file("data"), file("data/b.bin/c")],
    ):
        assert send(ask, *operations) == 422
    assert HfApi().list_repo_files(REPO) == before
    assert send(ask, ("deletedFolder", {"path": "data/"}), file("data")) == 200


def test_half_a_character_is_no_text(repo, ask):
    for text in ("\ud800", "a/\udfff.txt"):
        assert send(ask, ("file", {"path": text, "content": "x"})) == 400
        body = json.dumps({"title": text}).encode()
        assert ask("POST", f"/api/models/{REPO}/discussions", body, ALICE)[0] == 400
    body = json.dumps({"title": "😀"}).encode()  # a pair is a character
    assert ask("POST", f"/api/models/{REPO}/discussions", body, ALICE)[0] == 200
    assert ask("GET", f"/{REPO}")[0] == 200
