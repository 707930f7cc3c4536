"""Quality of a reading: words or OPC UA status codes to the codes GOOD, UNCERTAIN, BAD."""

from __future__ import annotations

from typing import Any

from schemas.chunk import BAD, GOOD, UNCERTAIN

NO_QUALITY = 255
"""Stands for what is no quality; never served."""

WORDS = {"good": GOOD, "uncertain": UNCERTAIN, "bad": BAD}


def quality_of(value: Any) -> int:
    """Code of a quality word (any case), an OPC UA StatusCode, or null (good); NO_QUALITY for anything else.

    A StatusCode is an unsigned 32-bit integer whose top two bits are the severity: 00 good, 01 uncertain,
    10 bad, 11 reserved and read as bad (OPC UA Part 4, 7.39).

    >>> quality_of("Good"), quality_of(0x40000000), quality_of(0x80340000), quality_of("fine") == NO_QUALITY
    (0, 1, 2, True)
    """
    if value is None:
        return GOOD
    if type(value) is str:
        return WORDS.get(value.lower(), NO_QUALITY) if len(value) <= 9 else NO_QUALITY
    if type(value) is int and 0 <= value < 2**32:
        return min(value >> 30, BAD)
    return NO_QUALITY


class QualityTable(dict[Any, int]):
    """Codes of the quality values met so far; keys must be of type str, int or None (True equals 1)."""

    def __missing__(self, value: Any) -> int:
        code = quality_of(value)
        if len(self) < 1024:  # a sender of ever new garbage must not fill memory
            self[value] = code
        return code
