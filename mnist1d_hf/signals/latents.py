"""What the generator drew for each row: where the digit lies, how large and how steep it is.

They are the answers that a model which finds the digit's place, is equivariant to shifts or takes a
signal apart can be tested with. `posterior.latent_posterior` tells what a signal reveals of them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mnist1d_hf.signals.counter import blocks, first_draws
from mnist1d_hf.signals.frozen import frozen_draws, legacy_stream
from mnist1d_hf.signals.generate import CHUNK, END, check_num_samples, check_params
from mnist1d_hf.signals.params import NUM_CLASSES, SignalParams, check_integer
from mnist1d_hf.signals.templates import Templates, check_templates


class Latents(NamedTuple):
    """What was drawn for each of n rows; they shape a signal before it is normalised.

    scale and slope are float64 for the frozen stream and float32 for the counter stream, as x is.
    """

    padding: np.ndarray  # (n,) int32: zeros appended to the template before it is dilated
    shift: np.ndarray  # (n,) int32: positions by which the digit is rotated to the right
    scale: np.ndarray  # (n,) factor on the amplitude of the digit: 1 give or take scale_coeff / 2
    slope: np.ndarray  # (n,) fall of the line that is added, from the first position to the last


def latents_of(
    params: SignalParams,
    start: int = 0,
    stop: int | None = None,
    *,
    templates: Templates | None = None,
    advance: Callable[[int], object] | None = None,
) -> Latents:
    """The latents of rows [start, stop), without making the rows.

    Rows of the counter stream are counted as in `make_range`: training rows from 0, test rows from
    `TEST_START`, and `stop` is needed. Rows of the frozen stream are those of `make_mnist1d`:
    train, validation and test one after the other; all of them are drawn, and `stop` may be left
    out. Only the number of the `templates` matters. `advance` is as in `make_mnist1d`.

    Shifts are among the `padded_length` positions (72 by default), before the last resampling.

    Raises ValueError for a range that is not 0 <= start <= stop <= the number of rows, which is
    2**62 for the counter stream.

    >>> params = SignalParams(seed=7)
    >>> test = latents_of(params, params.num_train)
    >>> test.padding.shape, int(test.shift.max())
    ((1000,), 47)
    """
    check_params(params)
    num_classes = NUM_CLASSES if templates is None else len(check_templates(templates).y)
    if params.stream == "counter":
        if stop is None:
            raise ValueError("stop=None: the counter stream has no last row; give the end")
        rows = range_of(start, stop, END)
        return counter_latents(params, rows.start, rows.stop, num_classes, advance)
    check_num_samples(params, num_classes)
    size = params.num_rows(num_classes)
    rows = range_of(start, size if stop is None else stop, size)
    drawn = frozen_latents(params, num_classes, advance)
    return Latents(*(values[rows] for values in drawn))


def range_of(start: int, stop: int, most: int) -> slice:
    """[start, stop) as a slice; ValueError unless 0 <= start <= stop <= most."""
    start = check_integer("start", start, 0, most)
    return slice(start, check_integer("stop", stop, start, most))


def counter_latents(
    params: SignalParams,
    start: int,
    stop: int,
    num_classes: int,
    advance: Callable[[int], object] | None,
) -> Latents:
    """The draws of rows [start, stop) of the counter stream, one block after the other."""
    out = empty(stop - start, np.float32)
    half = np.float32(0.5)
    for block, rows, place in blocks(start, stop):
        _, draws = first_draws(params, block, num_classes)
        out.padding[place] = draws.padding[rows] + params.padding[0]
        out.shift[place] = draws.shift[rows]
        out.scale[place] = 1 + np.float32(params.scale_coeff) * (draws.scale[rows] - half)
        out.slope[place] = np.float32(params.shear_scale) * (draws.shear[rows] - half)
        if advance:
            advance(len(draws.shift[rows]))
    return out


def frozen_latents(
    params: SignalParams, num_classes: int, advance: Callable[[int], object] | None
) -> Latents:
    """Of all rows; the noise between them is drawn and dropped."""
    n = params.num_rows(num_classes)
    stream = legacy_stream(params.seed)
    out = empty(n, np.float64)
    low, high = params.padding
    for start in range(0, n, CHUNK):
        place = slice(start, min(start + CHUNK, n))
        draws = frozen_draws(stream, place.stop - start, params)
        out.padding[place] = low + (draws.padding * (high - low + 1)).astype(np.int64)
        out.shift[place] = draws.shift
        out.scale[place] = 1 + params.scale_coeff * (draws.scale - 0.5)
        out.slope[place] = params.shear_scale * (draws.shear - 0.5)
        if advance:
            advance(place.stop - start)
    order = stream.rng.permutation(n)
    return Latents(*(values[order] for values in out))


def empty(n: int, real: type[np.floating]) -> Latents:
    """Arrays of n draws to be filled in."""
    integers = np.empty((2, n), dtype=np.int32)
    return Latents(*integers, *np.empty((2, n), dtype=real))
