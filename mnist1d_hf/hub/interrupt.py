"""Ctrl-C that always stops.

A library that calls back into Python from its own code, as hf_xet does, may swallow the
KeyboardInterrupt that is raised there. So the main thread never waits inside a library: requests
run in a thread aside, and the main thread waits for that thread in code of this module. Where an
interrupt is swallowed all the same, it is raised again at the next step.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")

EXIT_CODE = 130  # of a program that Ctrl-C ended: 128 + the number of SIGINT
POLL = 0.2  # seconds between two looks at whether Ctrl-C was pressed

requested = threading.Event()
running: set[Future] = set()


@contextmanager
def stoppable() -> Iterator[None]:
    """In this block, in the main thread: Ctrl-C raises KeyboardInterrupt, the second ends at once.

    A request that is under way then may still be finished by its thread; see `finish_running`.
    """

    def stop(signal_number: int, frame: FrameType | None) -> None:
        if requested.is_set():
            os._exit(EXIT_CODE)
        requested.set()
        raise KeyboardInterrupt

    requested.clear()
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def check_stop() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed in a `stoppable` block."""
    if requested.is_set():
        raise KeyboardInterrupt


def run_aside(
    call: Callable[[], Result], still_waiting: Callable[[float], None] = lambda seconds: None
) -> Result:
    """What `call` returns or raises; in the main thread, Ctrl-C ends the waiting at once.

    `still_waiting` is called with the seconds so far, many times.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)
        running.discard(future)

    running.add(future)
    start = time.monotonic()
    threading.Thread(target=run, daemon=True).start()
    while not wait([future], POLL).done:
        check_stop()
        still_waiting(time.monotonic() - start)
    return future.result()


def finish_running() -> None:
    """Wait for requests that an interrupt left behind."""
    wait(list(running))
