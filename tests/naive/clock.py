"""The slow, obvious twin of detectors.anomaly.clock: one row, all of its readings kept, after its docstring."""

from __future__ import annotations

from detectors.anomaly.clock import Clock


class NaiveClock:
    """One row. `judge` gives the score."""

    def __init__(self, options: Clock):
        self.options = options
        self.readings: list[tuple[int, int]] = []  # time, received
        self.windows: list[list[float]] = []  # lags, by window
        self.began = 0
        self.news = 0  # place of the reading that brought the newest time

    def judge(self, time: int, received: int) -> float:
        """The largest of what the three rules say."""
        o, lag = self.options, (received - time) / 1e9
        self.readings.append((time, received))
        if not self.windows or received - self.began >= o.window:
            self.windows.append([])
            self.began = received
        self.windows[-1].append(lag)
        said = [0.0, -lag * 1e9 / o.ahead]
        if len(self.windows) > 1:
            least = sorted(min(lags) for lags in self.windows[-2:])
            if least[1] - least[0] <= o.ahead / 1e9:
                said.append(least[0] / (o.behind / 1e9))
        newest, at = self.readings[self.news]
        if len(self.readings) == 1 or time > newest:
            self.news = len(self.readings) - 1
        else:
            since = self.readings[self.news + 1 :]
            first = (since[0][1] - since[0][0]) / 1e9
            age = (received - at) / 1e9
            if len(since) >= 5 and (time == newest or abs(lag - first) <= 0.5 * age):
                said.append(age / (o.stale / 1e9))
        return max(said)
