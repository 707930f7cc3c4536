"""Peers: a machine against its like on the same line, at one instant."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from detectors.base import Batch, Detector, Floats, Verdict, option
from detectors.durations import SECOND, Duration

_TO_SIGMA = math.sqrt(math.pi / 2)
"""Mean absolute deviation to standard deviation, for a normal distribution."""
_MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""
_FEW = np.array([1.0, 1.0, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107])
"""By how much the MAD of so few values (the index) falls short of that: Croux and Rousseeuw (1992)."""
_CLIP = 3.0
"""Errors learned for learning up to this many sigmas (Huber's psi)."""
_AT_LEAST = 50.0
"""Memory in instants, at least."""
_CAP = 1e6
"""Highest score."""
_HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""


class PeersState(NamedTuple):
    """One row a machine."""

    learned: Floats  # instants with enough peers
    crowd: Floats  # standard deviation across the peers at one instant, on average
    offset: Floats  # how far this machine lies from its peers for good
    spread: Floats  # its own mean absolute deviation from them
    away_s: Floats  # how long it has been out of band
    away_count: Floats  # instants out of band; 0 = in band
    away_offset: Floats  # the offset that it may be moving to


class Peers(Detector[PeersState]):
    """Robust z-score of a machine across its like at one instant: no history of its own is needed.

    Each row is a machine: x (k, d) is its own value, then those of its d - 1 peers, each less its own offset.
    e = value - offset - median of the peers; sigma is the largest of: 1.4826 MAD of the peers now (more for fewer than
    ten, after Croux and Rousseeuw), its mean so far, the machine's own spread, `floor` x |median| and `resolution`.
    Score = |e| / sigma / `limit`; below `at_least` peers with a value it has no opinion.

    It speaks after `warmup` instants, which are for the spread across the peers, not for the machine: one that differs
    from the first day on is told. What differs for good becomes its offset: in band with weight dt / (dt + half_life /
    ln 2), errors clipped at 3 sigma; out of band once it has lasted `accept_after`, as in `robust_zscore`.

    Use it for parallel machines with the same work: ovens, heads, pumps of one station, cells of a battery.

    Sources: Hampel, The influence curve and its role in robust estimation (1974): median and MAD; Croux and Rousseeuw,
    Time-efficient algorithms for two highly robust estimators of scale (1992): few values.

    Scale: x -> c x leaves the score as it is (resolution 0). Shift: it does where `floor` does not bind.

    >>> d = Peers(warmup=1)
    >>> one = np.ones(1)
    >>> b = Batch(np.array([0]), np.array([[20.0, 20.5, 19.5, 20.2]]), one, one > 0, one.astype(np.int32))
    >>> state, _ = d.step(d.init(1), b)
    >>> _, v = d.step(state, b._replace(x=np.array([[29.0, 20.5, 19.5, 20.2]])))
    >>> v.expected.item(), bool(v.score[0] > 1)
    (20.2, True)
    """

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "peers"
    invariance: ClassVar[frozenset[str]] = frozenset({"scale"})
    calendar: ClassVar[bool] = False

    kind: Literal["peers"] = "peers"
    limit: float = option(6.0, "Distance from the peers, in sigmas, that scores 1.", gt=0)
    at_least: int = option(3, "Peers with a value that an opinion needs.", ge=2)
    warmup: int = option(20, "Instants seen before it has an opinion.", ge=1, resets=True)
    half_life: Duration = option(
        "1d", "Time after which an instant counts half in a machine's offset and spread.", validate_default=True, gt=0
    )
    accept_after: Duration = option(
        "1d", "How long a difference must last to be taken as the machine's own.", validate_default=True, gt=0
    )
    floor: float = option(1e-3, "Smallest sigma, as a share of the peers' median: less is immaterial.", ge=0, lt=1)
    resolution: float = option(0.0, "Smallest sigma, in the series' unit (the sensor's resolution).", ge=0)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> PeersState:
        """State of n rows."""
        return PeersState(*(np.zeros(n) for _ in PeersState._fields))

    def step(self, state: PeersState, batch: Batch) -> tuple[PeersState, Verdict]:
        """Score one instant of each row, x (k, d), then learn it."""
        learned, crowd, offset, spread, away_s, away_count, away_offset = state
        count, centre, across = crowd_of(batch.x[:, 1:])
        own = batch.x[:, 0]
        enough = (np.abs(own) < _HUGE) & (count >= self.at_least)
        distance = np.where(enough, own, centre) - centre
        usual = np.where(learned > 0, crowd, across)
        sigma = np.maximum(np.maximum(across, usual), _TO_SIGMA * spread)
        sigma = np.maximum(np.maximum(sigma, self.floor * np.abs(centre)), self.resolution)
        error = np.where(enough, distance - offset, 0.0)
        size = np.abs(error)
        with np.errstate(over="ignore"):  # a spread that has all but died out: infinite, and capped below
            ratio = np.where(sigma > 0, size / np.where(sigma > 0, sigma, 1.0), np.where(size > 0, _CAP, 0.0))
        raw = np.minimum(ratio / self.limit, _CAP)
        warm = np.minimum(learned / self.warmup, 1.0)
        ready = enough & (warm >= 1.0)

        learn = enough & batch.learn
        out = learn & ready & (raw > 1.0)
        normal = learn & ready & ~out
        dt = np.where(batch.dt > 0, batch.dt, 0.0)
        slow = dt / (dt + self.half_life / SECOND / math.log(2))
        first = np.maximum(1.0 / (learned + 1.0), np.minimum(slow, 1.0 / _AT_LEAST))
        clipped = np.minimum(np.maximum(error, -_CLIP * sigma), _CLIP * sigma)
        spread_gain = np.maximum(slow, 1.0 / (learned + 1.0))

        # a difference that lasts: its own offset grows beside, and takes over after accept_after
        was_away = away_count > 0
        away_s = np.where(out & was_away, away_s + dt, np.where(normal, np.maximum(away_s - 2.0 * dt, 0.0), away_s))
        away_count = np.where(out, away_count + 1.0, np.where(normal & (away_s <= 0), 0.0, away_count))
        gain = 1.0 / np.minimum(np.maximum(away_count, 1.0), _AT_LEAST)
        moving = np.where(was_away, away_offset + gain * (distance - away_offset), distance)
        away_offset = np.where(out, moving, away_offset)
        accept = out & (away_s >= self.accept_after / SECOND) & (away_count >= 5.0)
        after = PeersState(
            learned + learn,
            np.where(learn, crowd + first * (across - crowd), crowd),
            np.where(accept, away_offset, np.where(normal, offset + slow * clipped, offset)),
            np.where(normal, spread + spread_gain * (np.abs(clipped) - spread), spread),
            np.where(accept, 0.0, away_s),
            np.where(accept, 0.0, away_count),
            away_offset,
        )
        expected = np.where(ready, centre + offset, np.nan)
        band = self.limit * sigma
        return after, Verdict(np.where(ready, raw, np.nan), expected, expected - band, expected + band, warm)


def crowd_of(peers: Floats) -> tuple[Floats, Floats, Floats]:
    """Of peers (k, d), NaN = absent: how many there are (k,), their median and their standard deviation by the MAD.

    Both are 0 where there are none.

    >>> [a.tolist() for a in crowd_of(np.array([[1.0, np.nan, 3.0, 2.0]]))]
    [[3.0], [2.0], [2.216487]]
    """
    there = np.abs(peers) < _HUGE
    count = there.sum(axis=1)
    centre = _median(np.where(there, peers, np.inf), count)
    off = _median(np.where(there, np.abs(np.where(there, peers, 0.0) - centre[:, None]), np.inf), count)
    many = np.maximum(count, 1)
    factor = np.where(count < len(_FEW), _FEW[np.minimum(count, len(_FEW) - 1)], many / (many - 0.8))
    return count.astype(np.float64), centre, _MAD_TO_SIGMA * factor * off


def _median(values: Floats, count: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
    """(k,) medians of the first `count` of each sorted row; what is absent is infinite; 0 where all is."""
    k, d = values.shape
    if not d:
        return np.zeros(k)
    ranked, row = np.sort(values, axis=1), np.arange(k)
    low, high = ranked[row, np.maximum(count - 1, 0) // 2], ranked[row, np.minimum(count // 2, d - 1)]
    some = count > 0
    return np.where(some, (np.where(some, low, 0.0) + np.where(some, high, 0.0)) / 2.0, 0.0)
