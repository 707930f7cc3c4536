"""Readings as they are sent: the published shape of each kind of message, and its slow, whole check.

Workers do not use these models for every reading (`schemas.decode` checks in bulk); the contract is made of them.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    model_validator,
)

from schemas.names import LONGEST_NAME
from schemas.quality import NO_QUALITY, quality_of
from schemas.times import LEAST_NS, explain, parse_times

_PLAIN = r"[^\u0000-\u001f\u007f-\u009f]"
_LEVEL = r"[^/\u0000-\u001f\u007f-\u009f]+"


def _time(value: str | int) -> str | int:
    if parse_times([value])[1][0]:
        raise ValueError(explain(value))
    return value


def _quality(value: str | int | None) -> str | int | None:
    if quality_of(value) == NO_QUALITY:
        raise ValueError("expected good, uncertain, bad or an OPC UA status code")
    return value


Asset = Annotated[
    str,
    Field(
        strict=True, max_length=LONGEST_NAME, pattern=rf"^{_LEVEL}(/{_LEVEL})*$", examples=["penang/smt/line1/oven3"]
    ),
]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_NAME, pattern=rf"^{_PLAIN}*$")]
Label = Annotated[str, Field(strict=True, max_length=LONGEST_NAME, pattern=rf"^{_PLAIN}*$")]
Time = Annotated[
    StrictStr | StrictInt,
    AfterValidator(_time),
    WithJsonSchema(
        {
            "description": "RFC 3339, or integer nanoseconds since the epoch; years 1970 to 2261.",
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": LEAST_NS},
                {"const": 0},
            ],
        }
    ),
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Value = Number | StrictBool | StrictStr | None
Quality = Annotated[
    StrictStr | StrictInt | None,
    AfterValidator(_quality),
    WithJsonSchema(
        {
            "description": "A word in any case, or an OPC UA StatusCode; null is good.",
            "anyOf": [
                {"type": "string", "pattern": "^([Gg][Oo][Oo][Dd]|[Uu][Nn][Cc][Ee][Rr][Tt][Aa][Ii][Nn]|[Bb][Aa][Dd])$"},
                {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
                {"type": "null"},
            ],
        }
    ),
]


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    asset: Asset = Field(description="Path site/area/line/machine; fewer or more levels are fine.")
    source: Label | None = Field(None, description="Who sent it: a gateway's name.")
    seq: int | None = Field(None, description="The source's own count; workers do not read it.")


class Single(_Message):
    """One reading."""

    series: Name = Field(description="What was measured.", examples=["zone2_temp"])
    time: Time
    value: Value = Field(description="Number, boolean (0/1), text, or null: there is none, the quality is bad.")
    unit: Label | None = Field(None, description="UCUM.", examples=["Cel"])
    quality: Quality = None


class Frame(_Message):
    """A table of readings: n times by some series. A null cell is no reading."""

    time: list[Time] = Field(min_length=1, description="n times.")
    series: dict[Name, list[Value]] = Field(min_length=1, description="n values of each series.")
    unit: dict[str, Label | None] | None = Field(None, description="UCUM, by series.")
    quality: dict[str, Quality | list[Quality]] | None = Field(None, description="One, or n, by series.")

    @model_validator(mode="after")
    def _equal_columns(self) -> Frame:
        columns: dict[str, list[Any]] = {**self.series}
        columns |= {f"quality.{name}": words for name, words in (self.quality or {}).items() if isinstance(words, list)}
        for name, column in columns.items():
            if len(column) != len(self.time):
                raise ValueError(f"{name}: expected {len(self.time)} cells, got {len(column)}")
        return self


class WaveformMessage(_Message):
    """One block of samples of one series, taken at `rate_hz` from `time` on."""

    series: Name
    time: Time = Field(description="Of the first sample.")
    rate_hz: Annotated[Number, Field(gt=0)]
    values: list[Number] = Field(min_length=1)
    unit: Label | None = None
    quality: Quality = None
    speed_rpm: Number | None = Field(None, description="Speed of the shaft while the block was taken.")
