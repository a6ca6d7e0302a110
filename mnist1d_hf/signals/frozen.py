"""The random numbers of the frozen stream: NumPy's legacy generator, in the original's order.

Each example draws a uniform (padding), a uniform (scale), a bounded integer (translation), two
vectors of normals (correlated and independent noise) and a uniform (shear). No draw depends on a
transformed value, so that drawing first and transforming whole batches afterwards gives the same
numbers as the original's loop.
"""

from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.params import SignalParams


class Draws(NamedTuple):
    """Random numbers of n examples, L = `SignalParams.padded_length` positions; all float64."""

    padding: np.ndarray  # (n,) uniform on [0, 1)
    scale: np.ndarray  # (n,) uniform on [0, 1)
    shift: np.ndarray  # (n,) int64, 0 to max_translation - 1
    noise: np.ndarray  # (n, 2 L) standard normal: L to be smoothed, then L independent ones
    shear: np.ndarray  # (n,) uniform on [0, 1)


class LegacyStream(NamedTuple):
    """`numpy.random.RandomState(seed)` with access to its raw 32-bit output."""

    rng: np.random.RandomState
    words: np.random.MT19937  # the bit generator inside `rng`: both advance one state


def legacy_stream(seed: int) -> LegacyStream:
    """The stream that `numpy.random.seed(seed)` starts, without touching the global generator."""
    words = np.random.MT19937()
    # RandomState has an older seeding procedure than MT19937, so its state is copied.
    words.state = np.random.RandomState(seed).get_state(legacy=False)  # type: ignore[assignment]
    return LegacyStream(np.random.RandomState(words), words)


def frozen_draws(stream: LegacyStream, n: int, params: SignalParams) -> Draws:
    """The random numbers of the next `n` examples; advances `stream`.

    The bounded integer reimplements NumPy's legacy `choice(max_translation)` at a tenth of its
    cost: words are masked to the bits of the largest value and rejected while they exceed it.
    """
    uniform, normal, raw = (
        stream.rng.random_sample,
        stream.rng.standard_normal,
        stream.words.random_raw,
    )
    largest = params.max_translation - 1
    mask = (1 << largest.bit_length()) - 1
    width = 2 * params.padded_length
    padding, scale, shear = np.empty(n), np.empty(n), np.empty(n)
    shift = np.zeros(n, dtype=np.int64)
    noise = np.empty((n, width))
    for i in range(n):
        padding[i] = uniform()
        scale[i] = uniform()
        if largest:  # a choice among one value draws nothing
            k = raw() & mask
            while k > largest:
                k = raw() & mask
            shift[i] = k
        noise[i] = normal(width)
        shear[i] = uniform()
    return Draws(padding, scale, shift, noise, shear)


def noisy_labels(stream: LegacyStream, labels: np.ndarray, fraction: float) -> np.ndarray:
    """A copy of `labels` in which each label is redrawn from 0..9 with probability `fraction`.

    The procedure of the authors' deep-double-descent notebook: a redrawn label may equal the old
    one, so that 0.9 * fraction of the labels change on average. Advances `stream`.
    """
    noisy = labels.copy()
    for i in range(len(noisy)):
        if stream.rng.random_sample() < fraction:
            noisy[i] = stream.rng.randint(0, 10)
    return noisy
