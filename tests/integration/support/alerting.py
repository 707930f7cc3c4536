"""The shipped files of Prometheus and Alertmanager at a test's pace, and a receiver that keeps what it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import yaml

from detectors.durations import duration_ns
from docs.generate import ROOT
from tests.servers.net import LOOPBACK

DEPLOY = ROOT / "deploy"
LANGUAGES = ("en", "ms", "zh_TW")
PAGED = "process-page"
"""The receiver that is told in words, too."""


class Told(NamedTuple):
    """One message: the receiver's path, when it came, and its content."""

    path: str
    at: float
    body: dict[str, Any]


class Receiver:
    """Takes what Alertmanager posts, as the shipped configuration's webhooks on this host would."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.append(Told(self.path, time.monotonic(), json.loads(body)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: pytest has enough to show."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.address = f"{LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def messages(self, receiver: str, status: str, **labels: str) -> list[Told]:
        """Webhook messages to a receiver in which an alert with these labels has this status."""
        return [t for t in list(self.told) if t.path == f"/{receiver}" and alerts_in(t, status, **labels)]

    def texts(self, language: str) -> list[str]:
        """What people were told in words."""
        return [str(t.body["attachments"][0]["text"]) for t in list(self.told) if t.path == f"/text-{language}"]


def alerts_in(told: Told, status: str, **labels: str) -> list[dict[str, Any]]:
    """The alerts of a message that have this status and these labels."""
    alerts: Iterable[dict[str, Any]] = told.body.get("alerts", ())
    return [a for a in alerts if a["status"] == status and labels.items() <= a["labels"].items()]


def alertmanager_config(folder: Path, receiver: str) -> Path:
    """The shipped configuration, its webhooks on a test's receiver, waiting a second where it waits longer.

    Beside its webhook, `PAGED` gets the shipped templates' text in each language (as a chat, in Slack's form).
    """
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text("utf-8"))
    config["templates"] = [str(DEPLOY / "alertmanager" / "millstream.tmpl")]
    for route in (config["route"], *config["route"]["routes"]):
        route |= {name: "1s" for name in ("group_wait", "group_interval") if name in route and route[name] != "0s"}
    for each in config["receivers"]:
        for hook in each["webhook_configs"]:
            hook["url"] = hook["url"].replace("127.0.0.1:9095", receiver)
        if each["name"] == PAGED:
            each["slack_configs"] = [
                {
                    "api_url": f"http://{receiver}/text-{language}", "send_resolved": True,
                    "text": f'{{{{ template "millstream.{language}" . }}}}',
                }
                for language in LANGUAGES
            ]  # fmt: skip
    return _written(folder / "alertmanager.yml", config)


def prometheus_config(
    folder: Path, workers: Sequence[str], alertmanager: str, grafana: str, pace: Mapping[str, float]
) -> Path:
    """The shipped configuration for these addresses, scraping and evaluating each second.

    Of the shipped rules only times change: `for` and `keep_firing_for` are multiplied by what `pace` says of them.
    """
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["global"]["external_labels"]["grafana"] = grafana
    config["scrape_configs"][0]["static_configs"] = [{"targets": list(workers)}]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [alertmanager]}]
    rules = yaml.safe_load((DEPLOY / "prometheus" / "millstream.rules.yml").read_text("utf-8"))
    for group in rules["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            for name in pace.keys() & rule.keys():
                length = timedelta(microseconds=duration_ns(rule[name]) / 1000) * pace[name]
                rule[name] = f"{max(round(length.total_seconds()), 1)}s"
    _written(folder / "millstream.rules.yml", rules)
    return _written(folder / "prometheus.yml", config)


def _written(path: Path, content: Any) -> Path:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
