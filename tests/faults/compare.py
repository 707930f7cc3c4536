"""The comparison: everything behind the workers against what an undisturbed engine gives. Each fault is one line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zlib import crc32

from tests.faults.feed import Feed
from tests.faults.reference import Expected, Points, canonical
from tests.faults.tap import Kept, Tap

_SHOWN = 3


@dataclass
class Verdict:
    """What was compared, in figures, and what differs."""

    figures: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "; ".join(f"{name} {n:,}" for name, n in self.figures.items())

    def fault(self, what: str, cases: Iterable[object]) -> None:
        """Note what differs, with the first few cases and their number; nothing where there is none."""
        listed = list(cases)
        if listed:
            shown = " | ".join(str(each)[:600] for each in listed[:_SHOWN])
            self.faults.append(f"{what} ({len(listed):,}): {shown}")


def compare_log(verdict: Verdict, feed: Feed, tap: Tap, expected: Expected) -> None:
    """What was produced is in the log, and the engines took each reading of it exactly once."""
    verdict.faults += expected.faults
    for partition, sent in feed.delivered.items():
        kept = {record.offset: record for record in tap.records(feed.topic, partition)}
        wrong = [o for o, d in sent.items() if o not in kept or crc32(kept[o].value or b"") != d.crc]
        verdict.fault(f"messages of partition {partition} that the log does not hold as sent", wrong)
    verdict.figures["produced readings"] = feed.readings
    verdict.figures["misrouted"] = expected.counts["misrouted"]
    verdict.figures["forwarded again and dropped"] = expected.counts["reforwarded"]
    if expected.counts["readings_in"] != feed.readings:
        verdict.faults.append(f"{feed.readings} readings were produced, engines count {expected.counts['readings_in']}")


def compare_events(verdict: Verdict, topic: Iterable[tuple[int, Kept]], expected: Expected) -> None:
    """The same ids with the same content; repeats equal their first; phases in order for who ignores repeats."""
    first: dict[str, str] = {}
    phases: dict[str, list[tuple[int, str]]] = {}
    repeats, unequal, disorder = 0, [], []
    for _, record in topic:
        event = json.loads(record.value or b"{}")
        text = canonical(event)
        known = first.setdefault(event["event_id"], text)
        if known is not text:
            repeats += 1
            if known != text:
                unequal.append(_difference(known, text))
            continue
        phases.setdefault(event["episode_id"], []).append((event["ordinal"], event["phase"]))
    for episode, told in phases.items():
        ordinals, names = [n for n, _ in told], [name for _, name in told]
        right = ["opened", *["escalated"] * (len(names) - 1)]
        if names[-1] == "closed" and len(names) > 1:
            right[-1] = "closed"
        if ordinals != list(range(len(told))) or names != right:
            disorder.append((episode, told))
    verdict.fault("repeats that differ from their first", unequal)
    verdict.fault("episodes whose phases are out of order", disorder)
    assert expected.maybe is not None
    right = expected.maybe.events | expected.events
    verdict.fault("events missing on the topic", [expected.events[i] for i in expected.events.keys() - first.keys()])
    verdict.fault("events that should not be there", [first[i] for i in first.keys() - right.keys()])
    other = [i for i in first.keys() & right.keys() if first[i] != right[i]]
    verdict.fault("events of another content", [_difference(right[i], first[i]) for i in other])
    verdict.figures |= {"events": len(first), "episodes": len(phases), "event repeats": repeats}
    verdict.figures["closed"] = sum(told[-1][1] == "closed" for told in phases.values())
    verdict.figures["escalated"] = sum("escalated" in [name for _, name in told] for told in phases.values())


def compare_points(verdict: Verdict, found: Points, expected: Expected) -> None:
    """The same points, with bit-identical numbers."""
    assert expected.maybe is not None
    for measurement in ("reading", "verdict", "anomaly"):
        have, want = found.get(measurement, {}), expected.points.get(measurement, {})
        later = expected.maybe.points.get(measurement, {})
        missing, extra, other, n = [], [], [], 0
        for tags in have.keys() | want.keys():
            a, b, more = have.get(tags, {}), want.get(tags, {}), later.get(tags, {})
            n += len(a)
            if a == b:
                continue
            missing += [(tags, t, b[t]) for t in b.keys() - a.keys()]
            extra += [(tags, t, a[t]) for t in a.keys() - b.keys() if a[t] != more.get(t)]
            other += [(tags, t, {"stored": a[t], "right": b[t]}) for t in a.keys() & b.keys() if a[t] != b[t]]
        verdict.figures[f"{measurement} points"] = n
        verdict.fault(f"points of {measurement} that are missing", missing)
        verdict.fault(f"points of {measurement} that should not be there", extra)
        verdict.fault(f"points of {measurement} with other fields", other)


def compare_readings(verdict: Verdict, found: Points, sent: Mapping[tuple[str, str], set[int]]) -> None:
    """Every reading that was sent is a point, counted series by series; no engine takes part in this."""
    have = {("/".join(tags[:4]), tags[4]): set(times) for tags, times in found.get("reading", {}).items()}
    lost = Counter({place: len(times - have.get(place, set())) for place, times in sent.items()})
    verdict.figures["lost readings"] = lost.total()
    verdict.fault("series with lost readings", [(place, n) for place, n in lost.items() if n])


def compare_rejected(verdict: Verdict, topic: Iterable[tuple[int, Kept]], expected: Expected) -> None:
    """The same records set aside (none of ours is above the cap)."""
    found = set()
    for _, record in topic:
        body = json.loads(record.value or b"{}")
        found.add((body["partition"], body["offset"], body["reason"]))
    verdict.figures["rejected"] = len(found)
    verdict.fault("records set aside or not, against what is right", found ^ expected.rejected)


def compare_audits(verdict: Verdict, topic: Iterable[tuple[int, Kept]], expected: Expected) -> None:
    """The same decisions on commands and configurations."""
    found = {canonical(json.loads(record.value or b"{}")) for _, record in topic}
    assert expected.maybe is not None
    verdict.figures["audited"] = len(found)
    verdict.fault("decisions that are missing on the audit topic", set(expected.audits) - found)
    verdict.fault("decisions that should not be there", found - {*expected.audits, *expected.maybe.audits})


def _difference(right: str, found: str) -> str:
    a, b = json.loads(right), json.loads(found)
    differs = {name: (a.get(name), b.get(name)) for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)}
    return f"{a['event_id']} {a['asset']}/{a['series']} {a['watch']} {a['phase']}: right, found {differs}"
