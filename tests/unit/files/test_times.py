"""Times are read as strptime and the time zone database read them, a whole column at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Misconfigured
from streams.files.guess import learn_order
from streams.files.times import TimeRule, parse
from tests.unit.files.helpers import blocks_of, iso, notes_of, reasons_of, values_of, write

MOMENTS = st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(2260, 1, 1))


def oracle(when: datetime) -> int:
    span = when - datetime(1970, 1, 1)
    return (span.days * 86_400 + span.seconds) * 10**9 + span.microseconds * 1000


SHAPES = st.sampled_from(["%Y-%m-%d %H:%M:%S.%f", "%Y/%m/%dT%H:%M:%S", "%d.%m.%Y %H.%M.%S"])
FORMATS = st.sampled_from(["%d/%m/%Y %H:%M:%S", "%m-%d-%y %I:%M %p", "%d %b %Y %H:%M:%S.%f"])


@given(st.lists(st.tuples(MOMENTS, SHAPES)))
def test_mixed_shapes_read_as_strptime_does(cells: list[tuple[datetime, str]]) -> None:
    texts = [when.strftime(form) for when, form in cells]
    expected = [oracle(datetime.strptime(t, form)) for t, (_, form) in zip(texts, cells, strict=True)]
    got = parse(texts, TimeRule())
    assert got.ok.all()
    assert got.ns.tolist() == expected


@given(st.lists(MOMENTS, min_size=1), FORMATS)
def test_time_format_reads_as_strptime_does(moments: list[datetime], form: str) -> None:
    texts = [when.strftime(form) for when in moments]
    got = parse(texts, TimeRule(format=form))
    assert got.ns.tolist() == [oracle(datetime.strptime(text, form)) for text in texts]


@given(
    st.lists(st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2037, 1, 1))),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kuala_Lumpur"]),
)
def test_local_times_go_by_the_zone_also_on_the_days_clocks_change(moments: list[datetime], zone: str) -> None:
    around = [datetime(2024, 3, 31, 0, 30) + timedelta(minutes=30 * i) for i in range(12)]
    local = [*moments, *around]
    got = parse([when.isoformat() for when in local], TimeRule(zone=zone))
    expected = [oracle(when.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)) for when in local]
    assert got.ns.tolist() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05T08:00:00.123456789Z", "2026-01-05 08:00:00.123456789"),
        ("2026-01-05T08:00:00+08:00", "2026-01-05 00:00:00"),
        ("2026-01-05 08:00:00 -0530", "2026-01-05 13:30:00"),
        ("2026-01-05", "2026-01-05 00:00:00"),
        ("2026-01-05 24:00", "2026-01-06 00:00:00"),
        ("5.1.2026 8:05", "2026-01-05 08:05:00"),
        ("20260105T080000Z", "2026-01-05 08:00:00"),
        ("1767600000", "2026-01-05 08:00:00"),
        ("1767600000.25", "2026-01-05 08:00:00.25"),
        ("1767600000250", "2026-01-05 08:00:00.25"),
        ("1767600000250000", "2026-01-05 08:00:00.25"),
        ("1767600000250000001", "2026-01-05 08:00:00.250000001"),
        ("946684800000", "2000-01-01 00:00:00"),
        ("1/5/2026 12:30:00 AM", "2026-05-01 00:30:00"),
        ("29/02/2024", "2024-02-29 00:00:00"),
    ],
)
def test_one_time(text: str, expected: str) -> None:
    got = parse([text], TimeRule())
    assert got.ok.all()
    assert iso(int(got.ns[0])) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "noon", "2026-02-30", "29/02/2023", "2026-01-05 25:00", "2026-13-01", "12:30", "4.5", "99"),
        *("9999999999999999999", "1500-01-01", "2300-01-01", "2026-01-05T08:00:00+99:00", "x" * 100_000),
        *("２０２６-01-05", "2026-01-05\x00-"),
    ],
)
def test_what_is_no_time_is_told_apart(text: str) -> None:
    got = parse(["2026-01-05", text, "2026-01-06"], TimeRule())
    assert got.ok.tolist() == [True, False, True]
    assert got.ns[1] == 0


def test_a_nul_at_the_end_spoils_no_other_row() -> None:
    assert parse(["2026-01-05\x00", "2026-01-05"], TimeRule()).ok.all()


def test_order_of_day_and_month_comes_from_rows_that_tell() -> None:
    assert learn_order(["01/02/2026 00:00", "01/13/2026 00:00"]) == "mdy"
    assert learn_order(["1-2-26", "13-2-26"]) == "dmy"
    assert learn_order(["02/02/2026"]) == "dmy"
    assert learn_order(["13/02/2026", "02/13/2026", "01/02/2026"]) is None


def test_us_dates_read_when_a_row_tells(tmp_path: Path) -> None:
    path = write(tmp_path, "t,a\n3/10/2004 6:00 PM,1\n3/13/2004 6:00 PM,2\n")
    assert values_of(path) == [("2004-03-10 18:00:00", "a", 1.0), ("2004-03-13 18:00:00", "a", 2.0)]


@pytest.mark.parametrize(
    "rows", ["01/02/2026 10:00,1\n02/02/2026 10:00,2\n", "13/02/2026 10:00,1\n02/13/2026 10:00,2\n"]
)
def test_doubtful_dates_ask_for_a_format_that_then_works(tmp_path: Path, rows: str) -> None:
    path = write(tmp_path, "t,a\n" + rows)
    with pytest.raises(Misconfigured) as error:
        blocks_of(path)
    assert "day or month first" in str(error.value)
    asked = str(error.value).split("'")
    assert asked[3::2] == ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"]
    for form in asked[3::2]:
        (block,) = blocks_of(path, time_format=form)
        assert block.rows == 2
        assert len(block.time) + len(block.rejects) == 2
        assert len(block.time) >= 1


def test_a_format_that_fits_nothing_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "t,a\n2026-01-05,1\n")
    with pytest.raises(Misconfigured, match="fits no row; the first time is '2026-01-05'"):
        blocks_of(path, time_columns=("t",), time_format="%d/%m/%Y")
    with pytest.raises(Misconfigured, match="bad directive"):
        blocks_of(path, time_columns=("t",), time_format="%Q")


def test_counts_since_the_epoch_are_noted(tmp_path: Path) -> None:
    blocks = blocks_of(write(tmp_path, "t,a\n1767600000000,1\n1767600001000,2\n"))
    assert "counts since 1970 in ms" in notes_of(blocks)
    assert (blocks[0].time[1] - blocks[0].time[0]) == 10**9


def test_rows_without_a_readable_time_are_counted_and_keep_their_place(tmp_path: Path) -> None:
    blocks = blocks_of(write(tmp_path, "t,a,b\n2026-01-05,1,2\nsoon,3,4\n,5,\n2026-01-06,6,7\n"))
    assert reasons_of(blocks) == [("bad_time", "m1.csv:3 t", 2), ("bad_time", "m1.csv:4 t", 1)]
    assert [iso(t) for t in blocks[0].received.tolist()] == ["2026-01-05 00:00:00"] * 3 + ["2026-01-06 00:00:00"]
    assert blocks[0].message.tolist() == [0, 0, 3, 3]
