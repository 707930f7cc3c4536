"""What a worker asks of its process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from streams.process import keep_memory

assert {keep} is False or keep_memory()

def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        arrays = [np.ones(100_000) for _ in range(20)]  # 16 MB, as a chunk's arrays are
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults(3)
print(faults(50))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_the_memory_of_one_chunk_serves_the_next() -> None:
    def run(keep: bool) -> int:
        code = FAULTS.format(keep=keep)
        return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)

    assert run(keep=True) * 10 < run(keep=False)


HOLES = """
import resource
import numpy as np
from pathlib import Path
from streams.process import give_back, keep_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

keep_memory()
arrays = [np.ones(50_000) for _ in range(400)]  # 160 MB in pieces of 400 kB
kept = arrays[::2]
del arrays
before = resident()
assert give_back()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a function of glibc")
def test_holes_between_what_is_in_use_are_given_back() -> None:
    told = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True).stdout
    assert int(told) > 40_000_000  # of 80 MB that are free
