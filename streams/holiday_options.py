"""[calendar.holidays]: public holidays of a country or state, from the `holidays` package."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

import holidays
from pydantic import BaseModel, ConfigDict, Field, model_validator

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class HolidayOptions(BaseModel):
    """[calendar.holidays]: public holidays, which count as another day of the week.

    >>> HolidayOptions(country="MY", subdivision="PNG").in_years(2026, 2026)[date(2026, 7, 7)]
    'George Town Heritage Day'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: str = Field(description='ISO 3166-1 code, such as "MY" or "TW".')
    subdivision: str | None = Field(
        None, description='State or region, such as "PNG" (Penang) or "10" (Selangor); default: national holidays.'
    )
    count_as: Weekday = Field("sunday", description="Day of the week that they count as.")
    observed: bool = Field(True, description="Days off in place of holidays that fall on a rest day count too.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        countries = holidays.list_supported_countries(include_aliases=True)
        if self.country not in countries:
            raise ValueError(f'country: expected an ISO 3166-1 code such as "MY" or "TW", got {self.country!r}')
        try:
            holidays.country_holidays(self.country, subdiv=self.subdivision)
        except NotImplementedError:
            known = ", ".join(countries[self.country]) or "none: leave it out"
            raise ValueError(
                f"subdivision: {self.country} has no {self.subdivision!r}; expected one of {known}"
            ) from None
        return self

    def in_years(self, first: int, last: int) -> dict[date, str]:
        """The holidays of the years `first` to `last` with their names.

        Those that follow the moon are estimates for years that the country has not announced yet.
        """
        found = holidays.country_holidays(
            self.country, subdiv=self.subdivision, years=range(first, last + 1), observed=self.observed,
            language=_language(self.country),
        )  # fmt: skip
        return dict(sorted(found.items()))


def _language(country: str) -> str | None:
    """English where there is such a translation, or else the country's own.

    Left out, it would be what the machine's LANG says: another name here than in a container.

    >>> _language("MY"), _language("TW"), _language("BR")
    ('en_US', 'en_US', 'en_US')
    """
    if "en_US" in holidays.list_localized_countries().get(country, ()):
        return "en_US"
    own: str | None = holidays.country_holidays(country).default_language
    return own
