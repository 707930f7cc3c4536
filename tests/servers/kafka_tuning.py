"""Broker settings that make tests fast and let them send what they need; the same natively and in a container."""

from __future__ import annotations

from typing import Final

# Defaults cost 3 s for the first consumer group (50 offsets partitions) and 9 s after a kill (session time-out).
TUNING: Final = {
    "auto.create.topics.enable": "false",
    "message.max.bytes": "16777216",  # tests send messages of 10 MB
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "log.cleaner.backoff.ms": "1000",
    "log.retention.check.interval.ms": "2000",
}
