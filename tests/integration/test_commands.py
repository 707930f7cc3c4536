"""Commands from the command line through Kafka to an engine and back; the worker is played by the test."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from typer.testing import CliRunner

from schemas.audit import Audit
from schemas.chunk import Record
from schemas.control import encode
from schemas.decode import Decoder
from schemas.partition import key_of, partition_of
from streams.cli.main import app
from streams.command_agent import verify
from streams.engine import Engine
from streams.publish import audit_record
from streams.resolve import resolve
from streams.settings import Settings
from streams.site import Site, parse_site
from tests.integration.support.topics import read_topic
from tests.integration.support.workers import CONTROL_KEY, settings_of, topics_for
from tests.servers import KafkaServer

PARTITIONS = 3
OVEN = "penang/smt/line1/oven3"
HOME = partition_of(key_of(OVEN), PARTITIONS)
KEY = CONTROL_KEY.encode()

Run = Callable[..., Any]


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str) -> Settings:
    """Settings on topics of this test alone, which are there."""
    made = settings_of(real_kafka, topic_prefix, partitions=PARTITIONS)
    topics_for(made)
    return made


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in this process, on these topics."""
    monkeypatch.setenv("MILLSTREAM_KAFKA", settings.kafka)
    monkeypatch.setenv("MILLSTREAM_PREFIX", settings.prefix)
    monkeypatch.setenv("MILLSTREAM_PARTITIONS", str(PARTITIONS))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


class Played:
    """What workers do with commands, in small: agent, engines that hold one reading each, publisher."""

    def __init__(self, settings: Settings, partitions: range = range(PARTITIONS)) -> None:
        self.settings, self.owned = settings, partitions
        self.engines = {p: Engine(p, PARTITIONS, resolve(Site())) for p in range(PARTITIONS)}
        self.faults: list[BaseException] = []
        self._stop = threading.Event()
        for p, engine in self.engines.items():
            asset = next(
                f"penang/smt/line{i}/oven3" for i in range(1, 99) if self._home(f"penang/smt/line{i}/oven3") == p
            )
            value = b'{"asset": "%s", "series": "temp", "time": 1767600000000000000, "value": 5}' % asset.encode()
            engine.feed(Decoder(KEY).decode([Record(0, 1_767_600_000_000_000_000, None, value)], p))

    @staticmethod
    def _home(asset: str) -> int:
        return partition_of(key_of(asset), PARTITIONS)

    def _work(self) -> None:
        topic = self.settings.topic
        producer = KafkaProducer(bootstrap_servers=self.settings.kafka, enable_idempotence=False)
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka, auto_offset_reset="earliest")
        try:
            consumer.assign([TopicPartition(topic("command.v1"), p) for p in self.owned])
            while not self._stop.is_set():
                for records in consumer.poll(timeout_ms=50).values():
                    for r in records:
                        for audit in self._carry_out(
                            Record(r.offset, r.timestamp * 1_000_000, r.key, r.value), r.partition
                        ):
                            key, value = audit_record(audit, "line")
                            producer.send(topic("audit.v1"), value, key=key, partition=audit.partition).get(10)
        except BaseException as error:
            self.faults.append(error)
        finally:
            consumer.close()
            producer.close()

    def _carry_out(self, record: Record, partition: int) -> Iterator[Audit]:
        found = verify(record, partition, PARTITIONS, "line")
        if isinstance(found, Audit):
            yield found
            return
        for control in found:
            engine = self.engines[control.partition]
            value, headers = encode(control, KEY)
            chunk = Decoder(KEY).decode(
                [Record(engine.next_offset, record.timestamp, None, value, headers)], control.partition
            )
            yield from engine.feed(chunk).audits

    @contextlib.contextmanager
    def at_work(self) -> Iterator[Played]:
        """While inside, commands are carried out."""
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(30)
            assert not self.faults, self.faults


def commands_on(settings: Settings) -> list[tuple[int, bytes | None]]:
    return [(m.partition, m.key) for m in read_topic(settings.kafka, settings.topic("command.v1"))]


def test_a_command_that_nobody_answers_stays_in_the_topic_until_a_worker_runs(settings: Settings, run: Run) -> None:
    done = run("command", "mute", "--asset", OVEN, "--until", "2h", "--command-id", "m-1", "--timeout", "1s")
    assert done.exit_code == 3, done.output
    assert "1 of 1 partition did not answer within 1s; the command stays in the topic" in done.stderr
    assert commands_on(settings) == [(HOME, key_of(OVEN))]
    with Played(settings).at_work() as played:
        again = run("command", "mute", "--asset", OVEN, "--until", "2h", "--command-id", "m-1")
        assert again.exit_code == 0, again.output
        assert len(played.engines[HOME].mutes) == 1
    rows = [Audit.model_validate_json(m.value or b"") for m in read_topic(settings.kafka, settings.topic("audit.v1"))]
    assert [(row.command_id, row.outcome, row.partition) for row in rows] == [
        ("m-1", "accepted", HOME), ("m-1", "repeated", HOME),
    ]  # fmt: skip


def test_each_partition_that_is_asked_answers_in_a_line(settings: Settings, run: Run) -> None:
    with Played(settings).at_work() as played:
        done = run("command", "mute", "--asset", "penang/*", "--until", "2h", "--reason", "cleaning", "--by", "ann")
        assert done.exit_code == 0, done.output
        # limits and quality have nothing to judge here, the default site's eight other watches take the one series
        assert sorted(done.stdout.splitlines()[1:]) == [
            f"partition {p}: accepted, concerns 8" for p in range(PARTITIONS)
        ]
        assert {len(engine.mutes) for engine in played.engines.values()} == {1}
        one = run("command", "rebaseline", "--asset", OVEN)
        assert one.stdout.splitlines()[1:] == [f"partition {HOME}: accepted, concerns 8"]
        ended = run("command", "unmute", "--asset", "penang/*")
        assert ended.exit_code == 0, ended.output
        assert not any(len(engine.mutes) for engine in played.engines.values())
    audits = read_topic(settings.kafka, settings.topic("audit.v1"))
    assert {m.key for m in audits} == {None, key_of(OVEN)}
    assert {m.json["by"] for m in audits if m.json["reason"] == "cleaning"} == {"ann"}


def test_a_refusal_by_all_is_exit_status_1_with_the_reasons(settings: Settings, run: Run) -> None:
    with Played(settings).at_work():
        done = run("command", "approve", "--episode", "none")
        assert done.exit_code == 1, done.output
        why = "refused: no episode with the id 'none' is open on this partition"
        assert sorted(done.stdout.splitlines()[1:]) == [f"partition {p}: {why}" for p in range(PARTITIONS)]


def test_a_site_is_applied_to_every_partition_once_and_told_so(settings: Settings, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[site]\nversion = 4\n[[watch]]\nname = "only"\nseries = "*"\ndetector = { kind = "gap" }\n')
    hash_of = resolve(parse_site(file.read_text(), "site.toml")).hash
    with Played(settings).at_work() as played:
        done = run("config", "apply", str(file))
        assert done.exit_code == 0, done.output
        assert sorted(done.stdout.splitlines()[2:]) == [f"partition {p}: accepted" for p in range(PARTITIONS)]
        assert {engine.site.hash for engine in played.engines.values()} == {hash_of}
        file.write_text(file.read_text().replace("version = 4", "version = 3"))
        lower = run("config", "apply", str(file))
        assert lower.exit_code == 1
        assert lower.stdout.count("raise [site] version to 5") == PARTITIONS


def test_a_site_that_not_all_took_in_time_is_exit_status_3(settings: Settings, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text("[site]\nversion = 2\n")
    with Played(settings, range(PARTITIONS - 1)).at_work():
        done = run("config", "apply", str(file), "--timeout", "3s")
    assert done.exit_code == 3, done.output
    assert done.stdout.count(": accepted") == PARTITIONS - 1
    assert f"1 of {PARTITIONS} partitions did not answer within 3s" in done.stderr


def test_what_is_wrong_is_never_sent(settings: Settings, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[[watch]]\nname = "w"\nseries = "*"\ndetector = { kind = "nonesuch" }\n')
    assert run("config", "apply", str(file)).exit_code == 2
    assert run("command", "mute", "--asset", "a//b", "--until", "2h").exit_code == 2
    file.write_text("[site]\nversion = 2\n")
    assert run("config", "apply", str(file), "--dry-run").exit_code == 0
    assert commands_on(settings) == []


def test_not_waiting_is_quick_and_sends_to_every_partition(settings: Settings, run: Run) -> None:
    started = time.monotonic()
    assert run("command", "rebaseline", "--asset", "penang/*", "--no-wait").exit_code == 0
    assert time.monotonic() - started < 20
    assert commands_on(settings) == [(p, None) for p in range(PARTITIONS)]


def test_topics_that_do_not_fit_are_named_and_none_is_made(
    settings: Settings, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLSTREAM_PARTITIONS", "4")
    other = run("command", "rebaseline", "--asset", OVEN)
    assert other.exit_code == 2
    assert f"topic {settings.topic('command.v1')} has 3 partitions, expected 4" in other.stderr
    monkeypatch.setenv("MILLSTREAM_PREFIX", f"{settings.prefix}none.")
    missing = run("command", "rebaseline", "--asset", OVEN)
    assert missing.exit_code == 2
    assert "is missing, expected 4; run: millstream topics" in missing.stderr
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka)
    made = [topic for topic in consumer.topics() if topic.startswith(f"{settings.prefix}none.")]
    consumer.close()
    assert made == []
