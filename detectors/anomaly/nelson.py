"""Nelson: Shewhart control charts of single values (I-MR) or of subgroups (X-bar and R), with Nelson's eight rules."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

from detectors.anomaly import control_chart
from detectors.anomaly.control_chart import RANGES, Runs
from detectors.anomaly.nelson_kernel import CAP, FEWEST, HUGE, NelsonState, judge
from detectors.base import Batch, Detector, Floats, Ints, Verdict, copied, no_opinion, option, put, take
from detectors.compiled import Kernel
from detectors.durations import Warmup, duration_ns

Rule = Literal[1, 2, 3, 4, 5, 6, 7, 8]


class Nelson(Detector[NelsonState]):
    """Shewhart control chart with Nelson's rules: single values (I-MR) or, with `subgroup` n > 1, X-bar and R.

    Phase I learns the centre and the mean range R; sigma of a point = R / d2 / sqrt(n), R the mean moving range
    where n = 1. Then limits are frozen, or with `adapt` follow points on which nothing fires, with the memory of
    phase I. Rules: 1 a point beyond 3 sigmas; 2 nine in a row on one side of the centre; 3 six in a row rising or
    falling; 4 fourteen in a row up and down in turn; 5 two of three beyond 2 sigmas on one side; 6 four of five
    beyond 1 sigma on one side; 7 fifteen in a row within 1 sigma; 8 eight in a row beyond 1 sigma on either side.
    With `ranges`, also a range beyond D4 R.

    Score = 1 where any chosen rule fires; rule 1 is graded, |x - centre| / 3 sigma, and so is the range. Rules 5 and
    6 fire on points that have part in them. Readings of a subgroup that is not complete have no opinion. low and
    high are the control limits; specification limits give Cp and Cpk in `explain`; events name the rules that fired.

    Use it for measurements of parts and for laboratory values, not for every reading of a sensor: on independent
    normal points rules 1 to 4 fire falsely about once in a hundred points, with autocorrelation .5 five times. The
    false-alarm budget does not move these limits. Source: Nelson, The Shewhart Control Chart - Tests for Special
    Causes (1984); ISO 7870-2; Montgomery, Introduction to Statistical Quality Control, ch. 6.

    Scale: x -> c x leaves the score as it is (resolution 0). Shift: so does x -> x + c, but for rounding.

    >>> d = Nelson(warmup=20, rules=(1, 2))
    >>> t = np.arange(40, dtype=np.int64)[:, None]
    >>> x = np.where(t % 2, 10.0, 10.2); x[30:] += .15
    >>> one = np.ones((40, 1))
    >>> _, v = d.scan(d.init(1), Batch(t * 10**9, x, one, one > 0, t.astype(np.int32)))
    >>> np.flatnonzero(v.score[:, 0] >= 1).tolist()  # the ninth in a row above the centre, and the next
    [38, 39]
    """

    invariance: ClassVar[frozenset[str]] = frozenset({"scale"})
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "0s"
    calendar: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = judge

    kind: Literal["nelson"] = "nelson"
    subgroup: int = option(1, "Readings of a subgroup; 1 charts single values.", ge=1, le=10, resets=True)
    rules: tuple[Rule, ...] = option((1, 2, 3, 4), "Which of Nelson's rules fire.", min_length=1)
    ranges: bool = option(False, "Whether a range beyond its own control limit fires too.")
    warmup: Warmup = option(
        100, "Phase I: points, or time (then at least 20 points), that the limits are learned from.",
        validate_default=True, resets=True,
    )  # fmt: skip
    adapt: bool = option(False, "Whether the limits go on to follow points on which nothing fires.")
    low: float | None = option(None, "Lower specification limit, in the series' unit, for Cp and Cpk.")
    high: float | None = option(None, "Upper specification limit, in the series' unit, for Cp and Cpk.")
    resolution: float = option(0.0, "Smallest sigma of a point, in the series' unit (the gauge's resolution).", ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low must be below high, got low = {self.low:g} and high = {self.high:g}")
        return self

    def init(self, n: int, given: dict[str, Floats] | None = None) -> NelsonState:
        """State of n rows."""
        whole = {"clean", "since", "fired", *Runs._fields}
        made: list[Any] = [np.zeros(n, dtype=np.int64 if name in whole else np.float64) for name in NelsonState._fields]
        return NelsonState(*made)._replace(previous=np.full(n, np.nan))

    def step(self, state: NelsonState, batch: Batch) -> tuple[NelsonState, Verdict]:
        """A reading joins its subgroup; one that completes it is judged, then learned. NaN is as if not there."""
        present = np.abs(batch.x) < HUGE
        first = state.members <= 0
        joined = np.where(first, 1.0, state.members + 1.0)
        complete = present & (joined >= self.subgroup)
        grown = state._replace(
            members=np.where(present, np.where(complete, 0.0, joined), state.members),
            total=np.where(
                present, np.where(first, batch.x, state.total + np.where(present, batch.x, 0.0)), state.total
            ),
            smallest=np.where(present & (first | (batch.x < state.smallest)), batch.x, state.smallest),
            largest=np.where(present & (first | (batch.x > state.largest)), batch.x, state.largest),
            clean=np.where(present, batch.learn & (first | (state.clean > 0)), state.clean).astype(np.int64),
        )
        verdict = no_opinion(len(batch.x))._replace(warm=state.warm.copy())
        judged = np.flatnonzero(complete)
        if len(judged):
            grown = copied(grown)
            part, said = self._judged(take(grown, judged), batch.time[judged])
            put(grown, judged, part)
            told = Verdict(*(a.copy() for a in verdict[:5]))
            for whole, piece in zip(told[:4], said, strict=True):
                whole[judged] = piece
            verdict = told
        return grown, verdict

    def _judged(self, s: NelsonState, time: Ints) -> tuple[NelsonState, tuple[Floats, ...]]:
        """Each row's subgroup is complete: the state after its point, and (score, expected, low, high)."""
        size, d2, d4, root, chosen, adapt, resolution, readings, span = self.constants()
        point = s.total / size
        met = s.previous == s.previous
        before = np.where(met, s.previous, point)
        ranged = met | (size > 1)
        spread = s.largest - s.smallest if size > 1 else np.abs(point - before)
        ready = s.warm >= 1
        sigma = np.maximum(s.mean_range / d2 / root, resolution)
        off = np.where(ready, point - s.centre, 0.0)
        runs = Runs(*(getattr(s, name) for name in Runs._fields))
        runs = Runs(*(np.where(ready, a, b) for a, b in zip(control_chart.after(runs, off, sigma, point - before), runs,
                                                            strict=True)))  # fmt: skip
        far = np.abs(off)
        grade = _ratio(far, 3.0 * sigma)
        limit = np.maximum(d4 * s.mean_range, d4 * d2 * root * resolution)
        wide = np.where(ranged, _ratio(spread, limit), 0.0)
        bits = control_chart.fired(runs) | np.where(grade >= 1, 2, 0) | np.where(wide >= 1, 1 << RANGES, 0)
        bits = np.where(ready, bits & chosen, 0)
        score = np.maximum(grade if chosen & 2 else 0.0, wide if chosen >> RANGES else 0.0)
        score = np.where((bits > 0) & (score < 1), 1.0, score)
        nan = np.nan
        said = (
            np.where(ready, score, nan), np.where(ready, s.centre, nan),
            np.where(ready, s.centre - 3.0 * sigma, nan), np.where(ready, s.centre + 3.0 * sigma, nan),
        )  # fmt: skip

        learns = (s.clean > 0) & ~ready
        follows = (s.clean > 0) & ready & adapt & (bits == 0)
        since = np.where(learns & (s.learned <= 0), time, s.since)
        learned, ranges = s.learned + learns, s.ranges + (learns & ranged)
        done = learned / readings
        if span > 0:
            done = np.where(learned >= FEWEST, np.maximum(time - since, 0) / span, 0.0)
        share = np.where(follows, learned, np.maximum(ranges, 1.0))
        return s._replace(
            previous=point, learned=learned, since=since, ranges=ranges, fired=bits,
            warm=np.where(learns, np.minimum(done, 1.0), s.warm),
            centre=np.where(learns | follows, s.centre + (point - s.centre) / np.maximum(learned, 1.0), s.centre),
            mean_range=np.where(
                (learns | follows) & ranged, s.mean_range + (spread - s.mean_range) / share, s.mean_range
            ),
            **runs._asdict(),
        ), said  # fmt: skip

    def constants(self) -> tuple[Any, ...]:
        """What the kernel is given of the options; the rules as bits, of the warm-up 0 for the time that it is not."""
        n = self.subgroup
        chosen = sum({1 << rule for rule in self.rules}) + (self.ranges << RANGES)
        readings = float(self.warmup) if isinstance(self.warmup, int) else 1.0
        span = 0.0 if isinstance(self.warmup, int) else float(duration_ns(self.warmup))
        d2, d4 = control_chart.MEAN_RANGE[n - 1], control_chart.RANGE_LIMIT[n - 1]
        return (n, d2, d4, math.sqrt(n), chosen, self.adapt, self.resolution, readings, span)

    def named(self, before: dict[str, Any], reading: dict[str, Any]) -> tuple[str, dict[str, float | str]]:
        """nelson_N, of the first rule that fires on the point, nelson_range, or nelson where it is not known."""
        after = self.retraced(before, reading)
        rules = self._fired(after)
        if after is None or not rules:
            return "nelson", {}
        words: dict[str, float | str] = {"rules": ", ".join(map(str, rules)), "point": float(after.previous[0])}
        return f"nelson_{rules[0]}", words

    def found(self, before: dict[str, Any], reading: dict[str, Any]) -> dict[str, Any]:
        """The rules that fire on the point, not on the one before it."""
        return {"rules": self._fired(self.retraced(before, reading))}

    @staticmethod
    def _fired(state: NelsonState | None) -> list[int | str]:
        bits = 0 if state is None else int(state.fired[0])
        rules: list[int | str] = [rule for rule in range(1, RANGES) if bits >> rule & 1]
        return [*rules, "range"] if bits >> RANGES & 1 else rules

    def explain(self, state: NelsonState, row: int) -> dict[str, float | int | bool]:
        """A row's state, and Cp and Cpk where there are specification limits."""
        told = super().explain(state, row)
        sigma = float(state.mean_range[row]) / control_chart.MEAN_RANGE[self.subgroup - 1]
        return told | control_chart.capability(float(state.centre[row]), sigma, self.low, self.high)


def _ratio(size: Floats, limit: Floats) -> Floats:
    """size / limit, at most the cap; without a limit, the cap for whatever is not 0."""
    with np.errstate(over="ignore"):
        ratio = size / np.where(limit > 0, limit, 1.0)
    return np.minimum(np.where(limit > 0, ratio, np.where(size > 0, CAP, 0.0)), CAP)
