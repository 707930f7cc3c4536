"""Bins: readings of a series averaged over stretches of time, for the detectors that ask for them (`every`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import NEVER, Copy
from detectors.durations import UNITS
from detectors.groups import Groups
from streams.arrays import UNSEEN, Columns
from streams.bin_adding import added
from streams.bin_pieces import UNKNOWN, Arrived, Elements, Laid, Pieces, beginnings, entering, lay_out, pieces
from streams.intervals import COLUMNS, known
from streams.segment import Bools, Ints

MINUTE = UNITS["m"]
"""Length of a bin under every = "auto"."""
NATIVE = MINUTE - MINUTE // 10
"""From this interval on readings stand by themselves under "auto": a minute, less what clocks jitter."""
LEAST_WAIT = MINUTE
"""Wait for late readings, at least (but never longer than a bin)."""


class Closed(NamedTuple):
    """b bins that were closed, those of a series in their order."""

    row: Ints  # (b,) bank row
    series: Ints  # (b,) first bank row of the series
    time: Ints  # (b,) the bin's end
    mean: NDArray[np.float64]
    readings: Ints  # (b,) how many the mean is of
    learn: Bools  # (b,) they are good, not uncertain
    at: Ints  # (b,) which of the n readings closed it, or noticed that it was overdue; n = none of them
    clock: Ints  # (b,) the partition's clock when it was closed
    due: Bools  # (b,) closed by its deadline, which is `clock`


class Bins:
    """The open bin of each series. A row for each row of a bank; of a series that has several, the first is used.

    A bin (s, s + length], aligned to the epoch, holds the new readings that are good; if there is none, the uncertain
    ones, which teach nothing. Its value is their mean, its time its end. It is closed by the series' first reading at
    or after its end, of whatever quality; or `wait` after its end came due on the partition's clock, which lags behind
    event time as its last reading did, or the first reading of its series that came in the same message: who sends
    frames of an hour is waited for an hour. What comes for it later does not enter. One that holds nothing is left out.

    Under "auto" a series whose interval is a minute or longer (`NATIVE`) has no bins: each reading is given as it is.
    Others, and those whose interval is not known yet, have bins of a minute: readings a minute apart never share one,
    so nothing is lost or mixed while the interval is learned, and the detector's own warm-up goes on.

    A change of mode cuts a bin in two at the reading that shows it, where the first part ends. Parts count that hold
    readings for half of the bin's length or more, from their first reading to their end.
    """

    def __init__(self, every: int | Literal["auto"], wait: int | None) -> None:
        self.columns = Columns(
            end=(np.int64, UNSEEN),  # of the open bin
            due=(np.int64, NEVER),  # clock at which it is overdue
            total=(np.float64, 0.0),
            readings=(np.int64, 0),
            good=(np.bool_, False),  # what it holds is good, not uncertain
            first=(np.int64, UNSEEN),  # time of its first reading
            cut=(np.bool_, False),  # it began with a change of mode
            upto=(np.int64, UNSEEN),  # end of the last bin that was closed whole: what is not later comes too late
            reach=(np.int64, UNSEEN),  # end of the bin of the last reading, whether it entered or not
            time=(np.int64, UNSEEN),  # of the last reading
            mode=(np.int64, UNKNOWN),  # its bank row
            **COLUMNS,
        )
        self.configure(every, wait)

    def configure(self, every: int | Literal["auto"], wait: int | None) -> None:
        """Take up options."""
        self.auto, self.length, self.wait = every == "auto", MINUTE if every == "auto" else int(every), wait

    def declare(self, row: int, interval: int | None) -> bool:
        """Take up what a series declares of its interval; whether its bins have another length now."""
        of = self.columns["interval"]
        was, of[row] = int(of[row]), interval or 0
        return self.auto and (was >= NATIVE) != (int(of[row]) >= NATIVE)

    def take(self, g: Groups, came: Arrived, until: int) -> tuple[Closed, Bools]:
        """Take in n readings of k series (`g.rows`, the first bank rows), and close what is over.

        `until` is the partition's clock behind them. Gives the bins closed and (n,) which readings have entered one.
        """
        n = len(g.local)
        if not n:
            return self._overdue(until, 0), came.enters
        c, learning = self.columns, self.auto or (self.wait is None and self.length > LEAST_WAIT)
        if self._only_adds(g, came, learning):
            return self._overdue(until, n), came.enters
        laid = lay_out(g)
        names = ("end", "due", "total", "readings", "good", "first", "cut", "upto")
        was = {name: c[name][g.rows] for name in names}
        time = laid.of(came.time, c["time"][g.rows])
        row = laid.forward(laid.of(came.row, c["mode"][g.rows]), UNKNOWN)
        interval = known(c, laid, g.rows, time, learning)
        end, span = self._ends(laid, g.rows, time, interval)
        clock = laid.of(came.clock, UNSEEN)
        due = np.asarray(end + (clock - laid.earliest(came.step, time)) + self._wait(interval), dtype=np.int64)
        end[laid.lead], due[laid.lead] = was["end"], was["due"]
        opened = was["end"] != UNSEEN
        enters = laid.of(came.enters & (came.time > was["upto"][g.local]), opened)
        e = Elements(
            time, clock, row, end, span, due, enters,
            good=laid.of(came.good, was["good"]),
            total=laid.of(came.value, was["total"]),
            readings=laid.of(1, was["readings"]),
            first=laid.of(came.time, was["first"]),
            cut=laid.of(False, was["cut"]),
        )  # fmt: skip
        begins = beginnings(laid, e)
        e = e._replace(enters=entering(laid, e, begins))
        found = self._pieces(laid, g.rows, e, pieces(laid, e, begins), n)
        entered = np.empty(n, dtype=bool)
        entered[laid.order] = e.enters[laid.place]
        return joined(found, self._overdue(until, n)), entered

    def _only_adds(self, g: Groups, came: Arrived, learning: bool) -> bool:
        """Whether that is all the readings do (see `added`); those of bins of their own, or before them, do more."""
        c = self.columns
        interval = c["interval"][g.rows]
        if self.auto and (interval >= NATIVE).any():
            return False
        earlier = c["end"][g.rows[g.local]] - self.length
        if (came.time <= earlier).any():
            return False
        return added(c, g, came, self._wait(interval) + np.zeros_like(interval), learning)

    def _ends(self, laid: Laid, rows: Ints, time: Ints, interval: Ints) -> tuple[Ints, Ints]:
        """(N,) the end of each element's bin, and its length, 0 for a reading by itself."""
        reach = self.columns["reach"]
        end, span = -(-time // self.length) * self.length, np.full(len(time), self.length)
        native = interval >= NATIVE
        if self.auto and native.any():
            end[native] = time[native]
            # one that comes when its interval has just become known may still belong into the last minute's bin
            bound, minutes = reach[rows], np.flatnonzero(~native & ~laid.leads)
            np.maximum.at(bound, laid.series[minutes], end[minutes])
            end = np.where(native, np.maximum(end, bound[laid.series]), end)
            span[native & (end == time)] = 0
        reach[rows] = end[laid.last]
        return end, span

    def _wait(self, interval: Ints) -> Ints | int:
        if self.wait is not None:
            return self.wait
        if self.length <= LEAST_WAIT:
            return self.length
        return np.where(interval == 0, self.length, np.minimum(np.maximum(interval, LEAST_WAIT), self.length))

    def _pieces(self, laid: Laid, rows: Ints, e: Elements, p: Pieces, n: int) -> Closed:
        """Close the bins that readings close, and keep what is open behind them."""
        c = self.columns
        series = rows[laid.series[p.last]]
        c["time"][rows], c["mode"][rows] = e.time[laid.last], e.row[laid.last]
        c["end"][rows], c["due"][rows] = UNSEEN, NEVER
        whole = p.closed & ~p.cut_off
        c["upto"][series[whole]] = e.end[p.last[whole]]  # of several, the last assigned stays
        still = ~p.closed
        at = series[still]
        for name, value in (
            ("end", e.end[p.last]), ("due", e.due[p.last]), ("total", p.total), ("readings", p.readings),
            ("good", p.good), ("first", p.first), ("cut", p.cut),
        ):  # fmt: skip
            c[name][at] = value[still]
        out = np.flatnonzero(p.closed & p.counts)
        last, by = p.last[out], p.by[out]
        place = np.full(len(e.time), n, dtype=np.int64)
        place[laid.place] = laid.order
        return Closed(
            e.row[last], series[out], p.end[out], p.total[out] / p.readings[out], p.readings[out], p.good[out],
            place[by], np.where(p.overdue[out], e.due[last], e.clock[by]), p.overdue[out],
        )  # fmt: skip

    def _overdue(self, until: int, n: int) -> Closed:
        """Close the bins whose deadline the clock has reached."""
        c = self.columns
        over = np.flatnonzero(c["due"] <= until)
        end, due = c["end"][over], c["due"][over]
        counts = ~c["cut"][over] | (2 * (end - c["first"][over]) >= self.length)
        c["upto"][over], c["end"][over], c["due"][over] = end, UNSEEN, NEVER
        out = over[counts]
        readings = c["readings"][out]
        return Closed(
            c["mode"][out], out, end[counts], c["total"][out] / readings, readings, c["good"][out],
            np.full(len(out), n), due[counts], np.ones(len(out), dtype=bool),
        )  # fmt: skip

    def drop(self, rows: Ints) -> None:
        """Let go of what is open of some series."""
        self.columns["end"][rows], self.columns["due"][rows] = UNSEEN, NEVER

    def open_in(self, rows: Ints) -> Ints:
        """Of some bank rows, the series (their first bank rows) whose open bin is for one of them."""
        c = self.columns
        return np.flatnonzero((c["end"] != UNSEEN) & np.isin(c["mode"], rows))

    def snapshot(self, copy: Copy = np.copy) -> dict[str, NDArray[Any]]:
        """A copy of every column."""
        return self.columns.snapshot(copy)

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Take up what `snapshot` gave."""
        self.columns.restore(dict(saved))


def joined(first: Closed, second: Closed) -> Closed:
    """Two lots of bins, in the order in which they were closed."""
    if not len(second.row):
        both = first
    else:
        both = Closed._make(np.concatenate(pair) for pair in zip(first, second, strict=True))
    order = np.argsort(both.at, kind="stable")
    return Closed._make(column[order] for column in both)
