"""What commands that work while workers are stopped ask of the broker, and change on it. These calls block."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorError,
    for_code,
)

from schemas.errors import Misconfigured, Retry
from streams.security import kafka_python_options
from streams.settings import Settings
from streams.topics import REFUSED

T = TypeVar("T")

_PATIENCE_S = 30.0
_LOOK_S = 0.1


class Broker:
    """An admin connection. Its methods raise Retry while the broker is away, Misconfigured where it refuses."""

    def __init__(self, settings: Settings, admin: KafkaAdminClient) -> None:
        self._settings, self._admin = settings, admin

    def members(self) -> list[str]:
        """Hosts of the workers in the group, one for each."""
        group = self._settings.group
        found = _coordinated(lambda: self._admin.describe_groups([group])).get(group) or {}
        return [str(member.get("client_host", "?")).lstrip("/") for member in found.get("members", ())]

    def counts(self, names: Collection[str]) -> dict[str, int]:
        """Topic -> partitions, of those that are there."""
        there = sorted(set(self._admin.list_topics()) & set(names))
        found = self._admin.describe_topics(there) if there else []
        for topic in found:
            _refused(f"topic {topic['name']}", topic["error_code"])
        return {topic["name"]: len(topic["partitions"]) for topic in found}

    def ends(self, topic: str, partitions: int) -> list[int]:
        """Offset behind the last record of each partition."""
        asked = {TopicPartition(topic, p): OffsetSpec.LATEST for p in range(partitions)}
        found = self._admin.list_partition_offsets(asked)
        return [found[place].offset for place in asked]

    def begins(self, topic: str, partitions: int) -> list[int]:
        """Offset of the first record that is there, of each partition."""
        asked = {TopicPartition(topic, p): OffsetSpec.EARLIEST for p in range(partitions)}
        found = self._admin.list_partition_offsets(asked)
        return [found[place].offset for place in asked]

    def committed(self, topic: str) -> dict[int, int]:
        """Partition -> offset that the workers' group has committed."""
        group = self._settings.group
        found: Mapping[Any, Any] = _coordinated(lambda: self._admin.list_group_offsets(group)).get(group, {})
        return {at.partition: each.offset for at, each in found.items() if at.topic == topic and each.offset >= 0}

    def raise_to(self, topic: str, partitions: int) -> None:
        """Give a topic that many partitions, and wait until each can be written to."""
        answer = self._admin.create_partitions({topic: partitions}, raise_errors=False)
        for result in answer.results:
            _refused(f"topic {topic}", result.error_code, result.error_message)
        until = time.monotonic() + _PATIENCE_S
        while True:
            (found,) = self._admin.describe_topics([topic])
            if sum(part["leader_id"] >= 0 for part in found["partitions"]) >= partitions:
                return
            if time.monotonic() > until:
                raise Retry(f"topic {topic}: its new partitions have no leader after {_PATIENCE_S:.0f} s")
            time.sleep(_LOOK_S)  # the broker tells of a leader only when it is asked


def _coordinated(ask: Callable[[], T]) -> T:
    """What is asked of a group's coordinator, which a new installation does not have for its first seconds."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return ask()
        except (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError):
            if time.monotonic() > until:
                raise
            time.sleep(_LOOK_S)  # nor does it tell of a coordinator


def _refused(place: str, code: int, said: str | None = None) -> None:
    if code:
        text = f"Kafka, {place}: {said or for_code(code).__name__}"
        raise Misconfigured(f"{text}; {REFUSED[code]}") if code in REFUSED else Retry(text)


@contextmanager
def broker(settings: Settings) -> Iterator[Broker]:
    """Connect as the settings say."""
    try:
        admin = KafkaAdminClient(bootstrap_servers=settings.kafka, **kafka_python_options(settings))
        try:
            yield Broker(settings, admin)
        finally:
            admin.close()
    except KafkaError as error:
        raise Retry(f"Kafka at {settings.kafka}: {error}") from error
