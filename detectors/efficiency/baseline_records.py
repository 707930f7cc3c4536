"""What the life of a baseline is told in: its rules, the periods that come, and what is said of them."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from detectors.base import Bools, Floats
from detectors.efficiency.baseline import Baseline, BaselineState
from detectors.efficiency.fit import Figures
from detectors.efficiency.savings import SavingsState

HOUR, DAY = 0, 1
STEPS = ("hour", "day")
"""Lengths of period that a baseline may be of, the shortest first."""
A_DAY = (24, 1)

Phase = Literal["learning", "refused", "accepted", "judged"]
News = Literal["", "accepted", "proposed", "withdrawn"]


class Rules(NamedTuple):
    """What a baseline is asked to be."""

    steps: tuple[int, ...]  # that it may be of, ascending; the first that meets the guideline is taken
    warmup: int  # days to learn before it may be accepted
    modes: int = 1

    def needed(self, step: int) -> int:
        """Periods to learn."""
        return self.warmup * A_DAY[step]

    def model(self, step: int) -> Baseline:
        """What learns."""
        return Baseline(warmup=min(24, max(8, self.needed(step))))


class Period(NamedTuple):
    """An hour or a day of the plant; NaN where something is missing."""

    step: int
    start: int
    end: int
    mode: int
    energy: float
    inputs: tuple[float, float, float]  # production, CDD, HDD; 0 where not used

    @property
    def known(self) -> bool:
        """Whether nothing is missing."""
        return not any(map(math.isnan, (self.energy, *self.inputs)))


class Frozen(NamedTuple):
    """A baseline that was accepted, and changes no more."""

    step: int
    since: int  # end of the last period that it was learned from
    coefficients: Floats  # (modes, 4)
    modes: Bools  # (modes,) those that were learned
    fit: Figures  # (1,)
    refused: str  # why no shorter step was taken, "" where none was asked for


class Suspect(NamedTuple):
    """What would be the baseline if the plant had changed when the CUSUM was last 0."""

    learned: BaselineState  # (modes,)
    began: int  # start of the first period, -1 where there is none
    expected: float
    actual: float


class Proposal(NamedTuple):
    """The plant is lastingly off its baseline, which a person is to judge."""

    direction: int  # -1 takes less than expected, 1 more
    began: int
    opened: int  # end of the period at which it was noticed
    per_period: float  # actual less expected since then, mean


class Life(NamedTuple):
    """All that is known of one plant."""

    learning: tuple[BaselineState | None, BaselineState | None]  # by step; (modes,)
    frozen: Frozen | None
    saved: SavingsState  # (1,) since it was frozen
    watched: SavingsState  # (1,) against `factor` times what is expected; its CUSUM finds changes
    factor: float  # 1 until a change was rejected: what the plant takes, as a share of what is expected
    suspects: tuple[Suspect, Suspect]  # takes less, takes more
    proposal: Proposal | None


class Span(NamedTuple):
    """A value and its 90 % interval; None where there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class Said(NamedTuple):
    """What there is to say of one period."""

    phase: Phase
    warm: float = 1.0
    step: int | None = None  # of the baseline, once it is accepted
    refused: str = ""  # why it, or a shorter one, was not accepted
    fit: tuple[float | None, float | None, float | None] = (None, None, None)  # R2, CV(RMSE), NMBE
    expected: Span = Span()
    saved: Span = Span()
    total: Span = Span()
    why: str = ""  # there is no expected or saved
    proposed: bool = False
    news: News = ""
