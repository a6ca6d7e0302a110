import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from mnist1d_hf.signals.counter import (
    BLOCK,
    TEST_START,
    block_generator,
    draw_block,
    normals,
    prepare,
    render_block,
)
from mnist1d_hf.signals.frozen import Draws, frozen_draws, legacy_stream
from mnist1d_hf.signals.generate import make_mnist1d, make_range
from mnist1d_hf.signals.params import CONFIGS, STREAMS, SignalParams, config_params
from mnist1d_hf.signals.render import dilated_table, render, rotations
from mnist1d_hf.signals.templates import Templates, templates

COUNTER = SignalParams(stream="counter")
DIGITS = templates()
# Rows of each sample in the comparisons of distributions.
MANY = 200_000
# Largest z allowed among up to a thousand of them; the seeds are fixed, so this is no lottery.
MOST_SIGMA = 5


@cache
def rows(start=0, stop=3500):
    return make_range(COUNTER, start, stop)


# --- any range, anywhere -------------------------------------------------------------------------


@given(st.lists(st.integers(0, 3500), max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_any_partition_in_any_order_gives_the_whole(cuts, shuffler):
    bounds = [0, *sorted(cuts), 3500]
    ranges = list(zip(bounds, bounds[1:], strict=False))
    shuffler.shuffle(ranges)
    x, y = np.full((3500, 40), np.nan, np.float32), np.full(3500, -1)
    for start, stop in ranges:
        x[start:stop], y[start:stop] = make_range(COUNTER, start, stop)
    np.testing.assert_array_equal(x, rows()[0], strict=True)
    np.testing.assert_array_equal(y, rows()[1], strict=True)


def test_another_process_makes_the_same_bits():
    script = """
import hashlib
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import SignalParams
digest = hashlib.sha256()
for start, stop in [(2_999, 3_500), (123_456_789, 123_456_800)]:
    for array in make_range(SignalParams(stream="counter"), start, stop):
        digest.update(array.tobytes())
print(digest.hexdigest())
"""
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    digest = hashlib.sha256()
    for start, stop in [(2_999, 3_500), (123_456_789, 123_456_800)]:
        for array in make_range(COUNTER, start, stop):
            digest.update(array.tobytes())
    assert done.stdout.strip() == digest.hexdigest()


def test_a_larger_dataset_begins_with_the_smaller_one():
    small = make_mnist1d(SignalParams(stream="counter", num_samples=1003, label_noise=0.1))
    large = make_mnist1d(SignalParams(stream="counter", num_samples=2500, label_noise=0.1))
    assert small.x_train.shape == (802, 40) and small.x_test.shape == (201, 40)
    for name in ("x_train", "y_train", "x_test", "y_test"):
        first = getattr(large, name)[: len(getattr(small, name))]
        np.testing.assert_array_equal(first, getattr(small, name), strict=True)
    np.testing.assert_array_equal(large.t, small.t)


def test_blocks_seeds_and_splits_have_rows_of_their_own():
    starts = [0, BLOCK, 2**32 * BLOCK, (2**32 + 1) * BLOCK, TEST_START, TEST_START + BLOCK]
    samples = [make_range(COUNTER, start, start + BLOCK)[0] for start in starts]
    samples.append(make_range(SignalParams(stream="counter", seed=43), 0, BLOCK)[0])
    assert len({row.tobytes() for x in samples for row in x}) == len(samples) * BLOCK


def test_a_shuffled_dataset_is_the_default_with_one_permutation_of_positions():
    x, y = make_range(config_params("shuffled", stream="counter"), 0, 50)
    order = block_generator(42, 1).permutation(40)
    np.testing.assert_array_equal(x, rows()[0][:50][:, order])
    np.testing.assert_array_equal(y, rows()[1][:50])


def test_label_noise_redraws_training_labels_alone():
    params = config_params("default", stream="counter", label_noise=0.3)
    x, y = make_range(params, 0, 20_000)
    clean_x, clean_y = make_range(COUNTER, 0, 20_000)
    np.testing.assert_array_equal(x, clean_x)
    error = np.sqrt(0.27 * 0.73 / 20_000)
    assert abs((y != clean_y).mean() - 0.27) < MOST_SIGMA * error
    test = [make_range(p, TEST_START, TEST_START + 500)[1] for p in (params, COUNTER)]
    np.testing.assert_array_equal(*test)


@pytest.mark.parametrize("num_classes", [1, 7, 10, 1500])
def test_classes_are_balanced_over_all_rows(num_classes):
    few = SignalParams(stream="counter", padding=(0, 0), max_translation=1, final_seq_length=2)
    x = np.random.RandomState(0).randn(num_classes, 12)
    custom = Templates(x, DIGITS.t, np.arange(num_classes))
    _, y = make_range(few, 0, 3000, templates=custom)
    counts = np.bincount(y, minlength=num_classes)
    assert counts.max() - counts.min() <= 1
    _, y = make_range(few, TEST_START, TEST_START + 1000, templates=custom)
    assert np.bincount(y).max() <= np.ceil(1000 / num_classes)


# --- its random numbers --------------------------------------------------------------------------


def test_normals_are_normal_and_white():
    z = normals(block_generator(3, 0), (144, 5000))
    assert z.dtype == np.float32
    assert kstest(z.ravel()[::7], "norm").pvalue > 1e-3
    n = z[0].size
    for values in (z, z**2):  # cosines and sines share their radius, so squares are looked at too
        correlation = np.corrcoef(values)[np.triu_indices(len(z), 1)] * np.sqrt(n)
        assert np.abs(correlation).max() < MOST_SIGMA
    # moments one to four of 720,000 values: each within five standard errors
    for power, (moment, variance) in {1: (0, 1), 2: (1, 2), 3: (0, 15), 4: (3, 96)}.items():
        error = np.sqrt(variance / z.size)
        assert abs((z.astype(float) ** power).mean() - moment) < MOST_SIGMA * error
    neighbours = [(z[:-1] * z[1:]).mean(), (z[:, :-1] * z[:, 1:]).mean()]  # along both axes
    assert np.abs(neighbours).max() < MOST_SIGMA / np.sqrt(z.size - len(z) - n)


def test_the_integers_and_uniforms_are_uniform():
    blocks = [draw_block(COUNTER, block, 10) for block in range(200)]
    n = len(blocks) * BLOCK
    for name, size in {"padding": 25, "shift": 48, "new_label": 10}.items():
        counts = np.bincount(np.concatenate([getattr(b, name) for b in blocks]), minlength=size)
        assert len(counts) == size
        error = np.sqrt(n / size * (1 - 1 / size))
        assert np.abs(counts - n / size).max() < MOST_SIGMA * error
    for name in ("scale", "shear", "relabel"):
        values = np.concatenate([getattr(b, name) for b in blocks])
        assert values.dtype == np.float32
        assert kstest(values, "uniform").pvalue > 1e-3


# --- its signals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shuffle_seq": True, "max_translation": 72},
        {"padding": (0, 0), "max_translation": 1, "final_seq_length": 12},
        {"final_seq_length": 144, "template_len": 3, "shear_scale": 2, "scale_coeff": 1.5},
        {"corr_noise_scale": 0, "iid_noise_scale": 0},
        {"final_seq_length": 1, "padding": (0, 3), "max_translation": 15},
    ],
    ids=str,
)
def test_the_fast_rendering_agrees_with_the_exact_one(changes):
    params = config_params("default", stream="counter", **changes)
    shared = prepare(params)
    fast = draw_block(params, 5, 10)
    num_paddings = params.padding[1] - params.padding[0] + 1
    exact = Draws(
        padding=(fast.padding + 0.5) / num_paddings,
        scale=fast.scale.astype(float),
        shift=fast.shift,
        noise=fast.noise.T.astype(float),
        shear=fast.shear.astype(float),
    )
    x = render(rotations(dilated_table(DIGITS, params)), fast.classes, exact, params)
    x = ((x - shared.mean) / shared.std)[:, shared.order]
    ours = render_block(fast, shared, params)
    assert ours.dtype == np.float32 and ours.flags.c_contiguous
    # a few units in the last place of numbers up to five
    np.testing.assert_allclose(ours, x, rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def counter_sample():
    """Rows of the counter stream before normalisation, and their labels."""
    x, y = make_range(COUNTER, 0, MANY)
    shared = prepare(COUNTER)
    return x * np.float32(shared.std) + np.float32(shared.mean), y


@pytest.fixture(scope="module")
def frozen_sample():
    """As many rows of the frozen stream, before normalisation."""
    params = SignalParams(seed=2)
    windows = rotations(dilated_table(DIGITS, params))
    stream, classes = legacy_stream(params.seed), np.arange(250) % 10
    parts = [
        render(windows, classes, frozen_draws(stream, len(classes), params), params)
        for _ in range(MANY // len(classes))
    ]
    return np.concatenate(parts).astype(np.float32), np.tile(classes, MANY // len(classes))


def assert_equal_means(a, b, what):
    """No column's two means differ by more than their standard errors allow."""
    error = np.sqrt(a.var(axis=0) / len(a) + b.var(axis=0) / len(b))
    z = (a.mean(axis=0, dtype=float) - b.mean(axis=0, dtype=float)) / error
    assert np.abs(z).max() < MOST_SIGMA, f"{what}: z = {z}"


def test_moments_per_position_are_those_of_the_frozen_stream(counter_sample, frozen_sample):
    a, b = counter_sample[0], frozen_sample[0]
    powers = a, b
    for power in (1, 2, 3, 4):
        assert_equal_means(*powers, f"moment {power}")
        powers = powers[0] * a, powers[1] * b
    assert_equal_means(np.abs(a) < 0.05, np.abs(b) < 0.05, "share near zero")


def test_covariances_are_those_of_the_frozen_stream(counter_sample, frozen_sample):
    def products(x):
        """Mean and squared standard error of x_i x_j, for each pair of positions."""
        mean = x.T @ x / len(x)
        return mean, ((x**2).T @ x**2 / len(x) - mean**2) / len(x)

    (mean_a, error_a), (mean_b, error_b) = (
        products(x.astype(float)) for x in (counter_sample[0], frozen_sample[0])
    )
    z = (mean_a - mean_b) / np.sqrt(error_a + error_b)
    assert np.abs(z).max() < MOST_SIGMA


def test_each_class_is_that_of_the_frozen_stream(counter_sample, frozen_sample):
    (a, labels_a), (b, labels_b) = counter_sample, frozen_sample
    np.testing.assert_array_equal(np.bincount(labels_a), np.bincount(labels_b))
    for digit in range(10):
        ours, theirs = a[labels_a == digit], b[labels_b == digit]
        assert_equal_means(ours, theirs, f"digit {digit}")
        assert_equal_means(ours**2, theirs**2, f"squares of digit {digit}")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"max_translation": 72, "shear_scale": 0.1},
        {"padding": (0, 5), "max_translation": 4, "final_seq_length": 60, "scale_coeff": 1.5},
        {"corr_noise_scale": 1, "iid_noise_scale": 0.5, "final_seq_length": 7},
    ],
    ids=str,
)
def test_the_exact_moments_are_those_of_many_rows(changes):
    x, _ = make_range(config_params("default", stream="counter", **changes), 0, MANY)
    for power, moment in {1: 0, 2: 1}.items():
        of_rows = (x.astype(float) ** power).mean(axis=1)  # rows are independent, positions not
        error = of_rows.std() / np.sqrt(MANY)
        assert abs(of_rows.mean() - moment) < MOST_SIGMA * error


@pytest.mark.slow
def test_the_cnn_of_the_paper_reaches_the_same_accuracy_on_both_streams():
    torch = pytest.importorskip("torch")
    from mnist1d_hf.models import ARCHITECTURES
    from mnist1d_hf.training.many import shuffled_batches, train_many

    torch.set_num_threads(1)
    seeds, rows, n = range(6), 4000, 10_000  # a dataset of its own for every network
    streams = {stream: config_params("default", stream=stream) for stream in STREAMS}

    def split(stream, name, **changes):
        data = make_mnist1d(replace(streams[stream], **changes))._asdict()
        x, y = data[f"x_{name}"], data[f"y_{name}"]
        return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)

    train = [
        split(stream, "train", seed=seed, num_samples=rows, train_split=1)
        for stream in streams
        for seed in seeds
    ]
    tests = {s: split(s, "test", num_samples=n, train_split=0) for s in streams}
    config, model = ARCHITECTURES["cnn"]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = [model(config()) for _ in train]
    first = rows * torch.arange(len(train))[:, None]
    orders = shuffled_batches([rows] * len(train), 100, 1200, range(len(train)))
    history = train_many(
        networks,
        *(torch.cat(parts) for parts in zip(*train, strict=True)),
        (order + first for order in orders),
        splits=tests,
    )
    accuracy = {s: (1 - e[-1]).view(2, -1).numpy() for s, e in history.error.items()}
    # each network on the stream that it was trained on
    own = [accuracy[stream][i] for i, stream in enumerate(streams)]
    error = np.sqrt(sum(a.var(ddof=1) / len(a) for a in own))
    assert min(a.mean() for a in own) > 0.85 and error < 0.01, own
    assert abs(own[0].mean() - own[1].mean()) < MOST_SIGMA * error, own
    # each network on both: only the test rows differ
    share = np.mean(list(accuracy.values()))
    error = np.sqrt(2 * share * (1 - share) / n)
    assert abs(np.subtract(*accuracy.values()).mean()) < MOST_SIGMA * error, accuracy


# --- its bytes -----------------------------------------------------------------------------

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "counter.json").read_text())


@pytest.mark.parametrize("config_name", CONFIGS)
@pytest.mark.parametrize("split, start", [("train", 0), ("test", TEST_START)])
def test_the_first_block_is_golden(config_name, split, start):
    golden = GOLDEN[config_name][split]
    x, y = make_range(config_params(config_name, stream="counter"), start, start + BLOCK)
    assert hashlib.sha256(y.astype("<i8").tobytes()).hexdigest() == golden["y"]
    np.testing.assert_allclose(x[0], golden["x_first_row"], rtol=0, atol=1e-5)
    # elsewhere NumPy has other implementations of log, sin and cos, which round differently
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    if {"X86_V3", "AVX2"} & {*simd["baseline"], *simd.get("found", [])}:
        assert hashlib.sha256(x.astype("<f4").tobytes()).hexdigest() == golden["x"]
