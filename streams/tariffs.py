"""Tariffs as dated TOML files: the shipped examples, and a site's own."""

from __future__ import annotations

import re
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from detectors.durations import SECOND, Duration
from detectors.efficiency.tariff import (
    DAYS,
    MINUTES,
    DemandCharge,
    Period,
    PowerFactorStep,
    PriceClass,
    Tariff,
)
from schemas.errors import Misconfigured
from streams.dated import checked, midnight_ns, read_toml, zone
from streams.shifts import span_s

EXAMPLES = ("tnb_medium_voltage", "taipower_high_voltage")
"""Tariff files that ship with millstream. Users must check them against their own bill."""
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SeasonEntry(_Model):
    """[[tariff.season]]: from its day to the next season's, each year."""

    name: str = Field(min_length=1)
    begins: str = Field(description='First day, "MM-DD".')
    otherwise: str = Field(description="Class of the hours that no period names.")

    @field_validator("begins")
    @classmethod
    def _month_day(cls, text: str) -> str:
        if not _MONTH_DAY.fullmatch(text):
            raise ValueError(f'expected a day of the year as "MM-DD", got {text!r}')
        return text


class PeriodEntry(_Model):
    """[[tariff.period]]: hours of a price class; of several that match, the first named counts."""

    price: str = Field(alias="class")
    seasons: list[str] | None = Field(None, description="Default: all.")
    days: list[Literal["weekday", "saturday", "holiday"]] = Field(
        ["weekday", "saturday", "holiday"], description="holiday: Sundays and public holidays."
    )
    hours: str = Field(description='Local time, "HH:MM-HH:MM"; may go past midnight.')

    @field_validator("hours")
    @classmethod
    def _span(cls, text: str) -> str:
        span_s(text)
        return text


class DemandEntry(_Model):
    """[[tariff.demand]]: a charge on kW."""

    name: str = "demand"
    per_kw: float = Field(ge=0)
    classes: list[str] | None = Field(None, description="Classes in whose windows demand counts; default: all.")
    season: str | None = Field(None, description="Season it is charged in; default: all year.")
    basis: Literal["maximum", "contract"] = "maximum"
    over: list[tuple[float, float]] = []


class TariffEntry(_Model):
    """[[tariff]]: one tariff, valid from a date."""

    name: str
    utility: str
    currency: str
    timezone: str
    valid_from: date
    valid_to: date | None = None
    source: str = Field(min_length=1, description="Where the figures are from, with date.")
    note: str = ""
    demand_window: Duration = Field(gt=0)
    classes: dict[str, float] = Field(min_length=1, description="Energy charge by class, money per kWh.")
    otherwise: str | None = Field(None, description="Class of the hours that no period names, without seasons.")
    season: list[SeasonEntry] = []
    period: list[PeriodEntry] = []
    demand: list[DemandEntry] = []
    fuel_per_kwh: float = 0.0
    fixed: float = Field(0.0, ge=0)
    minimum: float = Field(0.0, ge=0)
    power_factor: list[PowerFactorStep] = []

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return zone(name).key

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        if (self.otherwise is None) == (not self.season):
            raise ValueError("expected either otherwise, or [[tariff.season]] tables with one each")
        for name in [
            *([] if self.otherwise is None else [self.otherwise]),
            *(s.otherwise for s in self.season),
            *(p.price for p in self.period),
            *(c for d in self.demand for c in d.classes or []),
        ]:
            if name not in self.classes:
                raise ValueError(f"expected one of the classes {', '.join(self.classes)}, got {name!r}")
        seasons = self.season_names()
        for name in [*(s for p in self.period for s in p.seasons or []), *(d.season for d in self.demand if d.season)]:
            if name not in seasons:
                raise ValueError(f"expected one of the seasons {', '.join(seasons)}, got {name!r}")
        return self

    def season_names(self) -> list[str]:
        """In order of the file; one that stands for all where the tariff has none."""
        return [s.name for s in self.season] or ["all"]

    def tariff(self) -> Tariff:
        """As the numerics take it: names become indices, dates become ns."""
        classes, seasons, where = list(self.classes), self.season_names(), zone(self.timezone)
        return Tariff(
            name=self.name,
            utility=self.utility,
            currency=self.currency,
            valid_from=midnight_ns(self.valid_from, where),
            valid_to=None if self.valid_to is None else midnight_ns(self.valid_to, where),
            source=self.source,
            note=self.note,
            demand_window_s=self.demand_window // SECOND,
            seasons=tuple(seasons),
            classes=tuple(PriceClass(name=name, per_kwh=price) for name, price in self.classes.items()),
            otherwise=tuple(classes.index(s.otherwise) for s in self.season) or (classes.index(self.otherwise or ""),),
            periods=tuple(_period(p, classes, seasons) for p in self.period),
            demand=tuple(
                DemandCharge(
                    name=d.name,
                    per_kw=d.per_kw,
                    classes=tuple(classes.index(c) for c in d.classes or classes),
                    season=None if d.season is None else seasons.index(d.season),
                    basis=d.basis,
                    over=tuple(d.over),
                )
                for d in self.demand
            ),
            fuel_per_kwh=self.fuel_per_kwh,
            fixed=self.fixed,
            minimum=self.minimum,
            power_factor=tuple(self.power_factor),
        )

    def season_at(self, month: int, day: int) -> int:
        """Index of the season of a local day."""
        begins = sorted((s.begins, i) for i, s in enumerate(self.season)) or [("01-01", 0)]
        return next((i for text, i in reversed(begins) if text <= f"{month:02}-{day:02}"), begins[-1][1])


class TariffFile(_Model):
    """A file of [[tariff]] tables: those that followed each other."""

    tariff: list[TariffEntry] = Field(min_length=1)


def load_tariffs(path: Path) -> list[TariffEntry]:
    """The tariffs in a file, in order of time. Raises Misconfigured with one line a fault."""
    table: Any = read_toml(path, "a TOML file of [[tariff]] tables")
    entries = sorted(checked(TariffFile, table, str(path)).tariff, key=lambda t: t.valid_from)
    for entry, after in zip(entries, [*entries[1:], None], strict=True):
        if entry.valid_to is not None and entry.valid_to <= entry.valid_from:
            raise Misconfigured(f"{path}: tariff {entry.name!r}: expected valid_to after valid_from {entry.valid_from}")
        if after is not None and (entry.valid_to is None or entry.valid_to > after.valid_from):
            raise Misconfigured(
                f"{path}: tariff {entry.name!r} is still valid when {after.name!r} begins; expected valid_to = "
                f"{after.valid_from} or earlier"
            )
        checked_tariff(entry, path)
    return entries


def checked_tariff(entry: TariffEntry, path: Path) -> Tariff:
    """As the numerics take it; raises Misconfigured where they refuse it."""
    try:
        return entry.tariff()
    except ValueError as error:
        raise Misconfigured(f"{path}: tariff {entry.name!r}: {error}") from error


def shipped_tariffs(name: str) -> list[TariffEntry]:
    """One of the EXAMPLES. Raises Misconfigured for any other name.

    >>> [(t.name, t.valid_from.year) for t in shipped_tariffs("tnb_medium_voltage")]
    [('E2 medium voltage peak/off-peak industrial', 2014), ('Medium voltage time of use', 2025)]
    """
    if name not in EXAMPLES:
        raise Misconfigured(f"no shipped tariff {name!r}; expected one of {', '.join(EXAMPLES)}, or a file of your own")
    with as_file(files("streams") / "data" / "tariffs" / f"{name}.toml") as path:
        return load_tariffs(path)


def _period(entry: PeriodEntry, classes: list[str], seasons: list[str]) -> Period:
    begin, end = (s // 60 for s in span_s(entry.hours))
    return Period(
        price=classes.index(entry.price),
        seasons=tuple(seasons.index(s) for s in entry.seasons or seasons),
        days=tuple(DAYS.index(d) for d in entry.days),
        from_minute=begin,
        to_minute=end if end > begin or end else MINUTES,
    )
