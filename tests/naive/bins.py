"""The slow, obvious twin of `streams.bins`: one reading of one series at a time, by the rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
GATED, UNKNOWN = -1, -2


class Bin(NamedTuple):
    """A bin that was closed."""

    row: int
    time: int
    mean: float
    count: int
    learn: bool
    clock: int
    due: bool


@dataclass
class Open:
    """A bin that is open."""

    row: int
    end: int
    span: int
    first: int
    cut: bool
    due: int = 0
    good: list[float] = field(default_factory=list)
    uncertain: list[float] = field(default_factory=list)


class NaiveBins:
    """The bins of one series; `every` in ns or "auto", `wait` and `interval` (as declared) in ns or None."""

    def __init__(self, every: Any, wait: int | None = None, interval: int | None = None) -> None:
        self.auto = every == "auto"
        self.length = MINUTE if self.auto else every
        self.wait, self.interval = wait, interval
        self.intervals: list[int] = []
        self.open: Open | None = None
        self.last_time: int | None = None
        self.last_mode = UNKNOWN
        self.reach: int | None = None
        self.closed_upto: int | None = None
        self.closed: list[Bin] = []
        self.step: tuple[int, int] | None = None  # the last one, and the time of its first reading

    def pass_to(self, clock: int) -> None:
        """Let the clock go on."""
        if self.open is not None and self.open.due <= clock:
            self._close(self.open.end, self.open.due, True, cut_off=False)

    def put(self, time: int, value: float, step: int, clock: int, enters: bool, good: bool, mode: int) -> bool:
        """Take a reading; whether it has entered a bin."""
        self.pass_to(clock)
        self._learn(time)
        if self.step is None or self.step[0] != step:
            self.step = (step, time)
        if mode == UNKNOWN:
            mode = self.last_mode
        native = self.auto and self.interval is not None and self.interval >= MINUTE * 9 // 10
        end = time if native else -(-time // self.length) * self.length
        if self.reach is not None:
            end = max(end, self.reach)
        span = 0 if native and end == time else self.length
        if self.open is not None:
            if end > self.open.end:
                self._close(self.open.end, clock, False, cut_off=False)
            elif mode != self.open.row:
                self._close(time, clock, False, cut_off=True)
        entered = enters and (self.closed_upto is None or time > self.closed_upto)
        if entered:
            if self.open is None:
                cut = (
                    self.last_mode not in (mode, UNKNOWN) and self.last_time is not None and self.last_time > end - span
                )
                self.open = Open(mode, end, span, time, cut)
            (self.open.good if good else self.open.uncertain).append(value)
            self.open.due = end + (clock - self.step[1]) + self._wait()
        if self.open is not None and time >= self.open.end:
            self._close(self.open.end, clock, False, cut_off=False)
        self.last_time, self.last_mode, self.reach = time, mode, end
        return entered

    def _learn(self, time: int) -> None:
        wanted = self.auto or self.wait is None
        if wanted and self.interval is None and self.last_time is not None:
            self.intervals.append(time - self.last_time)
            if len(self.intervals) == 20:
                self.interval = sorted(self.intervals)[10]

    def _wait(self) -> int:
        if self.wait is not None:
            return self.wait
        if self.interval is None:
            return int(self.length)
        return int(min(max(self.interval, MINUTE), self.length))

    def _close(self, time: int, clock: int, due: bool, cut_off: bool) -> None:
        bin_, self.open = self.open, None
        assert bin_ is not None
        if not cut_off:
            self.closed_upto = bin_.end
        if (bin_.cut or cut_off) and 2 * (time - bin_.first) < bin_.span:
            return
        values, total = bin_.good or bin_.uncertain, 0.0
        for value in values:
            total += value
        mean = total / len(values)
        self.closed.append(Bin(bin_.row, time, mean, len(values), bool(bin_.good), clock, due))
