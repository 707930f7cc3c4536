"""Topics on a broker, Apache Kafka or the embedded one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource

from schemas.errors import Misconfigured, Retry
from streams.topics import TOPICS, check_topics, ensure_topics
from tests.servers import KafkaServer
from tests.servers.base import Unavailable
from tests.servers.kafka_embedded import EmbeddedKafka
from tests.servers.net import LOOPBACK, free_port


@pytest.fixture
def admin(kafka: KafkaServer) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    yield client
    client.close()


def config_of(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    found = admin.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")["topic"][topic]
    return {key: entry["value"] for key, entry in found.items()}


def test_missing_topics_are_made_and_a_second_run_changes_nothing(
    kafka: KafkaServer, admin: KafkaAdminClient, topic_prefix: str
) -> None:
    before = check_topics(kafka.bootstrap, topic_prefix, 3)
    assert len(before) == len(TOPICS)
    assert before[0] == f"topic {topic_prefix}reading.v1: missing, expected with 3 partitions; run: millstream topics"
    made = ensure_topics(kafka.bootstrap, topic_prefix, 3)
    assert f"topic {topic_prefix}state.v1: made, 3 partitions" in made
    assert f"topic {topic_prefix}rejected.v1: made, 1 partition" in made
    assert check_topics(kafka.bootstrap, topic_prefix, 3) == []
    again = [line for line in ensure_topics(kafka.bootstrap, topic_prefix, 3) if not line.startswith("note: ")]
    assert again == [f"topic {topic_prefix}{topic.name}: is there, as expected" for topic in TOPICS]
    described = admin.describe_topics([f"{topic_prefix}{topic.name}" for topic in TOPICS])
    counts = {each["name"].removeprefix(topic_prefix): len(each["partitions"]) for each in described}
    assert counts == {topic.name: 3 if topic.partitions == "n" else 1 for topic in TOPICS}


def test_the_broker_has_the_configuration_asked_for(
    kafka: KafkaServer, admin: KafkaAdminClient, topic_prefix: str
) -> None:
    ensure_topics(kafka.bootstrap, topic_prefix, 2, overrides={"state.v1:segment.ms": "1000"})
    state = config_of(admin, f"{topic_prefix}state.v1")
    assert (state["cleanup.policy"], state["segment.bytes"], state["segment.ms"]) == ("compact", "67108864", "1000")
    reading = config_of(admin, f"{topic_prefix}reading.v1")
    assert (reading["message.timestamp.type"], reading["retention.ms"]) == ("LogAppendTime", "604800000")
    assert config_of(admin, f"{topic_prefix}audit.v1")["retention.ms"] == "-1"


def test_a_reading_carries_the_brokers_time(real_kafka: KafkaServer, topic_prefix: str) -> None:
    ensure_topics(real_kafka.bootstrap, topic_prefix, 1)
    place = TopicPartition(f"{topic_prefix}reading.v1", 0)
    producer = KafkaProducer(bootstrap_servers=real_kafka.bootstrap)
    producer.send(place.topic, b"{}", partition=0, timestamp_ms=5).get(timeout=10)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=real_kafka.bootstrap, consumer_timeout_ms=10_000)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    assert next(consumer).timestamp > 1_600_000_000_000
    consumer.close()


def test_what_differs_is_shown_and_altered_only_when_told(
    kafka: KafkaServer, admin: KafkaAdminClient, topic_prefix: str
) -> None:
    ensure_topics(kafka.bootstrap, topic_prefix, 2, overrides={"reading.v1:retention.ms": "5000"})
    name = f"{topic_prefix}reading.v1"
    shown = ensure_topics(kafka.bootstrap, topic_prefix, 2)
    assert f"topic {name}: retention.ms is 5000, expected 604800000; left as it is" in shown
    assert config_of(admin, name)["retention.ms"] == "5000"
    assert check_topics(kafka.bootstrap, topic_prefix, 2) == []  # no reason not to start
    fixed = ensure_topics(kafka.bootstrap, topic_prefix, 2, fix=True)
    assert f"topic {name}: retention.ms set from 5000 to 604800000" in fixed
    assert not [line for line in ensure_topics(kafka.bootstrap, topic_prefix, 2) if "retention.ms" in line]


def test_state_that_is_not_compacted_stops_a_worker(kafka: KafkaServer, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap, topic_prefix, 2, overrides={"state.v1:cleanup.policy": "delete"})
    assert check_topics(kafka.bootstrap, topic_prefix, 2) == [
        f"topic {topic_prefix}state.v1: cleanup.policy is delete, expected compact; run: millstream topics"
    ]


def test_partitions_are_never_changed(kafka: KafkaServer, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap, topic_prefix, 2)
    for asked in (1, 3):
        lines = ensure_topics(kafka.bootstrap, topic_prefix, asked, fix=True)
        assert f"topic {topic_prefix}reading.v1: partitions is 2, expected {asked}; left as it is" in lines
        assert f"partitions is 2, expected {asked}" in check_topics(kafka.bootstrap, topic_prefix, asked)[0]
    assert check_topics(kafka.bootstrap, topic_prefix, 2) == []


def test_topics_that_belong_together_with_other_partitions_are_refused(
    kafka: KafkaServer, admin: KafkaAdminClient, topic_prefix: str
) -> None:
    admin.create_topics({f"{topic_prefix}state.v1": {"num_partitions": 5, "replication_factor": 1}})
    admin.wait_for_topics([f"{topic_prefix}state.v1"])
    with pytest.raises(Misconfigured, match="need the same number of partitions"):
        ensure_topics(kafka.bootstrap, topic_prefix, 2)
    (problem,) = check_topics(kafka.bootstrap, topic_prefix, 2)
    assert f"{topic_prefix}state.v1 5" in problem
    assert [name for name in admin.list_topics() if name.startswith(topic_prefix)] == [f"{topic_prefix}state.v1"]


@pytest.mark.parametrize(
    ("replication", "overrides", "text"),
    [
        (3, {}, "set `replication` to at most the number of brokers"),
        (1, {"retention.ms": "soon"}, "correct the topic's configuration"),
        (1, {"nosuch.ms": "1"}, "nosuch.ms"),
    ],
)
def test_what_the_broker_refuses_names_what_to_change(
    real_kafka: KafkaServer, topic_prefix: str, replication: int, overrides: dict[str, str], text: str
) -> None:
    with pytest.raises(Misconfigured, match=text):
        ensure_topics(real_kafka.bootstrap, topic_prefix, 1, replication, overrides=overrides)


def test_the_embedded_broker_is_accepted_with_a_note() -> None:
    try:
        broker = EmbeddedKafka()
    except Unavailable as error:
        pytest.skip(str(error))
    with broker:
        for _ in range(2):
            lines = ensure_topics(broker.bootstrap, "demo.", 4)
            assert len(lines) == len(TOPICS) + 1
            assert lines[-1].startswith("note: this broker takes note of topic configuration but need not apply it")
        assert check_topics(broker.bootstrap, "demo.", 4) == []


def test_apache_kafka_needs_no_note(real_kafka: KafkaServer, topic_prefix: str) -> None:
    lines = ensure_topics(real_kafka.bootstrap, topic_prefix, 1)
    assert len(lines) == len(TOPICS)


def test_no_broker_is_retried() -> None:
    nobody = f"{LOOPBACK}:{free_port()}"
    for call in (ensure_topics, check_topics):
        with pytest.raises(Retry, match=nobody):
            call(nobody, "m.", 1, client_options={"bootstrap_timeout_ms": 300})
