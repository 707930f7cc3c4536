"""Judging a segment's readings by a peers watch: machines gathered step by step, and instants judged when ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from streams.peers import Group, Peers
from streams.segment import Bools

if TYPE_CHECKING:
    from streams.judging import Judging
    from streams.watch import Watch


def judge_peers(judging: Judging, peers: Peers, faulty: Bools) -> None:
    """Gather a peers watch's machines step by step, and judge the instants that become ready."""
    seg, watch, engine = judging.seg, peers.watch, judging.engine
    refs, level = engine.roster.refs, engine.site.site.site.partition_level
    none = np.zeros(0, dtype=np.int64)
    mine = np.flatnonzero(watch.takes(seg.row) & seg.numeric) if len(seg.row) else none
    usable = mine[seg.new[mine]]
    muted = engine.mutes.mask(watch.spec.name, refs)
    if muted is not None:
        usable = usable[~muted[seg.row[usable]]]
        judging.tally.muted[mine] |= muted[seg.row[mine]]
    by_step: dict[int, list[int]] = {}
    for i in usable.tolist():
        by_step.setdefault(int(seg.step[i]), []).append(i)
    for step, (message, clock) in enumerate(zip(seg.messages.tolist(), seg.received.tolist(), strict=True)):
        # deadlines first, in their order and at their own time: they passed on the way to this step
        while (passed := peers.passed(clock)) is not None:
            deadline, group = passed
            _instants(judging, peers, group, message, deadline)
        groups: dict[Group, list[int]] = {}
        for i in by_step.get(step, []):
            ref, mode = refs[int(seg.row[i])], _mode(judging, watch, i)
            group_of = None if mode is None else peers.group_of(ref, level, mode)
            peers.put(ref, group_of, int(seg.time[i]), None if faulty[i] else float(seg.value[i]), clock)
            if group_of is not None and group_of in peers.groups:
                groups.setdefault(group_of, []).append(i)
        for group, places in groups.items():
            _instants(judging, peers, group, message, clock)
            warm = peers.groups[group].warm >= 1.0
            for i in places:
                if not faulty[i]:
                    (judging.tally.scored if warm else judging.tally.warming)[i] = True
    judging.tally.watched[mine] = True


def _mode(judging: Judging, watch: Watch, i: int) -> str | None:
    """The mode in which the reading at place i is compared, "" where there is but one; None: not at all."""
    if not watch.mode_names:
        return ""
    now = judging.modes[i]
    if watch.gate is not None and not watch.gate(now):
        return None
    if watch.spec.by is None:
        return ""
    mode = now[watch.spec.by]
    return None if mode is None else str(mode)


def _instants(judging: Judging, peers: Peers, group: Group, message: int, clock: int) -> None:
    watch, engine = peers.watch, judging.engine
    for told in peers.due(group, clock, engine.intake.local, engine.roster):
        since, unit = watch.bank.learned_since(told.bank_row), engine.roster.units[told.row]
        given = {"x": told.value, "peers": told.others}
        judging.one(watch, told.row, told.time, message, clock, told.judgement, told.value, None, since, unit, given)
