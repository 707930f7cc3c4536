"""The published contract: one JSON Schema document of every event; `python -m schemas.contract` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from pydantic.json_schema import models_json_schema

from schemas.anomaly import AnomalyEvent
from schemas.audit import Audit
from schemas.command import Command
from schemas.control import Control
from schemas.kpi import KpiRow
from schemas.reading import Frame, Single, WaveformMessage
from schemas.rejected import Rejected

PATH = Path(__file__).with_name("contracts.json")

MODELS = (Single, Frame, WaveformMessage, AnomalyEvent, Rejected, Control, Command, Audit, KpiRow)


def contract() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of every event, each under its name in `$defs`.

    >>> sorted(contract()["$defs"])[:3]
    ['AnomalyEvent', 'Audit', 'Command']
    """
    _, document = models_json_schema([(model, "validation") for model in MODELS], ref_template="#/$defs/{model}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "millstream events",
        "description": "What crosses a boundary. Events are only ever extended: readers ignore what they do not know.",
        "$defs": dict(sorted(document["$defs"].items())),
    }


def text() -> bytes:
    """The contract as it stands in contracts.json."""
    return orjson.dumps(contract(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    PATH.write_bytes(text())
