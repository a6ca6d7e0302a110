"""Run the Hub tests of huggingface_hub or datasets against the embedded Hub.

    cd ~/src; git clone https://github.com/huggingface/huggingface_hub
    python scripts/conformance.py --suite ~/src/huggingface_hub  # minutes
    python scripts/conformance.py --suite ~/src/datasets --lfs   # minutes

Large files travel by Xet, or by LFS with `--lfs`. The tests are copied to a temporary folder and
changed there: they get the address and the users of the embedded Hub. The checkout stays as it is.
Connections to other machines are refused.

The command fails when a test fails for which EXPECTED gives no reason, or when fewer tests pass
than `--at-least` says. Besides the `dev` extra the tests need two packages:

    pip install pytest-mock decorator
"""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree

import typer

ROOT = Path(__file__).parents[1]
GUARD = ROOT / "tests" / "guard"


@dataclass(frozen=True)
class Suite:
    """The part of an upstream project's tests that concerns what the embedded Hub offers."""

    name: str
    files: tuple[str, ...]  # in its folder tests/
    left_out: dict[str, str]  # classes or tests that are not run, and why
    markers: str  # of pytest
    patches: dict[str, str]  # regular expression -> replacement, in every file of Python


ENDPOINT = {r"https://hub-ci\.huggingface\.co": "{url}"}
USERS = {
    "__DUMMY_HUB_USER__": "dummy-hub-user",
    "__DUMMY_DATASETS_USER__": "dummy-datasets-user",
}
# user, token, organisations: those of the tests, which are no secrets
ACCOUNTS = (
    ("dummy-hub-user", "hf_HubCITokenXXXXXXXXXXXXXXXXXXXXX", ("valid-org-hub",)),
    ("DVUser", "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", ()),
    ("EnterpriseAdmin", "hf_enterprise_admin_token", ("EnterpriseOrgPrivate",)),
    ("dummy-datasets-user", "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", ()),
)
SUITES = (
    Suite(
        "huggingface_hub",
        (
            "test_hf_api.py",
            "test_snapshot_download.py",
            "test_hf_file_system.py",
            "test_repocard.py",
        ),
        {
            "TestWebhookApi": "webhooks are not offered",
            "TestActivityApi": "likes are not offered",
            "TestAccessRequestAPI": "requests for access to gated repositories are not offered",
            "TestSpaceAPI": "Spaces are kept but not run",
            "TestHfApiDuplicateSpace": "Spaces are kept but not run",
            "TestHfApiInference": "inference is not offered",
            "TestParseHFUrl": "parses addresses of huggingface.co without asking a Hub",
            "TestUploadFolderMocked": "replaces functions of another version of the client",
        },
        "not production and not inference and not git_lfs",
        # the client's HTTP library has another name since version 2
        {
            **ENDPOINT,
            **USERS,
            r"\bhttpx\b": "httpx2",
            r"(?m)^    repo_type_and_id_from_hf_id,\n": "",  # gone in version 2
        },
    ),
    Suite(
        "datasets",
        ("test_upstream_hub.py",),
        {"bucket": "buckets are not offered"},
        "unit or integration",
        {**ENDPOINT, **USERS},
    ),
)
# Tests that fail, by a part of their names, and why that is no fault of the embedded Hub.
EXPECTED = {
    "test_whoami_with_passing_token": "users of the embedded Hub have no full name",
    "test_create_repo_private_by_default": "settings of paid organisations are not offered",
    "test_list_and_delete_lfs_files": "the list of all LFS files is not offered",
    "test_list_commits_include_formatted": "commit messages are not rendered as HTML",
    "test_update_collection": "a collection keeps its address when its title changes",
    "test_collection_items": "collections inside collections are not offered",
    "test_upload_large_folder": "expects a warning that the installed client does not give",
    "test_metadata_update_missing_readme_on_space": "a new Space has no README.md",
    "test_xet_file_skips": "expects Xet for a file that was uploaded by LFS",
}
CLIENTS = ("huggingface_hub", "datasets", "hf_xet")
UNEXPLAINED = "no known reason"


def prepare(suite: Suite, source: Path, folder: Path, url: str) -> None:
    """A copy of the suite's tests in `folder`, with the address and users of the embedded Hub."""
    shutil.copytree(source / "tests", folder / "tests")
    for path in (folder / "tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for pattern, replacement in suite.patches.items():
            text = re.sub(pattern, replacement.format(url=url), text)
        path.write_text(text, encoding="utf-8")
    # instead of the options in the checkout, which need more plugins
    (folder / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings =\n    ignore::pytest.PytestUnknownMarkWarning\n"
    )


def run_tests(
    suite: Suite, folder: Path, url: str, xet: bool, only: list[str]
) -> dict[str, dict[str, str]]:
    """Outcome of every test, or of `only` some: {"passed": {name: ""}, "failed": {name: why}}."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    environment |= {
        "HF_ENDPOINT": url,
        "HF_HOME": str(folder / "home"),
        "HF_TOKEN": "",
        "HF_HUB_DISABLE_XET": str(int(not xet)),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HUGGINGFACE_CO_STAGING": "0",  # 1 would ask for the addresses of a service on the net
        "MNIST1D_NETWORK_LOG": str(folder / "refused_connections.txt"),
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONPATH": os.pathsep.join([str(GUARD), *filter(None, [os.getenv("PYTHONPATH")])]),
    }
    tests = [node(name) for name in only] or [f"tests/{name}" for name in suite.files]
    command = [sys.executable, "-m", "pytest", *tests]
    command += ["-c", "pytest.ini", "--rootdir", ".", "-p", "no:cacheprovider", "--tb=short"]
    command += ["-q", "--junitxml=report.xml", "-m", suite.markers]
    command += ["-k", " and ".join(f"not {name}" for name in suite.left_out)]
    done = subprocess.run(command, cwd=folder, env=environment)
    if done.returncode > 1:  # 1: some tests failed
        raise SystemExit("error: pytest could not run the tests; the reason stands above")
    return outcomes(folder / "report.xml")


def node(name: str) -> str:
    """What pytest calls the test that a report calls module.Class::function."""
    module, *classes = name.partition("::")[0].split(".")
    return "::".join([f"tests/{module}.py", *classes, name.partition("::")[2]])


def outcomes(report: Path) -> dict[str, dict[str, str]]:
    """What a JUnit report says of each test: {"passed": {name: ""}, "failed": {name: message}}."""
    found: dict[str, dict[str, str]] = {"passed": {}, "skipped": {}, "failed": {}}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').removeprefix('tests.')}::{case.get('name')}"
        entries = {child.tag: child for child in case}
        kind = next((k for k in ("failure", "error", "skipped") if k in entries), None)
        message = " ".join((entries[kind].get("message") or "").split())[:300] if kind else ""
        found["skipped" if kind == "skipped" else "failed" if kind else "passed"][name] = message
    return found


def reason(name: str) -> str | None:
    return next((why for part, why in EXPECTED.items() if part in name), None)


def version(source: Path) -> dict[str, str | None]:
    """Version and commit of the checkout."""
    [init] = source.glob("src/*/__init__.py")
    stated = re.search(r'^__version__ = "(.*)"', init.read_text(encoding="utf-8"), re.MULTILINE)
    command = ["git", "-C", str(source), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True)
    return {"version": stated and stated[1], "commit": done.stdout.strip() or None}


def report(run: dict[str, Any], why_left_out: dict[str, str]) -> None:
    counts = ", ".join(f"{run[kind]} {kind}" for kind in ("passed", "skipped"))
    print(f"\n{run['suite']} by {run['transfer']}: {counts}, {len(run['failed'])} failed")
    for name, why in run["failed"].items():
        print(f"  failed: {name}\n    {why}")
    for part, why in why_left_out.items():
        print(f"  not run: *{part}*: {why}")
    for host, times in run["refused connections"].items():
        print(f"  refused: {times} connections to {host}")
    if run["failures of the Hub itself"]:
        print(f"  the Hub itself failed {run['failures of the Hub itself']} times, see above")


def find_suite(source: Path) -> Suite:
    """The suite of a checkout; an error when it is none, or its tests cannot run here."""
    chosen = next((s for s in SUITES if (source / "tests" / s.files[0]).exists()), None)
    if chosen is None:
        wanted = " or ".join(f"tests/{s.files[0]} ({s.name})" for s in SUITES)
        raise SystemExit(f"error: --suite {source}: it has no {wanted}")
    lacking = [name for name in ("pytest_mock", "decorator") if find_spec(name) is None]
    if lacking:
        raise SystemExit(f"error: the tests need {' and '.join(lacking)}: see --help")
    return chosen


def run_suite(suite: Suite, source: Path, xet: bool) -> dict[str, Any]:
    """Run it on an embedded Hub of its own; what to report, with the reason for each failure."""
    from mnist1d_hf.evidence.results import provenance
    from mnist1d_hf.localhub import LocalHub

    start = time.perf_counter()
    with LocalHub() as hub, tempfile.TemporaryDirectory(prefix="conformance-") as name:
        for user, token, organisations in ACCOUNTS:
            hub.add_user(user, token, orgs=organisations)
        folder = Path(name)
        prepare(suite, source, folder, hub.url)
        found = run_tests(suite, folder, hub.url, xet, [])
        # once more, as their projects do: some measure times that a busy machine does not keep
        again = [test for test in found["failed"] if reason(test) is None]
        if again:
            passed = run_tests(suite, folder, hub.url, xet, again)["passed"]
            found["passed"] |= passed
            found["failed"] = {k: v for k, v in found["failed"].items() if k not in passed}
        log = folder / "refused_connections.txt"
        lines = log.read_text().splitlines() if log.exists() else []
    return {
        "suite": suite.name,
        "transfer": "Xet" if xet else "LFS",
        **version(source),
        "installed": {name: importlib.metadata.version(name) for name in CLIENTS},
        "passed": len(found["passed"]),
        "skipped": len(found["skipped"]),
        "failed": {
            test: reason(test) or f"{UNEXPLAINED}: {message}"
            for test, message in found["failed"].items()
        },
        "refused connections": Counter(line.split(" from ")[0].strip("'") for line in lines),
        "failures of the Hub itself": len(hub.bugs),
        "provenance": provenance(time.perf_counter() - start),
    }


def store(run: dict[str, Any], out: Path) -> None:
    """Write the outcome in place of an older one of the same suite and kind of transfer."""
    from mnist1d_hf.evidence.results import read_result, write_json

    runs = read_result(out)["runs"] if out.exists() else []
    key = run["suite"], run["transfer"]
    kept = [other for other in runs if (other["suite"], other["transfer"]) != key]
    write_json(out, {"runs": sorted([*kept, run], key=lambda r: (r["suite"], r["transfer"]))})


def main(
    suite: Annotated[Path, typer.Option(help="a checkout of huggingface_hub or datasets")],
    xet: Annotated[bool, typer.Option("--xet/--lfs", help="how large files travel")] = True,
    at_least: Annotated[int, typer.Option(help="tests that must pass")] = 0,
    out: Annotated[Path | None, typer.Option(help="JSON file that takes the outcome")] = None,
) -> None:
    chosen = find_suite(suite)
    run = run_suite(chosen, suite, xet)
    report(run, chosen.left_out)
    if out:
        store(run, out)
    unexplained = [test for test, why in run["failed"].items() if why.startswith(UNEXPLAINED)]
    if unexplained:
        raise SystemExit(f"error: {len(unexplained)} tests failed without a known reason")
    if run["passed"] < at_least:
        raise SystemExit(f"error: {run['passed']} tests passed, --at-least {at_least}")


if __name__ == "__main__":
    from mnist1d_hf.entrances import program

    program(main, __doc__, "nothing is saved")()
