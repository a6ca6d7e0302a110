"""The quiz without a browser: signals as braille dots, answers from the keyboard."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from plotille import Canvas
from rich.console import Console
from rich.table import Table

from mnist1d_hf.evidence.published import HUMAN, HUMAN_CAVEAT, PUBLISHED
from mnist1d_hf.files import check_writable, replacing
from mnist1d_hf.signals.templates import templates
from mnist1d_hf.space.drawing import REACH
from mnist1d_hf.space.quiz import BLOCK, Quiz, new_quiz, report, report_json, verdict

# Characters to a signal: ten beside each other fit into 80 columns. A character has 2 x 4 dots.
WIDTH, HEIGHT = 7, 14
TEMPLATE_HEIGHT = 6
INTRO = {
    "default": "Each signal hides one of these ten digits, stretched, moved, tilted and under "
    "noise; time runs down.",
    "shuffled": "Each signal hides one of these ten digits, stretched, moved, tilted and under "
    "noise, and its points have been put in another order, the same for all signals.",
}
TASK = "You see ten signals at a time: type their ten digits, as 0123456789, and press Enter."


def braille(signal: np.ndarray, height: int = HEIGHT, reach: float = REACH) -> list[str]:
    """A signal in `height` lines of WIDTH characters; x to the side, time down."""
    canvas = Canvas(WIDTH, height, xmin=-reach, xmax=reach)
    # the upper limits of a canvas lie just outside of it
    x = np.clip(signal, canvas.xmin, canvas.xmax_inside).tolist()
    y = np.linspace(canvas.ymax_inside, canvas.ymin, len(signal)).tolist()
    for i in range(1, len(x)):
        canvas.line(x[i - 1], y[i - 1], x[i], y[i])
    return canvas.plot().splitlines()


def side_by_side(
    signals: np.ndarray, captions: list[str], height: int = HEIGHT, reach: float = REACH
) -> Iterator[str]:
    """Lines of text that show signals beside each other, with captions below."""
    for parts in zip(*(braille(signal, height, reach) for signal in signals), strict=True):
        yield " ".join(part.ljust(WIDTH, "\N{BRAILLE PATTERN BLANK}") for part in parts)
    yield " ".join(caption.center(WIDTH) for caption in captions)


def take_quiz(console: Console, config: str, questions: int, seed: int, out: Path | None) -> Quiz:
    """Ask, ten at a time, until all is answered; print the score, and write it to `out`.

    Raises ValueError, before any question, for a config or a number of questions without a quiz and
    for a file that cannot be written.
    """
    quiz = new_quiz(config, questions, seed)
    if out is not None:
        check_writable(out.parent)
        if out.is_dir():
            raise ValueError(f"{out}: is a folder; name a file, as {out / 'result.json'}")
    explain(console, config)
    while not quiz.finished:
        block = quiz.block()
        numbers = [str(number) for number in range(block.start + 1, block.stop + 1)]
        for line in side_by_side(quiz.signals(block), numbers):
            console.print(line, highlight=False, markup=False)
        quiz = ask(console, quiz)
        marks = (
            "[green]right[/]" if truth == said else f"[red]{truth}, not {said}[/]"
            for truth, said in zip(quiz.truths[block], quiz.answers[block], strict=True)
        )
        console.print("; ".join(f"{n}: {m}" for n, m in zip(numbers, marks, strict=True)))
        console.print(f"{verdict(report(quiz))}\n", highlight=False)
    print_score(console, quiz)
    if out is not None:
        with replacing(out) as temporary:
            temporary.write_text(report_json(quiz))
        console.print(f"{out}", highlight=False, soft_wrap=True)
    else:
        console.print("The result is not saved; --out FILE saves it.")
    return quiz


def explain(console: Console, config: str) -> None:
    """Print what is to be done, and the ten digits before anything was done to them."""
    shapes = templates().x
    reach = 1.1 * float(np.abs(shapes).max())
    console.print(f"{INTRO[config]} {TASK}\n", highlight=False)
    for line in side_by_side(shapes, list(map(str, range(10))), TEMPLATE_HEIGHT, reach):
        console.print(line, highlight=False, markup=False)
    console.print()


def ask(console: Console, quiz: Quiz) -> Quiz:
    while True:
        try:
            return quiz.answer(console.input(f"Your {BLOCK} digits: "))
        except ValueError as error:
            console.print(str(error), style="red", markup=False, highlight=False)


def print_score(console: Console, quiz: Quiz) -> None:
    """The score beside the published ones, and the errors by digit."""
    score = report(quiz)
    low, high = score["interval_95"]
    table = Table("who", "accuracy (%)")
    table.add_row(
        "[bold]you[/]", f"{score['accuracy']:.1%}, {low:.1%} to {high:.1%}".replace("%", "")
    )
    for name, (mean, spread) in PUBLISHED[quiz.config].items():
        own = (name, quiz.config) == ("human", "default")
        table.add_row(f"{name}, published", f"{HUMAN if own else mean:g} ± {spread:g}")
    console.print(table)
    wrong = [f"{e['label']}: {e['wrong']} of {e['asked']}" for e in score["by_digit"] if e["wrong"]]
    console.print(f"Wrong by digit: {', '.join(wrong) or 'none'}", highlight=False)
    if quiz.config == "default":
        console.print(HUMAN_CAVEAT, highlight=False)
