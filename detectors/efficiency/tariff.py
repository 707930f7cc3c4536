"""Electricity tariffs as frozen, dated data: what a price class costs, when it holds, what demand costs."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

DAYS = ("weekday", "saturday", "holiday")
"""Day classes: Monday to Friday; Saturday; Sunday and public holidays."""
MINUTES = 1440


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PriceClass(_Model):
    """A price of energy, such as peak."""

    name: str = Field(min_length=1, description="Name, unique in the tariff.")
    per_kwh: float = Field(description="Energy charge, money per kWh.")


class Period(_Model):
    """When a class holds; of several periods that match, the first counts."""

    price: int = Field(ge=0, description="Index of the class.")
    seasons: tuple[int, ...] = Field(description="Indices of seasons.")
    days: tuple[int, ...] = Field(description="Indices into DAYS.")
    from_minute: int = Field(ge=0, le=MINUTES, description="First minute of the local day.")
    to_minute: int = Field(
        ge=0, le=MINUTES, description="First minute after it; at or below from_minute: past midnight."
    )


class DemandCharge(_Model):
    """What a kW of demand costs a month."""

    name: str = Field("demand", min_length=1)
    per_kw: float = Field(ge=0, description="Money per kW and month.")
    classes: tuple[int, ...] = Field(min_length=1, description="Classes in whose windows demand counts.")
    season: int | None = Field(None, description="Season it is charged in; default: all year.")
    basis: Literal["maximum", "contract"] = Field(
        "maximum", description="maximum: on the highest demand. contract: on the contracted kW, and on what exceeds it."
    )
    over: tuple[tuple[float, float], ...] = Field(
        (), description="Contract: (share of the contract, multiple of per_kw that demand beyond it costs), rising."
    )


class PowerFactorStep(_Model):
    """A share of the bill for each full 0.01 that the power factor lies below (or, as a discount, above) a bound."""

    bound: float = Field(gt=0, le=1)
    limit: float = Field(ge=0, le=1, description="Where this step ends: no more is counted beyond.")
    per_hundredth: float = Field(ge=0, description="Share of the bill for each 0.01, such as 0.015.")

    @property
    def discount(self) -> bool:
        """It counts upwards, and is taken off the bill."""
        return self.limit > self.bound


class Tariff(_Model):
    """One tariff of a utility, as valid from a date; `tariff_cost.bill` says what follows from it."""

    name: str = Field(min_length=1)
    utility: str = Field(min_length=1)
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code.")
    valid_from: int = Field(description="First instant, ns since the epoch.")
    valid_to: int | None = Field(None, description="First instant that it no longer holds for, ns; default: open.")
    source: str = Field(min_length=1, description="Where the figures are from, with date.")
    note: str = Field("", description="What a user must know, such as what is an example.")
    demand_window_s: int = Field(gt=0, description="Length of the windows that demand is measured in, seconds.")
    seasons: tuple[str, ...] = Field(("all",), min_length=1)
    classes: tuple[PriceClass, ...] = Field(min_length=1)
    otherwise: tuple[int, ...] = Field(description="Class of each season where no period matches.")
    periods: tuple[Period, ...] = ()
    demand: tuple[DemandCharge, ...] = ()
    fuel_per_kwh: float = Field(0.0, description="Fuel adjustment on all kWh; negative is a rebate.")
    fixed: float = Field(0.0, ge=0, description="Money a month.")
    minimum: float = Field(0.0, ge=0, description="Least that a month costs, before the power factor.")
    power_factor: tuple[PowerFactorStep, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [c.name for c in self.classes]
        if len(set(names)) < len(names):
            raise ValueError(f"expected each class once, got {', '.join(names)}")
        if len(self.otherwise) != len(self.seasons):
            raise ValueError(f"expected one class in otherwise for each of {len(self.seasons)} seasons")
        used = {*self.otherwise, *(p.price for p in self.periods), *(c for d in self.demand for c in d.classes)}
        if not used <= set(range(len(names))):
            raise ValueError(f"expected class indices from 0 to {len(names) - 1}, got {sorted(used)}")
        seasons = {s for p in self.periods for s in p.seasons} | {d.season for d in self.demand} - {None}
        if not seasons <= set(range(len(self.seasons))):
            raise ValueError(f"expected season indices from 0 to {len(self.seasons) - 1}")
        if not {d for p in self.periods for d in p.days} <= set(range(len(DAYS))):
            raise ValueError(f"expected day indices from 0 to {len(DAYS) - 1}, for {', '.join(DAYS)}")
        return self


def class_table(tariff: Tariff) -> NDArray[np.int8]:
    """Index of the price class by season, day class and minute of the local day, (s, 3, 1440).

    >>> peak = Period(price=0, seasons=(0,), days=(0,), from_minute=840, to_minute=1320)
    >>> prices = (PriceClass(name="peak", per_kwh=.3), PriceClass(name="off_peak", per_kwh=.2))
    >>> table = class_table(Tariff(name="t", utility="u", currency="MYR", valid_from=0, source="s", classes=prices,
    ...                            demand_window_s=1800, otherwise=(1,), periods=(peak,)))
    >>> table[0, 0, [839, 840, 1319, 1320]], table[0, 1, 900]
    (array([1, 0, 0, 1], dtype=int8), np.int8(1))
    """
    table: NDArray[np.int8] = np.empty((len(tariff.seasons), len(DAYS), MINUTES), dtype=np.int8)
    table[:] = np.array(tariff.otherwise)[:, None, None]
    minute = np.arange(MINUTES)
    for period in reversed(tariff.periods):
        begin, end = period.from_minute, period.to_minute
        inside = (minute >= begin) & (minute < end) if begin < end else (minute >= begin) | (minute < end)
        for season in period.seasons:
            for day in period.days:
                table[season, day, inside] = period.price
    return table
