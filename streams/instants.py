"""Instants: when the inputs of one asset are judged together, and with which values."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import asdict, dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

SECOND = 1_000_000_000
_FIRST_WAIT = 5 * SECOND
"""Wait while the inputs' interval is not known yet."""
_STALE_WAITS = 10
"""A held value counts up to this many waits, where the watch does not say."""


class Instant(NamedTuple):
    """One instant to judge: a value for each input, NaN where it is absent."""

    time: int
    values: list[float]


@dataclass
class Inputs:
    """The inputs of one joint row. Plain data; the rule is architecture.md's.

    An instant t is judged once: when every input that is not stale has a value at or after t, or when `wait` has
    passed on the partition's clock since the first value for t came. Each input gives its last value at or before
    t, up to its staleness limit. Until `wait` has passed since the first value of all, inputs are still being found.
    A reading that is withheld (its sensor is in fault) is None: its input is out from then on, and not waited for,
    until it has a value again.
    """

    wait_ns: int | None
    stale_ns: int | None
    names: list[str] = field(default_factory=list)  # sorted
    held: dict[str, list[tuple[int, float | None]]] = field(
        default_factory=dict
    )  # ascending; all since the last instant, and one
    pending: list[tuple[int, int]] = field(
        default_factory=list
    )  # (instant, clock when its first value came), ascending
    done: int | None = None  # last instant judged
    interval_ns: int | None = None  # smallest distance of instants
    began: int | None = None  # clock at the first value of all
    warm: float = 0.0  # of the detector's row, at its last instant

    def put(self, series: str, time: int, value: float | None, received: int) -> bool:
        """Take a value in; True where it is of an input not seen before (what was learned has another width now).

        One that comes after its instant was judged still says how its input stands, and that later instants are to
        wait for it: else an input that lags behind the others would be out for good.
        """
        fresh = series not in self.held
        if fresh:
            insort(self.names, series)
            self.held[series] = []
        if self.began is None:
            self.began = received
        values = self.held[series]
        if self.done is not None and time <= self.done:
            if not values or time > values[-1][0]:
                values.append((time, value))
        else:
            insort(values, (time, value), key=itemgetter(0))
            place = bisect_right(self.pending, (time, -(2**62)))
            if place == len(self.pending) or self.pending[place][0] != time:
                self.pending.insert(place, (time, received))
                self._learn_interval(place)
        return fresh

    def _learn_interval(self, place: int) -> None:
        time = self.pending[place][0]
        near = [abs(time - self.pending[p][0]) for p in (place - 1, place + 1) if 0 <= p < len(self.pending)]
        if self.done is not None:
            near.append(time - self.done)
        if near:
            self.interval_ns = min([*near, *([self.interval_ns] if self.interval_ns else [])])

    @property
    def wait(self) -> int:
        """Longest wait for late inputs, ns."""
        return self.wait_ns or self.interval_ns or _FIRST_WAIT

    @property
    def stale(self) -> int:
        """How long a value is held, ns."""
        return self.stale_ns or _STALE_WAITS * self.wait

    def deadline(self) -> int | None:
        """Clock at which the earliest pending instant waits no longer, for late inputs or for new ones."""
        if not self.pending or self.began is None:
            return None
        waits = self.pending[0][1] + self.wait
        if self.done is None and self._complete(self.pending[0][0]):
            return min(waits, self.began + self.wait)
        return waits

    def _complete(self, time: int) -> bool:
        """Whether every input that is not stale has a value at or after `time`."""
        newest = [values[-1][0] for values in self.held.values() if values]
        return not any(at < time and time - at <= self.stale for at in newest)

    def ready(self, received: int) -> Instant | None:
        """The next instant to judge at this clock, or None."""
        if not self.pending or self.began is None:
            return None
        time, came = self.pending[0]
        waited = received >= came + self.wait
        if not waited:
            if self.done is None and received < self.began + self.wait:
                return None  # inputs are still being found
            if not self._complete(time):
                return None
        del self.pending[0]
        self.done = time
        out = []
        for name in self.names:
            values = self.held[name]
            place = bisect_right(values, time, key=itemgetter(0))
            at, value = values[place - 1] if place else (time, None)
            out.append(float("nan") if value is None or time - at > self.stale else value)
            del values[: max(place - 1, 0)]
        return Instant(time, out)

    def drop(self, names: list[str]) -> None:
        """Let go of what is held of some inputs; where none is left, gathering starts over."""
        for name in names:
            self.held[name] = []
        there = {time for values in self.held.values() for time, _ in values}
        self.pending = [instant for instant in self.pending if instant[0] in there]
        if len(names) == len(self.names):
            self.began = self.done = None

    def snapshot(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def restore(saved: dict[str, Any]) -> Inputs:
    """Inputs as `snapshot` gave them."""
    inputs = Inputs(**saved)
    inputs.held = {name: [(t, v) for t, v in pairs] for name, pairs in inputs.held.items()}
    inputs.pending = [(t, came) for t, came in inputs.pending]
    return inputs
