"""Duplicate: two series of one machine that carry the same moving values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from detectors.base import Batch, Bools, Detector, Floats, Ints, Telling, Verdict, no_opinion, option

_HUGE = 1e100
"""Sizes from here on are no measurement: they count as absent."""
_SAME = 0.01
"""Two values are the same within this share of the smaller of their last movements: rounding, not another sensor."""
_SINGLE = 2.0**-23
"""Or within this share of the value: a copy in single precision."""
_REMEMBERED = 8
"""A movement is news where it leads to none of so many values before."""
_DIFFERS = 115.0
"""What a difference takes away, in agreements: ln(.03 / .001) / ln(.999 / .97), the sequential test (Wald 1945) between
values that agree 97 times in 100, as coupled ones of coarse resolution may, and a copy that fails once in 1,000."""
_STILL = 0.125
"""What an instant takes away at which neither moved, times the share of the inputs that did."""
_ASTRAY = 3
"""One that has moved so often while the other has not moved at all is another one."""
_MOST = 2.0
"""Evidence kept, in what scores 1."""

_PAIRS: dict[int, tuple[Ints, Ints]] = {}
"""What `pairs_of` gives, made once: it is as dear as a comparison."""


class DuplicateState(NamedTuple):
    """One row each, of p inputs and their P = p (p - 1) / 2 pairs, in the order of `pairs_of`."""

    seen: Ints  # instants
    last: Floats  # (k, p) value, NaN at first
    move: Floats  # (k, p) its last movement, 0 at first
    recent: Floats  # (k, p, 8) values that it has moved to, NaN at first
    lead: Ints  # (k, P) how often the first has moved since the second did; below 0: the other way about
    evidence: Floats  # (k, P) agreements, less what speaks against


class Duplicate(Detector[DuplicateState]):
    """Two tags for one sensor: a sensor wired to two channels, a gateway that copies a tag, a wrong address.

    Each pair of inputs is compared whenever both have moved since it was last: at one instant, or one after the other,
    as of a copy that is read a moment later. Where they then are the same, within a hundredth of the smaller movement
    or what single precision leaves of a value, and have turned round and moved to a value that is none of the last
    eight, that is an agreement (+1). Where they are not the same, or one moves three times while the other stands
    still, that is worth 115 agreements less; an instant at which the pair stands still takes 1/8 x the share of inputs
    that move. Score = evidence / `agreements`.

    So constants, set-points, states and valves that are moved together, and counters, which do not turn, are not
    compared; nor is a sensor so coarse or slow that it seldom reaches a new value. A copy that is scaled, inverted or
    later than the next movement is not found. Of sensors beside each other, noise and resolution tell them apart.

    Memory: 16 bytes a pair, 20 kB for 52 inputs.

    Scale: x -> c x leaves the score as it is.

    >>> x = np.random.default_rng(1).normal(size=(90, 3)); x[:, 2] = x[:, 0]
    >>> d = Duplicate(agreements=20); state = d.init(1, {"inputs": np.array([3.0])})
    >>> t = np.arange(90)[:, None]; one = np.ones((90, 1))
    >>> state, v = d.scan(state, Batch(t * 10**9, x[:, None], one, one > 0, one.astype(np.int32)))
    >>> int((v.score[:, 0] >= 1).argmax()), v.contribution[-1].tolist()
    (26, [[0.5, 0.0, 0.5]])
    >>> d.tell(state, ["zone1", "zone2", "zone3"], x[-1], v.contribution[-1, 0]).words
    {'pairs': 'zone1 = zone3'}
    """

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "joint"
    health: ClassVar[bool] = True
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1h"
    invariance: ClassVar[frozenset[str]] = frozenset({"scale"})
    calendar: ClassVar[bool] = False

    kind: Literal["duplicate"] = "duplicate"
    agreements: int = option(
        200, "Movements to the same new value, with none that differs, that score 1; as many instants come first.",
        ge=2, le=100_000,
    )  # fmt: skip

    def init(self, n: int, given: dict[str, Floats] | None = None) -> DuplicateState:
        """State of n rows of `given["inputs"]` inputs, the same for all."""
        p = int(given["inputs"][0]) if given and n else 1
        pairs = p * (p - 1) // 2
        return DuplicateState(
            np.zeros(n, dtype=np.int64), np.full((n, p), np.nan), np.zeros((n, p)),
            np.full((n, p, _REMEMBERED), np.nan), np.zeros((n, pairs), dtype=np.int64), np.zeros((n, pairs)),
        )  # fmt: skip

    def step(self, state: DuplicateState, batch: Batch) -> tuple[DuplicateState, Verdict]:
        """Compare the pairs at one instant of each row; x (k, p)."""
        x, (k, p) = batch.x, batch.x.shape
        here = np.abs(x) < _HUGE
        there = here & batch.learn[:, None]
        move = np.where(there & ~np.isnan(state.last), x - state.last, 0.0)
        moved = move != 0
        turned = ((move > 0) & (state.move < 0)) | ((move < 0) & (state.move > 0))
        news = moved & turned & ~(state.recent == x[:, :, None]).any(axis=2)
        stride = np.where(moved, move, state.move)
        lead, evidence = self._compare(state, np.where(there, x, 0.0), there, moved, news, np.abs(stride))
        recent = np.where(moved[:, :, None], np.append(x[:, :, None], state.recent[:, :, :-1], axis=2), state.recent)
        seen = state.seen + (batch.learn & (here.sum(axis=1) >= 2))
        after = DuplicateState(seen, np.where(there, x, state.last), stride, recent, lead, evidence)
        warm = np.minimum(state.seen / self.agreements, 1.0)
        ready = (warm >= 1) & (here.sum(axis=1) >= 2)
        top = evidence.max(axis=1, initial=0.0)
        verdict = no_opinion(k)._replace(
            score=np.where(ready, top / self.agreements, np.nan),
            warm=warm,
            contribution=self._shares(evidence, top, p) * ready[:, None],
        )
        return after, verdict

    def _compare(
        self, state: DuplicateState, x: Floats, there: Bools, moved: Bools, news: Bools, stride: Floats
    ) -> tuple[Ints, Floats]:
        """What the pairs' leads and evidence become."""
        p = x.shape[1]
        first, second = pairs_of(p)
        both = there[:, first] & there[:, second]
        a, b = moved[:, first] & both, moved[:, second] & both
        lead = state.lead
        meet = (a & (b | (lead < 0))) | (b & (lead > 0))
        one, other = x[:, first], x[:, second]
        near = np.maximum(_SAME * np.minimum(stride[:, first], stride[:, second]), _SINGLE * np.abs(one))
        same = meet & (np.abs(one - other) <= near)
        ahead = np.where(a, np.maximum(lead, 0) + 1, np.where(b, np.minimum(lead, 0) - 1, lead))
        astray = ~meet & (a | b) & (np.abs(ahead) >= _ASTRAY)
        agree = same & (news[:, first] | ~a) & (news[:, second] | ~b)
        share = moved.sum(axis=1) / p
        loss = np.where((meet & ~same) | astray, _DIFFERS, 0.0)
        loss = loss + np.where(both & ~a & ~b, _STILL * share[:, None], 0.0)
        evidence = np.minimum(np.maximum(state.evidence + agree - loss, 0.0), _MOST * self.agreements)
        ahead = np.minimum(np.maximum(ahead, -_ASTRAY), _ASTRAY)
        return np.where(same | (a & b), 0, ahead), evidence

    def _shares(self, evidence: Floats, top: Floats, p: int) -> Floats:
        """(k, p) equal shares of the inputs of the pairs that are told of: all that score 1, or the foremost."""
        shares = np.zeros((len(evidence), p))
        row, pair = np.nonzero(self._told(evidence, top))
        first, second = pairs_of(p)
        shares[row, first[pair]] = shares[row, second[pair]] = 1.0
        return np.asarray(shares / np.maximum(shares.sum(axis=1), 1.0)[:, None])

    def _told(self, evidence: Floats, top: Floats) -> Bools:
        return np.asarray((evidence > 0) & (evidence >= np.minimum(top, float(self.agreements))[:, None]))

    def tell(self, state: DuplicateState, inputs: Sequence[str], x: Floats, shares: Floats) -> Telling:
        """The pairs by name: three in the message, all in the decision."""
        told = self._told(state.evidence, state.evidence.max(axis=1, initial=0.0))[0]
        first, second = pairs_of(len(inputs))
        pairs = [[inputs[first[i]], inputs[second[i]]] for i in np.flatnonzero(told).tolist()]
        return Telling({"pairs": ", ".join(" = ".join(pair) for pair in pairs[:3])}, {"pairs": pairs})


def pairs_of(p: int) -> tuple[Ints, Ints]:
    """(P,) first and second place of each pair of p inputs.

    >>> [a.tolist() for a in pairs_of(3)]
    [[0, 0, 1], [1, 2, 2]]
    """
    if p not in _PAIRS:
        first, second = np.triu_indices(p, 1)
        _PAIRS[p] = first.astype(np.int64), second.astype(np.int64)
    return _PAIRS[p]
