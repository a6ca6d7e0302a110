"""The pages of the embedded Hub, in a browser where there is one."""

import os
import re
import shutil
import subprocess
from urllib.parse import quote

import httpx2
import pyarrow as pa
import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from mnist1d_hf.data.parquet import write_parquet
from mnist1d_hf.localhub.documents import clean, rewriting

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
    assert page.index("First rows") < page.index("Signals &amp; more")
    assert "<summary>" not in page  # two tables are few enough
    assert 'href="javascript' not in page and "<script" not in page and "onerror" not in page
    # the picture, which the browser asked for relative to the commit
    assert hub.calls("GET /datasets/alice/signals/resolve/.*/figures/dot.svg")


@pytest.mark.parametrize("hub", ["lfs", "xet"], indirect=True)
def test_files_are_shown_as_what_they_are(published):
    api, hub = HfApi(), published
    claims = b'# What holds\n\n[below](#all-claims)\n\n## All claims\n\n<a id="C1"></a>C1 holds\n'
    big = b"\x89PNG" + bytes(11 << 20)  # kept as a large file
    files = {
        "docs/CLAIMS.md": claims,
        "docs/more.md": b"[C1](CLAIMS.md#C1) [up](../README.md) [out](../../x) ![d](../a%20b.png)",
        "a b.png": b"\x89PNG small",
        "big.png": big,
        "cells.jsonl": b'{"a": "<b>"}',
    }
    operations = [CommitOperationAdd(path, data) for path, data in files.items()]
    api.create_commit("alice/signals", operations, repo_type="dataset", commit_message="Add")
    home = f"{hub.url}/datasets/alice/signals"
    listed = httpx2.get(home).text
    for path in files:
        assert re.search(rf'href="/datasets/alice/signals/blob/\w+/{quote(path)}"', listed), path

    page = httpx2.get(f"{home}/blob/main/docs/CLAIMS.md").text
    assert '<h2 id="all-claims">' in page and '<a id="C1"></a>' in page
    assert 'href="#all-claims"' in page
    page = httpx2.get(f"{home}/blob/main/docs/more.md").text
    place = r"/datasets/alice/signals"
    assert re.search(rf'href="{place}/blob/\w+/docs/CLAIMS.md#C1"', page)
    assert re.search(rf'href="{place}/blob/\w+/README.md"', page) and 'href="#">out' in page
    assert re.search(rf'src="{place}/resolve/\w+/a%20b.png"', page)
    assert "&lt;b&gt;" in httpx2.get(f"{home}/blob/main/cells.jsonl").text
    assert "3 rows, the first 3" in httpx2.get(f"{home}/blob/main/default/train.parquet").text
    assert httpx2.get(f"{home}/blob/main/none.md").status_code == 404

    for path, kind in (("a b.png", "png"), ("big.png", "png"), ("figures/dot.svg", "svg+xml")):
        assert (
            'src="/datasets/alice/signals/resolve/' in httpx2.get(f"{home}/blob/main/{path}").text
        )
        answer = httpx2.get(f"{home}/resolve/main/{path}", follow_redirects=True)
        assert answer.headers["Content-Type"] == f"image/{kind}"
        policy = answer.headers["Content-Security-Policy"]
        assert "sandbox" in policy and "default-src 'none'" in policy  # a script of an SVG is dead
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    text = httpx2.get(f"{home}/resolve/main/docs/CLAIMS.md", follow_redirects=True)
    assert text.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "written, shown",
    [
        ('<img src="x.png" onerror="a()">', '<img src="/f/x.png" alt="">'),
        ('<a id="C1" href="javascript:a()">', '<a id="C1" href="#">'),
        ("<script>a()</script>", "&lt;script&gt;a()&lt;/script&gt;"),
        ('<IFRAME src="x">', "&lt;IFRAME src=&quot;x&quot;&gt;"),
        (
            '<p align=center onclick="a()">1 &lt; 2 &#65;</p>',
            '<p align="center">1 &lt; 2 &#65;</p>',
        ),
        ('<source media="(a)" srcset="d.png">', '<source media="(a)" srcset="/f/d.png">'),
        ("a <!-- b --> c", "a  c"),
        ('<img alt="&quot; onload=&quot;a()">', '<img alt="&quot; onload=&quot;a()">'),
    ],
)
def test_html_of_users_is_reduced_to_what_cannot_harm(written, shown):
    assert clean(written, rewriting("/p", "/f")) == shown


@pytest.mark.parametrize("hub", ["lfs"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_page_in_both_themes(published, scheme):
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium")
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": 360, "height": 640}, color_scheme=scheme, bypass_csp=True
        )
        for path in ("", "/datasets/alice/signals", "/datasets/alice/signals/blob/main/README.md"):
            page.goto(published.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            light = "getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'"
            assert page.evaluate(light) == (scheme == "light")
            found = Axe().run(page).response["violations"]
            serious = [fault["id"] for fault in found if fault["impact"] in ("serious", "critical")]
            assert not serious, (path, serious)
        browser.close()


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
