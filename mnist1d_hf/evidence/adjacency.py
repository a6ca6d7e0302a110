"""Neighbours among the weights that pruning leaves: windows without a gap, beside chance.

A mask is an array (units, inputs) of 0 and 1: which weights of every hidden unit are left. The
windows of 2, 3 and 4 weights are those of the notebook lottery-tickets, which divides their number
by that of the inputs; here it is divided by that of the windows, which is 1, 2 or 3 less.

    found = adjacency(mask)            # shares, and two expectations of them
    drawn = permuted(masks, 2000)      # of several trials, against permutations
"""

from typing import Any

import numpy as np

WINDOWS = (2, 3, 4)


def adjacency(left: np.ndarray) -> dict[str, list[float]]:
    """Share of the windows of 2, 3 and 4 weights of a unit that have no gap.

    `error` is the standard error of the mean over units; `at random` is the expectation when as
    many weights lie anywhere in the layer, `within units` when every unit keeps its number of them.
    """
    shares = {
        k: np.lib.stride_tricks.sliding_window_view(left, k, axis=1).all(2).mean(1) for k in WINDOWS
    }
    total, per_unit = left.sum(), left.sum(1)
    return {
        "share": [float(v.mean()) for v in shares.values()],
        "error": [float(v.std(ddof=1) / np.sqrt(len(v))) for v in shares.values()],
        "at random": [float(chance(total, left.size, k)) for k in WINDOWS],
        "within units": [float(np.mean(chance(per_unit, left.shape[1], k))) for k in WINDOWS],
    }


def permuted(left: np.ndarray, draws: int) -> dict[str, Any]:
    """The same shares, all trials together, against weights moved to random places of their unit.

    `left` (trials, units, 40) says which weights are left. `p` is the chance of a share as large or
    larger, the masks themselves counted among the draws.
    """
    rng, rows = np.random.default_rng(0), left.reshape(-1, left.shape[-1])
    alive = rows[rows.sum(1) > 1]  # the others have no pair anywhere

    def shares(masks: np.ndarray) -> list[float]:
        windows = [np.lib.stride_tricks.sliding_window_view(masks, k, axis=1) for k in WINDOWS]
        return [w.all(2).sum() / (len(rows) * w.shape[1]) for w in windows]

    found = np.array(shares(alive))
    drawn = np.array([shares(rng.permuted(alive, axis=1)) for _ in range(draws)])
    as_large = (drawn >= found - 1e-12).sum(0)
    return {
        "draws": draws,
        "share": found,
        "mean": drawn.mean(0),
        "std": drawn.std(0, ddof=1),
        "p": (1 + as_large) / (1 + draws),
    }


def chance(kept: Any, places: int, k: int) -> Any:
    """Probability that k given places of `places` are all among `kept` random ones."""
    return np.prod([(kept - i) / (places - i) for i in range(k)], axis=0)
