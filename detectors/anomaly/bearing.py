"""Bearing: a damaged race, ball or cage of a rolling bearing, from blocks of vibration samples."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from detectors.anomaly.bearing_lines import BALL, INNER, OUTER, PARTS, Orders, orders_of, strengths, top_order
from detectors.anomaly.envelope import envelope_lines
from detectors.base import Batch, Detector, Floats, Verdict, option

_HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""
_CAP = 1e6
"""Highest score."""
_TURNS = 8.0
"""Turns of the shaft that a block must hold for the lines to stand apart."""
_MOST_TURNS = 160.0
"""Longer blocks are judged in pieces: lines grow with the length, and those that mean nothing would come to count."""
_NOISE = 2.0
"""Strength of a part's lines in noise, about: the best of many fits."""
_TOGETHER = 0.4
"""Both races stand out together where the weaker has this share of the stronger: a ball strikes both."""
_LASTING = 10.0
"""Blocks in the lasting strength."""
_FEW = 5.0
"""Blocks before the lasting strength counts."""
_MEMORY = 500.0
"""Blocks in the machine's own baseline."""
_LEAST_SPREAD = 0.2
"""Smallest spread of block strengths that the baseline is given."""


class BearingState(NamedTuple):
    """One row each; the second axis is over `PARTS`."""

    blocks: Floats  # blocks judged
    lasting: Floats  # (n, 4) mean strength of the last blocks
    learned: Floats  # blocks in the baseline
    base: Floats  # (n, 4) mean strength of blocks that were normal
    spread: Floats  # (n, 4) their mean absolute deviation


class Bearing(Detector[BearingState]):
    """Envelope spectrum lines at the rates at which a bearing's damaged parts are struck; names the part.

    Strength of a part = its lines (harmonics of BPFI, BPFO, BSF or FTF with their sidebands, within `slip`) in
    multiples of the local noise floor of the squared-envelope spectrum, as the square of the mean square root, in the
    band where that is largest. About 2 in noise. Score, the largest over the parts of: strength / `ratio`, of this
    block alone; mean strength of the last 10 blocks, from the fifth on, / `lasting_ratio`; and, from `warmup` normal
    blocks on, (that mean - the machine's own) / (`rise` x its spread, at least .2). The first two need no learning.

    Blocks are judged each by itself: (samples,) of acceleration in any unit, at a steady speed, with at least 8 turns
    of the shaft, sampled at 20 times the inner race's rate or more. One second is good, more is better: lines grow
    with the square root of the length, up to 160 turns; of a longer block, the mean over pieces of that length counts.
    The speed comes with the block or from `speed_rpm`; without either, or too short, or flat, it has no opinion.
    Contribution: the parts' shares of the evidence, strength beyond noise. A ball strikes both races, so both raised
    alike count for the ball, whose own lines are often weak; that is a rule of this detector, no standard's. Expected,
    high and the event's value are strengths (1 = the noise floor), the value as score x `ratio`.

    Sources: Randall and Antoni, Rolling element bearing diagnostics - a tutorial (2011); Antoni, Fast computation of
    the kurtogram (2007), whose tree of bands is searched. The outer race stands still.

    Scale and shift of the samples leave the score as it is.

    >>> rng = np.random.default_rng(1)
    >>> t = np.arange(12000) / 12000
    >>> strikes = np.sin(2 * np.pi * 3000 * t) * np.exp(-800 * (t % (1 / (3.5848 * 30))))
    >>> one = np.ones(1)
    >>> b = Batch(np.array([0]), (rng.normal(0, .3, 12000) + strikes)[None], one, one > 0, one.astype(np.int32),
    ...           12000 * one, 1800 * one)
    >>> d = Bearing(bpfi=5.4152, bpfo=3.5848, bsf=2.357, ftf=.3983)
    >>> _, v = d.step(d.init(1), b)
    >>> bool(v.score[0] > 2), d.causes[v.contribution[0].argmax()]
    (True, 'outer_race')
    """

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "waveform"
    limit_rule: ClassVar[Literal["budget", "own"]] = "own"
    refractory_default: ClassVar[str] = "1h"
    invariance: ClassVar[frozenset[str]] = frozenset({"shift"})
    calendar: ClassVar[bool] = False
    causes: ClassVar[tuple[str, ...]] = PARTS
    measured_unit: ClassVar[str | None] = "1"

    kind: Literal["bearing"] = "bearing"
    bpfi: float | None = option(None, "Inner race's defect rate, in multiples of the shaft speed.", gt=0, resets=True)
    bpfo: float | None = option(None, "Outer race's defect rate, in multiples of the shaft speed.", gt=0, resets=True)
    bsf: float | None = option(None, "Ball spin rate, in multiples of the shaft speed.", gt=0, resets=True)
    ftf: float | None = option(None, "Cage rate, in multiples of the shaft speed.", gt=0, lt=1, resets=True)
    balls: int | None = option(None, "Rolling elements in a row; with the diameters, instead of the four.", ge=3)
    ball_diameter: float | None = option(None, "Diameter of a rolling element, in the pitch diameter's unit.", gt=0)
    pitch_diameter: float | None = option(None, "Diameter of the circle of their centres.", gt=0)
    contact_angle_deg: float = option(0.0, "Contact angle, degrees.", ge=0, lt=90)
    speed_rpm: float | None = option(None, "Shaft speed where a block brings none.", gt=0)
    slip: float = option(0.02, "How far the rates may be off, as a share: slip and speed error.", ge=0, le=0.1)
    ratio: float = option(4.0, "Strength of one block that scores 1.", gt=1)
    lasting_ratio: float = option(3.0, "Mean strength of the last 10 blocks that scores 1.", gt=1)
    rise: float = option(4.0, "Rise above the machine's own baseline that scores 1, in its spreads.", gt=0)
    warmup: int = option(20, "Normal blocks learned before the baseline counts.", ge=2, resets=True)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        direct = [x is not None for x in (self.bpfi, self.bpfo, self.bsf, self.ftf)]
        geometry = [x is not None for x in (self.balls, self.ball_diameter, self.pitch_diameter)]
        if not (all(direct) and not any(geometry)) and not (all(geometry) and not any(direct)):
            raise ValueError(
                "expected either bpfi, bpfo, bsf and ftf (multiples of the shaft speed, from the bearing's data sheet) "
                "or balls, ball_diameter and pitch_diameter"
            )
        if self.ball_diameter and self.pitch_diameter and self.ball_diameter >= self.pitch_diameter:
            raise ValueError("ball_diameter must be less than pitch_diameter")
        return self

    @property
    def orders(self) -> Orders:
        """Defect rates of the parts, in multiples of the shaft speed."""
        if self.balls is not None and self.ball_diameter is not None and self.pitch_diameter is not None:
            return orders_of(self.balls, self.ball_diameter, self.pitch_diameter, self.contact_angle_deg)
        assert self.bpfi is not None
        assert self.bpfo is not None
        assert self.bsf is not None
        assert self.ftf is not None
        return Orders(self.bpfi, self.bpfo, self.bsf, self.ftf)

    def init(self, n: int, given: dict[str, Floats] | None = None) -> BearingState:
        """State of n rows."""
        parts = np.zeros((n, len(PARTS)))
        return BearingState(np.zeros(n), parts, np.zeros(n), parts.copy(), parts.copy())

    def strength(self, x: Floats, rate_hz: float, speed_rpm: float) -> Floats | None:
        """(4,) strengths of `PARTS` in one block (samples,); None where it cannot tell."""
        rpm = speed_rpm if 0 < speed_rpm < _HUGE else self.speed_rpm
        if rpm is None or not 0 < rate_hz < _HUGE or not (np.abs(x) < _HUGE).all():
            return None
        shaft_hz = rpm / 60.0
        top_hz = top_order(self.orders) * shaft_hz
        if len(x) * shaft_hz < _TURNS * rate_hz or 4.0 * top_hz > rate_hz:
            return None
        pieces = math.ceil(len(x) * shaft_hz / rate_hz / _MOST_TURNS)
        n = len(x) // pieces
        found = []
        for piece in range(pieces):
            samples = np.ascontiguousarray(x[piece * n : (piece + 1) * n])
            lines, width_hz = envelope_lines(samples, rate_hz, top_hz)
            if not len(lines):
                return None
            found.append(strengths(lines, width_hz, shaft_hz, self.orders, self.slip))
        mean: Floats = np.array(found).sum(axis=0) / pieces
        return mean

    def step(self, state: BearingState, batch: Batch) -> tuple[BearingState, Verdict]:
        """Score one block of each row, x (k, samples), then learn it."""
        assert batch.rate_hz is not None
        assert batch.speed_rpm is not None
        k = len(batch.x)
        found = [
            self.strength(x, rate, rpm)
            for x, rate, rpm in zip(batch.x, batch.rate_hz.tolist(), batch.speed_rpm.tolist(), strict=True)
        ]
        fine = np.array([one is not None for one in found], dtype=bool)
        now = np.array([np.zeros(len(PARTS)) if one is None else one for one in found]).reshape(k, len(PARTS))
        blocks = state.blocks + fine
        gain = np.where(fine, 1.0 / np.minimum(np.maximum(blocks, 1.0), _LASTING), 0.0)[:, None]
        lasting = state.lasting + gain * (now - state.lasting)

        enough = (blocks >= _FEW)[:, None]
        by_block = now / self.ratio
        by_mean = np.where(enough, lasting / self.lasting_ratio, 0.0)
        warm = np.minimum(state.learned / self.warmup, 1.0)
        above = (lasting - state.base) / (self.rise * np.maximum(state.spread, _LEAST_SPREAD))
        by_mean = np.where(enough & (warm >= 1.0)[:, None], np.maximum(by_mean, above), by_mean)
        best_now, best_mean = by_block.max(axis=1, initial=0.0), by_mean.max(axis=1, initial=0.0)
        score = np.where(fine, np.minimum(np.maximum(best_now, best_mean), _CAP), np.nan)
        shares = _shares(np.where((best_now >= best_mean)[:, None], now, lasting))

        learn = fine & batch.learn & (score < 1.0)
        learned = state.learned + learn
        step = np.where(learn, 1.0 / np.minimum(np.maximum(learned, 1.0), _MEMORY), 0.0)[:, None]
        error = now - state.base
        spread = state.spread + step * (np.abs(np.where(state.learned[:, None] > 0, error, 0.0)) - state.spread)
        known = fine & (warm >= 1.0)
        nan = np.full(k, np.nan)
        own = np.where(known, state.base[np.arange(k), shares.argmax(axis=1)], np.nan)
        high = np.where(fine, self.ratio, np.nan)
        verdict = Verdict(score, own, nan, high, warm, np.where(fine[:, None], shares, 0.0))
        return BearingState(blocks, lasting, learned, state.base + step * error, spread), verdict

    def measured(self, verdict: Verdict) -> Floats:
        """(k,) the strength that one block would need for this score."""
        return verdict.score * self.ratio

    def explain(self, state: BearingState, row: int) -> dict[str, Any]:
        """A row's state as plain data, part by part."""
        told: dict[str, Any] = {"blocks": state.blocks[row].item(), "learned": state.learned[row].item()}
        for name in ("lasting", "base", "spread"):
            values = getattr(state, name)[row].tolist()
            told |= {f"{name}_{part}": value for part, value in zip(PARTS, values, strict=True)}
        return told


def _shares(strength: Floats) -> Floats:
    """(k, 4) each part's share of what stands above the noise; both races alike count for the ball."""
    above = np.maximum(strength - _NOISE, 0.0)
    inner, outer = above[:, INNER], above[:, OUTER]
    together = (np.minimum(inner, outer) >= _TOGETHER * np.maximum(inner, outer)) & (np.minimum(inner, outer) > 0)
    above[:, BALL] = np.where(together, np.maximum(above[:, BALL], inner + outer), above[:, BALL])
    total = above.sum(axis=1, keepdims=True)
    return np.where(total > 0, above / np.where(total > 0, total, 1.0), 0.0)
