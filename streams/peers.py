"""Peers watches: the machines of a line gathered into instants, each judged against the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detectors.base import Batch, Verdict
from detectors.judgement import Judgement
from schemas.partition import Level, key_of
from streams.arrays import UNSEEN
from streams.gathering import Gathering
from streams.instants import Held, Inputs, Instant
from streams.localtime import LocalTime
from streams.results import SeriesRef
from streams.roster import Roster

if TYPE_CHECKING:
    from streams.watch import Watch

Group = tuple[str, str, str]
"""Key of the line, series, and mode ("" where the watch has no `by`): machines that are compared."""

_FIRST_WAIT = 5_000_000_000
"""Wait while no machine's interval is known yet, ns."""


_PACE = 8
"""Readings over which the usual interval is learned; each counts between half and twice what it is so far."""


class PeerVerdict(NamedTuple):
    """What an instant says of one machine."""

    row: int  # roster row
    bank_row: int
    time: int
    value: float
    judgement: Judgement  # of this one machine
    others: dict[str, float]  # its peers' values, their own offsets taken off


class Peers:
    """The groups of one peers watch. Rows are the watch's own, one a machine's series (and mode).

    An instant is judged as in `Inputs`, whose inputs are here the machines; each machine is judged at the instants at
    which it has a value itself, against the last values of the others. A value that comes after its instant was judged
    is late: a peer's value, but not judged.
    """

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.gathering: Gathering[Group] = Gathering()
        self._of: dict[tuple[str, str], Group] = {}  # (asset, series) -> the group that it was in last
        self._last: dict[tuple[str, str], int] = {}  # (asset, series) -> time of its last value, for the interval
        self._wait: dict[Group, int] = {}  # learned, of the groups that have one

    def group_of(self, ref: SeriesRef, level: Level, mode: str) -> Group:
        """The group of a series in a mode."""
        return key_of(ref.path, level).decode(), ref.series, mode

    def put(
        self, ref: SeriesRef, group: Group | None, time: int, value: float | None, received: int, good: bool = True
    ) -> None:
        """Take in one reading; None: it is withheld, or (no group) outside the modes in which it is compared."""
        name = (ref.path, ref.series)
        before = self._of.get(name)
        if before is not None and before != group:
            self.gathering.put(before, ref.path, time, None, received)
            del self._of[name]
        if group is None:
            return
        inputs = self.gathering.inputs.get(group)
        if value is None and (inputs is None or ref.path not in inputs.held):
            return  # a peer begins with a value
        if inputs is None:
            spec = self.watch.spec
            inputs = self.gathering.inputs[group] = Inputs(spec.wait or _FIRST_WAIT, spec.stale)
        self._of[name] = group
        if value is not None:
            self._pace(group, inputs, name, time)
        self.gathering.put(group, ref.path, time, value, received, good)

    def _pace(self, group: Group, inputs: Inputs, name: tuple[str, str], time: int) -> None:
        """Wait for late machines as long as a machine usually takes between two readings, where the watch does not say.

        Not the shortest time between any two: machines that do not read at the same time, or a burst, would make that.
        """
        last = self._last.get(name)
        self._last[name] = time
        if self.watch.spec.wait is None and last is not None and time > last:
            wait = self._wait.get(group, time - last)
            self._wait[group] = wait + (min(max(time - last, wait // 2), 2 * wait) - wait) // _PACE
            inputs.wait_ns = self._wait[group]

    def due(self, group: Group, received: int, local: LocalTime, roster: Roster) -> Iterator[PeerVerdict]:
        """Judge the instants of a group that are ready at this clock, in order."""
        for instant in self.gathering.ready(group, received):
            yield from self._judge(group, self.gathering.inputs[group], instant, local, roster)

    def _judge(
        self, group: Group, inputs: Inputs, instant: Instant, local: LocalTime, roster: Roster
    ) -> list[PeerVerdict]:
        watch, time, (_, series, mode) = self.watch, instant.time, group
        values = np.array(instant.values)
        # `ready` has left each machine's value in force in front
        own = [i for i, name in enumerate(inputs.names) if self._reads(inputs.held[name], time, instant.values[i])]
        if not own:
            return []
        roster_rows = [roster.find(name, series) for name in inputs.names]
        rows = np.array([watch.row_of(roster, row, mode) for row in roster_rows if row is not None], dtype=np.int64)
        levelled = values - watch.bank.column("offset", rows)
        x = np.tile(np.concatenate(([np.nan], levelled)), (len(own), 1))
        x[:, 0] = values[own]
        x[np.arange(len(own)), np.array(own) + 1] = np.nan  # no machine is its own peer
        last = watch.owner["last"][rows[own]]
        dt = np.where(last == UNSEEN, np.nan, (time - np.where(last == UNSEEN, time, last)) / 1e9)
        watch.owner["last"][rows[own]] = time
        times = np.full(len(own), time, dtype=np.int64)
        batch = Batch(times, x, dt, np.full(len(own), instant.good), local.week_s(times))
        if watch.spec.frozen:
            warm = watch.owner["warm"][rows[own]] | watch.bank.warm(rows[own], batch)
            watch.owner["warm"][rows[own]] = warm
            batch = batch._replace(learn=batch.learn & ~warm)
        judged = watch.bank.run(rows[own], batch)
        inputs.warm = float(judged.verdict.warm.max())
        found = []
        for at, i in enumerate(own):
            others = {name: v for name, v in zip(inputs.names, levelled.tolist(), strict=True) if v == v}
            others.pop(inputs.names[i])
            row = roster_rows[i]
            assert row is not None
            found.append(PeerVerdict(row, int(rows[i]), time, float(values[i]), _one_of(judged, at), others))
        return found

    @staticmethod
    def _reads(held: list[Held], time: int, value: float) -> bool:
        return value == value and bool(held) and held[0][0] == time

    def snapshot(self) -> dict[str, Any]:
        """What is gathered; what was learned is the watch's."""
        return {
            "groups": [[list(group), inputs] for group, inputs in self.gathering.snapshot()],
            "of": [[asset, series, list(group)] for (asset, series), group in self._of.items()],
            "last": [[asset, series, time] for (asset, series), time in self._last.items()],
            "wait": [[list(group), wait] for group, wait in self._wait.items()],
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        self.gathering.restore((_group(group), inputs) for group, inputs in saved["groups"])
        self._of = {(asset, series): _group(group) for asset, series, group in saved["of"]}
        self._last = {(asset, series): int(time) for asset, series, time in saved["last"]}
        self._wait = {_group(group): int(wait) for group, wait in saved["wait"]}


def _group(saved: list[str]) -> Group:
    key, series, mode = saved
    return key, series, mode


def _one_of(judged: Judgement, at: int) -> Judgement:
    """The judgement of one of several readings."""
    one = slice(at, at + 1)
    v = judged.verdict
    verdict = Verdict(v.score[one], v.expected[one], v.low[one], v.high[one], v.warm[one])
    before = {0: judged.before[at]} if at in judged.before else {}
    return Judgement(judged.raw[one], judged.score[one], judged.alarm[one], judged.threshold[one], verdict, before)


def dealt(parts: list[tuple[dict[str, Any], Callable[[str], bool]]]) -> dict[str, Any]:
    """One snapshot of what goes to one place: of each snapshot, what belongs to the assets that it is asked for.

    A group goes whole, as all of its machines have one key.
    """
    out: dict[str, Any] = {"groups": [], "of": [], "last": [], "wait": []}
    for saved, takes in parts:
        gone = [group for group, inputs in saved["groups"] if inputs["names"] and takes(inputs["names"][0])]
        out["groups"] += [[group, inputs] for group, inputs in saved["groups"] if group in gone]
        out["wait"] += [[group, wait] for group, wait in saved["wait"] if group in gone]
        out["of"] += [row for row in saved["of"] if takes(row[0])]
        out["last"] += [row for row in saved["last"] if takes(row[0])]
    return out
