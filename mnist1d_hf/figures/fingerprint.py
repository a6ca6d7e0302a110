"""The content of a figure as text, to decide whether a picture on disk is up to date.

    save(figure, "one.png", description=digest(fingerprint(figure)))
    description("one.png") == digest(fingerprint(plot(result)))     # else draw it again

Unlike the images that pytest-mpl compares, the text does not depend on the versions of matplotlib
and its fonts.
"""

import hashlib
from pathlib import Path
from typing import cast

import matplotlib.colors
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image


def fingerprint(figure: Figure) -> str:
    """One line per artist of a figure: data to four decimals, colours, texts and limits.

    Call it before the figure is saved, since saving adds the labels of the ticks.
    """
    lines = [f"{figure.get_size_inches()} {figure.get_facecolor()}"]
    for axis in cast(list[Axes], figure.findobj(Axes)):
        lines.append(f"axes {numbers([*axis.get_xlim(), *axis.get_ylim()])}")
        lines += filter(None, map(describe, axis.get_children()))
    lines += [text.get_text() for text in figure.findobj(Text) if text.get_text()]
    return "\n".join(lines)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def description(path: str | Path) -> str | None:
    """The description in a PNG or the comment in a GIF; None if it or the file is missing."""
    try:
        with Image.open(path) as picture:
            comment = picture.info.get("comment", b"").decode()
            return picture.info.get("Description") or comment or None
    except FileNotFoundError:
        return None


def describe(artist: Artist) -> str:
    if isinstance(artist, Line2D):
        look = f"{artist.get_linestyle()} {artist.get_marker()} {artist.get_linewidth()}"
        return f"line {look} {colour(artist.get_color())} {numbers(artist.get_xydata())}"
    if isinstance(artist, Collection):
        shapes = " ".join(numbers(path.vertices) for path in artist.get_paths())
        places = np.asarray(artist.get_offsets())
        if len(places) > 1:  # of a scatter plot; an area has one, the origin
            shapes += f" at {numbers(places)}"
        return f"area {[colour(c) for c in artist.get_facecolor()]} {shapes}"
    if isinstance(artist, Rectangle):
        return f"bar {colour(artist.get_facecolor())} {numbers(artist.get_bbox())}"
    if isinstance(artist, AxesImage):
        return f"image {numbers(artist.get_array())}"
    return ""


def colour(value) -> str:
    return matplotlib.colors.to_hex(value, keep_alpha=True)


def numbers(values) -> str:
    # adding zero makes the negative zero positive
    return " ".join(f"{value:.4f}" for value in np.round(np.asarray(values).ravel(), 4) + 0.0)
