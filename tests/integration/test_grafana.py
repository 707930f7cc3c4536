"""Grafana itself loads what is provisioned, gives it back whole, answers every panel and judges every alert.

It is one that is installed here, or the pinned image where containers run (tests/servers/grafana.py says how).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.boards.board import target_of
from grafana.boards.query import Query
from grafana.boards.table import BOARDS
from tests.boards.ask import Refused
from tests.boards.fill import Span, Values, chosen_filled
from tests.boards.quiet import Count, silent
from tests.boards.stand import Stand, stand
from tests.servers import InfluxServer, KafkaServer
from tests.servers import grafana as servers
from tests.servers.alerting_tools import Tools
from tests.servers.choose import first_open
from tests.servers.grafana import HOME, Grafana, Sources, grafana_ways, rows_in
from tests.servers.lend import lend
from tests.servers.net import wait_until

UIDS = {"raw": "millstream-raw", "main": "millstream-main", "prometheus": "millstream-prometheus"}
NEVER = "0001"
"""How the time of an evaluation begins that never was."""
OWN = ("id", "version")
"""What Grafana counts itself."""


def started(folder: Path, sources: Sources) -> Grafana:
    # no engine and no installation is no failure under CI either: the rest of the boards' proofs needs none
    return lend(lambda: first_open(grafana_ways(folder, sources)), ci=False).server


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    with started(tmp_path_factory.mktemp("grafana"), Sources()) as server:
        yield server


def plain(board: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in board.items() if name not in OWN}


@pytest.mark.parametrize("uid", BOARDS)
def test_every_board_is_given_back_as_it_was_written(grafana: Grafana, uid: str) -> None:
    written = json.loads((servers.BOARDS / f"{uid}.json").read_text("utf-8"))
    given = grafana.get(f"/api/dashboards/uid/{uid}")
    assert given["meta"]["provisioned"]
    assert given["meta"]["folderTitle"] == "Millstream"
    assert plain(given["dashboard"]) == plain(written)


def test_no_other_board_is_there(grafana: Grafana) -> None:
    assert {found["uid"] for found in grafana.get("/api/search?type=dash-db")} == set(BOARDS)


def test_every_data_source_is_as_it_was_provisioned(grafana: Grafana) -> None:
    wanted = {
        "millstream-raw": ("influxdb", "m_raw", "InfluxQL"),
        "millstream-main": ("influxdb", "m_main", "InfluxQL"),
        "millstream-prometheus": ("prometheus", None, None),
    }
    for uid, (kind, name, version) in wanted.items():
        source = grafana.get(f"/api/datasources/uid/{uid}")
        told = source["jsonData"]
        assert (source["type"], told.get("dbName"), told.get("version"), source["readOnly"]) == (
            kind, name, version, True
        )  # fmt: skip
        assert source["secureJsonFields"] == ({"httpHeaderValue1": True} if kind == "influxdb" else {})


COMPARED = ("title", "condition", "noDataState", "execErrState", "for", "annotations", "labels", "isPaused")


def test_every_rule_is_there_as_it_was_written(grafana: Grafana) -> None:
    groups = yaml.safe_load(servers.ALERTS.read_text("utf-8"))["groups"]
    wanted = {rule["uid"]: (group["name"], rule) for group in groups for rule in group["rules"]}
    found = {rule["uid"]: rule for rule in grafana.get("/api/v1/provisioning/alert-rules")}
    assert set(found) == set(wanted)
    assert len(wanted) > 20
    for uid, (group, rule) in wanted.items():
        told = found[uid]
        assert told["ruleGroup"] == group
        assert {name: told[name] for name in COMPARED} == {name: rule[name] for name in COMPARED}
        assert [(part["refId"], part["datasourceUid"]) for part in told["data"]] == [
            (part["refId"], part["datasourceUid"]) for part in rule["data"]
        ]
        for given, written in zip(told["data"], rule["data"], strict=True):
            assert given["model"] | written["model"] == given["model"]


def test_a_stranger_sees_nothing(grafana: Grafana) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{grafana.url}/api/search", timeout=10)


async def test_every_panel_has_rows_and_every_alert_is_judged_through_it(
    real_kafka: KafkaServer, topic_prefix: str, influx: InfluxServer, influx_prefix: str, alerting_tools: Tools,
    tmp_path: Path,
) -> None:  # fmt: skip
    if not os.environ.get(HOME):  # asked before a plant is fed for it
        pytest.skip(f"needs an installation, named by {HOME}: a container does not reach this machine's loopback")
    async with stand(real_kafka, topic_prefix, influx, influx_prefix, alerting_tools) as where:
        await asyncio.to_thread(_looked_at, where, tmp_path)


def _looked_at(where: Stand, folder: Path) -> None:
    sources = Sources(where.prometheus, where.influx.url, where.prefix, where.influx.token)
    with started(folder, sources) as server:
        found = [line for board in BOARDS.values() for line in silent(where, board, _through(server))]
        assert not found, "\n".join(found)
        assert wait_until(lambda: not any(rule["lastEvaluation"].startswith(NEVER) for rule in _rules(server)), 90)
        ill = {rule["name"]: rule.get("lastError", "") for rule in _rules(server) if rule["health"] == "error"}
        assert not ill
        firing = [alert for rule in _rules(server) for alert in rule.get("alerts", ()) if alert["state"] == "Alerting"]
        named = {alert["labels"]["alertname"] for alert in firing}
        assert named >= {"MillstreamWatchdog", "MillstreamAnomalyCritical"}
        for alert in firing:
            _readable(alert)


def _through(server: Grafana) -> Count:
    """Asks Grafana, which fills in the time shown itself and knows the way to the data source."""

    def rows(query: Query, values: Values, span: Span) -> int:
        if query.source == "prometheus":  # the last minutes are all that it has seen; steps of 15 s end before `to`
            span = Span(span.end - 600_000, int(time.time() * 1000) + 15_000, 1000)
        target = {
            name: chosen_filled(value, values) if isinstance(value, str) else value
            for name, value in target_of(query, "A").items()
        } | {"datasource": {"uid": UIDS[query.source]}, "intervalMs": span.interval, "maxDataPoints": 1000}
        body = {"queries": [target], "from": str(span.start), "to": str(span.end)}
        try:
            result = server.post("/api/ds/query", body)["results"]["A"]
        except urllib.error.HTTPError as error:
            raise Refused(f"{error.read().decode(errors='replace')}: {query.text}") from error
        if "error" in result:
            raise Refused(f"{result['error']}: {query.text}")
        return rows_in(result)

    return rows


def _rules(server: Grafana) -> list[dict[str, Any]]:
    groups = server.get("/api/prometheus/grafana/api/v1/rules")["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _readable(alert: dict[str, Any]) -> None:
    """What a person is told has no gaps, and its link leads to a board that is there."""
    told = alert["annotations"]
    assert not [text for text in told.values() if not text or "<no value>" in text or "[no value]" in text], told
    if link := told.get("board"):
        at = urllib.parse.urlsplit(link)
        assert (at.scheme, at.netloc) == ("http", "grafana.example:3000")
        assert at.path.removeprefix("/d/") in BOARDS
        assert all(name.startswith("var-") for name in urllib.parse.parse_qs(at.query, strict_parsing=True))
