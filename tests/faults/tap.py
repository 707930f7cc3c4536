"""The tap: keeps every record of some topics as it is produced, before anything can delete it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

_IDLE_S = 0.05


class Kept(NamedTuple):
    """A record as the broker has it."""

    offset: int
    timestamp: int  # ms
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Tap:
    """Reads from the beginning in a thread of its own, joins no group, and survives the broker's absence.

    `on_record` is called with (topic, partition, record) for each, in the tap's thread.
    """

    def __init__(
        self,
        bootstrap: str,
        partitions: dict[str, int],
        group: str,
        on_record: Callable[[str, int, Kept], None] | None = None,
    ) -> None:
        self.topics = partitions
        self.log: dict[tuple[str, int], list[Kept]] = defaultdict(list)
        self.faults: list[str] = []
        self.on_record = on_record
        self._over = threading.Event()
        # one that is never assigned anything, so that its questions do not wait behind fetches
        self._asker = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap, "group.id": "a-tap-that-commits-nothing", "enable.auto.commit": False,
                "auto.offset.reset": "error", "log_level": 0, "fetch.message.max.bytes": 16 * 1024 * 1024,
                "fetch.wait.max.ms": 20, "reconnect.backoff.max.ms": 500,
            }
        )  # fmt: skip
        self._consumer.assign([TopicPartition(t, p, 0) for t, n in partitions.items() for p in range(n)])
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)
        self._thread.start()

    def records(self, topic: str, partition: int) -> Sequence[Kept]:
        """What is known of a partition so far."""
        return self.log[topic, partition]

    def all(self, topic: str) -> list[tuple[int, Kept]]:
        """(partition, record) of a topic, partition by partition."""
        return [(p, record) for p in range(self.topics[topic]) for record in list(self.log[topic, p])]

    def ends(self, topic: str) -> dict[int, int]:
        """The broker's end of each partition."""
        places = [TopicPartition(topic, p) for p in range(self.topics[topic])]
        return _patiently(lambda: {tp.partition: self._asker.get_watermark_offsets(tp, timeout=10)[1] for tp in places})

    def committed(self, topic: str) -> dict[int, int]:
        """What the workers' group has committed; partitions without are left out."""
        places = [TopicPartition(topic, p) for p in range(self.topics[topic])]
        found = _patiently(lambda: {tp.partition: tp.offset for tp in self._asker.committed(places, timeout=10)})
        return {partition: offset for partition, offset in found.items() if offset >= 0}

    def catch_up(self, topic: str, timeout_s: float = 60.0) -> dict[int, int]:
        """Wait until everything is kept that a topic held at the call; the ends."""
        ends = self.ends(topic)
        deadline = time.monotonic() + timeout_s
        while any(self._next(topic, p) < end for p, end in ends.items()):
            assert not self.faults, self.faults[0]
            assert time.monotonic() < deadline, f"the tap of {topic} is behind: {ends}"
            time.sleep(_IDLE_S)
        return ends

    def close(self) -> None:
        """Stop reading; what was kept stays."""
        if self._over.is_set():
            return
        self._over.set()
        self._thread.join(10)
        self._consumer.close()
        self._asker.close()

    def _next(self, topic: str, partition: int) -> int:
        kept = self.log[topic, partition]
        return kept[-1].offset + 1 if kept else 0

    def _run(self) -> None:
        while not self._over.is_set():
            for message in self._consumer.consume(2000, 0.02):
                error = message.error()
                if error is None:
                    self._keep(message.topic(), message.partition(), message)
                elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                    self.faults.append(f"the tap missed records: {error.str()}")

    def _keep(self, topic: str, partition: int, message: Any) -> None:
        headers = [(name, value or b"") for name, value in message.headers() or ()]
        record = Kept(message.offset(), message.timestamp()[1], message.key(), message.value(), headers)
        self.log[topic, partition].append(record)
        if self.on_record is not None:
            self.on_record(topic, partition, record)


def _patiently(ask: Callable[[], dict[int, int]], timeout_s: float = 60.0) -> dict[int, int]:
    """Ask again where the topic or the group is new, or the broker is just back."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return ask()
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(_IDLE_S)
