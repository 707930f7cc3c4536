"""What follows when mutes begin and end: episodes are closed, what is held is let go, lasting silence is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from schemas.chunk import CONTROL, Chunk
from streams.binned_watch import BinnedWatch
from streams.collect import Collector
from streams.episodes import Step
from streams.events import facts_of
from streams.mutes import Rule
from streams.segment import Bools
from streams.watch import Watch

if TYPE_CHECKING:
    from streams.engine import Engine


class Moment(NamedTuple):
    """Where in the log something is decided: the message that brings it or notices it, and the log's clock."""

    message: int
    stage: int
    clock: int


def only_a_tick(chunk: Chunk, at: int) -> Chunk:
    """A chunk of which message `at` is a tick and nothing else is there to be judged."""
    none = slice(0, 0)
    kind, asset = chunk.kind.copy(), list(chunk.asset)
    kind[at], asset[at] = CONTROL, None
    return chunk._replace(
        kind=kind, asset=asset, origin={}, message=chunk.message[none], code=chunk.code[none], time=chunk.time[none],
        value=chunk.value[none], text={}, quality=chunk.quality[none], waveforms=(), controls=(), rejects=(),
    )  # fmt: skip


def mask_of(engine: Engine, watch: Watch) -> Bools:
    """(rows,) which series a watch does not judge now."""
    mask = engine.mutes.mask(watch.spec.name, engine.roster.refs, watch.joint)
    return np.zeros(len(engine.roster.refs), dtype=bool) if mask is None else mask


def change(engine: Engine, act: Callable[[], None], at: Moment, out: Collector) -> None:
    """Change the mutes by `act`, and see to those that are muted, or judged again, from then on."""
    was = [mask_of(engine, watch) for watch in engine.watches]
    act()
    for watch, before in zip(engine.watches, was, strict=True):
        now = mask_of(engine, watch)
        if (now & ~before).any():
            _begin(engine, watch, now, at, out)
        if watch.detector.judges_silence and (before & ~now).any():
            _tell_silence(engine, watch, before & ~now, at, out)


def end_mutes(engine: Engine, at: Moment, out: Collector) -> None:
    """End the mutes that are over at a moment."""
    rules = engine.mutes.ended(at.clock)
    change(engine, lambda: engine.mutes.lift(*rules), at, out)


def caught(engine: Engine, rule: Rule) -> int:
    """How many pairs of a known series and a watch that takes it a rule concerns."""
    refs, rows = engine.roster.refs, np.arange(len(engine.roster.refs))
    joints = {joint.watch.index: joint for joint in engine.joints}
    pairs = 0
    for watch in engine.watches:
        takes = np.array(joints[watch.index].wanted(refs), dtype=bool) if watch.joint else watch.takes(rows)
        pairs += int((takes & engine.mutes.taken(rule, watch.spec.name, refs, watch.joint)).sum())
    return pairs


def close(engine: Engine, watch: Watch, keys: list[int], reason: str, at: Moment, out: Collector) -> None:
    """Close the open episodes of a watch under some of its keys (`Episodes.open`)."""
    for event, again in engine.events.ended(watch, max(at.clock, 0), keys, reason):
        out.event(at.message, at.stage, watch.index, event, again)


def _begin(engine: Engine, watch: Watch, muted: Bools, at: Moment, out: Collector) -> None:
    """Close what is open of muted pairs; what lasts beyond the mute is then told anew, so its alarm is armed again."""
    keys = [key for key in watch.episodes.open if muted[key if watch.by_roster else watch.owner["row"][key]]]
    close(engine, watch, keys, "muted", at, out)
    joint = next((j for j in engine.joints if j.watch is watch), None)
    if joint is None:
        watch.rearm(keys)
        for peers in (p for p in engine.peers if p.watch is watch):
            peers.gathering.hush(lambda group, asset: bool(muted[engine.roster.find(asset, group[1])]))
        if isinstance(watch, BinnedWatch):
            watch.hush(muted)
        return
    for key in keys:
        joint.rearm(engine.roster.refs[key].path)
    joint.gathering.hush(lambda asset, series: bool(muted[engine.roster.find(asset, series)]))


def _tell_silence(engine: Engine, watch: Watch, again: Bools, at: Moment, out: Collector) -> None:
    """Silence that has lasted through a mute: told at the mute's end, which is stamped in each row's event time."""
    rows = np.flatnonzero(again[watch.owner["row"]])
    time = at.clock - watch.owner["lag"][rows]
    judged = watch.bank.tick(rows, time)
    steps = [
        Step(int(rows[p]), int(time[p]), float(judged.score[p]), True, p)
        for p in np.flatnonzero(judged.alarm).tolist()
    ]  # fmt: skip

    def name(row: int, when: int) -> Any:
        return engine.events.episode_id(watch, int(watch.owner["row"][row]), when)

    for found in watch.episodes.apply(steps, name):
        row = int(watch.owner["row"][found.step.row])
        facts = facts_of(watch, judged, found.step.at, float("nan"), at.clock, engine.roster.units[row])
        facts = facts._replace(silence=True, learned_since=watch.bank.learned_since(found.step.row))
        event = engine.events.make(watch, row, found, facts)
        out.event(at.message, at.stage, watch.index, event, found.episode.again)
