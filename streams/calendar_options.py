"""[calendar]: when machines are to be busy, and which days count as which."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from streams.holiday_options import HolidayOptions, Weekday
from streams.maintenance import MaintenanceOptions
from streams.shifts import span_s


class CalendarOptions(BaseModel):
    """[calendar]: shifts, breaks and maintenance, and local days that count as another day of the week."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: dict[str, Weekday] = Field(
        {}, description='Local dates and the day they count as, such as "2026-02-17" = "sunday".'
    )
    holidays: HolidayOptions | None = Field(None, description="Public holidays, as below; `days` comes before them.")
    shifts: dict[str, str] = Field(
        {},
        description='Names and local times such as day = "06:00-18:00"; gates read them as `shift`, and the day of the '
        "week, holidays as they count, as `weekday`.",
    )
    breaks: list[str] = Field([], description='Local times at which nothing is planned, such as "12:00-12:30".')
    closed: list[Weekday] = Field([], description="Days on which nothing is planned, holidays as they count.")
    maintenance: list[MaintenanceOptions] = Field(
        [],
        description="Spans of local time at which no machine is to be busy, such as "
        '"2026-02-01T08:00/2026-02-01T12:00"; or of some machines, as below.',
    )

    @field_validator("maintenance", mode="before")
    @classmethod
    def _of_all_machines(cls, spans: Any) -> Any:
        """A text is a span of all machines."""
        return [{"span": one} if isinstance(one, str) else one for one in spans] if isinstance(spans, list) else spans

    @field_validator("days")
    @classmethod
    def _dates(cls, days: dict[str, Weekday]) -> dict[str, Weekday]:
        for text in days:
            try:
                date.fromisoformat(text)
            except ValueError as error:
                raise ValueError(f'expected a date such as "2026-02-17", got {text!r}') from error
        return days

    @field_validator("breaks")
    @classmethod
    def _break_spans(cls, breaks: list[str]) -> list[str]:
        for text in breaks:
            span_s(text)
        return breaks

    @field_validator("shifts")
    @classmethod
    def _spans(cls, shifts: dict[str, str]) -> dict[str, str]:
        for text in shifts.values():
            span_s(text)
        return shifts
