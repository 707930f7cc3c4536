"""All alerts, by group."""

from __future__ import annotations

from grafana.alerts.alert import Alert, link
from grafana.alerts.own import OWN
from grafana.alerts.process import PROCESS

GROUPS: dict[str, tuple[Alert, ...]] = {"millstream-process": PROCESS, "millstream-own": OWN}
ALERTS: dict[str, Alert] = {alert.name: alert for alerts in GROUPS.values() for alert in alerts}

RUNBOOK = "grafana/runbook.md"
"""Has a heading for each alert."""


def labels_of(alert: Alert) -> dict[str, str]:
    """Labels that routes go by."""
    return {"severity": alert.severity, "team": alert.team}


def annotations_of(alert: Alert, grafana: str, runbook: str = RUNBOOK) -> dict[str, str]:
    """What a person is told: the summary in three languages, unit, links.

    `grafana` and `runbook` are where these are, or templates of that.
    """
    told = {"summary": alert.summary.en, "summary_ms": alert.summary.ms, "summary_zh_TW": alert.summary.zh}
    return told | {"value": "{{ $value }}", "unit": alert.unit} | {
        "board": grafana + link(alert),
        "runbook": f"{runbook}#{alert.name.lower()}",
    }  # fmt: skip
