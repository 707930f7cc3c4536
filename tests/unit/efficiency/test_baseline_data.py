"""Baselines of a school and of a gas turbine, read as they come: figures of fit and verdicts beside numpy's own."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pytest

from detectors.base import Floats
from detectors.efficiency.baseline import Baseline, BaselineState
from detectors.efficiency.fit import VERDICTS, accepted, figures

Step = Literal["hourly", "daily"]
PLAIN = Baseline(outlier=1e9)
"""Ordinary least squares: no period is beyond it."""
MODES = ("holidays", "summer maintenance", "summer school", "ramp up", "school days", "weekends")


class Periods(NamedTuple):
    """n periods of k baselines, NaN where there is nothing to learn."""

    energy: Floats  # (n, k)
    inputs: Floats  # (n, k, 3) production, CDD, HDD


def by_day(hours: Periods) -> Periods:
    """Days of 24 hours that are whole: energy and production summed, degree days their means."""
    n = len(hours.energy) // 24 * 24
    energy = hours.energy[:n].reshape(-1, 24, hours.energy.shape[1]).sum(axis=1)
    inputs = hours.inputs[:n].reshape(-1, 24, *hours.inputs.shape[1:])
    return Periods(energy, np.concatenate([inputs[..., :1].sum(axis=1), inputs[..., 1:].mean(axis=1)], axis=-1))


def degrees(warmth: Floats, heating: float, cooling: float) -> Floats:
    """(n, 3): no production, cooling and heating degrees."""
    return np.stack([0 * warmth, np.maximum(warmth - cooling, 0), np.maximum(heating - warmth, 0)], axis=-1)


def school(shared_data: Path) -> Periods:
    """Hourly load of a school in 2018, a baseline for each mode; some loads and a temperature are missing."""

    def read(name: str) -> dict[str, list[str]]:
        with gzip.open(shared_data / "energy" / f"school_{name}.csv.gz", "rt") as file:
            return {row[0]: row[1:] for row in list(csv.reader(file))[1:]}

    load, warmth, modes = read("eload"), read("temp"), read("op_mode")
    hours = sorted(load)
    mode = []
    for hour in hours:
        marked = [float(cell) for cell in modes[hour[:10]]]
        weekend = date.fromisoformat(hour[:10]).weekday() >= 5
        mode.append(marked.index(1.0) if any(marked) else 5 if weekend else 4)
    kwh = np.array([float(load[hour][0] or "nan") for hour in hours])
    degree = degrees(np.array([float(warmth.get(hour, ["nan"])[0]) for hour in hours]), 60, 65)
    energy = np.where(np.array(mode)[:, None] == np.arange(len(MODES)), kwh[:, None], np.nan)
    return Periods(energy, np.repeat(degree[:, None], len(MODES), axis=1))


def turbine(shared_data: Path) -> Periods:
    """Hourly yield (MWh) of a gas turbine in three years, by weather alone and by what its compressor delivers too."""
    whole = np.full((8_784, 6), np.nan)
    inputs = np.zeros((8_784, 6, 3))
    for i, year in enumerate((2011, 2012, 2013)):
        with (shared_data / "energy" / f"gt_{year}.csv").open() as file:
            rows = [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]
        n = len(rows)  # no time column: hour after hour
        whole[:n, [i, i + 3]] = np.array([row["TEY"] for row in rows])[:, None]
        inputs[:n, [i, i + 3]] = degrees(np.array([row["AT"] for row in rows]), 15, 18)[:, None]
        inputs[:n, i + 3, 0] = [row["CDP"] for row in rows]
    return Periods(whole, inputs)


def learned(periods: Periods, baseline: Baseline) -> BaselineState:
    """All periods, one after the other."""
    state = baseline.init(periods.energy.shape[1])
    for energy, inputs in zip(*periods, strict=True):
        state, _ = baseline.step(state, energy, inputs)
    return state


def guideline(r2: float, cv: float, nmbe: float, periods: int) -> str:
    """ASHRAE Guideline 14 for hourly and daily data: R2 >= 0.75, CV(RMSE) <= 30 %, |NMBE| <= 10 %."""
    if periods < 12:
        return "too few periods to say"
    if r2 < 0.75:
        return "R2 is below 0.75"
    if cv > 0.30:
        return "CV(RMSE) is above the limit"
    return "accepted" if abs(nmbe) <= 0.10 else "NMBE is above the limit"


def checked(periods: Periods, step: Step, baseline: Baseline) -> list[str]:
    """The verdict on each baseline, its figures compared with what plain residuals give."""
    state = learned(periods, baseline)
    fit = figures(state)
    verdicts = [VERDICTS[code] for code in accepted(fit, step)]
    for k, verdict in enumerate(verdicts):
        known = ~np.isnan(periods.energy[:, k]) & ~np.isnan(periods.inputs[:, k]).any(axis=1)
        y, x = periods.energy[known, k], np.column_stack([np.ones(known.sum()), periods.inputs[known, k]])
        least, _, rank, _ = np.linalg.lstsq(x, y, rcond=None)
        if baseline is PLAIN:
            np.testing.assert_allclose(x @ state.coefficients[k], x @ least, rtol=1e-7)
        error = y - x @ (least if baseline is PLAIN else state.coefficients[k])
        free = len(y) - rank
        r2 = 1 - error @ error / ((y - y.mean()) @ (y - y.mean()))
        cv, nmbe = np.sqrt(error @ error / free) / y.mean(), error.sum() / (free * y.mean())
        assert (fit.periods[k], fit.parameters[k]) == (len(y), rank)
        np.testing.assert_allclose([fit.r2[k], fit.cv_rmse[k], fit.nmbe[k]], [r2, cv, nmbe], rtol=1e-6, atol=1e-8)
        assert verdict == guideline(r2, cv, nmbe, len(y))
    return verdicts


@pytest.mark.parametrize("baseline", [PLAIN, Baseline()], ids=["plain", "robust"])
def test_a_school_by_weather_alone_is_accepted_in_no_mode(baseline: Baseline, shared_data: Path) -> None:
    hours = school(shared_data)
    assert np.isfinite(hours.energy).sum() == 8_760 - 13
    assert set(checked(hours, "hourly", baseline)) == {"R2 is below 0.75"}
    days = by_day(hours)
    assert np.isfinite(days.energy).sum() == 365 - 5
    assert set(checked(days, "daily", baseline)) == {"R2 is below 0.75"}


@pytest.mark.parametrize("baseline", [PLAIN, Baseline()], ids=["plain", "robust"])
def test_a_gas_turbine_is_accepted_by_its_load_and_not_by_weather_alone(baseline: Baseline, shared_data: Path) -> None:
    hours = turbine(shared_data)
    assert np.isfinite(hours.energy).sum(axis=0).tolist() == [7_411, 7_628, 7_152] * 2
    for periods, step in ((hours, "hourly"), (by_day(hours), "daily")):
        assert checked(periods, step, baseline) == ["R2 is below 0.75"] * 3 + ["accepted"] * 3  # type: ignore[arg-type]
