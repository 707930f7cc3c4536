"""The bill of a month by the book: rows of machines in, one window and one day after the other, no arrays."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.kpi import KpiRow
from streams.tariffs import TariffEntry
from tests.naive.efficiency.tariff import naive_bill, naive_class
from tests.naive.site_sums import last_rows

HOUR = 3_600_000_000_000


def local(ns: int, entries: list[TariffEntry]) -> datetime:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).astimezone(ZoneInfo(entries[0].timezone))


def holds(entries: list[TariffEntry], day: datetime) -> tuple[int, int]:
    """Which tariff, and which season of it, on a local day."""
    for number, entry in enumerate(entries):
        if entry.valid_from <= day.date() and (entry.valid_to is None or day.date() < entry.valid_to):
            return number, entry.season_at(day.month, day.day)
    raise LookupError(day)


def bills(
    rows: Iterable[KpiRow], site: str, entries: list[TariffEntry], contract: float
) -> dict[tuple[int, int], float | None]:
    """Total by (year, month) of a site's machines, None where its power factor is not known."""
    newest = [row for (asset, _), row in last_rows(rows).items() if asset.startswith(site + "/")]
    demand: dict[int, float] = defaultdict(float)
    hours: dict[int, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in newest:
        if row.value is not None and row.kpi == "demand":
            demand[row.start] += row.value
        if row.value is not None and row.kpi in ("energy", "reactive_energy"):
            hours[row.start][row.kpi][row.asset] = row.value
    out: dict[tuple[int, int], float | None] = {}
    for year, month in {(local(start, entries).year, local(start, entries).month) for start in demand}:
        kwh: dict[tuple[int, int], list[float]] = {}
        kw: dict[tuple[int, int], list[float]] = {}
        days: dict[tuple[int, int], int] = defaultdict(int)
        day = datetime(year, month, 1)
        while day.month == month:
            part = holds(entries, day)
            days[part] += 1
            kwh[part] = [0.0] * len(entries[part[0]].classes)
            kw[part] = [0.0] * len(entries[part[0]].classes)
            day += timedelta(days=1)
        for start, value in demand.items():
            at = local(start, entries)
            if (at.year, at.month) != (year, month):
                continue
            part = holds(entries, at.replace(tzinfo=None))
            day_class = 0 if at.weekday() < 5 else 1 if at.weekday() == 5 else 2
            price = naive_class(entries[part[0]].tariff(), part[1], day_class, at.hour * 60 + at.minute)
            kwh[part][price] += value * 0.5
            kw[part][price] = max(kw[part][price], value)
        active = reactive = 0.0
        for start, said in hours.items():
            at = local(start, entries)
            both = all(asset in said["reactive_energy"] for asset, drawn in said["energy"].items() if drawn)
            if (at.year, at.month) == (year, month) and both:
                active += sum(said["energy"].values())
                reactive += sum(said["reactive_energy"].values())
        apparent = math.hypot(active, reactive)
        total = 0.0
        for part in kwh:
            tariff = entries[part[0]].tariff()
            share = days[part] / sum(days.values())
            charges = tuple(one.model_copy(update={"per_kw": one.per_kw * share}) for one in tariff.demand)
            monthly = {"demand": charges, "fixed": tariff.fixed * share, "minimum": tariff.minimum * share}
            scaled = tariff.model_copy(update=monthly)
            factor = active / apparent if apparent else math.nan
            if math.isnan(factor) and tariff.power_factor:
                break
            total += naive_bill(scaled, kwh[part], kw[part], factor, contract, part[1])
        else:
            out[year, month] = total
            continue
        out[year, month] = None
    return out
