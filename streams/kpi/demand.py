"""Demand: of each machine's open window of maximum demand, what it will end at, as of the newest slot that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.demand import Demand, DemandState
from detectors.efficiency.slots import Slots
from streams.arrays import UNSEEN
from streams.kpi.grid import QUARTER, SECOND, Grid, Window
from streams.kpi.signals import Signals
from streams.kpi.windows import Told, Totals
from streams.segment import Bools, Ints

Floats = NDArray[np.float64]

MOST = 30
"""Slots of a window, at most."""
_PARTS = (15, 10, 6, 5, 3, 2, 1)
"""Into how many slots a quarter of an hour may be cut: whole numbers of half minutes, a minute at least."""


def slots_of(window: int) -> int:
    """How many slots a window of demand has, all of one length that divides a quarter of an hour; 0: none can be cut.

    >>> [slots_of(minutes * 60 * SECOND) for minutes in (15, 30, 60, 0)]
    [15, 30, 24, 0]
    """
    quarters, odd = divmod(window, QUARTER)
    if odd or not 0 < quarters <= MOST:
        return 0
    slots = quarters * next(parts for parts in _PARTS if parts * quarters <= MOST)
    return slots if slots > 1 else 0


class Outlook(NamedTuple):
    """Of n windows, (n,) each; NaN where it is not known."""

    given: Bools  # whether there is a forecast: of windows that are not over, once a slot of theirs is known
    end_kwh: Floats
    low_kwh: Floats
    high_kwh: Floats
    left: Floats  # share of the window that was still to come
    highest_kw: Floats  # highest demand of the month's windows that are over


@dataclass
class _Meter:
    state: DemandState
    window: int = UNSEEN  # begin of the one that the newest slot is of
    until: int = UNSEEN  # end of the newest slot
    said: tuple[float, float, float, float] | None = None  # end, low, high, left
    month: int = UNSEEN  # local, since 1970-01
    highest_kw: float = 0.0  # of its windows that are over

    def snapshot(self) -> list[Any]:
        return [self.window, self.until, self.said, self.month, self.highest_kw, self.state._asdict()]

    @classmethod
    def restored(cls, saved: list[Any]) -> _Meter:
        window, until, said, month, highest_kw, state = saved
        return cls(DemandState(**state), window, until, None if said is None else tuple(said), month, highest_kw)


class Demands:
    """The meters of one engine, by machine.

    A slot is forecast from when a reading has made it whole, so what is said follows from the readings alone, however
    often windows are told of.
    """

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._meters: dict[int, _Meter] = {}
        self._window = 0
        self._demand: Demand | None = None
        self._slots = Slots(1, 0)

    def configure(self, grid: Grid) -> None:
        """Take up a calendar; with windows of another length everything begins anew."""
        self._grid = grid
        if grid.demand != self._window:
            self._window, self._meters = grid.demand, {}
            slots = slots_of(grid.demand)
            self._demand = Demand(slots=slots) if slots else None
            self._slots = Slots(grid.demand // slots if slots else 1, grid.demand)
        for machine in [machine for machine in self._meters if not self._wanted(machine)]:
            del self._meters[machine]

    def _wanted(self, machine: int) -> bool:
        options = self._signals.options[machine]
        return options is not None and options.energy is not None and options.energy.forecasts

    def observe(self, machine: Ints, low: Ints, high: Ints, kwh: Floats) -> None:
        """What meters counted over spans [low, high) of ns, (n,): by machine, those of a machine in order of time."""
        if self._demand is None:
            return
        self._slots.add(max(0, len(self._signals.options) - self._slots.meters))
        for of, start, energy, newest in zip(*self._slots.take(machine, low, high, kwh), strict=True):
            if self._wanted(int(of)):
                self._slot(self._demand, int(of), int(start), float(energy), bool(newest))

    def _slot(self, demand: Demand, machine: int, start: int, kwh: float, newest: bool) -> None:
        meter = self._meters.get(machine)
        if meter is None:
            meter = self._meters[machine] = _Meter(demand.init(1))
        window = self._grid.demand_at(start)
        slot = (start - window.start) // self._slots.length
        if window.start != meter.window:
            if meter.window != UNSEEN and (slot or start != meter.until):  # something is missing before it
                meter.state, _ = demand.step(meter.state, np.array([demand.slots - 1]), np.array([np.nan]))
            meter.window, meter.said = window.start, None
        meter.until = start + self._slots.length
        meter.state, said = demand.step(meter.state, np.array([slot]), np.array([kwh]), np.array([newest]))
        if newest:
            meter.said = float(said.end_kwh[0]), float(said.low_kwh[0]), float(said.high_kwh[0]), float(said.left[0])

    def outlook(self, told: list[Told], totals: Totals) -> Outlook:
        """How the open ones of the windows that are told of will end; those that are over are noted for their month."""
        self._note(told, totals)
        out = Outlook(np.zeros(len(told), dtype=bool), *np.full((len(Outlook._fields) - 1, len(told)), np.nan))
        for i, one in enumerate(told):
            meter = self._meters.get(one.machine)
            if meter is None or one.status != "provisional" or one.window.kind != "demand":
                continue
            if meter.said is not None and meter.window == one.window.start:
                out.given[i] = True
                out.end_kwh[i], out.low_kwh[i], out.high_kwh[i], out.left[i] = meter.said
                if meter.month == self._month(one.window):
                    out.highest_kw[i] = meter.highest_kw
        return out

    def _note(self, told: list[Told], totals: Totals) -> None:
        for i, one in enumerate(told):
            meter = self._meters.get(one.machine)
            if meter is None or one.status == "provisional" or one.window.kind != "demand" or not totals.metered[i]:
                continue
            month, kw = self._month(one.window), float(totals.kwh[i].sum()) * 3_600 * SECOND / self._window
            if month > meter.month:
                meter.month, meter.highest_kw = month, kw
            elif month == meter.month:
                meter.highest_kw = max(meter.highest_kw, kw)

    def _month(self, window: Window) -> int:
        return int(np.datetime64(self._grid.local_s(window.start), "s").astype("datetime64[M]").astype(np.int64))

    def snapshot(self) -> dict[str, Any]:
        """All that it remembers; `dealt` in streams.kpi.deal knows its form."""
        meters = [[machine, *meter.snapshot()] for machine, meter in sorted(self._meters.items())]
        return {"window": self._window, "slots": self._slots.snapshot(), "meters": meters}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave, after `configure`; what was saved of windows of another length is left."""
        self._meters = {}
        if saved["window"] != self._window or self._demand is None:
            return
        self._slots.restore(saved["slots"])
        shape = self._demand.init(1).past.shape
        for machine, *meter in saved["meters"]:
            restored = _Meter.restored(meter)
            if self._wanted(machine) and restored.state.past.shape == shape:
                self._meters[machine] = restored
