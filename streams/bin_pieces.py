"""Bins over many readings at once: which of them enter, what each bin holds of them, and what closes it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.groups import Groups
from streams.segment import Bools, Floats, Ints

GATED, UNKNOWN = -1, -2
"""Instead of a mode's bank row: a mode that is not judged; not asked for, as the reading enters no bin anyway."""


class Arrived(NamedTuple):
    """n new readings, in the log's order."""

    time: Ints
    value: Floats
    step: Ints  # (n,) with which message each came: readings of one step came together
    clock: Ints  # (n,) the partition's clock then
    enters: Bools  # (n,) neither absent, bad, withheld, muted nor gated off; its `row` is known
    good: Bools  # (n,) not uncertain
    row: Ints  # (n,) bank row of the mode in force, GATED or UNKNOWN


class Laid(NamedTuple):
    """Elements: n readings of k series, series by series, each led by one for what is remembered of it; N = n + k."""

    order: Ints  # (n,) the readings, series by series
    place: Ints  # (n,) the element of each of these
    lead: Ints  # (k,)
    last: Ints  # (k,) each series' last element
    series: Ints  # (N,) which of the k
    leads: Bools  # (N,)

    def of(self, readings: Any, remembered: Any) -> NDArray[Any]:
        """(N,) from values of readings (n,), in the log's order, and of what is remembered (k,); or one for all."""
        kind = np.result_type(readings, remembered)
        out = np.empty(len(self.series), dtype=kind)
        if len(self.lead) == len(self.order):  # one reading each, as in live frames
            out[1::2], out[::2] = readings, remembered
        else:
            out[self.place] = readings[self.order] if isinstance(readings, np.ndarray) else readings
            out[self.lead] = remembered
        return out

    def forward(self, values: Ints, unknown: int) -> Ints:
        """(N,) with each `unknown` in place of which its series' last known value stands."""
        if not (values == unknown).any():
            return values
        index = np.arange(len(values))
        return np.asarray(values[np.maximum.accumulate(np.where((values != unknown) | self.leads, index, 0))])

    def earliest(self, step: Ints, time: Ints) -> Ints:
        """(N,) time of the first reading of the series that came with each; of leads, their own `time` (N,)."""
        if len(self.lead) == len(self.order):
            return time
        steps, index = self.of(step, -1), np.arange(len(time))
        same = np.zeros(len(time), dtype=bool)
        same[1:] = (steps[1:] == steps[:-1]) & ~self.leads[1:]
        return np.asarray(time[np.maximum.accumulate(np.where(same, 0, index))])


def lay_out(g: Groups) -> Laid:
    """The elements for readings in groups."""
    n, k = len(g.local), len(g.rows)
    # sixteen bits are sorted by counting, which is many times faster
    short = g.local.astype(np.uint16) if k < 2**16 else g.local
    order = np.arange(n) if k in (1, n) else np.argsort(short, kind="stable")
    local = g.local[order]
    place = np.arange(n) + local + 1
    lead = place[np.flatnonzero(np.diff(local, prepend=-1))] - 1
    last = np.append(lead[1:], n + k) - 1
    leads = np.zeros(n + k, dtype=bool)
    leads[lead] = True
    series = np.empty(n + k, dtype=np.int64)
    series[place], series[lead] = local, np.arange(k)
    return Laid(order, place, lead, last, series, leads)


class Elements(NamedTuple):
    """What is known of N elements; of one that leads, what its series' open bin holds."""

    time: Ints
    clock: Ints
    row: Ints  # bank row, GATED or UNKNOWN
    end: Ints  # of its bin
    span: Ints  # the bin's length
    due: Ints  # clock at which its bin is overdue, if this is the last that enters
    enters: Bools
    good: Bools
    total: Floats
    readings: Ints  # how many
    first: Ints  # time of the first reading in it
    cut: Bools  # leads: their bin began with a change of mode


class Pieces(NamedTuple):
    """p bins, or parts that changes of mode cut them into, that hold something."""

    last: Ints  # (p,) last element that entered
    total: Floats
    readings: Ints  # how many
    good: Bools
    first: Ints
    cut: Bools  # begins with a change of mode
    cut_off: Bools  # ends with one
    closed: Bools
    by: Ints  # (p,) the element that closed it, or noticed that it was overdue
    overdue: Bools
    end: Ints
    counts: Bools  # holds enough to be judged


def beginnings(laid: Laid, e: Elements) -> Bools:
    """(N,) elements with which another bin, or another mode, begins."""
    begins = np.ones(len(e.time), dtype=bool)
    begins[1:] = (e.end[1:] != e.end[:-1]) | (e.row[1:] != e.row[:-1])
    begins[laid.lead] = True
    return begins


def entering(laid: Laid, e: Elements, begins: Bools) -> Bools:
    """(N,) the elements that enter their bin, those left out that come when it is overdue already."""
    index = np.arange(len(e.time))
    start = np.maximum.accumulate(np.where(begins, index, 0))
    last = np.maximum.accumulate(np.where(e.enters, index, -1))[:-1]  # that entered, before each but the first
    overdue = (last >= start[:-1]) & (e.due[last] <= e.clock[1:]) & ~laid.leads[1:]
    overdue &= e.end[1:] == e.end[:-1]
    if not overdue.any():
        return e.enters
    bins = np.ones(len(e.time), dtype=bool)
    bins[1:] = e.end[1:] != e.end[:-1]
    bins[laid.lead] = True
    bins = np.cumsum(bins) - 1
    late = np.full(bins[-1] + 1, len(e.time))
    places = np.flatnonzero(overdue) + 1
    np.minimum.at(late, bins[places], places)
    return np.asarray(e.enters & (index < late[bins]))


def pieces(laid: Laid, e: Elements, begins: Bools) -> Pieces:
    """The bins that hold something, in the order of the elements."""
    starts, run = np.flatnonzero(begins), np.cumsum(begins) - 1
    inside = np.flatnonzero(e.enters)
    of = run[inside]
    edge = np.flatnonzero(np.diff(of, prepend=-1, append=len(starts)))  # one more than there are pieces
    first, last = inside[edge[:-1]], inside[edge[1:] - 1]
    piece = np.repeat(np.arange(len(first)), np.diff(edge))
    good = np.bincount(piece, weights=e.good[inside], minlength=len(first)) > 0
    if not e.good[inside].all():
        kept = e.good[inside] | ~good[piece]  # beside good readings uncertain ones do not count
        inside, piece = inside[kept], piece[kept]
    # one after the other, as each reading by itself would be added
    total = np.asarray(np.bincount(piece, weights=e.total[inside], minlength=len(first)), dtype=np.float64)
    readings = np.bincount(piece, weights=e.readings[inside], minlength=len(first)).astype(np.int64)

    begin = starts[run[first]]
    before = np.maximum(begin - 1, 0)
    changed = (e.row[before] != e.row[begin]) & (e.row[before] != UNKNOWN)
    changed &= e.time[before] > e.end[begin] - e.span[begin]
    cut = np.where(laid.leads[first], e.cut[first], changed)

    after = np.append(starts, len(e.time))[run[first] + 1]
    ends_it = e.time[after - 1] == e.end[last]
    by = np.where(ends_it, after - 1, np.minimum(after, len(e.time) - 1))
    closed = ends_it | ((after < len(e.time)) & ~laid.leads[by])
    overdue = closed & (by > last) & (e.due[last] <= e.clock[by])
    cut_off = closed & ~ends_it & ~overdue & (e.end[by] == e.end[last])
    end = np.where(cut_off, e.time[by], e.end[last])
    counts = ~(cut | cut_off) | (2 * (end - e.first[first]) >= e.span[last])
    return Pieces(last, total, readings, good, e.first[first], cut, cut_off, closed, by, overdue, end, counts)
