"""Third tab: the human's quiz."""

import base64
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from mnist1d_hf.evidence.published import HUMAN, HUMAN_CAVEAT, PUBLISHED
from mnist1d_hf.space import drawing
from mnist1d_hf.space.quiz import (
    BLOCK,
    LENGTHS,
    QUIZ_CONFIGS,
    Quiz,
    chance_seed,
    new_quiz,
    report,
    report_json,
    verdict,
)

YOU = "you"
# The page enables the box some time after Start was answered.
FOCUS = """async () => {
  for (let i = 0; i < 200; i++) {
    const box = document.querySelector('#answers :is(input, textarea):enabled');
    if (box) return box.focus();
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}"""
INTRO = """
Each signal hides one of these ten shapes, stretched, moved, tilted and under noise; in shuffled
signals the points are in another order too. You see ten at a time: type their ten digits and press
Enter to see the truth, and Enter again for the next ten.
The first author of the paper got 95.8 % of 500 right this way.
"""


class Turn(NamedTuple):
    """A visitor's quiz, and whether the truth of the last ten is being shown."""

    quiz: Quiz
    truth_shown: bool = False


def quiz_tab() -> None:
    gr.Markdown(INTRO)
    turn = gr.State(None)
    with gr.Row():
        config = gr.Radio(QUIZ_CONFIGS, value="default", label="Signals")
        questions = gr.Radio(LENGTHS, value=LENGTHS[0], label="Questions")
        start = gr.Button("Start", variant="primary")
    board = gr.HTML(drawing.templates_html(), elem_id="board")
    typed = gr.Textbox(
        label="Your ten digits, then Enter",
        elem_id="answers",
        max_lines=1,
        max_length=200,
        interactive=False,  # until the quiz begins
        html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
    )
    enter = gr.Button("Enter", interactive=False)
    message = gr.HTML(elem_id="message")
    result = gr.HTML(elem_id="result")
    shown = [turn, board, typed, enter, message, result]
    options: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
    start.click(begin, [config, questions], shown, **options).then(js=FOCUS)
    gr.on([typed.submit, enter.click], advance, [turn, typed], shown, **options).then(js=FOCUS)


def begin(config: str, questions: int) -> tuple[Any, ...]:
    """A new quiz with signals that chance chooses."""
    try:
        quiz = new_quiz(config, questions, chance_seed())
    except ValueError as error:
        return None, gr.skip(), gr.skip(), gr.skip(), drawing.alert(error), ""
    return ask(Turn(quiz))


def ask(turn: Turn) -> tuple[Any, ...]:
    """Show the next ten."""
    quiz = turn.quiz
    block = quiz.block()
    numbers = range(block.start + 1, block.stop + 1)
    board = drawing.signals_html(quiz.signals(block), numbers, reach=drawing.REACH)
    told = f"Signals {block.start + 1} to {block.stop} of {len(quiz.rows)}."
    box, enter = gr.Textbox("", interactive=True), gr.Button(interactive=True)
    return turn, board, box, enter, drawing.note(told), ""


def advance(turn: Turn | None, typed: str | None) -> tuple[Any, ...]:
    """What Enter does: check the ten answers, or go on to the next ten."""
    if turn is None or turn.quiz.finished:
        over = drawing.note("Start begins another quiz.") if turn else drawing.alert("Press Start.")
        return turn, gr.skip(), "", gr.skip(), over, gr.skip()
    if turn.truth_shown:
        return ask(Turn(turn.quiz))
    try:
        quiz = turn.quiz.answer(typed or "")
    except ValueError as error:
        return turn, gr.skip(), gr.skip(), gr.skip(), drawing.alert(error), ""
    turn = Turn(quiz, truth_shown=True)
    told, result = f"{verdict(report(quiz))}.", ""
    if quiz.finished:
        result = result_html(quiz)
    else:
        told += " Enter shows the next ten."
    return turn, truth_html(quiz), "", gr.skip(), drawing.note(told), result


def truth_html(quiz: Quiz) -> str:
    """The last ten signals with their digits, and what was answered where that was another."""
    block = quiz.block(len(quiz.answers) // BLOCK - 1)
    pairs = list(zip(quiz.truths[block], quiz.answers[block], strict=True))
    return drawing.signals_html(
        quiz.signals(block),
        [f"{truth} ✓" if truth == said else f"{truth}, not {said}" for truth, said in pairs],
        reach=drawing.REACH,
        classes=["right" if truth == said else "wrong" for truth, said in pairs],
    )


def result_html(quiz: Quiz) -> str:
    """Score beside the published ones, errors by digit, and the result to save."""
    score = report(quiz)
    low, high = score["interval_95"]
    bars: dict[str, tuple[float, tuple[float, float] | None]] = {
        YOU: (100 * score["accuracy"], (100 * low, 100 * high))
    }
    for name, (mean, spread) in PUBLISHED[quiz.config].items():
        value = HUMAN if (name, quiz.config) == ("human", "default") else mean
        bars[f"{name}, published"] = (value, (value - spread, value + spread))
    bars["chance"] = (10, None)
    asked, wrong = np.array([(entry["asked"], entry["wrong"]) for entry in score["by_digit"]]).T
    rates = 100 * wrong / np.maximum(asked, 1)
    errors = drawing.table_html("your errors", {"your errors, %": rates})
    caveat = (
        HUMAN_CAVEAT
        if quiz.config == "default"
        else "The published 30 % of a human on shuffled signals comes without data."
    )
    name = f"mnist1d-quiz-{quiz.config}-{quiz.seed}.json"
    content = base64.b64encode(report_json(quiz).encode()).decode()
    save = (
        f'<a id="save" download="{name}" href="data:application/json;base64,{content}">'
        "Save the result as JSON</a>"
    )
    return drawing.bars_html(bars, YOU) + save + errors + drawing.note(caveat)
