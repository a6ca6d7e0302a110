"""Pictures show the data they are said to show, and the committed ones show it still."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mnist1d_hf.cli import app
from mnist1d_hf.figures import gallery
from mnist1d_hf.figures.gallery import fingerprint, outdated, save_film, save_pictures
from mnist1d_hf.figures.pictures import (
    PICTURES,
    REACH,
    draw_picture,
    plot_classes,
    plot_examples,
    plot_steps,
    ten_stages,
)
from mnist1d_hf.figures.style import INK, PAPER
from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.templates import templates

SMALL = SignalParams(num_samples=200)


@pytest.fixture(scope="module")
def figures(root):
    return root / "dataset_card" / "figures"


def test_committed_pictures_show_what_they_would_show_now(figures):
    fix = "run: mnist1d-hf show --picture all --out dataset_card/figures"
    assert outdated(figures) == [], f"pictures are older than what they show; {fix}"


def test_a_picture_is_outdated_when_what_it_shows_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "PICTURES", {"templates": PICTURES["templates"]})
    monkeypatch.setattr(gallery, "CUTS", 2)
    files = ["templates.png", "film.gif", "templates-dark.png", "film-dark.gif"]
    assert outdated(tmp_path) == files
    assert [path.name for path in save_pictures(tmp_path)] == files
    assert outdated(tmp_path) == []
    monkeypatch.setattr(gallery, "STILL", 900)
    assert outdated(tmp_path) == ["film.gif", "film-dark.gif"]
    (tmp_path / "templates.png").unlink()
    assert "templates.png" in outdated(tmp_path)


@pytest.mark.parametrize("name", PICTURES)
def test_the_fingerprint_sees_the_data_and_the_theme_and_nothing_else(name):
    first = fingerprint(draw_picture(name, SMALL))
    assert first == fingerprint(draw_picture(name, SMALL))
    assert first != fingerprint(draw_picture(name, SMALL, dark=True))
    if name != "templates":
        assert first != fingerprint(draw_picture(name, replace(SMALL, seed=7)))


def test_examples_are_the_first_of_each_class_and_gaps_are_left():
    x = np.arange(12.0).reshape(4, 3)
    figure = plot_examples(x, np.array([1, 0, 1, 9]), per_class=2)
    first, second = ([line.get_ydata() for line in axis.lines] for axis in figure.axes)
    drawn = [axis.lines[1].get_xdata() for axis in figure.axes]
    zero = 2 * 1.05 * 11
    np.testing.assert_allclose(drawn[0], x[0] + zero)
    np.testing.assert_allclose(drawn[1], x[2] + zero)
    assert np.isnan(figure.axes[1].lines[9].get_xdata()).all()
    assert len(first) == len(second) == 10


def test_steps_begin_with_the_templates_and_end_with_the_examples():
    figure = plot_steps(SMALL)
    assert [axis.get_ylabel() for axis in figure.axes] == [
        *("template", "pad", "dilate", "scale", "translate"),
        *("correlated\nnoise", "independent\nnoise", "shear", "resample"),
    ]
    top, bottom = figure.axes[0], figure.axes[-1]
    np.testing.assert_allclose(top.lines[3].get_xdata(), templates().x[3] + 3 * 2 * REACH)
    *_, last = ten_stages(SMALL)
    np.testing.assert_allclose(bottom.lines[3].get_xdata(), last.x[3] + 3 * 2 * REACH)
    assert [label.get_text() for label in top.get_xticklabels()] == list("0123456789")


def test_classes_show_mean_and_spread():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(500, 4)), np.arange(500) % 10
    with pytest.raises(ValueError, match="no row of class 4"):
        plot_classes(x[y != 4], y[y != 4])
    axis = plot_classes(x, y).axes[0]
    mean = axis.lines[-10].get_xdata()
    np.testing.assert_allclose(mean, x[y == 0].mean(axis=0))
    band = axis.collections[0].get_paths()[0].vertices[:, 0]
    spread = x[y == 0].std(axis=0)
    np.testing.assert_allclose(
        [band.min(), band.max()], [(mean - spread).min(), (mean + spread).max()]
    )


def test_a_dark_picture_is_light_on_dark():
    figure = draw_picture("steps", SMALL, dark=True)
    assert figure.get_facecolor()[:3] == pytest.approx(
        [int(PAPER[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    )
    assert {line.get_color() for line in figure.axes[0].lines} == {INK}
    assert draw_picture("steps", SMALL).axes[0].lines[0].get_color() == "black"


def test_the_film_has_a_still_for_each_step(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "CUTS", 2)
    with Image.open(save_film(tmp_path / "film.gif", SMALL)) as film:
        times = []
        for number in range(film.n_frames):
            film.seek(number)
            times.append(film.info["duration"])
    assert times.count(gallery.STILL) == 9 and times.count(gallery.MOVING) == 7


def test_show_writes_the_picture_that_is_asked_for(tmp_path):
    run = CliRunner().invoke
    result = run(app, ["show", "--picture", "templates", "--dark", "--out", f"{tmp_path}/a/b.png"])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["b.png"]
    result = run(app, ["show", "--picture", "wheel", "--out", str(tmp_path / "c")])
    assert result.exit_code == 2 and "templates, steps" in result.output
    result = run(app, ["show", "--picture", "all", "--seed", "1", "--out", str(tmp_path / "d")])
    assert result.exit_code == 2 and not (tmp_path / "d").exists()
