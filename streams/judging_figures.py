"""Judging key figures: each that is told of as final becomes a reading, at the clock at which it was told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detectors.groups import group
from schemas.chunk import GOOD, Chunk
from schemas.kpi import KpiRow
from streams.admission import SECOND, admit
from streams.binned_watch import BinnedWatch
from streams.collect import BEFORE, Collector
from streams.figure_watches import LEAST, series_of
from streams.judging import Judging
from streams.modes import AsOf
from streams.results import SeriesRef
from streams.segment import Ints, Segment
from streams.watch import Watch

if TYPE_CHECKING:
    from streams.engine import Engine

Final = tuple[int, KpiRow]
"""The clock at which a row was told of, and the row."""


def judge_figures(engine: Engine, chunk: Chunk, received: Ints, messages: Ints, out: Collector) -> None:
    """Judge the figures that were told of as final in a segment, whose steps are `received` and `messages`.

    Their watches judge nothing else, so it does not matter that the segment's readings have all been judged before.
    Deadlines that such watches have (of bins) pass at the steps as ever.
    """
    told, engine.kpis.finals = engine.kpis.finals, []
    watches = [watch for watch in engine.watches if watch.figures]
    if not watches:
        return
    finals = [
        one for one in told if one[1].value is not None and not one[1].product and _admitted(engine, one[1], watches)
    ]
    if not finals:
        watches = [watch for watch in watches if isinstance(watch, BinnedWatch)]
        if not watches:
            return
    seg = _segment(engine, finals, received, messages)
    judging = Judging(engine, chunk, seg, seg.received, out, BEFORE)
    _remember_modes(judging, watches)
    coverage = np.array([row.coverage for _, row in finals])
    faulty = np.zeros(len(finals), dtype=bool)
    for watch in sorted(watches, key=lambda watch: not watch.detector.health):
        least = LEAST if watch.spec.min_coverage is None else watch.spec.min_coverage
        anomalous = judging.series(watch, faulty | (coverage < least))
        if watch.detector.health:
            faulty |= anomalous


def _admitted(engine: Engine, row: KpiRow, watches: Sequence[Watch]) -> bool:
    """Whether a figure is watched; its series gets a row in the roster when it first is."""
    roster, name = engine.roster, series_of(row)
    if roster.find(row.asset, name) is not None:
        return True
    ref = SeriesRef(row.asset, "", "", "", "", name)
    if not any(watch.wants(ref) for watch in watches):
        return False
    at = roster.add(row.asset, name, row.unit, derived=True)
    roster.columns["numeric"][at] = roster.columns["admitted"][at] = True
    engine.intake.seen.grow(1)
    for watch in watches:
        watch.admit(roster, at)
    return True


def _segment(engine: Engine, finals: Sequence[Final], received: Ints, messages: Ints) -> Segment:
    """The figures as readings, in steps of their own before the ones that noticed them."""
    roster, n = engine.roster, len(finals)
    clock = np.array([at for at, _ in finals], dtype=np.int64)
    ticks, tick = np.unique(clock, return_inverse=True)
    before = np.searchsorted(received, ticks)
    row = np.array([roster.find(one.asset, series_of(one)) for _, one in finals], dtype=np.int64)
    time = np.array([one.end for _, one in finals], dtype=np.int64)
    value = np.array([one.value for _, one in finals], dtype=np.float64)
    units = sorted({one.unit for _, one in finals})
    groups, second = group(row), time // SECOND
    messages = np.insert(messages, before, messages[before])
    step = (before + np.arange(len(ticks)))[tick]
    return Segment(
        received=np.insert(received, before, ticks),
        messages=messages,
        ours=np.zeros(0, dtype=bool),
        place=messages[step],
        step=step,
        row=row,
        time=time,
        value=value,
        text={},
        quality=np.full(n, GOOD, dtype=np.uint8),
        numeric=np.ones(n, dtype=bool),
        admitted=admit(engine.intake.seen, groups, row, time, value, {}, compare=False),
        local=engine.intake.local,
        units=units,
        code=np.array([units.index(one.unit) for _, one in finals], dtype=np.int64),
        waveforms=[],
        groups=groups,
        second=second,
    )


def _remember_modes(judging: Judging, watches: Sequence[Watch]) -> None:
    """What the calendar says of each figure's window: as of its last moment, since its end is the next one's begin."""
    names = frozenset().union(*(watch.mode_names for watch in watches))
    if not names or not len(judging.seg.time):
        return
    local = judging.engine.intake.local
    last = judging.seg.time - 1
    for i, (time, week_s) in enumerate(zip(last.tolist(), local.week_s(last).tolist(), strict=True)):
        judging.modes[i] = local.shifts.fill(AsOf(dict.fromkeys(names), {}), local.shifts.reserved(names), week_s, time)
