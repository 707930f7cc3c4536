"""Judging bins: the verdicts and events of those that close in a segment, and what their readings count as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detectors.durations import SECOND
from streams.binned_watch import BinnedWatch, BinOpinion
from streams.collect import BEFORE, Part
from streams.episodes import Change
from streams.events import facts_of, plain
from streams.fitness import steps_of
from streams.results import ANOMALOUS, NO_OPINION, OK, WARMING
from streams.segment import Bools, Ints
from streams.thinning import thin

if TYPE_CHECKING:
    from streams.judging import Judging


def judge_bins(judging: Judging, watch: BinnedWatch, faulty: Bools) -> None:
    """Run a binned watch over the readings of a segment, and over the deadlines that pass in it."""
    seg, engine = judging.seg, judging.engine
    muted = engine.mutes.mask(watch.spec.name, engine.roster.refs)
    opinion = watch.bin(seg, engine.roster, judging.modes, faulty, muted)
    closed, j = opinion.closed, opinion.judgement
    judging.tally.watched[opinion.at] = True
    if muted is not None:
        judging.tally.muted[opinion.at] |= muted[seg.row[opinion.at]]
    said = np.where(j.score >= 1.0, np.uint8(ANOMALOUS), np.uint8(OK))
    nothing = np.isnan(j.score)
    said[nothing] = np.where(j.verdict.warm[nothing] < 1.0, WARMING, NO_OPINION)
    warm = _warm(opinion, said != WARMING, len(seg.row))
    judging.tally.scored[opinion.entered] |= warm
    judging.tally.warming[opinion.entered] |= ~warm
    if len(closed.time):
        step = np.append(seg.step, 0)[closed.at]
        step[closed.due] = np.searchsorted(seg.received, closed.clock[closed.due])
        _verdicts(judging, watch, opinion, said, step)
        _events(judging, watch, opinion, step)


def _warm(opinion: BinOpinion, spoke: Bools, n: int) -> Bools:
    """(e,) readings whose row had judged its last bin, up to and with the one that the reading closed.

    So where the log is cut into segments is not seen: a reading's own bin may close in a later one.
    """
    closed, warm = opinion.closed, opinion.warm
    if not len(closed.row) or not len(warm):
        return warm
    keys = closed.row * (n + 1) + closed.at
    order = np.argsort(keys, kind="stable")
    place = np.searchsorted(keys[order], opinion.into * (n + 1) + opinion.entered, side="right") - 1
    of = order[np.maximum(place, 0)]
    return np.where((place >= 0) & (closed.row[of] == opinion.into), spoke[of], warm)


def _verdicts(judging: Judging, watch: BinnedWatch, opinion: BinOpinion, said: NDArray[np.uint8], step: Ints) -> None:
    """A verdict row for each bin; those that deadlines have closed stand before the readings of their message."""
    closed, j = opinion.closed, opinion.judgement
    keep = thin(watch, opinion.groups, closed.time // SECOND, said, j.alarm)
    judging.out.count("verdicts", int(np.isfinite(j.score).sum()))
    rows = judging.engine.rows
    if rows == "none":
        return
    wanted = keep if rows == "stored" else np.ones(len(keep), dtype=bool)
    series, message = watch.owner["row"][closed.row], judging.seg.messages[step]
    late = np.flatnonzero(wanted & closed.due)
    late = late[np.lexsort((series[late], closed.clock[late]))]
    for stage, at, rank in (
        (BEFORE, late, closed.clock),
        (judging.stage, np.flatnonzero(wanted & ~closed.due), closed.at),
    ):
        if len(at):
            v = j.verdict
            part = Part(
                message[at], rank[at], message[at], series[at], watch.index, closed.time[at], closed.mean[at],
                j.score[at], v.expected[at], v.low[at], v.high[at], said[at], keep[at], {}, stage,
            )  # fmt: skip
            judging.out.parts.append(part)


def _events(judging: Judging, watch: BinnedWatch, opinion: BinOpinion, step: Ints) -> None:
    closed, j = opinion.closed, opinion.judgement
    steps = steps_of(judging.engine, watch, opinion.groups, closed.time, closed.mean, opinion.dt, j)

    def name(row: int, time: int) -> Any:
        return judging.engine.events.episode_id(watch, int(watch.owner["row"][row]), time)

    for change in watch.episodes.apply(steps, name):
        _event(judging, watch, opinion, change, int(step[change.step.at]))


def _event(judging: Judging, watch: BinnedWatch, opinion: BinOpinion, change: Change, step: int) -> None:
    closed, p, engine = opinion.closed, change.step.at, judging.engine
    row, mean = int(watch.owner["row"][closed.row[p]]), float(closed.mean[p])
    facts = facts_of(watch, opinion.judgement, p, mean, int(closed.clock[p]), engine.roster.units[row])
    given = {"x": plain(mean), "dt": plain(float(opinion.dt[p])), "readings": int(closed.readings[p])}
    since = watch.bank.learned_since(change.step.row, p)
    before = opinion.judgement.before.get(p, {})
    reading = {"time": int(closed.time[p]), "x": mean, "score": float(opinion.judgement.raw[p])}
    given |= watch.detector.found(before, reading)
    named = watch.detector.named(before, reading)
    facts = facts._replace(decision=facts.decision | given, learned_since=since, named=named)
    event = engine.events.make(watch, row, change, facts)
    stage = BEFORE if closed.due[p] else judging.stage
    judging.out.event(int(judging.seg.messages[step]), stage, watch.index, event, change.episode.again)
