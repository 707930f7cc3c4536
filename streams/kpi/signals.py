"""Signals: which series of the roster say what of which machine, and their readings in the account's terms."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.account import Limits, Role
from detectors.efficiency.machine_state import MachineState, state_words
from schemas.chunk import BAD
from streams.admission import LATE, NEW
from streams.kpi.options import MachineOptions
from streams.kpi.settling import Said
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


UNITS: dict[Role, dict[str, float]] = {
    Role.POWER: _kilo("W"),
    Role.ENERGY: _kilo("W.h", "Wh") | _PER_KWH,
    Role.REACTIVE_POWER: _kilo("var", "VAR"),
    Role.REACTIVE_ENERGY: _kilo("var.h", "varh", "VAR.h", "VARh"),
}
"""Of each meter the UCUM units, and how they are commonly written, in kW, kW.h, kvar or kvar.h."""


class Signals:
    """The machines of one engine, by number, and the series that speak of them."""

    def __init__(self) -> None:
        self.assets: list[str] = []
        self.options: list[MachineOptions | None] = []  # None: no entry speaks of it any more
        self.number: dict[str, int] = {}
        self.products: list[str] = [""]
        self._code: dict[str, int] = {"": 0}
        self._entries: list[MachineOptions] = []
        self._words: list[dict[str, MachineState]] = []
        self._of_row = np.zeros((0, 2), dtype=np.int64)  # (machine, role), _NONE where a series says nothing
        self._told: set[tuple[str, str, str]] = set()  # (asset, series, unit) that was warned of
        self.fresh: list[MachineOptions] = []  # machines that the account has not yet
        self.warnings: list[str] = []  # since they were last taken

    def configure(self, entries: list[MachineOptions]) -> None:
        """Take up the site's [[machine]] entries; machines keep their numbers."""
        self._entries, self._of_row = entries, np.zeros((0, 2), dtype=np.int64)
        self.options = [self.entry(asset) for asset in self.assets]
        self._words = [_words(options) for options in self.options]

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
        self._words.append(_words(options))

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
        at = at[~(faulty[at] & np.isin(role[at], (Role.POWER, Role.REACTIVE_POWER)))]
        said = Said(seg.step[at], machine[at], role[at], seg.time[at], seg.value[at].copy(), seg.received[seg.step[at]])
        self._translate(said, at, seg, roster)
        return said.of(np.abs(said.value) <= _MOST)

    def _translate(self, said: Said, at: NDArray[Any], seg: Segment, roster: Roster) -> None:
        """Words into codes, meters into kilo, in place; NaN for what says nothing."""
        for i in np.flatnonzero(np.isin(said.role, (Role.STATE, Role.PRODUCT))).tolist():
            word = seg.text.get(int(at[i]))
            if word is None and said.value[i] == said.value[i]:
                word = f"{said.value[i]:g}"
            if said.role[i] == Role.PRODUCT:
                said.value[i] = np.nan if word is None else self.code(word)
            else:
                # an absent state or a word that nobody explained is time that is not known
                said.value[i] = self._words[int(said.machine[i])].get((word or "").lower(), MachineState.UNKNOWN)
        meters = np.flatnonzero(said.role >= Role.ENERGY)
        if not len(meters):
            return
        pairs = seg.row[at[meters]] * (len(seg.units) + 1) + seg.code[at[meters]]
        distinct, first, which = np.unique(pairs, return_index=True, return_inverse=True)
        units = [seg.units[code] for code in (distinct % (len(seg.units) + 1)).tolist()]
        rows, roles = (distinct // (len(seg.units) + 1)).tolist(), said.role[meters[first]].tolist()
        factors = [
            self._factor(roster.refs[row], Role(role), unit or roster.units[row])
            for row, role, unit in zip(rows, roles, units, strict=True)
        ]
        said.value[meters] *= np.array(factors)[which]

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
        self._of_row = np.zeros((0, 2), dtype=np.int64)
        for asset in saved["assets"]:
            self._add(asset, self.entry(asset))
        self._told = {(asset, series, unit) for asset, series, unit in saved["told"]}
        self.products = list(saved["products"])
        self._code = {product: code for code, product in enumerate(self.products)}


def role_of(options: MachineOptions, series: str) -> int:
    """What a series of such a machine says, a Role; -1: nothing."""
    state, parts, energy = options.state, options.parts, options.energy
    names: dict[str | None, Role] = {options.product: Role.PRODUCT}
    if state is not None:
        names[state.series] = Role.STATE
    if parts is not None:
        names |= {parts.total: Role.TOTAL, parts.good: Role.GOOD, parts.reject: Role.REJECT}
    if energy is not None:
        names |= {energy.power: Role.POWER, energy.counter: Role.ENERGY}
        names |= {energy.reactive_power: Role.REACTIVE_POWER, energy.reactive_counter: Role.REACTIVE_ENERGY}
    return names.get(series, _NONE)


def limits_of(options: MachineOptions | None) -> Limits:
    """How long what such a machine says holds; of one that says nothing any more it does not matter."""
    if options is None:
        return Limits(0, 0, 0)
    energy = options.energy
    counter = Role.GOOD if options.parts is not None and options.parts.total is None else Role.TOTAL
    if energy is None:
        return Limits(options.hold, 0, 0, counter=counter)
    return Limits(options.hold, energy.gap, energy.bridge, energy.modulus, counter)


def _words(options: MachineOptions | None) -> dict[str, MachineState]:
    if options is None or options.state is None:
        return {}
    return state_words(options.state.profile, options.state.words)
