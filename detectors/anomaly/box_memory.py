"""Box memory: the windows seen so far as a few hyper-boxes, and how far a new one is from all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.auto_state import (
    BOXES,
    FARTHEST,
    LOOSE,
    MATURE,
    MEMORIES,
    PERCENT,
    RISE,
    SCALES,
    SIDE_WEIGHTS,
    SIDES,
    SINK,
    TIGHT,
    WEIGHT,
    AutoState,
    Singles,
)
from detectors.base import Bools, Floats, Ints
from detectors.roots import cube_root


class Memory(NamedTuple):
    """One memory of k rows; the arrays are changed in place by `learn`."""

    low: Singles  # (k, 24, 4)
    high: Singles
    used: NDArray[np.int32]  # (k, 24)
    boxes: NDArray[np.uint8]  # (k,)
    vigilance: Floats  # (k,)


class Found(NamedTuple):
    """Where windows lie."""

    distance: Floats  # (k,) weighted growth that the nearest box would need, in ranges
    nearest: Ints  # (k,) that box
    chosen: Ints  # (k,) nearest box that may take the window in, -1 = none


def find(memory: Memory, window: Floats, span: Floats) -> Found:
    """Distance of windows (k, 4), newest mean first, from the boxes; `span` (k,) is the range they are measured in.

    Growth and size are sums over the sides, weighted exp(-side / 2). A box may take a window in while its grown size
    is within vigilance x span. After fuzzy ART (Carpenter, Grossberg and Rosen 1991), whose categories are such boxes.
    """
    # a side at a time, next to one another and in place: numpy is twice as fast so
    shape = memory.low.shape[:2]
    lo, hi, part, growth, size = (np.empty(shape) for _ in range(5))
    growth[:], size[:] = 0.0, 0.0
    for side, weight in enumerate(SIDE_WEIGHTS):
        lo[:], hi[:] = memory.low[:, :, side], memory.high[:, :, side]
        v = window[:, side, None]
        np.subtract(hi, lo, out=part)
        part *= weight
        size += part
        np.subtract(lo, v, out=lo)
        np.subtract(v, hi, out=hi)
        np.maximum(lo, hi, out=part)
        np.maximum(part, 0.0, out=part)
        part *= weight
        growth += part
    there = np.arange(BOXES) < memory.boxes[:, None]
    growth = np.where(there, growth, np.inf)
    fits = there & (size + growth <= (memory.vigilance * span * WEIGHT)[:, None])
    fitting = np.where(fits, growth, np.inf)
    nearest, chosen = growth.argmin(axis=1), fitting.argmin(axis=1)
    least = growth.min(axis=1)
    known = np.where(np.isfinite(least), least, 0.0)
    far = np.where(span > 0, known / np.where(span > 0, span, 1.0) / WEIGHT, FARTHEST)
    distance = np.where(known > 0, np.minimum(far, FARTHEST), 0.0)
    return Found(distance, nearest, np.where(fits.any(axis=1), chosen, -1))


def learn(
    memory: Memory, found: Found, window: Floats, tick: Ints, weight: Floats, mature: Bools, teach: Bools
) -> None:
    """Take windows (k, 4) in, where `teach`: grow the chosen box, or start one in place of the longest unused.

    Vigilance of `mature` rows rises by 5 % with each new box and sinks by 5 % in 200 units.
    """
    k = np.flatnonzero(teach)
    fresh = found.chosen[k] < 0
    unused = np.where(memory.boxes[k] < BOXES, memory.boxes[k], memory.used[k].argmin(axis=1))
    box = np.where(fresh, unused, found.chosen[k])
    memory.boxes[k] += fresh & (memory.boxes[k] < BOXES)
    memory.used[k, box] = tick[k]
    v, lo, hi = window[k], memory.low[k, box], memory.high[k, box]
    memory.low[k, box] = np.where(fresh[:, None] | (v < lo), v, lo)
    memory.high[k, box] = np.where(fresh[:, None] | (v > hi), v, hi)
    sunk = memory.vigilance[k] * (1.0 - SINK * weight[k])
    moved = np.minimum(np.maximum(np.where(fresh, sunk * RISE, sunk), TIGHT), LOOSE)
    memory.vigilance[k] = np.where(mature[k], moved, memory.vigilance[k])


def compare(
    state: AutoState, windows: list[list[Floats]], spans: list[Floats], weight: Floats, teach: Bools
) -> tuple[list[Any], Floats, tuple[Floats, Floats]]:
    """Score the windows, then learn them: the state of the boxes, the novelty, and the nearest box's newest bounds."""
    k = len(teach)
    vigilance, boxes, used = state.vigilance.copy(), state.boxes.copy(), state.box_used.copy()
    low, high = state.box_low.copy(), state.box_high.copy()
    shape, mature = (k, MEMORIES, BOXES), state.learned >= MATURE
    novelty, near, rows = np.ones(k), (np.zeros(k), np.zeros(k)), np.arange(k)
    for source, scales in enumerate(windows):
        parts = []
        for scale, window in enumerate(scales):
            m = SCALES * source + scale
            memory = Memory(
                low.reshape(*shape, SIDES)[:, m],
                high.reshape(*shape, SIDES)[:, m],
                used.reshape(shape)[:, m],
                boxes[:, m],
                vigilance[:, m],
            )
            found = find(memory, window, spans[source])
            parts.append(1.0 + PERCENT * found.distance)
            if m == 0:
                edges = (memory.low[rows, found.nearest, 0], memory.high[rows, found.nearest, 0])
                near = (edges[0].astype(np.float64), edges[1].astype(np.float64))
            learn(memory, found, window, state.ticks + 1, weight, mature, teach)
        novelty = np.maximum(novelty, parts[0] * parts[1] * parts[2])
    return [vigilance, boxes, used, low, high], cube_root(novelty), near
