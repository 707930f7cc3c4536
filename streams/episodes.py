"""Episodes: an alarm opens one, worse escalates it, lasting calm closes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.anomaly import Phase
from streams.at_stake import NOTHING, Stake
from streams.materiality import Weight
from streams.severity import band_index, severity_of

CLOSE_AT = 0.8
"""Below this score a row is calm."""


@dataclass
class Episode:
    """One open episode; plain data."""

    id: str
    started: int
    ordinal: int
    severity: int
    peak: float
    calm_since: int | None
    told: int  # time of its last event
    again: bool = False  # its last event has the time of the one before
    cost_per_hour: float | None = None  # as of its last reading
    cost_total: float | None = None
    costed: int = 0  # time up to which the totals are
    kwh_per_hour: float | None = None
    kwh_total: float | None = None
    kgco2e_per_hour: float | None = None
    kgco2e_total: float | None = None
    costs_for: int | None = None  # so long the rates go on without a reading, ns


class Step(NamedTuple):
    """What one reading, or one silence, of a row says."""

    row: int
    time: int
    score: float
    alarm: bool
    at: int  # where its details stand, for whoever asked
    unfit: bool = False  # what it tells is that the model no longer fits
    weight: Weight | None = None  # what is declared to matter of it
    stake: Stake = NOTHING  # what it costs an hour

    @property
    def severity(self) -> int:
        """From what matters, where that is declared, else from the score; what is at stake may raise it."""
        size = None if self.weight is None else self.weight.size
        return severity_of(max(self.score if size is None else size, self.stake.size or 0.0))


class Change(NamedTuple):
    """A change of an episode: what an event is made from."""

    phase: Phase
    step: Step
    episode: Episode  # as it is after the change
    reason: str | None


class Episodes:
    """Open episodes of one watch, by row."""

    def __init__(self, off_delay_ns: int, severity: int | None) -> None:
        self.off_delay_ns = off_delay_ns
        self.severity = severity
        self.open: dict[int, Episode] = {}

    def relevant(self, rows: NDArray[np.int64], alarm: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Positions of readings that can change an episode: of rows with one open, or with an alarm here."""
        if not self.open and not alarm.any():
            return np.zeros(0, dtype=np.int64)
        concerned = np.union1d(np.fromiter(self.open, dtype=np.int64), rows[alarm])
        return np.flatnonzero(np.isin(rows, concerned))

    def apply(self, steps: Iterable[Step], name: Any) -> Iterator[Change]:
        """Changes that follow from steps in log order. `name(row, time)` gives the id of an episode that opens."""
        for step in steps:
            episode = self.open.get(step.row)
            if episode is None:
                if step.alarm:
                    severity = self.severity or step.severity
                    episode = Episode(name(step.row, step.time), step.time, 0, severity, step.score, None, step.time)
                    self.open[step.row] = episode
                    _cost(episode, step)
                    yield Change("opened", step, Episode(**asdict(episode)), None)
            elif step.score == step.score:  # no opinion changes nothing
                yield from self._go_on(episode, step)

    def _go_on(self, episode: Episode, step: Step) -> Iterator[Change]:
        episode.peak = max(episode.peak, step.score)
        _cost(episode, step)
        severity = self.severity or step.severity
        worse = band_index(severity) > band_index(episode.severity)
        episode.severity = max(episode.severity, severity)
        if step.alarm or worse:
            _tell(episode, step)
            yield Change("escalated", step, Episode(**asdict(episode)), None)
        if step.score >= CLOSE_AT:
            episode.calm_since = None
            return
        if episode.calm_since is None:
            episode.calm_since = step.time
        if step.time - episode.calm_since >= self.off_delay_ns:
            _tell(episode, step)
            del self.open[step.row]
            yield Change("closed", step, Episode(**asdict(episode)), "recovered")

    def snapshot(self) -> list[Any]:
        """Open episodes as plain data."""
        return [[row, asdict(episode)] for row, episode in self.open.items()]

    def restore(self, saved: list[Any]) -> None:
        """Take up what `snapshot` gave."""
        self.open = {int(row): Episode(**fields) for row, fields in saved}


_RATES = (("cost_per_hour", "cost_total"), ("kwh_per_hour", "kwh_total"), ("kgco2e_per_hour", "kgco2e_total"))


def _cost(episode: Episode, step: Step) -> None:
    """Add what the time since the last reading has cost, at the rates of then, and take up those of now."""
    accrue(episode, step.time)
    stake = step.stake
    now = (stake.cost, stake.kwh, stake.kgco2e)
    if all(rate is None for rate in now):
        return
    episode.costed, episode.costs_for = max(step.time, episode.costed), stake.hold
    for (name, total), rate in zip(_RATES, now, strict=True):
        if rate is not None:
            setattr(episode, name, rate)
            setattr(episode, total, getattr(episode, total) or 0.0)


def accrue(episode: Episode, time: int) -> None:
    """Bring an episode's totals to a time: its rates are held from reading to reading, for `costs_for` at most."""
    passed = max(time - episode.costed, 0)
    hours = (passed if episode.costs_for is None else min(passed, episode.costs_for)) / 3.6e12
    for name, total in _RATES:
        rate = getattr(episode, name)
        if rate is not None:
            setattr(episode, total, getattr(episode, total) + rate * hours)
    episode.costed = max(time, episode.costed)


def _tell(episode: Episode, step: Step) -> None:
    episode.ordinal += 1
    episode.again, episode.told = episode.told == step.time, step.time
