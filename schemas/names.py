"""What an asset, a series, a unit and a source may be called."""

from __future__ import annotations

from typing import Any

from schemas.errors import Reject

LONGEST_NAME = 255
"""Characters; also what InfluxDB tags and Prometheus labels are kept to."""


def _has_control(name: str) -> bool:
    """Whether a character is a control one (C0, DEL or C1): such names break logs, tags and line protocol."""
    return not name.isprintable() and any(c < " " or "\x7f" <= c <= "\x9f" for c in name)


def name_fault(name: str) -> str | None:
    """What is wrong with a series' name, a unit or a source; None when nothing is.

    >>> name_fault("zone2_temp"), name_fault("")
    (None, 'expected 1 to 255 characters, got 0')
    """
    if not 1 <= len(name) <= LONGEST_NAME:
        return f"expected 1 to {LONGEST_NAME} characters, got {len(name)}"
    return "expected no control characters" if _has_control(name) else None


def asset_fault(asset: str) -> str | None:
    """What is wrong with an asset's path; None when nothing is.

    >>> asset_fault("penang/smt/line1/oven3"), asset_fault("/oven3")
    (None, 'expected a path site/area/line/machine without empty levels')
    """
    if asset.startswith("/") or asset.endswith("/") or "//" in asset:
        return "expected a path site/area/line/machine without empty levels"
    return name_fault(asset)


def required_name(fields: dict[Any, Any], field: str) -> str:
    """The name under `fields[field]`. Raises Reject: missing_field, wrong_type or bad_name."""
    if field not in fields:
        raise Reject("missing_field", field)
    name = fields[field]
    if type(name) is not str:
        raise Reject("wrong_type", field, f"expected text, got {type(name).__name__}")
    fault = asset_fault(name) if field == "asset" else name_fault(name)
    if fault:
        raise Reject("bad_name", field, fault)
    return name


def optional_name(name: Any, place: str) -> str | None:
    """A unit or source: None where it is null or empty. Raises Reject: wrong_type or bad_name."""
    if name is None or name == "":
        return None
    if type(name) is not str:
        raise Reject("wrong_type", place, f"expected text, got {type(name).__name__}")
    fault = name_fault(name)
    if fault:
        raise Reject("bad_name", place, fault)
    return name
