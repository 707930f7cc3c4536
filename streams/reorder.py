"""Reordering: an asset's readings are held for a while and let go in the order of their event time."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.arrays import UNSEEN, Columns
from streams.arrivals import Came, Let
from streams.segment import Ints

_LAST = np.iinfo(np.int64).max
_COMPACT = 4096
"""Readings that were let go are cleared away when the pool is at least so long and half empty."""

Key = tuple[int, int]
"""Event time and order of arrival: what the readings of an asset are sorted by."""


class Reorder:
    """Holds an asset's readings until its newest event time is `wait` past them, or they have waited so long.

    The rule, for each asset by itself. A message's readings are held; then all are let go whose event time is `wait`
    or more behind the newest that the asset has had. Before that, on the way to the message's clock, deadlines pass in
    their order: `wait` after readings came they are let go, and whatever older ones are held with them, at the
    deadline's own time. Equal times keep the order of arrival. What is let go is judged as if it came only then.
    """

    def __init__(self) -> None:
        self.wait: int | None = None
        self._clock = UNSEEN
        self._pool = Columns(
            row=(np.int64, 0),
            time=(np.int64, 0),
            value=(np.float64, np.nan),
            text=(object, None),
            quality=(np.uint8, 0),
            unit=(object, None),
            place=(np.int64, 0),  # in the present chunk; below 0 of what came with an earlier one
            arrived=(np.int64, UNSEEN),
            asset=(np.int64, 0),
            held=(np.bool_, True),
        )
        self._index()

    def _index(self) -> None:
        """Sort what is held, all of the pool."""
        self._waiting: dict[int, list[Key]] = {}  # asset -> keys of those held, ascending
        self._due: deque[tuple[int, int, Key]] = deque()  # arrival's clock, asset, a key, in order of arrival
        columns = (self._pool[name].tolist() for name in ("arrived", "asset", "time"))
        for at, (clock, ident, time) in enumerate(zip(*columns, strict=True)):
            self._waiting.setdefault(ident, []).append((time, at))
            self._due.append((clock, ident, (time, at)))
        for keys in self._waiting.values():
            keys.sort()

    @property
    def active(self) -> bool:
        """Whether readings must go through it."""
        return self.wait is not None or bool(self._waiting)

    @property
    def holding(self) -> int:
        """How many readings are held."""
        return sum(map(len, self._waiting.values()))

    def take(self, came: Came, newest: dict[int, int], moved: Mapping[int, Key]) -> Let:
        """Take in what came, and let go what is due.

        `newest` is the newest event time of each asset concerned, before all this; `moved` holds messages that only
        move an asset on: message -> (asset, event time).
        """
        at = self._pool.rows
        self._put(came)
        gone: list[int] = []  # places in the pool
        steps: list[tuple[int, int, int]] = []  # clock, message, and how many are gone by then
        idents, times = came.asset.tolist(), came.time.tolist()
        ends = np.searchsorted(came.message, np.arange(len(came.clock)), side="right").tolist()
        start = 0
        for m, (clock, end) in enumerate(zip(came.clock.tolist(), ends, strict=True), came.first):
            self._pass_deadlines(clock, m, gone, steps)
            self._clock = clock
            if start < end:
                ident = idents[start]  # a message is about one asset
                newest[ident] = max(newest[ident], *times[start:end])
                gone += self._come(ident, list(zip(times[start:end], range(at + start, at + end), strict=True)), clock)
                gone += self._passed(ident, newest[ident])
                start = end
            elif m in moved:
                ident, time = moved[m]
                newest[ident] = max(newest[ident], time)
                gone += self._passed(ident, newest[ident])
            steps.append((clock, m, len(gone)))
        let = self._let(np.array(gone, dtype=np.int64), np.array(steps, dtype=np.int64).reshape(-1, 3))
        if came.last == came.chunk.messages:
            self._pool["place"][:] -= came.chunk.readings
        return let

    def _put(self, came: Came) -> None:
        n, chunk, index = len(came.at), came.chunk, came.at
        if not n:
            return
        pool = self._pool
        pool.grow(n)
        units = np.array([None, *(key.unit for key in chunk.keys)], dtype=object)[1:]
        for name, column in (
            ("row", came.row), ("time", came.time), ("value", chunk.value[index]), ("quality", chunk.quality[index]),
            ("unit", units[chunk.code[index]]), ("place", index), ("arrived", came.clock[came.message]),
            ("asset", came.asset),
        ):  # fmt: skip
            pool[name][-n:] = column
        for i, word in came.text.items():
            pool["text"][i - n] = word

    def _come(self, ident: int, keys: list[Key], clock: int) -> list[int]:
        """A message's readings arrive: they are held, or let go as they are where that is no longer asked for."""
        if self.wait is None:
            return [at for _, at in keys]
        waiting = self._waiting.setdefault(ident, [])
        keys.sort()
        if not waiting or waiting[-1] < keys[0]:
            waiting += keys
        else:
            for key in keys:
                insort(waiting, key)
        self._due.append((clock, ident, keys[-1]))
        return []

    def _passed(self, ident: int, newest: int) -> list[int]:
        """What an asset's newest reading lets go."""
        waiting = self._waiting.get(ident)
        if self.wait is None or not waiting or waiting[0][0] > newest - self.wait:
            return []
        return self._release(ident, (newest - self.wait, _LAST))

    def _release(self, ident: int, upto: Key) -> list[int]:
        waiting = self._waiting[ident]
        cut = bisect_right(waiting, upto)
        released = [at for _, at in waiting[:cut]]
        del waiting[:cut]
        if not waiting:
            del self._waiting[ident]
        return released

    def _pass_deadlines(self, clock: int, message: int, gone: list[int], steps: list[tuple[int, int, int]]) -> None:
        """Let go what has waited long enough at a clock; readings of an asset that came at one clock go together."""
        wait = self.wait or 0
        while self._due and self._due[0][0] + wait <= clock:
            came = self._due[0][0]
            due: dict[int, Key] = {}
            while self._due and self._due[0][0] == came:
                _, ident, key = self._due.popleft()
                if self._holds(ident, key):
                    due[ident] = max(due.get(ident, key), key)
            for ident, key in due.items():
                gone += self._release(ident, key)
                # a wait that was made shorter may have ended before it was
                steps.append((max(came + wait, self._clock), message, len(gone)))

    def _holds(self, ident: int, key: Key) -> bool:
        waiting = self._waiting.get(ident, [])
        place = bisect_right(waiting, key)
        return place > 0 and waiting[place - 1] == key

    def _let(self, gone: Ints, steps: Ints) -> Let:
        pool = self._pool
        codes: dict[str | None, int] = {}
        code = [codes.setdefault(unit, len(codes)) for unit in pool["unit"][gone].tolist()]
        text = {i: word for i, word in enumerate(pool["text"][gone].tolist()) if word is not None}
        let = Let(
            steps[:, 0],
            steps[:, 1],
            pool["place"][gone],
            np.searchsorted(steps[:, 2], np.arange(len(gone)), side="right"),
            pool["row"][gone],
            pool["time"][gone],
            pool["value"][gone],
            text,
            pool["quality"][gone],
            list(codes),
            np.array(code, dtype=np.int64),
        )
        pool["held"][gone] = False
        if not self._waiting or (pool.rows >= _COMPACT and self.holding * 2 < pool.rows):
            pool.keep(np.flatnonzero(pool["held"]))
            self._index()
        return let

    def _kept(self) -> dict[str, NDArray[Any]]:
        kept = np.flatnonzero(self._pool["held"])
        return {name: column[kept] for name, column in self._pool.snapshot().items()}

    def snapshot(self) -> dict[str, Any]:
        """What is held, as arrays, and the clock."""
        kept = self._kept()
        return {"clock": self._clock, "held": {n: a for n, a in kept.items() if n not in ("asset", "held")}}

    def restore(self, saved: dict[str, Any], asset_of: Ints) -> None:
        """Take up what `snapshot` gave; `asset_of` gives the number of each roster row's asset."""
        self._clock, held = int(saved["clock"]), saved["held"]
        row = held["row"]
        self._pool.restore({**held, "asset": asset_of[row], "held": np.ones(len(row), dtype=bool)})
        self._index()
