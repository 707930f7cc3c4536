"""Windows: which of them are to be told of, how they stand, and what their cells add up to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.efficiency.account import Account
from detectors.efficiency.machine_state import STATES, MachineState
from detectors.efficiency.spans import cut
from schemas.kpi import Status
from streams.arrays import UNSEEN
from streams.kpi.aside import Aside, aside_of
from streams.kpi.book import Book, Page
from streams.kpi.booked import Booked
from streams.kpi.grid import Grid, Window
from streams.maintenance import Span
from streams.segment import Bools, Ints

Floats = NDArray[np.float64]


class Told(NamedTuple):
    """A window as it stands now."""

    machine: int
    window: Window
    status: Status
    revision: int
    until: int  # event time up to which it is known, the window's end where it is final
    rows: list[int]


class Rows(NamedTuple):
    """The k rows of the sums that n windows add up, each of one product; and states that still last."""

    owner: Ints  # (k,) the window
    product: Ints
    planned: Bools  # whether machines were to be busy then
    producing: Ints  # (k,) ns
    parts: Floats  # (k, 3) total, good, rejected
    kwh: Floats  # (k,)


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
    starting: Floats  # (m, 3) of these, those made at start-up
    booked: Booked  # the cells behind them, planned or not
    rows: Rows
    aside: Aside | None  # where there are utilities


class _Lasting(NamedTuple):
    """Planned time in which machines still produce; (j,) each."""

    owner: Ints
    product: Ints
    producing: Ints  # ns


class Windows:
    """The windows of all machines of an account."""

    def __init__(
        self, grid: Grid, account: Account, grace: int, asset_of: Callable[[int], str] = lambda machine: ""
    ) -> None:
        self.grid, self.account, self.grace, self._asset_of = grid, account, grace, asset_of
        self.utilities = False  # whether some machines are compressors or chillers
        self._book: Book[int] = Book()
        self._rows: dict[tuple[int, Window], list[int]] = {}  # of the sums
        self._at = np.zeros(0, dtype=np.int64)  # frontier when it was last told of

    def due(self, frontier: Ints, clock: int) -> list[Told]:
        """Windows of which there is something new at a clock; `frontier` as of each machine, ns."""
        dirty: dict[tuple[int, Window], None] = {}
        sums = self.account.sums
        for row in sums.touched_rows().tolist():
            for window in self.grid.windows(int(sums["cell"][row])):
                key = int(sums["machine"][row]), window
                if self._book.page(*key, clock) is not None:
                    rows = self._rows.setdefault(key, [])
                    if row not in rows:
                        rows.append(row)
                    dirty[key] = None
        self._at = np.append(self._at, np.full(len(frontier) - len(self._at), UNSEEN))
        for machine in np.flatnonzero(frontier > self._at).tolist():
            for window in self.grid.windows(self.grid.cell(int(frontier[machine]))):
                if self._book.page(machine, window, clock) is not None:
                    dirty[machine, window] = None
        self._at = frontier.copy()
        out = []
        for key in sorted({*dirty, *self._book.open}):
            machine, window = key
            closes = frontier[machine] >= window.end or self._book.over(key, clock, self.grace)
            if key not in dirty and not closes:
                continue
            until = window.end if closes else min(max(int(frontier[machine]), window.start), window.end)
            status = self._book.tell(key, closes)
            out.append(Told(machine, window, status, self._book.pages[key].revision, until, self._rows.get(key, [])))
        return out

    def final(self, machine: int, window: Window) -> bool | None:
        """Whether a machine's window is final, None where it said nothing in it."""
        page = self._book.pages.get((machine, window))
        return None if page is None else page.final

    def part(self, machine: int, window: Window, frontier: Ints, over: bool) -> Told:
        """A machine's window as it stands, whether there is news of it or not; `over`: nothing more is waited for."""
        page = self._book.pages.get((machine, window)) or Page()
        ends = over or page.final
        until = window.end if ends else min(max(int(frontier[machine]), window.start), window.end)
        status: Status = "final" if page.final else "provisional"
        return Told(machine, window, status, page.revision, until, self._rows.get((machine, window), []))

    def totals(self, told: list[Told]) -> Totals:
        """What windows add up to."""
        sums, n = self.account.sums, len(told)
        rows = np.array([row for one in told for row in one.rows], dtype=np.int64)
        owner = np.repeat(np.arange(n), [len(one.rows) for one in told])
        # sums of floats show their order: that of the cells, and not that in which batches made their rows
        order = np.lexsort((sums["product"][rows], sums["cell"][rows], owner))
        rows, owner = rows[order], owner[order]
        closed = self._maintenance(told)
        cells = zip(sums["cell"][rows].tolist(), sums["machine"][rows].tolist(), strict=True)
        planned = np.array([self.grid.planned(cell, closed[machine]) for cell, machine in cells], dtype=bool)
        # machines share their windows: what is planned is worked out once
        spans = [(one.window.start, one.until, closed[one.machine]) for one in told]
        planned_ns = {span: self.grid.planned_ns(*span) for span in set(spans)}
        time = np.zeros((n, STATES), dtype=np.int64)
        np.add.at(time, owner[planned], sums["time"][rows[planned]])
        aside = aside_of(sums, rows, owner, planned, n) if self.utilities else None
        lasting = self._add_open(told, time, closed, aside)
        producing = np.append(sums["time"][rows, MachineState.PRODUCING], lasting.producing)

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
            starting=sums.picked("starting", rows[planned]),
            booked=Booked(owner, sums["cell"][rows], sums["kwh"][rows]),
            rows=Rows(
                np.append(owner, lasting.owner),
                np.append(sums["product"][rows], lasting.product),
                np.append(planned, np.ones(len(lasting.owner), dtype=bool)),
                producing,
                np.append(sums["parts"][rows], np.zeros((len(lasting.owner), 3)), axis=0),
                np.append(sums["kwh"][rows].sum(axis=1), np.zeros(len(lasting.owner))),
            ),
            aside=aside,
        )

    def _maintenance(self, told: list[Told]) -> dict[int, tuple[Span, ...]]:
        """The maintenance of the machines that are told of."""
        return {machine: self.grid.maintenance.of(self._asset_of(machine)) for machine in {one.machine for one in told}}

    def _add_open(
        self, told: list[Told], time: Ints, closed: dict[int, tuple[Span, ...]], aside: Aside | None
    ) -> _Lasting:
        """Add the state that a machine is still in, which is booked only when its next one is known.

        Gives the planned time for which machines still produce, by product.
        """
        machine = np.array([one.machine for one in told], dtype=np.int64)
        state, since, ends = self.account.in_force(machine)
        low = np.maximum(since, [one.window.start for one in told])
        high = np.minimum(ends, [one.until for one in told])
        at = np.flatnonzero((state > 0) & (high > low))
        if not len(at):
            return _Lasting(*np.zeros((3, 0), dtype=np.int64))
        pieces = cut(low[at], high[at], self.grid.edges(int(low[at].min()), int(high[at].max())))
        owners = zip(pieces.cell.tolist(), machine[at[pieces.span]].tolist(), strict=True)
        busy = np.array([self.grid.planned(cell, closed[one]) for cell, one in owners], dtype=bool)
        if aside is not None:
            rest = at[pieces.span[~busy]]
            np.add.at(aside.time, (rest, state[rest]), (pieces.high - pieces.low)[~busy])
        of = at[pieces.span[busy]]
        low, high = pieces.low[busy], pieces.high[busy]
        np.add.at(time, (of, state[of]), high - low)
        runs = np.flatnonzero(state[of] == MachineState.PRODUCING).tolist()
        found = [
            (of[i], product, b - a)
            for i in runs
            for a, b, product in self.account.products[machine[of[i]]].over(int(low[i]), int(high[i]))
        ]
        return _Lasting(*np.array(found, dtype=np.int64).reshape(-1, 3).T)

    def next_due(self) -> int | None:
        """The clock at which the next window closes though its machine is silent, None where all are final."""
        return min((self._book.closes(key, self.grace) for key in self._book.open), default=None)

    def forget(self, before: int) -> None:
        """Let go of final windows that ended before a time, and of the sums that no window needs any more."""
        self._book.forget(before)
        self._rows = {key: rows for key, rows in self._rows.items() if key in self._book.pages}
        sums = self.account.sums
        kept = sorted({row for rows in self._rows.values() for row in rows})
        if len(kept) == len(sums.of):
            return
        place = dict(zip(kept, range(len(kept)), strict=True))
        sums.keep(np.array(kept, dtype=np.int64))
        self._rows = {key: [place[row] for row in rows] for key, rows in self._rows.items()}

    def snapshot(self) -> dict[str, Any]:
        """How windows stand; which rows are whose follows from the sums."""
        return {**self._book.snapshot(), "at": self._at.copy()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave, behind the account."""
        self._book.restore(saved)
        self._rows, self._at = {}, saved["at"].copy()
        sums = self.account.sums
        for row, (machine, cell) in enumerate(zip(sums["machine"].tolist(), sums["cell"].tolist(), strict=True)):
            for window in self.grid.windows(cell):
                if (machine, window) in self._book.pages:
                    self._rows.setdefault((machine, window), []).append(row)
