"""Signals, probabilities and accuracies as HTML with SVG inside; strokes of a mouse as signals.

Everything is drawn in the colour of the page's text, so light and dark pages both work.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

WIDTH, HEIGHT, MARGIN = 60, 150, 4
# Half the width of a drawn signal's page in standard deviations of x, as in the author's quiz.
REACH = 6.0
# What a hostile client may send as a stroke.
MOST_POINTS = 20_000

CSS = """
.signals { display: grid; gap: 4px; grid-template-columns: repeat(10, minmax(0, 1fr)); }
@media (max-width: 640px) { .signals { grid-template-columns: repeat(5, minmax(0, 1fr)); } }
.signals figure { margin: 0; text-align: center; }
.signals svg { width: 100%; max-height: 200px; margin: 0; }
.signals figcaption { font-size: 15px; font-variant-numeric: tabular-nums; }
.signals polyline { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round; }
.signals .right figcaption { color: #009e73; font-weight: 600; }
.signals .wrong figcaption { color: #d55e00; font-weight: 600; }
#picture { position: sticky; top: 0; z-index: 5; background: var(--body-background-fill); }
.scroll { overflow-x: auto; margin: 10px 0; }
.scroll table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.scroll table :is(tr, th, td) { border: 0 !important; }
.scroll :is(th, td) { padding: 3px 7px; text-align: right; min-width: 34px; }
.scroll tr > th:first-child { text-align: left; }
.canvas { width: 160px; height: 320px; border: 1px solid currentColor; border-radius: 6px;
  touch-action: none; cursor: crosshair; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 4px 10px;
  align-items: center; max-width: 640px; }
.bars .track { position: relative; height: 12px; background: #99999933; border-radius: 3px; }
.bars .fill { position: absolute; inset: 0 auto 0 0; background: #56b4e9; border-radius: 3px; }
.bars .fill.you { background: #e69f00; }
.bars .range { position: absolute; top: 5px; height: 2px; background: currentColor; }
.alert { border-left: 4px solid #d55e00; padding: 4px 10px; }
"""


def alert(text: object) -> str:
    return f'<div class="alert" role="alert">{escape(str(text))}</div>'


def note(text: object) -> str:
    return f'<div role="status">{escape(str(text))}</div>'


def polyline(signal: np.ndarray, reach: float) -> str:
    """Points of an SVG line: x to the side, time down."""
    across = WIDTH / 2 + np.clip(signal / reach, -1, 1) * (WIDTH / 2 - 1)
    down = np.linspace(MARGIN, HEIGHT - MARGIN, len(signal))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))


def signals_html(
    x: np.ndarray, captions: Iterable[object], *, reach: float, classes: Iterable[str] = ()
) -> str:
    """Signals (k, d) side by side, as many to a line as there is room for, each with a caption."""
    looks = list(classes) or [""] * len(x)
    figures = [
        f'<figure class="{look}"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="signal {number}"><polyline points="{polyline(signal, reach)}"/></svg>'
        f"<figcaption>{escape(str(caption))}</figcaption></figure>"
        for number, (signal, caption, look) in enumerate(zip(x, captions, looks, strict=True), 1)
    ]
    return f'<div class="signals">{"".join(figures)}</div>'


def table_html(
    label: str, head: Sequence[object], names: Iterable[object], percent: np.ndarray
) -> str:
    """A table of percentages (rows, columns), shaded; where there is no room for it, it scrolls."""
    cells = "".join(f'<th scope="col">{escape(str(cell))}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(str(name))}</th>{"".join(map(percent_cell, row))}</tr>'
        for name, row in zip(names, percent, strict=True)
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table><tr>{cells}</tr>{body}</table></div>"
    )


def percent_cell(value: float) -> str:
    # no darker than 70 %, so that light text can be read on it as well
    shade = f"color-mix(in srgb, #56b4e9 {0.7 * min(value, 100):.0f}%, transparent)"
    return f'<td style="background:{shade}">{value:.0f}</td>'


def bars_html(bars: Mapping[str, tuple[float, tuple[float, float] | None]], you: str = "") -> str:
    """Accuracies in percent as bars, with an interval where there is one; `you` stands out."""
    lines = []
    for name, (value, interval) in bars.items():
        look = "fill you" if name == you else "fill"
        inside = f'<div class="{look}" style="width:{value:.1f}%"></div>'
        if interval is not None:
            low, high = interval
            inside += f'<div class="range" style="left:{low:.1f}%;width:{high - low:.1f}%"></div>'
        lines.append(
            f"<span>{escape(name)}</span>"
            f'<div class="track">{inside}</div><span>{value:.1f} %</span>'
        )
    return f'<div class="bars">{"".join(lines)}</div>'


def stroke_to_signal(points: Any, length: int) -> np.ndarray:
    """A drawn line as a signal (length,): points (x, y) in [0, 1], y is time, the middle is zero.

    Where the line does not reach, the signal is zero, as if padded. Raises ValueError when there
    is no line, or what was sent is no list of points.
    """
    if not isinstance(points, list) or len(points) > MOST_POINTS:
        raise ValueError("What was drawn did not arrive as a line. Please draw it again.")
    try:
        drawn = np.asarray(points, dtype=np.float64).reshape(len(points), 2)
    except (TypeError, ValueError):
        raise ValueError("What was drawn did not arrive as a line. Please draw it again.") from None
    if not np.isfinite(drawn).all():
        raise ValueError("What was drawn did not arrive as a line. Please draw it again.")
    if len(drawn) < 2 or np.ptp(drawn[:, 1]) < 0.1:
        raise ValueError("Nothing to classify yet: draw a line downwards in the box.")
    across, down = np.clip(drawn, 0, 1).T
    order = np.argsort(down, kind="stable")
    place = np.linspace(0, 1, length)
    return np.interp(place, down[order], (2 * across[order] - 1) * REACH, left=0, right=0)
