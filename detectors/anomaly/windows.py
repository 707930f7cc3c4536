"""Windows of means: of each source the last four means over 1, 4 and 16 units, in bounded memory at any pace."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.anomaly.auto_state import COARSE, FINEST, QUARTER, RECENT, SIDES, AutoState, Singles
from detectors.base import Bools, Floats, Ints
from detectors.single import single


class Windows(NamedTuple):
    """What `slide` gives; `windows` are (k, 4), newest mean first, by source and scale."""

    windows: list[list[Floats]]
    recent: Singles
    quarter: Singles
    coarse: Singles
    at: Ints
    phase: Ints
    units: Ints


def slide(state: AutoState, sources: list[Floats], readings: Ints, present: Bools, first: Bools) -> Windows:
    """Take in a value of each source (k,) where `present`; `readings` (k,) make a unit.

    The means over 4 units are means of four over 1, a unit apart; those over 16 of four over 4, four units apart.
    Past means are kept one a unit, so that their age is right within a unit. The first value stands for all before it.
    """
    k = np.arange(len(present))
    here = (state.at + 1) % RECENT
    keep = present & (first | (state.phase + 1 >= readings))
    recent, quarter, coarse = state.recent.copy(), state.quarter.copy(), state.coarse.copy()
    windows = []
    for source, y in enumerate(sources):
        block = recent[:, RECENT * source : RECENT * (source + 1)]
        block[present, here[present]] = y[present]
        block[first] = y[first, None]
        window = np.stack([_mean(block, here - j * readings, readings) for j in range(SIDES)], axis=1)
        scales = [window]
        for past, apart, size in ((quarter, 4, QUARTER), (coarse, 16, COARSE)):
            kept = past[:, size * source : size * (source + 1)]
            mean = single((((window[:, 0] + window[:, 1]) + window[:, 2]) + window[:, 3]) / 4.0)
            kept[first] = mean[first, None]
            ages = [kept[k, (state.units - apart * j) % size].astype(np.float64) for j in range(1, SIDES)]
            window = np.stack([mean, *ages], axis=1)
            kept[keep, (state.units % size)[keep]] = mean[keep]
            scales.append(window)
        windows.append(scales)
    return Windows(
        windows,
        recent,
        quarter,
        coarse,
        np.where(present, here, state.at),
        np.where(present, np.where(keep, 0, state.phase + 1), state.phase),
        state.units + keep,
    )


def _mean(block: Singles, newest: Ints, readings: Ints) -> Floats:
    """Means (k,) of so many readings, ending at the places `newest` of a ring, added from the newest on."""
    k = np.arange(len(newest))
    total = block[k, newest % RECENT].astype(np.float64)
    for i in range(1, FINEST):
        total = np.where(i < readings, total + block[k, (newest - i) % RECENT], total)
    return single(total / readings)
