"""Public holidays in the calendar: which days they are, what they count as, and what is refused."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from schemas.errors import Misconfigured
from streams.localtime import LocalTime
from streams.resolve import resolve
from streams.site import parse_site

SITE = """
[site]
timezone = "Asia/Kuala_Lumpur"
[calendar]
days = {{ {days} }}
[calendar.holidays]
country = "MY"
subdivision = "PNG"
"""
DAY_NS = 86_400_000_000_000
EPOCH = date(1970, 1, 1)


def weekday(days: str, at: date) -> int:
    """Day of the week that noon of a day counts as, 0 = Monday."""
    local = LocalTime(resolve(parse_site(SITE.format(days=days), "site.toml")))
    noon = np.array([(at - EPOCH).days * DAY_NS + 4 * 3_600_000_000_000])  # 12:00 in Malaysia is 04:00 UTC
    return int(local.week_s(noon)[0]) // 86_400


def test_george_town_heritage_day_2026_is_a_tuesday_that_counts_as_a_sunday_in_penang() -> None:
    assert date(2026, 7, 7).weekday() == 1
    assert weekday("", date(2026, 7, 7)) == 6
    assert weekday("", date(2026, 7, 8)) == 2


def test_days_of_ones_own_come_before_public_holidays() -> None:
    assert weekday('"2026-07-07" = "tuesday"', date(2026, 7, 7)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[calendar.holidays]\ncountry = "XX"', 'expected an ISO 3166-1 code such as "MY" or "TW", got \'XX\''),
        ('[calendar.holidays]\ncountry = "MY"\nsubdivision = "ZZ"', "MY has no 'ZZ'; expected one of"),
        ('[calendar]\ndays = { "2026-02-30" = "sunday" }', "expected a date such as \"2026-02-17\", got '2026-02-30'"),
    ],
)
def test_what_is_not_a_holiday_is_refused_with_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=r"site\.toml") as refused:
        parse_site(text, "site.toml")
    assert said in str(refused.value)
