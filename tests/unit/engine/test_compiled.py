"""Compiled kernels: warmed up once, and never again on the way."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from detectors import calibration, compiled, groups
from detectors.anomaly import (
    auto_kernel,
    clock,
    cusum,
    gap,
    level_shift_kernel,
    limits,
    nelson,
    quality,
    railed,
    robust_zscore,
    seasonal,
    stuck,
    trend_rul,
    unit_swap_kernel,
)  # fmt: skip
from detectors.compiled import Kernel
from detectors.registry import REGISTRY
from streams import bin_adding, fitness
from streams.process import compile_kernels
from tests.unit.engine.logs import log, play

KERNELS = [
    auto_kernel.judge,
    cusum.judge,
    nelson.judge,
    seasonal.judge,
    trend_rul.judge,
    gap._judge,
    clock._judge,
    quality._judge,
    railed._judge,
    unit_swap_kernel.judge,
    level_shift_kernel.judge,
    limits._judge,
    robust_zscore._judge,
    stuck._judge,
    calibration._judge,
    groups._link,
    fitness._follow,
    bin_adding._fits,
    bin_adding._add,
]

needs_numba = pytest.mark.skipif(not compiled.available, reason="needs numba")


@needs_numba
def test_a_warmed_up_worker_compiles_nothing_more() -> None:
    compile_kernels()
    assert all(len(kernel.fast.signatures) == 1 for kernel in KERNELS)  # type: ignore[attr-defined]
    play(log(1), range(0, 120, 7))
    more = {kernel.plain.__module__ for kernel in KERNELS if len(kernel.fast.signatures) > 1}  # type: ignore[attr-defined]
    assert not more, f"other types than warm_up has: {more}"


def test_every_detector_with_a_kernel_is_here() -> None:
    assert {detector.kernel for detector in REGISTRY.values()} - {None} <= set(KERNELS)


@needs_numba
def test_an_engine_without_compiled_kernels_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = [play(log(seed), [40, 90]) for seed in range(6)]
    monkeypatch.setattr(compiled, "available", False)
    for seed, tape in enumerate(fast):
        play(log(seed), [40, 90]).same(tape)


@needs_numba
def test_numba_is_not_imported_before_something_is_judged() -> None:
    code = "import sys, streams.engine, detectors.warm_up; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@needs_numba
def test_without_a_folder_for_it_the_code_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    plain_njit = numba.njit

    def nowhere(**how: object) -> object:
        if how.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return plain_njit(**how)

    monkeypatch.setattr(numba, "njit", nowhere)

    @Kernel
    def double(x: object, out: object) -> None:
        for i in range(len(x)):  # type: ignore[arg-type]
            out[i] = x[i] * 2.0  # type: ignore[index]

    out = np.zeros(2)
    double.run([np.array([1.0, 2.0])], [out])
    assert out.tolist() == [2.0, 4.0]
