"""Stored key figures: rows read back from files that `millstream score --kpi` or a consumer wrote, and from kpi.v1."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from pydantic import ValidationError

from schemas.errors import Misconfigured, Retry
from schemas.kpi import KpiRow
from schemas.partition import key_of
from schemas.times import parse_times
from streams.access import check_access
from streams.collect import Collector
from streams.security import kafka_python_options
from streams.settings import Settings
from streams.sinks.base import Sink

_NEEDED = ("start", "end", "asset", "kpi", "value", "unit", "coverage", "status", "product", "shift", "revision")
_CONTENT_TYPE = [("content-type", b"application/json")]
_POLL_MS = 500


def read_rows(path: Path) -> Iterator[KpiRow]:
    """Rows of a file: CSV as `score --kpi` writes it, or JSON lines as they stand on kpi.v1 (.jsonl, .ndjson).

    Raises Misconfigured with file and line.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            made = _json_rows(file) if path.suffix in (".jsonl", ".ndjson") else _csv_rows(file)
            yield from made
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read ({error.strerror}); expected key figures") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path}: not UTF-8 at byte {error.start}; expected key figures") from error
    except Misconfigured as error:
        raise Misconfigured(f"{path}: {error}") from error


def _json_rows(lines: Iterable[str]) -> Iterator[KpiRow]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield KpiRow.model_validate_json(line)
        except ValidationError as error:
            raise Misconfigured(f"line {number}: no key figure: {_first(error)}") from error


def _csv_rows(lines: Iterable[str]) -> Iterator[KpiRow]:
    table = csv.DictReader(lines)
    missing = [name for name in _NEEDED if name not in (table.fieldnames or ())]
    if missing:
        raise Misconfigured(f"no column {missing[0]}; expected what millstream score --kpi writes")
    for number, row in enumerate(table, 2):
        times, bad = parse_times([row["start"], row["end"]])
        if bad.any():
            raise Misconfigured(f"line {number}: expected RFC 3339 times in start and end, got {row['start']!r}")
        numbers = {name: row.get(name) or None for name in ("value", "low", "high")}
        body = {**row, **numbers, "start": int(times[0]), "end": int(times[1]), "config": row.get("config") or ""}
        body |= {"reason": row.get("reason") or "", "level": row.get("level") or "machine"}
        try:
            yield KpiRow.model_validate(body)
        except ValidationError as error:
            raise Misconfigured(f"line {number}: no key figure: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def topic_rows(settings: Settings, name: str = "kpi.v1") -> Iterator[KpiRow]:
    """Rows on a topic of key figures, from its beginning to its end as of now. Blocks.

    What is none of ours is passed over. Raises Retry while the broker is away, Misconfigured where the topic is missing
    or closed to this user.
    """
    check_access(settings)
    topic = settings.topic(name)
    try:
        with closing(_consumer(settings)) as consumer:
            numbers = consumer.partitions_for_topic(topic)
            if not numbers:
                raise Misconfigured(f"topic {topic} is missing; run: millstream topics")
            places = [TopicPartition(topic, number) for number in sorted(numbers)]
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            ends = consumer.end_offsets(places)
            while any(consumer.position(place) < ends[place] for place in places):
                for records in consumer.poll(timeout_ms=_POLL_MS).values():
                    yield from (row for record in records if (row := _row(record.value)) is not None)
    except KafkaError as error:
        raise Retry(f"Kafka, {settings.kafka}: {error}") from error


def publish_rows(settings: Settings, rows: Iterable[KpiRow]) -> None:
    """Write rows to kpi.v1, those of areas and sites to kpi.site.v1, as workers do; on return the broker has them.

    Blocks. Raises as `topic_rows`.

    Written twice they do no harm: a row replaces another of a lower revision.
    """
    check_access(settings)
    topics = {
        **dict.fromkeys(("machine", "line"), settings.topic("kpi.v1")),
        **dict.fromkeys(("area", "site"), settings.topic("kpi.site.v1")),
    }
    options = kafka_python_options(settings)
    try:
        with closing(
            KafkaProducer(
                bootstrap_servers=settings.kafka, acks="all", enable_idempotence=False,
                allow_auto_create_topics=False, **options,
            )
        ) as producer:  # fmt: skip
            sent = [
                producer.send(topics[row.level], row.model_dump_json().encode(), key=_place(row), headers=_CONTENT_TYPE)
                for row in rows
            ]
            for future in sent:
                future.get(timeout=30)
    except KafkaError as error:
        raise Retry(f"Kafka, {settings.kafka}: {error}") from error


def _place(row: KpiRow) -> bytes:
    return key_of(row.asset, "site")


async def store_rows(sink: Sink | None, rows: Sequence[KpiRow]) -> None:
    """Put rows into a store, in the place of those of the same windows; on return they are durable.

    Raises Retry while the store is away, Misconfigured where a person must act.
    """
    if sink is None or not rows:
        return
    made = Collector()
    made.kpis += rows
    try:
        await sink.open()
        await sink.write([made.results(0, 0, 0, (), ())])
    finally:
        await sink.close()


def _consumer(settings: Settings) -> Any:
    return KafkaConsumer(
        bootstrap_servers=settings.kafka, group_id=None, enable_auto_commit=False, allow_auto_create_topics=False,
        **kafka_python_options(settings),
    )  # fmt: skip


def _row(value: bytes | None) -> KpiRow | None:
    try:
        return KpiRow.model_validate_json(value or b"")
    except ValidationError:
        return None
