"""Engines that have been fed a few readings of series, for what is said of their models."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from detectors.durations import SECOND
from schemas.chunk import Record
from schemas.decode import Decoder
from streams.engine import Engine
from streams.resolve import resolve
from streams.site import Site

START = 1_767_600_000 * SECOND
ROBUST = {"name": "level", "series": "*", "detector": {"kind": "robust_zscore", "warmup": 50}}


def fed(watches: list[dict[str, Any]], messages: list[dict[str, Any]]) -> Engine:
    engine = Engine(0, 1, resolve(Site.model_validate({"watch": watches})))
    feed(engine, messages)
    return engine


def feed(engine: Engine, messages: list[dict[str, Any]]) -> None:
    first = engine.next_offset
    records = [Record(first + i, m["time"], None, json.dumps(m).encode()) for i, m in enumerate(messages)]
    engine.feed(Decoder(b"").decode(records, 0))


def values(series: str, n: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    return [
        {"asset": "m1", "series": series, "time": START + i * SECOND, "value": 20 + float(rng.normal())}
        for i in range(n)
    ]
