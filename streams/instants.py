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
"""A held value counts up to this many waits while its input's own interval is not known."""
_STALE_INTERVALS = 3
"""And up to this many of its input's usual intervals once it is, where the watch does not say."""
_PACE = 9
"""Intervals of an input of which the middle one is its usual."""


class Instant(NamedTuple):
    """One instant to judge: a value for each input, NaN where it is absent."""

    time: int
    values: list[float]
    good: bool  # no value that takes part is of uncertain quality


Held = tuple[int, float | None, bool]
"""A value as it is held: its time, itself (None where it is withheld), and whether its quality is good."""


@dataclass
class Inputs:
    """The inputs of one joint row. Plain data; the rule is architecture.md's.

    An instant t is judged once: when every input that is not stale has a value at or after t, or when `wait` has
    passed on the partition's clock since the first value for t came. Each input gives its last value at or before
    t, up to its staleness limit: `stale`, by default 3 x its own usual interval (the middle one of its last 9), and
    `wait` at least. Until `wait` has passed since the first value of all, inputs are still being found.
    A reading that is withheld (its sensor is in fault) is None: its input is out from then on, and not waited for,
    until it has a value again. An instant with a value of uncertain quality is not good: to be scored, not learned.
    """

    wait_ns: int | None
    stale_ns: int | None
    names: list[str] = field(default_factory=list)  # sorted
    held: dict[str, list[Held]] = field(default_factory=dict)  # ascending; all since the last instant, and one
    pending: list[tuple[int, int]] = field(
        default_factory=list
    )  # (instant, clock when its first value came), ascending
    done: int | None = None  # last instant judged
    interval_ns: int | None = None  # smallest distance of instants
    began: int | None = None  # clock at the first value of all
    warm: float = 0.0  # of the detector's row, at its last instant
    gaps: dict[str, list[int]] = field(default_factory=dict)  # each input's last intervals, ns
    usual: dict[str, int] = field(default_factory=dict)  # the middle one of them, the upper of two

    def put(self, series: str, time: int, value: float | None, received: int, good: bool = True) -> bool:
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
        if values and time > values[-1][0]:
            self._learn_pace(series, time - values[-1][0])
        if self.done is not None and time <= self.done:
            if not values or time > values[-1][0]:
                values.append((time, value, good))
        else:
            insort(values, (time, value, good), key=itemgetter(0))
            place = bisect_right(self.pending, (time, -(2**62)))
            if place == len(self.pending) or self.pending[place][0] != time:
                self.pending.insert(place, (time, received))
                self._learn_interval(place)
        return fresh

    def _learn_pace(self, series: str, gap: int) -> None:
        gaps = self.gaps.setdefault(series, [])
        gaps.append(gap)
        del gaps[:-_PACE]
        self.usual[series] = sorted(gaps)[len(gaps) // 2]

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

    def stale(self, name: str) -> int:
        """How long a value of an input is held, ns."""
        if self.stale_ns:
            return self.stale_ns
        usual = self.usual.get(name)
        return _STALE_WAITS * self.wait if usual is None else max(_STALE_INTERVALS * usual, self.wait)

    def deadline(self) -> int | None:
        """Clock at which the earliest pending instant waits no longer, for late inputs or for new ones."""
        if not self.pending or self.began is None:
            return None
        waits = self.pending[0][1] + self.wait
        if self.done is None and self._complete(self.pending[0][0]):
            return min(waits, self.began + self.wait)
        return waits

    def _complete(self, time: int) -> bool:
        """Whether every input that is not stale has a value at or after `time`.

        Stale is what was so at the last instant judged: inputs that were silent together come back together, and are
        waited for, whether a frame brings them at once or each comes by itself.
        """
        done = time if self.done is None else self.done
        newest = [(values[-1][0], name) for name, values in self.held.items() if values]
        return not any(at < time and done - at <= self.stale(name) for at, name in newest)

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
        out, all_good = [], True
        for name in self.names:
            values = self.held[name]
            place = bisect_right(values, time, key=itemgetter(0))
            at, value, good = values[place - 1] if place else (time, None, True)
            if value is None or time - at > self.stale(name):
                out.append(float("nan"))
            else:
                out.append(value)
                all_good = all_good and good
            del values[: max(place - 1, 0)]
        return Instant(time, out, all_good)

    def drop(self, names: list[str]) -> None:
        """Let go of what is held of some inputs; where none is left, gathering starts over."""
        for name in names:
            self.held[name] = []
        there = {time for values in self.held.values() for time, *_ in values}
        self.pending = [instant for instant in self.pending if instant[0] in there]
        if len(names) == len(self.names):
            self.began = self.done = None

    def snapshot(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def restore(saved: dict[str, Any]) -> Inputs:
    """Inputs as `snapshot` gave them."""
    inputs = Inputs(**saved)
    # a value saved without its quality is of a time when only good ones taught
    inputs.held = {name: [(t, v, all(good)) for t, v, *good in held] for name, held in inputs.held.items()}
    inputs.pending = [(t, came) for t, came in inputs.pending]
    return inputs
