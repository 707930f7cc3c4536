"""What stands: open episodes, mutes, proposed baselines, and what became of commands; made from two topics alone.

`anomaly.v1` and `audit.v1` say all of it, so a board needs no store and no worker, and any number of boards agree.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple

from schemas.anomaly import AnomalyEvent
from schemas.audit import Audit

CLOSED = 2_000
"""Episodes that are over and still known, the newest."""
DECIDED = 2_000
"""Rows of the audit that are still known, the newest."""
EVENTS = 100
"""Events of an episode that are kept: the first, and the newest."""


class Episode(NamedTuple):
    """An episode and what is known of its course."""

    first: AnomalyEvent
    later: tuple[AnomalyEvent, ...] = ()

    @property
    def last(self) -> AnomalyEvent:
        """What was said of it last."""
        return self.later[-1] if self.later else self.first

    @property
    def events(self) -> tuple[AnomalyEvent, ...]:
        """Its course; of a long one the first event and the newest."""
        return (self.first, *self.later)

    def with_event(self, event: AnomalyEvent) -> Episode:
        """The episode after one more event."""
        return Episode(self.first, (*self.later, event)[-(EVENTS - 1) :])


class Mute(NamedTuple):
    """A mute in force: its target, its end by the log's clock, and the row that ordered it."""

    asset: str
    series: str
    watch: str
    until: int
    audit: Audit


class Decided(NamedTuple):
    """A decision and what became of it on all partitions that it came to."""

    row: Audit
    """What the partition said that it was for; of a decision that all refused, what the first one said."""
    partitions: int
    affected: int


class Standing:
    """Takes events and audit rows in the order of their partitions, again and again if need be, and says what stands.

    >>> standing = Standing(); len(standing.open()), standing.proposals()
    (0, [])
    """

    def __init__(self) -> None:
        self.revision = 0
        """Goes up with whatever changes what is shown."""
        self._open: dict[str, Episode] = {}
        self._closed: OrderedDict[str, Episode] = OrderedDict()
        self._audits: deque[Audit] = deque()
        self._known: set[str] = set()  # ids of these rows
        self._mutes: dict[tuple[str, str, str], dict[int, Mute]] = {}  # by target, then partition
        self._proposals: dict[str, Audit] = {}  # by asset: a machine has one at a time

    # --- what comes in

    def take_event(self, event: AnomalyEvent) -> None:
        """Take in an event of an episode; one that came before changes nothing."""
        episode_id = event.episode_id
        if episode_id in self._closed:
            return
        known = self._open.get(episode_id)
        if known is not None and event.ordinal <= known.last.ordinal:
            return
        episode = Episode(event) if known is None else known.with_event(event)
        self.revision += 1
        if event.phase != "closed":
            self._open[episode_id] = episode
            return
        self._open.pop(episode_id, None)
        self._closed[episode_id] = episode
        if len(self._closed) > CLOSED:
            self._closed.popitem(last=False)

    def take_audit(self, row: Audit) -> None:
        """Take in a decision."""
        if row.audit_id in self._known:
            return
        self.revision += 1
        self._known.add(row.audit_id)
        self._audits.append(row)
        if len(self._audits) > DECIDED:
            self._known.discard(self._audits.popleft().audit_id)
        if row.kind == "baseline":
            self._take_baseline(row)
        elif row.outcome == "accepted" and row.kind == "mute":
            self._take_mute(row)
        elif row.outcome == "accepted" and row.kind in ("approve", "reject"):
            decided = row.detail.get("proposal")
            self._proposals = {a: p for a, p in self._proposals.items() if p.detail.get("proposal") != decided}

    def _take_baseline(self, row: Audit) -> None:
        asset = str(row.detail.get("asset"))
        if row.outcome == "proposed":
            self._proposals[asset] = row
        else:  # a baseline that is accepted begins anew, one that is withdrawn fits again
            self._proposals.pop(asset, None)

    def _take_mute(self, row: Audit) -> None:
        if row.target is None or row.target.asset is None:
            return
        key = (row.target.asset, row.target.series, row.target.watch)
        until = int(row.detail.get("until", 0))
        of = self._mutes.setdefault(key, {})
        of.pop(row.partition, None)
        if until > row.received:
            of[row.partition] = Mute(*key, until, row)
        if not of:
            del self._mutes[key]

    # --- what stands

    def open(self) -> list[Episode]:
        """Open episodes, the worst first, of equal ones the newest."""
        return sorted(self._open.values(), key=lambda e: (-e.last.severity, -e.last.started, e.last.episode_id))

    def closed(self) -> list[Episode]:
        """Episodes that are over, the newest end first."""
        return sorted(self._closed.values(), key=lambda e: (-(e.last.ended or e.last.time), e.last.episode_id))

    def episode(self, episode_id: str) -> Episode | None:
        """An episode by its id."""
        return self._open.get(episode_id) or self._closed.get(episode_id)

    def mutes(self, now: int) -> list[Mute]:
        """Mutes in force at a time (ns), the one that ends first first."""
        latest = [max(of.values(), key=lambda mute: mute.until) for of in self._mutes.values()]
        return sorted((mute for mute in latest if mute.until > now), key=lambda mute: (mute.until, mute[:3]))

    def proposals(self) -> list[Audit]:
        """Baselines that wait for a person's word, the newest first."""
        return sorted(self._proposals.values(), key=lambda row: -row.received)

    def decisions(self) -> list[Decided]:
        """What was decided, the newest first; a command that went to many partitions is one decision."""
        rows: dict[str, list[Audit]] = {}
        for row in self._audits:
            rows.setdefault(row.command_id or row.audit_id, []).append(row)
        found = []
        for said in rows.values():
            told = max(said, key=lambda row: (row.outcome == "accepted", row.outcome != "refused", row.affected))
            found.append(Decided(told, len({row.partition for row in said}), sum(row.affected for row in said)))
        return sorted(found, key=lambda each: (-each.row.received, each.row.partition, -each.row.offset))

    def answers(self, command_id: str) -> dict[int, Audit]:
        """What the partitions said to a command; the first word of each counts, the rest are repeats."""
        found: dict[int, Audit] = {}
        for row in self._audits:
            if row.command_id == command_id:
                found.setdefault(row.partition, row)
        return found
