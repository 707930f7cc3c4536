"""Whatever is sent, the worker says what was wrong with it, counts it once, and serves the next good reading."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from kafka.codec import has_lz4, has_snappy, has_zstd

from schemas.codecs import ARROW, HEADER, JSON, MSGPACK
from schemas.control import CONTENT_TYPE, ORIGIN
from schemas.encode import encode_frame, encode_single
from schemas.partition import key_of, partition_of
from streams.publish import REJECTED_PER_S
from streams.settings import Settings
from streams.worker import Worker
from tests.integration.support.bad import Bad, as_json, cases
from tests.integration.support.produce import CLIENTS, Client, Outgoing, Sent, send
from tests.integration.support.topics import Message, unique, whole
from tests.integration.support.waiting import until
from tests.integration.support.workers import (
    MemorySink,
    counted,
    get,
    outcomes_of,
    running,
    settings_of,
    site_from,
    topics_for,
)
from tests.servers import KafkaServer
from tests.servers.leftovers import delete_topics

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTITIONS = 4
ASSET = "penang/smt/line1/oven3"
HOME = partition_of(key_of(ASSET), PARTITIONS)
KEPT_BYTES = 64 * 1024
LARGE = {"reading.v1:max.message.bytes": str(16 * 1024 * 1024)}
NOW = time.time_ns()
CASES = cases(NOW, HOME)


class Bench:
    """One worker for all cases of this file, and a good reading to end each with."""

    def __init__(self, settings: Settings, worker: Worker, sink: MemorySink) -> None:
        self.settings, self.worker, self.sink = settings, worker, sink
        self._times = itertools.count(NOW, 1_000_000)

    async def put(self, *messages: Outgoing, client: Client = "kafka-python", codec: str | None = None) -> list[Sent]:
        """Send messages to the asset's partition."""
        placed = [m if m.partition is not None else m._replace(partition=HOME) for m in messages]
        return await send(client, self.settings.kafka, self.settings.topic("reading.v1"), placed, codec)

    def good(self, count: int = 1) -> list[Outgoing]:
        """Good readings, each newer than the ones before."""
        return [self._good(next(self._times)) for _ in range(count)]

    def _good(self, when: int) -> Outgoing:
        return Outgoing(*encode_single(ASSET, "temp", when, 20.0), key_of(ASSET))

    async def counts_after(self, *messages: Outgoing) -> tuple[dict[str, int], list[Sent]]:
        """What sending messages and a good reading behind them adds to the outcomes, and where the messages went."""
        before, when = outcomes_of([self.worker]), next(self._times)
        *placed, _ = await self.put(*messages, self._good(when))
        await until(lambda: (ASSET, "temp", when) in self.sink.points, 20, "the next good reading is served")
        assert not self.worker.failed.done()
        after = outcomes_of([self.worker])
        return {name: n - before[name] for name, n in after.items() if n != before[name]}, placed

    async def rejected(self) -> list[Message]:
        """All of rejected.v1."""
        return await whole(self.settings.kafka, self.settings.topic("rejected.v1"))

    async def told_of(self, sent: Sent) -> list[Message]:
        """Records of rejected.v1 about one message."""
        place = (sent.partition, sent.offset)
        return [m for m in await self.rejected() if (m.json["partition"], m.json["offset"]) == place]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bench(real_kafka: KafkaServer) -> AsyncIterator[Bench]:
    settings = settings_of(real_kafka, unique(), partitions=PARTITIONS)
    topics_for(settings, **LARGE)
    sink = MemorySink()
    async with running(settings, site_from('[site]\nstore = "all"\n'), sink) as worker:
        await until(lambda: len(worker.assigned) == PARTITIONS, 20, "all partitions")
        yield Bench(settings, worker, sink)
        assert await get(worker, "/readyz") == (200, "ok\n"), "after all of this"
    if not real_kafka.controllable:
        delete_topics(real_kafka, settings.prefix)


@pytest.mark.parametrize("bad", CASES, ids=[case.name for case in CASES])
async def test_what_cannot_be_used_is_set_aside_with_reason_and_bytes(bench: Bench, bad: Bad) -> None:
    added, (sent,) = await bench.counts_after(Outgoing(bad.value, bad.headers, key_of(ASSET)))
    assert added.pop("rejected") == max(bad.cells, 1)
    assert sum(added.values()) == bad.served + 1
    (record,) = await bench.told_of(sent)
    told = record.json
    assert (told["reason"], told["cells"], told["source"]) == (bad.reason, bad.cells, bad.source)
    assert bad.place in str(told["place"])
    assert told["topic"] == bench.settings.topic("reading.v1")
    assert told["received"] == sent.timestamp * 1_000_000
    assert record.key == (bad.source.encode() if bad.source else None)
    if bad.value is None:
        assert (told["value_base64"], told["size"]) == (None, None)
    elif len(bad.value) <= KEPT_BYTES:
        assert base64.b64decode(str(told["value_base64"])) == bad.value
        assert (told["sha256"], told["head_base64"]) == (None, None)
    else:
        assert (told["value_base64"], told["size"]) == (None, len(bad.value))
        assert told["sha256"] == hashlib.sha256(bad.value).hexdigest()
        assert base64.b64decode(str(told["head_base64"])) == bad.value[:1024]
        assert len(record.value or b"") < 4096


async def test_crafted_messages_do_not_leak_into_their_neighbours(bench: Bench) -> None:
    ways = [case for case in CASES if "way out" in case.name or case.name == "two objects"]
    crafted = [Outgoing(case.value, case.headers, key_of(ASSET)) for case in ways]
    between = [m for pair in zip(crafted, bench.good(len(crafted)), strict=True) for m in pair]
    added, _ = await bench.counts_after(*between)
    assert added.pop("rejected") == len(crafted)
    assert sum(added.values()) == len(crafted) + 1
    assert not [place for place in bench.sink.points if place[1] == "leak"]
    assert 666.0 not in bench.sink.points.values()


@pytest.mark.parametrize("kind", [MSGPACK, ARROW], ids=["msgpack", "arrow"])
async def test_nan_is_an_absent_number_of_bad_quality_and_is_counted(bench: Bench, kind: bytes) -> None:
    absent = bench.worker.metrics.value("millstream_absent_numbers_total")
    base = time.time_ns() - 60_000_000_000
    series = f"nan_{kind.decode()[-4:]}"
    frame = encode_frame(ASSET, [base, base + 1000], {series: [1.0, math.nan]}, content_type=kind)
    added, _ = await bench.counts_after(Outgoing(*frame))
    assert "rejected" not in added
    assert added["withheld"] == 1
    assert bench.worker.metrics.value("millstream_absent_numbers_total") == absent + 1
    assert math.isnan(bench.sink.points[ASSET, series, base + 1000])


async def test_a_control_record_copied_to_another_partition_is_refused(bench: Bench) -> None:
    there = await whole(bench.settings.kafka, bench.settings.topic("reading.v1"))
    own = next(m for m in there if m.headers.get(HEADER) == CONTENT_TYPE and m.partition != HOME)
    added, (sent,) = await bench.counts_after(Outgoing(own.value, list(own.headers.items())))
    assert added.pop("rejected") == 1
    (told,) = [
        m.json for m in await bench.rejected() if m.json["offset"] == sent.offset and m.json["partition"] == HOME
    ]
    assert told["reason"] == "forged_control"
    assert f"signed for partition {own.partition}, found on {HOME}" in str(told["place"])
    assert bench.worker.metrics.value("millstream_forged_total") >= 1


async def test_a_forwarded_message_that_is_sent_again_is_dropped(bench: Bench) -> None:
    elsewhere = (HOME + 1) % PARTITIONS
    value, headers = encode_single(ASSET, "strayed", time.time_ns(), 5.0)
    before = counted(bench.worker)
    await bench.put(Outgoing(value, headers, key_of(ASSET), elsewhere))
    await until(lambda: counted(bench.worker) == before + 1, 20, "the strayed reading is judged")
    assert bench.worker.metrics.value("millstream_misrouted_total") == 1
    (forwarded,) = [
        m
        for m in await whole(bench.settings.kafka, bench.settings.topic("reading.v1"))
        if m.partition == HOME and m.value == value and ORIGIN in m.headers
    ]
    added, _ = await bench.counts_after(Outgoing(value, list(forwarded.headers.items())))
    assert sum(added.values()) == 1, "the good reading alone"
    assert bench.worker.metrics.value("millstream_reforwarded_total") == 1


async def test_of_each_source_and_reason_ten_a_second_are_told_and_the_rest_counted(bench: Bench) -> None:
    flood = [Outgoing(as_json(NOW, value=[i], source=f"gw-flood-{i % 2}"), ((HEADER, JSON),)) for i in range(80)]
    unlisted = bench.worker.metrics.value("millstream_rejected_unlisted_total", reason="wrong_type")
    added, placed = await bench.counts_after(*flood)
    assert added["rejected"] == 80
    sent = Counter((i % 2, place.timestamp // 1000) for i, place in enumerate(placed))
    told = [m.json for m in await bench.rejected() if str(m.json["source"]).startswith("gw-flood")]
    listed = Counter((int(str(t["source"])[-1]), int(str(t["received"])) // 10**9) for t in told)
    assert listed == {place: min(n, REJECTED_PER_S) for place, n in sent.items()}
    now = bench.worker.metrics.value("millstream_rejected_unlisted_total", reason="wrong_type")
    assert now - unlisted == 80 - len(told) > 0


HAS = {"gzip": True, "snappy": has_snappy(), "lz4": has_lz4(), "zstd": has_zstd()}
"""What kafka-python can write here; the other two bring all four with them."""


@pytest.mark.parametrize("codec", HAS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_every_codec_of_every_client_is_read(bench: Bench, client: Client, codec: str) -> None:
    if client == "kafka-python" and not HAS[codec]:
        pytest.skip(f"kafka-python cannot write {codec} here")
    before = outcomes_of([bench.worker])
    await bench.put(*bench.good(200), client=client, codec=codec)
    await until(lambda: counted(bench.worker) >= sum(before.values()) + 200, 20, "200 readings")
    assert counted(bench.worker, "rejected") == before["rejected"]


async def test_headers_may_be_null(bench: Bench) -> None:
    before = outcomes_of([bench.worker])
    (good,) = bench.good()
    nulls: list[tuple[str, bytes]] = [(HEADER, None), ("trace", None)]  # type: ignore[list-item]
    await bench.put(good._replace(headers=nulls), *bench.good(), client="confluent-kafka")
    await until(lambda: counted(bench.worker) >= sum(before.values()) + 2, 20, "both readings")
    origin: list[tuple[str, bytes]] = [(ORIGIN, None)]  # type: ignore[list-item]
    await bench.put(good._replace(headers=origin), client="confluent-kafka")
    await until(lambda: counted(bench.worker, "rejected") == before["rejected"] + 1, 20, "the null origin refused")


# --- sites that limit what they take


async def _first_outcomes(settings: Settings, site: str, messages: Sequence[Outgoing], total: int) -> list[Message]:
    """Feed a worker of its own, wait for `total` readings, and return what it rejected."""
    async with running(settings, site_from(site)) as worker:
        await send("aiokafka", settings.kafka, settings.topic("reading.v1"), messages)
        await until(lambda: counted(worker) >= total, 20, f"{total} readings")
        assert counted(worker) == total
        rejected = await whole(settings.kafka, settings.topic("rejected.v1"))
        assert counted(worker, "rejected") == len(rejected)
    return rejected


@pytest.fixture
def settings(real_kafka: KafkaServer, topic_prefix: str) -> Settings:
    made = settings_of(real_kafka, topic_prefix, partitions=PARTITIONS)
    topics_for(made)
    return made


async def test_a_strict_site_refuses_assets_that_it_does_not_name(settings: Settings) -> None:
    site = f'[site]\nstrict = true\n[[asset]]\npath = "{ASSET}"\naliases = ["oven-3"]\n'
    stranger = "penang/smt/line1/oven4"
    now = time.time_ns()
    messages = [
        Outgoing(*encode_single(asset, series, now, 1.0), key_of(ASSET))
        for asset, series in ((stranger, "temp"), (ASSET, "temp"), ("oven-3", "current"))
    ]
    # by its alias it lies where its path belongs
    (rejected,) = await _first_outcomes(settings, site, [m._replace(partition=HOME) for m in messages], 3)
    assert rejected.json["reason"] == "unknown_asset"
    assert stranger in str(rejected.json["place"])
    assert base64.b64decode(str(rejected.json["value_base64"])) == messages[0].value


async def test_series_beyond_the_limit_are_refused_and_the_known_ones_go_on(settings: Settings) -> None:
    now = time.time_ns()
    messages = [
        Outgoing(*encode_single(ASSET, series, now + i, 1.0), key_of(ASSET))
        for i, series in enumerate(("a", "b", "c", "a", "d", "b"))
    ]
    rejected = await _first_outcomes(settings, "[site]\nmax_series = 2\n", messages, 6)
    assert [str(m.json["place"]).split(":")[0] for m in rejected] == [f"{ASSET}/c", f"{ASSET}/d"]
    assert {m.json["reason"] for m in rejected} == {"too_many_series"}
    assert "raise [site] max_series" in str(rejected[0].json["place"])


async def test_ten_megabytes_go_in_and_out_of_the_way_of_others(bench: Bench) -> None:
    (case,) = [case for case in CASES if case.name == "10 MB"]
    large = Outgoing(case.value, case.headers, key_of(ASSET))
    added, _ = await asyncio.wait_for(bench.counts_after(large, *bench.good(3), large), 30)
    assert added.pop("rejected") == 2
    assert sum(added.values()) == 4
