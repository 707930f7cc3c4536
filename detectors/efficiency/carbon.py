"""Carbon of electricity: kg CO2e by a dated table of grid factors, location-based and market-based."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, model_validator

from detectors.base import Bools, Floats, Ints
from detectors.efficiency.stated import KNOWN, MISSING, NO_FACTOR, Stated


class Factor(BaseModel):
    """One published figure: what a kWh of a grid emitted in a year, in one edition of the publication."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid: str = Field(min_length=1, description="Grid that the factor is of.")
    valid_from: int = Field(description="First instant that it is valid for, ns since the epoch.")
    valid_to: int = Field(description="First instant that it is no longer valid for, ns.")
    edition: int = Field(1, ge=1, description="1 as first published, 2 and up as restated.")
    kg_per_kwh: float = Field(ge=0, description="kg CO2e per kWh.")
    source: str = Field(min_length=1, description="Publication and date.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to <= self.valid_from:
            raise ValueError("expected valid_to after valid_from")
        return self


class FactorTable(BaseModel):
    """Factors of one or more grids; each grid, start and edition once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factors: tuple[Factor, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        seen = set()
        for f in self.factors:
            key = (f.grid, f.valid_from, f.edition)
            if key in seen:
                raise ValueError(f"edition {f.edition} of grid {f.grid!r} stands twice with one valid_from; keep one")
            seen.add(key)
        return self

    def of(self, grid: str, edition: int | None = None) -> tuple[Factor, ...]:
        """The factors of a grid in order of time, of each start the newest edition up to `edition`. Raises KeyError."""
        newest: dict[int, Factor] = {}
        for f in self.factors:
            held = newest.get(f.valid_from)
            if f.grid == grid and (edition is None or f.edition <= edition) and (not held or held.edition < f.edition):
                newest[f.valid_from] = f
        if not newest:
            known = ", ".join(sorted({f.grid for f in self.factors}))
            raise KeyError(f"no factor of grid {grid!r} up to edition {edition}; known grids: {known}")
        return tuple(newest[start] for start in sorted(newest))


class FactorsAt(NamedTuple):
    """Each (k,)."""

    kg_per_kwh: Stated
    edition: Ints
    carried: Bools
    """The newest factor is carried on beyond its end, or over a hole: provisional until the next one is published."""


def factors_at(table: FactorTable, grid: str, starts: Ints, edition: int | None = None) -> FactorsAt:
    """The factor valid at each window's start (k,), ns, in the newest edition, or as it was up to `edition`.

    A window that a change of factor falls into is to be split by the caller, see `changes`. Before the first factor
    there is none. Raises KeyError for a grid that the table does not have.

    >>> year = 31_536_000_000_000_000
    >>> old = Factor(grid="g", valid_from=0, valid_to=year, kg_per_kwh=.774, source="a, 2024")
    >>> new = old.model_copy(update={"edition": 2, "kg_per_kwh": .769})
    >>> table = FactorTable(factors=(old, new))
    >>> factors_at(table, "g", np.array([0, -1, year])).kg_per_kwh.value
    array([0.769,   nan, 0.769])
    >>> factors_at(table, "g", np.array([0]), edition=1).kg_per_kwh.value
    array([0.774])
    """
    held = table.of(grid, edition)
    at = np.searchsorted(np.array([f.valid_from for f in held]), starts, side="right") - 1
    none = at < 0
    value = np.where(none, np.nan, np.array([f.kg_per_kwh for f in held])[at])
    over = ~none & (np.asarray(starts) >= np.array([f.valid_to for f in held])[at])
    editions = np.where(none, 0, np.array([f.edition for f in held])[at])
    return FactorsAt(Stated(value, np.where(none, NO_FACTOR, KNOWN).astype(np.uint8)), editions, over)


def changes(table: FactorTable, grid: str, start: int, end: int) -> Ints:
    """Instants within (start, end), ns, at which the grid's factor changes: where a window is to be split."""
    return np.array([f.valid_from for f in table.of(grid) if start < f.valid_from < end], dtype=np.int64)


def location_based(kwh: ArrayLike, factor: Stated) -> Stated:
    """Scope 2, location-based: kWh x the grid's factor, kg CO2e, (k,). Source: GHG Protocol Scope 2 Guidance, 6.1.

    >>> location_based([1000.0], Stated(np.array([.740]), np.zeros(1, np.uint8))).value
    array([740.])
    """
    value = np.asarray(kwh, dtype=np.float64) * factor.value
    missing = np.isnan(value) & (factor.reason == KNOWN)
    return Stated(value, np.where(missing, MISSING, factor.reason).astype(np.uint8))


def market_based(kwh: ArrayLike, certified_kwh: ArrayLike, certified_factor: ArrayLike, residual: Stated) -> Stated:
    """Scope 2, market-based: what certificates cover at their own factor, the rest at the residual factor, (k,) kg.

    `certified_kwh` (k,) or (k, c) by certificate, `certified_factor` in kg CO2e/kWh (0 for renewables) alike;
    `residual` is the factor of the residual mix, or the grid's where none is published. Certificates for more than was
    drawn cover what was drawn and no more, in proportion. Source: GHG Protocol Scope 2 Guidance, 6.2 and 6.3.

    >>> grid = Stated(np.array([.5]), np.zeros(1, np.uint8))
    >>> market_based([1000.0], [400.0], [0.0], grid).value
    array([300.])
    """
    drawn = np.asarray(kwh, dtype=np.float64)
    covered, factor = (_by_certificate(a) for a in (certified_kwh, certified_factor))
    total = covered.sum(axis=-1)
    share = np.divide(drawn, total, out=np.ones(np.broadcast(drawn, total).shape), where=total > drawn)
    bought = (covered * factor).sum(axis=-1) * share
    rest = location_based(drawn - total * share, residual)
    whole = total >= drawn
    return Stated(np.where(whole, bought, rest.value + bought), np.where(whole, KNOWN, rest.reason).astype(np.uint8))


def _by_certificate(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array[..., None] if array.ndim < 2 else array
