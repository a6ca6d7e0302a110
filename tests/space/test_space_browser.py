"""The explorer as its visitors meet it: served from a copy of its folder, seen by Chromium.

MNIST1D_SCREENSHOTS=out/shots pytest tests/space/test_space_browser.py   # keeps pictures
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe

from mnist1d_hf.data.load import load_dataset_builder
from mnist1d_hf.space import drawing
from mnist1d_hf.space.quiz import test_split
from mnist1d_hf.space.settings import LIMITS

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
PATIENCE = 600_000  # milliseconds; machines that test are busy
pytestmark = pytest.mark.xdist_group("browser")  # one server and one browser for the file
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on PATH: apt-get install chromium"
)


class Server:
    """The Space as the Hub runs it: `python app.py` in a folder of its own."""

    def __init__(self, home: Path, models: Path):
        shutil.copytree(Path(drawing.__file__).parent, home)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = home / "log"
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE / 1000)
        environment = {
            **os.environ,
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "MNIST1D_MODELS": str(models),
            "GRADIO_TEMP_DIR": str(home / "files"),
        }
        with self.log.open("w") as log:
            command = [sys.executable, "app.py"]
            self.process = subprocess.Popen(
                command, cwd=home, env=environment, stdout=log, stderr=log
            )

    def wait(self) -> None:
        for _ in range(PATIENCE // 200):
            try:
                if self.client.get("/").is_success:
                    return
            except httpx.TransportError:
                assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)
        raise TimeoutError(self.log.read_text())

    def call(self, name: str, *values, **event):
        """What the page does: run one function of the app."""
        answer = self.client.post(f"/gradio_api/run/{name}", json={"data": values, **event})
        return answer.json().get("data", answer.json())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from mnist1d_hf.models import ARCHITECTURES

    home = tmp_path_factory.mktemp("explorer")
    for name in ("logistic", "cnn"):
        config, model = ARCHITECTURES[name]
        model(config()).save_pretrained(home / "models" / f"mnist1d-{name}")
    server = Server(home / "space", home / "models")
    try:
        server.wait()
        yield server
    finally:
        server.client.close()
        server.process.terminate()
        server.process.wait()
    raised = re.findall(r"^(?!gradio\.)[\w.]+(?:Error|Exception).*", server.log.read_text(), re.M)
    assert not raised, server.log.read_text()


@pytest.fixture(scope="module")
def explore(server):
    """Call the first tab's function with the controls as they stand, but for some."""
    described = server.client.get("/gradio_api/info").json()
    controls = described["named_endpoints"]["/explore"]["parameters"]
    start = {c["parameter_name"]: c["parameter_default"] for c in controls}

    def call(**values):
        return server.call("explore", *{**start, **values}.values())

    return call


# -- over HTTP ------------------------------------------------------------------------------------


def test_hostile_values_get_a_message_and_the_server_lives(server, explore):
    assert "polyline" in explore()[0]
    for values in (
        {"padding_low": 100, "padding_high": 3},
        {"seed": -5},
        {"seed": 2**70},
        {"validation_size": 99_999},
        {"num_samples": 1e15},
        {"scale_coeff": -1},
        {"final_seq_length": None},
        {"seed": 1.5},
    ):
        *_, status = explore(**values)
        assert " must be" in status and 'role="alert"' in status, (values, status)
    for values in ({"stream": "x"}, {"steps": ["x"]}, {"digit": "<b>"}):
        assert "error" in explore(**values)
    for points in (None, [], [[1, 2, 3]], "x" * 100_000, [[0.5, 0.5]] * 50_000):
        answer, row, chosen = server.call("stroke", event_data={"points": points})
        assert row is None and chosen is None
        assert 'role="alert"' in answer and "draw" in answer
    for row in (-1, 5000, 2.5, 1e300, None):
        (answer,) = server.call("row", row)
        assert 'role="alert"' in answer and "from 0 to 999" in answer
    assert "polyline" in explore()[0]


def test_ten_visitors_at_once_get_their_own_answers(explore):
    seeds = [seed for seed in range(10) for _ in range(3)]
    with ThreadPoolExecutor(10) as visitors:
        answers = list(visitors.map(lambda seed: explore(seed=seed)[0], seeds))
    assert len(set(answers)) == 10
    assert all(answers[i] == answers[i + 1] == answers[i + 2] for i in range(0, 30, 3))


def test_a_thousand_moves_of_a_slider_leave_the_memory_flat(server, explore):
    memory = psutil.Process(server.process.pid)

    def moves(count):
        with ThreadPoolExecutor(4) as visitors:
            list(visitors.map(lambda i: explore(shear_scale=0.05 * (i % 60)), range(count)))
        return memory.memory_info().rss

    moves(200)
    before = moves(100)
    after = moves(700)
    assert after - before < 20e6


# -- in a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(server, chromium, request):
    """Open the app in a window of its own; no request may leave the machine, nothing may fail."""
    contexts, complaints = [], []

    def visit(width=1200, height=900, **options):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, **options
        )
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((server.url, "data:", "blob:"))
                else complaints.append(f"asked for {asked.url}")
            ),
        )
        page.goto(server.url)
        page.wait_for_selector("#picture figure")
        return page

    yield visit
    shots = os.environ.get("MNIST1D_SCREENSHOTS")
    for number, context in enumerate(contexts):
        if shots:
            name = re.sub(r"\W+", "_", f"{request.node.name}_{number}")
            context.pages[0].screenshot(path=f"{shots}/{name}.png", full_page=True)
        context.close()
    assert not complaints, complaints


def picture(page) -> str:
    return page.locator("#picture polyline").first.get_attribute("points")


def wait_for_another(page, before: str) -> str:
    line = "document.querySelector('#picture polyline')"
    page.wait_for_function(f"old => {line}.getAttribute('points') !== old", arg=before)
    return picture(page)


def wait_for_text(page, place: str, text: str) -> None:
    page.wait_for_function(
        "([place, text]) => document.querySelector(place).innerText.includes(text)",
        arg=[place, text],
    )


@needs_browser
def test_sliders_redraw_and_the_line_can_be_copied(open_page):
    page = open_page()
    first = picture(page)
    slider = page.get_by_role("slider", name=re.compile("slope"))
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    second = wait_for_another(page, first)
    page.get_by_label("resample").uncheck()
    wait_for_another(page, second)
    wait_for_text(page, "#line", "final_seq_length=72")
    page.locator("#line").get_by_role("button", name=re.compile("copy", re.I)).click()
    copied = page.evaluate("navigator.clipboard.readText()")
    changed = "shear_scale=1.0, final_seq_length=72"
    assert copied.endswith(f'\n\ndataset = load_dataset("mnist1d", "default", {changed})')
    assert page.locator("#picture polyline.digit").count() >= 20  # signals and templates
    page.get_by_label("shuffled").check()  # a preset puts every control back
    wait_for_text(page, "#line", '"shuffled")')
    assert page.get_by_label("resample").is_checked()
    assert page.locator("#picture svg.signal:not(.template) circle").count() > 20


@needs_browser
def test_the_dataset_downloads_as_parquet(open_page, tmp_path):
    page = open_page()
    page.get_by_role("button", name="The set").click()
    page.get_by_role("spinbutton", name=re.compile("Number of rows")).fill("100")
    page.keyboard.press("Tab")
    wait_for_text(page, "#status", "80 rows of train, 20 rows of test")
    page.get_by_role("button", name="Make Parquet files").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("KB|B")).first.click()
    download.value.save_as(tmp_path / "train.parquet")
    table = pq.read_table(tmp_path / "train.parquet")
    expected = load_dataset_builder("default", num_samples=100).table("train", 0, 80)
    assert table["x"].to_pylist() == expected["x"].to_pylist()


@needs_browser
def test_models_judge_examples_and_a_drawn_line(open_page):
    page = open_page()
    page.get_by_role("tab", name="Classify").click()
    answer = page.locator("#answer")
    row = page.get_by_label("Row of the test split")
    for typed in ("5000", "-1", "2.5"):
        row.fill(typed)
        wait_for_text(page, "#answer", "whole numbers from 0 to 999")
        row.fill("29")
        wait_for_text(page, "#answer", "Row 29 is a 7, which the author took for a 1.")
    assert re.search(r"Answers: optimum 7, cnn \d, logistic \d\.", answer.inner_text())
    assert answer.locator("td").count() == 30
    pad = page.locator("#pad canvas")
    pad.scroll_into_view_if_needed()
    pad.click()  # a gesture of no points
    page.wait_for_function("() => document.querySelector('#answer [role=alert]')")
    assert "draw a line downwards" in answer.inner_text()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 5)
    page.mouse.down()
    for i in range(1, 30):
        page.mouse.move(box["x"] + (80 if i < 15 else 110), box["y"] + 5 + 10 * i)
    page.mouse.up()
    page.wait_for_function(
        "() => document.querySelector('#answer').innerText.includes('Your line')"
    )
    assert answer.locator("td").count() == 30
    assert row.input_value() == ""
    by_mouse = answer.locator("polyline").first.get_attribute("points")
    pad.focus()
    for key in ("ArrowRight", "ArrowRight", *["ArrowDown"] * 20, "ArrowLeft", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function(
        "old => document.querySelector('#answer polyline')?.getAttribute('points') !== old",
        arg=by_mouse,
    )
    wait_for_text(page, "#answer", "Your line")


@needs_browser
def test_a_quiz_is_taken_with_the_keyboard_alone(open_page):
    page = open_page()
    page.get_by_role("tab", name="Explore").focus()
    page.keyboard.press("ArrowRight")
    for _ in range(40):  # to the tab, wherever the focus is
        if page.evaluate("document.activeElement.innerText") == "Quiz":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#board svg.template").count() == 10
    assert page.locator("#answers :is(input, textarea)").is_disabled()
    assert page.get_by_role("button", name="Enter").is_disabled()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "Start":
            break
    page.keyboard.press("Enter")
    message = page.locator("#message")
    for first in ("Signals 1 to 10", "Signals 11 to 20"):
        wait_for_text(page, "#message", first)
        page.wait_for_function("() => document.activeElement.closest('#answers')")
        page.keyboard.type("01234")
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelector('#message [role=alert]')")
        assert "Type 10 digits" in message.inner_text()
        page.keyboard.type("56789")
        page.keyboard.press("Enter")
        page.wait_for_function(
            "() => document.querySelector('#message').innerText.includes('right')"
        )
        assert page.locator("#board figcaption").count() == 10
        page.wait_for_function("() => document.activeElement.closest('#answers')")
        if first == "Signals 1 to 10":
            page.keyboard.press("Enter")
    page.wait_for_selector("#result .bars")
    save = page.locator("#save")
    assert save.is_visible()
    with page.expect_download() as download:
        save.press("Enter")
    score = json.loads(Path(download.value.path()).read_text())
    assert score["answers"] == list(range(10)) * 2 and score["config"] == "default"
    y = test_split("default")[1]
    right = sum(y[row] == said for row, said in zip(score["rows"], score["answers"], strict=True))
    assert score["correct"] == right
    assert f"{right} of 20 right" in message.inner_text()
    result = page.locator("#result").inner_text()
    assert "95.8 %" in result and f"{5 * right:.1f} %" in result and "95.75" in result


@needs_browser
def test_a_narrow_dark_window_shows_all_without_scrolling_sideways(open_page):
    page = open_page(width=360, height=740, color_scheme="dark")
    for tab in ("Explore", "Classify", "Quiz"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.get_by_label("shuffled").last.check()
    page.get_by_role("button", name="Start").click()
    wait_for_text(page, "#message", "Signals 1 to 10")
    page.wait_for_selector("#board svg[aria-label='signal 10']")
    places = "[...document.querySelectorAll('#board figure')].map(figure => figure.offsetTop)"
    assert len(set(page.evaluate(places))) == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#answers textarea, #answers input").bounding_box()["width"] > 200


NOTHING_ABOVE = """() => {
  const stage = document.querySelector('#stage'), box = stage.getBoundingClientRect();
  for (let x = box.left + 2; x < box.right; x += 9)
    for (let y = box.top + 2; y < box.bottom - 2; y += 9)
      if (!stage.contains(document.elementFromPoint(x, y))) return false;
  return true;
}"""


@needs_browser
@pytest.mark.parametrize("width, height", [(1280, 800), (360, 640)])
def test_the_signals_stay_in_sight_of_every_slider(open_page, width, height):
    page = open_page(width=width, height=height)
    for _ in range(5):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    page.get_by_role("button", name="The set").click()
    sliders = page.get_by_role("slider")
    sliders.nth(len(LIMITS) - 1).wait_for()
    for slider in sliders.all():
        slider.focus()
        slider.scroll_into_view_if_needed()
        last = page.locator("#picture figure").last.bounding_box()
        place, above = slider.bounding_box(), page.locator("#stage").bounding_box()
        assert above["y"] >= 0 and last["y"] + last["height"] <= above["y"] + above["height"]
        assert above["y"] + above["height"] <= place["y"] <= height - place["height"]
        assert page.evaluate(NOTHING_ABOVE)


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(open_page, scheme):
    page = open_page(width=360, height=740, color_scheme=scheme)
    page.add_style_tag(content="* { transition: none !important; }")  # colours on their way
    page.get_by_role("button", name="The set").click()
    for tab in ("Explore", "Classify", "Quiz"):
        page.get_by_role("tab", name=tab).click()
        if tab == "Quiz":
            page.get_by_role("button", name="Start").click()
            wait_for_text(page, "#message", "Signals 1 to 10")
        found = Axe().run(page).response["violations"]
        serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        assert not serious, (tab, [(fault["id"], fault["nodes"][0]["html"]) for fault in serious])
