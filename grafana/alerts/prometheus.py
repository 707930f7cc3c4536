"""The table as a rule file of Prometheus (2.42 or newer, for keep_firing_for)."""

from __future__ import annotations

from typing import Any

import yaml

from grafana.alerts.alert import Alert
from grafana.alerts.table import GROUPS, RUNBOOK, annotations_of, labels_of

GRAFANA = "{{ $externalLabels.grafana }}"
"""Address of Grafana: an external label of Prometheus, so that one rule file serves every site."""
_RUNBOOK = f"{{{{ with $externalLabels.runbook }}}}{{{{ . }}}}{{{{ else }}}}{RUNBOOK}{{{{ end }}}}"
"""Where a site has put the runbook, likewise; without that label the file's path in the repository."""
_DECIDE = (
    '{{ with $externalLabels.board }}{{ . }}/?q={{ printf "%s %s" $labels.asset $labels.watch | urlquery }}{{ end }}'
)
"""Where the web board has the open episode with the forms to answer it; nothing where a site has no such label."""

_NOTE = "# Generated from grafana/alerts by `make gen`; change it there.\n"


def rules() -> str:
    """The file's text."""
    return _text({"groups": _groups()})


def operator_rules() -> str:
    """The same as an object of Prometheus' operator, for Kubernetes."""
    return _text(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "millstream"},
            "spec": {"groups": _groups()},
        }
    )


def _groups() -> list[dict[str, Any]]:
    return [
        {"name": name, "interval": "15s", "rules": [_rule(alert) for alert in alerts]}
        for name, alerts in GROUPS.items()
    ]


def _text(body: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=1000)
    return _NOTE + text


def _rule(alert: Alert) -> dict[str, Any]:
    rule: dict[str, Any] = {"alert": alert.name, "expr": alert.expr}
    if alert.hold != "0s":
        rule["for"] = alert.hold
    if alert.keep != "0s":
        rule["keep_firing_for"] = alert.keep
    told = annotations_of(alert, GRAFANA, _RUNBOOK) | ({"decide": _DECIDE} if "watch" in alert.variables else {})
    return rule | {"labels": labels_of(alert), "annotations": told}
