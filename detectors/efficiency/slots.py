"""Slots: what meters count between two readings, spread evenly over short slots of equal length."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_BEFORE_ALL = np.iinfo(np.int64).min


class Filled(NamedTuple):
    """Slots of which the energy is known from begin to end; (m,) each, by meter and in order of time."""

    meter: Ints
    start: Ints  # ns
    kwh: Floats
    newest: Bools  # whether it was the newest such slot when the reading came that made it whole


class Slots:
    """The slot that each of n meters is in; slots of `length` ns begin at its multiples since the epoch.

    What was counted over longer than `longest` ns is not known by slot: its slots are lost, and so are those in which
    a meter begins or that nothing was counted in.

    >>> slots = Slots(60, 1800); slots.add(1)
    >>> one = np.array([0])
    >>> slots.take(one, np.array([30]), np.array([90]), np.array([6.0])).start  # the first begins in a slot
    array([], dtype=int64)
    >>> slots.take(one, np.array([90]), np.array([180]), np.array([9.0]))
    Filled(meter=array([0, 0]), start=array([ 60, 120]), kwh=array([6., 6.]), newest=array([False,  True]))
    """

    def __init__(self, length: int, longest: int) -> None:
        self.length, self.longest = length, longest
        self._slot = np.zeros(0, dtype=np.int64)  # the newest that something was counted in, in slots since the epoch
        self._kwh = np.zeros(0)  # counted in it so far
        self._known = np.zeros(0, dtype=np.int64)  # ns of it

    def add(self, n: int) -> None:
        """More meters, numbered on."""
        self._slot = np.append(self._slot, np.full(n, _BEFORE_ALL))
        self._kwh = np.append(self._kwh, np.zeros(n))
        self._known = np.append(self._known, np.zeros(n, dtype=np.int64))

    @property
    def meters(self) -> int:
        """How many meters there are."""
        return len(self._slot)

    def take(self, meter: Ints, low: Ints, high: Ints, kwh: Floats) -> Filled:
        """What was counted over spans [low, high), (n,): by meter, those of a meter in order of time, none twice.

        Gives the slots that are whole now. Any split of the spans into calls gives the same bits.
        """
        near = (high > low) & (high - low <= self.longest)
        meter, low, high, kwh = meter[near], low[near], high[near], kwh[near]
        first = low // self.length
        count = -(-high // self.length) - first
        span = np.repeat(np.arange(len(meter)), count)
        slot = np.arange(len(span)) - np.repeat(np.cumsum(count) - count, count) + first[span]
        fresh = slot >= self._slot[meter[span]]
        span, slot = span[fresh], slot[fresh]
        begin = np.maximum(low[span], slot * self.length)
        end = np.minimum(high[span], (slot + 1) * self.length)
        part = kwh[span] * ((end - begin) / (high - low)[span])
        newest = (end == (slot + 1) * self.length) & (high[span] - end < self.length)
        return self._sum(meter[span], slot, end - begin, part, newest)

    def _sum(self, meter: Ints, slot: Ints, known: Ints, kwh: Floats, newest: Bools) -> Filled:
        """Add up pieces (m,) by meter and slot; what is in the newest slot of each meter goes on."""
        if not len(meter):
            return Filled(meter, slot, kwh, newest)
        starts = np.flatnonzero(np.append(True, (meter[1:] != meter[:-1]) | (slot[1:] != slot[:-1])))
        of, at = meter[starts], slot[starts]
        run = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(meter))))
        same = self._slot[of] == at
        was = np.where(same, self._known[of], 0)
        total, ns = np.where(same, self._kwh[of], 0.0), was.copy()
        np.add.at(total, run, kwh)  # term after term, wherever a batch ended
        np.add.at(ns, run, known)
        last = np.append(of[1:] != of[:-1], True)
        self._slot[of[last]], self._kwh[of[last]], self._known[of[last]] = at[last], total[last], ns[last]
        whole = (was < self.length) & (ns >= self.length)
        ends = np.append(starts[1:], len(meter)) - 1
        return Filled(of[whole], at[whole] * self.length, total[whole], newest[ends][whole])

    def snapshot(self) -> dict[str, Any]:
        """The slot of each meter, (n,) each."""
        return {"slot": self._slot.copy(), "kwh": self._kwh.copy(), "known": self._known.copy()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        self._slot, self._kwh, self._known = (saved[name].copy() for name in ("slot", "kwh", "known"))
