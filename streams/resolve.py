"""From a site file to the resolved site: everything the engine needs, as plain data that goes into the log."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, ConfigDict

from streams.site import Site

_FIRST_YEAR, _LAST_YEAR = 1990, 2038
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EPOCH = date(1970, 1, 1)


class ResolvedSite(BaseModel):
    """A site with its calendar worked out: no engine needs a time-zone database, a file or a clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    offsets: list[tuple[int, int]]  # (from UTC second, offset in s), ascending
    days: dict[int, int]  # local day since 1970-01-01 -> day of the week it counts as, 0 = Monday
    hash: str

    @property
    def version(self) -> int:
        """Version that decides between the log's site and a starting worker's own."""
        return self.site.site.version


def resolve(site: Site) -> ResolvedSite:
    """Work out UTC offsets and calendar days, and hash the result.

    >>> resolve(Site()).offsets
    [(-9223372036, 0)]
    """
    days = _holidays(site) | {
        (date.fromisoformat(day) - _EPOCH).days: _DAYS.index(as_day) for day, as_day in site.calendar.days.items()
    }
    offsets = _offsets(site.site.timezone)
    body = {"site": site.model_dump(mode="json"), "offsets": offsets, "days": sorted(days.items())}
    digest = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
    return ResolvedSite(site=site, offsets=offsets, days=days, hash=digest)


def to_payload(site: ResolvedSite) -> dict[str, Any]:
    """Plain data for a `configure` record."""
    return site.model_dump(mode="json")


def from_payload(payload: object) -> ResolvedSite:
    """Read back what `to_payload` gave; raises pydantic's ValidationError where it is something else."""
    return ResolvedSite.model_validate(payload)


def _holidays(site: Site) -> dict[int, int]:
    options = site.calendar.holidays
    if options is None:
        return {}
    as_day = _DAYS.index(options.count_as)
    return {(day - _EPOCH).days: as_day for day in options.in_years(_FIRST_YEAR, _LAST_YEAR)}


def _offsets(name: str) -> list[tuple[int, int]]:
    zone = ZoneInfo(name)
    at = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
    end = datetime(_LAST_YEAR, 1, 1, tzinfo=UTC)
    found = [(-9_223_372_036, _offset(zone, at))]
    day = timedelta(days=1)
    while at < end:
        after = _offset(zone, at + day)
        if after != found[-1][1]:
            low, high = at, at + day
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (low, middle) if _offset(zone, middle) == after else (middle, high)
            found.append((int(high.timestamp()), after))
        at += day
    return found


def _offset(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0
