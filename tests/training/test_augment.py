"""Augmented signals: the paper's transformations, row by row, from an explicit generator."""

import numpy as np
import pytest
import torch

from mnist1d_hf.training.augment import augment

STILL = {"detrend": False, "shifts": (0, 0), "slope": 0.0, "offset": 0.0}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def signals(n=500, d=40):
    return torch.randn(n, d, generator=generator(99), dtype=torch.float64)


def test_nothing_happens_when_everything_is_off():
    x = signals()
    assert torch.equal(augment(x, generator(), **STILL), x)


def test_detrending_removes_mean_and_least_squares_slope():
    x = signals()
    flat = augment(x, generator(), **{**STILL, "detrend": True}).numpy()
    time = np.arange(40)
    lines = np.polynomial.polynomial.polyfit(time, x.numpy().T, 1)
    expected = x.numpy() - lines[0][:, None] - lines[1][:, None] * time
    np.testing.assert_allclose(flat, expected, atol=1e-12)


def test_rows_rotate_to_the_right_by_every_allowed_number_of_points():
    x = signals()
    moved = augment(x, generator(), **{**STILL, "shifts": (-2, 9)})
    steps = [next(s for s in range(-2, 10) if torch.equal(row.roll(s), out)) for row, out in
             zip(x, moved, strict=True)]  # fmt: skip
    assert set(steps) == set(range(-2, 10))


def test_slope_offset_and_noise_have_the_asked_spread():
    x = torch.zeros(20_000, 40, dtype=torch.float64)
    time = torch.arange(40, dtype=torch.float64) - 19.5
    lines = augment(x, generator(), **{**STILL, "slope": 0.04, "offset": 0.3})
    assert (lines @ time / (time @ time)).std().item() == pytest.approx(0.04, rel=0.03)
    assert lines.mean(1).std().item() == pytest.approx(0.3, rel=0.03)
    torch.testing.assert_close(lines.diff(dim=1), lines.diff(dim=1)[:, :1].expand(-1, 39))
    noisy = augment(x[:1000], generator(), **STILL, noise=0.05)
    assert noisy.std().item() == pytest.approx(0.05, rel=0.03)


def test_the_generator_alone_decides():
    x = signals().float()
    state = torch.get_rng_state()
    first, again, other = (augment(x, generator(seed), noise=0.1) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shifts": (3, 1)}, "smallest comes first"),
        ({"noise": -1.0}, "noise=-1.0"),
        ({"slope": -0.1}, "slope=-0.1"),
        ({"slope": float("nan")}, "slope=nan"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        augment(signals(), generator(), **change)


@pytest.mark.parametrize(
    "x", [torch.zeros(40), torch.zeros(2, 1, 40), torch.zeros(2, 40).long(), torch.zeros(9, 1)]
)
def test_anything_but_a_batch_of_signals_is_refused(x):
    with pytest.raises(ValueError, match="must be floats of shape"):
        augment(x, generator())
