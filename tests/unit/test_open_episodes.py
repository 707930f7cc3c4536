"""What the metrics show of open episodes."""

from __future__ import annotations

from typing import Any

from prometheus_client import generate_latest

from schemas.anomaly import AnomalyEvent, Phase
from streams.metrics import Metrics
from streams.open_episodes import LISTED, OpenEpisodes
from tests.unit.sinks import make

MINUTE = 60_000_000_000
SEVERITY, COST = "millstream_episode_severity", "millstream_episode_cost_per_hour"


def shown(episodes: OpenEpisodes, now: int, name: str, **labels: str) -> float:
    metrics = Metrics()
    episodes.publish(metrics, now)
    of = {"site": "p", "area": "a", "line": "l", "asset": "m", "watch": "limit"} | labels
    return metrics.value(name, **of)


def made(at: int, phase: Phase = "opened", **of: Any) -> AnomalyEvent:
    return make.event(at, phase, **{"asset": "p/a/l/m", "watch": "limit", "severity": 500} | of)


def taken(*told: dict[str, Any]) -> OpenEpisodes:
    episodes = OpenEpisodes(5 * MINUTE)
    for i, change in enumerate(told):
        episodes.take(made(i, **change), 0, 0)
    return episodes


def test_of_the_episodes_of_one_watch_the_worst_and_the_dearest_are_shown() -> None:
    episodes = taken({"severity": 900, "cost_per_hour": 10.0}, {"cost_per_hour": 80.0}, {})
    assert shown(episodes, 0, SEVERITY) == 900
    assert shown(episodes, 0, COST) == 80.0


def test_an_episode_that_is_over_costs_no_more_though_it_is_still_shown() -> None:
    episodes = taken({"cost_per_hour": 10.0})
    over = made(0, "closed", ordinal=1, cost_per_hour=10.0)
    episodes.take(over, 0, MINUTE)
    assert shown(episodes, MINUTE, SEVERITY) == 500
    assert shown(episodes, MINUTE, COST) == 0, "no sample"
    assert shown(episodes, 6 * MINUTE, SEVERITY) == 0, "no sample"


def test_an_episode_without_a_price_has_no_cost() -> None:
    metrics = Metrics()
    taken({}).publish(metrics, 0)
    assert COST + "{" not in generate_latest(metrics.registry).decode()


def test_beyond_the_listed_episodes_neither_severity_nor_cost_is_shown_but_their_number() -> None:
    many: list[dict[str, Any]] = [
        {"asset": f"p/a/l/m{i:04}", "severity": 700, "cost_per_hour": 1.0} for i in range(LISTED)
    ]
    episodes = taken(*many, {"severity": 300, "cost_per_hour": 99.0})
    assert shown(episodes, 0, SEVERITY, asset="m0000") == 700
    assert shown(episodes, 0, SEVERITY) == shown(episodes, 0, COST) == 0
    metrics = Metrics()
    episodes.publish(metrics, 0)
    assert metrics.value("millstream_episodes_unlisted", site="p") == 1
