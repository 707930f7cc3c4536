"""The table as Grafana-managed rules, for sites without Prometheus' own alerting: never both at once."""

from __future__ import annotations

from typing import Any

import yaml

from grafana.alerts.alert import Alert
from grafana.alerts.table import GROUPS, annotations_of, labels_of

DATASOURCE = "millstream-prometheus"
"""Uid of the data source, as it is provisioned."""
FOLDER = "Millstream alerts"
"""Not the boards' folder: alerting is provisioned before boards, and would make that one with another uid."""
_ROOT = '{{ externalURL | reReplaceAll "/+$" "" }}'
"""Grafana's address. Of what is in such a file, annotations and queries are not filled in from the environment, and a `$`
in them is none to be doubled (Grafana, "Use configuration files to provision alerting resources")."""

_NOTE = (
    "# Generated from grafana/alerts by `make gen`; change it there.\n"
    "# Copy it into Grafana's provisioning/alerting only where Prometheus has no Alertmanager: with both, every alert\n"
    "# comes twice. Links begin with Grafana's own root_url (GF_SERVER_ROOT_URL): its address as people reach it.\n"
)


def managed() -> str:
    """The file's text (Grafana 10 or newer)."""
    groups = [
        {"orgId": 1, "name": name, "folder": FOLDER, "interval": "10s", "rules": [_rule(alert) for alert in alerts]}
        for name, alerts in GROUPS.items()
    ]
    body: str = yaml.safe_dump({"apiVersion": 1, "groups": groups}, sort_keys=False, allow_unicode=True, width=1000)
    return _NOTE + body


def _rule(alert: Alert) -> dict[str, Any]:
    # a rule's series is there only while something is wrong, whatever its value: that it is there is what counts
    told = {name: text.replace("$value", "$values.A.Value") for name, text in annotations_of(alert, _ROOT).items()}
    rule = {
        "uid": alert.name.lower(),
        "title": alert.name,
        "condition": "D",
        "data": [
            _query("A", alert.expr),
            _query("B", f"({alert.expr}) * 0 + 1"),
            _expression("C", {"type": "reduce", "expression": "B", "reducer": "last"}),
            _expression(
                "D",
                {"type": "threshold", "expression": "C", "conditions": [{"evaluator": {"type": "gt", "params": [0]}}]},
            ),
        ],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": alert.hold,
        "annotations": told,
        "labels": labels_of(alert),
        "isPaused": False,
    }
    return rule | ({"keepFiringFor": alert.keep} if alert.keep != "0s" else {})


def _query(ref: str, expr: str) -> dict[str, Any]:
    model = {"refId": ref, "expr": expr, "instant": True, "range": False, "editorMode": "code"}
    return {
        "refId": ref,
        "relativeTimeRange": {"from": 600, "to": 0},
        "datasourceUid": DATASOURCE,
        "model": model,
    }


def _expression(ref: str, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": "__expr__",
        "model": {"refId": ref, "datasource": {"type": "__expr__", "uid": "__expr__"}} | model,
    }
