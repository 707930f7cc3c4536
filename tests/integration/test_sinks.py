"""The same tests over every store of results, then what only InfluxDB does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from influxdb_client import BucketRetentionRules, InfluxDBClient
from influxdb_client.domain.permission import Permission
from influxdb_client.domain.permission_resource import PermissionResource
from pydantic import SecretStr

from schemas.errors import Misconfigured, Retry
from streams.results import SeriesRef
from streams.sinks.influx import InfluxSink
from streams.sinks.sqlite import SqliteSink
from streams.sinks.store_init import init_store
from tests.servers import InfluxServer
from tests.unit.sinks import make

AnySink = InfluxSink | SqliteSink
NOW = time.time_ns() // 10**9 * 10**9 - 3600 * 10**9  # the store keeps readings for 30 days of its own clock


@pytest.fixture(params=["sqlite", "influx"])
async def sink(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnySink]:
    made: AnySink
    if request.param == "sqlite":
        made = SqliteSink(tmp_path / "results.sqlite")
    else:
        influx: InfluxServer = request.getfixturevalue("influx")
        prefix: str = request.getfixturevalue("influx_prefix")
        init_store(influx.url, influx.token, influx.org, prefix)
        made = InfluxSink(influx.url, influx.token, influx.org, prefix)
    await made.open()
    yield made
    await made.close()


def full(count: int = 5) -> Any:
    """Results with every kind of point."""
    times = range(NOW, NOW + count)
    return make.results(
        make.points(times, [20.5 + i for i in range(count)], [i % 2 for i in range(count)]),
        make.verdicts(times, [0.25 * i for i in range(count)]),
        [make.event(NOW), make.event(NOW, "escalated", 1), make.event(NOW, "closed", 2)],
    )


async def test_every_point_of_every_measurement_is_stored(sink: AnySink) -> None:
    assert await sink.ready() is None
    await sink.write([full()])
    assert [await sink.count(name) for name in ("reading", "verdict", "anomaly")] == [5, 5, 3]
    assert sink.points_written == 13
    assert sink.points_dropped == 0


async def test_an_empty_store_has_no_points(sink: AnySink) -> None:
    await sink.write([make.results()])
    assert await sink.count("reading") == 0
    assert await sink.rows("anomaly") == []


async def test_a_reading_reads_back_with_its_tags_and_fields(sink: AnySink) -> None:
    await sink.write([make.results(make.points([NOW], [241.7], quality=[1], late=[True]))])
    assert await sink.rows("reading") == [
        {
            "time": NOW,
            "site": "penang",
            "area": "smt",
            "line": "line1",
            "asset": "oven3",
            "series": "zone2_temp",
            "value": 241.7,
            "text": None,
            "quality": 1,
            "late": True,
        }
    ]


async def test_a_verdict_reads_back_with_its_tags_and_fields(sink: AnySink) -> None:
    await sink.write([make.results(None, make.verdicts([NOW], [1.25], status=[1]))])
    (row,) = await sink.rows("verdict")
    assert (row["watch"], row["detector"], row["asset"]) == ("drift", "robust_zscore", "oven3")
    fields = {name: row[name] for name in ("score", "expected", "low", "high", "value", "status")}
    assert fields == {"score": 1.25, "expected": 21.25, "low": 11.25, "high": 31.25, "value": 20.5, "status": 1}


async def test_an_event_reads_back_with_its_tags_and_fields(sink: AnySink) -> None:
    made = make.event(NOW, "escalated", 3, cost_per_hour=12.5, message={"en": 'C:\\x "5" = a,b\nand more'})
    await sink.write([make.results(events=[made])])
    (row,) = await sink.rows("anomaly")
    assert row["time"] == NOW
    assert row["phase"] == "escalated"
    assert row["message"] == 'C:\\x "5" = a,b\nand more'
    assert (row["event_id"], row["episode_id"], row["ordinal"]) == (made.event_id, made.episode_id, 3)
    assert (row["severity"], row["score"], row["peak"], row["cost_per_hour"]) == (640, 1.5, 2.5, 12.5)
    assert (row["value"], row["expected"], row["low"], row["high"]) == (250.25, 240.0, 230.0, 245.0)


async def test_repeats_change_nothing(sink: AnySink) -> None:
    given = full()
    await sink.write([given])
    before = [await sink.rows(name) for name in ("reading", "verdict", "anomaly")]
    await sink.write([given])
    await sink.write([full()])
    assert [await sink.rows(name) for name in ("reading", "verdict", "anomaly")] == before
    assert [await sink.count(name) for name in ("reading", "verdict", "anomaly")] == [5, 5, 3]


async def test_a_correction_replaces_the_value(sink: AnySink) -> None:
    await sink.write([make.results(make.points([NOW, NOW], [1.0, 2.0]))])
    assert [row["value"] for row in await sink.rows("reading")] == [2.0]
    await sink.write([make.results(make.points([NOW], [3.0]))])
    assert [row["value"] for row in await sink.rows("reading")] == [3.0]
    await sink.write([make.results(make.points([NOW], [make.NAN]))])
    assert [row["value"] for row in await sink.rows("reading")] == [3.0]


async def test_numbers_that_are_not_finite_are_left_out(sink: AnySink) -> None:
    values = [make.NAN, float("inf"), float("-inf"), 1.0]
    await sink.write(
        [make.results(make.points(range(NOW, NOW + 4), values), make.verdicts(range(NOW, NOW + 4), values))]
    )
    assert [row["value"] for row in await sink.rows("reading")] == [1.0, None, None, None]
    assert [row["score"] for row in await sink.rows("verdict")] == [1.0, None, None, None]
    assert [row["low"] for row in await sink.rows("verdict")] == [11.0, None, None, None]
    assert sink.points_dropped == 0


async def test_text_is_stored_beside_numbers_of_one_series(sink: AnySink) -> None:
    await sink.write([make.results(make.points([NOW, NOW + 1], [make.NAN, 5.0], text={0: 'run "A"\\'}))])
    rows = await sink.rows("reading")
    assert [(row["text"], row["value"]) for row in rows] == [(None, 5.0), ('run "A"\\', None)]


@pytest.mark.parametrize("value", [1e300, -1e-300, 5e-324, 1e16, 123456789012345680.0, 0.1 + 0.2, -0.0, 3.0])
async def test_a_number_reads_back_to_the_last_bit(sink: AnySink, value: float) -> None:
    await sink.write([make.results(make.points([NOW], [value]))])
    (row,) = await sink.rows("reading")
    assert row["value"] == value


async def test_only_verdicts_to_store_are_stored(sink: AnySink) -> None:
    await sink.write([make.results(None, make.verdicts([NOW, NOW + 1, NOW + 2], [0, 1, 2], [True, False, True]))])
    assert [row["score"] for row in await sink.rows("verdict")] == [2.0, 0.0]


async def test_awkward_names_come_back_as_they_are(sink: AnySink) -> None:
    names = ["a b,c=d", 'say "x"', "it's", "tab\there", "爐 三", "c:\\dir\\x", "#1", "back\\,slash", "back\\ slash"]
    series = [SeriesRef(name, name, name, name, name, name) for name in names]
    n = len(names)
    await sink.write([make.results(make.points([NOW] * n, [1.0] * n, range(n)), series=series)])
    assert {row["asset"] for row in await sink.rows("reading")} == set(names)
    for name in names:
        (row,) = await sink.rows("reading", asset=name, series=name)
        assert row["site"] == name
    assert sink.points_dropped == 0


async def test_names_that_no_tag_can_hold_are_the_same_in_every_store(sink: AnySink) -> None:
    series = [SeriesRef(name, "s", "-", "-", name, "t") for name in ("", "two\nlines", "end\\", "cr\rlf")]
    n = len(series)
    await sink.write([make.results(make.points([NOW] * n, [1.0] * n, range(n)), series=series)])
    assert {row["asset"] for row in await sink.rows("reading")} == {"-", "two\\nlines", "end\\_", "cr\rlf"}
    assert len(await sink.rows("reading", asset="two\nlines")) == 1


async def test_rows_are_the_newest_first_and_can_be_narrowed(sink: AnySink) -> None:
    await sink.write([full(6)])
    assert [row["value"] for row in await sink.rows("reading", limit=2)] == [25.5, 24.5]
    assert [row["value"] for row in await sink.rows("reading", asset="pump")] == [25.5, 23.5, 21.5]
    assert await sink.rows("reading", asset="x' OR '1'='1") == []
    with pytest.raises(ValueError, match="no tag colour"):
        await sink.rows("reading", colour="red")


async def test_counting_can_start_at_a_time(sink: AnySink) -> None:
    await sink.write([full(6)])
    assert await sink.count("reading", since_ns=NOW + 4) == 2


async def test_twenty_thousand_points_are_all_stored(sink: AnySink) -> None:
    n = 10_000
    times = range(NOW, NOW + n)
    await sink.write([make.results(make.points(times, [1.5] * n), make.verdicts(times, [0.5] * n))])
    assert [await sink.count(name) for name in ("reading", "verdict")] == [n, n]
    assert sink.points_written == 2 * n


# only InfluxDB


@pytest.fixture
async def store(influx: InfluxServer, influx_prefix: str) -> AsyncIterator[InfluxSink]:
    init_store(influx.url, influx.token, influx.org, influx_prefix)
    made = InfluxSink(influx.url, SecretStr(influx.token), influx.org, influx_prefix)
    yield made
    await made.close()


async def test_malformed_lines_are_set_aside_and_the_rest_is_stored(store: InfluxSink) -> None:
    good = [b"reading,site=s quality=0i,value=%d.5 %d" % (i, NOW + i) for i in range(200)]
    bad = [b"reading", b"reading,site=s quality=it's 1", b"reading,site= quality=0i 1", b"reading,site=s value=NaN 1"]
    await store.write_lines("raw", [good[0], bad[0], *good[1:90], *bad[1:], *good[90:]])
    assert await store.count("reading") == 200
    assert (store.points_written, store.points_dropped) == (200, 4)


async def test_a_line_that_the_answer_does_not_quote_whole_is_found_too(store: InfluxSink) -> None:
    good = [b"reading,site=s quality=0i %d" % (NOW + i) for i in range(20)]
    await store.write_lines("raw", [*good[:7], b'reading quality=0i,text="two\nlines",value=x 1', *good[7:]])
    assert await store.count("reading") == 20
    assert store.points_written == 20
    assert store.points_dropped >= 1


async def test_a_field_of_another_type_is_counted_and_the_rest_is_stored(store: InfluxSink) -> None:
    await store.write_lines("raw", [b'reading,site=s quality=0i,value="text" %d' % NOW])
    await store.write([make.results(make.points([NOW, NOW + 1, NOW + 2], [1.0, make.NAN, 2.0]))])
    assert (store.points_written, store.points_dropped, store.retries) == (2, 2, 0)
    assert await store.count("reading") == 2


async def test_points_older_than_the_bucket_keeps_are_counted(store: InfluxSink) -> None:
    await store.write([make.results(make.points([10**9, NOW], [1.0, 2.0]))])
    assert (store.points_written, store.points_dropped) == (1, 1)
    assert await store.count("reading") == 1


async def test_a_wrong_token_is_retried_and_named_without_showing_it(influx: InfluxServer, influx_prefix: str) -> None:
    sink = InfluxSink(influx.url, "wrong-token-1234", influx.org, influx_prefix)
    with pytest.raises(Retry, match="the token is refused") as caught:
        await sink.write([full()])
    with pytest.raises(Misconfigured, match="the token is refused"):
        await sink.open()
    told = await sink.ready()
    assert "the token is refused; check the token" in str(told)
    assert "wrong-token-1234" not in f"{told}{caught.value!r}{sink!r}"
    assert (sink.retries, sink.points_written) == (1, 0)
    await sink.close()


async def test_a_token_that_may_only_read_is_named(influx: InfluxServer, store: InfluxSink) -> None:
    token = scoped(influx, store.prefix, ["read"])
    sink = InfluxSink(influx.url, token, influx.org, store.prefix)
    with pytest.raises(Retry, match="lacks rights to bucket"):
        await sink.write([full()])
    assert f"the token lacks rights to bucket {store.prefix}raw; give it write there" in str(await sink.ready())
    await sink.close()


async def test_a_token_with_rights_to_the_two_buckets_alone_is_enough(influx: InfluxServer, store: InfluxSink) -> None:
    sink = InfluxSink(influx.url, scoped(influx, store.prefix, ["read", "write"]), influx.org, store.prefix)
    await sink.open()
    assert await sink.ready() is None
    await sink.write([full()])
    assert await sink.count("anomaly") == 3
    await sink.close()


async def test_a_missing_bucket_says_what_to_run_and_heals(influx: InfluxServer, influx_prefix: str) -> None:
    sink = InfluxSink(influx.url, influx.token, influx.org, influx_prefix)
    given = full()
    with pytest.raises(Retry, match="run: millstream store init"):
        await sink.write([given])
    with pytest.raises(Misconfigured):
        await sink.open()
    told = str(await sink.ready())
    assert f'bucket "{influx_prefix}raw" not found' in told
    assert told.endswith("run: millstream store init")
    init_store(influx.url, influx.token, influx.org, influx_prefix)
    await sink.write([given])
    assert await sink.ready() is None
    assert await sink.count("reading") == 5
    await sink.close()


async def test_a_wrong_organisation_is_named(influx: InfluxServer, influx_prefix: str) -> None:
    sink = InfluxSink(influx.url, influx.token, "nobody", influx_prefix)
    assert "organisation nobody" in str(await sink.ready())
    await sink.close()
    with pytest.raises(Misconfigured, match="organisation nobody"):
        init_store(influx.url, influx.token, "nobody", influx_prefix)


def test_store_init_makes_what_is_missing_once(influx: InfluxServer, influx_prefix: str) -> None:
    made = init_store(influx.url, SecretStr(influx.token), influx.org, influx_prefix)
    assert made == [
        f"bucket {influx_prefix}raw: made, keeps points 30 days",
        f"bucket {influx_prefix}main: made, keeps points for ever",
    ]
    again = init_store(influx.url, influx.token, influx.org, influx_prefix)
    assert again == [
        f"bucket {influx_prefix}raw: is there, keeps points 30 days",
        f"bucket {influx_prefix}main: is there, keeps points for ever",
    ]


def test_store_init_shows_another_retention_and_leaves_it(influx: InfluxServer, influx_prefix: str) -> None:
    with InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        rules = [BucketRetentionRules(type="expire", every_seconds=7 * 86_400)]
        client.buckets_api().create_bucket(bucket_name=f"{influx_prefix}raw", org=influx.org, retention_rules=rules)
    for _ in range(2):
        said = init_store(influx.url, influx.token, influx.org, influx_prefix)
        assert said[0].endswith("is there, but keeps points 7 days where 30 days is usual; left as it is")


def test_store_init_names_a_wrong_token_without_showing_it(influx: InfluxServer, influx_prefix: str) -> None:
    with pytest.raises(Misconfigured, match="the token is refused") as caught:
        init_store(influx.url, "wrong-token-1234", influx.org, influx_prefix)
    assert "wrong-token-1234" not in str(caught.value)


@pytest.mark.parametrize("make_call", [lambda: init_store("http://127.0.0.1:9", "t", "mill")])
def test_store_init_without_a_server_is_retried(make_call: Callable[[], Any]) -> None:
    with pytest.raises(Retry, match=r"InfluxDB at http://127\.0\.0\.1:9"):
        make_call()


def scoped(influx: InfluxServer, prefix: str, actions: list[str]) -> str:
    """A token with these rights to the two buckets of `prefix` and none else."""
    with InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        org = next(each for each in client.organizations_api().find_organizations() if each.name == influx.org)
        buckets = [client.buckets_api().find_bucket_by_name(prefix + name) for name in ("raw", "main")]
        permissions = [
            Permission(action=action, resource=PermissionResource(type="buckets", id=bucket.id, org_id=org.id))
            for bucket in buckets
            for action in actions
        ]
        token: str = client.authorizations_api().create_authorization(org.id, permissions).token
        return token
