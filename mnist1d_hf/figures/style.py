"""The project's matplotlib style, and saving of figures as PNG or SVG.

The paper's style (thin lines, no box around the plot) with the eight colours of Okabe and Ito,
which readers with any colour vision can tell apart, and with 7 pt type in place of 6 pt: the Hub
shows a figure of 6.5 inches in 690 pixels, where 7 pt are 10 pixels.

    @style()
    def plot(result):
        figure, axes = panels(1, 2)
        axes[0].plot(result["loss"], color=COLOURS["blue"])
        return figure

    save(plot(result), "figures/benchmark.png")
"""

import io
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure

from mnist1d_hf.files import replacing

# Okabe and Ito, "Color Universal Design" (2008)
COLOURS = {
    "black": "#000000",
    "orange": "#e69f00",
    "sky": "#56b4e9",
    "green": "#009e73",
    "yellow": "#f0e442",
    "blue": "#0072b2",
    "red": "#d55e00",
    "purple": "#cc79a7",
    "grey": "#999999",
}
# the first four are the paper's
MODEL_COLOURS = {
    "logistic": COLOURS["red"],
    "mlp": COLOURS["green"],
    "cnn": COLOURS["blue"],
    "gru": COLOURS["orange"],
    "tcn": COLOURS["black"],
    "transformer": COLOURS["purple"],
}
# the colour of each digit in all figures: the ten of Petroff, "Accessible color sequences for data
# visualization" (arXiv:2107.02270), chosen to be told apart with any colour vision
DIGIT_COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
CYCLE = [COLOURS[name] for name in ("blue", "red", "green", "orange", "purple", "sky", "black")]

# notebooks/mpl_style.txt of the original repository, with a white background, a larger screen
# resolution and our colour cycle
STYLE: dict[Any, Any] = {
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "figure.titlesize": 8,
    "lines.linewidth": 0.9,
    "lines.markersize": 3,
    "axes.linewidth": 0.5,
    "axes.titlepad": 3,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.prop_cycle": cycler(color=CYCLE),
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "xtick.minor.size": 1,
    "ytick.minor.size": 1,
    "xtick.major.pad": 1.5,
    "ytick.major.pad": 1.5,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "auto",
    "savefig.dpi": 300,
    "svg.hashsalt": "mnist1d",  # otherwise the names inside an SVG are random
}

# for pages with a dark background, such as GitHub's and the Hub's dark themes
INK, PAPER = "#e6edf3", "#0d1117"
DARK: dict[Any, Any] = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
}


def style(dark: bool = False):
    """A context manager, or a decorator of a plotting function, that sets the project's style."""
    return matplotlib.rc_context(STYLE | DARK if dark else STYLE)


def panels(
    rows: int = 1, columns: int = 1, *, width: float = 6.5, height: float = 2.2, **subplots: Any
) -> tuple[Figure, np.ndarray]:
    """A figure of `width` x `height` inches and its axes (an array).

    Several axes are lettered a, b, ... at the left of their titles. Further arguments go to
    `Figure.subplots`.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns, **subplots))
    if axes.size > 1:
        for letter, axis in zip(ascii_lowercase, axes.flat, strict=False):
            axis.set_title(letter, loc="left", fontsize=8, fontweight="bold")
    return figure, axes


def save(figure: Figure, path: str | Path, description: str | None = None) -> Path:
    """Write an SVG if `path` ends in .svg, else a PNG; the same figure gives the same bytes.

    A `path` with neither suffix gets .png. The `description` is stored in the file's metadata.
    """
    kind = "svg" if Path(path).suffix == ".svg" else "png"
    target = Path(path) if Path(path).suffix == f".{kind}" else Path(f"{path}.{kind}")
    unsaid: dict[str, None] = (
        {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    )
    metadata = {**unsaid, **({"Description": description} if description else {})}
    content = io.BytesIO()
    with style():
        figure.savefig(content, format=kind, metadata=metadata)
    with replacing(target) as temporary:
        temporary.write_bytes(content.getvalue())
    return target
