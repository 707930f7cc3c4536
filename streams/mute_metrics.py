"""What the metrics say of mutes: which are in force, and until when."""

from __future__ import annotations

from collections.abc import Iterable

from streams.metrics import Metrics
from streams.mutes import MOST, Mutes


def publish_mutes(metrics: Metrics, mutes: Iterable[Mutes]) -> None:
    """Write the mutes of all partitions, each once; the first to end, where they are too many to list."""
    found: dict[tuple[str, ...], int] = {}
    for each in mutes:
        for rule, until in each.in_force().items():
            found[tuple(rule)] = max(until, found.get(tuple(rule), until))
    listed = sorted(found.items(), key=lambda item: (item[1], item[0]))[:MOST]
    metrics.replace("millstream_mute_until_timestamp_seconds", {labels: until / 1e9 for labels, until in listed})
