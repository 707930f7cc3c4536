"""Rows of a delimited text file: separator, comments, quoted fields, and the line each row ends on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SEPARATORS = ("\t", ";", "|", ",")
"""In the order of trust: commas also stand in numbers."""


class Row(NamedTuple):
    """One record; `line` is the number of its last line, from 1. `cells` is None where quoting is broken."""

    line: int
    cells: list[str] | None


def rows_of(text: Iterable[str], sep: str) -> Iterator[Row]:
    """Every record of a text, blank ones and comments too; never raises over what the text holds."""
    reader = csv.reader(text, delimiter=sep, skipinitialspace=sep != " ")
    while True:
        try:
            for cells in reader:
                yield Row(reader.line_num, cells)
            return
        except csv.Error:
            # a quote that is never closed: the reader drops what it took in and goes on behind it
            yield Row(reader.line_num, None)


def is_comment(cells: list[str]) -> bool:
    """Whether a record is a comment: its first character is #."""
    return bool(cells) and cells[0].startswith("#")


def trimmed(cells: list[str]) -> list[str]:
    """A record without empty cells at its end.

    >>> trimmed(["a", "", "b", " ", ""])
    ['a', '', 'b']
    """
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def separator_of(lines: list[str]) -> str:
    r"""The separator of a sample of lines: that which cuts most of them into equally many fields.

    >>> separator_of(["time;a;b", "2026-01-05;1,5;2,5"]), separator_of(["a,b", "1,2"]), separator_of(["a", "1"])
    (';', ',', ',')
    """
    sample = [line for line in lines if line.strip() and not line.startswith("#")][:100]
    best, best_share = ",", 0.0
    for sep in SEPARATORS:
        widths = Counter(len(row.cells or ()) for row in rows_of(sample, sep))
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        share = count / max(1, len(sample)) if width > 1 else 0.0
        if share > best_share:
            best, best_share = sep, share
    return best
