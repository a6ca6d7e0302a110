"""Second tab: what the models make of an example or of a drawn line, and who errs where."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from mnist1d_hf.evidence.published import (
    CNN_ANSWERS,
    CNN_ERRORS,
    HUMAN_ANSWERS,
    HUMAN_CAVEAT,
    HUMAN_ERRORS,
    HUMAN_MISTAKES,
    error_rates,
)
from mnist1d_hf.signals.params import NUM_CLASSES
from mnist1d_hf.space import drawing
from mnist1d_hf.space.classifiers import errors_by_digit, mistakes, opinions
from mnist1d_hf.space.quiz import test_split

LENGTH = 40

# A box in which the mouse, a finger or a pen leaves one line. The points go to the server as they
# are when the line ends, x and y from 0 to 1.
PAD = '<canvas class="canvas" width="160" height="320" aria-label="box to draw in"></canvas>'
PAD_JS = """
const canvas = element.querySelector('canvas');
const pen = canvas.getContext('2d');
let points = null;
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};
canvas.addEventListener('pointerdown', (event) => {
  points = [place(event)];
  canvas.setPointerCapture(event.pointerId);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 2;
  event.preventDefault();
});
canvas.addEventListener('pointermove', (event) => {
  if (points === null) return;
  const [x, y] = place(event), [u, v] = points[points.length - 1];
  points.push([x, y]);
  pen.beginPath();
  pen.moveTo(u * canvas.width, v * canvas.height);
  pen.lineTo(x * canvas.width, y * canvas.height);
  pen.stroke();
});
canvas.addEventListener('pointerup', () => {
  if (points !== null) trigger('submit', {points});
  points = null;
});
"""


def classify_tab(models: Mapping[str, Any], problems: list[str]) -> None:
    x, y = test_split("default")
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            row = gr.Number(0, label="Row of test", precision=0, minimum=0, maximum=len(y) - 1)
            another = gr.Button("Another example")
            hard = gr.Dropdown(
                hard_rows(models, x, y), value=None, label="Examples that were missed"
            )
            gr.Markdown("Or draw a line from the top to the bottom:")
            pad = gr.HTML(PAD, js_on_load=PAD_JS, elem_id="pad")
        with gr.Column(scale=2, min_width=300):
            for problem in problems:
                gr.HTML(drawing.alert(problem))
            answer = gr.HTML(show_row(models, 0), elem_id="answer")
    gr.Markdown("### Who errs where (percent of each digit)")
    gr.HTML(errors_html(models, x, y))
    gr.Markdown(
        f"Human: the first author, 500 stored answers. {HUMAN_CAVEAT} "
        "CNN of 2020: the authors' notebook, 3000 steps, on the first 500 rows of test."
    )
    show = partial(show_row, models)
    row.change(show, row, answer, queue=False, show_progress="hidden", api_name="row")
    another.click(random_row, None, row, queue=False, show_progress="hidden")
    hard.input(lambda chosen: chosen, hard, row, queue=False, show_progress="hidden")

    def show_drawn(event: gr.EventData) -> str:
        return show_stroke(models, getattr(event, "points", None))

    pad.submit(show_drawn, None, answer, queue=False, show_progress="hidden", api_name="stroke")


def random_row() -> int:
    return int(np.random.default_rng().integers(len(test_split("default")[1])))


def hard_rows(models: Mapping[str, Any], x: np.ndarray, y: np.ndarray) -> list[tuple[str, int]]:
    """Rows of test that the human or a loaded CNN got wrong, with what was said of them."""
    human = [
        (f"row {row}: a {truth}, the author said {said}", row)
        for row, (truth, said) in HUMAN_MISTAKES.items()
    ]
    if "cnn" not in models or models["cnn"].config.final_seq_length != LENGTH:
        return human
    return human + [
        (f"row {row}: a {truth}, the CNN says {said}", row)
        for row, (truth, said) in mistakes(models["cnn"], x, y).items()
    ]


def errors_html(models: Mapping[str, Any], x: np.ndarray, y: np.ndarray) -> str:
    lines = {
        "human": error_rates(HUMAN_ERRORS, HUMAN_ANSWERS),
        "CNN of 2020": error_rates(CNN_ERRORS, CNN_ANSWERS),
    }
    for name, model in models.items():
        if model.config.final_seq_length == LENGTH:
            lines[f"{name} (loaded, all of test)"] = errors_by_digit(model, x, y)
    return drawing.table_html("errors", ["", *range(10)], lines, np.array(list(lines.values())))


def show_row(models: Mapping[str, Any], row: Any) -> str:
    x, y = test_split("default")
    if not isinstance(row, int | float) or not 0 <= row < len(y):
        return drawing.alert(f"Rows of test go from 0 to {len(y) - 1}.")
    row = int(row)
    said = (
        f", which the author took for a {HUMAN_MISTAKES[row][1]}" if row in HUMAN_MISTAKES else ""
    )
    return answer_html(models, x[row], f"Row {row} is a {y[row]}{said}.")


def show_stroke(models: Mapping[str, Any], points: Any) -> str:
    try:
        signal = drawing.stroke_to_signal(points, LENGTH)
    except ValueError as error:
        return drawing.alert(error)
    return answer_html(models, signal, "Your line, at 40 positions.")


def answer_html(models: Mapping[str, Any], signal: np.ndarray, told: str) -> str:
    """A signal, what is known of it, and the probabilities that each model gives it."""
    found = dict(opinions(models, signal))
    picture = drawing.signals_html(signal[None], [""], reach=drawing.REACH)
    if not found:
        none = "No models are loaded: start with mnist1d-hf explore --models FOLDER."
        return drawing.note(told) + picture + drawing.note(none)
    best = ", ".join(f"{name} {p.argmax()}" for name, p in found.items())
    table = drawing.table_html(
        "probabilities in percent",
        ["%", *range(NUM_CLASSES)],
        found,
        100 * np.array(list(found.values())),
    )
    return drawing.note(f"{told} The models say: {best}.") + picture + table
