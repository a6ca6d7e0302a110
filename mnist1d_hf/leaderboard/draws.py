"""The data of a trial: training and test examples of the counter stream, from a seed drawn late."""

import hashlib
import secrets
from dataclasses import dataclass

import numpy as np

from mnist1d_hf.leaderboard.tracks import Track
from mnist1d_hf.signals.counter import BLOCK, TEST_BLOCK
from mnist1d_hf.signals.generate import END, make_range
from mnist1d_hf.signals.params import config_params


@dataclass(frozen=True)
class Draw:
    """Examples of one trial; the referee keeps `y_test` and every seed but `weight_seed`."""

    x: np.ndarray  # (rows, d) float32
    y: np.ndarray  # (rows,) int64
    x_test: np.ndarray  # (test rows, d) float32
    y_test: np.ndarray  # (test rows,) int64
    weight_seed: int


def draw_seed() -> str:
    """A data seed of 128 bits from the operating system: nobody can know it beforehand."""
    return secrets.token_hex(16)


def draw_trial(
    track: Track,
    data_seed: str,
    trial: int,
    *,
    rows: int | None = None,
    test_rows: int | None = None,
) -> Draw:
    """The data of trial number `trial`: the same for every entry that runs on `data_seed`.

    The first `rows` training examples and `test_rows` test examples (None: as many as the track
    says) of the track's config.

    An entry knows its training examples, and it could try all 2**32 seeds of the generator until
    one gives these. Therefore test rows have a seed of their own, and both begin at one of more
    than 2**46 blocks. All this comes from `data_seed` by SHA-256, so that nothing tells the rest.
    """

    def secret(purpose: str) -> int:
        text = f"{data_seed} {trial} {purpose}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest())

    def examples(purpose: str, blocks: range, count: int) -> tuple[np.ndarray, np.ndarray]:
        place, seed = divmod(secret(purpose), 2**32)
        start = BLOCK * blocks[place % (len(blocks) - count)]  # not so near to the end
        params = config_params(track.config, stream="counter", seed=seed)
        return make_range(params, start, start + count)

    x, y = examples("train", range(TEST_BLOCK), rows or track.rows)
    x_test, y_test = examples("test", range(TEST_BLOCK, END // BLOCK), test_rows or track.test_rows)
    # blocks have a hundred rows of each class, which would help to guess
    order = np.random.default_rng(secret("order")).permutation(len(x_test))
    return Draw(x, y, x_test[order], y_test[order], secret("weights") % 2**32)
