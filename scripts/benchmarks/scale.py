"""From ten thousand rows to ten billion: what a row costs, in streams and in files.

CPU seconds where one process works, seconds by the clock where several do. What no machine here can
run is projected from what one did: see `project`.
"""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
from benchmarks.timing import best_of, original, row

import mnist1d_hf
from mnist1d_hf.hub.push import COMMIT_FILES
from mnist1d_hf.shards.job import ShardJob
from mnist1d_hf.signals.generate import make_range
from mnist1d_hf.signals.params import SignalParams

COUNTER = SignalParams(stream="counter")
FILE_BYTES = 500e6  # of a shard when there are many: the most that `datasets` puts in one
LINK = 1e9 / 8  # bytes per second of the connection that the projection supposes


def measure(rounds: int, rows: int, largest: int, engines: bool) -> dict:
    """What was measured, a row each; the growth of the time; and the projection with its note."""
    grown = growth(largest)
    per_row, size = grown[-1]["CPU s"] / grown[-1]["rows"], grown[-1]["bytes per row"]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        ours = together(pool, make_shards, rows)
        theirs = together(pool, make_original, min(rows, 5000)) if original() else None
    table = [
        *streams(rounds, min(rows, 100_000)),
        row("to Parquet", 1 / per_row, "rows/CPU s"),
        row("to Parquet, 1 process", ours[1], "rows/s by the clock"),
        row("to Parquet, 2 processes", ours[2], "rows/s by the clock"),
        row("to Parquet, 2 processes", ours[2] / ours[1], "times as fast", "1 process"),
        *(against_original(ours, theirs) if theirs else []),
        *(overhead(rows) if engines else []),
        row("a row on disk", size, "bytes", "168 in memory"),
        row("exponent of the CPU time's growth with the rows", exponent(grown), "", target="1"),
    ]
    efficiency = min(1.0, ours[2] / ours[1] / 2)
    projection = [
        project(total, machines, per_row, size, efficiency)
        for total in (10**9, 10**10)
        for machines in (1, 16)
    ]
    return {"rows": table, "growth": grown, "projection": projection, "note": note(table)}


# ---------------------------------------------------------------- streams


def streams(rounds: int, n: int) -> list[dict]:
    """Rows per CPU second of one core: generation alone, and what comes between it and a model."""
    import torch
    from torch.utils.data import DataLoader

    from mnist1d_hf.data.tensors import collate
    from mnist1d_hf.training.batches import batches

    torch.set_num_threads(1)
    fresh = batches(COUNTER, 100)
    rng = np.random.default_rng(0)
    shape = 2 * COUNTER.padded_length, n

    def stream():
        keywords = {"stream": "counter", "num_samples": n, "train_split": 1, "split": "train"}
        return mnist1d_hf.load_dataset(streaming=True, **keywords)

    def loader():
        arrow = stream().with_format("arrow").batch(100)
        return DataLoader(arrow, batch_size=None, collate_fn=collate)

    ways = {
        "streamed to Arrow": lambda: exhaust(stream().with_format("arrow").iter(10_000)),
        "streamed to torch, batches of 1,000": lambda: exhaust(
            stream().with_format("torch").iter(1000)
        ),
        "streamed to a DataLoader, batches of 100": lambda: exhaust(loader()),
    }
    best = best_of(
        rounds,
        floor=lambda: rng.standard_normal(shape, dtype=np.float32),
        alone=lambda: make_range(COUNTER, 0, n),
        fresh=lambda: [next(fresh) for _ in range(n // 100)],
        **ways,
    )
    with without_generation(n):
        around = best_of(rounds, **ways)
    goals = dict(zip(ways, (">= 1,000,000", ">= 150,000", ">= 150,000"), strict=True))
    floor, alone = best["floor"], best["alone"]
    table = [
        row("NumPy's own normals, as many as a row has", n / floor, "rows/s"),
        row("make_range", n / alone, "rows/s", target=">= 500,000"),
        row("make_range", floor / alone, "times as fast", "NumPy's own normals"),
    ]
    for what, seconds in best.items():
        if what in ways:
            table += [
                row(what, n / seconds, "rows/s", target=goals[what]),
                row(what, alone / seconds, "of the rows/s", "make_range"),
                row(f"{what}, rows made before", n / around[what], "rows/s"),
            ]
    table.append(row("fresh batches of 100 by torch, on a CPU", n / best["fresh"], "rows/s"))
    return table


def exhaust(batches) -> None:
    for _ in batches:
        pass


@contextmanager
def without_generation(n: int):
    """Rows of the builder are slices of an array that exists."""
    x, y = make_range(COUNTER, 0, n)
    with mock.patch(
        "mnist1d_hf.data.rows.make_range",
        lambda params, start, stop: (x[start:stop], y[start:stop]),
    ):
        yield


def note(table: list[dict]) -> str:
    """What was asked of streams, and what is reached."""
    value = {(r["what"], r["against"]): r["value"] for r in table}
    arrow, around = (value[f"streamed to Arrow{end}", ""] for end in ("", ", rows made before"))
    alone, share = value["make_range", ""], value["streamed to Arrow", "make_range"]
    torch = value["streamed to torch, batches of 1,000", ""]
    return (
        "Asked: 1,000,000 rows/s and core streamed to Arrow, 150,000 to torch. "
        f"Reached: {arrow:,.0f} to Arrow and {torch:,.0f} to torch. "
        f"The rows themselves are made at {alone:,.0f}, of which the stream to Arrow keeps "
        f"{100 * share:.0f} %; rows made before it hands on at {around:,.0f}."
    )


# ---------------------------------------------------------------- files


def shard_job(rows: int, workers: int, run: Callable[[ShardJob], object] | None = None) -> dict:
    """Make `rows` rows as Parquet: seconds by the clock, CPU seconds, and bytes."""
    params = SignalParams(stream="counter", num_samples=rows, train_split=1)
    shards = max(2, -(-rows // 500_000))
    with tempfile.TemporaryDirectory() as folder:
        job = ShardJob("default", params, shards, folder)
        begin, used = time.perf_counter(), cpu_seconds()
        run(job) if run else job.run(workers=workers, quiet=True)
        seconds = {"s": time.perf_counter() - begin, "CPU s": cpu_seconds() - used}
        files = list(Path(folder).rglob("*.parquet"))
        assert len(files) == shards
        return {**seconds, "bytes": sum(file.stat().st_size for file in files)}


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, who))


def together(
    pool: ProcessPoolExecutor, make: Callable[[int], float], rows: int
) -> dict[int, float]:
    """Rows/s by the clock of one and of two processes, each making `rows` rows."""
    best = {1: float("inf"), 2: float("inf")}
    for _ in range(3):  # the first round starts the processes
        for count in best:
            tasks = [pool.submit(make, rows) for _ in range(count)]
            best[count] = min(best[count], max(task.result() for task in tasks))
    return {count: count * rows / seconds for count, seconds in best.items()}


def make_shards(rows: int) -> float:
    return shard_job(rows, 1)["s"]


def against_original(ours: dict[int, float], theirs: dict[int, float]) -> list[dict]:
    return [
        row("PyPI mnist1d, in memory, 1 process", theirs[1], "rows/s by the clock"),
        row("PyPI mnist1d, in memory, 2 processes", theirs[2], "rows/s by the clock"),
        row("to Parquet, 2 processes", ours[2] / theirs[2], "times as fast", "PyPI mnist1d"),
    ]


def make_original(rows: int) -> float:
    """Seconds by the clock that PyPI's mnist1d takes."""
    args = original().get_dataset_args()
    args.num_samples = rows
    begin = time.perf_counter()
    original().make_dataset(args)
    return time.perf_counter() - begin


def growth(largest: int) -> list[dict]:
    """The CPU time of one process that makes a thousandth of `largest` rows and more."""
    table = []
    for rows in (largest // 1000, largest // 100, largest // 10, largest):
        runs = [shard_job(rows, 1) for _ in range(3 if rows < largest else 1)]
        best = min(runs, key=lambda run: run["CPU s"])
        table.append({"rows": rows, "CPU s": best["CPU s"], "bytes per row": best["bytes"] / rows})
    return table


def exponent(grown: list[dict]) -> float:
    """k where CPU time grows as rows ** k: the slope of the line through the logarithms."""
    points = np.log([[g["rows"], g["CPU s"]] for g in grown])
    return float(np.polyfit(*points.T, 1)[0])


def overhead(rows: int) -> list[dict]:
    """What the engines take longer than plain processes for the same shards, start to end."""
    import ray

    from mnist1d_hf.shards.engines import Engine
    from mnist1d_hf.shards.ranks import ShardRanks

    def run(name: str, job: ShardJob) -> None:
        Engine(name=name, workers=2).run(ShardRanks(job), world_size=2)

    def on_ray(job: ShardJob) -> None:
        # a machine's own address may be closed to itself
        with ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1"):
            run("ray", job)

    plain = shard_job(rows, 2)["s"]
    table = [row(f"{rows:,} rows by 2 workers of ShardJob, start to end", plain, "s")]
    ways = {"datatrove": lambda job: run("local", job), "datatrove on Ray": on_ray}
    for name, way in ways.items():
        more = shard_job(rows, 2, way)["s"] - plain
        table.append(row(f"the same by 2 ranks of {name}", more, "s more", "ShardJob"))
    return table


# ---------------------------------------------------------------- what cannot be run here


def project(
    rows: int, machines: int, per_row: float, size: float, efficiency: float, cores: int = 16
) -> dict:
    """Hours, bytes, files and commits of many rows, from what a row costs here.

    Supposes `cores` cores a machine like this one's, each as efficient beside others as one of two
    is here; machines do not wait for each other. Sending is apart: one connection of 1 Gbit/s.
    """
    count = -(-rows // int(FILE_BYTES / size))
    return {
        "rows": rows,
        "machines": machines,
        "cores": machines * cores,
        "hours": rows * per_row / (machines * cores * efficiency) / 3600,
        "GB": rows * size / 1e9,
        "files": count,
        "commits": -(-count // COMMIT_FILES),
        "hours to send": rows * size / LINK / 3600,
    }
