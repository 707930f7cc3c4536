"""Growing partitions on a real broker: learning and open episodes move along, and a run that was cut off goes on."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence

import pytest

from schemas.encode import encode_single
from schemas.errors import Misconfigured
from schemas.partition import key_of, partition_of
from streams.broker import broker
from streams.grow import grow
from streams.results import WARMING, Results
from streams.run import check_before
from streams.settings import Settings, load_settings
from streams.state.codec import pack
from streams.state.offline import offline
from streams.topics import check_topics
from tests.integration.support.produce import Outgoing, send
from tests.integration.support.topics import whole
from tests.integration.support.waiting import until
from tests.integration.support.workers import (
    CONTROL_KEY,
    MemorySink,
    counted,
    metrics_of,
    running,
    settings_of,
    site_from,
    topics_for,
)
from tests.servers import KafkaServer

SECOND = 1_000_000_000
FEW, MANY = 4, 8
ASSETS = [f"penang/smt/line{line}/oven{oven}" for line in range(12) for oven in range(2)]
SERIES = ("temp", "fan")
TROUBLED = dict.fromkeys(ASSETS[::3], 60.0) | dict.fromkeys(ASSETS[::6], 90.0)
"""Above what was learned, or above the limit too."""
SITE = site_from(
    """
[site]
store = "all"

[[watch]]
name = "level"
series = "*"
refractory = "1m"
detector = { kind = "robust_zscore", warmup = 20 }

[[watch]]
name = "limits"
series = "*"
refractory = "30s"
detector = { kind = "limits", high = 80 }
"""
)


@pytest.fixture
def few(real_kafka: KafkaServer, topic_prefix: str) -> Settings:
    """Settings on topics of this test alone, which are there, with few partitions."""
    made = settings_of(real_kafka, topic_prefix, partitions=FEW)
    topics_for(made)
    return made


def with_many(settings: Settings) -> Settings:
    """The same settings for the grown topics."""
    return load_settings(**settings.model_dump(exclude_unset=True) | {"partitions": MANY})


def readings(values: Sequence[float], start: int, last: dict[str, float] | None = None) -> list[Outgoing]:
    """One reading of every series a second; `last` is the last value of some assets' temperatures."""
    out = []
    for i, value in enumerate(values):
        for asset in ASSETS:
            for series in SERIES:
                odd = i == len(values) - 1 and series == "temp" and asset in (last or {})
                now = (last or {})[asset] if odd else value
                out.append(Outgoing(*encode_single(asset, series, start + i * SECOND, now), key_of(asset)))
    return out


def wave(n: int) -> list[float]:
    return [20.0 + i % 5 * 0.1 for i in range(n)]


async def put(settings: Settings, messages: Sequence[Outgoing]) -> None:
    await send("aiokafka", settings.kafka, settings.topic("reading.v1"), messages)


class Warming:
    """Counts verdicts of detectors that are still learning."""

    def __init__(self) -> None:
        self.verdicts = 0

    def __call__(self, results: Results) -> None:
        self.verdicts += int((results.verdicts.status == WARMING).sum())


async def learned(settings: Settings, start: int) -> int:
    """Let a worker learn, and stop it with an episode open on every troubled asset; how many events were told."""
    messages = readings(wave(41), start, TROUBLED)
    warming = Warming()
    async with running(settings, SITE, MemorySink(), watch_results=warming) as worker:
        await put(settings, messages)
        await until(lambda: counted(worker) == len(messages), 30, "the readings are judged")
        assert warming.verdicts > 0
    told = await whole(settings.kafka, settings.topic("anomaly.v1"))
    found = {(m.json["asset"], m.json["watch"]) for m in told}
    assert found == {(asset, "limits" if value > 80 else "level") for asset, value in TROUBLED.items()}
    return len(told)


async def goes_on(settings: Settings, start: int, told: int) -> dict[str, int]:
    """Show that a worker on the grown topics goes on with all that was learned and open; figures."""
    settings = with_many(settings)
    anomalies = settings.topic("anomaly.v1")
    before = (await whole(settings.kafka, anomalies)) if told else []
    warming = Warming()
    async with running(settings, SITE, MemorySink(), watch_results=warming) as worker:
        assert len(worker.assigned) == MANY
        assert all(owned.manifest is not None and owned.manifest.partitions == MANY for owned in worker.owned.values())
        homes = {ref.path: p for p, engine in worker.engines.items() for ref in engine.roster.refs}
        assert homes == {asset: partition_of(key_of(asset), MANY) for asset in ASSETS}
        shown = [k for k in await metrics_of(worker) if k[0] == "millstream_episode_severity"]
        assert len(shown) == len(TROUBLED), "the open episodes are in the metrics before anything is read"
        messages = readings(wave(100), start + 41 * SECOND)
        # half of the gateways have not noticed yet: theirs are forwarded
        stale = [m._replace(partition=partition_of(m.key or b"", FEW)) for m in messages[: len(messages) // 2]]
        await put(settings, stale)
        await until(lambda: counted(worker) == len(stale), 30, "what came by the old partitions is judged")
        await put(settings, messages[len(stale) :])
        await until(lambda: counted(worker) == len(messages), 30, "the new readings are judged")
        assert warming.verdicts == 0, "nothing has to be learned again"
        assert counted(worker, "late", "duplicate", "rejected") == 0
        misrouted = int(worker.metrics.value("millstream_misrouted_total"))
        assert misrouted > 0
        series = sum(len(engine.roster.refs) for engine in worker.engines.values())
    after = await whole(settings.kafka, anomalies)
    ids = [m.json["event_id"] for m in after]
    assert len(ids) == len(set(ids)), "nothing is told twice"
    opened = {m.json["episode_id"] for m in before}
    new = [m.json for m in after if m.json["event_id"] not in {b.json["event_id"] for b in before}]
    assert {m["phase"] for m in new} == {"closed"}
    assert {m["episode_id"] for m in new} == opened, "what was open is closed under its own id"
    return {"series": series, "episodes": len(opened), "misrouted": misrouted}


async def grown(settings: Settings, to: int = MANY) -> list[str]:
    """Grow in this process; what it says."""
    lines: list[str] = []
    await asyncio.to_thread(grow, settings, to, lines.append)
    return lines


async def test_what_was_learned_and_what_is_open_moves_along(few: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    told = await learned(few, start)
    began = time.perf_counter()
    lines = await grown(few)
    took = time.perf_counter() - began
    assert [line.split(":")[0] for line in lines if line.startswith("partition")] == [
        f"partition {p}" for p in range(MANY)
    ]
    figures = await goes_on(few, start, told)
    assert await grown(few) == [f"{few.topic('reading.v1')} has {MANY} partitions already: there is nothing to do"]
    print(f"\n{FEW} -> {MANY} partitions in {took:.2f} s: {figures}")
    print("\n".join(lines))


async def test_episodes_told_after_the_copy_was_made_are_read_back(few: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    told = await learned(few, start)
    with broker(few) as at:
        async with offline(few, at, FEW) as (store, _):
            for partition in range(FEW):  # as if each copy had been made just before its events were told
                manifest = (await store.newest(partition)).manifest
                assert manifest is not None
                state = await store.load(manifest) | {"episodes": []}
                pieces = [await store.put_chunk(partition, "early", i, c) for i, c in enumerate(pack(state))]
                await store.drop(partition, manifest.keys())
                early = {"generation": "early", "events_end": 0, "pieces": pieces}
                await store.put_manifest(manifest.model_copy(update=early))
    await grown(few)
    await goes_on(few, start, told)


async def test_it_waits_for_workers_to_stop_and_for_what_is_not_saved(few: Settings) -> None:
    start = time.time_ns() - 600 * SECOND
    async with running(few, SITE, MemorySink()) as worker:
        await put(few, readings(wave(5), start))
        await until(lambda: counted(worker) == 5 * len(ASSETS) * 2, 30, "the readings are judged")
        with pytest.raises(Misconfigured, match="has 1 worker at work"):
            await grown(few)
        worker._save_all = _nothing  # type: ignore[method-assign]  # a kill: the last seconds are not saved
        worker.settings.__dict__["snapshot_interval"] = 3600 * SECOND
        await put(few, readings(wave(5), start + 5 * SECOND))
        await until(lambda: counted(worker) == 10 * len(ASSETS) * 2, 30, "more is judged")
    with pytest.raises(Misconfigured) as refused:
        await grown(few)
    assert "records behind the snapshot" in str(refused.value)
    assert "stop the gateways, let the workers reach lag 0, stop them" in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(Misconfigured, match="can only grow; asked for 3"):
        await grown(few, 3)
    with broker(few) as at:
        assert set(at.counts([few.topic(name) for name in ("reading.v1", "state.v1", "command.v1")]).values()) == {FEW}


async def _nothing() -> None: ...


async def test_commands_that_nobody_has_taken_are_in_the_way(few: Settings) -> None:
    async with running(few, SITE, MemorySink()) as worker:
        await put(few, readings(wave(5), time.time_ns() - 600 * SECOND))
        await until(lambda: counted(worker) == 5 * len(ASSETS) * 2, 30, "the readings are judged")
    await send("aiokafka", few.kafka, few.topic("command.v1"), [Outgoing(b"{}", partition=2)] * 3)
    with pytest.raises(Misconfigured, match=r"partition 2 \(3 commands\)"):
        await grown(few)


async def test_topics_without_any_state_only_grow(few: Settings) -> None:
    lines = await grown(few)
    assert "no partition has learned anything yet: only the topics grow" in lines
    assert check_topics(few.kafka, few.prefix, MANY) == []
    async with running(with_many(few), SITE, MemorySink()) as worker:
        assert len(worker.assigned) == MANY


async def killed_at(settings: Settings, seen: Callable[[str], bool]) -> list[str]:
    """Run the command in a process of its own, and kill it once it has said a certain line; all it said."""
    environment = os.environ | {
        "MILLSTREAM_KAFKA": settings.kafka, "MILLSTREAM_PREFIX": settings.prefix, "MILLSTREAM_GROUP": settings.group,
        "MILLSTREAM_CONTROL_KEY": CONTROL_KEY,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.cli.main", "topics", "--grow", str(MANY),
        env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    async for line in process.stdout:
        lines.append(line.decode().strip())
        if seen(lines[-1]):
            process.kill()
            break
    await process.wait()
    return lines


@pytest.mark.parametrize("line", ["are judged and saved", "partition 2:", "command.v1: 8"])
async def test_a_run_that_was_killed_is_run_again(few: Settings, line: str) -> None:
    start = time.time_ns() - 600 * SECOND
    told = await learned(few, start)
    said = await killed_at(few, lambda each: line in each)
    assert line in said[-1]
    faults = check_topics(few.kafka, few.prefix, FEW)
    assert not faults or "`millstream topics --grow` was cut off, run it again" in faults[0]
    lines = await grown(few)
    assert lines[-1] == f"done; start the workers with MILLSTREAM_PARTITIONS={MANY}"
    await goes_on(few, start, told)


def test_a_worker_of_the_old_number_is_refused(few: Settings) -> None:
    grow(few, MANY, print)
    with pytest.raises(Misconfigured, match="partitions is 8, expected 4"):
        check_before(few)
    check_before(with_many(few))
