"""Calls of a function for many items in several processes, which end with this one.

The processes of `concurrent.futures`, on which this builds, keep running when the main process is
killed. When one of them dies, neither its error nor that of joblib names the items that were lost.
"""

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
    """Work ended early; finished parts are kept, and the same command continues."""


def call_in_processes(
    function: Callable[[Item], Any], items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Any]]:
    """Yield each item with its result, in the order of completion.

    The calls run in `workers` new processes of one thread each. The processes ignore Ctrl-C, upon
    which this process ends them, and they end when this process ends or is killed.

    After a call has failed, running calls are finished and their results yielded, waiting items are
    dropped, and the first exception is raised. When a process dies, no running call can be
    finished, and `concurrent.futures.process.BrokenProcessPool` names the lost items.
    """
    if not items:
        return
    others = set(multiprocessing.active_children())
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks and threads
    pool = ProcessPoolExecutor(min(workers, len(items)), spawn, _start)
    waiting = iter(items)
    running: dict[Future[Any], Item] = {}
    failure: BaseException | None = None
    lost: list[Item] = []
    try:
        # one item per process at a time, since the pool cannot return an item from its queue
        for item in islice(waiting, workers):
            running[pool.submit(function, item)] = item
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
    """The future of an item; it has failed already if a process of the pool has just died."""
    try:
        return pool.submit(function, item)
    except BrokenProcessPool as error:
        future: Future[Any] = Future()
        future.set_exception(error)
        return future


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"  # for libraries that are imported later
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:  # a killed parent cannot end its workers
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
