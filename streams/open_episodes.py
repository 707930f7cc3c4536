"""Open episodes, as the metrics and /episodes/ID show them: made from events alone, so a restart can rebuild them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

from schemas.anomaly import AnomalyEvent
from schemas.partition import level_names
from streams.metrics import Metrics

LISTED = 1000
"""Label sets in the metrics, at most; worst first."""
REMEMBERED = 10_000
"""Episodes that /episodes/ID knows, the newest."""


class Known(NamedTuple):
    """An episode as it was last told of."""

    event: AnomalyEvent
    opened: int  # wall clock, ns
    partition: int


class OpenEpisodes:
    """Keeps the last event of each recent episode, and which are open or closed too lately to leave the metrics."""

    def __init__(self, hold_ns: int) -> None:
        self.hold_ns = hold_ns
        self._last: OrderedDict[str, Known] = OrderedDict()  # by episode id
        self._shown: dict[str, None] = {}

    def take(self, event: AnomalyEvent, partition: int, now_ns: int) -> None:
        """Take in an event; `now_ns` is the wall clock, which only decides how long a closed episode is still shown."""
        known = self._last.pop(event.episode_id, None)
        if known is not None and known.event.ordinal >= event.ordinal:
            event = known.event  # a repeat
        self._last[event.episode_id] = Known(event, known.opened if known else now_ns, partition)
        while len(self._last) > REMEMBERED:
            oldest, _ = self._last.popitem(last=False)
            self._shown.pop(oldest, None)
        if not event.backfill:
            self._shown[event.episode_id] = None

    def get(self, episode_id: str) -> AnomalyEvent | None:
        """The last event of an episode."""
        known = self._last.get(episode_id)
        return known.event if known else None

    def open(self) -> list[AnomalyEvent]:
        """Last events of the episodes that are open, worst first."""
        events = [known.event for known in self._last.values() if known.event.phase != "closed"]
        return sorted(events, key=lambda e: (-e.severity, e.started, e.episode_id))

    def open_on(self, partition: int) -> int:
        """How many episodes of a partition are open."""
        return sum(k.partition == partition and k.event.phase != "closed" for k in self._last.values())

    def leave(self, partition: int) -> None:
        """Forget the episodes of a partition: another worker shows them now."""
        for episode_id in [e for e, known in self._last.items() if known.partition == partition]:
            del self._last[episode_id]
            self._shown.pop(episode_id, None)

    def snapshot(self, partition: int) -> list[Any]:
        """What is open or still shown of a partition, as plain data."""
        return [
            [known.event.model_dump(mode="json"), known.opened]
            for episode_id, known in self._last.items()
            if known.partition == partition and (known.event.phase != "closed" or episode_id in self._shown)
        ]

    def restore(self, partition: int, saved: list[Any]) -> None:
        """Take up what `snapshot` gave."""
        for event, opened in saved:
            self.take(AnomalyEvent.model_validate(event), partition, opened)

    def publish(self, metrics: Metrics, now_ns: int) -> None:
        """Write the metrics; episodes that closed are shown until `hold_ns` after they opened."""
        worst: dict[tuple[str, ...], float] = {}
        costs: dict[tuple[str, ...], float] = {}
        for episode_id in list(self._shown):
            event, opened, _ = self._last[episode_id]
            if event.phase == "closed" and now_ns - opened >= self.hold_ns:
                del self._shown[episode_id]
                continue
            labels: tuple[str, ...] = (*level_names(event.asset), event.watch)
            worst[labels] = max(worst.get(labels, 0), event.severity)
            if event.phase != "closed" and event.cost_per_hour is not None:
                costs[labels] = max(costs.get(labels, 0.0), event.cost_per_hour)
        listed = dict(sorted(worst.items(), key=lambda pair: (-pair[1], pair[0]))[:LISTED])
        unlisted: dict[tuple[str, ...], float] = {}
        for labels in worst.keys() - listed.keys():
            unlisted[labels[:1]] = unlisted.get(labels[:1], 0) + 1
        metrics.replace("millstream_episode_severity", listed)
        metrics.replace("millstream_episodes_unlisted", unlisted)
        metrics.replace("millstream_episode_cost_per_hour", {of: cost for of, cost in costs.items() if of in listed})


def as_json(event: AnomalyEvent) -> dict[str, Any]:
    """What /episodes/ID says: the last event, and whether the episode is open."""
    return {"open": event.phase != "closed", **event.model_dump(mode="json")}
