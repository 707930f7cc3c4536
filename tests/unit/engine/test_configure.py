"""Configurations in the log: which is taken, what a watch keeps of what it learned, what ends."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from detectors.durations import SECOND
from detectors.registry import REGISTRY
from schemas.errors import Misconfigured
from streams import configure as configuring
from streams.engine import Engine
from streams.site import parse_site
from tests.contract import throwaway
from tests.unit.engine.logs import (
    LINE,
    PARTITION,
    PARTITIONS,
    START,
    configure,
    decoded,
    engine,
    play,
    renumbered,
    site,
)
from tests.unit.engine.test_outcomes import of_json, single

M1 = f"{LINE}/m1"
LEVEL = {"name": "level", "series": "*", "off_delay": "0s", "detector": {"kind": "robust_zscore", "warmup": 10}}
READINGS = [single(M1, 10.0 + i % 3, i) for i in range(30)]


def changed(**more: Any) -> Any:
    return site(version=2, watches=[{**LEVEL, **more}])


def after(to: Any, messages: list[dict[str, Any]], first: Any = None) -> Any:
    """A log in which the readings come first, then a configuration, then some more."""
    middle = configure(to, 0, START + 30 * SECOND)
    return play(renumbered([*of_json(READINGS), *middle, *of_json(messages)]), of=first or site(watches=[LEVEL]))


@pytest.mark.parametrize(
    "more",
    [
        {"false_alarms": "5/day"},
        {"severity": 800},
        {"refractory": "1m", "off_delay": "1m"},
        {"when": "state != 'stop'"},
        {"detector": {"kind": "robust_zscore", "warmup": 10, "limit": 4.0}},
    ],
)
def test_what_does_not_reset_learning_keeps_it(more: dict[str, Any]) -> None:
    messages = [single(M1, "run", 30, "state"), single(M1, 11.0, 31)]
    assert after(changed(**more), messages).verdicts[-1][8] != "nan"


@pytest.mark.parametrize(
    "more",
    [
        {"detector": {"kind": "robust_zscore", "warmup": 11}},
        {"detector": {"kind": "robust_zscore", "warmup": 10, "half_life": "1h"}},
        {"detector": {"kind": "stuck"}},
        {"series": "*/line1/*"},
        {"name": "other"},
    ],
)
def test_what_resets_learning_starts_over_and_closes_what_was_open(more: dict[str, Any]) -> None:
    spike = {**READINGS[-1], "value": 99.0}
    readings = [*READINGS[:-1], spike]
    middle = configure(changed(**more), 0, START + 30 * SECOND)
    records = renumbered([*of_json(readings), *middle, *of_json([single(M1, 11.0, 31)])])
    tape = play(records, of=site(watches=[LEVEL]))
    assert [(e["phase"], e["reason"]) for e in tape.events] == [("opened", None), ("closed", "reconfigured")]
    assert tape.events[1]["episode_id"] == tape.events[0]["episode_id"]
    assert tape.events[1]["ended"] == START + 30 * SECOND
    assert tape.verdicts[-1][5] == "nan"  # no score: it is warming up


def test_an_episode_goes_on_under_a_configuration_that_keeps_learning() -> None:
    spike = {**READINGS[-1], "value": 99.0}
    middle = configure(changed(false_alarms="1/day"), 0, START + 30 * SECOND)
    records = renumbered([*of_json([*READINGS[:-1], spike]), *middle, *of_json([single(M1, 11.0, 31)])])
    tape = play(records, of=site(watches=[LEVEL]))
    assert [(e["phase"], e["reason"]) for e in tape.events] == [("opened", None), ("closed", "recovered")]
    assert tape.events[0]["config"] != tape.events[1]["config"]


def test_a_version_that_is_not_higher_is_ignored_with_a_warning_unless_it_is_the_same_site() -> None:
    running = engine(site(version=5))
    warnings = running.feed(decoded(configure(site(version=5, max_ahead="9m"), 0, START))).warnings
    assert len(warnings) == 1
    assert "version 5" in warnings[0]
    assert "raise [site] version" in warnings[0]
    assert running.site.hash == site(version=5).hash
    assert not running.feed(decoded(configure(site(version=5), 1, START))).warnings
    assert not running.feed(decoded(configure(site(version=6), 2, START))).warnings
    assert running.site.hash == site(version=6).hash


def test_a_large_site_comes_in_parts_that_may_lie_apart_and_across_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuring, "PART_BYTES", 100)
    to = changed(severity=900)
    parts = configure(to, 0, START + 10 * SECOND)
    assert len(parts) > 2
    mixed = [record for pair in zip(parts, of_json(READINGS), strict=False) for record in pair]
    records = renumbered(mixed)
    for cuts in ([], range(len(records))):
        running = engine(site(watches=[LEVEL]))
        edges = [0, *cuts, len(records)]
        for a, b in pairwise(edges):
            saved = running.snapshot()
            running = Engine(PARTITION, PARTITIONS, site())
            running.restore(saved)
            running.feed(decoded(records[a:b]))
            if b < len(records) - 1:
                assert running.site.version == 1
        assert running.site.hash == to.hash


def test_a_part_out_of_turn_is_dropped_and_the_whole_may_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuring, "PART_BYTES", 100)
    to = changed(severity=900)
    parts = configure(to, 0, START)
    running = engine(site(watches=[LEVEL]))
    running.feed(decoded(renumbered([*parts[1:], parts[0], parts[2], *parts[1:]])))
    assert running.site.version == 1
    running.feed(decoded(parts))
    assert running.site.hash == to.hash


def declaring(version: int, **series: Any) -> Any:
    from streams.resolve import resolve
    from streams.site import Site

    watch = {"name": "limits", "series": "*", "off_delay": "0s", "detector": {"kind": "limits"}}
    silent = {"name": "gap", "series": "*", "detector": {"kind": "gap", "timeout": "20s"}}
    asset = {"path": M1, "series": series}
    return resolve(Site.model_validate({"site": {"version": version}, "asset": [asset], "watch": [watch, silent]}))


def test_limits_that_a_series_declares_are_taken_up_anew() -> None:
    first = declaring(1, x={"high": 50}, y={"high": 50})
    wider = declaring(2, x={"high": 90}, y={"high": 50}, z={"high": 5})
    before = [single(M1, 60.0, t, name) for t in (0, 1) for name in "xyz"]
    later = [single(M1, 60.0, t, name) for t in (31, 32) for name in "xyz"]
    records = renumbered([*of_json(before), *configure(wider, 0, START + 5 * SECOND), *of_json(later)])
    tape = play(records, of=first)
    events = [(e["series"], e["phase"], (e["time"] - START) // SECOND) for e in tape.events if e["watch"] == "limits"]
    assert events == [("x", "opened", 0), ("y", "opened", 0), ("x", "closed", 31), ("z", "opened", 31)]
    tape.same(play(records, range(len(records)), of=first, restart=True))


def test_a_series_that_is_no_longer_watched_ends_its_episodes_and_is_not_missed() -> None:
    first, without = declaring(1, x={"high": 50}), declaring(2, x={"high": 50, "watch": False})
    again = declaring(3, x={"high": 50})
    records = renumbered(
        [
            *of_json([single(M1, 60.0, 0)]),
            *configure(without, 0, START + 5 * SECOND),
            *of_json([single(M1, 60.0, 100)]),
            *configure(again, 0, START + 200 * SECOND),
            *of_json([single(M1, 60.0, 201)]),
        ]
    )
    tape = play(records, of=first)
    assert [(e["watch"], e["phase"], e["reason"]) for e in tape.events] == [
        ("limits", "opened", None),
        ("limits", "closed", "reconfigured"),
        ("limits", "opened", None),
    ]
    assert tape.counts["unwatched"] == 1


def test_detectors_that_are_not_registered_are_refused_by_the_site_file(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[[watch]]\nname = "w"\nseries = "*"\ndetector = { kind = "deadman" }\n'
    assert parse_site(text, "site.toml").watch[0].detector["kind"] == "deadman"
    for kind in throwaway.REGISTRY:
        monkeypatch.delitem(REGISTRY, kind)
    with pytest.raises(Misconfigured, match=r"kind must be one of .*limits"):
        parse_site(text, "site.toml")


def test_an_engine_may_be_given_detectors_of_its_own() -> None:
    of = site(watches=[{"name": "w", "series": "*", "detector": {"kind": "deadman", "timeout": "10s"}}])
    running = Engine(PARTITION, PARTITIONS, of, registry=throwaway.REGISTRY)
    assert [type(w.detector) for w in running.watches] == [throwaway.Deadman]
