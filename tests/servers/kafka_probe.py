"""Whether a Kafka broker serves: it answers metadata and lists itself as a live broker."""

from __future__ import annotations

from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.servers.net import port_open


def broker_ready(bootstrap: str, **options: Any) -> bool:
    """True once the broker at host:port is unfenced; never raises for a broker that is away.

    An open port is not enough: after a kill the broker answers for a while before it may lead partitions.
    """
    host, _, port = bootstrap.rpartition(":")
    if not port_open(int(port), host):
        return False
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=4000, request_timeout_ms=4000, **options
        )
    except (KafkaError, OSError):
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        admin.close()
