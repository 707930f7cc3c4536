"""Prometheus and Alertmanager as processes of ours, on loopback ports of their own."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.servers.alerting_tools import Tools, alertmanager_version, prometheus_version
from tests.servers.net import LOOPBACK, free_port
from tests.servers.process import ProcessServer


class _Answering(ProcessServer):
    """A server that says on /-/ready whether it serves."""

    where = "native"

    def __init__(self, tools: Tools, ca: Path | None = None) -> None:
        super().__init__()
        self.port = free_port()
        self.url = f"{'https' if ca else 'http'}://{LOOPBACK}:{self.port}"
        self._tls = ssl.create_default_context(cafile=str(ca)) if ca else None
        self._tools = tools

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2, context=self._tls) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            return error.code == 401  # it serves, and asks who we are
        except OSError:
            return False

    def get(self, path: str, **asked: str) -> Any:
        """The JSON that it answers on a path."""
        query = f"?{urllib.parse.urlencode(asked)}" if asked else ""
        with urllib.request.urlopen(f"{self.url}{path}{query}", timeout=10, context=self._tls) as answer:
            return json.loads(answer.read())


class Alertmanager(_Answering):
    """One Alertmanager, alone, that serves the configuration file given; with `ca` over TLS, as `web` says."""

    product = "Alertmanager"

    def __init__(self, tools: Tools, config: Path, web: Path | None = None, ca: Path | None = None) -> None:
        super().__init__(tools, ca)
        self.version = alertmanager_version()
        self._config, self._web = config, web

    def argv(self) -> list[str]:
        web = [f"--web.config.file={self._web}"] if self._web else []
        return [
            *(self._tools.alertmanager, f"--config.file={self._config}", "--storage.path=data"),
            *(f"--web.listen-address={LOOPBACK}:{self.port}", "--cluster.listen-address=", "--log.level=warn", *web),
        ]


class Prometheus(_Answering):
    """One Prometheus that serves the configuration file given."""

    product = "Prometheus"

    def __init__(self, tools: Tools, config: Path) -> None:
        super().__init__(tools)
        self.version = prometheus_version()
        self._config = config

    def argv(self) -> list[str]:
        return [
            *(self._tools.prometheus, f"--config.file={self._config}", "--storage.tsdb.path=data"),
            *(f"--web.listen-address={LOOPBACK}:{self.port}", "--log.level=warn"),
        ]

    def query(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series that an expression gives now."""
        found = self.get("/api/v1/query", query=expr)["data"]["result"]
        return [(row["metric"], float(row["value"][1])) for row in found]
