#!/usr/bin/env python3
"""Stops one thread of a process, until standard input ends.

    stop_thread.py TID   prints "stopped" once it is
"""

import ctypes
import os
import sys

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
WALL = 0x40000000  # also threads that are not the first of their process


def ptrace(libc, request, tid):
    if libc.ptrace(request, tid, None, None) != 0:
        error = ctypes.get_errno()
        sys.exit(f"stop_thread.py: thread {tid}: {os.strerror(error)}")


def main():
    tid = int(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    ptrace(libc, PTRACE_SEIZE, tid)
    ptrace(libc, PTRACE_INTERRUPT, tid)
    os.waitpid(tid, WALL)
    print("stopped", flush=True)
    sys.stdin.read()  # the kernel lets the thread go on when its tracer ends


if __name__ == "__main__":
    main()
