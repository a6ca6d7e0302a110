"""Fingerprints: they follow what a figure shows, and nothing else."""

import numpy as np
import pytest

from mnist1d_hf.figures.fingerprint import description, digest, fingerprint
from mnist1d_hf.figures.style import panels, save, style


@style()
def plot(line=(1, 2), points=((0, 0), (1, 1)), image=((0, 1),), bar=2.0, title="one"):
    figure, axes = panels(1, 3)
    axes[0].plot(line)
    axes[1].scatter(*np.transpose(points))
    axes[1].bar([0], [bar])
    axes[2].imshow(np.array(image))
    axes[0].set(title=title, ylim=(0, 5))
    return figure


@pytest.mark.parametrize(
    "change",
    [
        {"line": (1, 2.001)},
        {"points": ((0, 0), (1, 0.5))},
        {"image": ((0, 2),)},
        {"bar": 1.5},
        {"title": "two"},
    ],
)
def test_whatever_is_shown_changes_it(change):
    assert fingerprint(plot()) == fingerprint(plot())
    assert fingerprint(plot(**change)) != fingerprint(plot())


def test_it_ignores_what_no_eye_can_see():
    assert fingerprint(plot(line=(1, 2 + 1e-7))) == fingerprint(plot())


def test_it_is_kept_in_the_picture(tmp_path):
    shows = digest(fingerprint(plot()))
    assert description(save(plot(), tmp_path / "a.png", description=shows)) == shows
    assert shows in save(plot(), tmp_path / "a.svg", description=shows).read_text()
    save(plot(), tmp_path / "b")
    assert description(tmp_path / "b.png") is None
    assert description(tmp_path / "missing.png") is None
