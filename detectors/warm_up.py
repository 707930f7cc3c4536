"""Warming up: kernels compiled, or taken from the disk, before the first reading waits for them."""

from __future__ import annotations

import numpy as np

from detectors.bank import Bank
from detectors.base import Batch
from detectors.calibration import Calibration
from detectors.groups import group
from detectors.registry import REGISTRY, build


def warm_up() -> None:
    """Judge a few readings with every detector that has a kernel; nothing of it is kept but the compiled code.

    About a second where the code is on the disk already, half a minute where it is not; nothing without numba.
    """
    row, time = np.zeros(2, dtype=np.int64), np.arange(2) * 1_000_000_000
    group(row).since(time, np.zeros(1, dtype=np.int64))
    batch = Batch(time, np.ones(2), np.ones(2), time >= 0, np.zeros(2, dtype=np.int32))
    for kind, detector in REGISTRY.items():
        if detector.kernel is None:
            continue
        bank = Bank(build({"kind": kind}), Calibration(rule=detector.limit_rule, rate_per_s=0.0, refractory_ns=0))
        bank.grow(1)
        if detector.judges_silence:
            bank.run_silence(row, batch, time)
        else:
            bank.run(row, batch)
