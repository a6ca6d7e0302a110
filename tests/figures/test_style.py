"""Figures: the style stays inside its context, and the same figure is the same file."""

import matplotlib
import numpy as np
import pytest

from mnist1d_hf.figures.style import COLOURS, DIGIT_COLOURS, panels, save, style


@style()
def plot():
    figure, axes = panels(1, 2, sharey=True)
    axes[0].plot([1, 2, 3], label="one")
    axes[0].legend()
    axes[1].plot(np.arange(3), color=COLOURS["red"])
    return figure


def test_a_figure_is_saved_twice_with_the_same_bytes(tmp_path):
    names = {"one.two": "one.two.png", "three.png": "three.png", "four.svg": "four.svg"}
    for given, name in names.items():
        first, second = (save(plot(), tmp_path / folder / given) for folder in ("a", "b"))
        assert first.name == name
        assert first.read_bytes() == second.read_bytes()
    assert len(list((tmp_path / "a").iterdir())) == 3
    assert (tmp_path / "a" / "three.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "a" / "four.svg").read_bytes()


def test_the_style_is_not_left_behind():
    before = dict(matplotlib.rcParams)
    figure = plot()
    assert dict(matplotlib.rcParams) == before
    axis = figure.axes[0]
    assert not axis.spines["top"].get_visible()
    assert [a.get_title(loc="left") for a in figure.axes] == ["a", "b"]
    assert axis.get_legend().get_texts()[0].get_fontsize() == 7


def luminance(colour):
    red, green, blue = matplotlib.colors.to_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("names", [("blue", "red"), ("black", "blue"), ("red", "green")])
def test_colours_that_appear_together_are_far_apart(names):
    first, second = (np.array(matplotlib.colors.to_rgb(COLOURS[name])) for name in names)
    assert np.linalg.norm(first - second) > 0.5


# "A Physiologically-based Model for Simulation of Color Vision Deficiency" (Machado et al., 2009),
# severity 1: matrices for linear RGB
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        *((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216)),
        (-0.003882, -0.048116, 1.051998),
    ],
    "deuteranopia": [
        *((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413)),
        (-0.011820, 0.042940, 0.968881),
    ],
    "tritanopia": [
        *((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602)),
        (0.004733, 0.691367, 0.303900),
    ],
}
# of linear RGB with the white point D65
XYZ = np.array([(0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)])


def lightness_and_hue(linear):
    """CIE L*a*b* of colours (n, 3) in linear RGB."""
    ratios = linear @ XYZ.T / XYZ.sum(axis=1)
    f = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def nearest(colours, vision):
    """The smallest difference of two colours as someone sees them."""
    rgb = np.array([matplotlib.colors.to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab = lightness_and_hue(np.clip(linear @ np.transpose(vision), 0, 1))
    first, second = np.triu_indices(len(lab), 1)
    return np.linalg.norm(lab[first] - lab[second], axis=1).min()


@pytest.mark.parametrize("vision", VISION)
def test_ten_digits_can_be_told_apart_by_every_eye(vision):
    assert len(set(DIGIT_COLOURS)) == 10
    assert nearest(DIGIT_COLOURS, VISION[vision]) > 15  # 2 can just be seen side by side
    paired = [matplotlib.colormaps["Paired"](k) for k in range(10)]  # of the paper's figure
    if vision in ("protanopia", "deuteranopia"):
        assert nearest(paired, VISION[vision]) < 5
