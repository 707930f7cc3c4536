"""Grid emission factors as a dated TOML file: what ships with millstream, and a site's own."""

from __future__ import annotations

from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from detectors.efficiency.carbon import Factor, FactorTable
from streams.dated import checked, midnight_ns, read_toml, zone


class FactorEntry(BaseModel):
    """[[factor]]: one published figure of one grid and year."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid: str = Field(min_length=1, description='Name of the grid, such as "taiwan".')
    timezone: str = Field(description="IANA name; the year is the grid's local one.")
    year: int = Field(ge=1990, le=2200)
    edition: int = Field(1, ge=1, description="1 as first published, 2 and up as restated.")
    kg_per_kwh: float = Field(ge=0, le=5, description="kg CO2e per kWh.")
    source: str = Field(min_length=1, description="Publication and date.")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return zone(name).key

    def factor(self) -> Factor:
        """As the numerics take it."""
        where = zone(self.timezone)
        return Factor(
            grid=self.grid,
            valid_from=midnight_ns(date(self.year, 1, 1), where),
            valid_to=midnight_ns(date(self.year + 1, 1, 1), where),
            edition=self.edition,
            kg_per_kwh=self.kg_per_kwh,
            source=self.source,
        )


class FactorFile(BaseModel):
    """A file of [[factor]] tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: list[FactorEntry] = Field(min_length=1)


def load_factors(path: Path) -> FactorTable:
    """The factors in a file. Raises Misconfigured with one line a fault: file, key, what would be right."""
    entries = checked(FactorFile, read_toml(path, "a TOML file of [[factor]] tables"), str(path)).factor
    return checked(FactorTable, {"factors": tuple(entry.factor() for entry in entries)}, str(path))


def shipped_factors() -> FactorTable:
    """The factors that ship with millstream: check them against their source before you report with them.

    >>> [f.kg_per_kwh for f in shipped_factors().of("peninsular_malaysia")]
    [0.769, 0.76, 0.74]
    """
    with as_file(files("streams") / "data" / "emission_factors.toml") as path:
        return load_factors(path)
