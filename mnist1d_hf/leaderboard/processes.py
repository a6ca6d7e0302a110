"""What the kernel refuses a program in the sandbox: other processes, and ways around the sandbox.

It is a program for the kernel's packet filter (seccomp(2), bpf(4)), which decides on every system
call. Those in `REFUSED` fail. `clone` fails unless it makes a thread, and `clone3`, whose arguments
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
# by machine: the architecture in linux/audit.h, and the number of clone
MACHINES = {"x86_64": (0xC000003E, 56), "aarch64": (0xC00000B7, 220)}
CLONE3 = 435  # calls have one number on all machines from 424 on
REFUSED = {
    # fork, vfork; ptrace, process_vm_readv, process_vm_writev, kcmp: other processes
    "x86_64": (
        *(57, 58, 101, 310, 311, 312),
        # mount, umount2, pivot_root, chroot, unshare, setns: other views of the files
        *(165, 166, 155, 161, 272, 308),
        # add_key, request_key, keyctl; shmget, msgget, semget: what outlives a process
        *(248, 249, 250, 29, 68, 64),
        # memfd_create: memory that is not counted; bpf, perf_event_open, userfaultfd
        *(319, 321, 298, 323),
    ),
    # the same ones in the same order, without fork and vfork, which do not exist there
    "aarch64": (
        *(117, 270, 271, 272),
        *(40, 39, 41, 51, 97, 268),
        *(217, 218, 219, 194, 186, 190),
        *(279, 280, 241, 282),
    ),
}
# io_uring_setup; open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr;
# pidfd_open, pidfd_getfd; memfd_secret
REFUSED_EVERYWHERE = (425, 428, 429, 430, 431, 432, 433, 442, 434, 438, 447)


class SandboxError(ValueError):
    """This machine cannot run entries in a sandbox; the message says why."""


def one_process() -> bytes:
    """The filter in the form of the kernel; SandboxError on a processor that it is not made for."""
    machine = platform.machine()
    if machine not in MACHINES:
        known = ", ".join(MACHINES)
        raise SandboxError(f"entries cannot be run on a processor {machine}, only on {known}")
    architecture, clone = MACHINES[machine]
    # (code, instructions to skip if true, if false, value)
    program = [
        (LOAD, 0, 0, ARCHITECTURE),
        *((EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL)),
        (LOAD, 0, 0, NUMBER),
        *((AT_LEAST, 0, 1, OTHER_NUMBERS), (RETURN, 0, 0, KILL)),
    ]
    for call in (*REFUSED[machine], *REFUSED_EVERYWHERE):
        program += [(EQUAL, 0, 1, call), (RETURN, 0, 0, FAIL | errno.EPERM)]
    program += [
        *((EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, FAIL | errno.ENOSYS)),
        *((EQUAL, 0, 3, clone), (LOAD, 0, 0, FIRST_ARGUMENT)),
        *((ANY_BIT, 1, 0, CLONE_THREAD), (RETURN, 0, 0, FAIL | errno.EPERM)),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in program)
