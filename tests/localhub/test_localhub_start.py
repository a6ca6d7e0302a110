"""Starting an embedded Hub: its recipe, its command, and what cannot be started."""

import os
import subprocess
import sys

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from typer.testing import CliRunner

from mnist1d_hf.cli import app
from mnist1d_hf.localhub import LocalHub, collect
from mnist1d_hf.localhub.clients import redirect_clients

pytestmark = pytest.mark.parametrize("hub", ["lfs"], indirect=True)

RECIPE = """
import mnist1d_hf, sys
from mnist1d_hf.localhub import LocalHub
{imports}
hub = LocalHub(keep_log=True).start()
hub.connect(hub.add_user("alice"))

from datasets import Dataset, load_dataset
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download, whoami
assert whoami()["name"] == "alice"
Dataset.from_dict({{"x": [1, 2]}}).push_to_hub("alice/d")
assert load_dataset("alice/d", split="train")["x"] == [1, 2]
assert len(list(load_dataset("alice/d", split="train", streaming=True))) == 2
files = "hf://datasets/alice/d/**/*.parquet"
assert load_dataset("parquet", data_files=files, split="train").num_rows == 2
HfApi().create_repo("alice/m")
HfApi().upload_file(path_or_fileobj=b"1" * 99, path_in_repo="a.txt", repo_id="alice/m")
hf_hub_download("alice/m", "a.txt"), snapshot_download("alice/m")
assert HfFileSystem().read_bytes("alice/m/a.txt") == b"1" * 99
if "transformers" in sys.modules:
    import transformers
    config = transformers.BertConfig(hidden_size=8, num_attention_heads=2)
    config.push_to_hub("alice/c")
    assert transformers.AutoConfig.from_pretrained("alice/c").hidden_size == 8
import subprocess
child = "from huggingface_hub import whoami; print(whoami()['name'])"
assert subprocess.check_output([sys.executable, "-c", child], text=True) == "alice\\n"
assert hub.calls("/commit/") and hub.calls("resolve")
print("arrived", len(hub.log))
"""


@pytest.mark.parametrize(
    "imports", ["", "import datasets, evaluate, transformers.utils.hub as t; t.hf_api()"]
)
def test_the_recipe_works_in_a_fresh_process(hub, tmp_path, imports):
    """Whatever is imported before; the tests' guard tells of connections to elsewhere."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"HF_HOME": str(tmp_path), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    code = RECIPE.format(imports=imports)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0 and "arrived" in done.stdout, done.stderr


def test_a_library_that_keeps_its_address_elsewhere_is_told_of(hub, monkeypatch):
    """Silence would send to the real Hub what is meant for this one."""
    from huggingface_hub import constants

    before = dict(os.environ), constants.ENDPOINT
    monkeypatch.delattr("datasets.config.HUB_DATASETS_URL")
    with pytest.raises(RuntimeError, match="HUB_DATASETS_URL.*set HF_ENDPOINT"):
        redirect_clients({"HF_ENDPOINT": "http://127.0.0.1:1", "HF_TOKEN": "x"})
    assert (dict(os.environ), constants.ENDPOINT) == before


def test_every_address_that_is_changed_is_the_one_the_library_computes(hub, monkeypatch):
    import datasets
    import evaluate.config
    import transformers.utils.hub
    from huggingface_hub import constants, hf_api
    from huggingface_hub.utils import _git_credential

    places = [
        (constants, "ENDPOINT"),
        (constants, "HUGGINGFACE_CO_URL_TEMPLATE"),
        (_git_credential, "ENDPOINT"),
        (datasets.config, "HF_ENDPOINT"),
        (datasets.config, "HUB_DATASETS_URL"),
        (evaluate.config, "HF_ENDPOINT"),
        (evaluate.config, "HF_LIST_ENDPOINT"),
        (evaluate.config, "HUB_EVALUATE_URL"),
        (hf_api.api, "endpoint"),
        (transformers.utils.hub.hf_api(), "endpoint"),
    ]
    computed = [getattr(owner, name) for owner, name in places]
    for owner, name in places:
        monkeypatch.setattr(owner, name, "changed")
    monkeypatch.setenv("HF_ENDPOINT", "x")
    hub.connect("hf_alice")
    assert [getattr(owner, name) for owner, name in places] == computed
    assert os.environ["HF_ENDPOINT"] == hub.url


@pytest.mark.parametrize("port", [-1, 65536, 80000])
def test_ports_that_there_are_not(hub, port):
    with pytest.raises(ValueError, match=f"port {port} cannot be used"):
        LocalHub(port=port)
    refused = CliRunner().invoke(app, ["hub", "--port", str(port)])
    assert refused.exit_code == 2 and "--port" in refused.output
    assert isinstance(refused.exception, SystemExit)


def test_the_api_goes_by_the_name_that_was_asked_for(hub):
    with LocalHub(host="localhost") as local:
        assert local.url == f"http://localhost:{local.port}"
        assert local.cdn == f"http://127.0.0.1:{local.port}"
        api = HfApi(endpoint=local.url, token=local.add_user("alice"))
        api.create_repo("alice/m")
        api.upload_file(path_or_fileobj=b"\0" * 999, path_in_repo="a.bin", repo_id="alice/m")
        assert api.model_info("alice/m").id == "alice/m"
    for host in ("127.0.0.2", "::1", "0.0.0.0", "example.org", ""):
        with pytest.raises(ValueError, match="127.0.0.1 or localhost"):
            LocalHub(host=host)


def spoil_with_noise(file, records):
    with file.open("r+b") as database:
        database.write(b"noise" * 5000)


def spoil_the_end(file, records):
    os.truncate(file, file.stat().st_size // 2)


def another_file(file, records):
    file.write_text("not a database, but long enough to be read " * 50)


def unreadable_json(file, records):
    records("UPDATE items SET value = 'x' || value WHERE kind = 'token'")


def wrong_json(file, records):
    records("UPDATE items SET value = '[\"alice\"]' WHERE kind = 'token'")


def no_commits(file, records):
    records("DELETE FROM items WHERE kind = 'commit'")


def no_repositories(file, records):
    records("DELETE FROM items WHERE kind = 'repo'")


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_with_noise,
        spoil_the_end,
        another_file,
        unreadable_json,
        wrong_json,
        no_commits,
        no_repositories,
    ],
)
def test_a_damaged_database_is_named_in_one_line(hub, tmp_path, spoil):
    with LocalHub(tmp_path) as local:
        token = local.add_user("alice", "hf_secret")
        api = HfApi(endpoint=local.url, token=token)
        api.create_repo("alice/m")
        for number in range(20):
            api.upload_file(
                path_or_fileobj=os.urandom(5000), path_in_repo=f"{number}", repo_id="alice/m"
            )
    file = tmp_path / "hub.sqlite3"

    def records(query):
        import sqlite3

        connection = sqlite3.connect(file)
        with connection:
            connection.execute(query)
        connection.close()

    spoil(file, records)
    with pytest.raises(ValueError, match="hub.sqlite3 is damaged"):
        LocalHub(tmp_path)
    for options in ([], ["--gc"]):
        refused = CliRunner().invoke(app, ["hub", "--dir", str(tmp_path), *options])
        assert refused.exit_code == 2 and "hub.sqlite3 is damaged" in refused.output
        assert len(refused.output.strip().splitlines()) == 1
        assert "hf_secret" not in refused.output and token not in refused.output


def test_bytes_that_no_commit_needs_are_collected(hub, tmp_path):
    folder = tmp_path / "hub"
    with LocalHub(folder) as local:
        api = HfApi(endpoint=local.url, token=local.add_user("alice"))
        api.create_repo("alice/m")
        data = os.urandom(200_000)
        operation = CommitOperationAdd("a.bin", data)
        api.create_commit("alice/m", [operation], commit_message="one")
        lost = CommitOperationAdd("lost.bin", os.urandom(2_000_000))
        api.preupload_lfs_files("alice/m", [lost])  # and never committed
        running = CliRunner().invoke(app, ["hub", "--dir", str(folder), "--gc"])
        assert running.exit_code == 2 and "another hub runs on it" in running.output
    before = (folder / "hub.sqlite3").stat().st_size
    done = CliRunner().invoke(app, ["hub", "--dir", str(folder), "--gc"])
    after = (folder / "hub.sqlite3").stat().st_size
    assert done.exit_code == 0 and f"{before:,} bytes, now {after:,}" in done.output
    assert after < before - 1_900_000
    assert collect(folder) == (after, after)
    with LocalHub(folder) as local:
        api = HfApi(endpoint=local.url, token=local.add_user("alice"))
        file = api.hf_hub_download("alice/m", "a.bin", cache_dir=tmp_path / "cache")
        with open(file, "rb") as content:
            assert content.read() == data
    for arguments in (["--gc"], ["--gc", "--dir", str(tmp_path / "none")]):
        refused = CliRunner().invoke(app, ["hub", *arguments])
        assert refused.exit_code == 2 and refused.output.startswith("error: ")
    assert not (tmp_path / "none").exists()


def test_the_limit_of_a_file_is_stated(hub):
    shown = CliRunner().invoke(app, ["hub", "--help"])
    assert "900 MB" in shown.output and hub.max_file == 900_000_000
