"""Second tab: what the models make of an example or of a drawn line, and who errs where."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
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
from mnist1d_hf.signals.params import CONFIGS
from mnist1d_hf.space import drawing
from mnist1d_hf.space.classifiers import errors_by_digit, mistakes, opinions
from mnist1d_hf.space.optimum import judge
from mnist1d_hf.space.quiz import test_split

LENGTH = 40

PAD = (
    '<canvas class="canvas" width="160" height="320" tabindex="0" role="application" '
    'aria-label="box to draw in: arrow keys draw, Enter ends the line"></canvas>'
)
PAD_JS = Path(__file__).with_name("pad.js")
HOW_TO_DRAW = """
Or draw a line from the top to the bottom. On the keyboard: left and right move the pen, down draws,
Enter ends the line, Delete begins again.
"""
SHADED = "Shaded: where the digit most probably lies."
UNLIKE = "The generator makes hardly anything like it, and the optimum answers as if it had."
FAR = 10  # nats below the least dense of the compared test rows


def classify_tab(models: Mapping[str, Any], problems: list[str]) -> None:
    x, y = test_split("default")
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            row = gr.Number(0, label=f"Row of the test split, 0 to {len(y) - 1}")
            another = gr.Button("Another example")
            hard = gr.Dropdown(
                hard_rows(models, x, y),
                value=None,
                label="Rows that the paper's author or the CNN got wrong",
            )
        with gr.Column(scale=2, min_width=300):
            for problem in problems:
                gr.HTML(drawing.alert(problem))
            answer = gr.HTML(show_row(models, 0), elem_id="answer")
        with gr.Column(scale=1, min_width=260):
            gr.Markdown(HOW_TO_DRAW)
            pad = gr.HTML(PAD, js_on_load=PAD_JS.read_text(), elem_id="pad")
    gr.Markdown("## Who errs where (percent of each digit)")
    gr.HTML(errors_html(models, x, y))
    gr.Markdown(
        f"Human: the first author, 500 stored answers. {HUMAN_CAVEAT} "
        "CNN of 2020: the authors' notebook, 3000 steps, on the first 500 rows of test. "
        "The other models: all 1000 rows of test. The optimum errs on none of them."
    )
    show = partial(show_row, models)

    def show_chosen(chosen: int) -> tuple[int, str]:
        return chosen, show(chosen)

    def show_random() -> tuple[int, str, None]:
        return *show_chosen(random_row()), None

    def show_drawn(event: gr.EventData) -> tuple[str, None, None]:
        return show_stroke(models, getattr(event, "points", None)), None, None

    options: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
    row.input(show, row, answer, trigger_mode="always_last", api_name="row", **options)
    another.click(show_random, None, [row, answer, hard], **options)
    hard.input(show_chosen, hard, [row, answer], **options)
    pad.submit(show_drawn, None, [answer, row, hard], api_name="stroke", **options)


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
    columns = {
        "human": error_rates(HUMAN_ERRORS, HUMAN_ANSWERS),
        "CNN of 2020": error_rates(CNN_ERRORS, CNN_ANSWERS),
    }
    for name, model in models.items():
        if model.config.final_seq_length == LENGTH:
            columns[name] = errors_by_digit(model, x, y)
    return drawing.table_html("errors in percent of each digit", columns)


def show_row(models: Mapping[str, Any], row: Any) -> str:
    x, y = test_split("default")
    if not isinstance(row, int | float) or row not in range(len(y)):
        return drawing.alert(f"Rows of test are whole numbers from 0 to {len(y) - 1}.")
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
    return answer_html(models, signal, f"Your line, at {LENGTH} positions.")


def answer_html(models: Mapping[str, Any], signal: np.ndarray, told: str) -> str:
    """A signal, what is known of it, and the probabilities by the optimum and by each model."""
    judgement = judge(signal, CONFIGS["default"])
    found = {"optimum": judgement.classes, **dict(opinions(models, signal))}
    picture = drawing.signal_svg(
        signal,
        "the signal, shaded where the digit probably lies",
        reach=drawing.REACH,
        digit=judgement.inside > 0.5,
        shade=judgement.inside,
    )
    best = ", ".join(f"{name} {p.argmax()}" for name, p in found.items())
    table = drawing.table_html(
        "probabilities in percent", {name: 100 * p for name, p in found.items()}
    )
    said = drawing.note(f"{told} Answers: {best}.{' ' + UNLIKE if judgement.below > FAR else ''}")
    return (
        f'<div class="answer"><div class="told">{said}</div>'
        f"<div>{picture}{drawing.note(SHADED)}</div>"
        f"<div>Probabilities in percent{table}</div></div>"
    )
