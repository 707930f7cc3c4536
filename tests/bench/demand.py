"""Maximum demand: how well a window's end is forecast, on the steel plant's meter and on simulated 1-minute ones."""

from __future__ import annotations

import csv
import gzip
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detectors.base import Floats
from detectors.efficiency.demand import Demand
from streams.plant.plant import Plant

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


class Quality(NamedTuple):
    """Over the busier half of the windows; errors in percent of the window's value."""

    minutes: int  # of the window that had passed
    median: float
    p90: float
    plain_median: float  # going on at the mean so far
    plain_p90: float
    held: float  # share of outcomes in the interval, of windows that had one


def steel(data: Path) -> Floats:
    """kWh of each quarter of an hour, by window (n, 2)."""
    with gzip.open(data / "energy" / "steel_jan_aug.csv.gz", "rt") as file:
        kwh = np.array([float(row["Usage_kWh"]) for row in csv.DictReader(file)])
    return kwh[: len(kwh) // 2 * 2].reshape(-1, 2)


def simulated(days: int = 28, seed: int = 1) -> Floats:
    """kWh of each minute, by half hour (n, 30): shifts, three machines that cycle and stop, compressors, noise."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(days * 1440)
    hour, weekday = minutes % 1440 / 60, minutes // 1440 % 7
    shift = (hour >= 7) & (hour < 22) & (weekday < 6) & ~((hour >= 12) & (hour < 12.75))
    kw = 30 + 6 * np.sin(2 * np.pi * (hour - 9) / 24) + 25.0 * (minutes % 17 < 9)
    for power, run, stop in ((180, 47, 12), (120, 25, 9), (90, 140, 35)):
        on, at = np.zeros(len(minutes), dtype=bool), 0
        while at < len(minutes):
            length = int(rng.gamma(4, run / 4)) + 1
            on[at : at + length] = True
            at += length + int(rng.gamma(2, stop / 2)) + 1
        kw = kw + power * (on & shift) * (1 + 0.08 * rng.standard_normal(len(minutes)))
    return np.asarray(np.maximum(kw, 1.0).reshape(-1, 30) / 60)


def incomer(days: int = 28, seed: int = 1) -> Floats:
    """kWh of each minute, by half hour (n, 30), of the meter that takes in the demo's plant."""
    plant = Plant(seed, 1_767_571_200_000_000_000, 60.0)
    kw = [
        np.asarray(frame.series["active_power"])
        for _ in range(days)
        for frame in plant.block(1440)
        if frame.asset.endswith("meter-4")
    ]
    return np.concatenate(kw).reshape(-1, 30) / 60


def measure(windows: Floats, minute_of_slot: float, at: list[int]) -> list[Quality]:
    """The forecast at the end of the slots `at` of each window, as they came."""
    n, slots = windows.shape
    demand = Demand(slots=slots)
    state = demand.init(1)
    said = np.full((n, slots, 3), np.nan)
    for i, window in enumerate(windows):
        for s, kwh in enumerate(window):
            state, forecast = demand.step(state, np.array([s]), np.array([kwh]))
            said[i, s] = forecast.end_kwh[0], forecast.low_kwh[0], forecast.high_kwh[0]
    total = windows.sum(axis=1)
    busy = total >= np.median(total)
    out = []
    for s in at:
        end, low, high = said[busy, s].T
        true = total[busy]
        error = 100 * np.abs(end - true) / true
        plain = 100 * np.abs(windows[busy, : s + 1].sum(axis=1) * slots / (s + 1) - true) / true
        known = ~np.isnan(low)
        held = float(np.mean((low[known] <= true[known]) & (true[known] <= high[known])))
        figures = [float(np.quantile(e, q)) for e in (error, plain) for q in (0.5, 0.9)]
        out.append(Quality(round((s + 1) * minute_of_slot), *figures, held))
    return out


def lines(name: str, measured: list[Quality]) -> list[str]:
    """A table of text."""
    head = f"{name}: at minute, median error % (p90), plain (p90), interval held"
    rows = [
        f"  {q.minutes:3}  {q.median:5.2f} ({q.p90:5.2f})  {q.plain_median:5.2f} ({q.plain_p90:5.2f})  {q.held:.3f}"
        for q in measured
    ]
    return [head, *rows]


def rate(meters: int = 200, slots: int = 30) -> float:
    """Forecasts a second, of meters whose memory is full."""
    demand, rng = Demand(slots=slots), np.random.default_rng(2)
    state = demand.init(meters)
    kwh = rng.gamma(4, 1, (meters, demand.memory, slots)).cumsum(axis=2).transpose(0, 2, 1)
    state = state._replace(past=np.ascontiguousarray(kwh), seen=np.full(meters, demand.memory))
    began = time.perf_counter()
    for s in range(10):
        state, _ = demand.step(state, np.full(meters, s), rng.gamma(4, 1, meters))
    return meters * 10 / (time.perf_counter() - began)


def main() -> int:
    """Print the figures."""
    if DATA.exists():
        print("\n".join(lines("steel plant, 15 min samples, 30 min windows", measure(steel(DATA), 15, [0]))))
    else:
        print(f"no data at {DATA}: the steel plant is left out", file=sys.stderr)
    for name, windows in (("simulated machines", simulated()), ("incomer of the demo's plant", incomer())):
        print("\n".join(lines(f"{name}, 1 min samples", measure(windows, 1, [4, 9, 14, 19, 24]))))
    print(f"{rate():,.0f} forecasts/s, 200 meters of 1-minute slots, memory full")
    return 0


if __name__ == "__main__":
    sys.exit(main())
