"""Points of InfluxDB as its own query API gives them; nothing of the sink under test takes part."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any, NamedTuple

from tests.servers import InfluxServer


class Point(NamedTuple):
    """One point: its time in ns, tags, and the fields that it has."""

    time: int
    tags: dict[str, str]
    fields: dict[str, Any]


def points(influx: InfluxServer, bucket: str, measurement: str) -> list[Point]:
    """All points of a measurement, series by series in order of time."""
    query = f'SELECT * FROM "{measurement}" GROUP BY *'
    asked = urllib.parse.urlencode({"db": bucket, "org": influx.org, "epoch": "ns", "q": query})
    request = urllib.request.Request(f"{influx.url}/query?{asked}", headers={"Authorization": f"Token {influx.token}"})
    with urllib.request.urlopen(request, timeout=60) as response:
        result = json.load(response)["results"][0]
    assert "error" not in result, result["error"]
    assert not any(series.get("partial") for series in result.get("series", ()))
    found = []
    for series in result.get("series", ()):
        _, *names = series["columns"]
        for time, *values in series["values"]:
            fields = {name: value for name, value in zip(names, values, strict=True) if value is not None}
            found.append(Point(time, series["tags"], fields))
    return found


def asset_of(tags: dict[str, str]) -> str:
    """The path that tags stand for."""
    return "/".join(tags[level] for level in ("site", "area", "line", "asset") if tags[level] != "-")
