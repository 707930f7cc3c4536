"""Sending commands and waiting for what became of them: what the command line and a worker's SIGHUP share."""

from __future__ import annotations

import base64
import time
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from pydantic import ValidationError

from schemas.audit import Audit
from schemas.chunk import Record
from schemas.command import MAX_BYTES, Command, read_command
from schemas.errors import Misconfigured, Reject, Retry
from schemas.partition import Level, key_of, partition_of
from streams.access import check_access
from streams.command_agent import verify
from streams.resolve import ResolvedSite, to_payload
from streams.security import kafka_python_options
from streams.settings import Settings

ACCEPTED, REFUSED, UNANSWERED = 0, 1, 3
"""Exit status of a command."""

CONTENT_TYPE = [("content-type", b"application/json")]
"""Headers of a record on command.v1."""
_POLL_MS = 200
_TOPIC_REFUSED = 29


class Outgoing(NamedTuple):
    """A record for command.v1."""

    partition: int
    key: bytes | None
    value: bytes


def new_command(
    kind: str, by: str, reason: str | None = None, target: Mapping[str, Any] | None = None,
    payload: Mapping[str, Any] | None = None, command_id: str | None = None,
) -> Command:  # fmt: skip
    """A command given now; its id is a new one unless told. Raises Misconfigured where it is none."""
    body = {
        "command_id": str(uuid.uuid4()) if command_id is None else command_id,
        "kind": kind,
        "by": by,
        "at": time.time_ns(),
        "reason": reason,
        "target": target,
        "payload": payload,
    }
    try:
        return read_command(orjson.dumps(body))
    except Reject as error:
        raise Misconfigured(f"command {kind}: {error}") from error


def configure_command(site: ResolvedSite, by: str, reason: str | None = None, command_id: str | None = None) -> Command:
    """The command that puts a site into force. Raises Misconfigured where workers would refuse it whole.

    >>> from streams.resolve import resolve
    >>> from streams.site import Site
    >>> configure_command(resolve(Site()), "ann").kind
    'configure'
    """
    packed = base64.b64encode(zlib.compress(orjson.dumps(to_payload(site)), 6)).decode()
    command = new_command("configure", by, reason, payload={"site": packed}, command_id=command_id)
    found = verify(Record(0, 0, None, command.to_bytes()), 0, 1, "line")
    if isinstance(found, Audit):
        raise Misconfigured(f"workers would refuse this site: {found.why}")
    return command


def records_for(command: Command, partitions: int, level: Level = "line") -> list[Outgoing]:
    """The records that a command is sent as: one for its asset's partition, or one for each partition.

    >>> command = new_command("rebaseline", "ann", target={"asset": "penang/smt/line1/oven3"})
    >>> [(record.partition, record.key) for record in records_for(command, 12)]
    [(2, b'penang/smt/line1')]
    """
    asset, value = command.target.exact_asset, command.to_bytes()
    if len(value) > MAX_BYTES:
        raise Misconfigured(f"command {command.kind}: at most {MAX_BYTES} bytes, this one has {len(value)}")
    if asset is None:
        return [Outgoing(partition, None, value) for partition in range(partitions)]
    key = key_of(asset, level)
    return [Outgoing(partition_of(key, partitions), key, value)]


def settled(command: Command, answers: Mapping[int, Audit], expected: int) -> bool:
    """Whether enough partitions have answered: all that were asked, or the one that has the episode."""
    if command.target.episode is not None and any(a.outcome != "refused" for a in answers.values()):
        return True
    return len(answers) >= expected


def status_of(command: Command, answers: Mapping[int, Audit], expected: int) -> int:
    """Exit status: one partition that took the command is enough, but a configuration must be taken by all."""
    if not settled(command, answers, expected):
        return UNANSWERED
    taken = [answer.outcome != "refused" for answer in answers.values()]
    return ACCEPTED if (all(taken) if command.kind == "configure" else any(taken)) else REFUSED


def send(settings: Settings, command: Command, records: list[Outgoing], wait_s: float | None) -> Iterator[Audit]:
    """Send a command and yield the first answer of each partition as it comes, for at most `wait_s`; None: no waiting.

    Blocks. Raises Retry while the broker is away, Misconfigured where topics are missing, of another size or closed
    to this user.
    """
    check_access(settings)  # its clients would only say that they cannot connect
    try:
        with closing(_consumer(settings)) as consumer:
            _check(settings, consumer)
            if wait_s is not None:
                _from_its_end(settings, consumer)
            _produce(settings, records)
            if wait_s is not None:
                yield from _answers(consumer, command, len(records), wait_s)
    except KafkaError as error:
        if getattr(error, "errno", None) == _TOPIC_REFUSED:
            raise Misconfigured(
                f"Kafka, {settings.kafka}: {error}; give this user the right to write to "
                f"{settings.topic('command.v1')} and to read {settings.topic('audit.v1')}"
            ) from error
        raise Retry(f"Kafka, {settings.kafka}: {error}") from error


def _consumer(settings: Settings) -> Any:
    return KafkaConsumer(
        bootstrap_servers=settings.kafka, group_id=None, enable_auto_commit=False, allow_auto_create_topics=False,
        **kafka_python_options(settings),
    )  # fmt: skip


def _check(settings: Settings, consumer: Any) -> None:
    """Topics that are made on the way would have the wrong partitions."""
    for name in ("command.v1", "audit.v1"):
        topic = settings.topic(name)
        found = len(consumer.partitions_for_topic(topic) or ())
        if found != settings.partitions:
            said = f"has {found} partitions" if found else "is missing"
            raise Misconfigured(
                f"topic {topic} {said}, expected {settings.partitions}; run: millstream topics, or set "
                "MILLSTREAM_PARTITIONS and MILLSTREAM_PREFIX to what the workers have"
            )


def _from_its_end(settings: Settings, consumer: Any) -> None:
    """Stand at the end of the answers before anything is asked."""
    places = [TopicPartition(settings.topic("audit.v1"), partition) for partition in range(settings.partitions)]
    consumer.assign(places)
    for place, end in consumer.end_offsets(places).items():
        consumer.seek(place, end)


def _produce(settings: Settings, records: list[Outgoing]) -> None:
    # sent twice does no harm: the id tells
    with closing(
        KafkaProducer(
            bootstrap_servers=settings.kafka, acks="all", enable_idempotence=False, allow_auto_create_topics=False,
            **kafka_python_options(settings),
        )
    ) as producer:  # fmt: skip
        topic = settings.topic("command.v1")
        sent = [
            producer.send(topic, record.value, key=record.key, headers=CONTENT_TYPE, partition=record.partition)
            for record in records
        ]
        for future in sent:
            future.get(timeout=30)


def _answers(consumer: Any, command: Command, expected: int, wait_s: float) -> Iterator[Audit]:
    answers: dict[int, Audit] = {}
    end = time.monotonic() + wait_s
    while not settled(command, answers, expected) and (left := end - time.monotonic()) > 0:
        for records in consumer.poll(timeout_ms=max(1, min(_POLL_MS, int(left * 1000)))).values():
            for record in records:
                audit = _read(record.value)
                if audit is not None and audit.command_id == command.command_id and audit.partition not in answers:
                    answers[audit.partition] = audit
                    yield audit


def _read(value: bytes | None) -> Audit | None:
    try:
        return Audit.model_validate_json(value or b"")
    except ValidationError:
        return None  # of another version, or none of ours
