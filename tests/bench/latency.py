"""From produce to anomaly at half load: readings paced, a spike now and then, each followed to anomaly.v1."""

from __future__ import annotations

import os
import threading
import time
import uuid
from typing import NamedTuple

import numpy as np
import orjson
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

from tests.bench.load import PARTITIONS, SECOND, SERIES, Message, plant, send, topics
from tests.bench.runs import Served, wait_for

WARMUP = 60
"""Readings of each series before the clock starts."""
TICK_S = 0.002
SPIKE_EVERY_S = 0.02
SPIKE = b"60.0"


class Latency(NamedTuple):
    """Produce-to-anomaly latency."""

    rate: float  # readings a second that were produced
    spikes: int
    found: int
    p50_ms: float
    p99_ms: float


class Watcher(threading.Thread):
    """Takes the events as they come, and when."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        super().__init__(daemon=True)
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "log_level": 0})
        self._consumer.assign([TopicPartition(topic, p, OFFSET_END) for p in range(PARTITIONS)])
        self._consumer.poll(2.0)  # places are taken before the first event
        self.came: dict[tuple[str, str], float] = {}
        self.ended = False

    def run(self) -> None:
        while not self.ended:
            message = self._consumer.poll(0.1)
            now = time.perf_counter()
            if message is not None and not message.error():
                event = orjson.loads(message.value())
                if event["phase"] == "opened" and event["watch"] == "robust_zscore":
                    self.came.setdefault((event["asset"], event["series"]), now)
        self._consumer.close()


def measure(bootstrap: str, rate: float, seconds: float) -> Latency:
    """Warm a worker up, then pace `rate` readings a second at it."""
    prefix = f"late{uuid.uuid4().hex[:6]}."
    topics(bootstrap, prefix)
    worker = Served(bootstrap, prefix, uuid.uuid4().hex, max(os.sched_getaffinity(0)))
    try:
        wait_for("the worker has its partitions", lambda: worker.ask()["assigned"] == PARTITIONS)
        return _paced(bootstrap, prefix, worker, rate, seconds)
    finally:
        worker.close()


def _paced(bootstrap: str, prefix: str, worker: Served, rate: float, seconds: float) -> Latency:
    of, topic = plant(), f"{prefix}reading.v1"
    heads = [
        (b'{"asset":"%b","series":"s%d","unit":"Cel","time":' % (name.encode(), s), key, home)
        for name, key, home in zip(*of, strict=True)
        for s in range(SERIES)
    ]
    values = [b"%.3f" % v for v in 20 + np.random.default_rng(11).normal(0, 0.1, 4093)]
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})

    def put(i: int, at: int, value: bytes) -> None:
        head, key, home = heads[i % len(heads)]
        send(producer, topic, Message(b'%b%d,"value":%b}' % (head, at, value), key, home))

    start = time.time_ns() - (WARMUP + 5) * SECOND
    for i in range(WARMUP * len(heads)):
        put(i, start + i // len(heads) * SECOND, values[i % len(values)])
    producer.flush(60)
    wait_for("the warm-up is judged", lambda: worker.ask()["readings"] >= WARMUP * len(heads))
    watcher = Watcher(bootstrap, f"{prefix}anomaly.v1")
    watcher.start()
    sent: dict[tuple[str, str], float] = {}
    began = time.perf_counter()
    i, next_spike = 0, began
    while (now := time.perf_counter()) - began < seconds:
        due, at = int((now - began) * rate), time.time_ns()
        name = (of.names[i % len(heads) // SERIES], f"s{i % SERIES}")
        if now >= next_spike and due > i and name not in sent:
            next_spike += SPIKE_EVERY_S
            sent[name] = time.perf_counter()
            put(i, at, SPIKE)
            i += 1
        for j in range(i, due):
            put(j, at, values[j % len(values)])
        i = max(i, due)
        producer.poll(0)
        time.sleep(TICK_S)  # readings come at their own pace, whatever the worker does
    producer.flush(30)
    reached = i / (time.perf_counter() - began)
    wait_for("all is judged", lambda: worker.ask()["readings"] >= WARMUP * len(heads) + i)
    time.sleep(1.0)  # episodes that were told last are on their way to the topic
    watcher.ended = True
    watcher.join()
    took = np.array([watcher.came[name] - at for name, at in sent.items() if name in watcher.came]) * 1e3
    if not len(took):
        raise SystemExit("no spike was found: the bench measures nothing")
    return Latency(reached, len(sent), len(took), float(np.percentile(took, 50)), float(np.percentile(took, 99)))
