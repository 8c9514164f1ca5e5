#!/usr/bin/env python3
"""Shuts an ext4 down as a power cut does: nothing more is written, its journal included.

    cut_power.py MOUNT_POINT
"""

import fcntl
import os
import struct
import sys

# <linux/ext4.h>: _IOR('X', 125, __u32), and the flag that leaves the journal's buffer unwritten.
EXT4_IOC_SHUTDOWN = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125
EXT4_GOING_FLAGS_NOLOGFLUSH = 2


def main():
    mount_point = os.open(sys.argv[1], os.O_RDONLY)
    fcntl.ioctl(mount_point, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))


if __name__ == "__main__":
    main()
