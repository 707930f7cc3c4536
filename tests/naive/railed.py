"""The slow, obvious twin of detectors.anomaly.railed: one row, all ordinary values kept, after its docstring."""

from __future__ import annotations

import math
from itertools import groupby, pairwise

from detectors.anomaly.railed import Railed

WELL_KNOWN = {float("9" * n) for n in range(3, 16)} | {7999.0, 6999.0}
POWERS = {float(2**n - less) for n in range(10, 50) for less in (0, 1)}


def even_hundred(size: float) -> bool:
    """100, 200 .. 900, 1000, 2000 and so on."""
    digits = str(int(size)) if size < 1e15 and size == int(size) else "0"
    return len(digits) >= 3 and set(digits[1:]) == {"0"}


class NaiveRailed:
    """One row. `judge` gives the score."""

    def __init__(self, options: Railed):
        self.options = options
        self.values: list[float] = []  # ordinary ones
        self.said: list[tuple[float, bool]] = []  # all numbers, and whether each was to be learned
        self.codes: dict[str, float] = {}
        self.held: list[float] = []

    def judge(self, x: float, learn: bool) -> tuple[float, float]:
        """Score and warm."""
        o, warm = self.options, min(len(self.values) / self.options.warmup, 1.0)
        if not abs(x) < 1e100:
            return math.nan, warm
        before = self.said[-1][0] if self.said else math.nan
        self.said.append((x, learn))
        if x in self.codes.values():
            return 2.0, warm
        if warm >= 1:
            low, high = min(self.values), max(self.values)
            if self._coded(x, before, low, high):
                if learn:
                    self.codes["low" if x < low else "high"] = x
                return 2.0, warm
            if self._far(x, low, high, o.apart):
                told = self._again(x, low, high, learn)
                if told is not None:
                    return told, warm
                self.held = []
        score = self._end(x) if warm >= 1 or len(self._runs()) > 50 else 0.0
        if learn:
            if not self.values or x < min(self.values):
                self._clear("low", x)
            if not self.values or x > max(self.values):
                self._clear("high", x)
            self.values.append(x)
        return (score if warm >= 1 else (score or math.nan)), warm

    def _clear(self, side: str, x: float) -> None:
        code = self.codes.get(side, x)
        if (side == "low" and x < code) or (side == "high" and x > code):
            del self.codes[side]

    @staticmethod
    def _far(x: float, low: float, high: float, times: float) -> bool:
        span = max(high - low, abs(high), abs(low))
        return x < low - times * span or x > high + times * span

    def _coded(self, x: float, before: float, low: float, high: float) -> bool:
        size = abs(x)
        if low <= x <= high:
            return False
        if (size in WELL_KNOWN or size >= 1e30) and abs(x - before) > 0.1 * size:
            return True
        negative = x < 0 <= low
        far = self._far(x, low, high, self.options.apart)
        looks = (
            size in POWERS or size in WELL_KNOWN - {7999.0, 6999.0} or size == 99 or (negative and even_hundred(size))
        )
        return (far or negative) and looks

    def _again(self, x: float, low: float, high: float, learn: bool) -> float | None:
        """What is said of a value far away that looks like nothing: a third of 1 each time it comes."""
        if self.held and self.held[0] == x:
            self.held.append(x)
            if len(self.held) < 3:
                return len(self.held) / 3
            if learn:
                self.codes["low" if x < low else "high"] = x
                self.held = []
            return 2.0
        if not self.held and self._far(x, low, high, 10):
            self.held = [x]
            return 1 / 3
        return None

    def _runs(self) -> list[list[tuple[float, bool]]]:
        return [list(run) for _, run in groupby(self.said, key=lambda pair: pair[0])]

    def _end(self, x: float) -> float:
        """How long the run at an end of the range is, against the longest that has ended."""
        runs = self._runs()
        # a run is learned at the reading that ends it, if that one is to be learned
        ended = [len(run) for run, following in pairwise(runs) if following[0][1]]
        ended_count = len(ended) + bool(self.said[0][1])  # the very first reading ends nothing, yet counts
        here = len(runs[-1])
        if ended_count < 50 or here < 2 or x in (0.0, 1.0, 100.0) or min(self.values) < x < max(self.values):
            return 0.0
        return here / max(self.options.after, 2 * max(ended, default=0))
