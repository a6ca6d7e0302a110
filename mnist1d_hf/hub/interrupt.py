"""Reliable handling of Ctrl-C during requests to the Hub.

hf_xet calls Python from native code, and may lose a KeyboardInterrupt that is raised there.
Therefore requests run in a separate thread, and the main thread waits in this module. If an
interrupt is lost nevertheless, it is raised again at the next step.
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
    """Context in which Ctrl-C raises KeyboardInterrupt, and a second Ctrl-C exits at once.

    For the main thread. A running request may still be finished by its thread; see
    `finish_running`.
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
    """Run `call` in a thread and return its result; in the main thread, Ctrl-C stops waiting.

    `still_waiting` is called repeatedly with the seconds since the start.
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
    """Wait for requests that were running when an interrupt occurred."""
    wait(list(running))
