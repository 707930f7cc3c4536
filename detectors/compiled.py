"""Kernels: scans written once in plain Python, run compiled where numba is there; the only place that knows numba.

A kernel is a function over columns (and constants) that loops over readings and writes its last columns in place. It
uses + - * / abs and comparisons on single numbers only, so that numba, numpy and plain Python give the same bits:
no fast-math, no fused operations, no exp or log. `min` and `max` are written as comparisons, as they differ on NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

available = find_spec("numba") is not None
"""Whether kernels are compiled; without numba, numpy and plain Python do their work."""


class Kernel:
    """A plain function and, made at its first call, its compiled form.

    >>> @Kernel
    ... def add_up(x, out):
    ...     for i in range(1, len(x)):
    ...         out[i] = out[i - 1] + x[i]
    >>> out = np.zeros(3)
    >>> add_up.run([np.ones(3)], [out])
    >>> out.tolist()
    [0.0, 1.0, 2.0]
    """

    def __init__(self, plain: Callable[..., Any]) -> None:
        self.plain = plain

    @cached_property
    def fast(self) -> Callable[..., Any]:
        """The compiled form; kept on disk beside the source, or in the user's cache, for the next process."""
        from numba import njit  # half a second, which commands that judge nothing need not wait for

        how: dict[str, Any] = {"error_model": "numpy", "nogil": True, "fastmath": False}
        try:
            compiled: Callable[..., Any] = njit(cache=True, **how)(self.plain)
        except RuntimeError:  # no folder to keep it in: compiled anew in each process
            compiled = njit(**how)(self.plain)
        return compiled

    def run(
        self, given: Sequence[NDArray[Any]], written: Sequence[NDArray[Any]], constants: Sequence[float | bool] = ()
    ) -> Any:
        """Call it with columns that it reads, columns that it writes in place, and constants."""
        if available:
            return self.fast(*map(np.ascontiguousarray, given), *written, *constants)
        lists = [column.tolist() for column in written]
        told = self.plain(*(column.tolist() for column in given), *lists, *constants)
        for column, plain in zip(written, lists, strict=True):
            if len(column):  # no rows: an empty list has no width
                column[...] = plain
        return told
