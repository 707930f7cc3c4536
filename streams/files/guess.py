"""Finding out how a column's times are written: day or month first, and whether they are times at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from schemas.errors import Misconfigured
from streams.files.layouts import Order, layout_of, signature_of
from streams.files.times import LONGEST, TimeRule, parse


def learn_order(cells: Sequence[str]) -> Order | None:
    """Whether dates put the day or the month first; None when no cell decides. Dates that agree are "dmy".

    >>> learn_order(["01/02/2026", "13/02/2026"]), learn_order(["01/02/2026 10:00"]), learn_order(["2026-01-02"])
    ('dmy', None, 'dmy')
    """
    votes, open_question = {"dmy": 0, "mdy": 0}, False
    for cell in {c.strip()[:LONGEST] for c in cells}:
        layout = layout_of(signature_of(cell))
        if layout is None or not layout.ambiguous or layout.day is None or layout.month is None:
            continue
        first, second = int(cell[slice(*layout.day)]), int(cell[slice(*layout.month)])
        votes["dmy"] += 12 < first <= 31 and second <= 12
        votes["mdy"] += 12 < second <= 31 and first <= 12
        open_question |= first != second
    if votes["dmy"] == votes["mdy"]:
        return None if open_question else "dmy"
    return "dmy" if votes["dmy"] > votes["mdy"] else "mdy"


def check_format(time_format: str, cells: Sequence[str], where: str) -> None:
    """Raise Misconfigured when a strptime format is wrong in itself or fits none of the sample's cells."""
    sample = [cell for cell in cells if cell.strip()]
    try:
        datetime.strptime(datetime(2001, 2, 3, 4, 5, 6).strftime(time_format), time_format)
    except (ValueError, IndexError, TypeError, UnicodeError) as error:
        if "bad directive" in str(error) or "stray" in str(error):
            raise Misconfigured(
                f"--time-format {time_format!r}: {error}; use strptime's, such as %d/%m/%Y %H:%M"
            ) from None
    if sample and not parse(sample, TimeRule(format=time_format)).ok.any():
        raise Misconfigured(f"{where}: --time-format {time_format!r} fits no row; the first time is {sample[0]!r}")


def are_times(cells: Sequence[str]) -> bool:
    """Whether at least half of the non-empty cells are times.

    >>> are_times(["2026-01-05", "", "4.5"]), are_times(["4.5"])
    (True, False)
    """
    filled = [cell for cell in cells if cell.strip()]
    # which of day and month comes first is not asked here: one of the two must do
    good = [parse(filled, TimeRule(order=order)).ok for order in ("dmy", "mdy")] if filled else []
    return bool(filled) and 2 * int(max(g.sum() for g in good)) >= len(filled)


def format_of(cell: str, first: str, second: str) -> str:
    """A strptime format for a date of the cell's shape with `first` before `second`.

    >>> format_of("1/2/2026 3:04 PM", "m", "d")
    '%m/%d/%Y %I:%M %p'
    """
    text = cell.strip()
    layout = layout_of(signature_of(text))
    assert layout is not None
    assert layout.day is not None
    assert layout.year is not None
    year = "%Y" if layout.year[1] - layout.year[0] == 4 else "%y"
    mark = text[layout.day[1]]
    out = f"%{first}{mark}%{second}{mark}{year}"
    if layout.hour is None or layout.minute is None:
        return out
    out += text[layout.year[1] : layout.hour[0]] + ("%I" if layout.noon else "%H") + text[layout.hour[1]] + "%M"
    if layout.second is not None:
        out += text[layout.minute[1]] + "%S"
        out += text[layout.second[1]] + "%f" if layout.fraction is not None else ""
    out += " %p" if layout.noon else ""
    return out + ("%z" if layout.zone_sign else "")
