"""Energy of a machine in money and CO2e, second by second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from detectors.efficiency.tariff import Tariff
from tests.naive.efficiency.tariff import naive_class

LOCAL = timezone(timedelta(hours=8))
"""Kuala Lumpur and Taipei."""


def naive_price(tariffs: list[Tariff], second: int, holidays: set[str]) -> float | None:
    """Money per kWh in a second since the epoch, of tariffs without seasons; None where no tariff is valid."""
    local = datetime.fromtimestamp(second, UTC).astimezone(LOCAL)
    day = 2 if local.weekday() == 6 or local.date().isoformat() in holidays else 1 if local.weekday() == 5 else 0
    for tariff in tariffs:
        if tariff.valid_from <= second * 10**9 and (tariff.valid_to is None or second * 10**9 < tariff.valid_to):
            which = naive_class(tariff, 0, day, local.hour * 60 + local.minute)
            return tariff.classes[which].per_kwh + tariff.fuel_per_kwh
    return None


def naive_worth(
    readings: list[tuple[int, float]], rate: Callable[[int], float | None], bridge_s: int, start: int, end: int
) -> float | None:
    """What the kWh drawn in the seconds [start, end) come to, of power readings (second, kW) in order of time."""
    total = 0.0
    for (since, was), (until, now) in pairwise(readings):
        if until - since > bridge_s:
            continue
        each = (was + now) / 2 * (until - since) / 3600 / (until - since)
        for second in range(max(since, start), min(until, end)):
            a_kwh = rate(second)
            if a_kwh is None:
                return None
            total += each * a_kwh
    return total
