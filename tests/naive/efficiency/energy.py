"""Key figures of energy and utilities of one asset, one number at a time."""

from __future__ import annotations

import math

NAN = math.nan


def over(a: float, b: float) -> float:
    return a / b if b > 0 else NAN


def naive_load_factor(kwh: float, max_kw: float, hours: float) -> float:
    return over(kwh, max_kw * hours)


def naive_power_factor(kwh: float, kvarh: float) -> float:
    return over(kwh, math.sqrt(kwh * kwh + kvarh * kvarh))


def naive_leak(load: float, unload: float) -> float:
    return over(load, load + unload)


def naive_chiller(flow: float, back: float, out: float, kw: float) -> tuple[float, float, float]:
    """(kW of cooling, kW/RT, COP)."""
    cooling = flow * 4.186 * (back - out)
    tons = cooling / 3.517
    return cooling, over(kw, tons), over(cooling, kw) if cooling > 0 else NAN


def naive_shed(end_kwh: float, target_kw: float, left: float, window_h: float) -> float:
    over_kwh = end_kwh - target_kw * window_h
    if over_kwh <= 0:
        return 0.0
    return over_kwh / (left * window_h) if left > 0 else math.inf


def naive_risk(end_kwh: float, highest_kw: float, price: float, window_h: float) -> float:
    return max(end_kwh / window_h - highest_kw, 0.0) * price
