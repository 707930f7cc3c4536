"""Judging what is gathered: a segment's readings taken in step by step, and the instants judged that become ready."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from schemas.chunk import GOOD
from streams.blocks import Named
from streams.events import plain
from streams.gathering import Gathering
from streams.joint import Joint, JointVerdict
from streams.peers import Group, Peers, PeerVerdict
from streams.segment import Bools

if TYPE_CHECKING:
    from streams.judging import Judging
    from streams.watch import Watch

K = TypeVar("K", str, Group)


def judge_joint(judging: Judging, joint: Joint, faulty: Bools) -> None:
    """Gather a joint watch's inputs, and judge the instants that become ready."""
    seg, engine = judging.seg, judging.engine
    refs, local = engine.roster.refs, engine.intake.local

    def put(i: int, value: float | None, clock: int) -> str:
        ref = refs[int(seg.row[i])]
        joint.put(ref, int(seg.time[i]), value, clock, bool(seg.quality[i] == GOOD))
        return ref.path

    def due(asset: str, message: int, clock: int) -> None:
        for verdict in joint.due(asset, clock, local):
            _joint_verdict(judging, joint, verdict, message, clock)

    takes = np.array(joint.wanted(refs), dtype=bool)[seg.row] if len(seg.row) else np.zeros(0, dtype=bool)
    _gather(judging, joint.watch, joint.gathering, takes, faulty, put, due)


def judge_peers(judging: Judging, peers: Peers, faulty: Bools) -> None:
    """Gather a peers watch's machines, and judge the instants that become ready."""
    seg, watch, engine = judging.seg, peers.watch, judging.engine
    refs, level = engine.roster.refs, engine.site.site.site.partition_level

    def put(i: int, value: float | None, clock: int) -> Group | None:
        ref, mode = refs[int(seg.row[i])], _mode(judging, watch, i)
        group = None if mode is None else peers.group_of(ref, level, mode)
        peers.put(ref, group, int(seg.time[i]), value, clock, bool(seg.quality[i] == GOOD))
        return group

    def due(group: Group, message: int, clock: int) -> None:
        for told in peers.due(group, clock, engine.intake.local, engine.roster):
            since, unit = watch.bank.learned_since(told.bank_row), engine.roster.units[told.row]
            given = partial(_compared, told)
            judging.one(
                watch, told.row, told.time, message, clock, told.judgement, told.value, None, since, unit, given
            )

    _gather(judging, watch, peers.gathering, watch.takes(seg.row), faulty, put, due)


def _gather(
    judging: Judging, watch: Watch, gathering: Gathering[K], takes: Bools, faulty: Bools,
    put: Callable[[int, float | None, int], K | None], due: Callable[[K, int, int], None],
) -> None:  # fmt: skip
    """Take in the readings that a watch takes, (n,), and judge what becomes ready.

    `put` takes in the reading at a place, at a clock, and says of which row it is, if of any; one in fault is put as
    None, as it is to be known that its sensor is out. `due` judges a row's instants by a message and its clock.
    """
    seg, tally = judging.seg, judging.tally
    mine = np.flatnonzero(takes & seg.numeric)
    usable = mine[seg.new[mine]]
    muted = judging.engine.mutes.mask(watch.spec.name, judging.engine.roster.refs, joint=watch.joint)
    if muted is not None:
        usable = usable[~muted[seg.row[usable]]]
        tally.muted[mine] |= muted[seg.row[mine]]
    by_step: dict[int, list[int]] = {}
    for i in usable.tolist():
        by_step.setdefault(int(seg.step[i]), []).append(i)
    for step, (message, clock) in enumerate(zip(seg.messages.tolist(), seg.received.tolist(), strict=True)):
        # deadlines first, in their order and at their own time: they passed on the way to this step
        while (passed := gathering.passed(clock)) is not None:
            deadline, key = passed
            due(key, message, deadline)
        rows: dict[K, list[int]] = {}
        for i in by_step.get(step, []):
            into = put(i, None if faulty[i] else float(seg.value[i]), clock)
            if into is not None and into in gathering.inputs:  # not where there were but readings in fault so far
                rows.setdefault(into, []).append(i)
        for key, places in rows.items():
            due(key, message, clock)
            warm = gathering.inputs[key].warm >= 1.0
            for i in places:
                if not faulty[i]:
                    (tally.scored if warm else tally.warming)[i] = True
    tally.watched[mine] = True


def _joint_verdict(judging: Judging, joint: Joint, verdict: JointVerdict, message: int, clock: int) -> None:
    watch, j, engine = joint.watch, verdict.judgement, judging.engine
    row = engine.roster.find(verdict.asset, watch.spec.name)
    if row is None:
        row = engine.roster.add(verdict.asset, watch.spec.name, None, derived=True)
        engine.intake.seen.grow(1)
    shares = None
    if j.verdict.contribution is not None:
        shares = dict(zip(verdict.names, np.nan_to_num(j.verdict.contribution[0]).tolist(), strict=True))
    if verdict.first:
        watch.lives.pop(row, None)

    def told() -> tuple[dict[str, Any], Named]:
        words, given = joint.tell(verdict)
        inputs = {name: plain(value) for name, value in zip(verdict.names, verdict.values, strict=True)}
        return {"inputs": inputs, "out": verdict.out, **given}, (watch.detector.kind, words)

    since = joint.learned_since(verdict.asset)
    judging.one(watch, row, verdict.time, message, clock, j, float("nan"), shares, since, None, told)


def _compared(told: PeerVerdict) -> tuple[dict[str, Any], None]:
    return {"x": told.value, "peers": told.others}, None


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
