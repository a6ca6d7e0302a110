"""One process without network, which sees no files of the user and leaves none behind.

Made by bubblewrap (`bwrap`, Linux; package bubblewrap of Debian and Fedora), which also takes away
the view of other processes. Of this machine's files it sees those of the system and of Python, and
of these the generator's packages are hidden, so that an entry cannot make data. What it writes goes
to folders in memory. It has no rights of an administrator and cannot start other processes, so that
the CPU time that the system counts is all that it took. Nothing outside depends on a file that it
could have changed.
"""

import importlib.util
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from mnist1d_hf.leaderboard.processes import SandboxError, one_process
from mnist1d_hf.leaderboard.tracks import EntryError, Limits
from mnist1d_hf.leaderboard.trials import unfinished_folder

SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/nix", "/sys"),
    *("/etc/alternatives", "/etc/ld.so.cache", "/etc/passwd", "/etc/group"),
)
UNSHARED = ("--unshare-all", "--unshare-user", "--disable-userns")
HIDDEN = ("mnist1d_hf", "mnist1d")
GIVEN, HOME = "/given", "/entry"  # folders: what the referee gives, and what the entry may write
SCRATCH = 2**28  # bytes that fit into each of the folders in memory
LOG = 20  # lines, of what an entry wrote, that an error shows


class Sandbox:
    """`program`, a Python file in the folder `given`, in a sandbox; a context manager.

    The program finds the folder as `GIVEN` and works in `HOME`. Its arguments are the number of a
    file descriptor, to which it writes its answers, and `arguments`. Raises SandboxError where
    bubblewrap is not installed or the system does not let it work.
    """

    def __init__(self, given: Path, program: str, arguments: Sequence[str], limits: Limits):
        check_bubblewrap()
        self.limits = limits
        self.log = TemporaryFile()
        read, write = os.pipe()
        rules, rules_end = os.pipe()
        os.write(rules_end, one_process())
        os.close(rules_end)
        command = [
            *(*wrapper(given), "--seccomp", str(rules)),
            *(sys.executable, "-I", "-B", f"{GIVEN}/{program}", str(write), *arguments),
        ]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            pass_fds=[write, rules],
            env={},  # the wrapper's, which the entry can read
        )
        os.close(write)
        os.close(rules)
        os.set_blocking(read, False)
        self.channel, self.answer = read, b""

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.inside():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        os.close(self.channel)
        self.log.close()

    def send(self, line: str) -> None:
        """Write a line to the program's standard input; EntryError when it has ended."""
        assert self.process.stdin
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.failure("before its next task") from None

    def receive(self, size: int, doing: str, seconds: float) -> bytes:
        """The next `size` bytes that the program writes.

        Raises EntryError after `seconds`, and when the program ends or uses too much memory;
        `doing` says in the message what it was doing.
        """
        end = time.monotonic() + seconds
        while len(self.answer) < size:
            if time.monotonic() > end:
                raise EntryError(f"{doing} was not finished within {seconds:g} seconds")
            self.check_memory(doing)
            select.select([self.channel], [], [], 0.2)
            with suppress(BlockingIOError):
                part = os.read(self.channel, size - len(self.answer))
                if not part:
                    raise self.failure(doing)
                self.answer += part
        found, self.answer = self.answer[:size], self.answer[size:]
        return found

    def wait(self, answer: bytes, doing: str, seconds: float) -> None:
        """Wait until the program writes `answer`; EntryError as in `receive`, and for any other."""
        if self.receive(len(answer), doing, seconds) != answer:
            raise EntryError(f"{doing}: the runner's channel was written to out of turn")

    def check_memory(self, doing: str) -> None:
        """EntryError when the entry uses more memory than it may."""
        used = 0
        for process in self.inside():
            with suppress(psutil.NoSuchProcess):
                used += process.memory_info().rss
        if used > self.limits.memory:
            raise EntryError(
                f"{doing} used {used / 2**30:.1f} GiB of memory; the limit is "
                f"{self.limits.memory / 2**30:g} GiB"
            )

    def cpu_seconds(self) -> float:
        """CPU time so far, user and system, of all threads of the entry, ended ones included.

        EntryError when the entry has ended, since its time is lost then.
        """
        for process in self.inside():
            with suppress(psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_ZOMBIE:
                    return sum(process.cpu_times()[:2])
        raise self.failure("it has ended before its time was taken")

    def inside(self) -> list[psutil.Process]:
        """The entry's process, which is the only one in the sandbox; none after its end."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def failure(self, doing: str) -> EntryError:
        """What to raise when the program has ended: its last line, and more lines as a note."""
        try:
            code: int | None = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, size - 4000))
        text = self.log.read().decode(errors="replace").strip()
        lines = ["".join(filter(str.isprintable, line))[:300] for line in text.splitlines()[-LOG:]]
        if not any(lines):
            return EntryError(f"{doing}: the process ended with code {code} and said nothing")
        error = EntryError(f"{doing}: {lines[-1]}")
        if len(lines) > 1:
            error.add_note("\n".join(["the entry had written:", *lines]))
        return error


def wrapper(given: Path) -> list[str]:
    """The command that starts a program in a sandbox, up to the rules of system calls."""
    memory = [part for path in (HOME, "/tmp", "/dev/shm") for part in sized(path)]
    hidden = [*generator_folders(), str(unfinished_folder())]  # with data seeds
    options = [
        *(*UNSHARED, "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"),
        *("--dev", "/dev", "--proc", "/proc", *memory),
        *(part for path in SYSTEM for part in ("--ro-bind-try", path, path)),
        *(part for path in (sys.base_prefix, sys.prefix) for part in ("--ro-bind", path, path)),
        *(part for path in hidden for part in ("--tmpfs", path)),
        *("--ro-bind", str(given), GIVEN, "--chdir", HOME),
        *(part for path in (*hidden, "/dev", "/") for part in ("--remount-ro", path)),
        *("--setenv", "HOME", HOME, "--setenv", "PATH", os.defpath),
    ]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    for name in threads:
        options += ["--setenv", name, "1"]
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # of the machine, not of the entry
        if name in os.environ:
            options += ["--setenv", name, os.environ[name]]
    return [bubblewrap(), *options]


def sized(path: str) -> list[str]:
    """The options for a folder in memory that holds `SCRATCH` bytes."""
    return ["--size", str(SCRATCH), "--tmpfs", path]


def bubblewrap() -> str:
    """The path of bubblewrap; SandboxError where it is not installed."""
    found = shutil.which("bwrap")
    if not found:
        raise SandboxError(
            "entries run in a sandbox of bubblewrap, which is not installed: on Linux, "
            "apt-get install bubblewrap (or dnf, pacman); elsewhere use a Linux container"
        )
    return found


@cache
def check_bubblewrap() -> None:
    """SandboxError unless bubblewrap can start a program."""
    command = [bubblewrap(), *UNSHARED, "--ro-bind", "/", "/", "true"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SandboxError(
            f"bubblewrap cannot make a sandbox here: {done.stderr.strip()}; it needs user "
            "namespaces, which some systems forbid (in Docker: --security-opt seccomp=unconfined; "
            "on Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
        )


@cache
def generator_folders() -> list[str]:
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
