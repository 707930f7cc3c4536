"""Mutes: which series are not judged by which watches for the time being, by the log's clock."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from streams.results import SeriesRef
from streams.segment import Bools

MOST = 1000
"""Mutes in force on a partition at most."""


class Rule(NamedTuple):
    """The target of a mute: globs over assets, series and watches."""

    asset: str
    series: str
    watch: str


def matching(refs: Sequence[SeriesRef], asset: str, series: str) -> tuple[Bools, Bools]:
    """(rows,) which series two globs take, and which are of an asset that the first takes.

    Each path and each name is looked at once: there may be a hundred thousand series.
    """
    by_path = {path: fnmatchcase(path, asset) for path in {ref.path for ref in refs}}
    by_name = {name: fnmatchcase(name, series) for name in {ref.series for ref in refs}}
    assets = np.array([by_path[ref.path] for ref in refs], dtype=bool)
    return assets & np.array([by_name[ref.series] for ref in refs], dtype=bool), assets


class Mutes:
    """The mutes in force, each with its end. A mute also takes series that appear later.

    >>> from schemas.partition import level_names
    >>> refs = [SeriesRef(a, *level_names(a), s) for a, s in (("l1/m1", "temp"), ("l1/m2", "temp"))]
    >>> mutes = Mutes()
    >>> mutes.put(Rule("l1/m1", "*", "limits"), until=60)
    >>> mutes.mask("limits", refs).tolist(), mutes.mask("gap", refs)
    ([True, False], None)
    """

    def __init__(self) -> None:
        self._until: dict[Rule, int] = {}
        self._rows: dict[Rule, tuple[Bools, Bools]] = {}  # by roster row: series taken, assets taken; a cache
        self._masks: dict[tuple[str, bool], Bools | None] = {}  # a cache
        self._known = 0  # roster rows that the masks are of

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, rule: Rule) -> bool:
        return rule in self._until

    def put(self, rule: Rule, until: int) -> None:
        """Mute until the clock reaches `until`, in place of an earlier mute of the same target."""
        self._until[rule] = until
        self._masks = {}

    def lift(self, *rules: Rule) -> None:
        """End mutes that are in force."""
        for rule in rules:
            del self._until[rule]
            self._rows.pop(rule, None)
        self._masks = {}

    def next_end(self) -> int | None:
        """The clock at which the first of them ends; None where there is none."""
        return min(self._until.values(), default=None)

    def ended(self, clock: int) -> list[Rule]:
        """Those whose end a clock has reached."""
        return [rule for rule, until in self._until.items() if until <= clock]

    def in_force(self) -> dict[Rule, int]:
        """Those in force, each with its end."""
        return dict(self._until)

    def targets(self) -> list[Rule]:
        """Targets of those in force, in the order in which they were given."""
        return list(self._until)

    def mask(self, watch: str, refs: Sequence[SeriesRef], joint: bool = False) -> Bools | None:
        """(rows,) which series a watch does not judge now; None where no mute concerns it.

        The verdicts of a joint watch stand under its own name as series: a mute of that one takes all its inputs.
        """
        if not self._until:
            return None
        if self._known != len(refs):
            self._known, self._masks = len(refs), {}
        if (watch, joint) not in self._masks:
            found = [self.taken(rule, watch, refs, joint) for rule in self._until if fnmatchcase(watch, rule.watch)]
            self._masks[watch, joint] = np.logical_or.reduce(found) if found else None
        return self._masks[watch, joint]

    def taken(self, rule: Rule, watch: str, refs: Sequence[SeriesRef], joint: bool) -> Bools:
        """(rows,) which series a rule takes for a watch."""
        if not fnmatchcase(watch, rule.watch):
            return np.zeros(len(refs), dtype=bool)
        series, assets = self._rows_of(rule, refs)
        return assets if joint and fnmatchcase(watch, rule.series) else series

    def _rows_of(self, rule: Rule, refs: Sequence[SeriesRef]) -> tuple[Bools, Bools]:
        none = np.zeros(0, dtype=bool)
        known = self._rows.get(rule, (none, none))
        if len(known[0]) < len(refs):
            series, assets = matching(refs[len(known[0]) :], rule.asset, rule.series)
            known = np.concatenate((known[0], series)), np.concatenate((known[1], assets))
            if rule in self._until:
                self._rows[rule] = known
        return known

    def snapshot(self) -> list[Any]:
        """Plain data."""
        return [[*rule, until] for rule, until in self._until.items()]

    def restore(self, saved: list[Any]) -> None:
        """Take up what `snapshot` gave."""
        self._until = {Rule(asset, series, watch): int(until) for asset, series, watch, until in saved}
        self._rows, self._masks = {}, {}
