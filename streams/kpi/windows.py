"""Windows: which of them are to be told of, how they stand, and what their cells add up to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.account import Account
from detectors.efficiency.machine_state import STATES
from detectors.efficiency.spans import cut
from streams.arrays import UNSEEN
from streams.kpi.grid import Grid, Window
from streams.maintenance import Span
from streams.segment import Ints

Floats = NDArray[np.float64]
Status = Literal["provisional", "final", "restated"]


@dataclass
class _Book:
    """One window of one machine."""

    rows: list[int] = field(default_factory=list)  # of the sums
    revision: int = 0
    final: bool = False
    first: int = UNSEEN  # the log's clock when it was first told of


class Told(NamedTuple):
    """A window as it stands now."""

    machine: int
    window: Window
    status: Status
    revision: int
    until: int  # event time up to which it is known, the window's end where it is final
    rows: list[int]


class Totals(NamedTuple):
    """What n windows add up to."""

    window: Ints  # (n,) ns of the window
    planned: Ints  # (n,) ns that machines were to be busy, up to `until`
    elapsed: Ints  # (n,) ns up to `until`
    time: Ints  # (n, STATES) ns in each state, in planned cells
    parts: Floats  # (n, 3) total, good, rejected; in planned cells
    all_parts: Floats  # (n, 3) in all cells
    kwh: Floats  # (n, STATES)
    kvarh: Floats
    estimated: Floats
    metered: Ints  # (n,) ns for which energy is known
    counted: Ints  # (n,) ns for which parts are known
    product: Ints  # (m,) of each part, by product
    owner: Ints  # (m,) its window
    made: Floats  # (m, 3) total, good, rejected, in planned cells


class Windows:
    """The windows of all machines of an account."""

    def __init__(
        self, grid: Grid, account: Account, grace: int, asset_of: Callable[[int], str] = lambda machine: ""
    ) -> None:
        self.grid, self.account, self.grace, self._asset_of = grid, account, grace, asset_of
        self._books: dict[tuple[int, Window], _Book] = {}
        self._open: dict[tuple[int, Window], None] = {}  # those that are not final
        self._at = np.zeros(0, dtype=np.int64)  # frontier when it was last told of

    def due(self, frontier: Ints, clock: int, provisional: bool = True) -> list[Told]:
        """Windows of which there is something new at a clock; `frontier` as of each machine, ns.

        Without `provisional`, those that are not over are passed over, and counted in their revision all the same.
        """
        dirty: dict[tuple[int, Window], None] = {}
        sums = self.account.sums
        for row in sums.touched_rows().tolist():
            for window in self.grid.windows(int(sums["cell"][row])):
                key = int(sums["machine"][row]), window
                book = self._book(key, clock)
                if row not in book.rows:
                    book.rows.append(row)
                dirty[key] = None
        self._at = np.append(self._at, np.full(len(frontier) - len(self._at), UNSEEN))
        for machine in np.flatnonzero(frontier > self._at).tolist():
            for window in self.grid.windows(self.grid.cell(int(frontier[machine]))):
                self._book((machine, window), clock)
                dirty[machine, window] = None
        self._at = frontier.copy()
        out = []
        for key in sorted({*dirty, *self._open}):
            machine, window = key
            book = self._books[key]
            closes = frontier[machine] >= window.end or clock >= max(window.end, book.first) + self.grace
            if key not in dirty and not closes:
                continue
            status: Status = "restated" if book.final else "final" if closes else "provisional"
            book.revision += 1
            if closes:
                book.final = True
                self._open.pop(key, None)
            if status == "provisional" and not provisional:
                continue
            until = window.end if closes else min(max(int(frontier[machine]), window.start), window.end)
            out.append(Told(machine, window, status, book.revision, until, book.rows))
        return out

    def _book(self, key: tuple[int, Window], clock: int) -> _Book:
        book = self._books.get(key)
        if book is None:
            book = self._books[key] = _Book(first=clock)
            self._open[key] = None
        return book

    def totals(self, told: list[Told]) -> Totals:
        """What windows add up to."""
        sums, n = self.account.sums, len(told)
        rows = np.array([row for one in told for row in one.rows], dtype=np.int64)
        owner = np.repeat(np.arange(n), [len(one.rows) for one in told])
        closed = self._maintenance(told)
        cells = zip(sums["cell"][rows].tolist(), sums["machine"][rows].tolist(), strict=True)
        planned = np.array([self.grid.planned(cell, closed[machine]) for cell, machine in cells], dtype=bool)
        # machines share their windows: what is planned is worked out once
        spans = [(one.window.start, one.until, closed[one.machine]) for one in told]
        planned_ns = {span: self.grid.planned_ns(*span) for span in set(spans)}
        time = np.zeros((n, STATES), dtype=np.int64)
        np.add.at(time, owner[planned], sums["time"][rows[planned]])
        self._add_open(told, time, closed)

        def total(name: str, which: Any = slice(None)) -> NDArray[Any]:
            of = sums[name]
            out = np.zeros((n, *of.shape[1:]), dtype=of.dtype)
            np.add.at(out, owner[which], of[rows[which]])
            return out

        return Totals(
            window=np.array([one.window.end - one.window.start for one in told], dtype=np.int64),
            planned=np.array([planned_ns[span] for span in spans], dtype=np.int64),
            elapsed=np.array([one.until - one.window.start for one in told], dtype=np.int64),
            time=time,
            parts=total("parts", planned),
            all_parts=total("parts"),
            kwh=total("kwh"),
            kvarh=total("kvarh"),
            estimated=total("estimated"),
            metered=total("metered"),
            counted=total("counted"),
            product=sums["product"][rows[planned]],
            owner=owner[planned],
            made=sums["parts"][rows[planned]],
        )

    def _maintenance(self, told: list[Told]) -> dict[int, tuple[Span, ...]]:
        """The maintenance of the machines that are told of."""
        return {machine: self.grid.maintenance.of(self._asset_of(machine)) for machine in {one.machine for one in told}}

    def _add_open(self, told: list[Told], time: Ints, closed: dict[int, tuple[Span, ...]]) -> None:
        """Add the state that a machine is still in, which is booked only when its next one is known."""
        machine = np.array([one.machine for one in told], dtype=np.int64)
        state, since, ends = self.account.in_force(machine)
        low = np.maximum(since, [one.window.start for one in told])
        high = np.minimum(ends, [one.until for one in told])
        at = np.flatnonzero((state > 0) & (high > low))
        if not len(at):
            return
        pieces = cut(low[at], high[at], self.grid.edges(int(low[at].min()), int(high[at].max())))
        owners = zip(pieces.cell.tolist(), machine[at[pieces.span]].tolist(), strict=True)
        busy = np.array([self.grid.planned(cell, closed[one]) for cell, one in owners], dtype=bool)
        of = at[pieces.span[busy]]
        np.add.at(time, (of, state[of]), (pieces.high - pieces.low)[busy])

    def next_due(self) -> int | None:
        """The clock at which the next window closes though its machine is silent, None where all are final."""
        ends = (max(key[1].end, self._books[key].first) for key in self._open)
        end = min(ends, default=None)
        return None if end is None else end + self.grace

    def forget(self, before: int) -> None:
        """Let go of final windows that ended before a time, and of the sums that no window needs any more."""
        for key in [key for key, book in self._books.items() if book.final and key[1].end <= before]:
            del self._books[key]
        sums = self.account.sums
        kept = sorted({row for book in self._books.values() for row in book.rows})
        if len(kept) == len(sums.of):
            return
        place = dict(zip(kept, range(len(kept)), strict=True))
        sums.keep(np.array(kept, dtype=np.int64))
        for book in self._books.values():
            book.rows = [place[row] for row in book.rows]

    def snapshot(self) -> dict[str, Any]:
        """How windows stand; which rows are whose follows from the sums."""
        books = [
            [machine, *window, book.revision, book.final, book.first] for (machine, window), book in self._books.items()
        ]
        return {"books": books, "at": self._at.copy()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave, behind the account."""
        self._books, self._open, self._at = {}, {}, saved["at"].copy()
        for machine, kind, start, end, shift, revision, final, first in saved["books"]:
            key = machine, Window(kind, start, end, shift)
            self._books[key] = _Book([], revision, final, first)
            if not final:
                self._open[key] = None
        sums = self.account.sums
        for row, (machine, cell) in enumerate(zip(sums["machine"].tolist(), sums["cell"].tolist(), strict=True)):
            for window in self.grid.windows(cell):
                if (book := self._books.get((machine, window))) is not None:
                    book.rows.append(row)
