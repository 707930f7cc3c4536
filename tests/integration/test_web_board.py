"""The web board on a real broker, beside a real worker: what it shows is so, and what people decide is done."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient, NewPartitions

from schemas.encode import encode_single
from schemas.partition import key_of
from streams.board import crew, tail
from streams.board.server import Board
from streams.settings import Settings
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.secure import PARTITIONS as SECURE_PARTITIONS
from tests.integration.support.secure import Installation
from tests.integration.support.topics import whole
from tests.integration.support.waiting import until
from tests.integration.support.web_board import Person, at, board_on, outcome
from tests.integration.support.workers import counted, running, settings_of, site_from, topics_for
from tests.servers import KafkaServer
from tests.servers.kafka_secure import SecureKafka
from tests.servers.net import free_port

SECOND = 1_000_000_000
PARTITIONS = 3
LINE = "penang/smt/line1"
ONE = "9bdfc8cb-371c-5d5b-85a7-0f488ec14013"
SITE = site_from(
    """
[site]
store = "none"

[[watch]]
name = "high"
series = "*"
detector = { kind = "limits", high = 30 }
"""
)


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str) -> Settings:
    made = settings_of(real_kafka, topic_prefix, partitions=PARTITIONS, tick_interval="1s")
    topics_for(made)
    return made


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "EVERY_S", 0.3)
    monkeypatch.setattr(tail, "_POLL_MS", 50)


async def put(settings: Settings, value: float, *machines: str) -> None:
    now = time.time_ns()
    messages = [
        Outgoing(*encode_single(f"{LINE}/{machine}", "temp", now, value), key_of(f"{LINE}/{machine}"))
        for machine in machines
    ]
    await send("aiokafka", settings.kafka, settings.topic("reading.v1"), messages)


async def listed(person: Person, path: str = "/") -> set[str]:
    return set(re.findall(r"<a href=\"/episodes/[^\"]+\"><b>([\w-]+)</b>", await person.sees(path)))


async def done(person: Person, path: str, what: str = "done") -> None:
    async def told() -> bool:
        return outcome(await person.sees(path)) == what

    await until(told, 20, "the worker has done it")


async def test_people_have_the_last_word(settings: Settings) -> None:
    async with running(settings, SITE) as worker, board_on(settings) as board, at(board) as person:
        await put(settings, 20.0, "oven1", "oven2", "oven3")
        await until(lambda: counted(worker) == 3, 20, "the readings are judged")
        await put(settings, 40.0, "oven1", "oven2", "oven3")

        async def all_open() -> bool:
            return await listed(person) == {"oven1", "oven2", "oven3"}

        await until(all_open, 20, "the board lists them")
        paths = {
            machine: path
            for path, machine in re.findall(r"<a href=\"(/episodes/[^\"]+)\"><b>(\w+)</b>", await person.sees())
        }
        page = await person.sees(paths["oven1"])
        assert "above the limit of 30" in page
        assert "≤ 30" in page

        await done(person, await person.fills_in(paths["oven1"], "reject", by="ann", reason="the sun"))
        await done(person, await person.fills_in(paths["oven2"], "approve", by="ann", reason="new recipe"))
        muting = await person.fills_in(
            paths["oven3"], "mute", by="ann", reason="cleaning", what="machine", **{"for": "2h"}
        )
        await done(person, muting)

        async def all_over() -> bool:
            return await listed(person) == set() and await listed(person, "/closed") == {"oven1", "oven2", "oven3"}

        await until(all_over, 20, "they are over")
        page = await person.sees("/closed")
        assert {why for why in ("false alarm", "accepted as the new normal", "muted") if why in page} == {
            "false alarm", "accepted as the new normal", "muted",
        }  # fmt: skip
        page = await person.sees("/decisions")
        assert [page.count(why) for why in ("the sun", "new recipe", "cleaning")] == [1, 1, 1]

        assert f"{LINE}/oven3" in await person.sees("/mutes")
        await put(settings, 50.0, "oven3")
        await until(lambda: counted(worker, "muted") == 1, 20, "it is muted")
        await done(person, await person.fills_in("/mutes", "mute", by="ben"))
        assert "Nothing is muted." in await person.sees("/mutes")
        assert await listed(person) == set()

    async with board_on(settings) as again, at(again) as person:
        await until(lambda: again.tail.share == 1.0, 20, "it has read what has happened")
        assert await listed(person, "/closed") == {"oven1", "oven2", "oven3"}
        assert "Nothing is muted." in await person.sees("/mutes")
        assert (await person.sees("/decisions")).count("ben") >= 1


async def test_a_form_that_is_sent_twice_is_carried_out_once(settings: Settings) -> None:
    async with running(settings, SITE) as worker, board_on(settings) as board, at(board) as person:
        await put(settings, 20.0, "oven1")
        await until(lambda: counted(worker) == 1, 20, "the reading is judged")
        form = {"kind": "rebaseline", "asset": f"{LINE}/oven1", "by": "ann", "reason": "new", "command_id": ONE}
        for _ in range(3):
            await done(person, await person.posts(form))

        async def rows() -> list[str]:
            return [str(m.json["outcome"]) for m in await whole(settings.kafka, settings.topic("audit.v1"))
                    if m.json["command_id"] == ONE]  # fmt: skip

        async def all_answered() -> bool:
            return len(await rows()) == 3

        await until(all_answered, 20, "each was answered")
        assert sorted(await rows()) == ["accepted", "repeated", "repeated"]


async def test_without_a_worker_nothing_looks_well_and_what_was_asked_for_is_done_when_one_comes(
    settings: Settings,
) -> None:
    async with board_on(settings) as board, at(board) as person:

        async def says(words: str) -> bool:
            return words in await person.sees()

        await until(lambda: says("No worker is running"), 20, "it says that nobody works")
        form = {"kind": "mute", "asset": "penang/*", "for": "2h", "by": "ann", "reason": "shutdown"}
        path = await person.posts(form)
        assert outcome(await person.sees(path)) == "waiting"
        sent = path.rpartition("/")[2]
        board.asking._asked[sent] = board.asking._asked[sent]._replace(sent=-1e9)  # half a minute later
        assert outcome(await person.sees(path)) == "unanswered"
        async with running(settings, SITE):
            await done(person, path, "nothing")  # no machine is known yet, and it says so

            async def well() -> bool:
                page = await person.sees()
                return "banner nobody_works" not in page and "Workers: 1" in page

            await until(well, 20, "somebody works")
            assert "penang/*" in await person.sees("/mutes")


async def test_a_refusal_is_told_with_its_reason(settings: Settings) -> None:
    async with running(settings, SITE), board_on(settings) as board, at(board) as person:
        path = await person.posts({"kind": "reject", "episode": "no-such-one", "by": "ann"})

        async def refused() -> bool:
            return outcome(await person.sees(path)) == "refused"

        await until(refused, 20, "all partitions have refused")
        assert "no episode with the id" in await person.sees(path)


async def test_while_the_broker_is_away_a_form_comes_back_and_afterwards_all_goes_on(
    real_kafka: KafkaServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not real_kafka.controllable:
        pytest.skip("the broker of this run is not ours to stop")
    monkeypatch.setattr(crew, "_PATIENCE_S", 1.0)
    monkeypatch.setattr("streams.board.asking._SEND_S", 2.0)
    async with board_on(settings) as board, at(board) as person:
        await until(lambda: board.tail.share == 1.0, 20, "it has read what has happened")
        await asyncio.to_thread(real_kafka.kill)
        try:

            async def away() -> bool:
                return "Kafka does not answer" in await person.sees()

            await until(away, 30, "it says that Kafka is away")
            form = {"kind": "rebaseline", "asset": f"{LINE}/oven9", "by": "ann", "reason": "a reason"}
            with pytest.raises(AssertionError, match="It is not certain that it was sent"):
                await person.posts(form)
        finally:
            await asyncio.to_thread(real_kafka.restart)
        async with running(settings, SITE) as worker:
            await put(settings, 40.0, "oven9")
            await until(lambda: counted(worker) == 1, 30, "the reading is judged")

            async def seen() -> bool:
                return "oven9" in await listed(person) and "banner kafka_away" not in await person.sees()

            await until(seen, 60, "the board goes on by itself")
            await done(person, await person.posts(form))
        assert board.failed is None


async def test_partitions_that_are_added_end_a_board_that_would_not_reach_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "_TOPOLOGY_S", 0.2)
    async with board_on(settings) as board:
        admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
        try:
            admin.create_partitions({settings.topic("command.v1"): NewPartitions(total_count=PARTITIONS + 1)})
        finally:
            admin.close()
        await until(lambda: board.failed is not None, 20, "it ends")
        assert board.failed is not None
        assert "set it to 4, as for the workers" in str(board.failed.exception())


async def test_a_board_works_with_the_rights_of_its_role_alone(
    secure_kafka: SecureKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = Installation(secure_kafka)
    plant.make_topics()
    plant.allow("worker", "board")
    settings = plant.settings("board", control_key=None)
    assert settings.partitions == SECURE_PARTITIONS
    async with running(plant.settings("worker"), SITE), board_on(settings) as board, at(board) as person:

        async def counts() -> bool:
            return "Workers: 1" in await person.sees()

        await until(counts, 20, "it may ask who works")
        path = await person.posts(
            {"kind": "mute", "asset": f"{LINE}/oven1", "for": "2h", "by": "ann", "reason": "x"}
        )  # fmt: skip
        await done(person, path, "nothing")
    plant.forbid("board", "group", settings.group, "DESCRIBE")
    async with board_on(settings) as board, at(board) as person:
        await asyncio.sleep(0)
        await until(lambda: board.crew.seen().workers is None and board.crew.seen().settled, 20, "it may not ask")
        assert "banner nobody_works" not in await person.sees()


def test_the_command_serves_until_it_is_told_to_stop(settings: Settings) -> None:
    environment = {
        "PATH": "/usr/bin:/bin", "MILLSTREAM_KAFKA": settings.kafka, "MILLSTREAM_PREFIX": settings.prefix,
        "MILLSTREAM_GROUP": settings.group, "MILLSTREAM_PARTITIONS": str(PARTITIONS),
        "MILLSTREAM_BOARD_PORT": str(free_port()),
    }  # fmt: skip
    command = [str(Path(sys.executable).with_name("millstream")), "board"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"the board is at http://127.0.0.1:{environment['MILLSTREAM_BOARD_PORT']}\n"
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=20)
    assert (child.returncode, said) == (0, "")
    for wrong, status, words in (
        ({"MILLSTREAM_KAFKA": f"127.0.0.1:{free_port()}"}, 1, "Connection refused"),
        (
            {"MILLSTREAM_PREFIX": "nowhere."},
            2,
            "not there, or closed to this user: nowhere.anomaly.v1, nowhere.audit.v1, nowhere.command.v1",
        ),
        ({"MILLSTREAM_PARTITIONS": "5"}, 2, "set it to 3, as for the workers"),
    ):
        done = subprocess.run(command, env=environment | wrong, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, len(done.stderr.strip().splitlines())) == (status, 1), done.stderr
        assert words in done.stderr


def test_a_port_that_is_taken_is_one_line(settings: Settings) -> None:
    async def two() -> None:
        async with board_on(settings) as board:
            other = Board(settings.model_copy(update={"board_port": board.port}))
            with pytest.raises(Exception, match="set MILLSTREAM_BOARD_PORT to a free port, or 0"):
                await other.start()
            await other.stop()

    asyncio.run(two())
