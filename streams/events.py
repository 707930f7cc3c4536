"""Anomaly events from changes of episodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas.anomaly import AnomalyEvent, Detector, episode_id_of, event_id_of
from streams.episodes import Change, Step
from streams.messages import message
from streams.resolve import ResolvedSite
from streams.roster import Roster
from streams.watch import Watch


class Facts(NamedTuple):
    """What is known of the verdict behind a change."""

    received: int
    value: float
    expected: float
    low: float
    high: float
    unit: str | None
    warm: float
    learned_since: int | None
    decision: dict[str, Any]
    contribution: dict[str, float] | None
    silence: bool  # a deadline caused it, not a reading


class Events:
    """Makes events under one site."""

    def __init__(self, roster: Roster, site: ResolvedSite) -> None:
        self.roster = roster
        self.site = site

    def episode_id(self, watch: Watch, roster_row: int, time: int) -> str:
        """Id of the episode that opens on a series at `time`."""
        ref = self.roster.refs[roster_row]
        return episode_id_of(ref.path, ref.series, watch.spec.name, time, watch.detector.kind)

    def make(self, watch: Watch, roster_row: int, change: Change, facts: Facts) -> AnomalyEvent:
        """The event of one change."""
        ref = self.roster.refs[roster_row]
        episode, step = change.episode, change.step
        options = self.site.site.site
        words = {
            "asset": ref.asset,
            "series": ref.series,
            "watch": watch.spec.name,
            "unit": facts.unit,
            **{name: _known(getattr(facts, name)) for name in ("value", "expected", "low", "high")},
        }
        key = (
            watch.detector.kind
            if change.phase != "closed"
            else "reconfigured"
            if change.reason != "recovered"
            else "closed"
        )
        # silence is judged by arrival, so it is news when its deadline passes, however old the series' last time is
        backfill = not facts.silence and facts.received - step.time > options.page_within
        return AnomalyEvent(
            time=step.time,
            received=facts.received,
            detected=None,
            event_id=event_id_of(episode.id, change.phase, episode.ordinal),
            episode_id=episode.id,
            ordinal=episode.ordinal,
            phase=change.phase,
            asset=ref.path,
            series=ref.series,
            watch=watch.spec.name,
            detector=Detector(kind=watch.detector.kind, state_version=watch.detector.state_version),
            config=self.site.hash,
            severity=episode.severity,
            score=_known(step.score),
            peak=episode.peak,
            value=_known(facts.value),
            expected=_known(facts.expected),
            low=_known(facts.low),
            high=_known(facts.high),
            unit=facts.unit,
            contribution=facts.contribution,
            started=episode.started,
            ended=step.time if change.phase == "closed" else None,
            reason=change.reason,
            backfill=backfill,
            warm=facts.warm,
            learned_since=facts.learned_since,
            message=message(key, list(options.languages), **words),
            runbook=f"#{watch.detector.kind.replace('_', '-')}",
            decision=facts.decision,
        )

    def ended(self, watch: Watch, received: int, rows: list[int]) -> Iterator[AnomalyEvent]:
        """Events that close the open episodes of a watch, or of some of its rows, that are no more."""
        nan = float("nan")
        for row in sorted(set(rows) & watch.episodes.open.keys()):
            episode = watch.episodes.open.pop(row)
            episode.ordinal += 1
            roster_row = row if watch.joint or watch.waves else int(watch.owner["row"][row])
            unit = self.roster.units[roster_row]
            facts = Facts(received, nan, nan, nan, nan, unit, 1.0, None, {}, None, False)
            change = Change("closed", Step(row, received, nan, False, -1), episode, "reconfigured")
            yield self.make(watch, roster_row, change, facts)


def _known(number: float) -> float | None:
    """None for what is no number: JSON has no NaN."""
    return number if abs(number) < float("inf") else None
