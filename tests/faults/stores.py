"""What a store holds after a run, read past the sink under test: InfluxDB by its query API, SQLite by its file."""

from __future__ import annotations

import sqlite3
import urllib.parse
import urllib.request
from collections import defaultdict
from pathlib import Path

import orjson

from streams.sinks.points import MEASUREMENTS
from tests.faults.plant import assets
from tests.faults.reference import Points
from tests.servers import InfluxServer


def influx_points(influx: InfluxServer, prefix: str) -> Points:
    """All points of the three measurements, asset by asset."""
    found: Points = defaultdict(lambda: defaultdict(dict))
    for name, kind in MEASUREMENTS.items():
        for asset in assets():
            site, area, line, machine = asset.split("/")
            where = f"site = '{site}' AND area = '{area}' AND line = '{line}' AND asset = '{machine}'"
            query = f'SELECT * FROM "{name}" WHERE {where} GROUP BY *'
            asked = {"db": prefix + kind.store, "org": influx.org, "epoch": "ns", "q": query}
            request = urllib.request.Request(
                f"{influx.url}/query?{urllib.parse.urlencode(asked)}",
                headers={"Authorization": f"Token {influx.token}"},
            )
            with urllib.request.urlopen(request, timeout=120) as response:
                result = orjson.loads(response.read())["results"][0]
            assert "error" not in result, result["error"]
            for series in result.get("series", ()):
                assert not series.get("partial"), "the answer was cut short"
                _, *columns = series["columns"]
                place = found[name][tuple(series["tags"][tag] for tag in kind.tags)]
                for time, *values in series["values"]:
                    place[time] = {c: v for c, v in zip(columns, values, strict=True) if v is not None}
    return found


def sqlite_points(path: Path) -> Points:
    """All points of the three tables."""
    found: Points = defaultdict(lambda: defaultdict(dict))
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        for name, kind in MEASUREMENTS.items():
            bools = [field for field, type_ in kind.fields.items() if type_ == "bool"]
            tags = len(kind.tags)
            for row in connection.execute(f"SELECT {', '.join((*kind.tags, 'time', *kind.fields))} FROM {name}"):
                fields = {c: v for c, v in zip(kind.fields, row[tags + 1 :], strict=True) if v is not None}
                fields |= {c: bool(fields[c]) for c in bools if c in fields}
                found[name][row[:tags]][row[tags]] = fields
    return found
