"""Signals: which series of the roster say what of which machine, and their readings in the account's terms."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.roles import Limits, Role
from schemas.chunk import BAD
from streams.admission import LATE, NEW
from streams.kpi.options import MachineOptions
from streams.kpi.settling import Said
from streams.kpi.words import Words, words_of
from streams.results import SeriesRef
from streams.roster import Roster
from streams.segment import Bools, Segment

_NONE = -1

_MOST = 2.0**53
"""No counter can count, and no meter measures, beyond it."""

_KILO = {"": 1e-3, "k": 1.0, "M": 1e3}
_PER_KWH = {"J": 1 / 3.6e6, "kJ": 1 / 3.6e3, "MJ": 1 / 3.6, "GJ": 1e3 / 3.6}


def _kilo(*bases: str) -> dict[str, float]:
    return {prefix + base: factor for prefix, factor in _KILO.items() for base in bases}


_LITRES = {"L/s": 0.06, "l/s": 0.06, "L/min": 1e-3, "l/min": 1e-3}
"""In m3/min."""
_DEGREES = {"Cel": 1.0, "K": 1.0, "[degF]": 5 / 9}

UNITS: dict[Role, dict[str, float]] = {
    Role.POWER: _kilo("W"),
    Role.ENERGY: _kilo("W.h", "Wh") | _PER_KWH,
    Role.REACTIVE_POWER: _kilo("var", "VAR"),
    Role.REACTIVE_ENERGY: _kilo("var.h", "varh", "VAR.h", "VARh"),
    Role.AIR_FLOW: {"m3/min": 1.0, "m3/h": 1 / 60, "m3/s": 60.0} | _LITRES | {"[cft_i]/min": 0.028316846592},
    Role.COOLING: _kilo("W"),
    Role.WATER_FLOW: {"kg/s": 1.0, "kg/h": 1 / 3600, "t/h": 1 / 3.6, "m3/h": 1 / 3.6, "m3/s": 1000.0}
    | {unit: factor / 0.06 for unit, factor in _LITRES.items()},
    Role.SUPPLY_TEMPERATURE: _DEGREES,
    Role.RETURN_TEMPERATURE: _DEGREES,
}
"""Of each meter the UCUM units, and how they are commonly written, in kW, kW.h, kvar, kvar.h, m3/min, kg/s or Cel."""
ZEROS = {"K": -273.15, "[degF]": -160 / 9}
"""Of temperatures the Cel at which the unit is 0."""

_HELD_BACK = (Role.POWER, Role.REACTIVE_POWER, *(role for role in Role if role >= Role.AIR_FLOW))
"""What a health watch may find in fault; a counter that stands still is none."""


class Signals:
    """The machines of one engine, by number, and the series that speak of them."""

    def __init__(self) -> None:
        self.assets: list[str] = []
        self.options: list[MachineOptions | None] = []  # None: no entry speaks of it any more
        self.number: dict[str, int] = {}
        self.products: list[str] = [""]
        self._code: dict[str, int] = {"": 0}
        self._entries: list[MachineOptions] = []
        self._vocabulary: dict[int, Words] = {}  # by the entry's id
        self._words: list[Words] = []  # of each machine
        self._factors: dict[tuple[int, str | None], float] = {}  # of a meter's row, and the unit that it was sent in
        self._of_row = np.zeros((0, 2), dtype=np.int64)  # (machine, role), _NONE where a series says nothing
        self._told: set[tuple[str, str, str]] = set()  # (asset, series, unit) that was warned of
        self.fresh: list[MachineOptions] = []  # machines that the account has not yet
        self.warnings: list[str] = []  # since they were last taken

    def configure(self, entries: list[MachineOptions]) -> None:
        """Take up the site's [[machine]] entries; machines keep their numbers."""
        self._entries, self._of_row = entries, np.zeros((0, 2), dtype=np.int64)
        self._vocabulary, self._factors = {}, {}
        self.options = [self.entry(asset) for asset in self.assets]
        self._words = [self._words_of(options) for options in self.options]

    def entry(self, asset: str) -> MachineOptions | None:
        """The [[machine]] entry that speaks of a machine."""
        return next((e for e in self._entries if any(fnmatchcase(asset, glob) for glob in e.globs)), None)

    def _admit(self, ref: SeriesRef) -> tuple[int, int]:
        options = self.entry(ref.path)
        role = _NONE if options is None else role_of(options, ref.series)
        if options is None or role == _NONE:
            return _NONE, _NONE
        if ref.path not in self.number:
            self._add(ref.path, options)
            self.fresh.append(options)
        return self.number[ref.path], role

    def _add(self, asset: str, options: MachineOptions | None) -> None:
        self.number[asset] = len(self.assets)
        self.assets.append(asset)
        self.options.append(options)
        self._words.append(self._words_of(options))

    def _words_of(self, options: MachineOptions | None) -> Words:
        """The words of an entry, which its machines share."""
        if id(options) not in self._vocabulary:
            self._vocabulary[id(options)] = words_of(options)
        return self._vocabulary[id(options)]

    def code(self, product: str) -> int:
        """The number of a product."""
        if product not in self._code:
            self._code[product] = len(self.products)
            self.products.append(product)
        return self._code[product]

    def said(self, seg: Segment, roster: Roster, faulty: Bools) -> Said:
        """What the readings of a segment say of machines.

        Those that are repeated, absent or of bad quality say nothing, nor does power that a health watch finds in
        fault; a counter that stands still is no fault of its sensor.
        """
        if len(self._of_row) < len(roster.refs):
            more = [self._admit(ref) for ref in roster.refs[len(self._of_row) :]]
            self._of_row = np.append(self._of_row, np.array(more, dtype=np.int64), axis=0)
        machine, role = self._of_row[seg.row].T
        kind = seg.admitted.kind
        at = np.flatnonzero((machine != _NONE) & ((kind == NEW) | (kind == LATE)) & (seg.quality != BAD))
        at = at[~(faulty[at] & np.isin(role[at], _HELD_BACK))]
        said = Said(seg.step[at], machine[at], role[at], seg.time[at], seg.value[at].copy(), seg.received[seg.step[at]])
        self._translate(said, at, seg, roster)
        return said.of(np.abs(said.value) <= _MOST)

    def _translate(self, said: Said, at: NDArray[Any], seg: Segment, roster: Roster) -> None:
        """Words into codes, meters into kilo, in place; NaN for what says nothing."""
        value, text, words = said.value, seg.text.get, self._words
        states = np.flatnonzero(said.role == Role.STATE)
        if len(states):
            # an absent state or a word that nobody explained is time that is not known
            places, numbers, machines = (a.tolist() for a in (at[states], value[states], said.machine[states]))
            value[states] = [
                words[machine][text(place, number)]
                for place, number, machine in zip(places, numbers, machines, strict=True)
            ]
        for i in np.flatnonzero(said.role == Role.PRODUCT).tolist():
            word = text(int(at[i]))
            if word is None and value[i] == value[i]:
                word = f"{value[i]:g}"
            value[i] = np.nan if word is None else self.code(word)
        meters = np.flatnonzero(said.role >= Role.ENERGY)
        if len(meters):
            rows, codes = seg.row[at[meters]].tolist(), seg.code[at[meters]].tolist()
            sent = [(row, seg.units[code]) for row, code in zip(rows, codes, strict=True)]
            value[meters] *= self._factors_of(sent, roster)
            degrees = said.role[meters] >= Role.SUPPLY_TEMPERATURE
            if degrees.any():
                units = [unit or roster.units[row] or "" for row, unit in sent]
                value[meters] += np.where(degrees, [ZEROS.get(unit, 0.0) for unit in units], 0.0)

    def _factors_of(self, meters: list[tuple[int, str | None]], roster: Roster) -> list[float]:
        """What makes kilo of readings of meters: (row, unit that it was sent in) each."""
        known = self._factors
        for meter in meters:
            if meter not in known:
                row, unit = meter
                role = Role(int(self._of_row[row, 1]))
                known[meter] = self._factor(roster.refs[row], role, unit or roster.units[row])
        return [known[meter] for meter in meters]

    def _factor(self, ref: SeriesRef, role: Role, unit: str | None) -> float:
        """What makes kilo of a meter's unit; NaN, and a warning, where it is none of such a meter."""
        factor = 1.0 if unit is None else UNITS[role].get(unit)
        if factor is not None:
            return factor
        assert unit is not None
        if (ref.path, ref.series, unit) not in self._told:
            self._told.add((ref.path, ref.series, unit))
            self.warnings.append(
                f"{ref.path}/{ref.series}: {unit!r} is no unit of {role.name.lower().replace('_', ' ')}, so it is left "
                f"out of key figures; expected one of {', '.join(UNITS[role])}"
            )
        return np.nan

    def snapshot(self) -> dict[str, Any]:
        """The machines, the products, and what was warned of."""
        told = [list(one) for one in sorted(self._told)]
        return {"assets": list(self.assets), "products": list(self.products), "told": told}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave, after `configure`; a machine that no entry fits any more says nothing."""
        self.assets, self.number, self.options, self._words = [], {}, [], []
        self._of_row, self._factors = np.zeros((0, 2), dtype=np.int64), {}
        for asset in saved["assets"]:
            self._add(asset, self.entry(asset))
        self._told = {(asset, series, unit) for asset, series, unit in saved["told"]}
        self.products = list(saved["products"])
        self._code = {product: code for code, product in enumerate(self.products)}


def role_of(options: MachineOptions, series: str) -> int:
    """What a series of such a machine says, a Role; -1: nothing."""
    state, parts, energy = options.state, options.parts, options.energy
    names: dict[str | None, Role] = {options.product: Role.PRODUCT}
    if state is not None and state.series is not None:
        names[state.series] = Role.STATE
    if parts is not None:
        names |= {parts.total: Role.TOTAL, parts.good: Role.GOOD, parts.reject: Role.REJECT}
    if energy is not None:
        names |= {energy.power: Role.POWER, energy.counter: Role.ENERGY}
        names |= {energy.reactive_power: Role.REACTIVE_POWER, energy.reactive_counter: Role.REACTIVE_ENERGY}
    if options.air is not None:
        names |= {options.air.flow: Role.AIR_FLOW}
    if (chiller := options.chiller) is not None:
        names |= {chiller.cooling: Role.COOLING, chiller.flow: Role.WATER_FLOW}
        names |= {chiller.supply: Role.SUPPLY_TEMPERATURE, chiller.back: Role.RETURN_TEMPERATURE}
    return names.get(series, _NONE)


def limits_of(options: MachineOptions | None) -> Limits:
    """How long what such a machine says holds; of one that says nothing any more it does not matter."""
    if options is None:
        return Limits(0, 0, 0)
    energy = options.energy
    counter = Role.GOOD if options.parts is not None and not options.parts.says("total") else Role.TOTAL
    startup = options.startup or 0
    if energy is None:
        return Limits(options.hold, 0, options.bridge, counter=counter, startup=startup)
    return Limits(options.hold, energy.gap, energy.bridge, energy.modulus, counter, startup)
