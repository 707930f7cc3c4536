"""Variables of boards: data sources first, then places, each narrowing the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from grafana.boards.query import MEASURED_IN, Source, chosen

SOURCES: dict[Source, tuple[str, str, str]] = {
    "raw": ("influxdb", "millstream-raw", "Readings and verdicts"),
    "main": ("influxdb", "millstream-main", "Episodes and key figures"),
    "prometheus": ("prometheus", "millstream-prometheus", "Metrics"),
}
"""Kind, uid and label of each data source; the uids are those of deploy/grafana/provisioning."""

ALL = "$__all"
_NONE: dict[str, Any] = {"current": {"text": "", "value": ""}}


class Variable(NamedTuple):
    """A variable whose values a data source knows."""

    name: str
    label: str
    source: Source
    query: str
    multi: bool = True
    """Whether several may be chosen, or all."""


class Choice(NamedTuple):
    """A variable with values of its own, of which some are chosen at first."""

    name: str
    label: str
    values: tuple[str, ...]
    chosen: tuple[str, ...]


def tags(name: str, measurement: str, *within: str, label: str = "", multi: bool = True, only: str = "") -> Variable:
    """A variable: the values that a tag has in the places that other variables name.

    >>> tags("line", "kpi", "site").query
    'SHOW TAG VALUES FROM "kpi" WITH KEY = "line" WHERE "site" =~ /^${site:regex}$/'
    """
    conditions = [*(chosen(each) for each in within), *([only] if only else [])]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f'SHOW TAG VALUES FROM "{measurement}" WITH KEY = "{name}"{where}'
    return Variable(name, label or name.capitalize(), MEASURED_IN[measurement], query, multi)


def places(measurement: str, *, asset: bool = True, one: bool = False) -> tuple[Variable, ...]:
    """Site, area, line and, where told, asset; `one`: a single asset.

    >>> [each.name for each in places("kpi")]
    ['site', 'area', 'line', 'asset']
    """
    above = ("site", "area", "line")
    found = tuple(tags(name, measurement, *above[:i]) for i, name in enumerate(above))
    return (*found, tags("asset", measurement, *above, multi=not one)) if asset else found


STATES = Choice("state", "State series", ("state", "execution", "mode", "status"), ("state",))
"""Names of series that say what a machine does."""


def source_json(source: Source) -> dict[str, Any]:
    """The variable of a data source: the one that is provisioned, unless another is chosen."""
    kind, uid, label = SOURCES[source]
    return {
        "type": "datasource",
        "name": source,
        "label": label,
        "description": f"Hidden; a link with var-{source}=UID names another data source.",
        "query": kind,
        # of the two buckets each has its own, told by the name: a board with the wrong one would be empty
        "regex": f"/{source}/i" if kind == "influxdb" else "",
        "current": {"text": uid, "value": uid},
        "hide": 2,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "skipUrlSync": False,
    }


def variable_json(variable: Variable | Choice) -> dict[str, Any]:
    """The variable as Grafana reads it."""
    if isinstance(variable, Choice):
        return _choice_json(variable)
    kind, _, _ = SOURCES[variable.source]
    asked: Any = {"query": variable.query, "refId": "InfluxVariableQueryEditor-VariableQuery"}
    if kind == "prometheus":
        asked = {"query": variable.query, "qryType": 1, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
    many = {"allValue": ".*", "current": {"text": ["All"], "value": [ALL]}} if variable.multi else _NONE
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.label,
        "datasource": {"type": kind, "uid": f"${{{variable.source}}}"},
        "query": asked,
        "regex": "",
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "multi": variable.multi,
        "includeAll": variable.multi,
        "options": [],
        "skipUrlSync": False,
        **many,
    }


def _choice_json(variable: Choice) -> dict[str, Any]:
    def option(value: str) -> dict[str, Any]:
        return {"text": value, "value": value, "selected": value in variable.chosen}

    return {
        "type": "custom",
        "name": variable.name,
        "label": variable.label,
        "query": ",".join(variable.values),
        "options": [option(value) for value in variable.values],
        "current": {"text": list(variable.chosen), "value": list(variable.chosen)},
        "hide": 0,
        "multi": True,
        "includeAll": False,
        "skipUrlSync": False,
    }


def sources_of(variables: Sequence[Variable | Choice]) -> set[Source]:
    """Data sources that variables ask."""
    return {each.source for each in variables if isinstance(each, Variable)}
