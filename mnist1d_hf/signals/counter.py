"""The counter stream: an endless sequence of rows with random access to any range of them.

Row i belongs to block i // 1000, and a block's random numbers depend only on the seed and the
block's number. Rows are therefore independent of ranges, shards, workers and their order, and a
larger dataset begins with the rows of a smaller one. Test rows come from separate blocks, which no
training range reaches.

The counter stream has the distribution of the frozen stream, but not its numbers. All arithmetic
is float32 with the position as first axis, so that every step works on contiguous memory. The
operations are additions, multiplications, square roots and NumPy's own log, sin and cos, so that
the bytes depend neither on a matrix library nor on the number of threads. The bytes are the same on
every x86-64 processor with AVX2 and FMA; elsewhere NumPy uses other implementations of log, sin and
cos, and the values agree to about 1e-5.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.params import SignalParams
from mnist1d_hf.signals.render import (
    RADIUS,
    check_spread,
    dilated_table,
    grid,
    noise_kernel,
    rotations,
    smooth,
)
from mnist1d_hf.signals.templates import Templates
from mnist1d_hf.signals.templates import templates as digit_templates

BLOCK = 1000
# Blocks from here on hold test rows; no training range is this long.
TEST_BLOCK = 2**52
TEST_START = TEST_BLOCK * BLOCK
BLOCK_KEY, PERMUTATION_KEY = 0, 1


def blocks(start: int, stop: int) -> Iterator[tuple[int, slice, slice]]:
    """The blocks of rows [start, stop): number, rows within the block, place within the range."""
    for block in range(start // BLOCK, -(-stop // BLOCK)):
        first = block * BLOCK
        rows = slice(max(start - first, 0), min(stop - first, BLOCK))
        yield block, rows, slice(first + rows.start - start, first + rows.stop - start)


class BlockDraws(NamedTuple):
    """Random numbers of one block of n rows, L = `SignalParams.padded_length` positions."""

    classes: np.ndarray  # (n,) int64, row of the templates
    padding: np.ndarray  # (n,) int64, from 0, added to the least padding
    shift: np.ndarray  # (n,) int64, 0 to max_translation - 1
    scale: np.ndarray  # (n,) float32 uniform on [0, 1)
    shear: np.ndarray  # (n,) float32 uniform on [0, 1)
    noise: np.ndarray  # (2 L, n) float32 standard normal: L to be smoothed, then L independent
    relabel: np.ndarray  # (n,) float32 uniform on [0, 1): below label_noise the label is new
    new_label: np.ndarray  # (n,) int64, 0 to num_classes - 1


class Prepared(NamedTuple):
    """Tables and constants that all rows of a dataset share."""

    windows: np.ndarray  # (num_classes, num_paddings, L + 1, L) float32: see `rotations`
    mirror: np.ndarray  # (L + 2 RADIUS,) int64: positions with reflected borders
    kernel: np.ndarray  # (RADIUS + 1,) float32: centre and one side
    left: np.ndarray  # (d,) int64: left neighbour of each resampled point
    fraction: np.ndarray  # (d, 1) float32: distance to it, in units of the step
    mean: float  # of x before normalisation
    std: float
    order: np.ndarray  # (d,) int64: position from which each column is taken
    labels: np.ndarray  # (num_classes,) int64


def block_generator(seed: int, key: int, block: int = 0) -> np.random.Generator:
    """The generator of one block, independent of all other blocks, keys and seeds."""
    # SFC64 draws three times faster than NumPy's Philox; SeedSequence makes blocks independent.
    # The block number is split into 32-bit words, because (2**32,) and (0, 1) are one key to NumPy.
    words = (key, block & 0xFFFFFFFF, block >> 32)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=words)))


def normals(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Standard normal numbers as float32, by the Box-Muller transform (1958).

    The first axis must be even. Eight times faster than `Generator.standard_normal`; 32-bit
    uniforms limit the numbers to 6.8 standard deviations.
    """
    half = (shape[0] // 2, shape[1])
    words = rng.bit_generator.random_raw(half[0] * half[1]).view(np.uint32)
    radius, angle = words.astype(np.float32).reshape(2, *half)
    radius += np.float32(0.5)  # the logarithm's argument lies in (0, 1]
    radius *= np.float32(2**-32)
    np.log(radius, out=radius)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    angle *= np.float32(2 * np.pi / 2**32)
    out = np.empty(shape, dtype=np.float32)
    np.cos(angle, out=out[: half[0]])
    np.sin(angle, out=out[half[0] :])
    out.reshape(2, *half)[:] *= radius
    return out


class FirstDraws(NamedTuple):
    """The random numbers of a block that come before its noise; see `BlockDraws`."""

    classes: np.ndarray
    padding: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    shear: np.ndarray


def first_draws(
    params: SignalParams, block: int, num_classes: int
) -> tuple[np.random.Generator, FirstDraws]:
    """The generator after them, and the draws of rows [1000 * block, 1000 * block + 1000)."""
    rng = block_generator(params.seed, BLOCK_KEY, block)
    low, high = params.padding
    first = block * BLOCK
    return rng, FirstDraws(
        # counted over all rows, so that 7 or 2000 classes are balanced as well as 10
        classes=rng.permutation(np.arange(first, first + BLOCK) % num_classes),
        padding=rng.integers(high - low + 1, size=BLOCK),
        shift=rng.integers(params.max_translation, size=BLOCK),
        scale=rng.random(BLOCK, dtype=np.float32),
        shear=rng.random(BLOCK, dtype=np.float32),
    )


def draw_block(params: SignalParams, block: int, num_classes: int) -> BlockDraws:
    """The random numbers of rows [1000 * block, 1000 * block + 1000); classes are balanced."""
    rng, first = first_draws(params, block, num_classes)
    return BlockDraws(
        *first,
        noise=normals(rng, (2 * params.padded_length, BLOCK)),
        relabel=rng.random(BLOCK, dtype=np.float32),
        new_label=rng.integers(num_classes, size=BLOCK),
    )


def render_block(draws: BlockDraws, shared: Prepared, params: SignalParams) -> np.ndarray:
    """Signals of one block, normalised and permuted: (n, final_seq_length) float32."""
    length = params.padded_length
    x = shared.windows[draws.classes, draws.padding, draws.shift]  # (n, length)
    x = np.ascontiguousarray(x.T)
    x *= 1 + np.float32(params.scale_coeff) * (draws.scale - np.float32(0.5))
    background = smooth_columns(draws.noise[:length], shared)
    background *= np.float32(params.corr_noise_scale)
    background *= x == 0  # multiplying and adding takes a third of the time of a masked copy
    x += background
    x += np.float32(params.iid_noise_scale) * draws.noise[length:]
    out = x[shared.left]  # (d, n)
    out += (x[shared.left + 1] - out) * shared.fraction
    # resampling a straight line leaves it straight, so the shear can wait until here
    ramp = np.linspace(-0.5, 0.5, params.final_seq_length, dtype=np.float32)[:, None]
    out -= (np.float32(params.shear_scale) * (draws.shear - np.float32(0.5))) * ramp
    out -= np.float32(shared.mean)
    out *= np.float32(1 / shared.std)
    return np.ascontiguousarray(out.T[:, shared.order] if params.shuffle_seq else out.T)


def smooth_columns(white: np.ndarray, shared: Prepared) -> np.ndarray:
    """`smooth` along the first axis, in float32."""
    length = len(white)
    wide = white[shared.mirror]
    out = wide[RADIUS : RADIUS + length] * shared.kernel[0]
    pair = np.empty_like(out)
    for k in range(1, RADIUS + 1):
        np.add(
            wide[RADIUS - k : RADIUS - k + length], wide[RADIUS + k : RADIUS + k + length], out=pair
        )
        pair *= shared.kernel[k]
        out += pair
    return out


def block_labels(
    draws: BlockDraws, shared: Prepared, params: SignalParams, block: int
) -> np.ndarray:
    """Labels of one block: (n,) int64; only training blocks have label noise."""
    labels = shared.labels[draws.classes]
    if block < TEST_BLOCK:
        noisy = draws.relabel < params.label_noise
        labels = np.where(noisy, shared.labels[draws.new_label], labels)
    return labels


def prepare(params: SignalParams, templates: Templates | None = None) -> Prepared:
    """Tables and constants of a dataset; those of the ten digits are cached."""
    return prepare_digits(params) if templates is None else prepare_templates(params, templates)


@lru_cache(maxsize=16)
def prepare_digits(params: SignalParams) -> Prepared:
    """`prepare` for the ten digits, cached."""
    return prepare_templates(params, digit_templates())


def prepare_templates(params: SignalParams, templates: Templates) -> Prepared:
    """`prepare` for any templates, without a cache."""
    table = dilated_table(templates, params)
    left, step, offset = grid(params.padded_length, params.final_seq_length)
    mean, std = moments(table, params)
    order = np.arange(params.final_seq_length)
    if params.shuffle_seq:
        order = block_generator(params.seed, PERMUTATION_KEY).permutation(order)
    return Prepared(
        windows=rotations(table.astype(np.float32)),
        mirror=np.pad(np.arange(params.padded_length), RADIUS, mode="symmetric"),
        kernel=noise_kernel()[RADIUS:].astype(np.float32),
        left=left,
        fraction=(offset / step).astype(np.float32)[:, None],
        mean=mean,
        std=std,
        order=order,
        labels=templates.y,
    )


def moments(table: np.ndarray, params: SignalParams) -> tuple[float, float]:
    """Exact mean and standard deviation of a signal's values over all positions.

    They are expectations over classes, paddings, shifts, scale, noise and shear, which are
    independent of each other. An endless stream cannot be normalised by sample statistics.

    Raises ValueError when the parameters make x constant.
    """
    length = table.shape[-1]

    def over_draws(values: np.ndarray) -> np.ndarray:
        """Mean over classes, paddings and shifts of a function of the position: (length,)."""
        per_position = values.mean(axis=(0, 1))
        shifts = np.arange(params.max_translation)
        return per_position[(np.arange(length)[:, None] - shifts) % length].mean(axis=1)

    # smoothing both axes of the identity: the covariance of smoothed white noise
    covariance = params.corr_noise_scale**2 * smooth(smooth(np.eye(length)).T)
    ramp = np.linspace(-0.5, 0.5, length)
    scale_square = 1 + params.scale_coeff**2 / 12
    position = np.arange(length)

    def product(offset: int) -> np.ndarray:
        """E[x_i x_(i + offset)] for each position i; the last one wraps and is not used."""
        other, ahead = np.roll(table, -offset, axis=-1), np.roll(position, -offset)
        digit = scale_square * over_draws(table * other)
        background = over_draws((table == 0) & (other == 0)) * covariance[position, ahead]
        independent = params.iid_noise_scale**2 * (ahead == position)
        return digit + background + independent + params.shear_scale**2 / 12 * ramp * ramp[ahead]

    left, step, offset = grid(length, params.final_seq_length)
    f = offset / step
    first, square, neighbour = over_draws(table), product(0), product(1)
    mean = ((1 - f) * first[left] + f * first[left + 1]).mean()
    second = (
        (1 - f) ** 2 * square[left] + f**2 * square[left + 1] + 2 * f * (1 - f) * neighbour[left]
    )
    variance = second.mean() - mean**2
    check_spread(mean, variance)
    return float(mean), float(np.sqrt(variance))
