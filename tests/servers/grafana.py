"""Grafana with our provisioning: one that is installed here, or the pinned image where containers run.

MILLSTREAM_TEST_GRAFANA names the home folder of an installation (with bin/grafana, conf and public in it, as packages
have it at /usr/share/grafana). It is started beside any that runs, on a loopback port and with data of its own.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from docs.generate import ROOT
from schemas.errors import Misconfigured
from tests.servers.base import Server
from tests.servers.choose import Way
from tests.servers.containers import ContainerServer, at_hand
from tests.servers.net import LOOPBACK, free_port
from tests.servers.process import ProcessServer

HOME = "MILLSTREAM_TEST_GRAFANA"
DEPLOY = ROOT / "deploy"
BOARDS = DEPLOY / "grafana" / "dashboards"
ALERTS = DEPLOY / "grafana" / "managed-alerts" / "millstream.yml"
IMAGE: str = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["grafana"]["image"]
PASSWORD = "only-for-this-test"


class Sources(NamedTuple):
    """Where its data sources lead. A container does not reach what listens on this machine's loopback."""

    prometheus: str = "http://127.0.0.1:1"
    influx: str = "http://127.0.0.1:1"
    prefix: str = "m_"
    token: str = "none"


class Grafana(Server):
    """One that has loaded what deploy/ provisions, and the alerts beside it, as without Alertmanager."""

    product = "Grafana"
    host: str
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"

    def ready(self) -> bool:
        """Whether its API answers, and it has read all boards: it serves before it has."""
        try:
            return len(self.get("/api/search?type=dash-db")) == len(list(BOARDS.glob("*.json")))
        except OSError:
            return False

    def get(self, path: str) -> Any:
        """The JSON of a path of its API."""
        return self._asked(urllib.request.Request(self.url + path))

    def post(self, path: str, body: Any) -> Any:
        """The JSON that it answers to another."""
        told = {"Content-Type": "application/json"}
        return self._asked(urllib.request.Request(self.url + path, json.dumps(body).encode(), told))

    def _asked(self, request: urllib.request.Request) -> Any:
        login = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


def rows_in(result: Any) -> int:
    """Rows of one query's result.

    >>> rows_in({"frames": [{"data": {"values": [[1, 2], [3.0, 4.0]]}}, {"data": {"values": [[], []]}}]}), rows_in({})
    (2, 0)
    """
    values = [frame["data"]["values"] for frame in result.get("frames", ())]
    return sum(len(columns[0]) for columns in values if columns)


def provisioning(folder: Path) -> Path:
    """Our provisioning with the alerts in it, below a folder."""
    made = folder / "provisioning"
    shutil.copytree(DEPLOY / "grafana" / "provisioning", made)
    (made / "alerting").mkdir()
    shutil.copy(ALERTS, made / "alerting")
    return made


def _settings(boards: Path | str, sources: Sources) -> dict[str, str]:
    return {
        "GF_SECURITY_ADMIN_PASSWORD": PASSWORD,
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "GF_SERVER_ROOT_URL": "http://grafana.example:3000/",
        "INFLUXDB_URL": sources.influx,
        "INFLUXDB_PREFIX": sources.prefix,
        "INFLUXDB_AUTHORIZATION": f"Token {sources.token}",
        "PROMETHEUS_URL": sources.prometheus,
        "MILLSTREAM_BOARDS": str(boards),
    }


class InstalledGrafana(Grafana, ProcessServer):
    """The one whose home folder the environment names."""

    where = "environment"
    host = LOOPBACK

    def __init__(self, home: Path, sources: Sources) -> None:
        super().__init__()
        self._home, self._sources = home, sources
        self.port = free_port()
        self._provisioning = provisioning(self.folder)

    def argv(self) -> list[str]:
        return [str(self._home / "bin" / "grafana"), "server", "--homepath", str(self._home)]

    def env(self) -> dict[str, str]:
        theirs = {name: value for name, value in os.environ.items() if not name.startswith("GF_")}
        paths = {f"GF_PATHS_{name}": str(self.folder / name.lower()) for name in ("DATA", "LOGS", "PLUGINS")}
        ours = {
            "GF_PATHS_PROVISIONING": str(self._provisioning),
            "GF_SERVER_HTTP_ADDR": LOOPBACK,
            "GF_SERVER_HTTP_PORT": str(self.port),
        }
        return theirs | _settings(BOARDS, self._sources) | paths | ours


class ContainerGrafana(Grafana, ContainerServer):
    """The pinned image."""

    image = IMAGE
    inner_port = 3000

    def __init__(self, folder: Path) -> None:
        super().__init__()
        at_hand(IMAGE)
        boards = "/var/lib/millstream/dashboards"
        self._container.with_volume_mapping(str(provisioning(folder)), "/etc/grafana/provisioning", "ro")
        self._container.with_volume_mapping(str(BOARDS), boards, "ro")
        self._container.with_envs(**_settings(boards, Sources()))


def grafana_ways(folder: Path, sources: Sources, environ: Mapping[str, str] = os.environ) -> list[Way[Grafana]]:
    """The ways to one, in order: an installation that the environment names is the only one.

    Raises Misconfigured if there is none where it is said to be.
    """
    named = environ.get(HOME)
    if not named:
        return [Way("testcontainers", lambda: ContainerGrafana(folder))]
    home = Path(named)
    if not (home / "bin" / "grafana").is_file():
        raise Misconfigured(f"{HOME} is {named}; right would be a folder with bin/grafana in it")
    return [Way("environment", lambda: InstalledGrafana(home, sources))]
