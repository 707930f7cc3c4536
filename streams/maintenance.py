"""Planned maintenance: spans of local time in which machines are not to be busy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from streams.localtime import LocalTime

SECOND = 1_000_000_000

Span = tuple[int, int]
"""Begin and end of a stretch of time."""

_HELP = 'expected a span of local time such as "2026-02-01T08:00/2026-02-01T12:00"'


def local_span_s(text: str) -> Span:
    """Begin and end of a span, in local seconds since 1970-01-01. Raises ValueError.

    >>> local_span_s("1970-01-01T00:00/1970-01-02T06:30")
    (0, 109800)
    """
    try:
        begin, end = (datetime.fromisoformat(part) for part in text.split("/"))
    except ValueError as error:
        raise ValueError(f"{_HELP}, got {text!r}") from error
    if begin.tzinfo is not None or end.tzinfo is not None:
        raise ValueError(f"{_HELP}, in the time zone of [site]; got one of its own in {text!r}")
    if begin >= end:
        raise ValueError(f"{_HELP}, its begin before its end; got {text!r}")
    if begin.microsecond or end.microsecond:
        raise ValueError(f"{_HELP}, to the second; got {text!r}")
    return int(begin.replace(tzinfo=UTC).timestamp()), int(end.replace(tzinfo=UTC).timestamp())


class MaintenanceOptions(BaseModel):
    """[[calendar.maintenance]]: a span at which some machines are not to be busy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    span: str = Field(description='Local time from and to, such as "2026-02-01T08:00/2026-02-01T12:00".')
    assets: str | list[str] = Field("*", description="Globs over asset paths.")

    @field_validator("span")
    @classmethod
    def _span(cls, span: str) -> str:
        local_span_s(span)
        return span

    @property
    def globs(self) -> list[str]:
        """The globs of `assets`, as a list."""
        return [self.assets] if isinstance(self.assets, str) else list(self.assets)


class Maintenance:
    """The spans of one site, in ns."""

    def __init__(self, spans: Sequence[MaintenanceOptions], local: LocalTime) -> None:
        ends = np.array([local_span_s(one.span) for one in spans], dtype=np.int64).reshape(-1, 2)
        self._spans: list[Span] = [(int(a), int(b)) for a, b in local.utc(ends) * SECOND]
        self._globs = [one.globs for one in spans]
        self._of: dict[str, tuple[Span, ...]] = {}  # by asset; a cache
        self.edges = np.unique(np.array(self._spans, dtype=np.int64))

    def of(self, asset: str) -> tuple[Span, ...]:
        """The spans at which a machine is not to be busy."""
        if asset not in self._of:
            self._of[asset] = tuple(
                span
                for span, globs in zip(self._spans, self._globs, strict=True)
                if any(fnmatchcase(asset, glob) for glob in globs)
            )
        return self._of[asset]
