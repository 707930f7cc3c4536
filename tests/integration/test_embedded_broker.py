"""The embedded broker: starts, takes and gives back records, and goes when it is told to or when its parent ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError

from schemas.errors import Misconfigured, Retry
from streams.demo.broker import EmbeddedBroker, available

pytestmark = pytest.mark.integration
needs_broker = pytest.mark.skipif(available() is not None, reason=str(available()))


def gone(pid: int, within_s: float = 10.0) -> bool:
    """Whether the process ends within that time (a zombie has ended)."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


@needs_broker
def test_keeps_keys_headers_and_order_over_several_partitions() -> None:
    with EmbeddedBroker() as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        config = {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime"}
        admin.create_topics([NewTopic("reading", 4, 1, topic_configs=config)])
        with pytest.raises(TopicAlreadyExistsError):
            admin.create_topics([NewTopic("reading", 4, 1)])
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap, compression_type="gzip", linger_ms=5)
        headers = [("content-type", b"application/json"), ("n", b"1")]
        for i in range(40):
            producer.send("reading", b"%d" % i, key=b"line", headers=headers, partition=i % 4)
        producer.close()
        consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id="g", enable_auto_commit=False)
        partitions = [TopicPartition("reading", p) for p in range(4)]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        got: dict[int, list[int]] = {p: [] for p in range(4)}
        end = time.monotonic() + 20
        while sum(map(len, got.values())) < 40 and time.monotonic() < end:
            for partition, records in consumer.poll(timeout_ms=500).items():
                assert all((r.key, list(r.headers)) == (b"line", headers) for r in records)
                got[partition.partition] += [int(r.value) for r in records]
        assert got == {p: list(range(p, 40, 4)) for p in range(4)}
        consumer.commit()
        assert [consumer.committed(p) for p in partitions] == [10] * 4
        consumer.close()
        admin.close()


@needs_broker
def test_stop_ends_the_process_and_frees_the_port_at_once_while_clients_are_connected() -> None:
    broker = EmbeddedBroker().start()
    pid, (host, port) = broker.pid, broker.bootstrap.split(":")
    assert pid is not None
    assert host == "127.0.0.1"
    with socket.create_connection((host, int(port))):
        broker.stop()
    assert gone(pid)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    broker.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = broker.bootstrap


@needs_broker
def test_a_second_start_of_a_running_broker_is_refused() -> None:
    with EmbeddedBroker() as broker, pytest.raises(RuntimeError, match="already running"):
        broker.start()


@needs_broker
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child that its parent ended")
def test_the_broker_ends_when_its_parent_is_killed() -> None:
    start = "from streams.demo.broker import EmbeddedBroker; broker = EmbeddedBroker().start()"
    code = f"import sys; {start}; print(broker.pid, flush=True); sys.stdin.read()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    os.kill(pid, 0)
    parent.kill()
    parent.communicate()
    assert gone(pid)


def test_where_there_is_no_broker_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", str(tmp_path / "nothing"))
    said = available()
    assert said is not None
    assert "\n" not in said
    assert "MILLSTREAM_KAFKA" in said
    with pytest.raises(Misconfigured, match="MILLSTREAM_KAFKA"):
        EmbeddedBroker().start()


def test_a_program_that_never_answers_is_given_up_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "tansu"
    program.write_text("#!/bin/sh\necho out of order\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(program))
    with pytest.raises(Retry, match="out of order"):
        EmbeddedBroker().start(timeout_s=5)
