"""The undisturbed run: one engine a partition, fed with the log that the disturbed run left, no worker involved."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.chunk import Record
from schemas.control import ORIGIN, decode_origin
from schemas.decode import Decoder
from streams.engine import Engine
from streams.resolve import ResolvedSite
from streams.results import Results
from streams.sinks.points import Table, tables
from tests.faults.tap import Kept

AT_A_TIME = 1000
"""Records fed together: not what any worker does, as batching must not be seen."""

Fields = dict[str, Any]
Points = dict[str, dict[tuple[str, ...], dict[int, Fields]]]
"""Measurement -> tag values in the order of the measurement -> time -> fields."""


@dataclass
class Expected:
    """What must be found behind the workers."""

    events: dict[str, str] = field(default_factory=dict)  # event id -> canonical payload
    audits: list[str] = field(default_factory=list)
    points: Points = field(default_factory=lambda: defaultdict(lambda: defaultdict(dict)))
    rejected: set[tuple[int, int, str]] = field(default_factory=set)  # partition, offset, reason
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    maybe: Expected | None = None
    """What follows from the log behind its last snapshot: ticks alone, which a worker may have judged or not."""


def canonical(event: Mapping[str, Any]) -> str:
    """An event's content without the one field that no comparison uses."""
    return json.dumps({name: value for name, value in event.items() if name != "detected"}, sort_keys=True)


def record_of(kept: Kept) -> Record:
    """A record of the log as decoders take it."""
    return Record(kept.offset, kept.timestamp * 1_000_000, kept.key, kept.value, kept.headers)


def judge(
    log: Mapping[int, Sequence[Kept]], saved: Mapping[int, int], site: ResolvedSite, key: bytes, partitions: int
) -> Expected:
    """Feed each partition's whole log to an engine that begins with `site`; `saved` is where the workers' work ends."""
    found = Expected(maybe=(maybe := Expected()))
    forwarded: set[tuple[int, int, int]] = set()  # to partition; from partition, offset
    arrived: set[tuple[int, int, int]] = set()
    for partition in range(partitions):
        engine, decoder = Engine(partition, partitions, site), Decoder(key)
        records = [record_of(kept) for kept in log[partition]]
        if [r.offset for r in records] != list(range(len(records))):
            found.faults.append(f"the kept log of partition {partition} has holes")
        arrived |= set(_origins(partition, records, key))
        for into, part in ((found, records[: saved[partition]]), (maybe, records[saved[partition] :])):
            for at in range(0, len(part), AT_A_TIME):
                results = engine.feed(decoder.decode(part[at : at + AT_A_TIME], partition))
                forwarded |= {(f.partition, partition, f.record.offset) for f in results.forwards}
                take(into, results)
    if missing := forwarded - arrived:
        to, was, offset = min(missing)
        found.faults.append(
            f"{len(missing)} misrouted messages never reached their partition, such as {was}:{offset} for {to}"
        )
    if maybe.counts["readings_in"] or maybe.counts["misrouted"]:
        found.faults.append(f"behind the last snapshots there are still {maybe.counts['readings_in']} readings")
    return found


def take(found: Expected, results: Results) -> None:
    """Add what follows from one chunk."""
    for event in results.events:
        found.events[event.event_id] = canonical(json.loads(event.model_dump_json()))
    for audit in getattr(results, "audits", ()):
        found.audits.append(canonical(json.loads(audit.model_dump_json())))
    for rejection in results.rejections:
        if rejection.record is not None:
            found.rejected.add((results.partition, rejection.record.offset, rejection.place.reason))
    found.counts.update(results.counts)
    for table in tables([results]):
        put(found.points, table)


def put(points: Points, table: Table) -> None:
    """Write a table's points as a store does: of equal tags and time, fields of the later one replace those before."""
    columns: dict[str, Sequence[Any]] = {name: a.tolist() for name, a in (*table.ints.items(), *table.bools.items())}
    columns |= {name: [x if abs(x) < float("inf") else None for x in a.tolist()] for name, a in table.floats.items()}
    for name, texts in table.texts.items():
        columns[name] = [texts.get(row) for row in range(len(table.time))]
    places = points[table.measurement.name]
    names = list(columns)
    rows = zip(table.time.tolist(), table.code.tolist(), *columns.values(), strict=True)
    for time, code, *values in rows:
        fields = places[table.tags[code]].setdefault(time, {})
        fields.update((name, value) for name, value in zip(names, values, strict=True) if value is not None)


def _origins(partition: int, records: Sequence[Record], key: bytes) -> Iterator[tuple[int, int, int]]:
    for record in records:
        header = dict(record.headers).get(ORIGIN)
        if header is not None:
            yield (partition, *decode_origin(header, record.value or b"", key))
