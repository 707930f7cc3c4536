"""The engine: one partition's log in, results out. Pure: no clock, no network, no files.

The worker, the scorer, replay and the demo all drive this class; there is no other way in or out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np

from detectors.base import Copy, Detector
from detectors.registry import REGISTRY, build
from schemas.chunk import BAD, READING, Chunk
from streams import outcomes
from streams.arrays import UNSEEN
from streams.at_stake import Stakes
from streams.binned_watch import BinnedWatch
from streams.collect import AFTER, BEFORE, Collector
from streams.commands import Ledger, decide
from streams.configure import Assembly, same_learning
from streams.events import Events
from streams.intake import Intake
from streams.joint import Joint
from streams.judging import Judging
from streams.judging_figures import judge_figures
from streams.judging_gathered import judge_joint, judge_peers
from streams.kpi.baseline_rows import audit_of
from streams.kpi.kpis import Kpis
from streams.modes import Modes
from streams.mutes import Mutes
from streams.muting import Moment, end_mutes, only_a_tick
from streams.peers import Peers
from streams.resolve import ResolvedSite, from_payload
from streams.results import Rejection, Results, WatchRef
from streams.roster import Roster
from streams.watch import Watch

Rows = Literal["all", "stored", "none"]
_FREE = nullcontext()


class Engine:
    """One partition's engine. All of its state is in arrays and plain data.

    `rows` says which rows results hold, and changes nothing else: all verdicts in input order, with the points; those
    to store, by watch; or none.

    >>> from streams.resolve import resolve
    >>> from streams.site import Site
    >>> Engine(0, 1, resolve(Site())).next_offset
    0
    """

    def __init__(
        self,
        partition: int,
        partitions: int,
        site: ResolvedSite,
        registry: dict[str, type[Detector[Any]]] | None = None,
        rows: Rows = "all",
    ) -> None:
        self.rows = rows
        self.partition = partition
        self.partitions = partitions
        self.registry = REGISTRY if registry is None else registry
        self.received = UNSEEN
        self.next_offset = 0
        self.roster = Roster(site.site)
        self.intake = Intake(partition, partitions, self.roster)
        self.modes = Modes()
        self.watches: list[Watch] = []
        self.joints: list[Joint] = []
        self.peers: list[Peers] = []
        self.table: list[WatchRef] = []
        self.assembly = Assembly()
        self.ledger = Ledger()
        self.mutes = Mutes()
        self.charge: Callable[[str], AbstractContextManager[None]] = lambda watch: _FREE
        """Entered while a watch is judged, for who wants to know what that costs; the engine itself has no clock."""
        self.kpis = Kpis(site)
        self.take_up(site, Collector(), -1)

    def feed(self, chunk: Chunk) -> Results:
        """Judge the messages of a chunk; messages below `next_offset` have been fed already and must not come again."""
        out = Collector()
        received = (
            np.maximum.accumulate(np.maximum(chunk.received, self.received)) if chunk.messages else chunk.received
        )
        for name, n in chunk.notes.items():
            out.count(name, n)
        first = 0
        for message, control in chunk.controls:
            if control.kind != "tick":
                # the record itself still advances the clock under the old configuration
                self._advance(chunk, first, message + 1, received, out)
                first = message + 1
                at = Moment(message, AFTER, int(received[message]))
                decide(self, control, int(chunk.offset[message]), at, out)
        self._advance(chunk, first, chunk.messages, received, out)
        if chunk.messages:
            self.next_offset = int(chunk.offset[-1]) + 1
        ordered = self.rows == "all"
        return out.results(self.partition, self.next_offset, self.received, self.roster.refs, self.table, ordered)

    def _advance(self, chunk: Chunk, first: int, last: int, received: Any, out: Collector) -> None:
        """Take messages [first, last) in segments; a segment ends where a mute does, so none sees two sets of mutes."""
        while first < last and (over := self.mutes.next_end()) is not None and over <= received[last - 1]:
            at = first + int(np.searchsorted(received[first:last], over))
            self._segment(chunk, first, at, received, out)
            if self.received < over - 1:
                # deadlines up to the mute's end pass under it, whichever message notices: as a tick there would tell
                clock = received.copy()
                clock[at] = over - 1
                self._segment(only_a_tick(chunk, at), at, at + 1, clock, out)
            end_mutes(self, Moment(at, BEFORE, over), out)
            first = at
        self._segment(chunk, first, last, received, out)

    def _segment(self, chunk: Chunk, first: int, last: int, received: Any, out: Collector) -> None:
        if first == last:
            return
        seg = self.intake.take(chunk, first, last, received, out)
        for place in chunk.rejects:
            # cells of a message that is judged elsewhere, or was before, are counted there
            if first <= place.message < last and (
                chunk.kind[place.message] != READING or seg.ours[place.message - first]
            ):
                record = chunk.records[place.message] if chunk.records else None
                out.reject(Rejection(place, record, int(received[place.message])), max(place.cells, 1))
        self.received = int(received[last - 1])
        fresh = np.unique(seg.row[seg.numeric & ~self.roster.columns["admitted"][seg.row]])
        self.roster.columns["admitted"][fresh] = True
        for watch in self.watches:
            if not watch.joint and not watch.waves and not watch.lazy and not watch.figures:
                watch.admit(self.roster, *fresh.tolist())
        judging = Judging(self, chunk, seg, received, out)
        judging.remember_modes()
        absent = np.isnan(seg.value) | (seg.quality == BAD)
        faulty = absent
        alone = [w for w in self.watches if not w.by_roster and not w.figures]
        for watch in (w for w in alone if w.detector.health):
            with self.charge(watch.spec.name):
                faulty = faulty | judging.series(watch, absent)
        for watch in (w for w in alone if not w.detector.health):
            with self.charge(watch.spec.name):
                judging.series(watch, faulty)
        for joint in self.joints:
            with self.charge(joint.watch.spec.name):
                judge_joint(judging, joint, faulty)
        for peers in self.peers:
            with self.charge(peers.watch.spec.name):
                judge_peers(judging, peers, faulty)
        judging.waveforms()
        out.kpis += self.kpis.take(seg, self.roster, faulty)
        out.warnings += self.kpis.warned()
        for message, notice in self.kpis.noticed():
            at = int(chunk.offset[message]), int(received[message])
            out.audits.append(audit_of(notice, self.partition, *at, self.site.hash))
        judge_figures(self, chunk, seg.received, seg.messages, out)
        outcomes.count(seg, judging.tally, out)
        if self.rows != "none":
            outcomes.store(seg, self.roster, out)

    def finish(self, end: Chunk) -> Results:
        """What is still to be told of key figures when a file is over, as if the log's clock had gone on; the chunk
        `end` is one message, at which it is told."""
        out = Collector()
        out.kpis += self.kpis.finish()
        over = np.array([max((clock for clock, _ in self.kpis.finals), default=self.received)])
        judge_figures(self, end, over, np.zeros(1, dtype=np.int64), out)
        return out.results(self.partition, self.next_offset, self.received, self.roster.refs, self.table)

    def take_up(self, site: ResolvedSite, out: Collector, message: int) -> int:
        """Change over to a site: watches that are the same in what they learn keep it, the others start or end.

        Says how many rows have lost what they had learned.
        """
        lost = 0
        self.site = site
        was = [self.roster.declared(ref.path, ref.series) for ref in self.roster.refs]
        self.roster.configure(site.site)
        self.intake.configure(site)
        self.events = Events(self.roster, site)
        self.stakes = Stakes(self.roster, site)
        self.kpis.configure(site)
        kept = {w.spec.name: w for w in self.watches}
        joints = {j.watch.spec.name: j for j in self.joints}
        compared = {p.watch.spec.name: p for p in self.peers}
        watches: list[Watch] = []
        self.joints, self.peers = [], []
        for spec in site.site.watch:
            detector = build(spec.detector, self.registry)
            old = kept.get(spec.name)
            if old is not None and same_learning(old, spec, detector):
                del kept[spec.name]
                old.configure(spec, detector)
                watch = old
                ended = old.redeclare(self.roster, was)
                lost += len(ended)
                for event, again in self.events.ended(old, max(self.received, 0), ended):
                    out.event(message, AFTER, old.index, event, again)
            else:
                watch = (BinnedWatch if detector.binned else Watch)(spec, detector, len(self.table))
                alone = watch.by_roster or watch.figures or detector.binned
                self.table.append(WatchRef(spec.name, detector.kind, alone))
                if not watch.joint and not watch.waves and not watch.lazy:
                    watch.admit(self.roster, *np.flatnonzero(self.roster.columns["admitted"]).tolist())
            watches.append(watch)
            if watch.joint:
                joint = joints[spec.name] if old is watch else Joint(watch)
                joint.configure()
                self.joints.append(joint)
            elif watch.compares:
                self.peers.append(compared[spec.name] if old is watch else Peers(watch))
        for watch in kept.values():
            lost += joints[watch.spec.name].rows if watch.joint else watch.bank.rows
            for event, again in self.events.ended(watch, max(self.received, 0), list(watch.episodes.open)):
                out.event(message, AFTER, watch.index, event, again)
        self.watches = watches
        return lost

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """All state, as arrays and plain data; a new engine that takes it up goes on as if never stopped.

        `copy` is for the large arrays.
        """
        return {
            "next_offset": self.next_offset,
            "received": self.received,
            "site": self.site.model_dump(mode="json"),
            "roster": self.roster.snapshot(copy),
            "intake": self.intake.snapshot(),
            "modes": self.modes.snapshot(),
            "assembly": self.assembly.snapshot(),
            "ledger": self.ledger.snapshot(),
            "mutes": self.mutes.snapshot(),
            "kpis": self.kpis.snapshot(),
            "table": [list(ref) for ref in self.table],
            "watches": {w.spec.name: w.snapshot(copy) for w in self.watches},
            "joints": {j.watch.spec.name: j.snapshot(copy) for j in self.joints},
            "peers": {p.watch.spec.name: p.snapshot() for p in self.peers},
        }

    def restore(self, saved: dict[str, Any]) -> list[str]:
        """Take up what `snapshot` gave; says, a line each, which watches could not take theirs up and start afresh."""
        self.next_offset, self.received = int(saved["next_offset"]), int(saved["received"])
        self.watches, self.joints, self.peers, self.table = [], [], [], []
        self.roster.restore(saved["roster"])
        self.roster.columns["admitted"][:] = False
        self.take_up(from_payload(saved["site"]), Collector(), -1)
        self.roster.restore(saved["roster"])
        self.intake.restore(saved["intake"])
        self.modes.restore(saved["modes"])
        self.assembly.restore(saved["assembly"])
        self.ledger.restore(saved["ledger"])
        self.mutes.restore(saved["mutes"])
        if "kpis" in saved:  # not in what was saved before there were key figures
            self.kpis.restore(saved["kpis"])
        self.table = [WatchRef(*ref) for ref in saved["table"]]
        for peers in self.peers:
            peers.restore(saved["peers"][peers.watch.spec.name])
        afresh = []
        for watch in self.watches:
            if not watch.restore(saved["watches"][watch.spec.name], self.roster):
                afresh.append(
                    f"watch {watch.spec.name!r} starts learning afresh: {watch.detector.kind} keeps its state in "
                    f"another form now (version {watch.detector.state_version})"
                )
            elif watch.joint:
                joint = next(j for j in self.joints if j.watch is watch)
                joint.restore(saved["joints"][watch.spec.name], int(saved["watches"][watch.spec.name]["state_version"]))
        return afresh
