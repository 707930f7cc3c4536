"""T2-SPE: inputs of one machine that do not go together as they did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import PrivateAttr

from detectors.anomaly.joint_model import (
    CLIP,
    LAMBDAS,
    MEMBERS,
    T2SpeState,
    diagonals,
    limit_of,
    refit,
    shares,
    standardized,
    start,
)
from detectors.anomaly.joint_stretch import keep, stretch
from detectors.anomaly.ridge import complete
from detectors.base import (
    Batch,
    Bools,
    Detector,
    Floats,
    Ints,
    Telling,
    Verdict,
    copied,
    foremost,
    no_opinion,
    option,
    pick,
    stack,
)
from detectors.durations import budget_per_s

_HUGE = 1e30
"""Sizes from here on are no measurement: they count as absent."""
_CAP = 1e6
_FASTEST, _SLOWEST = 1000, 16000
"""Instants over which the mean follows: as many as were learned, within these."""
_AT_ONCE = 256
"""Rows judged in one go: what stands between the inputs and the score stays in the cache."""
_PAUSE = 3.0
"""An interval counts up to this many times the mean so far: a pause is not the pace."""
_SMOOTHING = np.array(LAMBDAS[1:])[:, None]


class T2Spe(Detector[T2SpeState]):
    """Ridge-T2 over a bank of exponentially weighted means, with contributions: a joint view of a machine's inputs.

    Inputs are standardized (median; standard deviation, at most 3 x the one the MAD gives) and smoothed with
    lambda 1, .3 and .1. Each member's index is d' (C + .02 diag C)^-1 d, with C its covariance: like T2 in strong
    directions, like the squared prediction error (SPE, Q) in weak ones, with no number of components to choose. A
    fourth index is the sum of squares. Each is divided by its .995 quantile over rows that its fit has not seen, and
    the largest is judged: score = sqrt(largest / limit). The limit is where the budget lies in its tail over unseen
    rows, exponential from the quantile .8 on (peaks over threshold: Pickands 1975), or `margin` x its quantile .995.

    The model is fitted at the end of the warm-up and, with `adapt`, again at 2, 4, ... `grow` times as many normal
    instants; the mean follows them at 1 / instants learned, within 1/1000 and 1/16000. Alarmed instants teach nothing,
    unless they last for more than `frozen` instants. Absent inputs are taken at their conditional mean; with fewer than
    `least` of the inputs there is no opinion. Contributions are (K d)_j^2 / K_jj, as shares (reconstruction-based:
    Alcala and Qin 2009); events say what the inputs with the largest are expected to be, by the conditional mean given
    those that contribute less. Sources: Hotelling (1947); Lowry et al., MEWMA (1992).

    Scale and shift of any input leave the score as it is.

    >>> rng = np.random.default_rng(3)
    >>> load = rng.normal(size=(900, 1)); x = load + .2 * rng.normal(size=(900, 3)); x[850:, 1] = -x[850:, 1]
    >>> d = T2Spe(); state = d.init(1, {"inputs": np.array([3.0])})
    >>> t = np.arange(900)[:, None]; one = np.ones((900, 1))
    >>> _, v = d.scan(state, Batch(t * 10**9, x[:, None], one, one > 0, one.astype(np.int32)))
    >>> bool((v.score[500:850] < 1).all()), bool((v.score[850:] >= 1).mean() > .5)
    (True, True)
    >>> int(v.contribution[860:].sum(0).argmax())
    1
    """

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "joint"
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1h"
    invariance: ClassVar[frozenset[str]] = frozenset({"scale", "shift"})
    calendar: ClassVar[bool] = False
    in_place: ClassVar[bool] = True

    kind: Literal["t2_spe"] = "t2_spe"
    warmup: int = option(500, "Instants learned before it has an opinion.", ge=8, le=10_000, resets=True)
    margin: float | None = option(
        None, "Limit, in .995 quantiles of the index over unseen rows; default: by the false-alarm budget.", gt=0
    )
    adapt: bool = option(True, "Go on learning after the warm-up; false: the model stays as it was fitted.")
    grow: int = option(32, "Up to how many times the warm-up the model is fitted anew, at 2, 4, ... times.",
                       ge=1, le=4096)  # fmt: skip
    frozen: int = option(600, "Alarmed instants in a row that teach nothing; what lasts longer is learned.", ge=1)
    least: float = option(0.5, "Share of inputs that must be there for an opinion.", gt=0, le=1)

    _rate_per_s: float = PrivateAttr(default=budget_per_s("1/week"))

    def with_budget(self, rate_per_s: float) -> Self:
        """This detector for so many false alarms a second and row, where it has no `margin`."""
        told = self.model_copy()
        told._rate_per_s = rate_per_s
        return told

    def init(self, n: int, given: dict[str, Floats] | None = None) -> T2SpeState:
        """State of n rows of `given["inputs"]` inputs, the same for all."""
        p = int(given["inputs"][0]) if given and n else 1
        many, members = (n, MEMBERS, p), MEMBERS
        return T2SpeState(
            learned=np.zeros(n, dtype=np.int64), stride=np.ones(n, dtype=np.int64), last=np.zeros(n, dtype=np.int64),
            interval_s=np.zeros(n), base=np.zeros(n), excess=np.zeros(n), top=np.zeros(n), limit=np.zeros(n),
            asked=np.zeros(n), alarmed=np.zeros(n, dtype=np.int64),
            location=np.zeros((n, p)), scale=np.zeros((n, p)), offset=np.zeros((n, p)),
            smooth=np.zeros((n, members - 1, p)), mean=np.zeros(many),
            inverse=np.zeros((*many, p), dtype=np.float32), weight=np.zeros((n, p)),
            kept=np.zeros((n, self.warmup, members, p), dtype=np.float32),
        )  # fmt: skip

    def step(self, state: T2SpeState, batch: Batch) -> tuple[T2SpeState, Verdict]:
        """One instant of each row; `batch.x` (k, p)."""
        after = copied(state)
        return after, self.advance(after, np.arange(len(batch.time)), batch)

    def scan(self, state: T2SpeState, batches: Batch) -> tuple[T2SpeState, Verdict]:
        """t instants of each row: as a loop over `step`, with the state copied once."""
        after, every = copied(state), np.arange(batches.time.shape[1])
        return after, stack([self.advance(after, every, pick(batches, i)) for i in range(len(batches.time))])

    def advance(self, state: T2SpeState, rows: Ints, batch: Batch) -> Verdict:
        """As `step`, for distinct rows (k,) of a state that is changed in place."""
        k, p = batch.x.shape
        learned = state.learned[rows]
        here = np.abs(batch.x) < _HUGE
        verdict = no_opinion(k)._replace(
            score=np.full(k, np.nan), warm=np.minimum(learned / self.warmup, 1.0), contribution=np.zeros((k, p))
        )
        warm = learned >= self.warmup
        if warm.any():
            ready = np.flatnonzero(warm)
            for at in np.split(ready, range(_AT_ONCE, len(ready), _AT_ONCE)):
                self._judge(state, rows[at], at, batch, here[at], verdict)
        if not warm.all():
            at = np.flatnonzero(~warm & batch.learn & (here.sum(axis=1) >= self.least * p))
            self._gather(state, rows[at], batch.time[at], np.where(here[at], batch.x[at], np.nan))
        return verdict

    def glide(self, state: T2SpeState, rows: Ints, batches: Batch) -> tuple[Bools, Verdict]:
        """As `advance`, t instants of distinct rows (k,) at once, of those rows alone that are normal throughout."""
        t, _, p = batches.x.shape
        learned, most = state.learned[rows], self.warmup * self.grow
        calm = (np.abs(batches.x) < _HUGE).all(axis=(0, 2)) & (state.scale[rows] < np.inf).all(axis=1)
        calm &= (learned >= self.warmup) & (state.asked[rows] == self._asked)
        if self.adapt:
            calm &= batches.learn.all(axis=0)
            calm &= (learned >= most) | (learned + t < self.warmup * state.stride[rows])  # no fit on the way
        tried = np.flatnonzero(calm)
        if not len(tried):
            return super().glide(state, rows, batches)
        mine, x = rows[tried], batches.x[:, tried]
        inverse = state.inverse[_span(mine)]
        n = np.minimum(learned[tried] + np.arange(t)[:, None], np.maximum(most, learned[tried]))
        pace = np.minimum(np.maximum(n, _FASTEST), _SLOWEST)
        found = stretch(state, mine, inverse, x, pace, self.adapt)
        flat = t * len(tried)
        pull, squares = found.pull.reshape(flat, MEMBERS, p), found.squares.reshape(flat, p)
        single = found.away.astype(np.float32).reshape(flat, MEMBERS, p)
        score, worst = _scored(pull, single, squares, np.repeat(state.limit[mine], t))
        score = score.reshape(-1, t)
        fine = (score < 1).all(axis=1)
        calm[tried] = fine
        chosen = np.flatnonzero(fine)
        state.smooth[mine[chosen]] = found.smooth[-1, chosen]
        if self.adapt:
            keep(state, mine, chosen, found, most)
        of = np.repeat(np.arange(len(tried)), t)
        part = shares(pull, diagonals(inverse), of, squares, worst, np.True_).reshape(-1, t, p)
        nothing = np.full((t, len(chosen)), np.nan)
        said = Verdict(score[chosen].T.copy(), nothing, nothing, nothing, np.ones_like(nothing))
        return calm, said._replace(contribution=np.swapaxes(part[chosen], 0, 1).copy())

    def _gather(self, state: T2SpeState, rows: Ints, time: Ints, x: Floats) -> None:
        """Keep instants of the warm-up; those that end it are fitted."""
        n = state.learned[rows]
        gap, mean = (time - state.last[rows]) / 1e9, state.interval_s[rows]
        gap = np.where(n > 1, np.minimum(gap, _PAUSE * mean), gap)
        state.interval_s[rows] = np.where((n > 0) & (gap > 0), mean + (gap - mean) / np.maximum(n, 1), mean)
        state.last[rows], state.learned[rows] = time, n + 1
        state.kept[rows, n, 0] = x
        state.kept[rows, n, 1] = x - state.kept[rows, n, 0]
        for row in rows[n + 1 == self.warmup].tolist():
            start(state, row)
            self._limit(state, np.array([row]))

    def _limit(self, state: T2SpeState, rows: Ints) -> None:
        state.limit[rows] = limit_of(state, rows, self._rate_per_s, self.margin)
        state.asked[rows] = self._asked

    @property
    def _asked(self) -> float:
        return self._rate_per_s if self.margin is None else -self.margin

    def tell(self, state: T2SpeState, inputs: Sequence[str], x: Floats, shares: Floats) -> Telling:
        """The inputs that contribute most, and what each is expected to be, given those that contribute less.

        So what is wrong with the first does not move what is expected of the others.
        """
        expected: dict[str, float] = {}
        here = (np.abs(x) < _HUGE) & (state.scale[0] < np.inf)
        location, scale = state.location[0], state.scale[0]
        centre = state.mean[0, 0] + state.offset[0]
        away = standardized(np.where(here, x, location), location, scale) - centre
        for j in foremost(shares):
            here = here & (np.arange(len(x)) != j)
            full = complete(away, here, state.inverse[0, 0]) if here.any() else np.zeros(len(x))
            expected[inputs[j]] = float(location[j] + scale[j] * (centre[j] + full[j]))
        most = ", ".join(f"{name} {x[inputs.index(name)]:.5g} ({value:.5g})" for name, value in expected.items())
        return Telling({"most": most}, {"expected": expected})

    def _judge(self, state: T2SpeState, rows: Ints, at: Ints, batch: Batch, here: Bools, verdict: Verdict) -> None:
        """Score, then learn, instants of warm rows, which stand at `at` (k,) of the batch."""
        here = here & (state.scale[rows] < np.inf)
        enough = here.sum(axis=1) >= self.least * here.shape[1]
        if not enough.all():
            rows, at, here = rows[enough], at[enough], here[enough]
        if not len(rows):
            return
        if (other := state.asked[rows] != self._asked).any():
            self._limit(state, rows[other])
        whole, location = bool(here.all()), state.location[rows]
        x = batch.x[at] if whole else np.where(here, batch.x[at], location)
        z = standardized(x, location, state.scale[rows])
        mean, offset, inverse = state.mean[rows], state.offset[rows], state.inverse[_span(rows)]
        for i in () if whole else np.flatnonzero(~here.all(axis=1)).tolist():
            centre = mean[i, 0] + offset[i]
            z[i] = np.minimum(np.maximum(centre + complete(z[i] - centre, here[i], inverse[i, 0]), -CLIP), CLIP)
        smooth = state.smooth[rows]
        smooth += _SMOOTHING * (z[:, None] - smooth)
        away = np.concatenate((z[:, None], smooth), axis=1) - mean - offset[:, None]
        single = away.astype(np.float32)
        pull = np.matmul(inverse, single[..., None])[..., 0]
        squares = away[:, 0] * away[:, 0] * state.weight[rows]
        score, worst = _scored(pull, single, squares, state.limit[rows])
        verdict.score[at] = score
        assert verdict.contribution is not None
        verdict.contribution[at] = shares(pull, diagonals(inverse), np.arange(len(at)), squares, worst, here)
        state.smooth[rows] = smooth
        learn = batch.learn[at] & self.adapt
        if learn.any():
            self._learn(state, rows[learn], z[learn], away[learn, 0], score[learn])

    def _learn(self, state: T2SpeState, rows: Ints, z: Floats, away: Floats, score: Floats) -> None:
        """Follow the mean, and keep instants for the next fit, where the row is normal or has been away for long."""
        alarmed = np.where(score > 1, state.alarmed[rows] + 1, np.maximum(state.alarmed[rows] - 1, 0))
        state.alarmed[rows] = alarmed
        fine = (score <= 1) | (alarmed > self.frozen)
        rows, z, away = rows[fine], z[fine], away[fine]
        n = state.learned[rows]
        state.offset[rows] += away / np.minimum(np.maximum(n, _FASTEST), _SLOWEST)[:, None]
        more = n < self.warmup * self.grow
        rows, z, n = rows[more], z[more], n[more]
        keep = n % state.stride[rows] == 0
        place = n[keep] // state.stride[rows[keep]]
        state.kept[rows[keep], place, 0], state.kept[rows[keep], place, 1:] = z[keep], state.smooth[rows[keep]]
        state.learned[rows] = n + 1
        for row in rows[n + 1 == self.warmup * state.stride[rows]].tolist():
            refit(state, row)
            self._limit(state, np.array([row]))


def _scored(pull: Any, single: Any, squares: Floats, limit: Floats) -> tuple[Floats, Ints]:
    """(n,) scores of instants, and which of the four indexes is the largest."""
    index = np.concatenate((np.einsum("klp,klp->kl", pull, single), np.einsum("kp->k", squares)[:, None]), axis=1)
    largest = np.maximum(index.max(axis=1), 0.0)
    return np.minimum(np.sqrt(largest / limit), _CAP), np.argmax(index, axis=1)


def _span(rows: Ints) -> Any:
    """The same rows as a slice where they are next to one another: what is large is then not copied."""
    one_by_one = len(rows) == 1 or bool((np.diff(rows) == 1).all())
    return slice(int(rows[0]), int(rows[-1]) + 1) if one_by_one else rows
