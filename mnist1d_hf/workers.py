"""A function called for many items, in this process or in several that never outlive it."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait
from typing import Any, TypeVar

Item = TypeVar("Item")


class Stopped(RuntimeError):
    """Work ended early. What is done stays, and the same command continues."""


def call_in_processes(
    function: Callable[[Item], Any], items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Any]]:
    """Each item with its result as it is done, in any order.

    `function` and the items go to `workers` new processes of one thread each, which ignore Ctrl-C
    (this process ends them then) and end when this process does, however it dies.

    After a failure the items that run are finished and yielded, those that wait are dropped, and
    what `function` raised first is raised last. When a process dies, nothing that runs can be
    finished, and `concurrent.futures.process.BrokenProcessPool` names the items that were lost.
    """
    if not items:
        return
    others = set(multiprocessing.active_children())
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks and threads
    pool = ProcessPoolExecutor(min(workers, len(items)), spawn, _start)
    waiting = iter(items)
    # one item per process and no more: the pool cannot take back an item that it has queued
    running = {pool.submit(function, item): item for item in islice(waiting, workers)}
    failure: BaseException | None = None
    lost: list[Item] = []
    try:
        while running:
            done, _ = wait_for(running, return_when=FIRST_COMPLETED)
            finished = {future: running.pop(future) for future in done}
            for future, item in finished.items():
                error = future.exception()
                failure = failure or error
                if isinstance(error, BrokenProcessPool):
                    lost.append(item)
            if failure is None:
                for item in islice(waiting, len(finished)):
                    running[_submit(pool, function, item)] = item
            yield from (
                (item, future.result())
                for future, item in finished.items()
                if not future.exception()
            )
        if lost:
            raise BrokenProcessPool(
                "a process died, killed or out of memory, while these ran: "
                + ", ".join(f"{item!s:.200}" for item in lost)
            ) from failure
        if failure:
            raise failure
    except BaseException:  # Ctrl-C too
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, function: Callable[..., Any], item: Any) -> Future[Any]:
    """The future of an item, failed already when a process of the pool has just died."""
    try:
        return pool.submit(function, item)
    except BrokenProcessPool as error:
        future: Future[Any] = Future()
        future.set_exception(error)
        return future


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"  # for libraries that are imported from now on
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:  # which may be killed without a chance to end its workers
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
