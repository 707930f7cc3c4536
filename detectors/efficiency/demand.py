"""Maximum demand: what a window that has begun will end at, from windows of the past that began alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from detectors.base import Bools, Floats, Ints, option
from detectors.efficiency.analogs import alike, levelled, quantile, traits

MISS = 0.10
"""Share of outcomes that the interval is to leave out."""
AIM = 0.08
"""Share of misses at which the interval stays as it is: fewer than MISS, as busy windows miss more often than
idle ones, and are those that cost."""
PACE = 0.05
"""How fast the interval widens when it missed; it narrows AIM / (1 - AIM) times as fast when it held."""
NARROWEST, WIDEST = 0.5, 8.0
LEAST_SHARE = 0.005
"""The interval reaches at least so far to each side, as a share of the forecast, before it is widened."""


class DemandState(NamedTuple):
    """k meters; S slots a window, M windows remembered."""

    past: Floats  # (k, S, M) kWh from each remembered window's start to the end of its slots
    before: Floats  # (k, M, 2) kWh of the two halves of the window before it, the later one first; NaN = unknown
    seen: Ints  # windows; place seen % M is the next to be overwritten
    window: Floats  # (k, S) kWh from the open window's start to the end of its slots, NaN = not yet, or lost
    halves: Floats  # (k, 2) as `before`, of the window before the open one
    slot: Ints  # slots of the open window that have passed
    widen: Floats  # (k, S) factor on the interval as of each slot
    low: Floats  # (k, S) bounds that were given in the open window
    high: Floats


class Forecast(NamedTuple):
    """Each (k,), kWh of the whole window; NaN where slots of the window are missing."""

    end_kwh: Floats
    low_kwh: Floats  # NaN while fewer windows are remembered than are compared
    high_kwh: Floats
    passed_kwh: Floats
    left: Floats
    """Share of the window that is still to come."""
    warm: Floats


class Demand(BaseModel):
    """Forecast of a demand window's energy at the end of each slot of it, with an interval that holds 90 %.

    A slot is the meter's interval: 15 min gives 2 slots to TNB's window of 30 min, 1 min gives 30. At the end of a
    slot, the `neighbours` remembered windows that were most alike are looked for: by the mean power since the window's
    start, the latest third of that, and both halves of the window before. Each says by which factor it ended above
    what had passed of it, corrected by a line through them for how the latest third stood to the mean. The forecast is
    the median of that, weighted so that it minimizes the relative error; the interval their 5 % and 95 % quantiles,
    widened or narrowed by whether it held so far: Gibbs and Candes, Adaptive conformal inference under distribution
    shift (NeurIPS 2021). Before there are as many windows, the forecast goes on at the mean so far. Nothing is known of
    a window with a missing slot, nor learned from it.

    It is meant for meters whose demand is charged: its state takes slots x memory x 8 bytes each, 250 kB at a minute.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slots: int = option(2, "Slots of a window: its length over the meter's interval.", ge=2, le=60)
    memory: int = option(1024, "Windows remembered: three weeks of half hours.", ge=64, le=8192)
    neighbours: int = Field(50, ge=10, le=64, description="Remembered windows that a forecast is from.")

    def init(self, n: int) -> DemandState:
        """State of n new meters."""
        m, s = self.memory, self.slots
        return DemandState(
            past=np.full((n, s, m), np.nan), before=np.full((n, m, 2), np.nan), seen=np.zeros(n, dtype=np.int64),
            window=np.full((n, s), np.nan), halves=np.full((n, 2), np.nan), slot=np.zeros(n, dtype=np.int64),
            widen=np.ones((n, s)), low=np.full((n, s), np.nan), high=np.full((n, s), np.nan),
        )  # fmt: skip

    def step(
        self, state: DemandState, slot: Ints, kwh: Floats, asked: Bools | None = None
    ) -> tuple[DemandState, Forecast]:
        """The end of one slot of each of k meters: `slot` (k,) from 0, `kwh` (k,) drawn in it, 0 or more, NaN = lost.

        Those not `asked` (k,), default all, are given the mean so far without an interval, which costs little.
        Pure. Slots come in order; one that was left out counts as lost, and one that is no later than the last opens a
        new window. Raises ValueError for a slot outside the window.
        """
        if np.any((slot < 0) | (slot >= self.slots)):
            raise ValueError(f"expected slots from 0 to {self.slots - 1}, got {slot.min()} to {slot.max()}")
        k = len(slot)
        rows = np.arange(k)
        skipped = slot < state.slot
        opened = skipped | (slot == 0)
        halves = np.where(skipped[:, None], np.nan, state.halves)
        window = np.where(opened[:, None], np.nan, state.window)
        before = np.where(slot == 0, 0.0, window[rows, np.maximum(slot - 1, 0)])
        window[rows, slot] = np.where((slot == 0) | (state.slot == slot), before + kwh, np.nan)
        low = np.where(opened[:, None], np.nan, state.low)
        high = np.where(opened[:, None], np.nan, state.high)
        state = state._replace(window=window, halves=halves, low=low, high=high)
        forecast = self._forecast(state, slot, np.ones(k, dtype=bool) if asked is None else asked)
        low[rows, slot], high[rows, slot] = forecast.low_kwh, forecast.high_kwh
        return self._learn(state._replace(slot=slot + 1), slot == self.slots - 1), forecast

    def _forecast(self, state: DemandState, slot: Ints, asked: Bools) -> Forecast:
        s, k = self.slots, len(slot)
        rows = np.arange(k)
        passed = state.window[rows, slot]
        end, low, high = passed * s / (slot + 1.0), np.full(k, np.nan), np.full(k, np.nan)
        kept = np.minimum(state.seen, self.memory)
        asked = asked & (kept >= self.neighbours) & (passed > 0)
        for at in np.unique(slot[asked & (slot < s - 1)]):
            here = np.flatnonzero((slot == at) & asked)
            past, of_then = state.past[here], state.past[here, at]
            then = traits(past, state.before[here], int(at))
            now = traits(state.window[here, :, None], state.halves[here, None], int(at))
            factor = np.where(of_then > 0, past[:, -1] / np.where(of_then > 0, of_then, 1.0), np.nan)
            nearest, weight = alike(then, now, factor, self.neighbours)
            level, recent = (np.take_along_axis(trait, nearest, axis=1) for trait in then[:2])
            tilt = recent / np.where(weight > 0, level, 1.0) - now[1] / now[0]
            outcome = levelled(np.take_along_axis(factor, nearest, axis=1), tilt, weight)
            found = weight[:, 0] > 0
            middle = quantile(outcome, weight / outcome, 0.5)
            floor = LEAST_SHARE * middle
            below = np.maximum(middle - quantile(outcome, weight, MISS / 2), floor)
            above = np.maximum(quantile(outcome, weight, 1 - MISS / 2) - middle, floor)
            widen = state.widen[here, at]
            end[here] = np.where(found, passed[here] * middle, end[here])
            low[here] = np.where(found, passed[here] * np.maximum(middle - widen * below, 1.0), np.nan)
            high[here] = np.where(found, passed[here] * (middle + widen * above), np.nan)
        done = slot == s - 1
        low, high = np.where(done, passed, low), np.where(done, passed, high)
        return Forecast(end, low, high, passed, 1.0 - (slot + 1.0) / s, np.minimum(1.0, kept / self.neighbours))

    def _learn(self, state: DemandState, closed: Bools) -> DemandState:
        if not closed.any():
            return state
        s = self.slots
        total = state.window[:, -1]
        judged = closed[:, None] & ~np.isnan(state.low) & ~np.isnan(total)[:, None]
        judged[:, -1] = False
        held = (state.low <= total[:, None]) & (total[:, None] <= state.high)
        change = np.where(held, -PACE * AIM, PACE * (1 - AIM))
        widen = np.minimum(np.maximum(state.widen * (1.0 + np.where(judged, change, 0.0)), NARROWEST), WIDEST)
        whole = np.flatnonzero(closed & ~np.isnan(total))
        past, before, seen = state.past.copy(), state.before.copy(), state.seen.copy()
        past[whole, :, seen[whole] % self.memory] = state.window[whole]
        before[whole, seen[whole] % self.memory] = state.halves[whole]
        seen[whole] += 1
        first = state.window[:, s // 2 - 1]
        per = np.array([s - s // 2, s // 2], dtype=np.float64)
        halves = np.where(closed[:, None], np.stack([total - first, first], axis=1) / per, state.halves)
        window, low, high = (np.where(closed[:, None], np.nan, a) for a in (state.window, state.low, state.high))
        return DemandState(past, before, seen, window, halves, np.where(closed, 0, state.slot), widen, low, high)
