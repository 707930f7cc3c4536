"""The forecast of one meter's demand window, from lists, after the docstring of detectors.efficiency.demand."""

from __future__ import annotations

import math
from typing import NamedTuple

NAN = math.nan


class Seen(NamedTuple):
    """A window that has closed."""

    kwh: list[float]
    before: tuple[float, float]


class NaiveDemand:
    """One meter. `take` gives (end, low, high) of the window in kWh."""

    def __init__(self, slots: int, memory: int, neighbours: int) -> None:
        self.slots, self.memory, self.neighbours = slots, memory, neighbours
        self.places: list[Seen] = []
        self.seen = 0
        self.widen = [1.0] * slots
        self.halves = (NAN, NAN)
        self.open: list[float] = []
        self.given: dict[int, tuple[float, float]] = {}

    def take(self, slot: int, kwh: float, asked: bool = True) -> tuple[float, float, float]:
        if slot == 0 or slot < len(self.open):
            if self.open:
                self.halves = (NAN, NAN)
            self.open, self.given = [], {}
        while len(self.open) < slot:
            self.open.append(NAN)
        self.open.append(kwh)
        passed = self.cumulated(self.open, slot)
        end, low, high = passed * self.slots / (slot + 1), NAN, NAN
        if slot == self.slots - 1:
            low = high = passed
        elif asked and passed > 0 and len(self.places) >= self.neighbours:
            said = self.compare(slot, passed)
            if said is not None:
                end, low, high = said
                self.given[slot] = (low, high)
        if slot == self.slots - 1:
            self.close()
        return end, low, high

    @staticmethod
    def cumulated(kwh: list[float], slot: int) -> float:
        total = 0.0
        for v in kwh[: slot + 1]:
            total = total + v
        return total

    def traits(self, kwh: list[float], before: tuple[float, float], slot: int) -> list[float]:
        passed, recent = self.cumulated(kwh, slot), max(1, (slot + 1) // 3)
        earlier = self.cumulated(kwh, slot - recent) if slot >= recent else 0.0
        return [passed / (slot + 1), (passed - earlier) / recent, *before]

    def compare(self, slot: int, passed: float) -> tuple[float, float, float] | None:
        ours = self.traits(self.open, self.halves, slot)
        found = []
        for place, window in enumerate(self.places):
            of_then = self.cumulated(window.kwh, slot)
            if of_then > 0:
                away = 0.0
                for weight, a, b in zip((1.0, 0.5, 0.7, 0.4), self.traits(*window, slot), ours, strict=True):
                    away += weight * abs(a - b) if not math.isnan(a - b) else 0.0
                theirs = self.traits(*window, slot)
                tilt = min(max(theirs[1] / theirs[0] - ours[1] / ours[0], -1.0), 1.0)
                found.append((away, place, self.cumulated(window.kwh, self.slots - 1) / of_then, tilt))
        found = sorted(found)[: self.neighbours]
        if not found:
            return None
        farthest = found[-1][0]
        weights = [1 - f[0] / (farthest * 1.0001 + 1e-12) for f in found]
        total = sum(weights) + 1e-9
        tilt = sum(w * f[3] for w, f in zip(weights, found, strict=True)) / total
        factor = sum(w * f[2] for w, f in zip(weights, found, strict=True)) / total
        both = sum(w * (f[3] - tilt) * (f[2] - factor) for w, f in zip(weights, found, strict=True))
        own = sum(w * (f[3] - tilt) * (f[3] - tilt) for w, f in zip(weights, found, strict=True))
        slope = both / (own * 1.05 + 1e-9 * total)
        weighted = [(max(f[2] - slope * f[3], 1.0), w) for w, f in zip(weights, found, strict=True)]
        middle = quantile([(f, w / f) for f, w in weighted], 0.5)
        below = max(middle - quantile(weighted, 0.05), 0.005 * middle)
        above = max(quantile(weighted, 0.95) - middle, 0.005 * middle)
        widen = self.widen[slot]
        return passed * middle, passed * max(middle - widen * below, 1.0), passed * (middle + widen * above)

    def close(self) -> None:
        total = self.cumulated(self.open, self.slots - 1)
        if not math.isnan(total):
            for slot, (low, high) in self.given.items():
                change = -0.05 * 0.08 if low <= total <= high else 0.05 * 0.92
                self.widen[slot] = min(max(self.widen[slot] * (1 + change), 0.5), 8.0)
            window = Seen(self.open, self.halves)
            if len(self.places) < self.memory:
                self.places.append(window)
            else:
                self.places[self.seen % self.memory] = window
            self.seen += 1
        half = self.slots // 2
        first = self.cumulated(self.open, half - 1)
        self.halves = ((total - first) / (self.slots - half), first / half)
        self.open = []


def quantile(weighted: list[tuple[float, float]], share: float) -> float:
    """The smallest value up to which the share of the weight lies."""
    weighted = sorted(weighted, key=lambda v: v[0])
    whole = 0.0
    for _, w in weighted:
        whole += w
    reached = 0.0
    for value, w in weighted:
        reached += w
        if reached >= share * whole:
            return value
    raise AssertionError("no weight")
