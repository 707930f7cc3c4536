"""Judging a segment: each watch in turn, its verdicts and its episodes' changes collected."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.base import Batch
from detectors.judgement import Judgement
from schemas.chunk import BAD, GOOD, Chunk
from streams import outcomes
from streams.beside import judged_of, reading_of
from streams.binned_watch import BinnedWatch
from streams.blocks import Named, block_of
from streams.collect import BEFORE, INSTANT, READING, Collector, Part
from streams.episodes import Change, Step
from streams.events import facts_of, plain
from streams.fitness import silent_step, step_of, steps_of
from streams.judging_bins import judge_bins
from streams.modes import AsOf
from streams.opinion import Opinion
from streams.results import ANOMALOUS, NO_OPINION, OK, WARMING
from streams.segment import Bools, Floats, Ints, Segment
from streams.thinning import thin, thin_one
from streams.watch import Watch

if TYPE_CHECKING:
    from streams.engine import Engine


class Judging:
    """One segment's pass through the watches of an engine."""

    def __init__(
        self, engine: Engine, chunk: Chunk, seg: Segment, received: Ints, out: Collector, stage: int = READING
    ) -> None:
        self.engine, self.chunk, self.seg, self.received, self.out = engine, chunk, seg, received, out
        self.stage = stage  # at which what its readings lead to stands, at their message
        self.tally = outcomes.tally(len(seg.row))
        self.modes: dict[int, AsOf] = {}  # position of a reading that a gate asks for -> its modes

    def remember_modes(self) -> None:
        """Take in state series in the log's order, and note the modes under which readings are judged.

        A reading sees the states of its own row and of what came before it in the log, never what came behind:
        where the log is cut into chunks must not be seen.
        """
        gated = [w for w in self.engine.watches if w.mode_names and not w.figures]
        if not gated or not len(self.seg.row):
            return
        names = sorted(frozenset().union(*(w.mode_names for w in gated)))
        seg, refs, modes = self.seg, self.engine.roster.refs, self.engine.modes
        states = np.isin(seg.row, [r for r in np.unique(seg.row).tolist() if refs[r].series in names]) & seg.new
        asking = np.zeros(len(seg.row), dtype=bool)
        for watch in gated:
            asking |= watch.takes(seg.row)
        asking &= seg.new & seg.numeric
        places = np.flatnonzero(states | asking).tolist()
        local = self.engine.intake.local
        of_calendar = local.shifts.reserved(names)
        week = dict(zip(places, local.week_s(seg.time[places]).tolist(), strict=True)) if of_calendar else {}
        for _, row in groupby(places, key=lambda i: (int(seg.step[i]), int(seg.time[i]))):
            together = list(row)
            for i in together:
                if states[i]:
                    ref, number = refs[int(seg.row[i])], float(seg.value[i])
                    value = seg.text.get(i, None if number != number else number)
                    modes.put(ref.path, ref.series, int(seg.time[i]), value)
            for i in together:
                if asking[i]:
                    asset, time = refs[int(seg.row[i])].path, int(seg.time[i])
                    self.modes[i] = modes.as_of(asset, names, time)
                    if of_calendar:
                        local.shifts.fill(self.modes[i], of_calendar, week[i], time)

    def series(self, watch: Watch, faulty: Bools) -> Bools:
        """Run a watch over single series; (n,) readings that it finds anomalous."""
        seg, engine = self.seg, self.engine
        anomalous = np.zeros(len(seg.row), dtype=bool)
        if isinstance(watch, BinnedWatch):
            judge_bins(self, watch, faulty)
            return anomalous
        muted = engine.mutes.mask(watch.spec.name, engine.roster.refs)
        opinion = watch.judge(seg, engine.roster, self.modes, faulty, muted)
        j = opinion.judgement
        where = opinion.where
        if watch.detector.judges_silence:
            self._silences(watch, opinion, muted)
            return anomalous
        anomalous[where] = j.score >= 1.0
        if watch.detector.verdict_rows:
            self._verdicts(watch, opinion)
            self.tally.watched[opinion.at] = True
            if muted is not None:
                self.tally.muted[opinion.at] |= muted[seg.row[opinion.at]]
            nothing = np.isnan(j.score)
            self.tally.scored[where] |= ~nothing
            self.tally.warming[where] |= nothing & (j.verdict.warm < 1.0)
        steps = steps_of(engine, watch, opinion.groups, seg.time[where], seg.value[where], opinion.dt, j)
        for change in watch.episodes.apply(steps, self._namer(watch)):
            p = change.step.at
            self._event(watch, change, int(opinion.at[opinion.judged[p]]), j, p, opinion.dt[p])
        return anomalous

    def _namer(self, watch: Watch) -> Any:
        return lambda row, time: self.engine.events.episode_id(watch, int(watch.owner["row"][row]), time)

    def _event(self, watch: Watch, change: Change, i: int, j: Judgement, p: int, dt: float) -> None:
        """Publish a change that the reading at place i of the segment caused; `p` is its place in `j`."""
        seg = self.seg
        row = int(seg.row[i])
        unit = seg.units[int(seg.code[i])] or self.engine.roster.units[row]
        step = int(seg.step[i])
        facts = facts_of(watch, j, p, float(seg.value[i]), int(seg.received[step]), unit)
        decision = facts.decision | {"x": plain(float(seg.value[i])), "dt": plain(float(dt))}
        before, reading = j.before.get(p, {}), reading_of(watch.detector, seg, i, float(j.raw[p]))
        facts = facts._replace(named=watch.detector.named(before, reading))
        since = watch.bank.learned_since(change.step.row, p)
        decision |= judged_of(watch.detector, seg, i) | watch.detector.found(before, reading)
        event = self.engine.events.make(watch, row, change, facts._replace(decision=decision, learned_since=since))
        self.out.event(int(seg.messages[step]), self.stage, watch.index, event, change.episode.again)

    def _verdicts(self, watch: Watch, opinion: Opinion) -> None:
        """Verdict rows of every watched reading, those without an opinion included; or of those to store alone."""
        seg, at, judged, j = self.seg, opinion.at, opinion.judged, opinion.judgement
        if not len(at):
            return
        said = np.where(j.score >= 1.0, np.uint8(ANOMALOUS), np.uint8(OK))
        nothing = np.isnan(j.score)
        said[nothing] = np.where(j.verdict.warm[nothing] < 1.0, WARMING, NO_OPINION)
        keep = thin(watch, opinion.groups, seg.second[opinion.where], said, j.alarm)
        self.out.count("verdicts", int(np.isfinite(j.score).sum()))
        fields = [j.score, j.verdict.expected, j.verdict.low, j.verdict.high]
        status, store = said, keep
        if self.engine.rows == "none":
            return
        if self.engine.rows == "stored":
            at = at[judged[keep]]
            fields, status, store = [a[keep] for a in fields], said[keep], keep[keep]
        elif len(judged) < len(at):
            status = np.full(len(at), NO_OPINION, dtype=np.uint8)
            store = np.zeros(len(at), dtype=bool)
            status[judged], store[judged] = said, keep
            fields = [_spread(a, judged, len(at)) for a in fields]
        part = Part(
            seg.message[at], at, seg.place[at], seg.row[at], watch.index, seg.time[at], seg.value[at],
            fields[0], fields[1], fields[2], fields[3], status, store, {}, self.stage,
        )  # fmt: skip
        self.out.parts.append(part)

    def _silences(self, watch: Watch, opinion: Opinion, muted: Bools | None) -> None:
        """Deadlines that passed, and the readings that ended a silence, in each row's own order."""
        seg, j = self.seg, opinion.judgement
        ends = watch.after(int(seg.received[-1]), muted)
        silences = [*opinion.silences, *ends]
        if not silences and not watch.episodes.open:
            return
        where = opinion.at[opinion.judged]
        silent_rows = np.array(sorted({s.row for s in silences}), dtype=np.int64)
        alarm = np.isin(opinion.rows, silent_rows)
        steps: list[tuple[tuple[int, int], Step]] = []
        for p in watch.episodes.relevant(opinion.rows, alarm).tolist():
            i = int(where[p])
            steps.append(((i, 1), Step(int(opinion.rows[p]), int(seg.time[i]), float(j.score[p]), False, p)))
        for s, silence in enumerate(silences):
            judged = silence.judged
            step = silent_step(self.engine, watch, silence.row, silence.time, judged, silence.at, -1 - s)
            steps.append((((silence.reading if silence.reading >= 0 else len(seg.row)), 0), step))
        steps.sort(key=lambda pair: pair[0])
        for change in watch.episodes.apply((step for _, step in steps), self._namer(watch)):
            p = change.step.at
            if p >= 0:
                self._event(watch, change, int(where[p]), j, p, opinion.dt[p])
            else:
                silence = silences[-1 - p]
                lag = int(watch.owner["lag"][silence.row])
                if silence.reading >= 0:
                    lag = int(opinion.lag[np.searchsorted(where, silence.reading)])
                self._silence_event(watch, change, silence, lag)

    def _silence_event(self, watch: Watch, change: Change, silence: Any, lag: int) -> None:
        seg, roster = self.seg, self.engine.roster
        row = int(watch.owner["row"][silence.row])
        last = int(seg.step[silence.reading]) if silence.reading >= 0 else len(seg.received) - 1
        step = min(seg.step_at(silence.time + lag), last)
        message, received = int(seg.messages[step]), min(silence.time + lag, int(seg.received[step]))
        facts = facts_of(watch, silence.judged, silence.at, float("nan"), received, roster.units[row])
        facts = facts._replace(silence=True, learned_since=silence.learned_since)
        event = self.engine.events.make(watch, row, change, facts)
        self.out.event(message, BEFORE, watch.index, event, change.episode.again)

    def one(
        self, watch: Watch, row: int, time: int, message: int, clock: int, j: Judgement, value: float,
        shares: dict[str, float] | None, since: int | None, unit: str | None,
        told: Callable[[], tuple[dict[str, Any], Named | None]],
    ) -> None:  # fmt: skip
        """Collect one verdict that stands alone: an instant's or a waveform's; its episode's row is the roster's.

        `told` is asked for events alone: what it was judged from, for their `decision`, and how their message is named.
        """
        score, v = float(j.score[0]), j.verdict
        status = ANOMALOUS if score >= 1 else OK if score == score else WARMING if v.warm[0] < 1 else NO_OPINION
        one = np.array([row])
        store = thin_one(watch, row, time, status, bool(j.alarm[0]))
        self.out.count("verdicts", int(np.isfinite(score)))
        part = Part(
            np.array([message]), np.array([0]), np.array([message]), one, watch.index, np.array([time]),
            np.array([value]), j.score, v.expected, v.low, v.high, np.array([status], dtype=np.uint8),
            np.array([store]), {0: shares} if shares else {}, INSTANT,
        )  # fmt: skip
        if self.engine.rows == "all" or (self.engine.rows == "stored" and store):
            self.out.parts.append(part)
        step = step_of(self.engine, watch, row, time, value, j)
        for change in watch.episodes.apply([step], lambda r, t: self.engine.events.episode_id(watch, r, t)):
            facts = facts_of(watch, j, 0, value, clock, unit)._replace(contribution=shares, learned_since=since)
            given, named = told()
            facts = facts._replace(decision=facts.decision | given, named=named)
            event = self.engine.events.make(watch, row, change, facts)
            self.out.event(message, INSTANT, watch.index, event, change.episode.again)

    def waveforms(self) -> None:
        """Judge blocks of samples, each on its own."""
        engine, out = self.engine, self.out
        for wave in self.seg.waveforms:
            row = engine.intake.wave_row(wave, self.received, self.chunk, out)
            if row is None:
                continue
            scored = warming = watched = muted = False
            clock = int(self.received[wave.message])
            for watch in (w for w in engine.watches if w.waves):
                if row >= len(watch.series) or watch.series[row] < 0:
                    watch.admit(engine.roster, row)
                bank_row = int(watch.series[row])
                if bank_row < 0:
                    continue
                watched = True
                mask = engine.mutes.mask(watch.spec.name, engine.roster.refs)
                if mask is not None and mask[row]:
                    muted = True
                    continue
                if wave.quality == BAD:
                    continue
                time = np.array([wave.time])
                batch = Batch(
                    time, wave.values[None, :], watch.since_one(bank_row, wave.time), np.array([wave.quality == GOOD]),
                    engine.intake.local.week_s(time), np.array([wave.rate_hz]), np.array([wave.speed_rpm]),
                )  # fmt: skip
                j = watch.bank.run(np.array([bank_row]), batch)
                scored |= bool(j.score[0] == j.score[0])
                warming |= bool(j.verdict.warm[0] < 1)
                since = watch.bank.learned_since(bank_row)
                block = block_of(watch.detector, j, wave)
                self.one(
                    watch, row, wave.time, wave.message, clock, j, block.value, block.shares, since, block.unit,
                    partial(_block_told, block.named),
                )  # fmt: skip
            out.count("readings_in", 1)
            quiet = "muted" if muted else "withheld" if watched else "unwatched"
            out.count("scored" if scored else "warming" if warming else quiet, 1)


def _block_told(named: Named | None) -> tuple[dict[str, Any], Named | None]:
    return {}, named


def _spread(values: Floats, places: Ints, n: int) -> Floats:
    """(n,) NaN, but for the values of some places."""
    out = np.full(n, np.nan)
    out[places] = values
    return out
