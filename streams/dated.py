"""Dated data files (tariffs, factors): TOML with a source, read into what the numerics take, or refused with a line."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ValidationError

from detectors.durations import SECOND
from schemas.errors import Misconfigured
from streams.explain_errors import explain

M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The table in a file; `what` it should hold goes into messages. Raises Misconfigured."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read ({error.strerror}); expected {what}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path}: not TOML: {error}") from error


def checked(model: type[M], table: Any, name: str) -> M:
    """`table` as the model; raises Misconfigured with one line a fault, `name` standing for the file."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise Misconfigured("\n".join(f"{name}: {line}" for line in explain(error, model, table))) from error


def zone(name: str) -> ZoneInfo:
    """An IANA time zone; raises ValueError that says so."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f'expected an IANA time zone such as "Asia/Kuala_Lumpur", got {name!r}') from error


def midnight_ns(day: date, where: ZoneInfo) -> int:
    """The first instant of a local day, ns since the epoch.

    >>> midnight_ns(date(2024, 1, 1), ZoneInfo("Asia/Taipei")) // SECOND
    1704038400
    """
    return int(datetime(day.year, day.month, day.day, tzinfo=where).timestamp()) * SECOND
