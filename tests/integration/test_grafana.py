"""Where containers can run: the pinned Grafana loads what is provisioned, and gives every board and rule back."""

from __future__ import annotations

import base64
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate import ROOT
from grafana.boards.table import BOARDS
from tests.servers.base import Unavailable
from tests.servers.containers import ContainerServer, pull

DEPLOY = ROOT / "deploy"
IMAGE: str = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["grafana"]["image"]
ALERTS = DEPLOY / "grafana" / "managed-alerts" / "millstream.yml"
PASSWORD = "only-for-this-test"


class Grafana(ContainerServer):
    """One with our provisioning, and the alerts beside it, as a site without Alertmanager has them."""

    product = "Grafana"
    image = IMAGE
    inner_port = 3000

    def __init__(self, provisioning: Path) -> None:
        super().__init__()
        container = self._container
        container.with_volume_mapping(str(provisioning), "/etc/grafana/provisioning", "ro")
        container.with_volume_mapping(str(DEPLOY / "grafana" / "dashboards"), "/var/lib/millstream/dashboards", "ro")
        given = {
            "GF_SECURITY_ADMIN_PASSWORD": PASSWORD, "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false", "INFLUXDB_URL": "http://127.0.0.1:1", "INFLUXDB_PREFIX": "m_",
            "INFLUXDB_AUTHORIZATION": "Token none", "PROMETHEUS_URL": "http://127.0.0.1:1",
            "MILLSTREAM_BOARDS": "/var/lib/millstream/dashboards",
        }  # fmt: skip
        for name, value in given.items():
            container.with_env(name, value)

    def ready(self) -> bool:
        try:
            return bool(self.get("/api/health")["database"] == "ok")
        except OSError:
            return False

    def get(self, path: str) -> Any:
        """The JSON of a path of its API."""
        login = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            f"http://{self.host}:{self.port}{path}", headers={"Authorization": f"Basic {login}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    folder = tmp_path_factory.mktemp("grafana") / "provisioning"
    shutil.copytree(DEPLOY / "grafana" / "provisioning", folder)
    (folder / "alerting").mkdir()
    shutil.copy(ALERTS, folder / "alerting")
    try:
        server = Grafana(folder)
        pull(IMAGE)
    except Unavailable as error:  # in CI too: the rest of the boards' proofs needs no engine
        pytest.skip(str(error))
    server.start()
    yield server
    server.close()


def test_every_board_is_given_back_as_it_was_written(grafana: Grafana) -> None:
    for uid in BOARDS:
        written = json.loads((DEPLOY / "grafana" / "dashboards" / f"{uid}.json").read_text("utf-8"))
        board = grafana.get(f"/api/dashboards/uid/{uid}")
        assert board["meta"]["provisioned"], uid
        assert [panel.get("title") for panel in board["dashboard"]["panels"]] == [
            panel.get("title") for panel in written["panels"]
        ]


def test_every_data_source_is_there(grafana: Grafana) -> None:
    for uid in ("millstream-raw", "millstream-main", "millstream-prometheus"):
        assert grafana.get(f"/api/datasources/uid/{uid}")["uid"] == uid


def test_every_rule_is_there(grafana: Grafana) -> None:
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    wanted = {rule["uid"]: rule["annotations"] for group in groups for rule in group["rules"]}
    assert {rule["uid"]: rule["annotations"] for rule in grafana.get("/api/v1/provisioning/alert-rules")} == wanted
    assert len(wanted) > 20


def test_a_stranger_sees_nothing(grafana: Grafana) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"http://{grafana.host}:{grafana.port}/api/search", timeout=10)
