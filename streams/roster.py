"""The roster: which series there are, what is declared of each, and what each is called in results."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.base import Copy
from schemas.partition import level_names
from streams.arrays import Columns
from streams.results import SeriesRef
from streams.site import AssetOptions, SeriesOptions, Site

_NOTHING = SeriesOptions.model_validate({})

ALL, SECOND, CHANGE, NONE = 0, 1, 2, 3
_STORE = {"all": ALL, "1s": SECOND, "change": CHANGE, "none": NONE}


class Roster:
    """Series by (asset, name), with a row each; series are only ever added."""

    def __init__(self, site: Site) -> None:
        self.refs: list[SeriesRef] = []
        self.units: list[str | None] = []
        self.columns = Columns(
            store=(np.int8, SECOND),
            numeric=(np.bool_, False),  # has had a number: takes part in watches
            admitted=(np.bool_, False),  # has been offered to them
            derived=(np.bool_, False),  # of a joint watch's own verdicts: no series of a machine
            asset=(np.int64, 0),  # number of its asset
        )
        self.numbers: dict[str, int] = {}  # asset -> its number, in order of appearance
        self._levels: dict[str, tuple[str, ...]] = {}  # asset -> itself and its levels
        self._names: dict[str, str] = {}  # names of levels and series, each held once
        self._rows: dict[tuple[str, str], int] = {}
        self._derived = 0
        self.configure(site)

    def configure(self, site: Site) -> None:
        """Take up another site; rows stay."""
        self.site = site
        self._assets: dict[str, AssetOptions] = {a.path: a for a in site.asset}
        self._alias = {alias: a.path for a in site.asset for alias in a.aliases}
        for row, ref in enumerate(self.refs):
            self.columns["store"][row] = _STORE[self.declared(ref.path, ref.series).store or site.site.store]

    def path(self, asset: str) -> str:
        """An asset's path, by its path or one of its aliases."""
        return self._alias.get(asset, asset)

    def declared(self, path: str, series: str) -> SeriesOptions:
        """What the site file says of a series; nothing where it does not name it."""
        asset = self._assets.get(path)
        return asset.series.get(series, _NOTHING) if asset else _NOTHING

    def find(self, path: str, series: str) -> int | None:
        """Row of a series, None where it is not there yet."""
        return self._rows.get((path, series))

    def refusal(self, path: str) -> tuple[str, str] | None:
        """Why a new series of this asset may not be taken in: a reason and a line, or None."""
        if self.site.site.strict and path not in self._assets:
            return "unknown_asset", f"no [[asset]] has the path or alias {path!r}, and [site] strict = true"
        if len(self.refs) - self._derived >= self.site.site.max_series:
            return (
                "too_many_series",
                f"this partition has {self.site.site.max_series} series; raise [site] max_series to take more",
            )
        return None

    def add(self, path: str, series: str, unit: str | None, derived: bool = False) -> int:
        """Take in a new series and return its row; a derived one does not count towards `max_series`."""
        row = len(self.refs)
        ref = self._ref(path, series)
        self._rows[ref.path, ref.series] = row
        self.refs.append(ref)
        declared = self.declared(path, series)
        self.units.append(unit or declared.unit)
        self.columns.grow(1)
        self.columns["derived"][row] = derived
        self.columns["asset"][row] = self.numbers.setdefault(path, len(self.numbers))
        self._derived += derived
        self.columns["store"][row] = _STORE[declared.store or self.site.site.store]
        return row

    def _ref(self, path: str, series: str) -> SeriesRef:
        """What results call a series; of a plant's many, names are few."""
        once = self._names.setdefault
        levels = self._levels.get(path)
        if levels is None:
            levels = self._levels[path] = (path, *(once(name, name) for name in level_names(path)))
        return SeriesRef._make((*levels, once(series, series)))

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """Series and columns, as plain data and arrays."""
        return {
            "series": [[ref.path, ref.series] for ref in self.refs],
            "units": list(self.units),
            "columns": self.columns.snapshot(copy),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        self.refs = [self._ref(path, series) for path, series in saved["series"]]
        self.units = list(saved["units"])
        self._rows = {(ref.path, ref.series): row for row, ref in enumerate(self.refs)}
        self.columns.restore(saved["columns"])
        self.numbers = {}
        self.columns["asset"][:] = [self.numbers.setdefault(ref.path, len(self.numbers)) for ref in self.refs]
        self._derived = int(self.columns["derived"].sum())
