"""The slow, obvious twin of detectors.anomaly.auto: one row, a reading at a time, after its docstring."""

from __future__ import annotations

import math

from detectors.anomaly.auto import Auto

WEIGHTS = [math.exp(-k / 2) for k in range(4)]
WEIGHT = sum(WEIGHTS)
NONE = math.nan


def single(x: float) -> float:
    """Rounded to 24 bits by Veltkamp's split; tiny numbers are 0."""
    c = x * (2.0**29 + 1)
    y = c - (c - x)
    return y if abs(y) >= 1e-30 else 0.0


class NaiveBoxes:
    """Up to 24 boxes, each [low of four, high of four, tick of last use]."""

    def __init__(self) -> None:
        self.boxes: list[tuple[list[float], list[float], list[int]]] = []
        self.vigilance = 0.4

    def growth(self, box: tuple[list[float], list[float], list[int]], window: list[float]) -> float:
        """Weighted growth that a box needs to hold the window."""
        low, high, _ = box
        return sum(w * max(lo - v, v - hi, 0.0) for w, lo, hi, v in zip(WEIGHTS, low, high, window, strict=True))

    def size(self, box: tuple[list[float], list[float], list[int]]) -> float:
        """Weighted size of a box."""
        low, high, _ = box
        return sum(w * (hi - lo) for w, lo, hi in zip(WEIGHTS, low, high, strict=True))

    def nearest(self, window: list[float]) -> tuple[list[float], list[float], list[int]] | None:
        """The box that needs the least growth."""
        return min(self.boxes, key=lambda box: self.growth(box, window), default=None)

    def distance(self, window: list[float], span: float) -> float:
        """Growth of the nearest box, in spans."""
        box = self.nearest(window)
        if box is None or self.growth(box, window) == 0:
            return 0.0
        return min(self.growth(box, window) / span / WEIGHT, 1e4) if span > 0 else 1e4

    def learn(self, window: list[float], span: float, tick: int, weight: float, mature: bool) -> None:
        """Grow the nearest box that may, or start one."""
        room = self.vigilance * span * WEIGHT
        may = [box for box in self.boxes if self.size(box) + self.growth(box, window) <= room]
        if may:
            low, high, used = min(may, key=lambda box: self.growth(box, window))
            low[:] = [min(lo, v) for lo, v in zip(low, window, strict=True)]
            high[:] = [max(hi, v) for hi, v in zip(high, window, strict=True)]
            used[0] = tick
        elif len(self.boxes) < 24:
            self.boxes.append((list(window), list(window), [tick]))
        else:
            oldest = min(range(24), key=lambda j: self.boxes[j][2][0])
            self.boxes[oldest] = (list(window), list(window), [tick])
        if mature:
            self.vigilance *= 1 - 0.05 / 200 * weight
            self.vigilance *= 1 if may else math.exp(0.05)
            self.vigilance = min(max(self.vigilance, 0.02), 0.9)


class NaiveMean:
    """Mean with gain weight / min(total weight, memory)."""

    def __init__(self, memory: float) -> None:
        self.memory, self.total, self.mean = memory, 0.0, 0.0

    def add(self, x: float, weight: float) -> float:
        """The mean with x in it."""
        self.total += weight
        self.mean += weight / min(self.total, self.memory) * (x - self.mean)
        return self.mean


class NaiveRange:
    """Highest less lowest, which close in after 400 units."""

    def __init__(self) -> None:
        self.low: float | None = None
        self.high = 0.0

    @property
    def wide(self) -> float:
        return 0.0 if self.low is None else self.high - self.low

    def add(self, y: float, weight: float, units: float) -> None:
        """Take y in."""
        if self.low is None:
            self.low = self.high = y
            return
        closer = 0.5 * self.wide * weight / 20_000 if units >= 400 else 0.0
        high = y if y > self.high else self.high - closer
        self.low = y if y < self.low else self.low + closer
        self.high = high


class NaiveSource:
    """What is known of one source: its values, its means a unit apart, its range and its three memories."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.kept: tuple[list[float], list[float]] = ([], [])
        self.range = NaiveRange()
        self.boxes = [NaiveBoxes() for _ in range(3)]

    def windows(self, y: float, readings: int, keep: bool) -> list[list[float]]:
        """Four means each over 1, 4 and 16 units; the first value stands for all before it."""
        self.values.append(y)
        newest = len(self.values) - 1
        window = []
        for j in range(4):
            total = 0.0
            for i in range(readings):
                total += self.values[max(newest - j * readings - i, 0)]
            window.append(single(total / readings))
        found = [window]
        for kept, apart in zip(self.kept, (4, 16), strict=True):
            mean = single(sum(window) / 4)
            units = len(kept)
            past = [kept[units - apart * j] if units >= apart * j else (kept[0] if kept else mean) for j in (1, 2, 3)]
            window = [mean, *past]
            if keep:
                kept.append(mean)
            found.append(window)
        return found


class NaiveAuto:
    """One row. `judge` gives (score, expected, low, high, warm)."""

    def __init__(self, options: Auto):
        self.options = options
        self.last_time: int | None = None
        self.last = 0.0
        self.interval = 0.0
        self.intervals = 0
        self.since_kept = 0
        self.fast, self.slow = NaiveMean(25), NaiveMean(400)
        self.units = 0.0
        self.tick = 0
        self.level, self.noise, self.middle = NaiveMean(500), NaiveMean(500), NaiveMean(1500)
        self.error = self.spread = 0.0
        self.hours: dict[int, tuple[float, int]] = {}
        self.value_range = NaiveRange()
        self.sources = (NaiveSource(), NaiveSource())

    def judge(self, time: int, x: float, learn: bool, week_s: int) -> tuple[float, float, float, float, float]:
        """NaN where there is no opinion."""
        warm = min(self.units / (self.options.warmup / 300e9), 1.0)
        if math.isnan(x) or abs(x) >= 1e30:
            return NONE, NONE, NONE, NONE, warm
        weight, readings = self._pace(time)
        hour, first = week_s // 3600, self.last_time is None
        mean = self.middle.mean if self.units else x
        usual, count = self.hours.get(hour, (0.0, 0))
        gain = weight / min(self.units + weight, 1500)
        error, spread = self._fit(x, mean, usual, count, gain)
        guess, seen = (usual, count) if count else self.hours.get((hour - 1) % 168, (0.0, 0))
        skill = 1 - error / spread if seen and spread > 0 else 0.0
        added = skill * (guess - mean) if skill >= 0.2 else 0.0
        values = (single(x - added), single(self.fast.add(x, weight) - self.slow.add(x, weight)))
        self.since_kept += 1
        keep = first or self.since_kept >= readings
        self.since_kept = 0 if keep else self.since_kept

        floor = max(self.options.floor * abs(self.level.mean), self.options.resolution)
        novelty, near = 1.0, (0.0, 0.0)
        spans = [max(source.range.wide, floor) for source in self.sources]
        all_windows = [s.windows(y, readings, keep) for s, y in zip(self.sources, values, strict=True)]
        for source, windows, span in zip(self.sources, all_windows, spans, strict=True):
            product = 1.0
            for boxes, window in zip(source.boxes, windows, strict=True):
                product *= 1 + 100 * boxes.distance(window, span)
            novelty = max(novelty, product ** (1 / 3))
        box = self.sources[0].boxes[0].nearest(all_windows[0][0])
        if box is not None:
            near = (box[0][0], box[1][0])
        discount = 1 + 5 * self.noise.mean
        score = (novelty - 1) / discount
        margin = ((1 + discount) ** 3 - 1) / 100 * WEIGHT * spans[0]
        told = (score, sum(near) / 2 + added, near[0] - margin + added, near[1] + margin + added)
        before, self.last, self.last_time = self.last, x, time
        if learn:
            self._learn(x, before, values, all_windows, spans, weight)
            self.error, self.spread = error, spread
            self.middle.mean = mean + gain * (x - mean)
            count = min(count + 1, 255)
            self.hours[hour] = single(usual + (x - usual) / min(count, 4 / weight)), count
        return (*(told if warm >= 1 else (NONE,) * 4), warm)

    def _pace(self, time: int) -> tuple[float, int]:
        """Units that this reading counts for, and readings a unit."""
        gap = 0.0 if self.last_time is None else (time - self.last_time) / 1e9
        if gap > 0:
            self.intervals += 1
            factor = 1 + 1 / min(self.intervals, 100)
            if not self.interval:
                self.interval = gap
            elif abs(gap - self.interval) <= 0.1 * self.interval:
                self.interval += 0.1 * (gap - self.interval)
            elif gap > self.interval:
                self.interval = min(self.interval * factor, gap)
            else:
                self.interval = max(self.interval / factor, gap)
        if not self.interval:
            return 0.2, 1
        return min(self.interval / 300, 1.0), min(max(math.floor(300 / self.interval + 0.6), 1), 5)

    def _fit(self, x: float, mean: float, usual: float, count: int, gain: float) -> tuple[float, float]:
        """Mean squared errors of the profile and of the mean, this reading included."""
        flat, young = self.spread <= 0, self.units < 50
        full = (flat and not young) if count else (flat or young)
        most = math.inf if full else 36 * self.spread
        spread = self.spread + gain * (min((x - mean) * (x - mean), most) - self.spread)
        missed = min((x - usual) * (x - usual), most) if count else spread
        return self.error + gain * (missed - self.error), spread

    def _learn(
        self,
        x: float,
        before: float,
        values: tuple[float, float],
        windows: list[list[list[float]]],
        spans: list[float],
        weight: float,
    ) -> None:
        self.tick += 1
        for source, its, span in zip(self.sources, windows, spans, strict=True):
            for boxes, window in zip(source.boxes, its, strict=True):
                boxes.learn(window, span, self.tick, weight, self.units >= 150)
        wide, change = self.value_range.wide, abs(x - before) if self.units else 0.0
        self.noise.add(change / wide if change < wide else float(change > 0), weight)
        self.level.add(x, weight)
        self.value_range.add(x, weight, self.units)
        for source, y in zip(self.sources, values, strict=True):
            source.range.add(y, weight, self.units)
        self.units += weight
