"""Figures: the style stays inside its context, and the same figure is the same file."""

import matplotlib
import numpy as np
import pytest

from mnist1d_hf.figures.style import COLOURS, panels, save, style


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
    assert axis.get_legend().get_texts()[0].get_fontsize() == 6


def luminance(colour):
    red, green, blue = matplotlib.colors.to_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("names", [("blue", "red"), ("black", "blue"), ("red", "green")])
def test_colours_that_appear_together_are_far_apart(names):
    first, second = (np.array(matplotlib.colors.to_rgb(COLOURS[name])) for name in names)
    assert np.linalg.norm(first - second) > 0.5
