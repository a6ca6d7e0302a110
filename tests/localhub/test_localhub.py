"""The embedded Hub: the real clients on it."""

from pathlib import Path

import pytest
from datasets import Dataset, load_dataset
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    HfFileSystem,
    ModelCard,
    constants,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RevisionNotFoundError,
)

BIG = bytes(range(256)) * 4096  # 1 MiB, kept by Xet or LFS
REPO = "alice/m"


def read(path):
    return Path(path).read_bytes()


def add(path, content):
    return CommitOperationAdd(path, content)


def test_datasets_round_trip(hub):
    one, two = Dataset.from_dict({"x": [[1.5] * 40] * 50}), Dataset.from_dict({"y": ["u"]})
    one.push_to_hub("alice/d", "one")
    two.push_to_hub("alice/d", "two", private=True)
    for streaming in (False, True):
        for config, data in (("one", one), ("two", two)):
            back = load_dataset("alice/d", config, split="train", streaming=streaming)
            assert list(back) == list(data)
    assert bool(hub.calls("/cas/")) != bool(hub.calls("objects/batch"))


def test_files_whole_and_in_part(repo):
    path = hf_hub_download(REPO, "data/b.bin")
    assert read(path) == BIG
    with HfFileSystem().open(f"{REPO}/data/b.bin", "rb", block_size=2**16) as file:
        file.seek(300_001)
        assert file.read(1000) == BIG[300_001:301_001]
    assert repo.calls("GET /cdn/")[-1].status == 206


def test_a_file_sent_by_xet_is_read_without_it(hub, monkeypatch, tmp_path, commit):
    """And the other way round; compressible bytes take every path of the chunk format."""
    floats = b"".join(int(i * 7919).to_bytes(4, "little") for i in range(60_000))
    HfApi().create_repo(REPO)
    commit(add("floats.bin", floats), add("zeros.bin", bytes(300_000)), add("b.bin", BIG))
    other = not constants.HF_HUB_DISABLE_XET
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", other)
    folder = snapshot_download(REPO, cache_dir=tmp_path)
    for name, content in (("floats", floats), ("zeros", bytes(300_000)), ("b", BIG)):
        assert read(f"{folder}/{name}.bin") == content


def test_upload_in_parts(hub, monkeypatch, commit):
    monkeypatch.setattr(hub, "part_size", 300_000)
    HfApi().create_repo(REPO)
    commit(add("b.bin", BIG))
    assert read(hf_hub_download(REPO, "b.bin")) == BIG
    if constants.HF_HUB_DISABLE_XET:
        assert len(hub.calls("PUT /cdn/lfs/.*/[1-4]$")) == 4


def test_listing_in_pages(repo, monkeypatch, commit):
    monkeypatch.setattr(repo, "page_size", 2)
    commit(*(add(f"f/{n}.txt", b"%d" % n) for n in range(5)))
    names = [entry.path for entry in HfApi().list_repo_tree(REPO, recursive=True)]
    assert names == sorted(names) and len(names) == 3 + 5 + 2  # with two folders
    assert len(repo.calls("GET .*/tree/")) == 5
    [info] = HfApi().get_paths_info(REPO, ["data/b.bin", "missing"], expand=True)
    assert info.size == len(BIG) and info.last_commit.title == "Change"
    commit(add("a.txt", b"newer"), commit_message="Newer")
    entries = HfApi().list_repo_tree(REPO, expand=True)
    assert {e.path: e.last_commit.title for e in entries} == {
        ".gitattributes": "initial commit",
        "a.txt": "Newer",
        "data": "Change",
        "f": "Change",
    }


def test_copy_delete_and_history(repo, commit):
    commit(
        CommitOperationCopy("data/b.bin", "c.bin"),
        CommitOperationDelete("a.txt"),
        commit_message="Move",
    )
    api = HfApi()
    assert set(api.list_repo_files(REPO)) == {".gitattributes", "c.bin", "data/b.bin"}
    commit(CommitOperationDelete("data/", is_folder=True))
    history = api.list_repo_commits(REPO)
    assert [c.title for c in history] == ["Change", "Move", "Change", "initial commit"]
    old = hf_hub_download(REPO, "a.txt", revision=history[2].commit_id)
    assert read(old) == b"small"
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download(REPO, "a.txt")
    api.super_squash_history(REPO)
    assert len(api.list_repo_commits(REPO)) == 1


def test_unchanged_files_make_no_commit(repo, commit):
    before = HfApi().model_info(REPO).sha
    commit(add("a.txt", b"small"), add("data/b.bin", BIG))
    assert HfApi().model_info(REPO).sha == before


def test_branches_and_tags(repo, commit):
    api = HfApi()
    first = api.model_info(REPO).sha
    api.create_branch(REPO, branch="side")
    api.create_tag(REPO, tag="v1")
    api.create_tag(REPO, tag="v1", exist_ok=True)
    commit(add("a.txt", b"new"), revision="side")
    assert api.model_info(REPO, revision="v1").sha == first == api.model_info(REPO).sha
    refs = api.list_repo_refs(REPO)
    assert {b.name for b in refs.branches} == {"main", "side"} and refs.tags[0].name == "v1"
    api.delete_tag(REPO, tag="v1")
    api.delete_branch(REPO, branch="side")
    with pytest.raises(RevisionNotFoundError):
        api.model_info(REPO, revision="v1")
    with pytest.raises(HfHubHTTPError, match="403"):
        api.delete_branch(REPO, branch="main")


def test_stale_parent_is_refused(repo, commit):
    old = HfApi().model_info(REPO).sha
    commit(add("a.txt", b"new"))
    with pytest.raises(HfHubHTTPError, match="412"):
        commit(add("a.txt", b"newer"), parent_commit=old)


def test_pull_requests(repo, commit):
    """Anyone may propose; a merge keeps what main gained meanwhile."""
    made = HfApi(token="hf_bob").create_commit(
        REPO,
        [add("a.txt", b"better"), CommitOperationDelete("data/b.bin")],
        commit_message="Improve",
        create_pr=True,
    )
    commit(add("c.txt", b"meanwhile"))
    api = HfApi()
    [listed] = api.get_repo_discussions(REPO, discussion_type="pull_request")
    assert (listed.num, listed.author, made.pr_num) == (1, "bob", 1)
    said = api.comment_discussion(REPO, 1, "thanks")
    edited = api.edit_discussion_comment(REPO, 1, said.id, new_content="thank you")
    assert (edited.content, edited.edited) == ("thank you", True)
    with pytest.warns(UserWarning, match="irreversible"):
        assert api.hide_discussion_comment(REPO, 1, said.id).hidden
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi(token="hf_bob").edit_discussion_comment(REPO, 1, said.id, new_content="mine")
    api.rename_discussion(REPO, 1, new_title="Improve a")
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi(token="hf_bob").merge_pull_request(REPO, 1)
    api.merge_pull_request(REPO, 1)
    details = api.get_discussion_details(REPO, 1)
    assert (details.status, details.title) == ("merged", "Improve a")
    assert set(api.list_repo_files(REPO)) == {".gitattributes", "a.txt", "c.txt"}
    assert read(hf_hub_download(REPO, "a.txt")) == b"better"
    api.create_discussion(REPO, title="A question", description="?")
    api.change_discussion_status(REPO, 2, new_status="closed")
    assert not list(api.get_repo_discussions(REPO, discussion_status="open"))


def test_upload_folder(hub, tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.bin").write_bytes(bytes([0, number]) * 100)
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# T\n")
    (tmp_path / ".gitignore").write_text("4.bin\n")
    HfApi().create_repo(REPO)
    HfApi().upload_folder(repo_id=REPO, folder_path=tmp_path)
    HfApi().upload_folder(repo_id=REPO, folder_path=tmp_path, create_pr=True)
    names = set(HfApi().list_repo_files(REPO))
    assert {"0.bin", "3.bin", "README.md"} <= names and "4.bin" not in names
    assert HfApi().model_info(REPO).card_data.license == "mit"


def test_collections(repo):
    api = HfApi()
    made = api.create_collection("Good things", namespace="alice", exists_ok=True)
    again = api.create_collection("Good things", namespace="alice", exists_ok=True)
    assert made.slug == again.slug
    api.add_collection_item(made.slug, REPO, "model", note="fine")
    api.add_collection_item(made.slug, REPO, "model", exists_ok=True)
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi(token="hf_bob").delete_collection(made.slug)
    item = api.get_collection(made.slug).items[0]
    api.update_collection_item(made.slug, item.item_object_id, note="better")
    assert api.get_collection(made.slug).items[0].note == "better"
    api.update_collection_metadata(made.slug, title="Better things")
    api.delete_collection_item(made.slug, item.item_object_id)
    assert not api.get_collection(made.slug).items
    assert [c.title for c in api.list_collections(owner="alice")] == ["Better things"]
    api.delete_collection(made.slug)
    with pytest.raises(HfHubHTTPError, match="404"):
        api.get_collection(made.slug)


def test_organisations_renaming_settings_and_removal(hub):
    api = HfApi()
    assert [org["name"] for org in api.whoami()["orgs"]] == ["acme"]
    api.create_repo("acme/old", repo_type="space", space_sdk="static")
    api.create_repo("acme/old", repo_type="space", space_sdk="static", exist_ok=True)
    api.move_repo("acme/old", "alice/new", repo_type="space")
    api.update_repo_settings("alice/new", repo_type="space", private=True)
    assert [s.id for s in api.list_spaces(author="alice", search="NEW")] == ["alice/new"]
    assert not list(HfApi(token="hf_bob").list_spaces())
    assert api.space_info("acme/old").id == "alice/new"  # the old name goes on working
    api.create_repo("acme/old", repo_type="space", space_sdk="static")  # until it is taken
    assert api.space_info("acme/old").id == "acme/old"
    api.delete_repo("acme/old", repo_type="space")
    api.delete_repo("alice/new", repo_type="space")
    api.delete_repo("alice/new", repo_type="space", missing_ok=True)


def test_evaluation_modules_come_from_spaces(hub, ask):
    """`evaluate.load("accuracy")` asks for this address, without a token."""
    HfApi().create_repo("acme/metric", repo_type="space", space_sdk="static")
    HfApi().upload_file(
        path_or_fileobj=b"x = 1",
        path_in_repo="metric.py",
        repo_id="acme/metric",
        repo_type="space",
    )
    status, headers, body = ask("GET", "/spaces/acme/metric/raw/main/metric.py")
    assert (status, body) == (200, b"x = 1") and headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "front, problem",
    [
        ("license: no-such-licence", "license"),
        ("size_categories: many", "size_categories"),
        ("tags: one", "tags"),
        ("a: [", "Invalid YAML"),
        ("- a list", "mapping"),
    ],
)
@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_bad_cards(hub, front, problem, commit):
    HfApi().create_repo(REPO)
    card = f"---\n{front}\n---\n# T\n".encode()
    with pytest.raises(ValueError, match=problem):
        commit(add("README.md", card))
    assert not hub.calls("/commit/")
    with pytest.raises(ValueError):
        ModelCard("---\nlicense: no-such\n---\n").validate()
