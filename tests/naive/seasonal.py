"""The slow, obvious twin of detectors.anomaly.seasonal: one row, one reading at a time, after its docstring."""

from __future__ import annotations

import math
from typing import Any

from detectors.anomaly.seasonal import Seasonal

TO_SIGMA = math.sqrt(math.pi / 2)
DAY_S = 86_400
CAP = 1e6
Key = tuple[str, int, int]


class Forecaster:
    """One of the three ways to foretell a value, with its error on what it had not seen."""

    def __init__(self, tau: float):
        self.tau = tau
        self.error = 0.0
        self.seconds = 0.0

    def learn(self, size: float, weight: float) -> None:
        if self.error > 0:
            size = min(size, 3.0 * TO_SIGMA * self.error)
        self.error += weight / (self.seconds + weight) * (size - self.error)
        self.seconds = min(self.seconds + weight, self.tau)

    @property
    def proven(self) -> bool:
        return self.seconds >= 0.9 * DAY_S


class NaiveSeasonal:
    """One row. `judge` gives (score, expected, low, high, warm)."""

    def __init__(self, options: Seasonal):
        self.options = options
        self.slot_s = options.every / 1e9
        tau = options.half_life / 1e9 / math.log(2)
        self.of = {name: Forecaster(tau) for name in ("level", "day", "week")}
        self.used = "level"
        self.profiles: dict[Key, float] = {}
        self.visits: dict[Key, int] = {}
        self.strange: set[Key] = set()  # slots of the week whose last visit was far out
        self.own: set[Key] = set()  # those that were so twice running
        self.level: float | None = None
        self.slots_learned = 0
        self.closed = 0
        self.open: dict[str, Any] | None = None
        self.since: int | None = None
        self.last = 0
        self.away_s = 0.0

    def judge(self, time: int, x: float, learn: bool, week_s: int) -> tuple[float, float, float, float, float]:
        """NaN where there is no opinion."""
        none = math.nan
        warm = 0.0 if self.since is None else min(max(time - self.since, 0) / self.options.warmup, 1.0)
        if math.isnan(x) or abs(x) >= 1e100:
            return none, none, none, none, warm
        day, slot = week_s // DAY_S, int(week_s % DAY_S // self.slot_s)
        keys = {"week": ("week", day, slot), "day": ("day", int(day >= 5), slot)}
        if self.open is None or self.open["keys"] != keys:
            if self.open is not None and learn and all(self.open["learn"]):
                self._close(self.open)
            self.open = {"keys": keys, "time": time, "x": [], "held": [], "learn": []}
        expected = self._expected(keys)
        how = self._which(keys)
        sigma = self._sigma(how)
        ready = warm >= 1 and expected[how] is not None
        held, out, opinion = x, False, (none, none, none, none)
        if ready:
            place = expected[how] or 0.0
            ratio = abs(x - place) / sigma if sigma > 0 else (CAP if x != place else 0.0)
            score = min(ratio / self.options.limit, CAP)
            band = self.options.limit * sigma
            opinion = (score, place, place - band, place + band)
            out = score > 1
            if abs(x - place) > 3.0 * sigma:
                held = place + 3.0 * sigma if x > place else place - 3.0 * sigma
        self.open["x"].append(x)
        self.open["held"].append(held)
        self.open["learn"].append(learn)
        if learn:
            self._learn(time, x, ready, out, expected)
        return (*opinion, warm)

    def _expected(self, keys: dict[str, Key]) -> dict[str, float | None]:
        return {
            "level": self.level,
            "day": self.profiles.get(keys["day"]),
            "week": self.profiles.get(keys["week"]),
        }

    def _which(self, keys: dict[str, Key]) -> str:
        """The profile in use; where the weekly one has not seen the slot, the daily one if it is good enough."""
        good = self.of["day"].error < 0.85 * self.of["level"].error
        if self.used == "day" and keys["week"] in self.own:
            return "week"
        return "day" if self.used == "week" and keys["week"] not in self.profiles and good else self.used

    def _sigma(self, how: str) -> float:
        return max(TO_SIGMA * self.of[how].error, self.options.floor * abs(self.level or 0.0), self.options.resolution)

    def _learn(self, time: int, x: float, ready: bool, out: bool, expected: dict[str, float | None]) -> None:
        if self.since is None:
            self.since = self.last = time
        weight = min((time - self.last) / 1e9, self.slot_s)
        self.last = time
        if weight <= 0:
            return
        if ready:
            self.away_s = max(self.away_s + (weight if out else -2 * weight), 0.0)
        if out and self.away_s < self.options.accept_after / 1e9:
            return
        for name, place in expected.items():
            if place is not None:
                self.of[name].learn(abs(x - place), weight)

    def _close(self, slot: dict[str, Any]) -> None:
        whole = self.away_s >= self.options.accept_after / 1e9
        total = held = 0.0
        for x, y in zip(slot["x"], slot["held"], strict=True):
            total, held = total + x, held + y
        mean = (total if whole else held) / len(slot["x"])
        week = slot["keys"]["week"]
        strange = abs(total - held) / len(slot["x"]) > 3.0 * self._sigma(self.used)
        again = strange and week in self.strange
        for name, memory in (("week", 4), ("day", 5)):
            key = slot["keys"][name]
            n = self.visits[key] = self.visits.get(key, 0) + 1
            was = self.profiles.get(key, mean)
            self.profiles[key] = was + (1.0 if whole else 1.0 / min(n, memory)) * (mean - was) if n > 1 else mean
        self.strange = self.strange | {week} if strange else self.strange - {week}
        if again:
            self.own.add(week)
            self.profiles[week] = total / len(slot["x"])
        gap = max(slot["time"] - self.closed, 0) / 1e9 if self.slots_learned else 0.0
        gain = max(1 / (self.slots_learned + 1), min(gap / (gap + 2 * DAY_S), 0.5))
        self.level = mean if self.level is None else self.level + gain * (mean - self.level)
        self.slots_learned += 1
        self.closed = slot["time"]
        self.used = self._best()

    def _best(self) -> str:
        level, day, week = (self.of[name] for name in ("level", "day", "week"))
        if self.used == "level":
            if week.proven and week.error < 0.85 * level.error:
                return "week"
            return "day" if day.proven and day.error < 0.85 * level.error else "level"
        if self.of[self.used].error > 0.95 * level.error:
            return "level"
        if self.used == "day":
            return "week" if week.proven and week.error < 1.05 * day.error else "day"
        return "day" if day.proven and week.error > 1.15 * day.error else "week"
