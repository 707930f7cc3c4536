"""A watch whose detector is given closed bins of each series instead of its readings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from detectors.base import Batch, Copy, Detector
from detectors.groups import Groups, group
from detectors.judgement import Judgement
from schemas.chunk import GOOD
from streams.bin_pieces import GATED, UNKNOWN, Arrived
from streams.bins import Bins, Closed
from streams.freezing import freeze
from streams.modes import Mode
from streams.opinion import UNWATCHED
from streams.results import WARMING
from streams.roster import Roster
from streams.segment import Bools, Floats, Ints, Segment
from streams.site import SeriesOptions, WatchOptions
from streams.watch import Watch


class BinOpinion(NamedTuple):
    """What a binned watch says of a segment."""

    at: Ints  # (v,) watched readings, ascending
    entered: Ints  # (e,) positions of those that entered a bin
    into: Ints  # (e,) the bank rows of these bins
    warm: Bools  # (e,) whether the last bin of that row, before this segment, was judged and not warming
    closed: Closed  # `at` are positions in the segment, its length after the last
    judgement: Judgement  # of the bins
    dt: Floats  # (b,) seconds since the row's bin before, NaN at first
    groups: Groups  # of the bins' rows


class BinnedWatch(Watch):
    """A `Watch` that puts readings into bins and judges those that are closed (see `Bins`)."""

    def __init__(self, spec: WatchOptions, detector: Detector[Any], index: int) -> None:
        self.bins = Bins("auto", None)
        super().__init__(spec, detector, index)

    def configure(self, spec: WatchOptions, detector: Detector[Any]) -> None:
        """Take up other options that keep what was learned."""
        super().configure(spec, detector)
        self.bins.configure(getattr(detector, "every"), spec.wait)  # noqa: B009  # every binned detector has it

    def admit(self, roster: Roster, *rows: int) -> None:
        """As `Watch.admit`, with what the series declare of their interval."""
        super().admit(roster, *rows)
        for row in rows:
            if self.series[row] != UNWATCHED:
                ref = roster.refs[row]
                self.bins.declare(int(self.series[row]), roster.declared(ref.path, ref.series).interval)

    def _new_rows(self, rows: list[int], own: list[dict[str, Floats]]) -> Ints:
        self.bins.columns.grow(len(rows))
        return super()._new_rows(rows, own)

    def redeclare(self, roster: Roster, was: list[SeriesOptions]) -> list[int]:
        """As `Watch.redeclare`; what a series' rows have learned of bins of another length is void."""
        ended = super().redeclare(roster, was)
        self.bins.drop(np.array(ended, dtype=np.int64))
        for row in np.flatnonzero(self.series[: len(was)] != UNWATCHED).tolist():
            ref = roster.refs[row]
            interval = roster.declared(ref.path, ref.series).interval
            if interval != was[row].interval and self.bins.declare(int(self.series[row]), interval):
                keys = np.flatnonzero(self.owner["row"] == row).tolist()
                self.forget(roster, keys)
                ended += keys
        return ended

    def forget(self, roster: Roster, keys: list[int]) -> int:
        """Start rows over, with the bins that are open for them."""
        rows = np.array(keys, dtype=np.int64)
        self.bins.drop(self.bins.open_in(rows))
        self.owner["said"][rows] = -1
        return super().forget(roster, keys)

    def hush(self, muted: Bools) -> None:
        """Let go of what is open of series that are muted; `muted` (rows,) are roster rows."""
        self._cover(len(muted))
        first = self.series[: len(muted)][muted]
        self.bins.drop(first[first != UNWATCHED])

    def bin(
        self, seg: Segment, roster: Roster, modes: Mapping[int, Mode], faulty: Bools, muted: Bools | None
    ) -> BinOpinion:
        """What the bank says of the bins that close in a segment; arguments as of `Watch.judge`."""
        self._cover(len(roster.refs))
        mine = self.series[seg.groups.rows]
        watched = mine != UNWATCHED
        if seg.whole and watched.all():  # as most segments are
            at = new = np.arange(len(seg.row))
            g = seg.groups._replace(rows=mine)
        else:
            at = np.flatnonzero(watched[seg.groups.local] & seg.numeric)
            new = at[seg.new[at]]
            g = group(self.series[seg.row[new]])
        enters = ~faulty[new]
        if muted is not None:
            enters &= ~muted[seg.row[new]]
        row = g.rows[g.local]
        if self.mode_names:
            asked, rows = self._gated(seg, roster, modes, new, enters, self.series[seg.row])
            row = np.where(enters, np.where(asked, rows[new], GATED), UNKNOWN)
            enters = asked
        step = seg.step[new]
        good = seg.quality[new] == GOOD
        came = Arrived(seg.time[new], seg.value[new], step, seg.received[step], enters, good, row)
        closed, entered = self.bins.take(g, came, int(seg.received[-1]))
        into, said = row[entered], self.owner["said"][row[entered]]
        closed = closed._replace(at=np.append(new, len(seg.row))[closed.at])
        return self._judge(seg, at, new[entered], into, (said >= 0) & (said != WARMING), closed)

    def _judge(self, seg: Segment, at: Ints, entered: Ints, into: Ints, warm: Bools, closed: Closed) -> BinOpinion:
        g = group(closed.row)
        if not len(closed.row):
            return BinOpinion(at, entered, into, warm, closed, self.bank.nothing, np.zeros(0), g)
        dt, _ = self._since(g, closed.time, closed.clock[g.last])
        n = len(closed.time)
        week_s = seg.local.week_s(closed.time) if self.detector.calendar else np.zeros(n, dtype=np.int32)
        batch = Batch(closed.time, closed.mean, dt, closed.learn, week_s)
        batch = freeze(self, batch, g) if self.spec.frozen else batch
        return BinOpinion(at, entered, into, warm, closed, self.bank.run(closed.row, batch, g), dt, g)

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """Everything that it remembers, as arrays and plain data."""
        return super().snapshot(copy) | {"bins": self.bins.snapshot(copy)}

    def restore(self, saved: dict[str, Any], roster: Roster) -> bool:
        """Take up what `snapshot` gave; False where what was learned is of another version and starts afresh."""
        self.bins.restore(saved["bins"])
        return super().restore(saved, roster)
