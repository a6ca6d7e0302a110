"""Listings hold what was asked for, or say that they cannot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

REPO = "alice/m"
pytestmark = [
    pytest.mark.parametrize("hub", ["lfs"], indirect=True),
    pytest.mark.usefixtures("repo"),
]


@pytest.fixture
def three(hub):
    """Models one, two and three, each later and with more tags than the one before."""
    api = HfApi()
    api.delete_repo(REPO)
    tags = []
    for name in ("one", "two", "three"):
        tags.append(name)
        api.create_repo(f"alice/{name}")
        card = f"---\ntags: [{', '.join(tags)}]\npipeline_tag: text-{name}\n---\n# T\n".encode()
        file = CommitOperationAdd("README.md", card)
        api.create_commit(f"alice/{name}", [file], commit_message="Card")
    for number, repo in enumerate(hub.repos.values()):  # the clock has whole seconds
        repo.created = f"2024-01-0{3 - number}T00:00:00.000Z"
    api.update_repo_settings("alice/two", gated="manual")
    return api


def test_models_by_what_is_asked_for(three, ask):
    def names(**query):
        return [model.id.removeprefix("alice/") for model in three.list_models(**query)]

    assert names() == ["one", "two", "three"]
    assert names(filter="two") == ["two", "three"]
    assert names(filter=["one", "three"]) == ["three"]
    assert names(gated=True) == ["two"] and names(gated=False) == ["one", "three"]
    assert names(pipeline_tag="text-one") == ["one"]
    assert names(sort="created_at") == ["one", "two", "three"]
    assert names(search="O", limit=1, full=True) == ["one"]
    assert names(author="bob") == []
    for query in ({"apps": "ollama"}, {"inference": "warm"}, {"num_parameters": "min:6B"}):
        with pytest.raises(HfHubHTTPError, match="cannot list by"):
            names(**query)
    assert ask("GET", "/api/models?sort=colour")[0] == 400
    ascending = json.loads(ask("GET", "/api/models?sort=createdAt&direction=1")[2])
    assert [model["id"] for model in ascending][0] == "alice/three"


def test_discussions_and_collections_by_what_is_asked_for(hub, ask):
    api = HfApi()
    for number in range(5):
        api.create_discussion(REPO, title=f"Question {number}")
    hub.page_size = 2
    try:
        assert [d.num for d in api.get_repo_discussions(REPO)] == [5, 4, 3, 2, 1]
    finally:
        hub.page_size = 1000
    assert ask("GET", f"/api/models/{REPO}/discussions?colour=red")[0] == 400
    slugs = [api.create_collection(f"Number {n}", namespace="alice").slug for n in range(3)]
    api.add_collection_item(slugs[1], REPO, "model")
    [found] = api.list_collections(item=f"models/{REPO}")
    assert found.slug == slugs[1]
    assert len(list(api.list_collections(owner="alice", limit=2))) == 2
    assert not list(api.list_collections(owner="bob"))
    assert ask("GET", "/api/collections?sort=colour")[0] == 400


def test_own_repositories_and_their_sizes(hub):
    api = HfApi()
    api.create_repo("acme/hidden", private=True, repo_type="dataset")
    [own] = api.list_user_repos()
    assert (own.id, own.type, own.storage_percent) == (REPO, "model", 100) and own.storage > 1e6
    assert [repo.visibility for repo in api.list_user_repos(namespace="acme")] == ["private"]
    with pytest.raises(HfHubHTTPError, match="403"):
        list(HfApi(token="hf_bob").list_user_repos(namespace="acme"))


def test_a_route_that_this_hub_lacks_is_not_a_missing_repository(hub, ask):
    api = HfApi()
    api.create_repo("alice/s", repo_type="space", space_sdk="static")
    for call in (
        lambda: api.get_space_runtime("alice/s"),
        lambda: api.add_space_secret("alice/s", "KEY", "value"),
        lambda: list(api.list_repo_likers(REPO)),
        lambda: list(api.list_lfs_files(REPO)),
    ):
        with pytest.raises(HfHubHTTPError, match="no such route") as refused:
            call()
        assert not isinstance(refused.value, RepositoryNotFoundError)
        assert refused.value.response.status_code == 404
    with pytest.raises(RepositoryNotFoundError):
        list(api.list_repo_likers("alice/none"))
    api.update_repo_settings(REPO, private=True)
    with pytest.raises(RepositoryNotFoundError):  # as if there were none
        list(HfApi(token="hf_bob").list_repo_likers(REPO))


def test_an_old_name_goes_on_working(hub, ask, tmp_path):
    api = HfApi()
    api.move_repo(REPO, "acme/new")
    assert api.model_info(REPO).id == "acme/new"
    assert Path(hf_hub_download(REPO, "a.txt")).read_bytes() == b"small"
    api.upload_file(path_or_fileobj=b"more", path_in_repo="b.txt", repo_id=REPO)
    assert Path(hf_hub_download("acme/new", "b.txt")).read_bytes() == b"more"
    api.move_repo("acme/new", "acme/newer", repo_type="model")
    assert {api.model_info(name).id for name in (REPO, "acme/new")} == {"acme/newer"}
    hub.load()  # as after a restart
    assert api.model_info(REPO).id == "acme/newer"
    api.update_repo_settings("acme/newer", private=True)
    with pytest.raises(RepositoryNotFoundError):
        HfApi(token="hf_bob").model_info(REPO)
    api.move_repo("acme/newer", REPO)  # back again
    assert api.model_info(REPO).id == REPO == api.model_info("acme/new").id
    api.delete_repo("acme/new")
    assert not api.repo_exists(REPO) and not api.repo_exists("acme/newer")


@pytest.mark.parametrize(
    "name",
    [".", "-", "_", "a.", ".a", "-a", "a-", "a.git", "...", "__", "a\nb", "a..b", "a--b", "x" * 97],
)
def test_names_that_the_clients_refuse_are_refused(hub, ask, name):
    headers = {"Authorization": "Bearer hf_alice"}
    body = json.dumps({"name": name}).encode()
    assert ask("POST", "/api/repos/create", body, headers)[0] == 400
    body = json.dumps({"fromRepo": REPO, "toRepo": f"alice/{name}"}).encode()
    assert ask("POST", "/api/repos/move", body, headers)[0] == 400
    assert [repo.id for repo in hub.repos.values()] == [REPO]


def test_the_command_line_lists_repositories(hub):
    command = [sys.executable, "-m", "huggingface_hub.cli.hf", "repos", "list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and REPO in done.stdout, done.stderr
