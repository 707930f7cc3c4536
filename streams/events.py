"""Anomaly events from changes of episodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from detectors.judgement import Judgement
from schemas.anomaly import AnomalyEvent, Detector, episode_id_of, event_id_of, heading_of
from streams.episodes import Change, Step, accrue
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
    named: tuple[str, dict[str, float | str]] | None = None  # key of its message, and words beside the usual ones


def facts_of(watch: Watch, judged: Judgement, at: int, value: float, received: int, unit: str | None) -> Facts:
    """What is known of the verdict at a place of a judgement."""
    v = judged.verdict
    decision: dict[str, Any] = {
        "raw": plain(float(judged.raw[at])),
        "threshold": float(judged.threshold[at]),
        "rule": watch.calibration.rule,
        "options": watch.detector.model_dump(mode="json"),
    }
    if at in judged.before:
        decision["state"] = {name: plain(x) for name, x in judged.before[at].items()}
    expected, low, high, warm = (float(a[at]) for a in (v.expected, v.low, v.high, v.warm))
    return Facts(received, value, expected, low, high, unit, warm, None, decision, None, False)


def plain(x: Any) -> Any:
    """A number that JSON can carry; what is none becomes a word."""
    return str(x) if isinstance(x, float) and not abs(x) < float("inf") else x


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
            **(facts.named[1] if facts.named else {}),
            **{name: _known(getattr(facts, name)) for name in ("value", "expected", "low", "high")},
        }
        key = facts.named[0] if facts.named else watch.detector.kind
        key = "unfit" if step.unfit else key
        key = key if change.phase != "closed" else change.reason or "recovered"
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
            cost_per_hour=episode.cost_per_hour,
            kwh_per_hour=episode.kwh_per_hour,
            kgco2e_per_hour=episode.kgco2e_per_hour,
            cost_total=episode.cost_total,
            kwh_total=episode.kwh_total,
            kgco2e_total=episode.kgco2e_total,
            message=message(key, list(options.languages), **words),
            runbook=heading_of(watch.detector.kind),
            decision=facts.decision,
        )

    def ended(
        self, watch: Watch, received: int, rows: list[int], reason: str = "reconfigured"
    ) -> Iterator[tuple[AnomalyEvent, bool]]:
        """Events that close open episodes of a watch over the head of its scores.

        Each with whether it has the time of its episode's event before.
        """
        nan = float("nan")
        for row in sorted(set(rows) & watch.episodes.open.keys()):
            episode = watch.episodes.open.pop(row)
            time = max(received, episode.told)  # readings may be ahead of the clock; an end is not before its beginning
            again = episode.told == time
            episode.ordinal += 1
            accrue(episode, time)
            roster_row = row if watch.by_roster else int(watch.owner["row"][row])
            unit = self.roster.units[roster_row]
            facts = Facts(received, nan, nan, nan, nan, unit, 1.0, None, {}, None, False)
            change = Change("closed", Step(row, time, nan, False, -1), episode, reason)
            yield self.make(watch, roster_row, change, facts), again


def _known(number: float) -> float | None:
    """None for what is no number: JSON has no NaN."""
    return number if abs(number) < float("inf") else None
