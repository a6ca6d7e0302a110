"""The pictures of the data as files, with an animation, and a check that they are up to date.

mnist1d-hf show --picture all --out dataset_card/figures
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from mnist1d_hf.figures.fingerprint import description, digest, fingerprint
from mnist1d_hf.figures.pictures import PICTURES, REACH, draw_picture, ink, strip, ten_stages
from mnist1d_hf.figures.style import panels, save, style
from mnist1d_hf.files import replacing
from mnist1d_hf.signals.params import SignalParams, check_choice
from mnist1d_hf.signals.templates import templates

FILM = "film"
# Milliseconds for which a moving frame and the end of a step are shown, and frames per step.
MOVING, STILL, CUTS = 60, 1000, 6


def frames(params: SignalParams, *, dark: bool = False) -> Iterator[tuple[Figure, int]]:
    """Frames of an animation that generates one example of each digit.

    Yields one figure, which is redrawn for each frame, with its duration in milliseconds.
    """
    shares = [(k + 1) / CUTS for k in range(CUTS)]
    with style(dark):
        figure, (axis,) = panels(height=1.5)
        note = figure.suptitle("template")
        strip(axis, templates().x, REACH, named=True, color=ink(), linewidth=1.1)
        yield figure, STILL
        for number, (step, x) in enumerate(ten_stages(params, shares=shares)):
            for line in list(axis.lines):
                line.remove()
            strip(axis, x, REACH, named=True, color=ink(), linewidth=1.1)
            note.set_text(step)
            at_rest = number % CUTS == CUTS - 1
            if at_rest or step != "pad":  # nothing moves during padding
                yield figure, STILL if at_rest else MOVING


def save_film(
    path: Path,
    params: SignalParams | None = None,
    *,
    dark: bool = False,
    description: str | None = None,
) -> Path:
    """Write the animation of the eight steps as a GIF that repeats forever."""
    images, durations = [], []
    for figure, milliseconds in frames(params or SignalParams(), dark=dark):
        figure.set_dpi(120)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        figure.set_layout_engine("none")  # all frames keep the layout of the first
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        images.append(image.quantize(16, dither=Image.Dither.NONE))
        durations.append(milliseconds)
    content = io.BytesIO()
    first, *others = images
    options = {"append_images": others, "duration": durations, "loop": 0, "optimize": True}
    first.save(content, format="gif", save_all=True, comment=description or "", **options)
    with replacing(path) as temporary:
        temporary.write_bytes(content.getvalue())
    return path


def draw(name: str, out: Path, params: SignalParams, *, dark: bool = False) -> list[Path]:
    """Write one picture to the file `out`, or, for the name "all", all pictures to that folder.

    A file without a suffix gets .png, and a film .gif. Raises ValueError for an unknown name, for a
    file of another kind, and for "all" with parameters other than the defaults.
    """
    check_choice("picture", name, [*PICTURES, FILM, "all"])
    if name == "all":
        if params != SignalParams():
            raise ValueError("picture 'all' is of the default parameters: leave the others out")
        return save_pictures(out)
    kinds = (".gif",) if name == FILM else (".png", ".svg")
    if out.is_dir():
        raise ValueError(f"{out}: is a folder; name a file in it, as {out / f'{name}{kinds[0]}'}")
    if out.suffix not in ("", *kinds):
        raise ValueError(f"{out}: picture {name!r} can be written as {' or '.join(kinds)} only")
    if name == FILM:
        return [save_film(out.with_suffix(".gif"), params, dark=dark)]
    return [save(draw_picture(name, params, dark=dark), out)]


def save_pictures(folder: Path) -> list[Path]:
    """Write every picture in a light (`steps.png`) and a dark version (`steps-dark.png`).

    The metadata of each file has a digest of its content.
    """
    written: list[Path] = []
    for file, shown in showing().items():
        path = folder / file
        name, dark = path.stem.removesuffix("-dark"), path.stem.endswith("-dark")
        if name == FILM:
            written.append(save_film(path, dark=dark, description=shown))
        else:
            written.append(save(draw_picture(name, dark=dark), path, description=shown))
    return written


def outdated(folder: Path) -> list[str]:
    """Files of `save_pictures` that are missing or out of date."""
    return [file for file, shown in showing().items() if description(folder / file) != shown]


def showing() -> dict[str, str]:
    """For each file of `save_pictures`, the digest of its current content."""
    found = {}
    for dark in (False, True):
        end = "-dark" if dark else ""
        for name in PICTURES:
            found[f"{name}{end}.png"] = digest(fingerprint(draw_picture(name, dark=dark)))
        film = [f"{fingerprint(f)} {time}" for f, time in frames(SignalParams(), dark=dark)]
        found[f"{FILM}{end}.gif"] = digest("\n".join(film))
    return found
