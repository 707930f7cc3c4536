"""Waveforms: one block of samples a message, used whole or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from schemas.chunk import SeriesKey, Waveform
from schemas.codecs import check_cells
from schemas.draft import Draft
from schemas.errors import Reject
from schemas.names import optional_name, required_name
from schemas.quality import NO_QUALITY, quality_of
from schemas.times import explain, parse_times

FIELDS = frozenset(("asset", "series", "time", "rate_hz", "values", "unit", "quality", "seq", "source", "speed_rpm"))
_REAL = frozenset((float, int))


def add_waveform(draft: Draft, message: int, fields: dict[Any, Any]) -> None:
    """Add one block of samples to the draft. Raises Reject.

    A sample that is no finite number costs the block: a spectrum of a block with holes means nothing.
    """
    asset = required_name(fields, "asset")
    series = required_name(fields, "series")
    if "time" not in fields:
        raise Reject("missing_field", "time")
    time, bad = parse_times([fields["time"]])
    if bad[0]:
        raise Reject("bad_time", "time", explain(fields["time"]))
    rate_hz = _real(fields["rate_hz"], "rate_hz")
    if rate_hz <= 0:
        raise Reject("bad_rate", "rate_hz", f"expected more than 0 Hz, got {rate_hz}")
    samples = fields["values"]
    if type(samples) is not list:
        raise Reject("wrong_type", "values", f"expected a list of numbers, got {type(samples).__name__}")
    if not samples:
        raise Reject("empty_waveform", "values")
    check_cells(len(samples))
    if not set(map(type, samples)) <= _REAL:
        i = next(i for i, sample in enumerate(samples) if type(sample) not in _REAL)
        raise Reject("wrong_type", f"values[{i}]", f"expected a number, got {type(samples[i]).__name__}")
    values = np.array(samples, dtype=np.float64)
    if not np.isfinite(values).all():
        raise Reject("not_finite", f"values[{int(np.argmin(np.isfinite(values)))}]")
    speed = fields.get("speed_rpm")
    speed_rpm = np.nan if speed is None else _real(speed, "speed_rpm")
    unit = optional_name(fields.get("unit"), "unit")
    optional_name(fields.get("source"), "source")
    quality = quality_of(fields.get("quality"))
    if quality == NO_QUALITY:
        raise Reject("bad_quality", "quality", "expected good, uncertain, bad or an OPC UA status code")
    draft.asset[message] = asset
    draft.unknown_fields += len(fields.keys() - FIELDS)
    key = SeriesKey(asset, series, unit)
    draft.waveforms.append(Waveform(message, key, int(time[0]), rate_hz, values, speed_rpm, quality))


def _real(value: Any, place: str) -> float:
    if type(value) not in _REAL:
        raise Reject("wrong_type", place, f"expected a number, got {type(value).__name__}")
    if not np.isfinite(value):
        raise Reject("not_finite", place)
    return float(value)
