"""Tennessee Eastman process, public faults: detection and false-alarm rates by row, and the cause by contributions.

`python -m tests.quality.tep`. Downs and Vogel (1993) document the cause of faults 1 to 15; the inputs that measure or
drive what each of the public ones disturbs are listed in `CAUSES`, by the paper's numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tests.quality.joint import data, judge

WARMUP = 500
INTERVAL_S = 180.0
FAULT = 160
"""Row of a test run at which its fault begins."""
AFTER = 50
"""Alarmed rows after which the cause is asked for."""
TOP = 3
CAUSES = {  # inputs from 1: XMEAS(1) to XMEAS(41), then XMV(1) to XMV(11)
    "02": {24, 30},  # B in feed 4: B in the reactor's feed, B in the purge
    "04": {51},  # reactor cooling water's temperature: its valve
    "06": {1, 44},  # feed A is lost: its flow, its valve
    "08": {23, 24, 25, 29, 30, 31},  # A, B, C in feed 4: these in the reactor's feed and in the purge
    "10": {18, 19, 50},  # temperature of feed 4, into the stripper: its temperature, its steam, its steam valve
    "12": {11, 22, 52},  # condenser cooling water's temperature: the separator's temperatures, the condenser's valve
    "14": {9, 21, 51},  # reactor cooling water valve sticks: the reactor's temperature, the water's, the valve
}


class Figures(NamedTuple):
    """Rates are means over the faults."""

    detected: float  # share of rows of faults with score >= 1
    false: float  # of rows before them
    first: int  # documented faults whose cause comes first
    top: int  # among the first three
    seconds: float


def measure(**options: Any) -> Figures:
    """Each fault's run behind the normal training rows, as one stream."""
    runs = np.load(data("tep", "tep_public.npz"))
    detected, false, first, top, seconds = [], [], 0, 0, 0.0
    for name in sorted(n for n in runs.files if n.endswith("_test")):
        judged = judge(np.vstack((runs["d00_train"], runs[name])), INTERVAL_S, warmup=WARMUP, **options)
        found = judged.score[WARMUP:] >= 1
        detected.append(found[FAULT:].mean())
        false.append(found[:FAULT].mean())
        seconds += judged.seconds
        if causes := CAUSES.get(name[1:3]):
            alarmed = WARMUP + FAULT + np.flatnonzero(found[FAULT:])[:AFTER]
            order = (np.argsort(-judged.shares[alarmed].sum(axis=0)) + 1).tolist()
            first += order[0] in causes
            top += not causes.isdisjoint(order[:TOP])
    return Figures(float(np.mean(detected)), float(np.mean(false)), first, top, seconds)


if __name__ == "__main__":
    for label, options in (("defaults", {}), ("margin = 1", {"margin": 1.0})):
        f = measure(**options)
        print(
            f"TEP {label}: FDR {f.detected:.3f} at FAR {f.false:.2%}; cause first in {f.first}, in the top three in "
            f"{f.top} of {len(CAUSES)}; {f.seconds:.1f} s"
        )
