"""A process that sees this machine's files but can write only its own folder and has no network.

Made by bubblewrap (`bwrap`, Linux; package bubblewrap of Debian and Fedora), which also takes away
the view of other processes. The generator's packages are hidden, so that an entry cannot make data.
CPU time and memory are read from outside, where the process cannot change them.
"""

import importlib.util
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import psutil

HIDDEN = ("mnist1d_hf", "mnist1d")
MOST_PROCESSES = 64
LONGEST_ANSWER = 1000  # bytes


class EntryError(ValueError):
    """The entry broke a rule of the leaderboard, or failed; the message says how."""


@dataclass(frozen=True)
class Limits:
    """What one trial of an entry may use."""

    train_seconds: float = 1800  # wall clock
    predict_seconds: float = 600  # for all test rows
    memory: int = 4 * 2**30  # bytes, of all processes of the entry together


class Sandbox:
    """`program`, a Python file in `folder`, as a process in a sandbox; a context manager.

    Raises RuntimeError where bubblewrap is not installed or the system does not let it work.
    """

    def __init__(self, folder: Path, program: str, arguments: Sequence[str], limits: Limits):
        self.limits = limits
        self.log = folder / "log.txt"
        read, write = os.pipe()
        command = [*wrapper(folder), sys.executable, "-I", "-B", program, str(write), *arguments]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, pass_fds=[write]
            )
        os.close(write)
        self.channel, self.answer = read, b""

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()  # the wrapper's death is that of everything inside
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        os.close(self.channel)

    def send(self, line: str) -> None:
        """Write a line to the program's standard input; EntryError when it has ended."""
        assert self.process.stdin
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise EntryError(self.last_words()) from None

    def wait(self, answer: str, doing: str, seconds: float) -> None:
        """Wait until the program writes the line `answer`.

        Raises EntryError after `seconds`, when it writes anything else, ends, or uses too much
        memory; `doing` says in the message what it was doing.
        """
        end = time.monotonic() + seconds
        while b"\n" not in self.answer:
            if time.monotonic() > end:
                raise EntryError(f"{doing} was not finished within {seconds:g} seconds")
            self.check_memory(doing)
            ready, _, _ = select.select([self.channel], [], [], 0.05)
            part = os.read(self.channel, LONGEST_ANSWER) if ready else None
            if part == b"" or len(self.answer) > LONGEST_ANSWER:
                raise EntryError(f"{doing}: {self.last_words()}")
            self.answer += part or b""
        line, _, self.answer = self.answer.partition(b"\n")
        if line != answer.encode():
            raise EntryError(f"{doing}: the runner's channel was written to out of turn")

    def check_memory(self, doing: str) -> None:
        """EntryError when the entry's processes together use more than they may."""
        used = 0
        processes = self.processes()
        for process in processes:
            try:
                used += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        if used > self.limits.memory or len(processes) > MOST_PROCESSES:
            raise EntryError(
                f"{doing} used {used / 2**30:.1f} GiB in {len(processes)} processes; the limits "
                f"are {self.limits.memory / 2**30:g} GiB and {MOST_PROCESSES} processes"
            )

    def cpu_seconds(self) -> float:
        """CPU time so far, user and system, of all processes of the entry, ended ones included."""
        total = 0.0
        for process in self.processes():
            try:
                total += sum(process.cpu_times()[:4])
            except psutil.NoSuchProcess:
                continue
        return total

    def processes(self) -> list[psutil.Process]:
        try:
            wrapper = psutil.Process(self.process.pid)
            return [wrapper, *wrapper.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def last_words(self) -> str:
        """The last line that the program wrote, or how it ended."""
        try:
            code: int | None = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 2000))
            lines = file.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else f"the process ended with code {code} and said nothing"


def wrapper(folder: Path) -> list[str]:
    """The command that starts a program in a sandbox with `folder` as its only place to write."""
    bwrap = shutil.which("bwrap")
    if not bwrap:
        raise RuntimeError(
            "entries run in a sandbox of bubblewrap, which is not installed: on Linux, "
            "apt-get install bubblewrap (or dnf, pacman); elsewhere use a Linux container"
        )
    options = [
        *("--unshare-all", "--die-with-parent", "--new-session", "--clearenv"),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),
        # the interpreter, also where it lies in /tmp
        *(part for path in (sys.base_prefix, sys.prefix) for part in ("--ro-bind", path, path)),
        *(part for path in hidden_folders() for part in ("--tmpfs", path)),
        *("--bind", str(folder), str(folder), "--chdir", str(folder)),
        *("--setenv", "HOME", str(folder), "--setenv", "PATH", os.defpath),
    ]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    for name in threads:
        options += ["--setenv", name, "1"]
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # of the machine, not of the entry
        if name in os.environ:
            options += ["--setenv", name, os.environ[name]]
    return [bwrap, *options]


@cache
def hidden_folders() -> list[str]:
    """Folders of the packages that generate the data, as this process and a new one find them."""
    find = (
        "import importlib.util as u\n"
        f"for spec in filter(None, map(u.find_spec, {HIDDEN!r})):\n"
        "    print(*spec.submodule_search_locations or (), sep='\\n')"
    )
    run = partial(subprocess.run, capture_output=True, text=True, check=True)
    fresh = run([sys.executable, "-I", "-c", find]).stdout.splitlines()
    specs = [importlib.util.find_spec(name) for name in HIDDEN]
    here = [p for spec in specs if spec for p in spec.submodule_search_locations or ()]
    return sorted({*fresh, *here})
