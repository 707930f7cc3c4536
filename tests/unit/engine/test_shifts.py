"""Gates on shifts and days of the calendar."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import Misconfigured
from schemas.times import parse_times
from streams.resolve import resolve
from streams.shifts import Shifts
from streams.site import Site, parse_site
from tests.unit.engine.logs import Tape, play
from tests.unit.engine.test_outcomes import of_json

SHIFTS = {"day": "06:00-18:00", "night": "18:00-06:00"}
LIMITS = {"kind": "limits", "high": 10}


def of(when: str, **options: Any) -> Any:
    return resolve(
        Site.model_validate(
            {
                "site": {"timezone": "Asia/Kuala_Lumpur"},  # UTC + 8
                "calendar": {"shifts": SHIFTS, "days": {"2026-02-17": "sunday"}},
                "watch": [{"name": "w", "series": "*/x", "detector": LIMITS, "when": when, **options}],
            }
        )
    )


def run(utc: list[str], where: Any, cuts: Any = ()) -> tuple[list[int], Tape]:
    """Places of the readings that are judged."""
    times, bad = parse_times(utc)
    assert not bad.any()
    messages = [{"asset": "plant/hall/line1/m1", "series": "x", "time": int(t), "value": 50.0} for t in times]
    stamped = [r._replace(timestamp=int(t)) for r, t in zip(of_json(messages), times, strict=True)]
    tape = play(stamped, cuts, of=where)
    judged = {v[3] for v in tape.verdicts if v[5] != "nan"}
    return [i for i, t in enumerate(times.tolist()) if t in judged], tape


UTC = ["2026-01-05T21:59:59Z", "2026-01-05T22:00:00Z", "2026-01-06T09:59:59Z", "2026-01-06T10:00:00Z"]


def test_a_shift_is_by_local_time() -> None:
    assert run(UTC, of("shift == 'day'"))[0] == [1, 2]
    assert run(UTC, of("shift == 'night'"))[0] == [0, 3]


def test_the_log_may_be_cut_anywhere() -> None:
    where = of("shift == 'day'", dwell="1h")
    run(UTC, where)[1].same(run(UTC, where, [1, 2, 3])[1])


def test_a_holiday_is_the_day_it_counts_as() -> None:
    utc = ["2026-02-16T04:00:00Z", "2026-02-17T04:00:00Z", "2026-02-22T04:00:00Z"]
    assert run(utc, of("weekday == 'sunday'"))[0] == [1, 2]
    assert run(utc, of("shift == 'day' and weekday != 'sunday'"))[0] == [0]


def test_the_dwell_runs_from_the_begin_of_the_shift() -> None:
    utc = ["2026-01-05T22:00:00Z", "2026-01-05T22:29:59Z", "2026-01-05T22:30:00Z"]
    assert run(utc, of("shift == 'day'", dwell="30m"))[0] == [2]


def test_a_row_a_shift() -> None:
    _, tape = run(UTC, of("weekday != 'sunday'", by="shift"))
    assert [v[5] for v in tape.verdicts] == ["5.0"] * 4


@pytest.mark.parametrize(
    ("second", "expected"), [(0, ("night", 7200)), (13 * 3600, (None, 3600)), (23 * 3600, ("night", 3600))]
)
def test_outside_all_shifts_there_is_none(second: int, expected: tuple[str | None, int]) -> None:
    assert Shifts({"early": "04:00-12:00", "night": "22:00-04:00"}).at(second) == expected


@pytest.mark.parametrize("text", ["6-14", "06:00-25:00", "06:00-06:00", "06:00", "06:00-24:30"])
def test_a_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="06:00-14:00"):
        parse_site(f'[calendar.shifts]\nday = "{text}"\n', "site.toml")


def test_a_watch_is_muted_off_shift() -> None:
    utc = ["2026-01-05T20:00:00Z", "2026-01-06T01:00:00Z", "2026-01-06T02:00:00Z", "2026-01-06T12:00:00Z"]
    _, by_day = run(utc, of("shift == 'day'"))
    assert [(e["phase"], e["time"]) for e in by_day.events] == [("opened", int(parse_times(utc)[0][1]))]
    assert by_day.counts["withheld"] == 2, "off shift nothing is judged or learned"
    _, always = run(utc, of("weekday != 'sunday'"))
    assert always.events[0]["time"] == int(parse_times(utc)[0][0])
