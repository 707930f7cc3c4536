"""Fitness: whether a model still fits its series, judged by the share of time that it finds anomalous."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import Kernel
from detectors.durations import UNITS
from detectors.groups import Groups
from detectors.judgement import Judgement
from streams.at_stake import NOTHING as NO_STAKE
from streams.at_stake import Energy, Stake
from streams.episodes import Step
from streams.materiality import NOTHING, Weight, weigh
from streams.opinion import Life
from streams.segment import Floats, Ints
from streams.watch import Watch

if TYPE_CHECKING:
    from streams.engine import Engine

_TAU_S = UNITS["d"] / 1e9 / math.log(2)
"""Half-life of the share: a day."""
_AT_LEAST = 50.0
"""Memory in readings, at least."""
_BACK = 0.5
"""Fits again below this share of the limit."""
_HELD = 1.0
"""Score that keeps the one episode open while a model does not fit."""
_UNFIT, _BEGAN = 1, 2


@Kernel
def _follow(rows: Any, dt: Any, score: Any, said: Any, share: Any, unfit: Any, limit: Any) -> None:
    for i in range(len(rows)):
        r = rows[i]
        said[i] = 1 if unfit[r] else 0
        if score[i] != score[i]:
            continue
        gain = dt[i] / (dt[i] + _TAU_S) if dt[i] > 0 else 0.0
        if gain > 1.0 / _AT_LEAST:
            gain = 1.0 / _AT_LEAST
        share[r] = share[r] + gain * ((1.0 if score[i] >= 1.0 else 0.0) - share[r])
        if unfit[r] and share[r] < _BACK * limit:
            unfit[r] = False
            said[i] = 0
        elif not unfit[r] and share[r] > limit:
            unfit[r] = True
            said[i] = 2


def warm_up() -> None:
    """Compile the kernel, or load it from the disk, before the first reading waits for it."""
    row, one = np.zeros(1, dtype=np.int64), np.zeros(1)
    _follow.run([row, one, one], [np.zeros(1, dtype=np.int8), one.copy(), one > 1], (1.0,))


def steps_of(
    engine: Engine, watch: Watch, groups: Groups, time: Ints, value: Floats, dt: Floats, j: Judgement
) -> list[Step]:
    """What the judged readings (n,) of a watch say to its episodes, of those that can change one.

    `groups` are those of their bank rows; each weighs what is declared to matter. Where the share of anomalous time,
    of about the last day, exceeds what the watch calls plausible, that is one alarm; from then on until the share has
    fallen to half of that, no other is, and the episode stays open.
    """
    rows, score, alarm = groups.rows[groups.local], j.score, j.alarm
    unfit = began = np.zeros(len(rows), dtype=bool)
    if watch.spec.plausible < 1 and not watch.detector.health and len(rows):
        fits = follow(watch, groups, dt, score)
        unfit, began = fits == _UNFIT, fits == _BEGAN
        alarm = (alarm & ~unfit) | began
    steps = []
    places = watch.episodes.relevant(rows, alarm)
    for p, kwh in zip(places.tolist(), engine.stakes.energy(time[places]), strict=True):
        row = int(rows[p])
        held = unfit[p] and score[p] == score[p]
        weight, stake = _weigh(engine, watch, int(watch.owner["row"][row]), float(value[p]), j, p, kwh)
        said = _HELD if held else float(score[p])
        weight, stake = (None, NO_STAKE) if held else (weight, stake)
        steps.append(Step(row, int(time[p]), said, bool(alarm[p]), p, bool(began[p]), weight, stake))
    return steps


def step_of(engine: Engine, watch: Watch, row: int, time: int, value: float, j: Judgement) -> Step:
    """What a verdict that stands alone, of a roster row, says to its watch's episodes; as `steps_of`."""
    score, alarm = float(j.score[0]), bool(j.alarm[0])
    if watch.waves:
        return Step(row, time, score, alarm, 0)
    unfit = began = False
    if watch.spec.plausible < 1 and not watch.detector.health:
        fits = _follow_one(watch, row, time, score)
        unfit, began = fits == _UNFIT, fits == _BEGAN
    held = unfit and score == score
    (kwh,) = engine.stakes.energy(np.array([time]))
    weight, stake = (None, NO_STAKE) if held else _weigh(engine, watch, row, value, j, 0, kwh)
    return Step(row, time, _HELD if held else score, (alarm and not unfit) or began, 0, began, weight, stake)


def silent_step(engine: Engine, watch: Watch, row: int, time: int, j: Judgement, p: int, at: int) -> Step:
    """What a silence says to the episodes of a bank row: there is no value, but an hour of it may have a price."""
    nothing = float("nan")
    weight, stake = _weigh(engine, watch, int(watch.owner["row"][row]), nothing, j, p, (None, None))
    return Step(row, time, float(j.score[p]), bool(j.alarm[p]), at, weight=weight, stake=stake)


def _follow_one(watch: Watch, row: int, time: int, score: float) -> int:
    """As `follow`, for one verdict of a roster row."""
    last, *was = watch.lives.get(row, Life(time, 0.0, False))
    share, unfit, said = np.array(was[:1]), np.array(was[1:]), np.zeros(1, dtype=np.int8)
    dt = np.array([(time - last) / 1e9])
    _follow.run([np.zeros(1, dtype=np.int64), dt, np.array([score])], [said, share, unfit], (watch.spec.plausible,))
    watch.lives[row] = Life(time, float(share[0]), bool(unfit[0]))
    return int(said[0])


def _weigh(
    engine: Engine, watch: Watch, row: int, value: float, j: Judgement, p: int, kwh: Energy
) -> tuple[Weight | None, Stake]:
    """What a value of a roster row weighs, by what is declared, and what is at stake."""
    ref = engine.roster.refs[row]
    own = engine.roster.declared(ref.path, ref.series)
    v = j.verdict
    expected, low, high = float(v.expected[p]), float(v.low[p]), float(v.high[p])
    weight = weigh(watch.spec, own, engine.site.site.site.cost_matters, value, expected, low, high)
    stake = engine.stakes.of(row, value, expected, low, high, weight.cost_per_hour, kwh)
    return None if weight == NOTHING else weight, stake


def follow(watch: Watch, groups: Groups, dt: Floats, score: Floats) -> NDArray[np.int8]:
    """(n,) of each reading, in order: 0 its row's model fits, 1 it does not, 2 it ceases to. Remembers the shares."""
    said = np.zeros(len(dt), dtype=np.int8)
    share, unfit = watch.owner["share"][groups.rows], watch.owner["unfit"][groups.rows]
    _follow.run([groups.local, dt, score], [said, share, unfit], (watch.spec.plausible,))
    watch.owner["share"][groups.rows], watch.owner["unfit"][groups.rows] = share, unfit
    return said
