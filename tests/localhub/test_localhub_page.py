"""The pages of the embedded Hub, in a browser where there is one."""

import os
import re
import shutil
import subprocess

import httpx2
import pyarrow as pa
import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from mnist1d_hf.data.parquet import write_parquet

CARD = """---
license: mit
---
# Signals & more

<!-- a note -->
| config | rows |
| --- | --- |
| `default` | 3 |

![the picture](figures/dot.svg)

<script>document.title = "taken over"</script>
<img src=x onerror="document.title='taken over'">
[go](javascript:document.title='taken')
"""
DOT = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="7"><circle r="3"/></svg>'


@pytest.fixture
def browse(tmp_path):
    """A function that gives a page's DOM after Chromium has rendered it."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium")

    def dom(url):
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000"]
        # its own services would be asked for updates and the like
        command += ["--disable-background-networking", "--disable-component-update"]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", url]
        environment = {k: v for k, v in os.environ.items() if k != "HF_TOKEN"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return dom


@pytest.fixture
def published(hub, tmp_path):
    curve = pa.FixedSizeListArray.from_arrays(pa.array([0.0, 1.0, 0.5] * 3, pa.float32()), 3)
    table = pa.table({"x": curve, "label": [7, 8, 9], "text": ["<b>bold</b>", None, "x" * 100]})
    rows = write_parquet(table, tmp_path / "rows.parquet")
    api = HfApi()
    api.create_repo("alice/signals", repo_type="dataset")
    api.create_commit(
        "alice/signals",
        [
            CommitOperationAdd("README.md", CARD.encode()),
            CommitOperationAdd("figures/dot.svg", DOT),
            CommitOperationAdd("default/train.parquet", rows),
            CommitOperationAdd("broken.parquet", b"PAR1 not really"),
        ],
        repo_type="dataset",
        commit_message="Publish <i>",
    )
    api.create_repo("alice/hidden", private=True)
    slug = api.create_collection("All of it", namespace="alice").slug
    api.add_collection_item(slug, "alice/signals", "dataset")
    api.add_collection_item(slug, "alice/hidden", "model")
    return hub


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_a_person_sees_what_was_published(published, browse):
    hub = published
    index = browse(hub.url)
    assert ">alice/signals</a>" in index and "hidden" not in index
    [link] = re.findall(r'href="(/collections/[^"]+)"', index)
    collection = browse(hub.url + link)
    assert ">alice/signals</a>" in collection and "hidden" not in collection

    page = browse(f"{hub.url}/datasets/alice/signals")
    assert "<title>alice/signals</title>" in page  # no script of the card has run
    assert "<td><code>default</code></td>" in page and "a note" not in page
    assert "Publish &lt;i&gt;" in page and "&lt;b&gt;bold&lt;/b&gt;" in page
    assert page.count("<polyline") == 3 and "3 rows, the first 3" in page
    assert "broken.parquet</h3><p>cannot be read" in page
    assert ">default/train.parquet</a>" in page and ">LFS<" in page
    # the picture, which the browser asked for relative to the commit
    assert hub.calls("GET /datasets/alice/signals/resolve/.*/figures/dot.svg")
    assert not hub.calls("GET .*/x$")


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_many_files_are_folded_and_few_are_previewed(hub, tmp_path):
    rows = write_parquet(pa.table({"label": [7, 8]}), tmp_path / "rows.parquet")
    paths = [f"big/{split}-{i:05d}-of-00030.parquet" for split in ("a", "b") for i in range(30)]
    api = HfApi()
    api.create_repo("alice/shards", repo_type="dataset")
    operations = [CommitOperationAdd(path, rows) for path in paths]
    api.create_commit("alice/shards", operations, repo_type="dataset", commit_message="Add")
    page = httpx2.get(f"{hub.url}/datasets/alice/shards").text
    assert "<summary>61 files</summary>" in page and page.count("2 rows, the first 2") == 2
    assert re.search(
        r"alice/shards</a> <span class=muted>61 files, \d+ kB", httpx2.get(hub.url).text
    )


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
def test_pages_of_revisions_and_errors(published):
    api = HfApi()
    commit = api.create_commit(
        "alice/signals",
        [CommitOperationAdd("README.md", b"---\nlicense: mit\n---\n# Proposed")],
        repo_type="dataset",
        commit_message="Propose",
        create_pr=True,
    )
    assert "Proposed" in httpx2.get(commit.pr_url).text
    assert "Signals &amp; more" in httpx2.get(f"{api.endpoint}/datasets/alice/signals").text
    assert "Proposed" in httpx2.get(commit.commit_url).text
    for path in ("datasets/alice/none", "alice/hidden", "collections/alice/none"):
        told = httpx2.get(f"{api.endpoint}/{path}", headers={"Accept": "text/html,*/*"})
        assert told.status_code in (401, 404) and "not found</p>" in told.text
        assert "not found" in httpx2.get(f"{api.endpoint}/{path}").json()["error"]
    policy = httpx2.get(api.endpoint).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script" not in policy
