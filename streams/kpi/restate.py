"""Restating: money and carbon of stored key figures after a changed tariff or factor, from the kWh that were told."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from detectors.efficiency.stated import KNOWN, NONE_GOOD, REASONS
from schemas.kpi import KpiRow
from streams.kpi.carbon import CARRIED
from streams.kpi.figures import NS_H
from streams.kpi.grid import grid_of
from streams.prices import Prices
from streams.resolve import ResolvedSite

TOO_COARSE = "the rows kept of it are coarser than the prices: score its readings again"
"""Why a figure has no value, though its energy is known."""
READ = frozenset({"energy", "demand", "idle_energy", "good"})
"""Figures that others are restated from."""
MADE = frozenset({
    "energy_cost", "energy_cost_per_good", "idle_cost", "carbon_location", "carbon_per_good", "carbon_market",
})  # fmt: skip
"""Figures that are restated."""
_CLOSE = 1e-9

Span = tuple[int, int]


class Piece(NamedTuple):
    """kWh that is known of a stretch of time."""

    span: Span
    kwh: float


class Rate(NamedTuple):
    """What one kWh comes to all through a stretch of time, or why that is not known."""

    value: float
    reason: int  # index into REASONS
    carried: bool = False


class Restated(NamedTuple):
    """What restating comes to."""

    rows: list[KpiRow]
    left: list[KpiRow]  # figures kept that stay as they are, since no kept rows divide their window as prices do


class Kept:
    """The newest row of each figure and window that restating takes, of one or of all assets.

    >>> row = KpiRow(asset="a", kpi="energy", start=0, end=9, value=1, unit="kW.h", coverage=1, status="final",
    ...              revision=2, config="")
    >>> kept = Kept([row, row.model_copy(update={"revision": 1, "value": 5.0})])
    >>> [row.value for row in kept.rows()]
    [1.0]
    """

    def __init__(self, rows: Iterable[KpiRow] = ()) -> None:
        self._newest: dict[tuple[str, str, str, int, int], KpiRow] = {}
        for row in rows:
            self.take(row)

    def take(self, row: KpiRow) -> None:
        """Take in a row; rows of lines and sites, of single products and of other figures are passed over."""
        if row.level != "machine" or row.product or row.kpi not in READ | MADE:
            return
        key = row.asset, row.kpi, row.shift, row.start, row.end
        known = self._newest.get(key)
        if known is None or row.revision >= known.revision:
            self._newest[key] = row

    def rows(self) -> Iterator[KpiRow]:
        """All of them."""
        yield from self._newest.values()

    def beside(self, row: KpiRow, kpi: str) -> KpiRow | None:
        """Another figure of the same asset and window."""
        return self._newest.get((row.asset, kpi, row.shift, row.start, row.end))


def restated(kept: Kept, site: ResolvedSite, start: int, end: int) -> Restated:
    """Rows of money and carbon of the final hours and shifts that begin in [start, end) ns, by the prices of `site`.

    They are what a run with that site from the start would have told, status restated, with a revision above all that
    is kept of their window; a figure that would say what is kept of it already is left out.

    What is exact: a window all through which a kWh costs (or emits) the same is its kWh times that. Any other is the
    sum over its demand windows, or its hours, where none of those has two prices and together they have the window's
    kWh; so it is with the shipped tariffs, whose prices change between demand windows. Nothing is shared out by guess:
    where no kept rows divide a window so, a figure that is kept stays as it is, and is named; one that is not has no
    value and says why. Energy outside production is kept by hour and shift alone.
    """
    pricing = _Pricing(site)
    pieces = _Pieces(kept)
    out = Restated([], [])
    for row in kept.rows():
        over = row.kpi == "energy" and row.value is not None and row.status != "provisional"
        if over and start <= row.start < end:
            for made in _of(row, kept, pieces, pricing):
                known = kept.beside(row, made.kpi)
                if made.reason == TOO_COARSE and known is not None:
                    out.left.append(known)
                else:
                    out.rows.append(made)
    return out


class _Pricing:
    """Rates of stretches of time, each worked out once: assets share their windows."""

    def __init__(self, site: ResolvedSite) -> None:
        self.config, self.prices, self._grid = site.hash, Prices(site), grid_of(site)
        self._rates: dict[tuple[str, Span], Rate | None] = {}

    def rate(self, kind: str, span: Span) -> Rate | None:
        """What a kWh comes to; None where that changes within the span."""
        if (kind, span) not in self._rates:
            self._rates[kind, span] = self._look_up(kind, span)
        return self._rates[kind, span]

    def _look_up(self, kind: str, span: Span) -> Rate | None:
        edges = self._grid.edges(*span)
        first = int(np.searchsorted(edges, span[0], "right")) - 1
        cells = edges[first : int(np.searchsorted(edges, span[1], "left"))]
        if kind == "money":
            said, carried = self.prices.energy(cells), np.zeros(len(cells), dtype=bool)
        else:
            factors = self.prices.location(cells) if kind == "location" else self.prices.market(cells)
            said, carried = factors.kg_per_kwh, factors.carried
        if said.reason.any():
            return Rate(np.nan, int(said.reason.max()))
        return Rate(float(said.value[0]), KNOWN, bool(carried.any())) if np.all(said.value == said.value[0]) else None


class _Pieces:
    """Of each asset the rows that may divide a window, in order of time: demand windows and hours."""

    def __init__(self, kept: Kept) -> None:
        self._rows: dict[tuple[str, str], list[KpiRow]] = {}
        for row in sorted(kept.rows(), key=lambda row: row.start):
            if not row.shift and row.value is not None and row.kpi in ("demand", "energy", "idle_energy"):
                self._rows.setdefault((row.asset, row.kpi), []).append(row)
        self._starts = {key: [row.start for row in rows] for key, rows in self._rows.items()}

    def within(self, row: KpiRow, kpi: str) -> list[Piece]:
        """The rows of a figure that lie within the window of another row."""
        key = row.asset, kpi
        low, high = (bisect_left(self._starts.get(key, ()), at) for at in (row.start, row.end))
        inside = (one for one in self._rows.get(key, [])[low:high] if one.end <= row.end)
        return [Piece((one.start, one.end), _kwh(one)) for one in inside]


def _kwh(row: KpiRow) -> float:
    assert row.value is not None
    return row.value * ((row.end - row.start) / NS_H) if row.kpi == "demand" else row.value


def _worth(row: KpiRow, ways: list[list[Piece]], kind: str, pricing: _Pricing) -> Rate | None:
    """What the kWh of a row come to: by the first way of dividing it that is exact; None where none is."""
    for pieces in ways:
        total = sum(piece.kwh for piece in pieces)
        if abs(total - _kwh(row)) > _CLOSE * max(1.0, sum(abs(piece.kwh) for piece in pieces)):
            continue
        rates = [pricing.rate(kind, piece.span) for piece in pieces]
        known = [rate for rate in rates if rate is not None]
        if len(known) < len(rates):
            continue
        reason = max((rate.reason for rate in known), default=KNOWN)
        value = sum(piece.kwh * rate.value for piece, rate in zip(pieces, known, strict=True))
        return Rate(value if reason == KNOWN else np.nan, reason, any(rate.carried for rate in known))
    return None


def _of(energy: KpiRow, kept: Kept, pieces: _Pieces, pricing: _Pricing) -> Iterator[KpiRow]:
    """All figures of one asset and window that are to be restated."""
    supply = pricing.prices.supply
    window = [Piece((energy.start, energy.end), _kwh(energy))]
    ways = [window, pieces.within(energy, "demand"), *([pieces.within(energy, "energy")] if energy.shift else [])]
    kinds = {
        **({"money": ("energy_cost", "energy_cost_per_good", pricing.prices.currency)} if pricing.prices.known else {}),
        **({"location": ("carbon_location", "carbon_per_good", "kg")} if supply.grid else {}),
        **({"market": ("carbon_market", "", "kg")} if supply.certificates else {}),
    }
    good = kept.beside(energy, "good")
    for kind, (kpi, per_good, unit) in kinds.items():
        worth = _worth(energy, ways, kind, pricing)
        yield from _told(kept, energy, kpi, unit, energy.coverage, worth, pricing.config)
        if per_good and good is not None:
            share = _per_good(worth, good)
            coverage = min(energy.coverage, good.coverage)
            yield from _told(kept, energy, per_good, f"{unit}/{{item}}", coverage, share, pricing.config)
    idle = kept.beside(energy, "idle_energy")
    if idle is not None and idle.value is not None and "money" in kinds:
        ways = [[Piece((idle.start, idle.end), idle.value)], pieces.within(idle, "idle_energy")]
        worth = _worth(idle, ways, "money", pricing)
        yield from _told(kept, energy, "idle_cost", pricing.prices.currency, idle.coverage, worth, pricing.config)


def _per_good(worth: Rate | None, good: KpiRow) -> Rate | None:
    if worth is None or worth.reason != KNOWN:
        return worth
    if good.value is None:
        return Rate(np.nan, REASONS.index("an input is missing"))
    return worth._replace(value=worth.value / good.value) if good.value > 0 else Rate(np.nan, NONE_GOOD)


def _told(
    kept: Kept, energy: KpiRow, kpi: str, unit: str, coverage: float, worth: Rate | None, config: str
) -> Iterator[KpiRow]:
    """The row, unless what is kept says the same."""
    known = kept.beside(energy, kpi)
    value = None if worth is None or worth.reason != KNOWN else worth.value
    carried = CARRIED if worth is not None and worth.carried and energy.value else ""
    reason = TOO_COARSE if worth is None else REASONS[worth.reason] or carried
    if known is not None and known.unit == unit and known.reason == reason and same_value(known.value, value):
        return
    yield KpiRow(
        asset=energy.asset, kpi=kpi, shift=energy.shift, start=energy.start, end=energy.end, value=value, unit=unit,
        coverage=coverage, status="restated", revision=max(energy.revision, known.revision if known else 0) + 1,
        reason=reason, config=config,
    )  # fmt: skip


def same_value(a: float | None, b: float | None) -> bool:
    """Whether two values say the same; None is no value."""
    if a is None or b is None:
        return a is b
    return abs(a - b) <= _CLOSE * 1e-3 * max(abs(a), abs(b))
