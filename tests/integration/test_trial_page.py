"""`millstream alert test` on the real Alertmanager, with the shipped routes."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from grafana.alerts.table import ALERTS
from streams.alertmanager import AlertmanagerClient
from streams.cli.main import app
from streams.settings import load_settings
from tests.integration.support.alerting import PAGED, Receiver, alertmanager_config, alerts_in
from tests.integration.support.waiting import until
from tests.servers.alerting import Alertmanager
from tests.servers.alerting_tools import Tools
from tests.servers.authority import Authority
from tests.servers.net import LOOPBACK, free_port, wait_until

USER, PASSWORD = "duty", "a-password-of-these-tests"
BCRYPT = "$2b$04$abcdefghijklmnopqrstuueeeB0g.gi.leWDFKkMipnPER3gtpoHy"
"""Of PASSWORD."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def alertmanager(
    alerting_tools: Tools, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Alertmanager]:
    with Alertmanager(alerting_tools, alertmanager_config(tmp_path, receiver.address)) as server:
        monkeypatch.setenv("MILLSTREAM_ALERTMANAGER_URL", server.url)
        yield server


def said(*arguments: str, status: int = 0) -> str:
    """What the command says, on either channel."""
    result = CliRunner().invoke(app, ["alert", "test", *arguments])
    assert result.exit_code == status, result.output
    return result.output


async def test_a_page_reaches_the_team_it_is_for_and_ends_by_itself(
    alertmanager: Alertmanager, receiver: Receiver
) -> None:
    text = await asyncio.to_thread(said, "--team", "process", "--for", "10s", "--by", "the new shift lead")
    assert f"it goes to: {PAGED} " in text
    labels = {"alertname": "MillstreamTest", "team": "process", "severity": "major", "test": "true"}
    [first] = await until(lambda: receiver.messages(PAGED, "firing", **labels), 20, "the page came")
    [alert] = alerts_in(first, "firing", **labels)
    assert alert["annotations"]["summary"] == "TEST by the new shift lead: nothing is wrong. Say that you got this page"
    words = await until(lambda: receiver.texts("zh_TW"), 20, "it came in words")
    assert "測試（the new shift lead）" in words[0]
    [_] = await until(lambda: receiver.messages(PAGED, "resolved", **labels), 40, "its end came")
    assert {told.path for told in receiver.told} == {f"/{PAGED}", *(f"/text-{each}" for each in ("en", "ms", "zh_TW"))}


@pytest.mark.parametrize(
    ("arguments", "receiver_name"),
    [
        (("--team", "platform", "--severity", "minor"), "platform"),
        (("--team", "maintenance", "--severity", "minor"), "maintenance"),
        (("--team", "maintenance"), "maintenance-page"),
        (("--team", "process", "--severity", "minor"), "shift"),
    ],
)
def test_it_says_beforehand_who_gets_it(
    alertmanager: Alertmanager, arguments: tuple[str, ...], receiver_name: str
) -> None:
    assert re.search(rf"^it goes to: {receiver_name} ", said(*arguments), re.M)


def test_a_team_without_a_route_is_refused_and_nobody_is_paged(alertmanager: Alertmanager) -> None:
    text = said("--team", "night", status=2)
    assert "no route for team 'night': its alerts would end at 'shift'" in text
    assert "Routes name platform, process, maintenance" in text
    assert alertmanager.get("/api/v2/alerts") == []


def test_a_silence_that_keeps_it_is_told(alertmanager: Alertmanager, alerting_tools: Tools) -> None:
    made = subprocess.run(
        [
            *(alerting_tools.amtool, f"--alertmanager.url={alertmanager.url}", "silence", "add"),
            *("--author=t", "--comment=t", "--duration=5m", "team=process"),
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"silence {made.stdout.strip()} keeps it" in said("--team", "process", status=2)


def test_an_alertmanager_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://{LOOPBACK}:{free_port()}"
    monkeypatch.setenv("MILLSTREAM_ALERTMANAGER_URL", url)
    assert f"no Alertmanager answers at {url} " in said("--team", "process", status=1)


def test_an_alertmanager_with_tls_and_a_password(
    alerting_tools: Tools, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("alertmanager", LOOPBACK)
    web = tmp_path / "web.yml"
    tls = {"cert_file": str(cert), "key_file": str(key)}
    web.write_text(yaml.safe_dump({"tls_server_config": tls, "basic_auth_users": {USER: BCRYPT}}))
    server = Alertmanager(alerting_tools, alertmanager_config(tmp_path, receiver.address), web, authority.file)
    monkeypatch.setenv("MILLSTREAM_ALERTMANAGER_URL", server.url)
    with server:
        assert "CERTIFICATE_VERIFY_FAILED" in said("--team", "process", status=1)
        monkeypatch.setenv("MILLSTREAM_ALERTMANAGER_CA", str(authority.file))
        assert "refuses us (401); set MILLSTREAM_ALERTMANAGER_TOKEN, or" in said("--team", "process", status=2)
        secret = tmp_path / "password"
        secret.write_text(PASSWORD)
        monkeypatch.setenv("MILLSTREAM_ALERTMANAGER_USER", USER)
        assert "needs MILLSTREAM_ALERTMANAGER_PASSWORD" in said("--team", "process", status=2)
        monkeypatch.setenv("MILLSTREAM_ALERTMANAGER_PASSWORD_FILE", str(secret))
        assert f"it goes to: {PAGED} " in said("--team", "process")


def test_what_is_no_alertmanager_is_told(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setenv("MILLSTREAM_ALERTMANAGER_URL", f"http://{receiver.address}")
    text = said("--team", "process", status=2)
    assert f"MILLSTREAM_ALERTMANAGER_URL=http://{receiver.address}: what answers there refuses with 501" in text


def test_a_length_that_cannot_be_told_of_is_refused() -> None:
    assert "--for: expected at least 10s" in said("--team", "process", "--for", "1s", status=2)


WHERE = {"site": "penang", "area": "smt", "line": "line1"}
EPISODE = {**WHERE, "asset": "oven-1", "watch": "level"}
INHIBITED = [
    ("MillstreamAnomalyCritical", "MillstreamAnomalyMajor", EPISODE, "asset"),
    ("MillstreamAnomalyMajor", "MillstreamAnomalyMinor", EPISODE, "watch"),
    ("MillstreamAnomalyMinor", "MillstreamAnomalyWarning", EPISODE, "line"),
    ("MillstreamGatewaySilent", "MillstreamSensorSilent", WHERE, "line"),
    ("MillstreamGatewaySilent", "MillstreamSensorFault", WHERE, "area"),
    ("MillstreamCertificateEndsSoon", "MillstreamCertificateEnds", {"certificate": "a.pem"}, "certificate"),
    ("MillstreamNobodyWorks", "MillstreamWorkerDown", {}, None),
]
"""Which alert hushes which, by labels that both share; and one in which it may not differ."""


def test_what_explains_others_hushes_them_and_nothing_of_another_place(alertmanager: Alertmanager) -> None:
    client = AlertmanagerClient(load_settings())
    for source, target, same, differs in INHIBITED:
        assert {source, target} <= ALERTS.keys()
        elsewhere = {**same, differs: "elsewhere"} if differs else None
        # each pair is told apart from the next by a label that no rule knows
        mark = {"pair": f"{source} {target}"}
        hushed, heard = {"alertname": target, **same, **mark}, {"alertname": target, **(elsewhere or {}), **mark}
        told = [hushed, {"alertname": source, **same, **mark}, *([heard] if elsewhere else [])]
        for labels in told:
            client.post({"labels": {**labels, "team": "process", "severity": "info"}, "annotations": {}})

        def inhibited(labels: dict[str, str]) -> bool | None:
            found = [a for a in client.alerts(labels) if labels.items() <= a["labels"].items()]
            return bool(found[0]["status"]["inhibitedBy"]) if found else None

        assert wait_until(lambda hushed=hushed: inhibited(hushed) is True, 20), f"{source} does not hush {target}"
        assert elsewhere is None or inhibited(heard) is False, f"{source} hushes {target} of another {differs}"
