"""One law: the same readings give the same verdicts and events, whichever way they come.

Data goes through `millstream score`, and through Kafka into a worker as frames, as singles and as both, each cut into
chunks in two ways. All verdict rows must agree to the last bit, all events but for when they were noticed.
"""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition
from typer.testing import CliRunner

from detectors.registry import REGISTRY
from schemas.times import parse_times
from streams.cli.main import app
from streams.resolve import ResolvedSite
from streams.results import Results
from streams.settings import Settings
from tests.data.plant import START, Row, lines_on, plant
from tests.data.together import Together
from tests.data.ways import Sent, frames, mixed, singles, write_jsonl, write_long
from tests.integration.support.waiting import until
from tests.integration.support.workers import CONTROL_KEY, counted, running, settings_of, site_from, topics_for
from tests.servers import KafkaServer
from tests.unit.engine.binned import BinnedZscore

PARTITIONS = 12
BATCHES = (50, 4000)
BINNED = ("bins", "bins by state")
WAYS = {
    "frames": lambda rows: frames(rows, seed=1),
    "singles": lambda rows: singles(rows, seed=2),
    "mixed": lambda rows: mixed(rows, seed=3),
}

SITE = """
[site]
name = "same"
timezone = "Asia/Kuala_Lumpur"
languages = ["en"]

[[watch]]
name = "limits"
series = "*/pressure"
detector = { kind = "limits", high = 160.0 }
refractory = "10s"

[[watch]]
name = "stuck"
series = "*"
detector = { kind = "stuck", after = "30s" }
off_delay = "5s"

[[watch]]
name = "gap"
series = "*"
detector = { kind = "gap", at_least = "20s" }

[[watch]]
name = "level"
series = "*"
detector = { kind = "robust_zscore", half_life = "5m", accept_after = "2m" }
false_alarms = "1/h"
refractory = "1m"

[[watch]]
name = "running"
series = ["*/current", "*/speed"]
when = "state == 'running'"
detector = { kind = "robust_zscore", half_life = "2m" }
false_alarms = "1/h"
refractory = "1m"

[[watch]]
name = "by state"
series = "*/temp"
by = "state"
detector = { kind = "robust_zscore", half_life = "2m", warmup = 20 }
false_alarms = "1/h"
refractory = "1m"

[[watch]]
name = "together"
inputs = ["temp", "pressure", "current"]
wait = "10s"
detector = { kind = "together" }
false_alarms = "1/h"
refractory = "1m"

[[watch]]
name = "bins"
series = ["*/temp", "*/pressure", "*/value"]
detector = { kind = "binned_zscore", every = "10s", warmup = 5, half_life = "1m", accept_after = "30s" }
wait = "8s"
false_alarms = "20/h"
refractory = "10s"

[[watch]]
name = "bins by state"
series = "*/current"
by = "state"
detector = { kind = "binned_zscore", every = "4s", warmup = 5, half_life = "1m", accept_after = "30s" }
wait = "8s"
false_alarms = "20/h"
refractory = "10s"
"""

Key = tuple[str, str, str]
Verdict = tuple[int, *tuple[float | None, ...]]


class Answer(NamedTuple):
    """Verdict rows of each (asset, series, watch) in their order, and events by id without when they were noticed."""

    verdicts: dict[Key, list[Verdict]]
    events: dict[str, dict[str, Any]]


class Inputs(NamedTuple):
    """The data set: all rows, and what `millstream score` is given (arguments of each run)."""

    rows: list[Row]
    runs: list[list[str]]


@pytest.fixture(scope="module", autouse=True)
def joint_detector() -> Iterator[None]:
    """There is a joint detector to watch with, and one of bins, in this process."""
    patch = pytest.MonkeyPatch()
    patch.setitem(REGISTRY, "together", Together)
    patch.setitem(REGISTRY, "binned_zscore", BinnedZscore)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def site(joint_detector: None) -> ResolvedSite:
    return site_from(SITE)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    # every source has partitions of its own: readings of years ago and of today on one clock are another question
    *made, pump, road = lines_on(range(7), PARTITIONS)
    folder = tmp_path_factory.mktemp("inputs")
    rows = plant(made)
    runs = [[str(write_long(rows, folder / "plant.csv")), "--format", "long"]]
    shared = Path(__file__).resolve().parents[3] / "shared" / "data"
    for path, sep, asset in (
        (shared / "skab" / "valve1" / "3.csv", ";", f"{pump}/valve1"),
        (shared / "nab" / "realTraffic" / "TravelTime_387.csv", ",", f"{road}/exit"),
    ):
        if path.exists():
            rows = rows + _rows_of(path, sep, asset)
            runs.append([str(path), "--asset", asset, "--timezone", "UTC"])
    return Inputs(rows, runs)


def _rows_of(path: Path, sep: str, asset: str) -> list[Row]:
    with path.open(newline="") as file:
        (_, *names), *table = csv.reader(file, delimiter=sep)
    time, bad = parse_times([cells[0].replace(" ", "T") + "Z" for cells in table])
    assert not bad.any()
    values = ({name: float(cell) for name, cell in zip(names, cells[1:], strict=True) if cell} for cells in table)
    return [Row(asset, t, dict(cells)) for t, cells in zip(time.tolist(), values, strict=True)]


@pytest.fixture(scope="module")
def scored(inputs: Inputs, site: ResolvedSite, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """What `millstream score` says of it all."""
    folder = tmp_path_factory.mktemp("scored")
    answers = [score(arguments, folder) for arguments in inputs.runs]
    verdicts = {key: rows for answer in answers for key, rows in answer.verdicts.items()}
    events = {name: event for answer in answers for name, event in answer.events.items()}
    return Answer(verdicts, events)


def score(arguments: Sequence[str], folder: Path) -> Answer:
    """The answer of the command line."""
    (folder / "site.toml").write_text(SITE)
    out, events = folder / "out.csv", folder / "events.jsonl"
    options = ["--config", str(folder / "site.toml"), "--out", str(out), "--events", str(events)]
    done = CliRunner().invoke(app, ["score", *arguments, *options])
    assert done.exit_code == 0, done.output
    verdicts: dict[Key, list[Verdict]] = {}
    with out.open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        table = list(rows)
    times, _ = parse_times([row[0] for row in table])
    for time, (_, asset, series, watch, *numbers, _) in zip(times.tolist(), table, strict=True):
        verdict = (time, *(float(n) if n else None for n in numbers))
        verdicts.setdefault((asset, series, watch), []).append(verdict)
    return Answer(verdicts, events_of(map(json.loads, events.read_text().splitlines())))


def events_of(bodies: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Events by id, without when they were noticed; an event that comes twice must be the same."""
    found: dict[str, dict[str, Any]] = {}
    for body in bodies:
        event = {name: value for name, value in body.items() if name not in ("received", "detected")}
        assert found.setdefault(event["event_id"], event) == event
    return found


def verdicts_of(results: Iterable[Results], ends: dict[int, tuple[int, int]]) -> dict[Key, list[Verdict]]:
    """Verdict rows of a worker, as `score` would write them: without bins that end behind the data.

    A starting worker's own record, stamped today, closes them.
    """
    found: dict[Key, list[Verdict]] = {}
    for r in results:
        v = r.verdicts
        numbers = [
            [None if missing else x for x, missing in zip(a.tolist(), (~np.isfinite(a)).tolist(), strict=True)]
            for a in (v.value, v.score, v.expected, v.low, v.high)
        ]
        for series, watch, *verdict in zip(v.series.tolist(), v.watch.tolist(), v.time.tolist(), *numbers, strict=True):
            ref = r.series[series]
            if r.watches[watch].name in BINNED and verdict[0] > ends[r.partition][1]:
                continue
            found.setdefault((ref.path, ref.series, r.watches[watch].name), []).append(tuple(verdict))
    return found


def produce(kafka: KafkaServer, topic: str, messages: Sequence[Sent]) -> dict[int, tuple[int, int]]:
    """Send messages as a gateway would; for each partition the next offset, and the newest timestamp in ns."""
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap, "enable.idempotence": True, "partitioner": "murmur2_random",
            "linger.ms": 20, "queue.buffering.max.messages": 1_000_000,
        }
    )  # fmt: skip
    ends: dict[int, tuple[int, int]] = {}

    def delivered(error: object, message: Any) -> None:
        assert error is None, error
        next_offset, newest = ends.get(message.partition(), (0, 0))
        stamp = message.timestamp()[1] * 1_000_000
        ends[message.partition()] = (max(next_offset, message.offset() + 1), max(newest, stamp))

    for message in messages:
        producer.produce(
            topic, message.value, message.key, headers=message.headers, timestamp=message.time // 1_000_000,
            on_delivery=delivered,
        )  # fmt: skip
        producer.poll(0)
    assert producer.flush(60) == 0
    return ends


def forget(settings: Settings) -> None:
    """Drop what a worker has saved, so that the next one judges all of the log again."""
    given = {
        "KAFKA": settings.kafka, "PREFIX": settings.prefix, "GROUP": settings.group, "CONTROL_KEY": CONTROL_KEY,
        "PARTITIONS": str(settings.partitions),
    }  # fmt: skip
    environment = {f"MILLSTREAM_{name}": value for name, value in given.items()}
    done = CliRunner().invoke(app, ["state", "drop", "--all", "--yes"], env=environment)
    assert done.exit_code == 0, done.output


async def judged(settings: Settings, site: ResolvedSite, ends: dict[int, tuple[int, int]]) -> Answer:
    """What a worker says of the log up to `ends`."""
    results: list[Results] = []
    done: dict[int, int] = {}

    def watch(result: Results) -> None:
        results.append(result)
        done[result.partition] = result.next_offset

    async with running(settings, site, watch_results=watch) as worker:
        await until(
            lambda: worker.failed.done() or all(done.get(p, 0) >= end for p, (end, _) in ends.items()),
            90, "every message was judged",
        )  # fmt: skip
        if worker.failed.done():
            worker.failed.result()
        assert worker.metrics.value("millstream_misrouted_total") == 0
        assert counted(worker, "rejected") == 0
    events = [(r.partition, event.model_dump(mode="json")) for r in results for event in r.events]
    return Answer(verdicts_of(results, ends), events_of(until_end(events, ends)))


def until_end(
    events: Iterable[tuple[int, dict[str, Any]]], ends: dict[int, tuple[int, int]]
) -> Iterator[dict[str, Any]]:
    """Events noticed while there was data: a starting worker's own record, stamped today, ends all pauses."""
    return (body for partition, body in events if body["received"] <= ends[partition][1])


def published(settings: Settings, ends: dict[int, tuple[int, int]]) -> dict[str, dict[str, Any]]:
    """Events as they stand on the anomaly topic."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, consumer_timeout_ms=15_000)
    try:
        places = [TopicPartition(settings.topic("anomaly.v1"), p) for p in range(PARTITIONS)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        last = consumer.end_offsets(places)
        bodies = []
        while any(consumer.position(place) < end for place, end in last.items()):
            record = next(consumer)
            bodies.append((record.partition, json.loads(record.value)))
        return events_of(until_end(bodies, ends))
    finally:
        consumer.close()


def assert_same(found: Answer, expected: Answer) -> None:
    """Row by row and field by field, with the first difference named."""
    assert found.verdicts.keys() == expected.verdicts.keys()
    for key, rows in expected.verdicts.items():
        if found.verdicts[key] != rows:
            pairs = zip(found.verdicts[key], rows, strict=False)
            first = next((pair for pair in pairs if pair[0] != pair[1]), (len(found.verdicts[key]), len(rows)))
            pytest.fail(f"{key}: found {first[0]}, expected {first[1]}")
    assert_same_events(found.events, expected.events)


def assert_same_events(found: dict[str, dict[str, Any]], expected: dict[str, dict[str, Any]]) -> None:
    def line(event: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(event[name] for name in ("asset", "series", "watch", "phase", "time"))

    missing = sorted(line(expected[name]) for name in expected.keys() - found.keys())
    extra = sorted(line(found[name]) for name in found.keys() - expected.keys())
    assert (missing[:3], extra[:3]) == ([], [])
    for name, event in expected.items():
        different = {
            field: (found[name].get(field), value) for field, value in event.items() if found[name].get(field) != value
        }
        assert not different, (line(event), different)


def test_the_data_set_holds_what_it_should(scored: Answer, inputs: Inputs) -> None:
    """Every kind of watch has opinions and events in it, so that agreement means something."""
    for name in ("limits", "stuck", "gap", "level", "running", "by state", "together", *BINNED):
        phases = {event["phase"] for event in scored.events.values() if event["watch"] == name}
        assert {"opened", "closed"} <= phases, name
    plant_series = {key[:2] for key in scored.verdicts if "/smt/" in key[0] and key[2] == "level"}
    assert len(plant_series) >= 80
    gated = [row for key, rows in scored.verdicts.items() if key[2] == "running" for row in rows]
    assert 0.2 < np.mean([row[2] is None for row in gated]) < 0.95


def test_json_lines_are_scored_as_the_table_is(scored: Answer, inputs: Inputs, tmp_path: Path) -> None:
    made = [row for row in inputs.rows if row.time >= START]
    lines = write_jsonl(frames(made, seed=5), tmp_path / "plant.jsonl")
    found = score([str(lines)], tmp_path)
    assets = {row.asset for row in made}
    verdicts = {key: rows for key, rows in scored.verdicts.items() if key[0] in assets}
    events = {name: event for name, event in scored.events.items() if event["asset"] in assets}
    assert_same(found, Answer(verdicts, events))


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_the_worker_gives_the_answer_of_the_scorer(
    way: str, kafka: KafkaServer, topic_prefix: str, inputs: Inputs, scored: Answer, site: ResolvedSite
) -> None:
    settings = settings_of(kafka, topic_prefix, partitions=PARTITIONS)
    kept = {"reading.v1:message.timestamp.type": "CreateTime", "reading.v1:retention.ms": "-1"}
    topics_for(settings, **kept)
    ends = produce(kafka, settings.topic("reading.v1"), WAYS[way](inputs.rows))
    for batch in BATCHES:
        group = f"{topic_prefix}{batch}"
        own = settings_of(kafka, topic_prefix, partitions=PARTITIONS, group=group, poll_records=batch)
        assert_same(await judged(own, site, ends), scored)
        await asyncio.to_thread(forget, own)
    assert_same_events(published(settings, ends), scored.events)
