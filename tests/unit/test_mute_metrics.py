"""Metrics of mutes and of what judging costs."""

from __future__ import annotations

from streams.metrics import Metrics
from streams.mute_metrics import publish_mutes
from streams.mutes import MOST, Mutes, Rule
from streams.spent import Spent
from tests.unit.models import ROBUST, fed, feed, values

SECOND = 1_000_000_000


def muted(*ends: int) -> Mutes:
    mutes = Mutes()
    for i, end in enumerate(ends):
        mutes.put(Rule(f"l/m{i}", "*", "level"), end * SECOND)
    return mutes


def test_a_mute_of_several_partitions_is_told_once_with_its_last_end() -> None:
    metrics = Metrics()
    publish_mutes(metrics, [muted(60), muted(90)])
    name = "millstream_mute_until_timestamp_seconds"
    assert metrics.value(name, asset="l/m0", series="*", watch="level") == 90
    publish_mutes(metrics, [Mutes()])
    assert metrics.value(name, asset="l/m0", series="*", watch="level") == 0, "over is gone"


def test_of_too_many_mutes_those_that_end_first_are_told() -> None:
    metrics = Metrics()
    publish_mutes(metrics, [muted(*range(1, MOST + 3))])
    name = "millstream_mute_until_timestamp_seconds"
    assert metrics.value(name, asset=f"l/m{MOST - 1}", series="*", watch="level") == MOST
    assert metrics.value(name, asset=f"l/m{MOST}", series="*", watch="level") == 0


def test_what_judging_costs_is_told_by_watch_once() -> None:
    engine, spent = fed([ROBUST], values("a", 1)), Spent()
    engine.charge = spent.on
    feed(engine, values("a", 20)[1:])
    seconds = spent.take()
    assert set(seconds) == {"level"}
    assert seconds["level"] > 0
    assert spent.take() == {}
