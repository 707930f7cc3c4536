"""Lines: which machines make which line, and which of its windows are to be told of."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np

from detectors.base import NEVER
from detectors.efficiency.account import Account
from detectors.efficiency.bottleneck import active_since
from detectors.efficiency.machine_state import MachineState
from schemas.kpi import Status
from schemas.partition import key_of, level_names
from streams.arrays import UNSEEN
from streams.kpi.book import Book
from streams.kpi.grid import Window
from streams.kpi.line_options import LineOptions, entry_of
from streams.kpi.options import MachineOptions
from streams.kpi.signals import Signals
from streams.kpi.windows import Told, Windows
from streams.segment import Bools, Ints

ACTIVE = frozenset({MachineState.PRODUCING.value, MachineState.DOWN.value, MachineState.SETUP.value})
"""States in which nothing but the machine itself holds it up: neither starved, blocked, idle nor stopped by plan."""


class Line(NamedTuple):
    """A line as far as its machines are known, in the order of the flow."""

    path: str
    options: LineOptions
    machines: list[int]  # those that were heard, by number
    unheard: list[MachineOptions]  # of those that were not, what they would say
    ends: bool  # the last machine of the flow was heard


class LineTold(NamedTuple):
    """A line's window as it stands now."""

    line: Line
    window: Window
    status: Status
    revision: int
    until: int  # event time up to which all machines are known, the window's end where it is final
    parts: list[Told]  # the same window of its machines, each as far as it is known


class Lines:
    """The lines of one engine.

    A line's window is told of when one of its machines' is. It is final when all of theirs are; a machine that said
    nothing in it is waited for as long as one that fell silent, `grace` past its end.
    """

    def __init__(self, windows: Windows, signals: Signals) -> None:
        self.windows, self.signals = windows, signals
        self._entries: list[LineOptions] = []
        self._lines: dict[str, Line] = {}
        self._line_of: list[str] = []  # of each machine the line's path; empty: of none
        self._members: dict[str, list[int]] = {}  # of each line its machines, in order of name
        self._known = -1  # machines that these two are of
        self._heard: Bools | None = None  # machines that the lines are made of
        self._book: Book[str] = Book()
        self._began = np.zeros(0, dtype=np.int64)

    @property
    def active(self) -> bool:
        """Whether there are any."""
        return bool(self._entries)

    def configure(self, entries: list[LineOptions]) -> None:
        """Take up the site's [[line]] entries, behind the machines'; windows of lines that no entry fits any more are
        forgotten."""
        self._entries, self._known = entries, -1
        self._book.keep(lambda path: entry_of(entries, path) is not None)

    def _know(self) -> None:
        """Take up machines that the signals have got to know: of a segment all at once, so they count when heard."""
        signals = self.signals
        if self._known == len(signals.assets):
            return
        self._known, self._heard = len(signals.assets), None
        self._line_of = ["" for _ in signals.assets]
        members: dict[str, list[int]] = {}
        for number, (asset, options) in enumerate(zip(signals.assets, signals.options, strict=True)):
            path = _path(asset)
            if path and options is not None and entry_of(self._entries, path) is not None:
                members.setdefault(path, []).append(number)
                self._line_of[number] = path
        self._members = {path: sorted(of, key=signals.assets.__getitem__) for path, of in members.items()}

    def _hear(self, heard: Bools) -> None:
        """Make lines of the machines of which something is booked, (machines,)."""
        self._know()
        if self._heard is not None and np.array_equal(self._heard, heard):
            return
        self._heard, self._lines = heard, {}
        for path, numbers in self._members.items():
            options = entry_of(self._entries, path)
            assert options is not None
            self._lines[path] = self._line(path, options, [number for number in numbers if heard[number]])

    def _line(self, path: str, options: LineOptions, heard: list[int]) -> Line:
        if options.machines is None:
            return Line(path, options, heard, [], True)
        named = {level_names(self.signals.assets[number])[3]: number for number in heard}
        missing = [self.signals.entry(f"{path}/{name}") for name in options.machines if name not in named]
        machines = [named[name] for name in options.machines if name in named]
        unheard = [entry for entry in missing if entry is not None]
        return Line(path, options, machines, unheard, options.machines[-1] in named)

    def due(self, told: list[Told], frontier: Ints, clock: int) -> list[LineTold]:
        """Windows of lines to be told of at a clock, where `told` are those of machines, `frontier` as of each, ns."""
        if not self._entries:
            return []
        self._hear(frontier != UNSEEN)
        dirty = {(path, one.window) for one in told if (path := self._line_of[one.machine])}
        out = []
        for key in sorted({*dirty, *self._book.open}):
            line, window = self._lines.get(key[0]), key[1]
            page = self._book.page(*key, clock) if line is not None and line.machines else None
            if line is None or page is None:
                continue
            closes = self._closes(line, window, clock)
            if key not in dirty and not closes:
                continue
            status = self._book.tell(key, closes)
            until = window.end if page.final else self._until(line, window, frontier, clock)
            parts = [self.windows.part(machine, window, frontier, page.final) for machine in line.machines]
            out.append(LineTold(line, window, status, page.revision, until, parts))
        return out

    def _closes(self, line: Line, window: Window, clock: int) -> bool:
        stands = [self.windows.final(machine, window) for machine in line.machines]
        over = self._book.over((line.path, window), clock, self.windows.grace)
        return False not in stands and (over or (None not in stands and not line.unheard))

    def _until(self, line: Line, window: Window, frontier: Ints, clock: int) -> int:
        """How far all machines are known: what a silent one did not say until `grace` ago it has not to say."""
        of = frontier[line.machines]
        until = min(int(of.max()), max(int(of.min()), clock - self.windows.grace))
        return min(max(until, window.start), window.end)

    def next_due(self) -> int | None:
        """The clock at which a window closes though machines said nothing in it, None where none waits for that."""
        self._know()
        ends = []
        for path, window in self._book.open:
            stands = [self.windows.final(machine, window) for machine in self._members.get(path, [])]
            if stands and False not in stands:
                ends.append(self._book.closes((path, window), self.windows.grace))
        return min(ends, default=None)

    def since(self, machine: int) -> int:
        """When the active period of a machine began that was running where its timeline begins, NEVER: none was."""
        return int(self._began[machine]) if machine < len(self._began) else NEVER

    def forget(self, before: int, account: Account) -> None:
        """Let go of final windows that ended before a time; ahead of the account, whose timelines are cut there."""
        self._book.forget(before)
        if not self._entries:
            return
        self._began = _padded(self._began, account.machines)
        for machine, timeline in enumerate(account.states):
            if (place := bisect_right(timeline.times, before) - 1) > 0:
                at = timeline.times[place] - 1
                self._began[machine] = active_since(timeline, ACTIVE, self.since(machine), at)

    def snapshot(self) -> dict[str, Any]:
        """How windows stand, and how long machines had been active where their timelines begin."""
        return {**self._book.snapshot(), "began": _padded(self._began, len(self.signals.assets))}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave, behind the signals."""
        self._known = -1
        self._began = np.array(saved["began"], dtype=np.int64)
        self._book.restore(saved)


def _path(asset: str) -> str:
    """The line that a machine is of; empty where its path has none."""
    path = key_of(asset).decode()
    return "" if path == asset else path


def _padded(began: Ints, n: int) -> Ints:
    return np.append(began, np.full(max(n - len(began), 0), NEVER, dtype=np.int64))
