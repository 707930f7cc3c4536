"""What a worker asks of its process before it takes work: compiled kernels, memory kept, few garbage collections."""

from __future__ import annotations

import ctypes
import gc

from detectors.warm_up import warm_up
from streams import bin_adding, fitness

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
KEPT_BYTES = 32 * 2**20
"""Freed memory that stays with the process, at most."""
LARGE_BYTES = 4 * 2**20
"""Larger arrays are no chunk's: they are taken from the kernel, and given back to it, each by itself."""


def prepare() -> None:
    """Compile or load the kernels, keep freed memory for the next chunk, and collect garbage seldom."""
    compile_kernels()
    keep_memory()
    # the collector walks all that lives, some 80 ms with 100,000 series: seldom, as arrays make no cycles
    gc.set_threshold(50_000, 20, 100)


def compile_kernels() -> None:
    """Compile the kernels, half a minute after an installation, or load them, a second from then on."""
    warm_up()
    fitness.warm_up()
    bin_adding.warm_up()


def keep_memory() -> bool:
    """Keep up to `KEPT_BYTES` of freed memory; False where the C library has no such setting.

    A chunk's arrays are of some hundred kB each. By default glibc gives such memory back to the kernel with every
    chunk, and takes it anew page by page: measured, a third of the time of judging large frames. The columns of large
    states (from `LARGE_BYTES`) do stay with the kernel: they leave no holes behind when they grow, and their spare
    rows take no memory until they are used. And all threads share one heap: by default each keeps freed memory of its
    own, some 40 MB for every thread that has ever restored a partition.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    asked = ((_M_MMAP_THRESHOLD, LARGE_BYTES), (_M_TRIM_THRESHOLD, KEPT_BYTES), (_M_ARENA_MAX, 1))
    return all(bool(mallopt(what, size)) for what, size in asked)


def give_back() -> bool:
    """Give freed memory that lies between what is in use back to the kernel; False where the C library cannot.

    A state that was copied, or has grown, leaves holes that no chunk fills again: measured, some 50 MB a partition of
    12,500 series. It takes a few milliseconds, in which the other threads wait where they ask for memory.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    return bool(trim(0))
