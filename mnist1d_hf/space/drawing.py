"""Signals, probabilities and accuracies as HTML with SVG inside; strokes of a mouse as signals.

Everything is drawn in the colour of the page's text, so light and dark pages both work.
"""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d_hf.signals.templates import templates

WIDTH, HEIGHT, MARGIN = 60, 150, 4
TEMPLATE_HEIGHT = 60
# Of a table; the names of more are written upwards.
MANY_COLUMNS = 4
# Half the width of a drawn signal's page in standard deviations of x, as in the author's quiz.
REACH = 6.0
# What a hostile client may send as a stroke.
MOST_POINTS = 20_000

CSS = Path(__file__).with_name("explorer.css")


def alert(text: object) -> str:
    return f'<div class="alert" role="alert">{escape(str(text))}</div>'


def note(text: object) -> str:
    return f'<div role="status">{escape(str(text))}</div>'


def polyline(signal: np.ndarray, reach: float) -> str:
    """Points of an SVG line: x to the side, time down."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places(signal, reach))


def places(signal: np.ndarray, reach: float) -> np.ndarray:
    """Where the points of a signal (d,) are drawn: (d, 2)."""
    across = WIDTH / 2 + np.clip(signal / reach, -1, 1) * (WIDTH / 2 - 1)
    return np.stack([across, np.linspace(MARGIN, HEIGHT - MARGIN, len(signal))], axis=1)


def runs(inside: np.ndarray) -> list[slice]:
    """Where a bool (d,) is true, stretch by stretch.

    >>> runs(np.array([True, True, False, True]))
    [slice(0, 2, None), slice(3, 4, None)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def signal_svg(
    signal: np.ndarray,
    name: str,
    *,
    reach: float,
    digit: np.ndarray | None = None,
    scattered: bool = False,
    shade: np.ndarray | None = None,
) -> str:
    """A signal (d,) as a line, time down.

    `digit` (d,) marks what belongs to the digit, as parts of the line or, `scattered`, as points.
    `shade` (d,) colours the background of each position by a number from 0 to 1.
    """
    points = places(signal, reach)
    parts = [] if shade is None else [shaded(shade)]
    behind = ' class="behind"' if scattered else ""
    parts.append(f'<polyline{behind} points="{polyline(signal, reach)}"/>')
    text = [f"{x:.1f},{y:.1f}" for x, y in points]
    if digit is not None and scattered:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}"/>' for x, y in points[digit]]
    elif digit is not None:
        parts += [
            f'<polyline class="digit" points="{" ".join(text[run])}"/>' for run in runs(digit)
        ]
    return svg(name, HEIGHT, parts)


def shaded(shares: np.ndarray) -> str:
    """A background that is coloured by shares (d,) from 0 to 1, position by position."""
    places = np.linspace(0, 1, len(shares))
    stops = "".join(
        f'<stop offset="{place:.4f}" stop-opacity="{0.4 * share:.3f}"/>'
        for place, share in zip(places, shares, strict=True)
    )
    look = f'gradientUnits="userSpaceOnUse" x1="0" x2="0" y1="{MARGIN}" y2="{HEIGHT - MARGIN}"'
    return (
        f'<defs><linearGradient id="shares" {look}>{stops}</linearGradient></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#shares)"/>'
    )


def svg(name: str, height: int, parts: Iterable[str], look: str = "signal") -> str:
    return (
        f'<svg class="{look}" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(name)}">{"".join(parts)}</svg>'
    )


def template_svg(heights: np.ndarray, digit: int, reach: float) -> str:
    """The points of a digit's template, joined."""
    across = WIDTH / 2 + heights / reach * (WIDTH / 2 - 1)
    down = np.linspace(MARGIN, TEMPLATE_HEIGHT - MARGIN, len(heights))
    text = [(f"{x:.1f}", f"{y:.1f}") for x, y in zip(across, down, strict=True)]
    line = " ".join(",".join(pair) for pair in text)
    dots = [f'<circle cx="{x}" cy="{y}"/>' for x, y in text]
    parts = [f'<polyline class="digit" points="{line}"/>', *dots]
    return svg(f"template of the digit {digit}", TEMPLATE_HEIGHT, parts, "signal template")


def signals_html(
    x: np.ndarray, captions: Iterable[object], *, reach: float, classes: Iterable[str] = ()
) -> str:
    """Signals (k, d) side by side, as many to a line as there is room for, each with a caption."""
    drawn = [signal_svg(row, f"signal {n}", reach=reach) for n, row in enumerate(x, 1)]
    return side_by_side(drawn, captions, classes)


def explained_html(
    x: np.ndarray, y: np.ndarray, digit: np.ndarray, *, reach: float, scattered: bool
) -> str:
    """Signals (k, d) with the digit's part of each in colour, and its template beneath."""
    shapes = templates().x
    look: dict[str, Any] = {"reach": reach, "scattered": scattered}
    drawn = [
        signal_svg(row, f"signal of a {label}", digit=part, **look)
        + template_svg(shapes[label], label, reach)
        for row, label, part in zip(x, y.tolist(), digit, strict=True)
    ]
    return side_by_side(drawn, y)


def templates_html() -> str:
    """The ten digits before anything is done to them."""
    shapes = templates().x
    reach = 1.1 * float(np.abs(shapes).max())
    drawn = [template_svg(row, label, reach) for label, row in enumerate(shapes)]
    return side_by_side(drawn, range(len(drawn)))


def side_by_side(
    drawn: Iterable[str], captions: Iterable[object], classes: Iterable[str] = ()
) -> str:
    pictures = list(drawn)
    looks = list(classes) or [""] * len(pictures)
    figures = [
        f'<figure class="{look}">{picture}<figcaption>{escape(str(caption))}</figcaption></figure>'
        for picture, caption, look in zip(pictures, captions, looks, strict=True)
    ]
    return f'<div class="signals">{"".join(figures)}</div>'


def table_html(label: str, columns: Mapping[str, Iterable[float]]) -> str:
    """Percentages of the ten digits, a row for each, shaded; a table that fits a phone."""
    names = ["digit", *columns]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{digit}</th>{"".join(map(percent_cell, row))}</tr>'
        for digit, row in enumerate(zip(*columns.values(), strict=True))
    )
    look = ' class="many"' if len(columns) > MANY_COLUMNS else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table{look}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def percent_cell(value: float) -> str:
    # no darker than half, so that light text can be read on it as well
    shade = f"color-mix(in srgb, #56b4e9 {0.5 * min(value, 100):.0f}%, transparent)"
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
