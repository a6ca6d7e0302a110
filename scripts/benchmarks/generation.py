"""Making and loading data: against the original package, NumPy's own draws, and datasets."""

import subprocess
import sys
import tempfile

import datasets
from benchmarks.timing import best_of, original, row

import mnist1d_hf
from mnist1d_hf.signals.frozen import frozen_draws, legacy_stream
from mnist1d_hf.signals.generate import make_mnist1d, make_range
from mnist1d_hf.signals.params import SignalParams

FROZEN_ROWS = (5000, 50_000)  # of the published set, and of one that a user generates


def measure(rounds: int, stream_rows: int) -> list[dict]:
    """What was measured, a row each; the best of interleaved rounds."""
    datasets.disable_progress_bars()
    return [
        *(found for n in FROZEN_ROWS for found in frozen(rounds, n)),
        *counter(rounds),
        *loading(rounds),
        *fresh_process(stream_rows),
    ]


def frozen(rounds: int, n: int) -> list[dict]:
    params = SignalParams(num_samples=n)
    best = best_of(
        max(3, rounds * 10_000 // n),
        ours=lambda: make_mnist1d(params),
        # what cannot be avoided: the legacy generator's numbers, in its order
        floor=lambda: frozen_draws(legacy_stream(42), n, params),
    )
    what = f"make_mnist1d, frozen stream, {n:,} rows"
    return [
        row(what, best["ours"], "s"),
        *against_original(rounds, n, what, best["ours"]),
        row(what, best["ours"] / best["floor"], "times the time", "its draws alone", "<= 1.4"),
    ]


def against_original(rounds: int, n: int, what: str, ours: float) -> list[dict]:
    if (module := original()) is None:
        return []
    args = module.get_dataset_args()
    args.num_samples = n
    theirs = best_of(min(rounds, 2), theirs=lambda: module.make_dataset(args))["theirs"]
    return [row(what, theirs / ours, "times as fast", "PyPI mnist1d", ">= 30")]


def counter(rounds: int) -> list[dict]:
    params = SignalParams(stream="counter")
    best = best_of(3 * rounds, ours=lambda: make_range(params, 0, 100_000))["ours"]
    return [row("make_range, counter stream", 1e5 / best, "rows/s", target=">= 500,000")]


def loading(rounds: int) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        caches = iter(range(rounds))
        cold = best_of(
            rounds,
            cold=lambda: datasets.load_dataset("mnist1d", cache_dir=f"{folder}/{next(caches)}"),
        )["cold"]
        warm = best_of(
            rounds, warm=lambda: datasets.load_dataset("mnist1d", cache_dir=f"{folder}/0")
        )
        train = mnist1d_hf.load_dataset(split="train", cache_dir=f"{folder}/0")
        best = best_of(
            rounds,
            number=20,
            ours=lambda: mnist1d_hf.to_numpy(train),
            numpy=lambda: train.with_format("numpy")["x"][:],
        )
    return [
        row("load_dataset, nothing cached", cold, "s"),
        row("load_dataset, cached", warm["warm"], "s", target="< 0.1"),
        row(
            "to_numpy, 4,000 rows", best["numpy"] / best["ours"], "times as fast",
            'with_format("numpy")', ">= 50",
        ),
    ]  # fmt: skip


STREAM = """
import resource, time
import mnist1d_hf
stream = mnist1d_hf.load_dataset(
    stream="counter", num_samples={rows}, train_split=1, split="train", streaming=True
)
begin, n = time.process_time(), 0
for table in stream.with_format("arrow").iter(10_000):
    n += len(table)
assert n == {rows}
print(n / (time.process_time() - begin), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""
IMPORT = """
import time
import datasets
begin = time.process_time()
import mnist1d_hf
print(time.process_time() - begin)
import sys
assert not {"torch", "transformers"} & set(sys.modules)
"""


def fresh_process(stream_rows: int) -> list[dict]:
    """What needs a process of its own: peak memory and the time of an import."""
    speed, memory = map(float, python(STREAM.format(rows=stream_rows)).split())
    imported = min(float(python(IMPORT)) for _ in range(3))
    what = f"{stream_rows:,} rows streamed to Arrow"
    return [
        row(what, speed, "rows/s"),
        row(what, memory, "MB at most", target="< 600"),
        row("import mnist1d_hf, without torch", imported, "s", "after import datasets", "< 0.2"),
    ]


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
