"""One figure over one window: what each machine told last. Rows replace, and are added up only when they are told."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Copy
from schemas.kpi import KpiRow
from streams.arrays import Columns
from streams.kpi.book import Standing
from streams.segment import Bools, Ints

NOT_TOLD = "no machine told it"


class Key(NamedTuple):
    """What a window of a site is known by."""

    kpi: str
    product: str
    shift: str
    start: int
    end: int


class Total(NamedTuple):
    """What some machines add up to."""

    value: float | None
    unit: str
    coverage: float
    reason: str


class Window:
    """The newest row of each machine, by its number."""

    def __init__(self, first: int) -> None:
        self.first = first  # the log's clock at its first row
        self.units: list[str] = []
        self.stirred = False  # whose rows count has changed since it was told
        self.told: dict[tuple[str, str], Standing] = {}  # by place and name
        self._rows = Columns(
            revision=(np.int64, 0), value=(np.float64, np.nan), coverage=(np.float64, 0.0), final=(bool, False),
            unit=(np.int64, 0), fresh=(bool, False),
        )  # fmt: skip

    def take(self, machine: int, row: KpiRow) -> bool:
        """Put a row in the place of the machine's one before; False where that one is as new."""
        rows = self._rows
        if machine >= rows.rows:
            rows.grow(machine + 1 - rows.rows)
        if row.revision <= rows["revision"][machine]:
            return False
        if row.unit not in self.units:
            self.units.append(row.unit)
        rows["revision"][machine] = row.revision
        rows["value"][machine] = np.nan if row.value is None else row.value
        rows["coverage"][machine] = row.coverage
        rows["final"][machine] = row.status != "provisional"
        rows["unit"][machine] = self.units.index(row.unit)
        rows["fresh"][machine] = True
        return True

    @property
    def news(self) -> bool:
        """Whether there is something new since it was told."""
        return self.stirred or bool(self._rows["fresh"].any())

    def settle(self) -> None:
        """All that came is told."""
        self._rows["fresh"][:] = False
        self.stirred = False

    def fresh(self, machines: Ints) -> bool:
        """Whether one of these told something new."""
        return bool(self._of("fresh", machines).any())

    def heard(self, machines: Ints) -> Bools:
        """Which of these told it."""
        return np.asarray(self._of("revision", machines) > 0)

    def finals(self, machines: Ints) -> bool:
        """Whether all of these told their last."""
        return bool(self._of("final", machines).all())

    def known(self, machines: Ints) -> dict[int, float]:
        """What each of these told, those without a value left out."""
        pairs = zip(machines.tolist(), self._of("value", machines).tolist(), strict=True)
        return {machine: value for machine, value in pairs if value == value}

    def total(self, machines: Ints, expected: int) -> Total:
        """The sum over machines. Its coverage is the mean over those expected: of one that told nothing it is 0."""
        value = self._of("value", machines)
        known = ~np.isnan(value)
        units = sorted({self.units[code] for code in self._of("unit", machines)[known].tolist()})
        if not known.any():
            return Total(None, self.units[0], 0.0, NOT_TOLD)
        if len(units) > 1:
            return Total(None, units[0], 0.0, f"machines tell it in different units: {', '.join(units)}")
        coverage = math.fsum(self._of("coverage", machines)[known].tolist()) / max(expected, 1)
        # rounded once, so that neither the order of machines nor of rows shows
        return Total(math.fsum(value[known].tolist()), units[0], min(coverage, 1.0), "")

    def _of(self, name: str, machines: Ints) -> NDArray[Any]:
        column = self._rows[name]
        if len(column) and (not len(machines) or machines[-1] < len(column)):
            return column[machines]
        out = np.zeros(len(machines), dtype=column.dtype)
        if column.dtype == np.float64:
            out[:] = 0.0 if name == "coverage" else np.nan
        there = machines < len(column)
        out[there] = column[machines[there]]
        return out

    def keep(self, machines: Ints) -> None:
        """Number the machines anew: the n-th is what `machines[n]` was."""
        short = int(machines[-1]) + 1 - self._rows.rows if len(machines) else 0
        if short > 0:
            self._rows.grow(short)
        self._rows.keep(machines)

    def takers(self) -> Ints:
        """Machines that told it."""
        return np.flatnonzero(self._rows["revision"] > 0)

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """All that it remembers."""
        told = [[*of, how.revision, how.final] for of, how in self.told.items()]
        plain = {"first": self.first, "units": list(self.units), "stirred": self.stirred, "told": told}
        return {**plain, "rows": self._rows.snapshot(copy)}

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> Window:
        """Take up what `snapshot` gave."""
        window = cls(int(saved["first"]))
        window.units = list(saved["units"])
        window.told = {(place, name): Standing(revision, bool(final)) for place, name, revision, final in saved["told"]}
        window.stirred = saved["stirred"]
        window._rows.restore(saved["rows"])
        return window
