"""The test servers are the real ones and keep what real ones keep."""

from __future__ import annotations

import time
from pathlib import Path

import confluent_kafka
import pytest
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from tests.servers import InfluxServer, KafkaServer
from tests.servers.kafka_embedded import EmbeddedKafka

WAIT_MS = 15_000
LONG_AGO_MS = 1_000_000_000_000


def make_topic(kafka: KafkaServer, name: str, **config: str) -> str:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        admin.create_topics([NewTopic(name, 1, 1, topic_configs=config)])
    finally:
        admin.close()
    return name


def send(kafka: KafkaServer, topic: str, *values: bytes, timestamp_ms: int | None = None) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, max_request_size=16_000_000)
    try:
        for value in values:
            producer.send(topic, value, timestamp_ms=timestamp_ms).get(timeout=WAIT_MS / 1000)
    finally:
        producer.close()


def read_all(kafka: KafkaServer, topic: str) -> list[tuple[bytes, int]]:
    """Value and timestamp of every record up to the end the broker states now."""
    consumer = KafkaConsumer(
        bootstrap_servers=kafka.bootstrap, consumer_timeout_ms=WAIT_MS, max_partition_fetch_bytes=2**24
    )
    try:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        found: list[tuple[bytes, int]] = []
        while consumer.position(place) < end:
            record = next(consumer)
            found.append((record.value, record.timestamp))
        return found
    finally:
        consumer.close()


def test_kafka_python_reads_back_what_it_wrote(kafka: KafkaServer, topic_prefix: str) -> None:
    topic = make_topic(kafka, f"{topic_prefix}round")
    send(kafka, topic, b"one", b"two")
    assert [value for value, _ in read_all(kafka, topic)] == [b"one", b"two"]


def test_confluent_reads_back_in_a_group_what_it_wrote_idempotently(real_kafka: KafkaServer, topic_prefix: str) -> None:
    topic = make_topic(real_kafka, f"{topic_prefix}confluent")
    address = {"bootstrap.servers": real_kafka.bootstrap}
    producer = confluent_kafka.Producer({**address, "enable.idempotence": True})
    sent = [f"{n}".encode() for n in range(1000)]
    for value in sent:
        producer.produce(topic, value)
    assert producer.flush(WAIT_MS / 1000) == 0
    group = {"group.id": f"{topic_prefix}group", "auto.offset.reset": "earliest"}
    consumer = confluent_kafka.Consumer({**address, **group})
    try:
        consumer.subscribe([topic])
        read: list[bytes | None] = []
        end = time.monotonic() + WAIT_MS / 1000
        while len(read) < len(sent) and time.monotonic() < end:
            read += [message.value() for message in consumer.consume(1000, timeout=0.2)]
    finally:
        consumer.close()
    assert read == sent


def test_log_append_time_replaces_the_producers_time(real_kafka: KafkaServer, topic_prefix: str) -> None:
    # without end, or retention takes the record of long ago before it is read
    kept = make_topic(real_kafka, f"{topic_prefix}create", **{"retention.ms": "-1"})
    stamped = make_topic(real_kafka, f"{topic_prefix}append", **{"message.timestamp.type": "LogAppendTime"})
    before = time.time_ns() // 1_000_000
    for topic in (kept, stamped):
        send(real_kafka, topic, b"x", timestamp_ms=LONG_AGO_MS)
    assert read_all(real_kafka, kept)[0][1] == LONG_AGO_MS
    assert before <= read_all(real_kafka, stamped)[0][1] <= time.time_ns() // 1_000_000


def test_a_message_of_ten_megabytes_passes(real_kafka: KafkaServer, topic_prefix: str) -> None:
    topic = make_topic(real_kafka, f"{topic_prefix}large")
    large = bytes(10_000_000)
    send(real_kafka, topic, large)
    assert read_all(real_kafka, topic)[0][0] == large


def test_kafka_keeps_its_data_over_kill_and_restart(real_kafka: KafkaServer, topic_prefix: str) -> None:
    if not real_kafka.controllable:
        pytest.skip("the broker was given by the environment: tests do not stop it")
    topic = make_topic(real_kafka, f"{topic_prefix}kept")
    send(real_kafka, topic, b"before")
    address = real_kafka.bootstrap
    real_kafka.kill()
    real_kafka.restart()
    send(real_kafka, topic, b"between")
    real_kafka.restart()
    assert real_kafka.bootstrap == address
    assert [value for value, _ in read_all(real_kafka, topic)] == [b"before", b"between"]


def test_the_embedded_broker_starts_afresh_and_leaves_nothing_behind() -> None:
    server = EmbeddedKafka()
    with server:
        topic = make_topic(server, "embedded")
        send(server, topic, b"one")
        assert [value for value, _ in read_all(server, topic)] == [b"one"]
        assert Path(server.folder).is_dir()
    assert not server.ready()
    assert not Path(server.folder).exists()


def write(influx: InfluxServer, bucket: str, *lines: str) -> None:
    with InfluxDBClient(url=influx.url, token=influx.token, org=influx.org) as client:
        buckets = client.buckets_api()
        if buckets.find_bucket_by_name(bucket) is None:
            buckets.create_bucket(bucket_name=bucket)
        client.write_api(write_options=SYNCHRONOUS).write(bucket=bucket, record=list(lines))


def values(influx: InfluxServer, bucket: str) -> list[float]:
    with InfluxDBClient(url=influx.url, token=influx.token, org=influx.org) as client:
        tables = client.query_api().query(f'from(bucket: "{bucket}") |> range(start: 0) |> sort(columns: ["_time"])')
        return [record.get_value() for table in tables for record in table.records]


def test_influx_answers_with_what_was_written(influx: InfluxServer, influx_prefix: str) -> None:
    bucket = f"{influx_prefix}raw"
    write(influx, bucket, "reading value=1.5 1000000000", "reading value=2.5 2000000000")
    assert values(influx, bucket) == [1.5, 2.5]


def test_influx_keeps_its_data_over_kill_and_restart(influx: InfluxServer, influx_prefix: str) -> None:
    if not influx.controllable:
        pytest.skip("the InfluxDB was given by the environment: tests do not stop it")
    bucket = f"{influx_prefix}raw"
    write(influx, bucket, "reading value=1.5 1000000000")
    influx.kill()
    influx.restart()
    write(influx, bucket, "reading value=2.5 2000000000")
    influx.restart()
    assert values(influx, bucket) == [1.5, 2.5]
