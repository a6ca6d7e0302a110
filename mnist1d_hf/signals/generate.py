"""Generation of arrays from parameters: whole datasets, and row ranges of the counter stream."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mnist1d_hf.signals.counter import (
    TEST_START,
    block_labels,
    blocks,
    draw_block,
    prepare,
    render_block,
)
from mnist1d_hf.signals.frozen import (
    Draws,
    LegacyStream,
    frozen_draws,
    legacy_stream,
    noisy_labels,
)
from mnist1d_hf.signals.params import SignalParams, check_integer, check_names
from mnist1d_hf.signals.render import check_spread, dilated_table, render, rotations, time_axis
from mnist1d_hf.signals.templates import Templates, check_templates
from mnist1d_hf.signals.templates import templates as digit_templates

# Rows of the frozen stream drawn at a time: switching between drawing and rendering costs time.
CHUNK = 5000
# Rows rendered at a time: their temporary arrays fit the processor's cache.
BATCH = 500
# Upper limit of the row numbers of the counter stream.
END = 2**62


class Mnist1DArrays(NamedTuple):
    """The splits of one dataset, with d = final_seq_length positions.

    x is float64 from the frozen stream and float32 from the counter stream. A split without rows
    has length 0.
    """

    x_train: np.ndarray  # (num_train, d)
    y_train: np.ndarray  # (num_train,) int64
    x_validation: np.ndarray  # (validation_size, d)
    y_validation: np.ndarray  # (validation_size,) int64
    x_test: np.ndarray  # (num_test, d)
    y_test: np.ndarray  # (num_test,) int64
    t: np.ndarray  # (d,) float64, positions of the points on the scale of x


def make_mnist1d(
    params: SignalParams | None = None,
    *,
    templates: Templates | None = None,
    advance: Callable[[int], object] | None = None,
    **parameters: Any,
) -> Mnist1DArrays:
    """Generate all splits of a dataset as arrays.

    With the frozen stream (the default) the arrays equal those of the original package's
    `make_dataset` bit for bit, on the same machine with the same libraries. x is normalised by the
    mean and the standard deviation of all splits together.

    Args:
        params: the parameters of the dataset; `SignalParams()` if None.
        templates: noise-free patterns in place of the ten digits.
        advance: called as `advance(n)` after n more rows, for a progress bar; the calls add up to
            the number of rows.

    Returns:
        The arrays x (n, d), y (n,) int64 of each split, and the positions t (d,) float64.

    Raises:
        ValueError: `templates` are malformed or a class gets no row, or parameters are given as
            keywords instead of as one `SignalParams`.

    >>> data = make_mnist1d()
    >>> data.x_train.shape, data.x_test.shape, data.y_train[:5].tolist()
    ((4000, 40), (1000, 40), [2, 6, 4, 5, 6])
    """
    params = check_params(SignalParams() if params is None else params, **parameters)
    patterns = digit_templates() if templates is None else check_templates(templates)
    num_classes = len(patterns.y)
    check_num_samples(params, num_classes)
    sizes = params.split_sizes(num_classes)
    num_train = sizes["train"] + sizes["validation"]
    if params.stream == "frozen":
        x, y, t = frozen_rows(params, patterns, num_train, advance)
        x_train, y_train, x_test, y_test = (
            x[:num_train],
            y[:num_train],
            x[num_train:],
            y[num_train:],
        )
    else:
        custom = None if templates is None else patterns
        (x_train, y_train), (x_test, y_test) = (
            make_range(params, start, start + size, templates=custom, advance=advance)
            for start, size in ((0, num_train), (TEST_START, sizes["test"]))
        )
        t = time_axis(patterns, params) / prepare(params, custom).std
    rest = sizes["train"]
    return Mnist1DArrays(
        x_train[:rest], y_train[:rest], x_train[rest:], y_train[rest:], x_test, y_test, t
    )


def check_params(params: Any, **parameters: Any) -> SignalParams:
    """Return `params`; ValueError unless it is a `SignalParams` and no keyword is given."""
    check_names(parameters, SignalParams)
    if parameters:
        values = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        raise ValueError(f"parameters come as one object: make_mnist1d(SignalParams({values}))")
    if not isinstance(params, SignalParams):
        raise ValueError(
            f"{params!r}: must be a SignalParams, as SignalParams(seed=7) or CONFIGS['shuffled']"
        )
    return params


def check_num_samples(params: SignalParams, num_classes: int) -> None:
    """ValueError when there are fewer rows than classes."""
    if params.num_samples < num_classes:
        raise ValueError(
            f"num_samples={params.num_samples}: must be at least the number of classes, "
            f"{num_classes}"
        )


def frozen_rows(
    params: SignalParams,
    patterns: Templates,
    num_train: int,
    advance: Callable[[int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All rows of the frozen stream, train first: x (n, d) float64, y (n,) int64, t (d,)."""
    stream, x, classes, _ = raw_frozen_rows(params, patterns, advance)
    y = patterns.y[classes]
    mean, std = x.mean(), x.std()
    check_spread(mean, std**2)
    x -= mean
    x /= std
    if params.label_noise:
        y[:num_train] = noisy_labels(stream, y[:num_train], params.label_noise)
    return x, y, time_axis(patterns, params) / std


def raw_frozen_rows(
    params: SignalParams, patterns: Templates, advance: Callable[[int], object] | None = None
) -> tuple[LegacyStream, np.ndarray, np.ndarray, np.ndarray]:
    """All rows of the frozen stream before normalisation, in their final order.

    Returns the advanced stream, x (n, d), the classes (n,) and the order of the positions (d,).
    """
    num_classes = len(patterns.y)
    n = params.num_rows(num_classes)
    x = np.empty((n, params.final_seq_length))  # first, as it fails at once if it cannot fit
    stream = legacy_stream(params.seed)
    classes = np.repeat(np.arange(num_classes), n // num_classes)
    windows = rotations(dilated_table(patterns, params))
    for start in range(0, n, CHUNK):
        chunk = classes[start : start + CHUNK]
        draws = frozen_draws(stream, len(chunk), params)
        for first in range(0, len(chunk), BATCH):
            rows = slice(first, first + BATCH)
            part = Draws(*(numbers[rows] for numbers in draws))
            x[start : start + CHUNK][rows] = render(windows, chunk[rows], part, params)
        if advance:
            advance(len(chunk))
    rows_order, order = stream.rng.permutation(n), np.arange(params.final_seq_length)
    x, classes = x[rows_order], classes[rows_order]
    if params.shuffle_seq:
        order = stream.rng.permutation(params.final_seq_length)
        # `...` gives the copy the original's memory order, and thereby its rounding of the mean
        x = x[..., order]
    return stream, x, classes, order


def make_range(
    params: SignalParams,
    start: int,
    stop: int,
    *,
    templates: Templates | None = None,
    advance: Callable[[int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Generate rows [start, stop) of the counter stream.

    A row depends only on the parameters and its number, so that the parts of a range may be
    generated in any order and by any process.

    Args:
        params: parameters with stream="counter".
        start: number of the first row; training rows count from 0, test rows from
            `signals.counter.TEST_START`.
        stop: number after the last row.
        templates: noise-free patterns in place of the ten digits.
        advance: called as `advance(n)` after n more rows, for a progress bar.

    Returns:
        x (stop - start, final_seq_length) float32 and y (stop - start,) int64.

    Raises:
        ValueError: the stream is frozen, which has no random access, or the range is not
            0 <= start <= stop <= 2**62.

    >>> params = SignalParams(stream="counter")
    >>> x, y = make_range(params, 1_000_000, 1_000_250)
    >>> x.shape, x.dtype
    ((250, 40), dtype('float32'))
    """
    check_params(params)
    if params.stream != "counter":
        raise ValueError(
            f"stream={params.stream!r}: rows can be made alone only with stream='counter'"
        )
    start = check_integer("start", start, 0, END)
    stop = check_integer("stop", stop, start, END)
    custom = None if templates is None else check_templates(templates)
    shared = prepare(params, custom)
    x = np.empty((stop - start, params.final_seq_length), dtype=np.float32)
    y = np.empty(stop - start, dtype=np.int64)
    for block, rows, place in blocks(start, stop):
        draws = draw_block(params, block, len(shared.labels))
        x[place] = render_block(draws, shared, params)[rows]
        y[place] = block_labels(draws, shared, params, block)[rows]
        if advance:
            advance(len(y[place]))
    return x, y
