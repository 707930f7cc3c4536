"""Removes what one test left on a server that stays after the run."""

from __future__ import annotations

from influxdb_client import InfluxDBClient
from kafka import KafkaAdminClient

from tests.servers.base import InfluxServer, KafkaServer


def delete_topics(kafka: KafkaServer, prefix: str) -> None:
    """Delete every topic whose name starts with the prefix."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap, bootstrap_timeout_ms=4000)
    try:
        if mine := [name for name in admin.list_topics() if name.startswith(prefix)]:
            admin.delete_topics(mine)
    finally:
        admin.close()


def delete_buckets(influx: InfluxServer, prefix: str) -> None:
    """Delete every bucket whose name starts with the prefix."""
    with InfluxDBClient(url=influx.url, token=influx.token, org=influx.org) as client:
        buckets = client.buckets_api()
        for bucket in buckets.find_buckets_iter():
            if bucket.name.startswith(prefix):
                buckets.delete_bucket(bucket)
