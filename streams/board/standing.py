"""What stands: open episodes, mutes, proposed baselines, and what became of commands; made from two topics alone.

`anomaly.v1` and `audit.v1` say all of it, so a board needs no store and no worker, and any number of boards agree.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.anomaly import AnomalyEvent
from schemas.audit import Audit

CLOSED = 2_000
"""Episodes that are over and still known, the newest."""
DECIDED = 2_000
"""Rows of the audit that are still known, the newest."""
EVENTS = 100
"""Events of an open episode that are kept: the first, and the newest."""
EVENTS_CLOSED = 20
"""The same of one that is over."""
REMEMBERED = 200_000
"""Ids of episodes that are over, so that none opens again whatever is read again."""
_SLACK = 1.1
"""What is kept of may grow by this much before it is cut."""


class Episode(NamedTuple):
    """An episode and what is known of its course; `partition` is that of the engine that tells of it."""

    first: AnomalyEvent
    partition: int = 0
    later: tuple[AnomalyEvent, ...] = ()

    @property
    def last(self) -> AnomalyEvent:
        """What was said of it last."""
        return self.later[-1] if self.later else self.first

    @property
    def events(self) -> tuple[AnomalyEvent, ...]:
        """Its course; of a long one the first event and the newest."""
        return (self.first, *self.later)

    def with_event(self, event: AnomalyEvent, partition: int) -> Episode:
        """The episode after one more event."""
        most = (EVENTS if event.phase != "closed" else EVENTS_CLOSED) - 1
        return Episode(self.first, partition, (*self.later, event)[-most:])

    @property
    def ended(self) -> int:
        """When it ended, or was told of last."""
        return self.last.ended or self.last.time


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
        self._open: dict[str, Episode] = {}
        self._closed: dict[str, Episode] = {}
        self._over: dict[str, None] = {}  # ids of all that are over
        self._audits: list[Audit] = []
        self._known: set[str] = set()  # ids of these rows
        self._mutes: dict[tuple[str, str, str], dict[int, Audit]] = {}  # by target, then partition
        self._proposals: dict[str, Audit] = {}  # by asset: a machine has one at a time
        self._decided: set[str] = set()  # proposals that are no more
        self._unknown: dict[str, Audit] = {}  # episodes of which an engine says that it has none such

    # --- what comes in

    def take_event(self, event: AnomalyEvent, partition: int = 0) -> None:
        """Take in an event of an episode; one that came before changes nothing."""
        episode_id = event.episode_id
        if episode_id in self._over:
            return
        known = self._open.get(episode_id)
        if known is not None and event.ordinal <= known.last.ordinal:
            return
        episode = Episode(event, partition) if known is None else known.with_event(event, partition)
        if event.phase != "closed":
            self._open[episode_id] = episode
            return
        self._open.pop(episode_id, None)
        self._closed[episode_id] = episode
        self._over[episode_id] = None
        # partitions are read one after the other: the newest are not those that were read last
        if len(self._closed) > _SLACK * CLOSED:
            self._closed = {e.last.episode_id: e for e in self.closed()[:CLOSED]}
        while len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]

    def take_audit(self, row: Audit) -> None:
        """Take in a decision. Raises ValueError, TypeError or KeyError for a row that says less than it must."""
        if row.audit_id in self._known:
            return
        if row.kind == "baseline":
            self._take_baseline(row)
        elif row.kind == "mute" and row.outcome == "accepted":
            self._take_mute(row)
        elif row.kind in ("approve", "reject"):
            self._take_word(row)
        self._known.add(row.audit_id)
        self._audits.append(row)
        if len(self._audits) > _SLACK * DECIDED:
            self._audits = sorted(self._audits, key=lambda each: each.received)[-DECIDED:]
            self._known = {each.audit_id for each in self._audits}

    def _take_baseline(self, row: Audit) -> None:
        asset = str(row.detail["asset"])
        if row.outcome != "proposed":  # accepted, it begins anew; withdrawn, it fits again
            self._proposals.pop(asset, None)
            return
        int(row.detail["began"]), float(row.detail["per_period"]), str(row.detail["step"])
        if row.detail["proposal"] not in self._decided:
            self._proposals[asset] = row

    def _take_word(self, row: Audit) -> None:
        """Somebody has decided; or there was nothing to decide: what no engine knows is not offered again."""
        proposal = row.detail.get("proposal")
        if proposal is not None:
            if row.outcome == "accepted" or any(p.partition == row.partition for p in self._of(proposal)):
                self._decided.add(proposal)
                for gone in self._of(proposal):
                    del self._proposals[str(gone.detail["asset"])]
        elif row.outcome == "refused" and row.target is not None and row.target.episode is not None:
            self._unknown[f"{row.target.episode} {row.partition}"] = row

    def _of(self, proposal: str) -> list[Audit]:
        return [row for row in self._proposals.values() if row.detail["proposal"] == proposal]

    def _take_mute(self, row: Audit) -> None:
        if row.target is None or row.target.asset is None:
            return
        key = (row.target.asset, row.target.series, row.target.watch)
        int(row.detail["until"])
        # one machine belongs to one partition, which may have become another since
        place = row.partition if row.target.exact_asset is None else 0
        known = self._mutes.setdefault(key, {}).get(place)
        if known is None or row.received >= known.received:
            self._mutes[key][place] = row

    # --- what stands

    def open(self) -> list[Episode]:
        """Open episodes, the worst first, of equal ones the newest."""
        there = [episode for episode in self._open.values() if not self.unknown(episode)]
        return sorted(there, key=lambda e: (-e.last.severity, -e.last.started, e.last.episode_id))

    def unknown(self, episode: Episode) -> bool:
        """Whether the engine that told of an episode has since said that it has none such: its state was dropped."""
        said = self._unknown.get(f"{episode.last.episode_id} {episode.partition}")
        return said is not None and episode.last.phase != "closed" and said.received >= episode.last.received

    def closed(self) -> list[Episode]:
        """Episodes that are over, the newest end first."""
        return sorted(self._closed.values(), key=lambda e: (-e.ended, e.last.episode_id))

    def episode(self, episode_id: str) -> Episode | None:
        """An episode by its id."""
        return self._open.get(episode_id) or self._closed.get(episode_id)

    def mutes(self, now: int) -> list[Mute]:
        """Mutes in force at a time (ns), the one that ends first first."""
        found = []
        for key, of in self._mutes.items():
            row = max(of.values(), key=lambda row: int(row.detail["until"]))
            until = int(row.detail["until"])
            if until > max(now, row.received):
                found.append(Mute(*key, until, row))
        return sorted(found, key=lambda mute: (mute.until, mute[:3]))

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
        for row in sorted(self._audits, key=lambda each: each.received):
            if row.command_id == command_id:
                found.setdefault(row.partition, row)
        return found
