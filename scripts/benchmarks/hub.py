"""The embedded Hub under load: many clients at once, on this machine alone, for a bounded time.

Each client uploads a file of random bytes, downloads it and compares, over and over; half of them
by Xet, half by LFS. Memory is that of the Hub's process, which does nothing else.
"""

import multiprocessing
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.timing import row

PROCESSES = 5  # of clients, each with as many threads
LARGEST = 60_000  # bytes of a file
WARM_UP = 10  # seconds after which memory should grow no more
MB = 1e6


def measure(clients: int, seconds: int) -> dict:
    """What was done and how long it took, a row each, and the Hub's memory second by second.

    Raises ValueError for fewer clients than processes, or fewer seconds than memory needs.
    """
    if clients < PROCESSES or seconds <= WARM_UP:
        raise ValueError(
            f"clients={clients}, seconds={seconds}: at least {PROCESSES} clients, and "
            f"{WARM_UP + 1} seconds"
        )
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = spawn.Pipe()
        hub = spawn.Process(target=serve, args=(f"{folder}/hub", theirs), daemon=True)
        hub.start()
        environment = ours.recv()
        queue, ready = spawn.Queue(), spawn.Barrier(PROCESSES + 1)
        workers = []
        for number in range(PROCESSES):
            way = {"HF_HUB_DISABLE_XET": str(number % 2), "HF_HOME": f"{folder}/{number}"}
            way["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
            os.environ |= environment | way  # what the new process reads
            threads = clients // PROCESSES + (number < clients % PROCESSES)
            arguments = (number, threads, seconds, ready, queue)
            workers.append(spawn.Process(target=work, args=arguments, daemon=True))
            workers[-1].start()
        ready.wait(120)
        memory = watch(hub.pid, seconds)
        found = [result for _ in workers for result in queue.get(timeout=120)]
        for worker in workers:
            worker.join()
        ours.send("end")
        hub.join()
    return {"rows": summary(clients, seconds, found, memory), "memory in MB": memory}


def summary(clients: int, seconds: int, found: list[tuple], memory: list[float]) -> list[dict]:
    times = {way: [t for w, t, _ in found if w == way and t is not None] for way in ("LFS", "Xet")}
    failures = [failure for _, _, failure in found if failure]
    for failure in sorted(set(failures)):
        print(failure)
    done = sum(map(len, times.values()))
    growth = max(memory[WARM_UP:]) - memory[WARM_UP]
    return [
        row(f"{clients} clients, {seconds} s: upload, download, compare", done, "times"),
        row("errors and wrong bytes", len(failures), "", target="0"),
        *(row(f"median time by {way}", statistics.median(t), "s") for way, t in times.items()),
        row(f"memory of the Hub after {WARM_UP} s", memory[WARM_UP], "MB"),
        row("memory of the Hub at the end", memory[-1], "MB"),
        row(f"growth of its memory after {WARM_UP} s, at most", growth, "MB", target="< 20"),
    ]


def serve(directory: str, pipe) -> None:
    from mnist1d_hf.localhub import LocalHub

    with LocalHub(directory) as hub:
        pipe.send(hub.environment(hub.add_user("local")))
        pipe.recv()


def watch(process: int, seconds: int) -> list[float]:
    """The memory of a process in MB, at once and after every second."""
    import psutil

    memory, begin = [], time.monotonic()
    for second in range(seconds + 1):
        time.sleep(max(0.0, begin + second - time.monotonic()))
        memory.append(psutil.Process(process).memory_info().rss / MB)
    return memory


def work(number: int, threads: int, seconds: int, ready, queue) -> None:
    """Clients of one process: what each of their rounds took, or what failed."""
    from huggingface_hub import HfApi, constants

    way = "LFS" if constants.HF_HUB_DISABLE_XET else "Xet"
    names = [f"local/client-{number}-{thread}" for thread in range(threads)]
    for name in names:
        HfApi().create_repo(name)
    ready.wait(120)
    end = time.monotonic() + seconds

    def client(name: str) -> list[tuple]:
        found = []
        while time.monotonic() < end:
            begin, failure = time.perf_counter(), None
            try:
                if not round_trip(name):
                    failure = f"{way}: other bytes came back"
            except Exception as error:
                failure = f"{way}: {type(error).__name__}: {error}"
            found.append((way, None if failure else time.perf_counter() - begin, failure))
        return found

    with ThreadPoolExecutor(threads) as pool:
        queue.put([result for results in pool.map(client, names) for result in results])


def round_trip(name: str) -> bool:
    from huggingface_hub import HfApi

    data = os.urandom(LARGEST // 3 + int.from_bytes(os.urandom(2), "big") % (2 * LARGEST // 3))
    api = HfApi()
    commit = api.upload_file(path_or_fileobj=data, path_in_repo="data.bin", repo_id=name)
    with tempfile.TemporaryDirectory() as folder:
        path = api.hf_hub_download(name, "data.bin", revision=commit.oid, local_dir=folder)
        return Path(path).read_bytes() == data
