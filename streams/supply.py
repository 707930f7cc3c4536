"""The supply of a site, resolved: tariffs and emission factors out of their files, as plain data for the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from detectors.durations import SECOND, duration_text
from detectors.efficiency.carbon import FactorTable
from detectors.efficiency.tariff import Tariff
from schemas.errors import Misconfigured
from streams.dated import midnight_ns, zone
from streams.energy_options import EnergySupply
from streams.factors import load_factors, shipped_factors
from streams.site import Site
from streams.tariffs import EXAMPLES, TariffEntry, load_tariffs, shipped_tariffs

_QUARTER, _DAY = 900 * SECOND, 86_400 * SECOND


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SeasonalTariff(_Model):
    """A tariff, with the days of the year on which its seasons begin."""

    tariff: Tariff
    begins: tuple[int, ...]  # 100 x month + day, by season


class Certified(_Model):
    """What certificates cover of all electricity, and when."""

    share: float
    kg_per_kwh: float
    valid_from: int  # ns
    valid_to: int


class Supply(_Model):
    """What a site's electricity costs and emits: no file and no time-zone database is needed any more."""

    currency: str = ""  # of all money; empty: none is known
    tariffs: tuple[SeasonalTariff, ...] = ()  # in order of time
    price: float | None = None  # of a kWh at any time, without tariffs
    contract_kw: float | None = None  # contracted capacity
    grid: str = ""  # empty: no carbon
    residual: str = ""
    edition: int | None = None
    factors: FactorTable = FactorTable(factors=())  # of grid and residual
    certificates: tuple[Certified, ...] = ()


Offsets = list[tuple[int, int]]


def supply_of(site: Site, folder: Path, offsets: Callable[[str], Offsets]) -> Supply | None:
    """The resolved [energy] of a site, None where there is none.

    Paths in it are relative to `folder`; `offsets` gives the UTC offsets of a time zone. Raises Misconfigured.
    """
    energy = site.energy
    if energy is None:
        _in_currency(site, "")
        return None
    entries = _tariffs(energy.tariff, folder)
    _same_zone(entries, site.site.timezone, offsets)
    currency = _currency(energy, entries)
    _in_currency(site, currency)
    where = zone(site.site.timezone)
    return Supply(
        currency=currency,
        tariffs=tuple(SeasonalTariff(tariff=entry.tariff(), begins=_begins(entry)) for entry in entries),
        price=energy.price,
        contract_kw=energy.contract_kw,
        grid=energy.grid or "",
        residual=energy.residual or energy.grid or "",
        edition=energy.edition,
        factors=_factors(energy, folder),
        certificates=tuple(
            Certified(
                share=one.share,
                kg_per_kwh=one.kg_per_kwh,
                valid_from=midnight_ns(one.valid_from, where),
                valid_to=midnight_ns(one.valid_to, where),
            )
            for one in energy.certificates
        ),
    )


def _in_currency(site: Site, currency: str) -> None:
    """Refuse money of which nobody knows what it is."""
    money = {
        "minute_cost": [*(machine.minute_cost for machine in site.machine), *(line.minute_cost for line in site.line)],
        "demand_charge": [machine.energy.demand_charge for machine in site.machine if machine.energy is not None],
    }
    for option, costs in money.items():
        if not currency and any(cost is not None for cost in costs):
            raise Misconfigured(f'{option} is money: say of which currency, such as [energy] currency = "MYR"')


def demand_window(site: Site, supply: Supply | None) -> int | None:
    """The windows of maximum demand, ns: the site's own, else the tariff's.

    Raises Misconfigured where they differ, and where they are not made of whole quarters of an hour, and a day of them:
    what machines do is booked by quarters, and windows begin at midnight.
    """
    tariffs = [dated.tariff for dated in supply.tariffs] if supply is not None else []
    given = site.site.demand_window
    for tariff in tariffs:
        window, first = tariff.demand_window_s * SECOND, tariffs[0]
        if given is None and tariff.demand_window_s != first.demand_window_s:
            raise Misconfigured(
                f"[energy] tariff: {tariff.name!r} measures demand in windows of {duration_text(window)}, and "
                f"{first.name!r} in others; expected one length for all tariffs of a file"
            )
        if given is not None and window != given:
            raise Misconfigured(
                f"[site] demand_window is {duration_text(given)}, and tariff {tariff.name!r} measures demand in "
                f'windows of {duration_text(window)}; expected demand_window = "{duration_text(window)}", or none'
            )
    of_tariff = given is None and bool(tariffs)
    found = tariffs[0].demand_window_s * SECOND if of_tariff else given
    if found is not None and (found % _QUARTER or _DAY % found):
        whose = f"tariff {tariffs[0].name!r}: demand_window" if of_tariff else "[site] demand_window"
        raise Misconfigured(
            f"{whose} is {duration_text(found)}; expected a multiple of 15m of which whole ones make a day, such as "
            '"15m", "30m" or "1h"'
        )
    return found


def _tariffs(name: str | None, folder: Path) -> list[TariffEntry]:
    if name is None:
        return []
    if name in EXAMPLES:
        return shipped_tariffs(name)
    path = folder / name
    if not path.is_file():
        raise Misconfigured(
            f"[energy] tariff = {name!r}: no shipped tariff ({', '.join(EXAMPLES)}), and there is no file {path}"
        )
    return load_tariffs(path)


def _same_zone(entries: list[TariffEntry], of_site: str, offsets: Callable[[str], Offsets]) -> None:
    """Hours, days and holidays of a tariff are the site's, so they must have one local time."""
    for name in {entry.timezone for entry in entries} - {of_site}:
        if offsets(name) != offsets(of_site):
            raise Misconfigured(
                f"[energy] tariff: its hours are local times of {name}, and [site] timezone is {of_site}; expected "
                f'timezone = "{name}" in [site]'
            )


def _currency(energy: EnergySupply, entries: list[TariffEntry]) -> str:
    found = list(dict.fromkeys([*([energy.currency] if energy.currency else []), *(e.currency for e in entries)]))
    if len(found) > 1:
        raise Misconfigured(f"[energy] expected one currency for all money, got {' and '.join(found)}")
    return found[0] if found else ""


def _begins(entry: TariffEntry) -> tuple[int, ...]:
    return tuple(int(s.begins.replace("-", "")) for s in entry.season) or (101,)


def _factors(energy: EnergySupply, folder: Path) -> FactorTable:
    if energy.grid is None:
        return FactorTable(factors=())
    table = load_factors(folder / energy.factors) if energy.factors else shipped_factors()
    for option, grid in (("grid", energy.grid), ("residual", energy.residual)):
        if grid is None:
            continue
        try:
            table.of(grid, energy.edition)
        except KeyError as error:
            raise Misconfigured(f"[energy] {option}: {error.args[0]}") from error
    used = (energy.grid, energy.residual)
    return FactorTable(factors=tuple(factor for factor in table.factors if factor.grid in used))
