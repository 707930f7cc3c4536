"""Figures of lines: what their machines took and made together, and OEE of the line as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency import oee
from detectors.efficiency.machine_state import STATES, MachineState
from detectors.efficiency.stated import (
    IDLE,
    NO_RUN_TIME,
    UNPLANNED,
    UNPRODUCED,
    Stated,
    because,
    ratio,
)  # fmt: skip
from streams.kpi.figures import (
    NS_H,
    NS_S,
    Figure,
    Floats,
    Stand,
    counted_share,
    known_share,
    made_of,
    metered_share,
    of,
    plainly,
)  # fmt: skip
from streams.kpi.lines import LineTold
from streams.segment import Bools, Ints


class LineStand(NamedTuple):
    """n windows of lines as they stand, and the m windows of their machines."""

    told: list[LineTold]
    machines: Stand  # the m windows
    owner: Ints  # (m,) the line's window that each is a part of

    @property
    def long(self) -> Bools:
        """(n,) hours and shifts."""
        return np.array([one.window.kind != "demand" for one in self.told], dtype=bool)

    @property
    def last(self) -> Ints:
        """(n,) which of the m windows is that of the flow's last machine, -1 where it was not heard."""
        place = np.cumsum([len(one.parts) for one in self.told]) - 1
        return np.where([one.line.ends for one in self.told], place, -1)

    def some(self, which: Bools) -> Bools:
        """(n,) whether some of a line's machines are among those of (m,)."""
        out = np.zeros(len(self.told), dtype=bool)
        np.logical_or.at(out, self.owner, which)
        return out

    def least(self, coverage: Floats, which: Bools, part: str) -> Floats:
        """(n,) the least coverage of the machines that a figure is made of, 0 where one of them was never heard."""
        out = np.ones(len(self.told))
        np.minimum.at(out, self.owner[which], coverage[which])
        unheard = [any(getattr(entry, part) is not None for entry in one.line.unheard) for one in self.told]
        return np.where(unheard, 0.0, out)

    def total(self, values: NDArray[np.generic]) -> Floats:
        """(n, ...) sums over the machines of each line."""
        out = np.zeros((len(self.told), *values.shape[1:]))
        np.add.at(out, self.owner, values)
        return out


def line_figures(stand: LineStand) -> Iterator[Figure]:
    """The figures of n windows of lines but for their bottlenecks."""
    yield from _taken(stand)
    yield from _made(stand)
    yield from _mean(stand)


def _taken(stand: LineStand) -> Iterator[Figure]:
    """Energy, demand and time by state: sums over machines, so that two that are down for an hour are two hours."""
    parts, totals, long = stand.machines, stand.machines.totals, stand.long
    has_energy, has_state = parts.has("energy"), parts.has("state")
    metered = stand.least(metered_share(totals), has_energy, "energy")
    kwh, metering = stand.total(totals.kwh.sum(axis=1)), stand.some(has_energy)
    yield Figure("energy", "kW.h", *plainly(kwh, metered), metering & long)
    hours = np.array([one.window.end - one.window.start for one in stand.told]) / NS_H
    yield Figure("demand", "kW", *plainly(kwh / hours, metered), metering & ~long)
    known = stand.least(known_share(totals), has_state, "state")
    minutes = stand.total(totals.time) / NS_S / 60.0
    for state in range(1, STATES):
        name = f"time_{MachineState(state).name.lower()}"
        yield Figure(name, "min", *plainly(minutes[:, state], known), long & (minutes[:, state] > 0))


def _made(stand: LineStand) -> Iterator[Figure]:
    """What the line made, which is what its last machine did, and OEE of the line where its run time is given.

    ISO 22400-2 defines OEE of a work unit. Of a line it is here, as OEE of a manufacturing line by Braglia, Frosolini
    and Zammori (Journal of Manufacturing Technology Management 20(1), 2009): planned run time of a part at the line's
    slowest machine x good parts of its last machine / planned busy time of the line. The factors are those of
    ISO 22400-2 with the last machine's state for the line's, since only what leaves it has left the line: A = APT /
    PBT with the time in which it was producing, E = planned run time x PQ / APT, Q = GQ / PQ. Planned busy time is
    that of the calendar less the last machine's planned stops. A line that made nothing good has an OEE of 0; where
    nothing is known of what it made there is none.
    """
    if not len(stand.owner):
        return
    last, parts = stand.last, stand.machines
    heard = last >= 0
    totals, made, long = parts.totals, made_of(parts), stand.long
    has_parts, has_state = parts.has("parts")[last] & heard, parts.has("state")[last] & heard
    counted, known = counted_share(totals)[last], known_share(totals)[last]
    yield Figure("produced", "{item}", *plainly(made.all_total[last], counted), has_parts & long)
    yield Figure("good", "{item}", *plainly(made.all_good[last], counted), has_parts & long)
    timed = np.array([one.line.options.times for one in stand.told]) & has_parts & long
    run_s = np.array([_run_s(one, names) for one, names in _names(stand)]).reshape(len(last), -1)
    done = oee.planned_times(run_s, made.total[last], made.good[last])
    plain = ratio(made.good[last].sum(axis=1), made.total[last].sum(axis=1), UNPRODUCED)
    weighed = because(ratio(done.good_s, done.produced_s, UNPRODUCED), done.unknown, NO_RUN_TIME)
    single = (made.total[last] > 0).sum(axis=1) <= 1
    quality = Stated(np.where(single, plain.value, weighed.value), np.where(single, plain.reason, weighed.reason))
    yield Figure("quality", "1", *of(quality, counted), has_parts & long)
    producing = totals.time[last, MachineState.PRODUCING] / NS_S
    busy = _busy(parts)[last]
    availability = ratio(producing, busy, UNPLANNED)
    effectiveness = because(ratio(done.produced_s, producing, IDLE), done.unknown, NO_RUN_TIME)
    whole = because(ratio(np.where(counted > 0, done.good_s, np.nan), busy, UNPLANNED), done.unknown, NO_RUN_TIME)
    least = np.where(has_state, np.minimum(known, counted), counted)
    yield Figure("availability", "1", *of(availability, known), timed & has_state)
    yield Figure("effectiveness", "1", *of(effectiveness, least), timed & has_state)
    yield Figure("oee", "1", *of(whole, least), timed)


def _mean(stand: LineStand) -> Iterator[Figure]:
    """`oee_mean` of lines without a planned run time of their own: OEE of the machines, weighted by their planned time.

    As OEE x planned busy time is fully productive time, that is the fully productive time of all machines over their
    planned busy time. It is no OEE of the line: a slow machine is made up for by others.
    """
    parts = stand.machines
    rated = [o.state is not None and o.parts is not None and (o.parts.ideal or o.parts.ideal_of) for o in parts.options]
    which = np.array([bool(one) for one in rated], dtype=bool)
    made, totals = made_of(parts), parts.totals
    done = oee.planned_times(made.run_s, made.total, made.good)
    good_s, busy = stand.total(np.where(which, done.good_s, 0.0)), stand.total(np.where(which, _busy(parts), 0.0))
    mean: Stated = because(ratio(good_s, busy, UNPLANNED), stand.some(which & done.unknown), NO_RUN_TIME)
    covered = stand.least(np.minimum(known_share(totals), counted_share(totals)), which, "parts")
    untimed = np.array([not one.line.options.times for one in stand.told], dtype=bool)
    yield Figure("oee_mean", "1", *of(mean, covered), stand.some(which) & stand.long & untimed)


def _busy(parts: Stand) -> Floats:
    """(m,) planned busy time, s: that of the calendar less planned stops."""
    stopped = parts.totals.time[:, MachineState.PLANNED]
    return np.asarray(np.maximum(parts.totals.planned - stopped, 0) / NS_S)


def _names(stand: LineStand) -> Iterator[tuple[LineTold, list[str]]]:
    codes = stand.machines.by_name(stand.machines.totals.product)
    names = [stand.machines.products[code] for code in codes] or [""]
    return ((one, names) for one in stand.told)


def _run_s(one: LineTold, names: list[str]) -> list[float]:
    options = one.line.options
    found = [options.ideal_of.get(name, options.ideal) for name in names]
    return [np.nan if ns is None else ns / NS_S for ns in found]
