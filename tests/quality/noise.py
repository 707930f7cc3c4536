"""Alarms on noise without anomalies, by the budget that was stated: `python -m tests.quality.noise 5m 10s 1s`.

Eleven kinds of noise, 100 series each, fixed seeds, over the product's bank. Faster series come as means of a minute,
or of the detector's `every`, as the engine gives them to a detector with bins.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from detectors.bank import Bank
from detectors.base import Batch, Detector
from detectors.calibration import Calibration
from detectors.durations import SECOND, budget_per_s, duration_ns
from detectors.registry import build

Floats = NDArray[np.float64]
SERIES = 100
DAY_S, WEEK_S = 86_400, 604_800
MINUTE_S = 60
START = 1_767_571_200
"""2026-01-05, a Monday."""
SPANS = {"1s": (1, 3), "10s": (10, 14), "5m": (300, 56)}
"""Seconds between readings, and days."""


def _daily(t: Floats) -> Floats:
    swing: Floats = 5 * np.sin(t * 2 * np.pi / DAY_S)[:, None]
    return swing


def _weekly(t: Floats) -> Floats:
    workday = (t // DAY_S % 7 < 5)[:, None]
    weekly: Floats = _daily(t) * (1 + workday)
    return weekly


def _spikes(rng: np.random.Generator, e: Floats) -> Floats:
    spikes: Floats = 50 * (rng.random(e.shape) < 0.002) * rng.random(e.shape)
    return spikes


KINDS: dict[str, Callable[[np.random.Generator, Floats, Floats], Any]] = {
    "white": lambda rng, t, e: e,
    "AR .9": lambda rng, t, e: lfilter([1], [1, -0.9], e, axis=0),
    "AR .99": lambda rng, t, e: lfilter([1], [1, -0.99], e, axis=0),
    "daily": lambda rng, t, e: _daily(t) + e,
    "daily and weekly": lambda rng, t, e: _weekly(t) + e,
    "t3": lambda rng, t, e: rng.standard_t(3, e.shape),
    "lognormal": lambda rng, t, e: np.exp(e),
    "Poisson": lambda rng, t, e: rng.poisson(3, e.shape) * 1.0,
    "switching": lambda rng, t, e: 10 * (np.cumsum(rng.random(e.shape) < 1 / 200, axis=0) % 2) + e,
    "random walk": lambda rng, t, e: np.cumsum(e, axis=0),
    "spiky": lambda rng, t, e: e + _spikes(rng, e),
}
"""Of a generator, times (n,) in seconds and normal noise (n, k): n readings of k series."""


class Rates(NamedTuple):
    """Alarms / budget."""

    first: float  # in the first week, or half of the run
    after: float


def readings(kind: str, every_s: int, days: int, bin_s: int) -> tuple[NDArray[np.int64], Floats]:
    """Times (n,) in seconds and values (n, k)."""
    rng = np.random.default_rng(list(KINDS).index(kind) + 1)
    t = START + np.arange(days * DAY_S // every_s) * every_s
    x = KINDS[kind](rng, t.astype(float), rng.normal(size=(len(t), SERIES)))
    if every_s >= bin_s:
        return t, x
    m = bin_s // every_s
    return t[::m] + bin_s, x.reshape(-1, m, SERIES).mean(axis=1)


def rates(detector: Detector[Any], t: NDArray[np.int64], x: Floats, budget: str, hold: bool) -> Rates:
    """Alarms / budget of the bank on readings (n, k)."""
    n, k = x.shape
    rate, rest = budget_per_s(budget), duration_ns(detector.refractory_default)
    calibration = Calibration(rule=detector.limit_rule, rate_per_s=rate, refractory_ns=rest, hold=hold)
    bank = Bank(detector.with_budget(rate), calibration)
    bank.grow(k)
    time = np.repeat(t, k)
    dt = np.where(np.arange(n * k) < k, np.nan, float(t[1] - t[0]))
    # START is a Monday's midnight
    batch = Batch(time * SECOND, x.reshape(-1), dt, time > 0, ((time - START) % WEEK_S).astype(np.int32))
    alarm = bank.run(np.tile(np.arange(k), n), batch).alarm.reshape(n, k)
    days = (t[-1] - t[0]) / DAY_S
    split_s = min(WEEK_S, days * DAY_S / 2)
    early = t - t[0] < split_s
    wanted = rate * k
    return Rates(alarm[early].sum() / wanted / split_s, alarm[~early].sum() / wanted / (days * DAY_S - split_s))


def main() -> int:
    """Print a table of each span."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spans", nargs="*", choices=[*SPANS, []], default=[])
    parser.add_argument("--kind", default="auto")
    parser.add_argument("--budgets", nargs="+", default=["1/day", "1/week"])
    asked = parser.parse_args()
    detector = build({"kind": asked.kind})
    every: Any = getattr(detector, "every", None) if detector.binned else 0
    bin_s = every // SECOND if isinstance(every, int) else MINUTE_S
    columns = [(budget, hold) for budget in asked.budgets for hold in (False, True)]
    for span in asked.spans or SPANS:
        every_s, days = SPANS[span]
        print(f"{asked.kind}, a reading in {span}, {days} days: alarms / budget first and after, {SERIES} series")
        print(" " * 18 + "".join(f"{budget + (' hold' if hold else ''):>16}" for budget, hold in columns))
        table = []
        for kind in KINDS:
            t, x = readings(kind, every_s, days, bin_s)
            table.append([rates(detector, t, x, budget, hold) for budget, hold in columns])
            print(f"{kind:18}" + "".join(f"{r.first:>9.2f} {r.after:>6.2f}" for r in table[-1]))
        worst = np.array(table).max(axis=0)
        print(f"{'worst':18}" + "".join(f"{first:>9.2f} {after:>6.2f}" for first, after in worst))
    return 0


if __name__ == "__main__":
    sys.exit(main())
