#!/usr/bin/env python3
"""Shuts an ext4 down as a power cut does: nothing more is written, its journal included.

    cut_power.py MOUNT_POINT [PID]

Without PID it is a disk that fails under whoever uses it: from then on every write and every sync
is an I/O error. With PID the process that writes there is stopped first, at whatever it does, and
stays so: it has felt the power cut before the disk did. Otherwise an fsync that is under way can
answer OK though its data never gets to the disk: ext4 (seen with Linux 6.18) does not report that
it could not convert what it had written into extents of the file. A loop of write and fdatasync
shows that within 20 cuts.
"""

import fcntl
import os
import signal
import struct
import sys

# <linux/ext4.h>: _IOR('X', 125, __u32), and the flag that leaves the journal's buffer unwritten.
EXT4_IOC_SHUTDOWN = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125
EXT4_GOING_FLAGS_NOLOGFLUSH = 2


def stop(pid):
    """Returns once every thread has stopped: one that is in a system call may have to end it."""
    os.kill(pid, signal.SIGSTOP)
    while not all(state_of(pid, thread) in "TtXZ" for thread in os.listdir(f"/proc/{pid}/task")):
        os.sched_yield()


def state_of(pid, thread):
    try:
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8") as file:
            return file.read().rpartition(") ")[2][0]
    except FileNotFoundError:  # it has ended
        return "X"


def main():
    mount_point = os.open(sys.argv[1], os.O_RDONLY)
    if len(sys.argv) > 2:
        stop(int(sys.argv[2]))
    fcntl.ioctl(mount_point, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))


if __name__ == "__main__":
    main()
