"""The data of a trial: training and test examples of the counter stream, from a seed drawn late."""

import secrets
from dataclasses import dataclass

import numpy as np

from mnist1d_hf.leaderboard.tracks import Track
from mnist1d_hf.signals.counter import TEST_START
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import config_params


@dataclass(frozen=True)
class Draw:
    """Examples of one trial; the referee keeps `y_test` and every seed but `weight_seed`."""

    x: np.ndarray  # (rows, d) float32
    y: np.ndarray  # (rows,) int64
    x_test: np.ndarray  # (test rows, d) float32
    y_test: np.ndarray  # (test rows,) int64
    weight_seed: int


def draw_seed() -> int:
    """A data seed of 63 bits from the operating system: nobody can know it beforehand."""
    return secrets.randbits(63)


def draw_trial(
    track: Track,
    data_seed: int,
    trial: int,
    *,
    rows: int | None = None,
    test_rows: int | None = None,
) -> Draw:
    """The data of trial number `trial`: the same for every entry that runs on `data_seed`.

    The first `rows` training examples and `test_rows` test examples (None: as many as the track
    says) of the track's config, with a generator seed and a weight seed derived from `data_seed`
    and `trial`.
    """
    generator_seed, weight_seed = np.random.SeedSequence((data_seed, trial)).generate_state(2)
    params = config_params(track.config, stream="counter", seed=int(generator_seed))
    x, y = make_range(params, 0, rows or track.rows)
    x_test, y_test = make_range(params, TEST_START, TEST_START + (test_rows or track.test_rows))
    return Draw(x, y, x_test, y_test, int(weight_seed))
