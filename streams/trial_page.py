"""A page that is marked as a test, put to Alertmanager: who gets it, and what stands in its way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from schemas.errors import Misconfigured, Retry
from streams.alert_routes import reached, team_matchers
from streams.alertmanager import AlertmanagerClient

NAME = "MillstreamTest"
"""Its alertname, and its heading in the runbook."""
TAKEN_WITHIN_S = 10.0


class Page(NamedTuple):
    """What was sent, and who gets it."""

    labels: dict[str, str]
    receivers: list[str]
    ends: datetime


def labels_of(team: str, severity: str) -> dict[str, str]:
    """What routes go by, and the mark that it is a test."""
    return {"alertname": NAME, "severity": severity, "team": team, "test": "true"}


def receivers_for(route: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """Names of the receivers. Raises Misconfigured where teams have routes, and this one has none.

    >>> tree = {"receiver": "all", "routes": [{"receiver": "a", "matchers": ['team="a"']}]}
    >>> receivers_for(tree, {"team": "a"})
    ['a']
    """
    ends = reached(route, labels)
    asked = team_matchers(route)
    if asked and not any(matcher.holds(labels) for matcher in asked):
        raise Misconfigured(
            f"Alertmanager has no route for team {labels['team']!r}: its alerts would end at {', '.join(ends)!r}, like "
            f"those of nobody; nothing was sent. Routes name {', '.join(dict.fromkeys(m.value for m in asked))}; "
            f'a route of its own has the matcher team="{labels["team"]}"'
        )
    return ends


def send_page(client: AlertmanagerClient, team: str, severity: str, lasts: timedelta, by: str) -> Page:
    """Send it; it ends by itself after `lasts`.

    Raises Retry where no Alertmanager answers, or it does not take the page up; Misconfigured where it refuses, or
    keeps the page to itself.
    """
    labels = labels_of(team, severity)
    receivers = receivers_for(client.routes(), labels)
    now = datetime.now(UTC)
    ends = now + lasts
    client.post({"labels": labels, "annotations": said_of(by), "startsAt": now.isoformat(), "endsAt": ends.isoformat()})
    taken = _taken(lambda: client.alerts(labels))
    status = taken["status"]
    if status.get("silencedBy"):
        raise Misconfigured(
            f"Alertmanager took the page but silence {', '.join(status['silencedBy'])} keeps it from everybody; "
            "end the silence, and send it again"
        )
    if status.get("inhibitedBy"):
        raise Misconfigured(
            "Alertmanager took the page but an inhibition rule keeps it from everybody while another alert fires; "
            "look for one whose target matches " + ", ".join(f"{name}={value}" for name, value in labels.items())
        )
    told = [str(receiver["name"]) for receiver in taken["receivers"]]
    return Page(labels, told or receivers, ends)


def said_of(by: str) -> dict[str, str]:
    """What a person is told of it, as of any alert."""
    return {
        "summary": f"TEST by {by}: nothing is wrong. Say that you got this page",
        "summary_ms": f"UJIAN oleh {by}: tiada masalah. Sahkan bahawa anda menerima mesej ini",
        "summary_zh_TW": f"測試（{by}）：沒有任何異常。請回覆已收到此通知",
        "runbook": f"grafana/runbook.md#{NAME.lower()}",
    }


def _taken(find: Callable[[], Any]) -> dict[str, Any]:
    """The alert as Alertmanager has it, once it has decided what becomes of it."""
    end = time.monotonic() + TAKEN_WITHIN_S
    while True:
        found: list[dict[str, Any]] = list(find())
        if found and (found[0]["status"]["state"] != "unprocessed" or time.monotonic() > end):
            return found[0]
        if time.monotonic() > end:
            raise Retry(
                f"Alertmanager accepted the page but does not list it after {TAKEN_WITHIN_S:.0f} s; see its log"
            )
        time.sleep(0.1)  # Alertmanager tells nobody when it has decided
