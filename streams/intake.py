"""Intake: from a chunk to the readings that watches may see; what goes elsewhere is said."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.groups import group
from schemas.chunk import READING, Chunk, Place, SeriesKey, Waveform
from schemas.partition import key_of, partition_of
from schemas.source import source_of
from streams.admission import SECOND, admit, memory
from streams.arrays import UNSEEN, Columns
from streams.arrivals import Came, Let
from streams.collect import Collector
from streams.figure_watches import PREFIX, is_figure
from streams.localtime import LocalTime
from streams.reorder import Reorder
from streams.resolve import ResolvedSite
from streams.results import Forward, Rejection
from streams.roster import CHANGE, Roster
from streams.segment import Bools, Ints, Segment

RESERVED = ("reserved_series", f"a series whose name begins with {PREFIX!r} is a key figure; give it another name")


class Intake:
    """Places messages and readings: partition, series row, time. Remembers the newest reading of each series."""

    def __init__(self, partition: int, partitions: int, roster: Roster) -> None:
        self.partition = partition
        self.partitions = partitions
        self.roster = roster
        self.seen = memory()
        self.newest = Columns(time=(np.int64, UNSEEN))  # by asset number: its watermark, the newest event time
        self.reorder = Reorder()
        self.origins: dict[int, int] = {}  # origin partition -> highest offset taken from there
        self._known: dict[SeriesKey, int] = {}  # key as sent -> series row; a cache
        self._home: dict[str | None, int] = {}  # asset as sent -> partition; a cache

    def configure(self, site: ResolvedSite) -> None:
        """Take up another site."""
        self.site = site
        self.local = LocalTime(site)
        self.reorder.wait = site.site.site.reorder
        self._home, self._known = {}, {}

    def take(self, chunk: Chunk, first: int, last: int, received: Ints, out: Collector) -> Segment:
        """The segment of messages [first, last); `received` is the clock of the whole chunk's messages."""
        ours = self._ours(chunk, first, last, received, out)
        low, high = np.searchsorted(chunk.message, [first, last])
        index = np.arange(low, high)
        index = index[ours[chunk.message[low:high] - first]]
        waves = [w for w in chunk.waveforms if first <= w.message < last and ours[w.message - first]]
        row, fine = self._rows(chunk, index, waves, received, out)
        ahead = chunk.time[index] > received[chunk.message[index]] + self.site.site.site.max_ahead
        if (ahead & fine).any():
            self._refuse(
                chunk,
                index[ahead & fine],
                "future",
                "time is ahead of the log's clock by more than max_ahead",
                received,
                out,
            )
            fine &= ~ahead
        row = row[fine]
        came = Came(chunk, index[fine], row, self.roster.columns["asset"][row], received, first, last)
        let = self._in_order(came, waves)
        row, time, value = let.row, let.time, let.value
        groups, second = group(row), time // SECOND
        compare = bool((self.roster.columns["store"][groups.rows] == CHANGE).any())
        admitted = admit(self.seen, groups, row, time, value, let.text, compare)
        numeric = self._numeric(row, ~np.isnan(value))
        for i in let.text:
            numeric[i] = False
        return Segment(
            let.received,
            let.messages,
            ours,
            let.place,
            let.step,
            row,
            time,
            value,
            let.text,
            let.quality,
            numeric,
            admitted,
            self.local,
            let.units,
            let.code,
            waves,
            groups,
            second,
        )

    def _in_order(self, came: Came, waves: list[Waveform]) -> Let:
        """The readings to judge in this segment, in their order; moves the watermarks of their assets on."""
        self.newest.grow(len(self.roster.numbers) - self.newest.rows)
        watermark = self.newest["time"]
        moved = {}  # a waveform is not held, but it is news of its asset
        for wave in waves:
            path = self.roster.path(wave.key.asset)
            if self.roster.find(path, wave.key.series) is not None and not self._future(wave, came.received):
                moved[wave.message] = (self.roster.numbers[path], wave.time)
        before = {}
        if self.reorder.active:
            concerned = {*np.unique(came.asset).tolist(), *(number for number, _ in moved.values())}
            before = {number: int(watermark[number]) for number in concerned}
        np.maximum.at(watermark, came.asset, came.time)
        for number, time in moved.values():
            watermark[number] = max(watermark[number], time)
        return self.reorder.take(came, before, moved) if self.reorder.active else came.as_they_are()

    def _numeric(self, row: Ints, number: Bools) -> Bools:
        """(n,) readings at or behind the first number of their series: what comes before it is not known to be one."""
        is_numeric = self.roster.columns["numeric"]
        known = is_numeric[row]
        fresh = np.flatnonzero(number & ~known)
        if len(fresh):
            distinct, first = np.unique(row[fresh], return_index=True)
            starts = np.full(len(is_numeric), len(row))
            starts[distinct] = fresh[first]
            known |= np.arange(len(row)) >= starts[row]
            is_numeric[distinct] = True
        return known

    def _ours(self, chunk: Chunk, first: int, last: int, received: Ints, out: Collector) -> Bools:
        """(messages,) which reading messages belong here; the others are forwarded, refused or dropped."""
        ours = np.asarray(chunk.kind[first:last] == READING)
        home = self._home
        if len(home) > 4 * self.site.site.site.max_series:
            home.clear()
        assets = chunk.asset[first:last]
        for asset in set(assets) - home.keys() - {None}:
            assert asset is not None
            home[asset] = self._partition_of(asset)
        at = list(map(home.get, assets))
        if not chunk.origin and not set(at) - {self.partition, None}:
            return ours
        for m, where in enumerate(at, first):
            if where is not None and ours[m - first] and (where != self.partition or m in chunk.origin):
                ours[m - first] = self._misplaced(chunk, m, where, received, out)
        return ours

    def _partition_of(self, asset: str) -> int:
        return partition_of(key_of(self.roster.path(asset), self.site.site.site.partition_level), self.partitions)

    def _misplaced(self, chunk: Chunk, m: int, at: int, received: Ints, out: Collector) -> bool:
        """A message of another partition, or one that was forwarded to this; True where it is to be judged here."""
        origin = chunk.origin.get(m)
        if origin is None:
            out.count("misrouted", 1)
            out.forwards.append(Forward(chunk.records[m], at))
            return False
        if origin.offset <= self.origins.get(origin.partition, -1):
            out.count("reforwarded", 1)
            return False
        self.origins[origin.partition] = origin.offset
        if at == self.partition:
            return True
        place = Place(
            m, "misrouted", f"forwarded to partition {self.partition}, belongs on {at}", source_of(chunk.records[m]), 0
        )
        out.reject(Rejection(place, chunk.records[m], int(received[m])), 1)
        return False

    def _rows(
        self, chunk: Chunk, index: Ints, waves: list[Waveform], received: Ints, out: Collector
    ) -> tuple[Ints, Bools]:
        """Roster rows of readings, and which have one; new series are taken in, in order of appearance."""
        code = chunk.code[index]
        known = list(map(self._known.get, chunk.keys))
        rows = np.array([-1 if row is None else row for row in known], dtype=np.int64)
        fresh = rows[code] < 0
        if fresh.any() or waves:
            distinct, first = np.unique(code[fresh], return_index=True)
            at = index[fresh][first]
            appeared = [(int(m), int(i), c) for m, i, c in zip(chunk.message[at], at, distinct.tolist(), strict=True)]
            appeared += [(w.message, -1, -1 - n) for n, w in enumerate(waves) if not self._future(w, received)]
            refused: dict[tuple[str, str], list[int]] = {}
            for _, _, c in sorted(appeared):
                refusal = self._admit(chunk.keys[c] if c >= 0 else waves[-1 - c].key)
                if c >= 0 and refusal:
                    refused.setdefault(refusal, []).append(c)
                elif c >= 0:
                    rows[c] = self._known[chunk.keys[c]]
            self.seen.grow(len(self.roster.refs) - self.seen.rows)
            for refusal, codes in refused.items():
                self._refuse(chunk, index[np.isin(code, codes)], *refusal, received, out)
        row = rows[code]
        return row, row >= 0

    def _admit(self, key: SeriesKey) -> tuple[str, str] | None:
        """Give a key that is not known yet its series' row, or say why not."""
        path = self.roster.path(key.asset)
        if is_figure(key.series):
            return RESERVED
        found = self.roster.find(path, key.series)
        if found is None:
            refusal = self.roster.refusal(path)
            if refusal:
                return refusal
            found = self.roster.add(path, key.series, key.unit)
        if len(self._known) > 4 * self.site.site.site.max_series:
            self._known.clear()
        self._known[key] = found
        return None

    def wave_row(self, wave: Waveform, received: Ints, chunk: Chunk, out: Collector) -> int | None:
        """Roster row of a waveform that is to be judged, None where it is refused, late or a repeat."""
        path = self.roster.path(wave.key.asset)
        row = self.roster.find(path, wave.key.series)
        refusal = self.roster.refusal(path) if row is None else None
        if is_figure(wave.key.series):
            refusal = RESERVED
        clock = int(received[wave.message])
        if self._future(wave, received):
            refusal = ("future", "time is ahead of the log's clock by more than max_ahead")
        if refusal:
            record = chunk.records[wave.message] if chunk.records else None
            place = Place(wave.message, refusal[0], refusal[1], source_of(record), 0)
            out.reject(Rejection(place, record, clock), 1)
            return None
        if row is None:
            row = self.roster.add(path, wave.key.series, wave.key.unit)
            self.seen.grow(1)
        newest = int(self.seen["time"][row])
        if wave.time <= newest:
            out.count("readings_in", 1)
            out.count("late" if wave.time < newest else "duplicate", 1)
            return None
        self.seen["time"][row] = wave.time
        return row

    def _future(self, wave: Waveform, received: Ints) -> bool:
        return wave.time > int(received[wave.message]) + self.site.site.site.max_ahead

    def _refuse(self, chunk: Chunk, index: Ints, reason: str, why: str, received: Ints, out: Collector) -> None:
        """Reject readings, one rejection a message."""
        message = chunk.message[index]
        for m in np.unique(message).tolist():
            mine = index[message == m]
            names = [chunk.keys[c].series for c in chunk.code[mine[:16]].tolist()]
            record = chunk.records[m] if chunk.records else None
            where = f"{chunk.asset[m]}/{', '.join(dict.fromkeys(names))}: {why}"
            place = Place(m, reason, where, source_of(record), len(mine))
            out.reject(Rejection(place, record, int(received[m])), len(mine))

    def snapshot(self) -> dict[str, Any]:
        """What it remembers."""
        return {
            "seen": self.seen.snapshot(),
            "newest": dict(zip(self.roster.numbers, self.newest["time"].tolist(), strict=False)),
            "reorder": self.reorder.snapshot(),
            "origins": dict(self.origins),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        self.seen.restore(saved["seen"])
        newest = [saved["newest"].get(path, UNSEEN) for path in self.roster.numbers]
        self.newest.restore({"time": np.array(newest, dtype=np.int64)})
        self.reorder.restore(saved["reorder"], self.roster.columns["asset"])
        self.origins = {int(p): int(o) for p, o in saved["origins"].items()}
