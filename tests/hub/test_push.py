"""Pushing: once, verified, tagged last, whatever the Hub does meanwhile."""

import random
import re
import resource
import threading
import traceback
import types
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import get_session

from mnist1d_hf.hub import attempts
from mnist1d_hf.hub.attempts import PublishError
from mnist1d_hf.hub.publication import LargeFile, Publication, WrongBytes, bytes_sha256
from mnist1d_hf.hub.push import push, whoami

FILES = {
    "README.md": b"---\nlicense: apache-2.0\n---\n# Title\n",
    "default/train.parquet": bytes(range(256)) * 40,
    "notes/a.txt": b"text",
}
TARGET = {"repo_id": "alice/d", "repo_type": "dataset"}


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Seconds between attempts, which pass at once."""
    seconds: list[float] = []
    monkeypatch.setattr(attempts, "time", types.SimpleNamespace(sleep=seconds.append))
    return seconds


def publication(**changes):
    return Publication(**{**TARGET, "files": FILES, "message": "Publish", "tag": "v1", **changes})


def commits():
    return [c.title for c in HfApi().list_repo_commits(**TARGET)]


def tags():
    refs = HfApi().list_repo_refs(**TARGET)
    return {ref.name: ref.target_commit for ref in refs.tags}


def files(revision="main"):
    """Everything in the repository at a revision, read without the clients' caches."""
    api = HfApi()
    paths = set(api.list_repo_files(**TARGET, revision=revision)) - {".gitattributes"}
    url = f"{api.endpoint}/datasets/alice/d/resolve/{quote(revision, safe='')}/"
    return {path: get_session().get(url + path, follow_redirects=True).content for path in paths}


def test_publishes_in_one_commit_and_tags_it(hub):
    done = push(publication())
    assert files() == files("v1") == FILES
    assert commits() == ["Publish", "initial commit"] and tags() == {"v1": done.commit}
    assert done.changed and done.url == f"{hub.url}/datasets/alice/d"


def test_again_changes_nothing(hub):
    first = push(publication())
    hub.log.clear()
    second = push(publication())
    assert not second.changed and second.commit == first.commit
    assert not hub.calls("/commit/|/preupload/|PUT |/cas/.*xorbs|POST .*/tag/v1$")
    assert len(commits()) == 2


def test_a_new_card_moves_main_and_not_the_tag(hub):
    first = push(publication())
    push(publication(files={**FILES, "README.md": FILES["README.md"] + b"more"}))
    assert tags() == {"v1": first.commit} and len(commits()) == 3


def test_other_data_under_an_old_tag_is_refused_before_anything_is_sent(hub):
    push(publication())
    hub.log.clear()
    with pytest.raises(PublishError, match="tag v1 of alice/d already names other data.*--tag"):
        push(publication(files={**FILES, "default/train.parquet": b"PAR1\0other"}))
    assert not hub.calls("POST .*/(commit|preupload)/")


def test_data_of_an_earlier_version_is_removed(hub):
    """It would be loaded along with the new."""
    push(publication(files={**FILES, "default/old.parquet": b"PAR1\0old"}, tag=None))
    HfApi().upload_file(path_or_fileobj=b"mine", path_in_repo="extra.txt", **TARGET)
    push(publication())
    assert files() == {**FILES, "extra.txt": b"mine"}


def test_pull_request(hub):
    push(publication(files={"README.md": FILES["README.md"]}, tag=None))
    done = push(publication(), create_pr=True)
    assert done.url.endswith("/datasets/alice/d/discussions/1")
    again = push(publication(), create_pr=True)
    assert again.commit == done.commit and not again.changed
    assert files("refs/pr/1") == FILES and set(files()) == {"README.md"} and not tags()


def test_private(hub):
    push(publication(), private=True)
    assert HfApi().dataset_info("alice/d").private


# -- failures that pass ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 409, 412, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_a_failed_commit_is_tried_again(hub, status):
    hub.fail("POST .*/commit/", status=status, times=2)
    push(publication())
    assert files("v1") == FILES and len(commits()) == 2


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_waits_as_long_as_the_hub_asks(hub, waits):
    hub.fail("POST .*/commit/", status=429, headers={"Retry-After": "17"})
    hub.fail("POST .*/tag/", status=429, headers={"RateLimit": '"api";r=0;t=40'})
    push(publication())
    # huggingface_hub waits itself on some requests; the commit's waiting is ours
    assert {18.0, 41.0} <= {*waits, *hub.sleeps}


def test_a_lost_answer_makes_no_second_commit(hub):
    for request in ("POST .*/commit/", "POST .*/tag/", "POST /api/repos/create"):
        hub.fail(request, drop="after")
    push(publication())
    assert files("v1") == FILES and len(commits()) == 2


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_a_lost_answer_opens_no_second_pull_request(hub):
    hub.fail("POST .*/commit/", drop="after")
    assert push(publication(), create_pr=True).url
    discussions = list(HfApi().get_repo_discussions(**TARGET))
    assert len(discussions) == 1 and files("refs/pr/1") == FILES


def test_every_request_may_fail_once(hub):
    hub.fail("^(POST|PUT|HEAD|DELETE) ", status=503, times=4)
    hub.fail("^GET ", status=503, times=3)
    push(publication())
    assert files("v1") == FILES and len(commits()) == 2


def test_dropped_and_truncated_transfers(hub):
    hub.fail("(PUT /cdn|POST /cas)", drop="before")
    hub.fail("GET /cdn", truncate=100)
    push(publication())
    assert files("v1") == FILES


def test_six_publishers_at_once(hub):
    """Each commits on what it read, so five of six are refused (412) every time."""
    errors = []

    def work(number):
        try:
            own = {f"notes/{number}.txt": b"%d" % number, "README.md": FILES["README.md"]}
            push(publication(files=own, message=f"{number}", tag=None))
        except Exception as error:
            errors.append(error)

    push(publication(files={}, tag=None))
    gate = threading.Barrier(6, timeout=600)
    for _ in range(6):  # everyone has read the same state before the first commit arrives
        hub.fail("POST .*/commit/", run=lambda request: gate.wait(), times=1)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len([r for r in hub.calls("/commit/") if r.status == 412]) >= 5
    assert {f"notes/{n}.txt" for n in range(6)} <= set(files())
    assert sorted(commits()) == sorted(["initial commit", *"012345"])


def test_a_tag_that_another_publisher_sets_meanwhile_is_noticed(hub):
    """The other one is done between our reading back and our tag."""
    other = {**FILES, "default/train.parquet": b"PAR1\0other"}
    hub.fail("POST .*/tag/", run=lambda request: push(publication(files=other)))
    with pytest.raises(PublishError, match="tag v1 of alice/d already names other data.*--tag"):
        push(publication())
    assert files("v1") == other


def test_a_tag_that_another_publisher_of_the_same_data_sets_meanwhile_is_fine(hub):
    card = {**FILES, "README.md": FILES["README.md"] + b"another text"}
    hub.fail("POST .*/tag/", run=lambda request: push(publication(files=card)))
    push(publication())
    assert files("v1") == card


# -- failures that stay ----------------------------------------------------------------------------


def refused(match, **changes):
    with pytest.raises(PublishError, match=match) as caught:
        push(publication(**changes))
    told = str(caught.value)
    assert "\n" not in told
    assert "hf_alice" not in "".join(traceback.format_exception(caught.value))
    return told


def test_bad_token(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_alicewrong")
    with pytest.raises(PublishError, match="checking the token failed.*hf auth login"):
        whoami()
    refused("creating dataset alice/d failed.*401.*hf auth login")


def test_offline_mode_is_named_at_once():
    def offline():
        raise OfflineModeIsEnabled("offline mode is enabled")

    with pytest.raises(PublishError, match="asking failed: offline .*; unset HF_HUB_OFFLINE$"):
        attempts.attempt("asking", offline)


def test_no_token(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(PublishError, match="hf auth login"):
        whoami()


def test_read_only_token(hub, monkeypatch):
    hub.add_user("alice", "hf_aliceread", role="read")
    monkeypatch.setenv("HF_TOKEN", "hf_aliceread")
    with pytest.raises(PublishError, match="the token of alice may only read"):
        whoami()
    refused("403.*token with write access")


def test_foreign_namespace(hub):
    with pytest.raises(PublishError, match=r"alice may not publish in 'bob': choose of \['alice'"):
        whoami(namespace="bob")
    refused("403.*namespace of yours", repo_id="bob/d")
    assert whoami(namespace="acme") == "acme"


def test_token_that_expires_midway(hub):
    hub.fail("POST .*/commit/", run=lambda request: hub.accounts.tokens.pop("hf_alice"))
    refused("sending the files of dataset alice/d failed.*401.*hf auth login")
    hub.add_user("alice", "hf_alice")
    assert not tags()
    push(publication())
    assert files("v1") == FILES and len(commits()) == 2


@pytest.mark.parametrize("hub", ["xet"], indirect=True)
def test_refusals_that_only_hf_xet_sees(hub, waits):
    hub.fail("GET .*/xet-write-token/", status=403, times=99)
    refused("403 Forbidden.*write access")
    assert not waits


def test_repository_that_vanishes(hub):
    hub.fail("GET .*/tree/", run=lambda request: hub.repos.clear())
    refused("404.*check the name", tag=None)


def test_hub_that_stays_down(hub, waits):
    hub.fail("POST .*/commit/", status=503, times=99)
    refused("sending the files of dataset alice/d failed.*503.*it continues where it stopped")
    assert not tags() and len(waits) == attempts.ATTEMPTS - 1 and sum(waits) < 120


def test_what_is_waited_for_is_said_with_the_address(hub, waits, caplog):
    hub.fail("POST .*/commit/", status=503, times=5)
    push(publication())
    lines = [line for line in caplog.messages if line.startswith("sending the files")]
    assert len(lines) == len([seconds for seconds in waits if seconds > 2]) >= 2
    for line in lines:
        assert re.search(rf"d failed: .*503.*{hub.url}.*; trying again in \d+ s \(\d of 7\)$", line)


def test_waiting_without_an_answer_is_said_too(hub, monkeypatch, caplog):
    monkeypatch.setattr(attempts, "PATIENCE", 0.0)
    said = threading.Event()
    monkeypatch.setattr(attempts.logger, "warning", lambda line: lines.append(line) or said.set())
    lines = []
    hub.fail("POST .*/tag/", run=lambda request: said.clear() or said.wait(60))
    push(publication())
    assert f"tagging dataset alice/d: 0 s so far (at {hub.url})" in lines


def test_a_hub_that_is_down_is_named(monkeypatch, waits):
    """With the address that was asked, and without the token that was sent along."""
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    api = HfApi(endpoint="http://127.0.0.1:9", token="hf_alicesecret")
    with pytest.raises(PublishError, match=r"refused \(at http://127.0.0.1:9\); run the same") as e:
        push(publication(), api=api)
    assert "hf_alice" not in "".join(traceback.format_exception(e.value))


def test_wrong_bytes_of_the_right_size_are_never_tagged(hub):
    """The clients accept them without Xet (with it, hf_xet notices)."""
    hub.fail("GET /cdn/", corrupt=True, times=9999)
    refused("is damaged: .* default/train.parquet .*after sending default/train.parquet again too")
    assert not tags()
    hub.faults.clear()
    push(publication())
    assert tags()


@pytest.mark.parametrize("hub", ["xet"], indirect=True)
@pytest.mark.parametrize(
    "address, how", [("xorb", "(by Xet|reconstruction)"), ("(?!xorb)", "without Xet")]
)
def test_both_kinds_of_transfer_are_read_back(hub, address, how):
    """One copy may be damaged and the other one not."""
    hub.fail(f"GET /cdn/{address}", corrupt=True, times=9999)
    refused(f"storage of {hub.url} is damaged: .*train.parquet .*{how}.* of dataset alice/d, after")
    assert not tags()


def test_a_damaged_large_file_is_sent_again_by_lfs(hub, request, caplog):
    """To a Hub that looks whether it still has the bytes."""
    hub.fail("GET /cdn/", corrupt=True, times=9999)
    before = int(request.node.callspec.params["hub"] == "lfs")  # times the Hub was asked before
    hub.fail("POST .*objects/batch", skip=before, run=lambda request: hub.faults.clear())
    push(publication())
    assert files("v1") == FILES and len(commits()) == 2
    again = f"sending default/train.parquet again to {hub.url}: other bytes came back for"
    assert [line for line in caplog.messages if line.startswith(again)]


def test_a_file_that_the_hub_has_lost_is_sent_again(hub, request):
    """As it says itself."""
    hub.fail("GET /cdn/", status=500, times=9999)
    before = int(request.node.callspec.params["hub"] == "lfs")
    hub.fail("POST .*objects/batch", skip=before, run=lambda request: hub.faults.clear())
    push(publication())
    assert files("v1") == FILES and len(commits()) == 2


def test_a_damaged_small_file_is_committed_again(hub):
    hub.fail("GET /api/resolve-cache/.*notes", corrupt=True, times=9999)
    hub.fail("POST .*/commit/", skip=1, run=lambda request: hub.faults.clear())
    done = push(publication())
    assert files("v1") == FILES and tags() == {"v1": done.commit}
    assert commits() == ["Publish", "Publish", "Publish", "initial commit"]


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_a_repair_by_pull_request_leaves_main_alone(hub):
    before = push(publication())
    hub.fail("GET /api/resolve-cache/.*notes", corrupt=True, times=9999)
    hub.fail("POST .*/commit/", run=lambda request: hub.faults.clear())
    push(publication(), create_pr=True)
    assert HfApi().dataset_info("alice/d").sha == before.commit
    assert files("refs/pr/1") == FILES


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_damage_after_publishing_is_noticed_by_the_next_run(hub):
    push(publication())
    hub.fail("GET /cdn/", corrupt=True, times=9999)
    refused("is damaged: other bytes came back for default/train.parquet .*an empty --hub-dir")


def test_wrong_bytes_once_are_read_again(hub):
    hub.fail("GET /api/resolve-cache/.*notes", corrupt=True)
    push(publication())
    assert tags()


def test_files_that_do_not_load_are_not_tagged(hub):
    def check(repo_id, revision, folder):
        raise WrongBytes("train has 7 rows, not 8")

    refused("train has 7 rows, not 8", check=check)
    assert not tags() and files() == FILES


def test_bad_card_is_refused_before_anything_is_sent(hub):
    bad = {**FILES, "README.md": b"---\nlicense: [no-such\n---\n"}
    refused("Invalid metadata in README.md.*correct it; nothing was sent", files=bad)
    assert len(commits()) == 1 and not hub.calls("PUT /cdn|POST /cas")


@contextmanager
def small_disk(limit):
    """No file of this process may grow beyond `limit` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_while_reading_back(hub):
    large = {**FILES, "default/train.parquet": random.Random(1).randbytes(400_000)}
    with small_disk(200_000):
        refused("reading back dataset alice/d failed.*free some space", files=large)
    assert not tags()
    push(publication(files=large))
    assert files("v1") == large


def test_read_only_cache_does_not_matter(hub, monkeypatch, tmp_path):
    from huggingface_hub import constants

    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(blocked / "cache"))
    push(publication())
    assert files("v1") == FILES


# -- interruption ----------------------------------------------------------------------------------


def test_interrupted_at_any_request_and_run_again(hub, monkeypatch):
    """Interrupted before a request is interrupted after the one before it."""
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    push(publication())
    for number in range(len(hub.log)):
        hub.reset()
        hub.add_user("alice", "hf_alice")
        hub.fail("", skip=number, drop="after")
        hub.fail("", skip=number, drop="before", times=999)
        with pytest.raises(PublishError):
            push(publication())
        hub.faults.clear()
        if tags():  # it stands for a complete state, at any moment
            assert files("v1") == FILES
        push(publication())
        assert files() == files("v1") == FILES, f"interrupted after request {number}"
        assert commits() == ["Publish", "initial commit"]


# -- large files -----------------------------------------------------------------------------------


@pytest.fixture
def large(tmp_path, monkeypatch):
    """Five large files, two of which go into a commit."""
    monkeypatch.setattr("mnist1d_hf.hub.push.COMMIT_FILES", 2)
    found = {}
    for i in range(5):
        path = tmp_path / f"{i}.parquet"
        path.write_bytes(random.Random(i).randbytes(2000))
        found[f"big/{i}.parquet"] = LargeFile(path, 2000, bytes_sha256(path.read_bytes()))
    return found


def with_large(large, **changes):
    return publication(files={"README.md": FILES["README.md"]}, large=large, **changes)


def complete(revision):
    found = {path: bytes_sha256(data) for path, data in files(revision).items()}
    return found.pop("README.md", None) is not None and found


def contents(large):
    return {path: file.sha256 for path, file in large.items()}


def test_large_files_come_in_several_commits_and_the_card_with_the_last(hub, large):
    done = push(with_large(large))
    assert complete("v1") == contents(large) and tags() == {"v1": done.commit}
    history = [c.commit_id for c in reversed(HfApi().list_repo_commits(**TARGET))]
    names = [HfApi().list_repo_files(**TARGET, revision=commit) for commit in history]
    assert [sum(n.startswith("big/") for n in there) for there in names] == [0, 2, 4, 5]
    assert ["README.md" in there for there in names] == [False, False, False, True]
    hub.log.clear()
    assert not push(with_large(large)).changed
    assert not hub.calls("/commit/|/preupload/|PUT |/cas/.*xorbs|objects/batch")


def test_large_files_as_one_pull_request(hub, large):
    done = push(with_large(large), create_pr=True)
    assert done.url.endswith("/datasets/alice/d/discussions/1")
    assert complete("refs/pr/1") == contents(large) and not files() and not tags()
    assert not push(with_large(large), create_pr=True).changed


def test_every_commit_of_large_files_has_its_own_attempts(hub, large):
    hub.fail("POST .*/commit/", status=412, times=attempts.ATTEMPTS - 1)
    hub.fail("POST .*/commit/", status=503, times=attempts.ATTEMPTS - 1, skip=1)
    push(with_large(large))
    assert complete("v1") == contents(large) and len(commits()) == 4


def test_a_file_that_is_removed_in_between_is_sent_again(hub, large):
    def remove(request):
        [repo] = hub.repos.values()
        last = repo.resolve("main")
        del last.tree["big/0.parquet"]

    hub.fail("GET .*/tree/", skip=2, run=remove)  # after the first commit
    push(with_large(large))
    assert complete("v1") == contents(large)


def test_somebody_who_removes_it_all_the_time(hub, large):
    def remove(request):
        for repo in hub.repos.values():
            repo.resolve("main").tree.clear()

    hub.fail("GET .*/tree/", run=remove, times=999)
    with pytest.raises(PublishError, match="somebody else changes them all the time; run the same"):
        push(with_large(large))
    assert not tags()


def test_the_hubs_digests_of_large_files_are_compared(hub, large, waits):
    """Before the tag; this Hub says that it has other bytes than were sent."""

    def forge(request):
        for repo in hub.repos.values():
            for oid, commit in repo.commits.items():
                if (path := "big/3.parquet") in commit.tree:
                    wrong = replace(commit.tree[path], sha256="0" * 64)
                    repo.commits[oid] = replace(commit, tree={**commit.tree, path: wrong})

    # the listing before the first commit, and before each of the three; then the one that proves
    hub.fail("GET .*/tree/", skip=4, run=forge, times=99)
    refused(
        "reading back dataset alice/d failed: big/3.parquet is not there as it was sent",
        files={"README.md": FILES["README.md"]},
        large=large,
    )
    assert not tags()


def test_large_files_interrupted_at_any_request_and_run_again(hub, large, monkeypatch):
    monkeypatch.setattr(attempts, "ATTEMPTS", 1)
    push(with_large(large), workers=1)
    for number in range(0, len(hub.log), 4):
        hub.reset()
        hub.add_user("alice", "hf_alice")
        hub.fail("", skip=number, drop="after")
        hub.fail("", skip=number, drop="before", times=999)
        with pytest.raises(PublishError):
            push(with_large(large), workers=1)
        hub.faults.clear()
        if tags():
            assert complete("v1") == contents(large)
        push(with_large(large))
        assert complete("main") == complete("v1") == contents(large), f"after request {number}"
        assert len(commits()) == 4
