"""Times are read as the standard library reads them, to the nanosecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import explain, format_time, format_times, parse_times
from tests.naive.decode import naive_time
from tests.unit.schemas.messages import BAD_TIMES, TIMES

END = int(np.datetime64("2262-01-01", "ns").astype(np.int64))


def repr_of(value: object) -> str:
    return type(value).__name__


ns_values = st.integers(0, END - 1)

near_times = st.from_regex(
    r"\A(19[67]|20[0-9]|22[56])[0-9]-[01][0-9]-[0-3][0-9][Tt x][0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
    r"([.,][0-9]{0,10})?([Zz]|[+-][0-2][0-9]:?[0-6][0-9])?\Z"
)
anything = st.one_of(
    near_times, near_times, st.sampled_from([*TIMES, *BAD_TIMES]), st.integers(), st.text(max_size=36), st.floats()
)


@given(st.lists(anything, max_size=12))
def test_times_are_those_of_the_slow_twin(values: list[Any]) -> None:
    ns, bad = parse_times(values)
    twin = [naive_time(value) for value in values]
    assert bad.tolist() == [value is None for value in twin]
    assert ns.tolist() == [value or 0 for value in twin]
    assert ns.dtype == np.int64


@given(st.lists(ns_values, max_size=20))
def test_formatted_times_are_read_back_to_the_nanosecond(values: list[int]) -> None:
    texts = format_times(np.array(values, dtype=np.int64))
    ns, bad = parse_times(texts)
    assert ns.tolist() == values
    assert not bad.any()
    assert texts == [format_time(value) for value in values]


@given(st.integers(0, END // 1000 - 1))
def test_formatted_times_are_those_of_the_standard_library(us: int) -> None:
    then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    assert datetime.fromisoformat(format_time(us * 1000)) == then


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_500_000_000, "1970-01-01T00:00:01.500Z"),
        (1_000, "1970-01-01T00:00:00.000001Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (END - 1, "2261-12-31T23:59:59.999999999Z"),
    ],
)
def test_fractions_have_as_many_digits_as_needed(ns: int, text: str) -> None:
    assert format_time(ns) == text
    assert parse_times([text])[0].tolist() == [ns]


@pytest.mark.parametrize("text", ["2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2100-02-29T00:00:00Z"])
def test_days_that_no_calendar_has_are_bad(text: str) -> None:
    assert parse_times([text])[1].tolist() == [True]


def test_a_leap_second_is_bad() -> None:
    assert parse_times(["2016-12-31T23:59:60Z"])[1].tolist() == [True]


@pytest.mark.parametrize(
    ("value", "hint"), [(1767600000, "seconds"), (1767600000000, "milliseconds"), (1767600000000000, "microseconds")]
)
def test_an_integer_in_another_unit_is_told_that_nanoseconds_are_expected(value: int, hint: str) -> None:
    assert parse_times([value])[1].tolist() == [True]
    assert "nanoseconds" in explain(value)
    assert f"{hint}?" in explain(value)


@pytest.mark.parametrize("value", [10**5000, -(10**5000), "x" * 10**6, b"x", None, 1.5, [], float("nan")], ids=repr_of)
def test_whatever_is_no_time_is_explained_in_one_short_line(value: object) -> None:
    assert parse_times([value])[1].tolist() == [True]
    assert len(explain(value)) < 200
    assert "\n" not in explain(value)
