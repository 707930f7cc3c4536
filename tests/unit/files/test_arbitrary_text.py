"""Whatever a file holds, it reads or is refused as Misconfigured in one line."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Misconfigured
from streams.files.block import to_chunk
from streams.files.options import FORMATS
from tests.unit.files.helpers import blocks_of, write

CELL = st.one_of(
    st.sampled_from(["2026-01-05", "01/02/2026 10:00", "1767600000", "12:30", "1", "-", "NaN", "1,5", "inf", "", " "]),
    st.sampled_from(["time", "series", "value", "asset", "a", "#", '"', "\x00", "UNAVAILABLE", "{", "1e999", "TOA5"]),
    st.text(max_size=12),
)
TABLE = st.builds(
    lambda sep, rows, end: end.join(sep.join(row) for row in rows),
    st.sampled_from([",", ";", "\t", "|", " "]),
    st.lists(st.lists(CELL, max_size=5), max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
OPTIONS = st.fixed_dictionaries(
    {"format": st.sampled_from([None, *FORMATS])},
    optional={
        "time_columns": st.sampled_from([("time",), ("a", "time")]),
        "time_format": st.sampled_from(["%Y-%m-%d", "%d %b", "%", "%H:%M", "x%%"]),
        "sep": st.sampled_from([";", ",", "#", " "]),
        "timezone": st.just("Europe/Berlin"),
        "drop": st.just(("a",)),
    },
)


def reads_or_refuses(data: bytes, options: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), data, "m1.dat")
        try:
            for block in blocks_of(path, **options):
                arrays = (block.message, block.code, block.time, block.value, block.quality)
                assert len({len(array) for array in arrays}) == 1
                if block.records is None:
                    to_chunk(block)
        except Misconfigured as error:
            if len(str(error).splitlines()) != 1:
                pytest.fail(f"not one line: {error!r}")


@given(TABLE, OPTIONS)
@settings(max_examples=300)
def test_tables_of_anything(text: str, options: dict[str, object]) -> None:
    reads_or_refuses(text.encode("utf-8", "replace"), options)


@given(TABLE, st.integers(1, 10**12))
@settings(max_examples=100)
def test_tables_of_anything_without_times(text: str, interval: int) -> None:
    reads_or_refuses(text.encode("utf-8", "replace"), {"interval_ns": interval})


@given(st.binary(max_size=300), st.sampled_from([None, *FORMATS]))
@settings(max_examples=100)
def test_bytes_of_anything(data: bytes, form: str | None) -> None:
    reads_or_refuses(data, {"format": form})


@given(st.text(max_size=300), OPTIONS)
@settings(max_examples=100)
def test_text_of_anything(text: str, options: dict[str, object]) -> None:
    reads_or_refuses(text.encode("utf-16"), options)
    reads_or_refuses(text.encode(), options)
