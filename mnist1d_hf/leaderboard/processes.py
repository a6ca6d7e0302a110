"""The rule by which a program in the sandbox may start threads but no other processes.

It is a program for the kernel's packet filter (seccomp(2), bpf(4)), which decides on every system
call: `fork` and `vfork` fail, `clone` fails unless it makes a thread, and `clone3`, whose arguments
a filter cannot see, seems not to exist, so that the C library uses `clone`.
"""

import errno
import platform
import struct

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000, 0x80000000  # linux/seccomp.h
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # places in its struct seccomp_data
CLONE_THREAD = 0x00010000  # linux/sched.h
OTHER_NUMBERS = 0x40000000  # from here on x86-64 has a second number for every call
# by machine: the architecture in linux/audit.h, and the numbers of fork and vfork, clone, clone3
SYSTEM_CALLS: dict[str, tuple[int, tuple[int, ...], int, int]] = {
    "x86_64": (0xC000003E, (57, 58), 56, 435),
    "aarch64": (0xC00000B7, (), 220, 435),
}


class SandboxError(ValueError):
    """This machine cannot run entries in a sandbox; the message says why."""


def one_process() -> bytes:
    """The filter in the form of the kernel; SandboxError on a processor that it is not made for."""
    machine = platform.machine()
    if machine not in SYSTEM_CALLS:
        known = ", ".join(SYSTEM_CALLS)
        raise SandboxError(f"entries cannot be run on a processor {machine}, only on {known}")
    architecture, forks, clone, clone3 = SYSTEM_CALLS[machine]
    # (code, instructions to skip if true, if false, value)
    program = [
        (LOAD, 0, 0, ARCHITECTURE),
        *((EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL)),
        (LOAD, 0, 0, NUMBER),
        *((AT_LEAST, 0, 1, OTHER_NUMBERS), (RETURN, 0, 0, KILL)),
    ]
    for call in forks:
        program += [(EQUAL, 0, 1, call), (RETURN, 0, 0, FAIL | errno.EPERM)]
    program += [
        *((EQUAL, 0, 1, clone3), (RETURN, 0, 0, FAIL | errno.ENOSYS)),
        *((EQUAL, 0, 3, clone), (LOAD, 0, 0, FIRST_ARGUMENT)),
        *((ANY_BIT, 1, 0, CLONE_THREAD), (RETURN, 0, 0, FAIL | errno.EPERM)),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in program)
