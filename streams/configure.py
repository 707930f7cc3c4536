"""Configuration in the log: parts put together, and what a change lets a watch keep."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from detectors.base import Detector
from schemas.control import Control
from streams.site import WatchOptions
from streams.watch import Watch

PART_BYTES = 600_000
"""A payload larger than this goes in parts: a record stays below 900 kB, base64 and signature included."""

_SHAPING = ("series", "inputs", "assets", "exclude", "by", "wait", "stale")


def configure_records(payload: dict[str, Any], partition: int) -> Iterator[Control]:
    """Control records that carry a resolved site to a partition, in parts where it is large."""
    packed = zlib.compress(orjson.dumps(payload), 6)
    pieces = [packed[i : i + PART_BYTES] for i in range(0, len(packed), PART_BYTES)]
    for part, piece in enumerate(pieces):
        body = {"site": base64.b64encode(piece).decode()}
        yield Control(kind="configure", partition=partition, part=part, parts=len(pieces), payload=body)


class Assembly:
    """Parts of a configuration that has not come whole yet."""

    MAX_BYTES = 64_000_000

    def __init__(self) -> None:
        self._parts: list[str] = []

    def add(self, control: Control) -> dict[str, Any] | None:
        """The payload, once its last part is there; a part out of turn starts over."""
        piece = control.payload.get("site")
        if control.part == 0:
            self._parts = []
        if control.part != len(self._parts) or not isinstance(piece, str):
            self._parts = []
            return None
        self._parts.append(piece)
        if len(self._parts) < control.parts:
            return None
        packed = b"".join(base64.b64decode(p) for p in self._parts)
        self._parts = []
        unpacked: dict[str, Any] = orjson.loads(zlib.decompressobj().decompress(packed, self.MAX_BYTES))
        return unpacked

    def snapshot(self) -> list[str]:
        """The parts so far."""
        return list(self._parts)

    def restore(self, saved: list[str]) -> None:
        """Take up what `snapshot` gave."""
        self._parts = list(saved)


def same_learning(old: Watch, spec: WatchOptions, detector: Detector[Any]) -> bool:
    """Whether what a watch has learned still holds under other options (each option says whether it `resets`)."""
    if type(old.detector) is not type(detector):
        return False
    if any(getattr(old.spec, name) != getattr(spec, name) for name in _SHAPING):
        return False
    for name, field in type(detector).model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("resets") and getattr(old.detector, name) != getattr(detector, name):
            return False
    # limits keep their bounds in the state, so they must be taken up anew
    return not detector.per_row or old.detector == detector
