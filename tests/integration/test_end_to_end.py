"""The whole path on real servers: 200,000 readings by three clients in; exact counts, points and events out."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.contract import PATH as CONTRACT
from schemas.partition import key_of, partition_of
from streams.results import ANOMALOUS, OK, OUTCOMES, WARMING
from streams.sinks.store_init import init_store
from tests.integration.support.influx import asset_of
from tests.integration.support.play import Run, play
from tests.integration.support.produce import CLIENTS
from tests.integration.support.scenario import PARTITIONS, SECOND, Fault, faults
from tests.integration.support.tally import Stored
from tests.integration.support.topics import unique
from tests.integration.support.workers import settings_of, topics_for
from tests.servers import InfluxServer, KafkaServer
from tests.servers.leftovers import delete_buckets, delete_topics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def run(real_kafka: KafkaServer, influx: InfluxServer) -> Iterator[Run]:
    prefix = unique()
    init_store(influx.url, influx.token, influx.org, prefix)
    settings = settings_of(real_kafka, prefix, partitions=PARTITIONS, tick_interval="1s")
    topics_for(settings)
    yield asyncio.run(play(settings, influx, prefix))
    if not real_kafka.controllable:
        delete_topics(real_kafka, prefix)
    if not influx.controllable:
        delete_buckets(influx, prefix)


def test_every_reading_is_counted_in_exactly_one_outcome(
    run: Run, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in run.figures.items():
        record_property(name, round(value, 1))
    with capsys.disabled():
        print("\nend to end: " + ", ".join(f"{name} {value:,.1f}" for name, value in run.figures.items()))
    expected = Counter(run.counts.outcomes, rejected=sum(run.sent.rejected.values()))
    assert len(run.sent.readings) > 199_000
    assert {name: n for name, n in run.outcomes.items() if n} == dict(expected)
    assert all(expected[name] for name in set(OUTCOMES) - {"muted"}), "the scenario shows every outcome but muted"


def test_the_metrics_page_says_the_same(run: Run) -> None:
    page = run.metrics
    outcomes = {labels[1]: n for labels, n in page.items() if labels[0] == "millstream_readings_total"}
    assert outcomes == run.outcomes
    rejected = {labels[1]: n for labels, n in page.items() if labels[0] == "millstream_rejected_total"}
    assert rejected == run.sent.rejected
    phases = Counter(str(m.json["phase"]) for m in run.events)
    assert {key[1]: n for key, n in page.items() if key[0] == "millstream_events_total"} == dict(phases)
    assert page["millstream_corrections_total",] == run.counts.corrections > 0
    assert page["millstream_absent_numbers_total",] == run.sent.nan_cells > 0
    assert page["millstream_unknown_fields_total",] == run.sent.unknown_fields > 0
    assert page["millstream_partitions_assigned",] == PARTITIONS
    assert page["millstream_published_latency_seconds_count",] >= sum(map(len, run.sent.messages.values()))


def test_messages_that_librdkafka_puts_elsewhere_are_forwarded_once_each(run: Run) -> None:
    wrong = {
        client: sum(
            wellformed and partition_of(message.key or b"", PARTITIONS) != place.partition
            for message, place, wellformed in zip(
                run.sent.messages[client], run.placed[client], run.sent.wellformed[client], strict=True
            )
        )
        for client in CLIENTS
    }
    assert wrong["kafka-python"] == wrong["aiokafka"] == 0
    assert wrong["confluent-kafka"] > len(run.sent.messages["confluent-kafka"]) / 2
    assert run.metrics["millstream_misrouted_total",] == wrong["confluent-kafka"]
    assert run.metrics["millstream_reforwarded_total",] == 0


def test_every_fault_opens_exactly_one_episode_and_nothing_else_does(run: Run) -> None:
    def opening(fault: Fault) -> int:
        return run.time_of(fault, fault.first) + round(fault.opens_after_s * SECOND)

    opened = Counter(
        (m.json["asset"], m.json["series"], m.json["watch"], m.json["time"])
        for m in run.events
        if m.json["phase"] == "opened"
    )
    expected = Counter((f.asset, f.series, f.watch, opening(f)) for f in faults())
    assert len(expected) == 40
    assert opened == expected


def test_episodes_of_faults_that_pass_are_closed_and_the_others_stay_open(run: Run) -> None:
    closed = {(m.json["asset"], m.json["series"]) for m in run.events if m.json["phase"] == "closed"}
    assert closed == {(f.asset, f.series) for f in faults() if f.kind != "step"}


def test_the_events_of_an_episode_are_numbered_in_order_and_never_twice(run: Run) -> None:
    by_episode: dict[object, list[dict[str, Any]]] = defaultdict(list)
    for message in run.events:
        by_episode[message.json["episode_id"]].append(message.json)
    assert len({m.json["event_id"] for m in run.events}) == len(run.events)
    for events in by_episode.values():
        assert [e["ordinal"] for e in events] == list(range(len(events)))
        assert events[0]["phase"] == "opened"
        for a, b in pairwise(events):
            assert a["time"] <= b["time"]
            assert a["detected"] <= b["detected"]
        assert not any(e["backfill"] for e in events)


def test_every_event_keeps_the_published_contract(run: Run) -> None:
    contract = orjson.loads(CONTRACT.read_bytes())
    of_event = Draft202012Validator({**contract, "$ref": "#/$defs/AnomalyEvent"})
    of_rejected = Draft202012Validator({**contract, "$ref": "#/$defs/Rejected"})
    assert not [str(fault) for m in run.events for fault in of_event.iter_errors(m.json)]
    assert not [str(fault) for m in run.rejected for fault in of_rejected.iter_errors(m.json)]
    broken = {**run.events[0].json, "severity": 1001}
    assert [fault.json_path for fault in of_event.iter_errors(broken)] == ["$.severity"]


def test_events_lie_where_their_key_belongs(run: Run) -> None:
    for message in run.events:
        assert message.key == key_of(str(message.json["asset"]))
        assert message.partition == partition_of(message.key, PARTITIONS)


def test_what_was_set_aside_names_its_reason(run: Run) -> None:
    found: Counter[str] = Counter()
    for message in run.rejected:
        found[str(message.json["reason"])] += max(int(str(message.json["cells"])), 1)
    # the cap of ten a second and reason leaves out the rest, which is counted
    unlisted = {key[1]: int(n) for key, n in run.metrics.items() if key[0] == "millstream_rejected_unlisted_total"}
    assert set(found) == set(run.sent.rejected)
    assert all(found[r] <= n and (found[r] == n or r in unlisted) for r, n in run.sent.rejected.items())


def test_the_store_holds_exactly_the_readings_that_its_rules_keep(run: Run) -> None:
    found: dict[tuple[str, str, int], Stored] = {}
    for point in run.points["reading"]:
        fields = point.fields
        place = (asset_of(point.tags), point.tags["series"], point.time)
        assert place not in found
        found[place] = Stored(fields.get("value"), fields.get("text"), fields["quality"], fields["late"])
    expected = run.counts.points
    wrong = [(place, found.get(place), kept) for place, kept in expected.items() if found.get(place) != kept]
    assert not wrong[:5], f"{len(wrong)} points are wrong"
    assert len(found) == len(expected)
    assert len(expected) < len(run.sent.readings) * 0.9, "the rules leave readings out"


def test_verdicts_are_thinned_but_lose_no_second_and_no_change(run: Run) -> None:
    stored: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for point in run.points["verdict"]:
        if point.tags["watch"] == "level":
            stored[asset_of(point.tags), point.tags["series"]][point.time] = point.fields["status"]
    alarmed = {(m.json["asset"], m.json["series"], m.json["time"]) for m in run.events if m.json["watch"] == "level"}
    level_faults = {(f.asset, f.series): f for f in faults() if f.watch == "level"}
    thinned = changes = 0
    for series, judged in run.counts.level.items():
        fault = level_faults.get(series)
        first, last = (run.time_of(fault, fault.first), run.time_of(fault, fault.last)) if fault else (0, 0)
        status = {t: ANOMALOUS if first <= t <= last else OK if warm else WARMING for t, warm in judged.items()}
        firsts, changed, beside = {min(judged)}, set(), set()
        for before, t in pairwise(judged):
            if t // SECOND != before // SECOND:
                firsts.add(t)
            if status[t] != status[before]:
                changed.add(t)
            if (*series, t) in alarmed or (*series, before) in alarmed:
                beside.add(t)  # an alarm comes or goes there
        kept = stored[series]
        assert firsts | changed <= set(kept) <= firsts | changed | beside
        assert kept == {t: status[t] for t in kept}
        thinned += len(judged) - len(kept)
        changes += len(changed - firsts)
    assert thinned > 9_000, "about half of those of the fast machines"
    assert changes > 0, "the scenario has changes within a second"


def test_the_store_holds_every_event_of_the_topic(run: Run) -> None:
    found = {
        (p.fields["event_id"], p.time, asset_of(p.tags), p.tags["series"], p.tags["watch"], p.tags["detector"],
         p.tags["phase"], p.fields["episode_id"], p.fields["severity"], p.fields.get("score"), p.fields.get("value"),
         p.fields["message"])
        for p in run.points["anomaly"]
    }  # fmt: skip
    expected = set()
    taken: set[tuple[str, int]] = set()
    for message in run.events:
        e: dict[str, Any] = message.json
        # of two events of one episode at one time the second stands beside the first
        at = e["time"] + (e["ordinal"] if (e["episode_id"], e["time"]) in taken else 0)
        taken.add((e["episode_id"], e["time"]))
        expected.add(
            (e["event_id"], at, e["asset"], e["series"], e["watch"], e["detector"]["kind"],
             e["phase"], e["episode_id"], e["severity"], e["score"], e["value"], e["message"]["en"])
        )  # fmt: skip
    assert len(run.points["anomaly"]) == len(run.events)
    assert found == expected


def test_each_episode_can_be_asked_for_by_its_id(run: Run) -> None:
    assert len(run.pages) == 40
    last = {str(m.json["episode_id"]): m.json for m in run.events}  # each lies on one partition, so in order
    for episode, (status, text) in run.pages.items():
        told = orjson.loads(text)
        assert status == 200
        assert (told["event_id"], told["open"]) == (last[episode]["event_id"], last[episode]["phase"] != "closed")
    assert run.health["/episodes/none"][0] == 404


def test_a_worker_that_has_drained_is_alive_and_ready(run: Run) -> None:
    assert (run.health["/healthz"], run.health["/readyz"]) == ((200, "ok\n"), (200, "ok\n"))


def test_a_worker_that_stops_has_committed_what_it_did(run: Run) -> None:
    assert run.committed == run.ends


def test_the_next_worker_of_the_group_counts_nothing_again(run: Run) -> None:
    assert sum(run.again.values()) == 0
    assert sum(run.after.values()) == run.fresh > 0
