"""From a fault in the simulated plant to the page: worker, metric, shipped rule, shipped route, receiver."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from docs.generate import ROOT
from tests.integration.support.alerting import DEPLOY, LANGUAGES, PAGED, Told, alerts_in
from tests.integration.support.chain import GRAFANA, LONG, PARTITIONS, SHORT, Run, play
from tests.integration.support.workers import settings_of, topics_for
from tests.servers import KafkaServer
from tests.servers.alerting_tools import Tools
from tests.servers.leftovers import delete_topics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
EPISODES = {"LONG": LONG, "SHORT": SHORT}


@pytest.fixture(scope="module")
def run(real_kafka: KafkaServer, alerting_tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    prefix = f"t{uuid.uuid4().hex[:8]}."
    settings = settings_of(real_kafka, prefix, partitions=PARTITIONS)
    topics_for(settings)
    yield asyncio.run(play(settings, alerting_tools, tmp_path_factory.mktemp("chain")))
    if not real_kafka.controllable:
        delete_topics(real_kafka, prefix)


def messages(run: Run, status: str, labels: dict[str, str]) -> list[Told]:
    return [told for told in run.told if alerts_in(told, status, **labels)]


@pytest.mark.parametrize("episode", EPISODES)
def test_each_episode_pages_once_and_is_told_to_be_over_once(run: Run, episode: str) -> None:
    labels = EPISODES[episode]
    assert [told.path for told in messages(run, "firing", labels)] == [f"/{PAGED}"]
    assert [told.path for told in messages(run, "resolved", labels)] == [f"/{PAGED}"]


def test_nobody_is_paged_for_anything_else_of_the_process(run: Run) -> None:
    paged = {alert["labels"]["asset"] for told in run.told if told.path == f"/{PAGED}" for alert in told.body["alerts"]}
    assert paged == {"oven-1", "chiller-2"}


def test_the_long_episode_was_at_one_worker_after_the_other(run: Run) -> None:
    assert len(run.moved) == 6
    alone = [run.moved[0], run.moved[2], run.moved[4]]
    assert all(len(where) == 1 for where in alone)
    assert alone[0] == alone[2] != alone[1]


@pytest.mark.parametrize("episode", EPISODES)
def test_the_page_comes_within_seconds(run: Run, episode: str) -> None:
    assert run.first[episode] < 15


@pytest.mark.parametrize("episode", EPISODES)
def test_the_page_links_to_the_board_with_its_variables_and_to_the_runbook(run: Run, episode: str) -> None:
    labels = EPISODES[episode]
    [alert] = alerts_in(messages(run, "firing", labels)[0], "firing", **labels)
    board = urlsplit(alert["annotations"]["board"])
    assert f"{board.scheme}://{board.netloc}" == GRAFANA
    chosen = {name: labels[name] for name in ("site", "area", "line", "asset", "watch")}
    assert parse_qs(board.query) == {f"var-{name}": [value] for name, value in chosen.items()}
    shipped = {d["uid"]: d for d in map(json.loads, (p.read_text("utf-8") for p in _dashboards()))}
    if shipped:
        assert {v["name"] for v in shipped[board.path.removeprefix("/d/")]["templating"]["list"]} >= chosen.keys()
    file, _, heading = alert["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^## (.+)$", (ROOT / file).read_text("utf-8"), re.M)
    assert heading in [text.lower() for text in headings]


def _dashboards() -> list[Path]:
    return list((DEPLOY / "grafana" / "dashboards").glob("*.json"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_and_where_in_each_language(run: Run, language: str) -> None:
    summary = "summary" if language == "en" else f"summary_{language}"
    for labels in EPISODES.values():
        [alert] = alerts_in(messages(run, "firing", labels)[0], "firing", **labels)
        said = [text for text in run.texts[language] if alert["annotations"][summary] in text]
        assert said
        assert labels["asset"] in said[0]
        assert alert["annotations"]["board"] in said[0]
        assert alert["annotations"]["runbook"] in said[0]


def test_the_watchdog_keeps_telling_the_outside_heartbeat(run: Run) -> None:
    beats = [told for told in run.told if told.path == "/heartbeat"]
    assert len(beats) >= 2
    assert all(alert["labels"]["alertname"] == "MillstreamWatchdog" for told in beats for alert in told.body["alerts"])
