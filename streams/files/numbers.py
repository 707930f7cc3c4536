"""Columns of numbers as text to float64, a whole column at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NUMBER, ABSENT, NOT_A_NUMBER, NOT_FINITE = 0, 1, 2, 3
"""What a cell turned out to be."""

REASONS = {NOT_A_NUMBER: "not_a_number", NOT_FINITE: "not_finite"}

_ABSENT = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "-", "--", "<na>"))
_TRUTH = {"true": 1.0, "false": 0.0}
_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d*(?:[eE][+-]?\d+)?")


class Numbers(NamedTuple):
    """n cells: `value` (n,) is NaN where `state` (n,) is not NUMBER."""

    value: NDArray[np.float64]
    state: NDArray[np.uint8]


def is_absent(cell: str) -> bool:
    """Whether a cell says that there is no value.

    >>> is_absent(" NaN"), is_absent("-"), is_absent("0")
    (True, True, False)
    """
    return cell.strip().lower() in _ABSENT


def is_number(cell: str, comma: bool = False) -> bool:
    """Whether a cell is a number, or true or false.

    >>> is_number("1e3"), is_number("1,5"), is_number("1,5", comma=True), is_number("TRUE")
    (True, False, True, True)
    """
    return _one(cell, comma)[1] in (NUMBER, NOT_FINITE)


def _one(cell: str, comma: bool) -> tuple[float, int]:
    text = cell.strip().lower()
    if text in _ABSENT:
        return np.nan, ABSENT
    if text in _TRUTH:
        return _TRUTH[text], NUMBER
    if comma:
        # a point beside decimal commas groups thousands or is a slip: either reading could be wrong
        text = "point" if "." in text else text.replace(",", ".")
    if "_" in text:
        return np.nan, NOT_A_NUMBER
    try:
        value = float(text)
    except ValueError:
        return np.nan, NOT_A_NUMBER
    if value != value:
        return np.nan, ABSENT
    return (value, NUMBER) if abs(value) < np.inf else (np.nan, NOT_FINITE)


def parse(cells: Sequence[str], comma: bool = False) -> Numbers:
    """Read a column of numbers. Empty, NA, NaN, null and "-" are absent; `comma` means decimal commas.

    >>> parse(["1.5", "", "n/a", "bad", "inf"]).state.tolist()
    [0, 1, 1, 2, 3]
    """
    joined = "".join(cells)
    if not comma and "_" not in joined:
        fast = _fast(cells)
        if fast is not None:
            return fast
    elif comma and "." not in joined and "_" not in joined:
        fast = _fast([cell.replace(",", ".") for cell in cells])
        if fast is not None:
            return fast
    seen = {cell: _one(cell, comma) for cell in set(cells)}
    both = [seen[cell] for cell in cells]
    value = np.fromiter((v for v, _ in both), np.float64, len(both))
    return Numbers(value, np.fromiter((s for _, s in both), np.uint8, len(both)))


def _fast(cells: Sequence[str]) -> Numbers | None:
    """The column when every cell is empty or what float() takes, and finite."""
    try:
        value = np.fromiter((float(cell or "nan") for cell in cells), np.float64, len(cells))
    except ValueError:
        return None
    if np.isinf(value).any():
        return None
    return Numbers(value, np.isnan(value).astype(np.uint8))


def has_decimal_comma(cells: Sequence[str]) -> bool:
    """Whether numbers are written with decimal commas: some are, and none has a point.

    >>> has_decimal_comma(["2,6", "1360", "text"]), has_decimal_comma(["2,6", "1.5"])
    (True, False)
    """
    found = False
    for cell in cells:
        text = cell.strip()
        if _POINT.fullmatch(text) and text != ".":
            return False
        found = found or _COMMA.fullmatch(text) is not None
    return found
