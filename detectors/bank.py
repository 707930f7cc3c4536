"""The bank: one detector's state for many rows, and the only code that indexes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import compiled
from detectors.base import (
    UNSEEN,
    Batch,
    Bools,
    Copy,
    Detector,
    Floats,
    Ints,
    Verdict,
    pick,
    put,
    room_for,
    roomier,
    take,
    with_room,
)
from detectors.calibration import Calibration, CalibrationState
from detectors.groups import Groups, group
from detectors.judgement import Judgement, Silence, in_order
from detectors.rounds import Rows, rounds

DEEP = 8
"""Readings a row from which a walk goes through copies of its rows: next to one another they are read faster."""

STRETCH = 32
"""Instants of a row whose state is changed in place that are tried in one go."""


class Earlier(NamedTuple):
    """What is kept of k rows before a walk changes them: of those with one reading their single numbers alone."""

    plain: Any  # (k, ...) `Detector.explained`
    whole: Any  # the state of those with several readings
    at: Rows  # (k,) where each of them stands in `whole`


class Bank:
    """Rows of one detector with their calibration; grows as series appear, is saved and restored whole.

    >>> from detectors.anomaly.limits import Limits
    >>> bank = Bank(Limits(high=10), Calibration(rule="own", rate_per_s=0, refractory_ns=0))
    >>> bank.grow(1); t = np.array([0, 1])
    >>> batch = Batch(t, np.array([5.0, 11.0]), np.array([np.nan, 1.0]), t > -1, np.zeros(2, np.int32))
    >>> bank.run(np.array([0, 0]), batch).alarm.tolist()
    [False, True]
    """

    def __init__(self, detector: Detector[Any], calibration: Calibration, inputs: int | None = None) -> None:
        self.detector = detector
        self._calibration = calibration
        self.inputs = inputs
        self.rows = 0
        # of one row, to learn the shapes that a joint detector's number of inputs gives its arrays
        self._state: Any = take(self._init(1), slice(0, 0))
        self._calibrated = calibration.init(0)
        self._learned_since = np.zeros(0, dtype=np.int64)
        self._began: dict[int, int] = {}  # row -> the place in the last run of the first reading it learned from

    @property
    def calibration(self) -> Calibration:
        """How raw scores become alarms; another may be set at any time, thresholds stay."""
        return self._calibration

    @calibration.setter
    def calibration(self, calibration: Calibration) -> None:
        self._calibration, used = calibration, take(self._calibrated, slice(0, self.rows))
        self._calibrated = roomier(calibration.adopt(used), self.rows, len(self._learned_since))

    @property
    def calibrated(self) -> CalibrationState:
        """What calibration remembers of each row: thresholds, alarms, time watched."""
        return take(self._calibrated, slice(0, self.rows))

    @property
    def nothing(self) -> Judgement:
        """The judgement of no readings."""
        return in_order([], [], 0)

    def grow(self, n: int, given: dict[str, Floats] | None = None) -> None:
        """Add n rows; `given` holds what their series declare for themselves (`Detector.per_row`)."""
        if not n:
            return
        need = self.rows + n
        if need > len(self._learned_since):
            room = room_for(need)
            self._state = roomier(self._state, self.rows, room)
            self._calibrated = roomier(self._calibrated, self.rows, room)
            self._learned_since = with_room(self._learned_since, self.rows, room)
        new = slice(self.rows, need)
        put(self._state, new, self.detector.init(n, given) if given else self._init(n))
        put(self._calibrated, new, self.calibration.init(n))
        self._learned_since[new] = UNSEEN
        self.rows = need

    def _init(self, n: int) -> Any:
        """State of n rows; of a joint detector, with as many inputs as the bank was made for."""
        return self.detector.init(n, None if self.inputs is None else {"inputs": np.full(n, float(self.inputs))})

    def reset(self, row: int, given: dict[str, Floats] | None = None) -> None:
        """Forget what a row has learned."""
        one = slice(row, row + 1)
        put(self._state, one, self.detector.init(1, given) if given else self._init(1))
        put(self._calibrated, one, self.calibration.init(1))
        self._learned_since[row] = UNSEEN

    def run(self, rows: Rows, batch: Batch, groups: Groups | None = None) -> Judgement:
        """Judge r readings in order; `rows` (r,) and the arrays of `batch` (r,) or (r, d). Rows may repeat.

        `groups` are those of `rows`, where the caller knows them already.
        """
        self._began.clear()
        if self._walks:
            g = group(rows) if groups is None else groups
            earlier = self._earlier(g)
            if len(rows) < DEEP * len(g.rows):
                return self._walked(g, rows, earlier, self.detector.walk_on(self._state, rows, batch), batch)
            after = take(self._state, g.rows)
            verdict = self.detector.walk_on(after, g.local, batch)
            put(self._state, g.rows, after)
            return self._walked(g, rows, earlier, verdict, batch)
        parts, places = [], []
        for block_rows, whole in rounds(rows):
            for piece in self._pieces(block_rows, whole, batch):
                parts.append(piece[0])
                places.append(piece[1].reshape(-1))
        return in_order(parts, places, len(rows))

    def _pieces(self, rows: Rows, whole: Rows, batch: Batch) -> Iterator[tuple[Judgement, Rows]]:
        """A block's judgements with their places: all at once, or instant by instant of a state changed in place."""
        if not self.detector.in_place:
            yield self._block(rows, pick(batch, whole), whole), whole
            return
        for start in range(0, len(whole), STRETCH):
            yield from self._stretch(rows, whole[start : start + STRETCH], batch)

    def _stretch(self, rows: Rows, where: Rows, batch: Batch) -> Iterator[tuple[Judgement, Rows]]:
        """A state changed in place: rows that are normal throughout at once, the others half by half."""
        block = pick(batch, where)
        if len(where) == 1:
            yield self._block(rows, block, where), where
            return
        calm, verdict = self.detector.glide(self._state, rows, block)
        if calm.any():
            mine = where[:, calm]
            yield self._said(rows[calm], pick(block, np.s_[:, calm]), mine, verdict, None), mine
        if not calm.all():
            half = len(where) // 2
            for part in (where[:half, ~calm], where[half:, ~calm]):
                yield from self._stretch(rows[~calm], part, batch)

    @property
    def _walks(self) -> bool:
        """Whether readings are gone through in the log's order, by compiled kernels, instead of in blocks."""
        return compiled.available and self.detector.kernel is not None

    def _earlier(self, g: Groups) -> Earlier:
        """What a walk will change: wide states are copied where several readings share the cost, or not at all."""
        several = g.first != g.last
        plain = self.detector.explained(self._state, g.rows)
        return Earlier(plain, take(self._state, g.rows[several]), np.cumsum(several) - 1)

    def _walked(self, g: Groups, rows: Rows, earlier: Earlier, verdict: Verdict, batch: Batch) -> Judgement:
        """What a walk has said, its raw scores calibrated."""
        learned = self._learned_since[g.rows]
        if (learned == UNSEEN).any():
            places = np.flatnonzero((learned == UNSEEN)[g.local] & batch.learn)[::-1]
            first = np.full(len(g.rows), -1)
            first[g.local[places]] = places  # of several, the last assigned stays: the first reading's
            began = np.flatnonzero(first >= 0)
            first = first[began]
            learned[began] = batch.time[first]
            self._learned_since[g.rows] = learned
            self._began |= dict(zip(g.rows[began].tolist(), first.tolist(), strict=True))
        score, alarm, threshold = self.calibration.walk_on(self._calibrated, rows, batch.time, verdict.score, batch.dt)
        before: dict[int, dict[str, Any]] = {}
        for places in g.of(alarm) if alarm.any() else ():
            row = int(g.local[places[0]])
            if len(places) == 1:
                before[int(places[0])] = self.detector.explain(earlier.plain, row)
            else:
                block, whole = pick(batch, places[:, None]), take(earlier.whole, earlier.at[row : row + 1])
                before |= self._before(whole, block, places[:, None], alarm[places, None])
        return Judgement(verdict.score, score, alarm, threshold, self._banded(verdict, threshold), before)

    def _block(self, rows: Rows, block: Batch, where: NDArray[np.int64]) -> Judgement:
        """t instants of each of k distinct rows."""
        deep = len(block.time) > 1
        one = block if deep else pick(block, 0)
        if self.detector.in_place:
            earlier = self.detector.explained(self._state, rows)
            verdict = self.detector.advance(self._state, rows, one)
        else:
            earlier = take(self._state, rows)
            state, verdict = (self.detector.scan if deep else self.detector.step)(earlier, one)
            put(self._state, rows, state)
        return self._said(rows, block, where, verdict, earlier)

    def _said(self, rows: Rows, block: Batch, where: Rows, verdict: Verdict, earlier: Any) -> Judgement:
        """What a detector has said of a block, calibrated; `earlier` is needed where there is an alarm."""
        deep = verdict.score.ndim > 1
        one = block if deep else pick(block, 0)
        # the first that taught something, not the earliest: a clock that was set back has older ones behind it
        learned = self._learned_since[rows]
        fresh = np.flatnonzero((learned == UNSEEN) & block.learn.any(axis=0))
        if len(fresh):
            first = block.learn[:, fresh].argmax(axis=0), fresh
            self._learned_since[rows[fresh]] = block.time[first]
            self._began |= dict(zip(rows[fresh].tolist(), where[first].tolist(), strict=True))
        judge = self.calibration.scan if deep else self.calibration.step
        calibrated, (score, alarm, threshold) = judge(take(self._calibrated, rows), one.time, verdict.score, one.dt)
        put(self._calibrated, rows, calibrated)
        before = self._before(earlier, block, where, alarm if deep else alarm[None]) if alarm.any() else {}
        return Judgement(verdict.score, score, alarm, threshold, self._banded(verdict, threshold), before)

    def _before(self, earlier: Any, block: Batch, where: NDArray[np.int64], alarm: Bools) -> dict[int, dict[str, Any]]:
        """For each alarm, its row's state just before it: rows with alarms are gone through once more."""
        before = {}
        for k in np.flatnonzero(alarm.any(axis=0)).tolist():
            state, done = take(earlier, slice(k, k + 1)), 0
            for t in np.flatnonzero(alarm[:, k]).tolist():
                if t > done:
                    state, _ = self.detector.scan(state, pick(block, np.s_[done:t, k : k + 1]))
                before[int(where[t, k])], done = self.detector.explain(state, 0), t
        return before

    def _banded(self, verdict: Verdict, threshold: Floats) -> Verdict:
        """The band at which an alarm would come: the detector's own, as wide as calibration has made it."""
        if self.calibration.rule == "own":
            return verdict
        low = verdict.expected - (verdict.expected - verdict.low) * threshold
        high = verdict.expected + (verdict.high - verdict.expected) * threshold
        return verdict._replace(low=low, high=high)

    def run_silence(
        self, rows: Rows, batch: Batch, clock: Ints, groups: Groups | None = None
    ) -> tuple[Judgement, list[Silence]]:
        """As `run`, for a detector that judges silence: before each reading, what its row's silence meant.

        `clock` (r,): until when each reading's row was silent, in the row's own event time.
        """
        self._began.clear()
        if self._walks:
            g = group(rows) if groups is None else groups
            state, verdict, deadline = self.detector.walk_silent(take(self._state, g.rows), g.local, batch)
            if not (deadline <= clock).any():
                earlier = self._earlier(g)
                put(self._state, g.rows, state)
                return self._walked(g, rows, earlier, verdict, batch), []
        silences: list[Silence] = []
        parts, places = [], []
        for block_rows, where in rounds(rows):
            block = pick(batch, where)
            if (
                len(where) > 1
                and not (self.detector.deadlines(take(self._state, block_rows), block) <= clock[where]).any()
            ):
                parts.append(self._block(block_rows, block, where))
                places.append(where.reshape(-1))
                continue
            for level in where:
                silences += self.silent(block_rows, clock[level], level)
                parts.append(self._block(block_rows, pick(batch, level[None]), level[None]))
                places.append(level)
        return in_order(parts, places, len(rows)), silences

    def silent(self, rows: Rows, until: Ints, reading: Ints) -> list[Silence]:
        """Deadlines of distinct rows at or before `until` (k,), each judged at its own time.

        `reading` (k,) is what each row's next reading is called in the answer.
        """
        found = []
        while len(rows):
            deadline = self.detector.deadline(take(self._state, rows))
            due = deadline <= until
            rows, until, reading, deadline = rows[due], until[due], reading[due], deadline[due]
            if len(rows):
                judged = self.tick(rows, deadline)
                found += [
                    Silence(int(r), int(t), int(i), judged, k, self.learned_since(int(r)))
                    for k, (r, t, i) in enumerate(zip(rows, deadline, reading, strict=True))
                ]
        return found

    def tick(self, rows: Rows, time: Ints) -> Judgement:
        """Judge the silence of distinct rows at their times (k,)."""
        earlier = take(self._state, rows)
        state, verdict = self.detector.tick(earlier, time)
        put(self._state, rows, state)
        calibrated, (score, alarm, threshold) = self.calibration.step(
            take(self._calibrated, rows), time, verdict.score, np.zeros(len(rows))
        )
        put(self._calibrated, rows, calibrated)
        before = {i: self.detector.explain(earlier, i) for i in np.flatnonzero(alarm).tolist()}
        return Judgement(verdict.score, score, alarm, threshold, verdict, before)

    def learned_since(self, row: int, place: int | None = None) -> int | None:
        """Event time (ns) of the first reading a row learned from; as of the reading at a place of the last run."""
        since = int(self._learned_since[row])
        if since == UNSEEN or (place is not None and self._began.get(row, place) > place):
            return None
        return since

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """All that the bank remembers, as arrays."""
        used = slice(0, self.rows)
        return {
            "rows": self.rows,
            "state": tuple(copy(a) for a in take(self._state, used)),
            "calibration": tuple(copy(a) for a in take(self._calibrated, used)),
            "learned_since": copy(self._learned_since[used]),
        }

    def restore(self, saved: dict[str, Any], version: int | None = None) -> bool:
        """Take up what `snapshot` gave; False, with nothing taken, where the detector cannot use that state version."""
        state = [a.copy() for a in saved["state"]]
        if version is not None and version != self.detector.state_version:
            migrated = self.detector.migrate(state, version)
            if migrated is None:
                return False
            state = [a.copy() for a in migrated]
        self.rows = int(saved["rows"])
        self._state = type(self._state)(*state)
        self._calibrated = self.calibration.adopt([a.copy() for a in saved["calibration"]])
        self._learned_since = saved["learned_since"].copy()
        return True

    @staticmethod
    def gather(parts: Sequence[tuple[Mapping[str, Any], Rows]]) -> dict[str, Any]:
        """What `snapshot` would give of some rows (k,) of several snapshots of one detector, part after part."""

        def together(name: str) -> tuple[NDArray[Any], ...]:
            fields = zip(*(saved[name] for saved, _ in parts), strict=True)
            return tuple(
                np.concatenate([a[rows] for a, (_, rows) in zip(field, parts, strict=True)]) for field in fields
            )

        return {
            "rows": sum(len(rows) for _, rows in parts),
            "state": together("state"),
            "calibration": together("calibration"),
            "learned_since": np.concatenate([saved["learned_since"][rows] for saved, rows in parts]),
        }
