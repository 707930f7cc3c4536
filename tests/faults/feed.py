"""The feed: sends the plant's blocks by idempotent producers, one a codec, and remembers where each message went."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple
from zlib import crc32

from confluent_kafka import Producer

from tests.faults.plant import SECOND
from tests.faults.traffic import CODECS, Sending, block_messages, readings_of

_FLUSH_S = 60.0


class Delivered(NamedTuple):
    """A message that the broker has acknowledged."""

    readings: int
    home: int
    crc: int  # of its value


class Feed:
    """Blocks in order, by hand (`send`) or at a pace in the background (`flow`)."""

    def __init__(self, bootstrap: str, topic: str, started_ns: int | None = None) -> None:
        self.topic = topic
        self.start = (time.time_ns() - 30 * SECOND) // SECOND * SECOND if started_ns is None else started_ns
        self.block = 0
        self.readings = 0
        self.delivered: dict[int, dict[int, Delivered]] = defaultdict(dict)  # partition -> offset -> message
        self.expected: dict[tuple[str, str], set[int]] = defaultdict(set)  # (asset, series) -> times
        self.errors: list[str] = []
        self._lock = threading.Lock()  # of everything above
        self._go, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._producers = {
            codec: Producer(
                {
                    "bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.type": codec,
                    "linger.ms": 5, "log_level": 0, "message.timeout.ms": 300_000,
                    "queue.buffering.max.messages": 1_000_000,
                }
            )
            for codec in CODECS
        }  # fmt: skip

    def send(self, blocks: int = 1) -> None:
        """Hand the next blocks to the producers."""
        for _ in range(blocks):
            with self._lock:
                for message in block_messages(self.block, self.start):
                    self._produce(message)
                self.block += 1
            for producer in self._producers.values():
                producer.poll(0)

    def put(self, message: Sending, timestamp_ms: int | None = None) -> None:
        """Hand one message of a test's own to the producers."""
        with self._lock:
            self._produce(message, timestamp_ms)

    def raw(
        self, partition: int, value: bytes, headers: list[tuple[str, bytes]], topic: str = "", key: bytes | None = None
    ) -> None:
        """Append a record that holds no reading: a control record, or a command to its own topic."""
        self._producers["none"].produce(
            topic or self.topic, value, key=key, partition=partition, headers=list(headers), on_delivery=self._failed
        )  # fmt: skip

    def flush(self) -> None:
        """Return once the broker has everything; raises AssertionError where it does not take it."""
        for producer in self._producers.values():
            left = producer.flush(_FLUSH_S)
            assert left == 0, f"{left} messages were not acknowledged within {_FLUSH_S:.0f} s"
        assert not self.errors, self.errors[0]

    def flow(self, readings_per_s: float) -> None:
        """Go on in the background at this pace until `pause` or `stop`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._flow, args=(readings_per_s,), name="feed", daemon=True)
            self._thread.start()
        self._go.set()

    def pause(self) -> None:
        """Stop flowing; on return everything sent is with the broker."""
        self._go.clear()
        with self._lock:
            pass
        self.flush()

    def stop(self) -> None:
        """End the flow for good."""
        self._over.set()
        self._go.set()
        if self._thread is not None:
            self._thread.join(_FLUSH_S)
        self.flush()

    def _flow(self, readings_per_s: float) -> None:
        due = time.monotonic()
        while self._go.wait(_FLUSH_S) and not self._over.is_set():
            self.send()
            due = max(due + readings_of(0) / readings_per_s, time.monotonic() - 1.0)
            self._over.wait(max(due - time.monotonic(), 0.0))

    def _produce(self, message: Sending, timestamp_ms: int | None = None) -> None:
        record = Delivered(message.readings, message.home, crc32(message.value))
        producer = self._producers[message.codec]
        more = {} if timestamp_ms is None else {"timestamp": timestamp_ms}
        while True:
            try:
                producer.produce(
                    self.topic, message.value, key=message.key, headers=message.headers, partition=message.partition,
                    on_delivery=self._told(record), **more,
                )  # fmt: skip
                break
            except BufferError:
                producer.poll(0.1)
        self.readings += message.readings
        for asset, series, at in message.points:
            self.expected[asset, series].add(at)

    def _told(self, record: Delivered) -> Callable[[Any, Any], None]:
        def on_delivery(error: Any, message: Any) -> None:
            if error is None:
                self.delivered[message.partition()][message.offset()] = record
            else:
                self.errors.append(str(error))

        return on_delivery

    def _failed(self, error: Any, message: Any) -> None:
        if error is not None:
            self.errors.append(str(error))
