"""Logs that the engine is proved on, and what they lead to as plain data, as sources and networks make them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from detectors.durations import SECOND
from schemas.chunk import Chunk, Record
from schemas.control import Control, encode, encode_origin
from schemas.decode import Decoder
from schemas.partition import key_of, partition_of
from streams.command_agent import verify
from streams.configure import configure_records
from streams.engine import Engine
from streams.resolve import ResolvedSite, resolve, to_payload
from streams.results import Results
from streams.site import Site
from streams.state.codec import pack, unpack

KEY = b"0123456789abcdef"
PARTITIONS = 3
LINE = "plant/hall/line1"
PARTITION = partition_of(key_of(f"{LINE}/m1"), PARTITIONS)
ELSEWHERE = next(
    f"plant/hall/line{i}/m9" for i in range(2, 99) if partition_of(key_of(f"plant/hall/line{i}/m9"), 3) != PARTITION
)
START = 1_767_600_000 * SECOND

WATCHES: tuple[dict[str, Any], ...] = (
    {"name": "limits", "series": "*", "detector": {"kind": "limits", "rate": 500}, "off_delay": "3s"},
    {"name": "flat", "series": "*", "when": "state == 'run'", "detector": {"kind": "stuck", "after": "8s"}},
    {"name": "silence", "series": "*", "detector": {"kind": "gap", "at_least": "10s"}},
    {
        "name": "silence while running",
        "series": "*/m1/*",
        "when": "state == 'run'",
        "detector": {"kind": "gap", "timeout": "20s"},
    },
    {"name": "deadman", "series": "*/a", "detector": {"kind": "deadman", "timeout": "12s", "times": 4}},
    {
        "name": "level",
        "series": "*",
        "by": "state",
        "refractory": "5s",
        "detector": {"kind": "robust_zscore", "warmup": 6, "half_life": "1m", "accept_after": "10s"},
    },
    {
        "name": "fixed",
        "series": "*/b",
        "severity": 700,
        "refractory": "20s",
        "detector": {"kind": "week_profile", "limit": 4},
    },
    {
        "name": "spread",
        "inputs": ["a", "b", "c"],
        "assets": "*/line1/*",
        "wait": "2s",
        "stale": "30s",
        "off_delay": "4s",
        "detector": {"kind": "spread", "limit": 12},
    },
    {"name": "spread learned wait", "inputs": ["a", "b"], "detector": {"kind": "spread", "limit": 15}},
    {"name": "rms", "series": "*", "detector": {"kind": "rms", "limit": 3}, "off_delay": "2s"},
    {"name": "quality", "series": "*/m2/*", "detector": {"kind": "quality", "limit": 0.04}, "off_delay": "5s"},
    {
        "name": "clock",
        "series": "*/m2/*",
        "detector": {"kind": "clock", "ahead": "2s", "behind": "3s", "stale": "4s", "window": "20s"},
    },
    {"name": "railed", "series": "*/m2/*", "detector": {"kind": "railed", "warmup": 3, "after": 3}},
)


MACHINES: tuple[dict[str, Any], ...] = (
    {
        "assets": "*/m1",
        "state": {"series": "state", "words": {"run": "producing", "stop": "down"}},
        "parts": {"total": "c", "good": "b", "ideal": "2s"},
        "energy": {"power": "a", "gap": "10s", "bridge": "60s", "demand_limit": 4, "demand_charge": 30},
        "hold": "40s",
        "minute_cost": 3,
    },
    {
        "assets": ["*/m2", "*/m3"],
        "state": {"series": "state", "profile": "packml", "words": {"run": "producing", "setup": "setup"}},
        "parts": {"good": "a", "ideal_of": {"25": "1s"}},
        "energy": {"counter": "b", "reactive_counter": "c", "modulus": 30, "demand_limit": 50},
        "product": "d",
    },
)


ENERGY: dict[str, Any] = {
    "tariff": "tariff_by_minutes.toml",
    "grid": "peninsular_malaysia",
    "certificates": [
        {"name": "solar", "share": 0.4, "valid_from": "2026-01-05", "valid_to": "2026-01-06", "source": "made up"}
    ],
}
DATA = Path(__file__).parents[2] / "data"
LINES: tuple[dict[str, Any], ...] = (
    {"path": "*", "minute_cost": 4.0, "ideal": "2s", "ideal_of": {"25": "3s"}},
    {"path": "*", "machines": ["m2", "m1", "m3"]},
)
"""With all machines, the last of which names its products; and in another order, for a changed configuration."""


def site(version: int = 1, watches: Sequence[dict[str, Any]] = WATCHES, **options: Any) -> ResolvedSite:
    """A site with every kind of watch; `options` are of [site]."""
    line = LINES[0] if version < 3 else LINES[1]
    low_high = {
        "a": {"low": -5, "high": 20, "store": "all"},
        "b": {"high": 15, "store": "change"},
        "c": {"store": "none"},
    }
    return resolve(
        Site.model_validate(
            {
                "site": {
                    "version": version,
                    "max_ahead": "1m",
                    "timezone": "Asia/Kuala_Lumpur",
                    "grace": "4s",
                    "demand_window": "15m",
                    **options,
                },
                "calendar": {"shifts": {"early": "16:05-16:15", "late": "16:15-00:20"}, "breaks": ["16:07-16:08"]},
                "machine": list(MACHINES),
                "energy": ENERGY,
                "line": [line],
                "asset": [{"path": f"{LINE}/m1", "aliases": ["old-name"], "series": low_high}],
                "watch": list(watches),
            }
        ),
        DATA,
    )


def log(seed: int, messages: int = 120) -> list[Record]:
    """A random log of one partition."""
    rng = np.random.default_rng(seed)
    clock, last = START, {}
    records: list[Record] = []
    for offset in range(messages):
        clock += int(
            rng.choice(
                [0, SECOND // 3, SECOND, 3 * SECOND, 15 * SECOND, 70 * SECOND], p=[0.1, 0.3, 0.4, 0.1, 0.07, 0.03]
            )
        )
        stamp = clock - int(rng.choice([0, 2 * SECOND], p=[0.95, 0.05]))
        body = _message(rng, clock, last)
        records.append(Record(offset, stamp, None, body if isinstance(body, bytes) else json.dumps(body).encode()))
    return records


def _message(rng: np.random.Generator, clock: int, last: dict[str, Any]) -> Any:
    kind = rng.choice(["single", "frame", "state", "wave", "again", "garbage"], p=[0.4, 0.3, 0.1, 0.08, 0.08, 0.04])
    asset = str(rng.choice([f"{LINE}/m1", f"{LINE}/m2", "old-name", f"{LINE}/m3"], p=[0.4, 0.4, 0.1, 0.1]))
    time = clock + int(rng.choice([0, -1, -4, -40, 600, 2], p=[0.75, 0.05, 0.1, 0.04, 0.03, 0.03])) * SECOND
    if kind == "garbage":
        return bytes(
            rng.choice(np.array([b"{", b"[]", b'{"asset": "x"}', b'{"asset":"q","series":"a","time":5,"value":1}']))
        )
    if kind == "again" and last:  # a duplicate, or a correction
        body = dict(last)
        if rng.random() < 0.5:
            body["value"] = _value(rng)
        return body
    if kind == "state":
        value = str(rng.choice(["run", "stop", "setup"])) if rng.random() < 0.9 else None
        return {"asset": asset, "series": "state", "time": time, "value": value}
    if kind == "wave":
        values = (rng.normal(size=8) * rng.choice([1.0, 9.0])).tolist()
        return {
            "asset": asset,
            "series": "vib",
            "time": time,
            "rate_hz": 1000,
            "values": values,
            "quality": _quality(rng),
        }
    if kind == "frame":
        n = int(rng.integers(1, 5))
        times = [time - (n - 1 - i) * SECOND // 2 for i in range(n)]
        names = rng.permutation(["a", "b", "c", "state"])[: rng.integers(1, 5)].tolist()
        cells = {s: [str(rng.choice(["run", "stop"])) if s == "state" else _value(rng) for _ in times] for s in names}
        return {"asset": asset, "time": times, "series": cells, "unit": {"a": "Cel"}}
    series = str(rng.choice(["a", "b", "c", "d"], p=[0.4, 0.3, 0.2, 0.1]))
    body = {"asset": asset, "series": series, "time": time, "value": _value(rng), "quality": _quality(rng)}
    last.clear()
    last.update(body)
    return body


def _value(rng: np.random.Generator) -> Any:
    kind = rng.random()
    if kind < 0.05:
        return None
    if kind < 0.08:
        return "text"
    if kind < 0.12:
        return float(rng.choice([1e308, -1e308, 1e99, 900.0]))
    return float(rng.choice([5.0, 5.0, 5.5, 6.0, 17.0, 25.0], p=[0.3, 0.2, 0.2, 0.2, 0.05, 0.05]))


def _quality(rng: np.random.Generator) -> str:
    return str(rng.choice(["good", "uncertain", "bad"], p=[0.9, 0.05, 0.05]))


def tick(offset: int, stamp: int) -> Record:
    """A signed tick."""
    return signed(Control(kind="tick", partition=PARTITION), offset, stamp)


def signed(control: Control, offset: int, stamp: int) -> Record:
    """A control record as a worker writes it."""
    value, headers = encode(control, KEY)
    return Record(offset, stamp, None, value, headers)


def command(stamp: int, kind: str, command_id: str, payload: dict[str, Any] | None = None, **target: str) -> Record:
    """A command as the agent appends it; its offset is to be given."""
    body = {"command_id": command_id, "kind": kind, "by": "ann", "target": target, "payload": payload}
    found = verify(Record(0, stamp, None, json.dumps(body).encode()), PARTITION, PARTITIONS, "line")
    assert isinstance(found, list), found
    return signed(found[0].model_copy(update={"partition": PARTITION}), 0, stamp)


def configure(to: ResolvedSite, offset: int, stamp: int) -> list[Record]:
    """The records that carry a site."""
    return [signed(c, offset + i, stamp) for i, c in enumerate(configure_records(to_payload(to), PARTITION))]


def forwarded(record: Record, partition: int, offset: int) -> Record:
    """A reading as a colleague forwards it, with the origin signed."""
    return record._replace(headers=[encode_origin(partition, offset, record.value or b"", KEY)])


def renumbered(records: Iterable[Record]) -> list[Record]:
    """The records with offsets 0, 1, 2, ..."""
    return [record._replace(offset=i) for i, record in enumerate(records)]


def decoded(records: Sequence[Record]) -> Chunk:
    return Decoder(KEY).decode(records, PARTITION)


def engine(of: ResolvedSite | None = None) -> Engine:
    return Engine(PARTITION, PARTITIONS, of or site())


class Tape:
    """Results of one feed after another as plain data, in which positions count from the log's start."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.verdicts: list[Any] = []
        self.points: list[Any] = []
        self.events: list[dict[str, Any]] = []
        self.rejections: list[Any] = []
        self.forwards: list[Any] = []
        self.warnings: list[str] = []
        self.audits: list[dict[str, Any]] = []
        self.kpis: list[dict[str, Any]] = []
        self.clock: Any = None
        self._messages = self._readings = 0

    def add(self, results: Results, chunk: Chunk) -> None:
        self.counts.update(results.counts)
        self.verdicts += self._rows(results)
        p = results.points
        columns = (p.series, p.time, p.value, p.quality, p.late)
        for i, (series, *rest) in enumerate(zip(*(a.tolist() for a in columns), strict=True)):
            self.points.append((results.series[series], *map(repr, rest), p.text.get(i)))
        self.events += [json.loads(event.model_dump_json()) for event in results.events]
        for r in results.rejections:
            self.rejections.append((self._messages + r.place.message, *r.place[1:], r.received, r.record))
        self.forwards += results.forwards
        self.warnings += results.warnings
        self.audits += [json.loads(audit.model_dump_json()) for audit in results.audits]
        self.kpis += [row.model_dump() for row in results.kpis]
        self.clock = (results.received, results.next_offset)
        self._messages += chunk.messages
        self._readings += chunk.readings

    def _rows(self, results: Results) -> Iterator[Any]:
        v = results.verdicts
        columns = (v.value, v.score, v.expected, v.low, v.high, v.status, v.store)
        for i, (reading, series, watch, time, *rest) in enumerate(
            zip(*(a.tolist() for a in (v.reading, v.series, v.watch, v.time, *columns)), strict=True)
        ):
            ref = results.watches[watch]
            place = (self._messages if ref.alone else self._readings) + reading
            yield (place, results.series[series], ref, time, *map(repr, rest), v.contribution.get(i))

    def same(self, other: Tape) -> None:
        """Assert that two tapes hold the same, in the same order."""
        for name in ("clock", "warnings", "forwards", "rejections", "points", "verdicts", "events", "audits", "kpis"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                pairs = zip(mine, theirs, strict=False) if isinstance(mine, list) else [(mine, theirs)]
                first = next((pair for pair in pairs if pair[0] != pair[1]), (len(mine), len(theirs)))
                raise AssertionError(f"{name} differ: {first[0]}\n ... {first[1]}")
        assert +self.counts == +other.counts


def play(
    records: Sequence[Record], cuts: Sequence[int] = (), of: ResolvedSite | None = None, restart: bool = False
) -> Tape:
    """Feed a log in pieces; with `restart`, into a new engine at each cut."""
    tape, running = Tape(), engine(of)
    edges = [0, *sorted(c % (len(records) + 1) for c in cuts), len(records)]
    for i, (a, b) in enumerate(pairwise(edges)):
        if restart and i:
            saved = unpack(pack(running.snapshot()))  # as state travels
            running = Engine(PARTITION, PARTITIONS, resolve(Site()))
            running.restore(saved)
        chunk = decoded(records[a:b])
        tape.add(running.feed(chunk), chunk)
    return tape
