"""Upstream tests on the embedded Hub: by a small suite of our own, and as last recorded."""

import json
import sys
import types

import pytest
import typer
from typer.testing import CliRunner

SUITE = """
import os
import socket
import pytest
from huggingface_hub import HfApi
from .fixtures import CI_HUB_ENDPOINT, CI_HUB_USER, CI_HUB_USER_TOKEN

pytestmark = pytest.mark.integration
api = HfApi(endpoint=CI_HUB_ENDPOINT, token=CI_HUB_USER_TOKEN)

def test_uploads():
    repo = api.create_repo("d", repo_type="dataset").repo_id
    assert repo == f"{CI_HUB_USER}/d"
    api.upload_file(repo_id=repo, repo_type="dataset", path_in_repo="a.bin", path_or_fileobj=b"0")
    assert os.environ["HF_HUB_DISABLE_XET"] == "1"

def test_leaves_the_machine():
    with pytest.raises(ConnectionRefusedError):
        socket.getaddrinfo("huggingface.co", 443)

def test_whoami_with_passing_token():
    assert False, "which has a reason"

class TestTwice:
    def test_fails_once(self):
        if not os.path.exists("once"):
            open("once", "w").close()
            assert False, "as on a busy machine"

@pytest.mark.skip("for a change")
def test_skipped():
    pass

def test_of_buckets():
    assert False, "not run"
"""
FIXTURES = """
CI_HUB_ENDPOINT = "https://hub-ci.huggingface.co"
CI_HUB_USER = "__DUMMY_DATASETS_USER__"
CI_HUB_USER_TOKEN = "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"
"""


@pytest.fixture
def checkout(tmp_path):
    """What looks like a checkout of datasets."""
    folder = tmp_path / "datasets"
    (folder / "tests").mkdir(parents=True)
    (folder / "src" / "datasets").mkdir(parents=True)
    (folder / "src" / "datasets" / "__init__.py").write_text('__version__ = "5.0.1"\n')
    (folder / "tests" / "__init__.py").touch()
    (folder / "tests" / "fixtures.py").write_text(FIXTURES)
    (folder / "tests" / "test_upstream_hub.py").write_text(SUITE)
    return folder


@pytest.fixture
def conformance(load_script, monkeypatch):
    """The command, as a function of its arguments to exit code and last line."""
    script = load_script("conformance")
    for name in ("pytest_mock", "decorator"):  # of which the small suite has no need
        spec = types.SimpleNamespace(name=name)
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(__spec__=spec))
    app = typer.Typer()
    app.command()(script.main)

    def run(*arguments):
        done = CliRunner().invoke(app, list(map(str, arguments)))
        return done.exit_code, done.output

    return run


def test_outcomes_are_counted_and_failures_explained(conformance, checkout, tmp_path):
    out = tmp_path / "out.json"
    code, told = conformance("--suite", checkout, "--lfs", "--out", out, "--at-least", 2)
    assert code == 0, told
    assert "datasets by LFS: 3 passed, 1 skipped, 1 failed" in told
    assert "test_whoami_with_passing_token\n    users of the embedded Hub have no full name" in told
    [run] = json.loads(out.read_text())["runs"]
    assert (run["suite"], run["transfer"], run["version"]) == ("datasets", "LFS", "5.0.1")
    assert (run["passed"], run["skipped"], len(run["failed"])) == (3, 1, 1)
    assert run["refused connections"] == {"huggingface.co": 1}
    assert run["failures of the Hub itself"] == 0 and run["provenance"]["seconds"] > 0
    # the checkout is as it was
    assert (checkout / "tests" / "fixtures.py").read_text() == FIXTURES
    assert sorted(path.name for path in checkout.rglob("*.py*")) == [
        *("__init__.py", "__init__.py", "fixtures.py", "test_upstream_hub.py")
    ]


def test_what_is_not_explained_or_too_little_is_an_error(conformance, checkout, tmp_path):
    code, told = conformance("--suite", checkout, "--lfs", "--at-least", 4)
    assert code == 1 and "error: 3 tests passed, --at-least 4" in told
    code, told = conformance("--suite", checkout, "--xet")
    assert code == 1 and "error: 1 tests failed without a known reason" in told
    assert "test_uploads\n    no known reason: AssertionError" in told
    code, told = conformance("--suite", tmp_path)
    assert code == 1 and "it has no tests/test_hf_api.py (huggingface_hub) or tests/" in told


def test_as_recorded(root):
    """huggingface_hub's and datasets' own tests, by both kinds of transfer."""
    record = json.loads((root / "dataset_card" / "results" / "conformance.json").read_text())
    runs = {(run["suite"], run["transfer"]): run for run in record["runs"]}
    assert runs["huggingface_hub", "Xet"]["passed"] >= 340
    assert runs["huggingface_hub", "LFS"]["passed"] >= 339
    assert runs["datasets", "Xet"]["passed"] == runs["datasets", "LFS"]["passed"] == 39
    for run in runs.values():
        assert not [why for why in run["failed"].values() if why.startswith("no known reason")]
        assert run["failures of the Hub itself"] == 0
