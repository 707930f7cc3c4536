"""Cleans up after a test run that was itself killed: kills its servers, removes their data.

One small process per run, started with the first server. It is told over its standard input what exists, and
acts only when that pipe closes: at the end of the run, whatever ended it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from typing import IO, Literal, get_args

Kind = Literal["group", "folder"]


@cache
def _pipe() -> IO[str]:
    reaper = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert reaper.stdin is not None
    reaper.returncode = 0  # it outlives this run on purpose: no warning that it still runs
    atexit.register(reaper.stdin.close)
    return reaper.stdin


def _tell(sign: str, kind: Kind, what: int | str) -> None:
    # Without a reaper the run goes on: its own clean-up still does the work.
    with contextlib.suppress(OSError, ValueError):
        _pipe().write(f"{sign} {kind} {what}\n")
        _pipe().flush()


def watch(kind: Kind, what: int | str) -> None:
    """From now on end this process group, or remove this folder, if the run dies."""
    _tell("+", kind, what)


def forget(kind: Kind, what: int | str) -> None:
    """It is gone already."""
    _tell("-", kind, what)


def _main() -> None:
    left: dict[str, list[str]] = {kind: [] for kind in get_args(Kind)}
    for line in sys.stdin:
        sign, kind, what = line.rstrip("\n").split(" ", 2)
        if sign == "+":
            left[kind].append(what)
        elif what in left[kind]:
            left[kind].remove(what)
    for group in left["group"]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(int(group), signal.SIGKILL)
    for folder in left["folder"]:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main()
