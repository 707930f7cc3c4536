"""Weekly residual: a value less what its hour of the week adds, where that has proved to help."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.auto_state import CLIPPED, FITTED, HOURS, OPEN, PROFILE, USEFUL, AutoState, Singles
from detectors.base import Bools, Floats
from detectors.single import single


class Fit(NamedTuple):
    """How well the profile fits, the present value included; (k,) each."""

    offset: Floats  # what the hour of the week adds to the mean
    error: Floats  # mean squared error of the profile
    spread: Floats  # and of the mean


def fit(state: AutoState, x: Floats, mean: Floats, hour: NDArray[Any], weight: Floats) -> Fit:
    """What the hours of the week (k,) add to the `mean`: skill x (profile - mean), 0 where skill < .2.

    An hour not seen yet takes the profile of the hour before it: it goes on from there.
    Skill = 1 - mean squared error of the profile / that of the mean, each of values not learned yet. Errors count up
    to 6 sigma of the mean's; in the first units, those of an hour not seen yet count in full, to have a sigma.
    """
    k = np.arange(len(hour))
    usual, seen = state.profile[k, hour].astype(np.float64), state.profile_count[k, hour] > 0
    young, flat = state.learned < OPEN, state.spread <= 0
    most = np.where(np.where(seen, flat & ~young, flat | young), np.inf, CLIPPED * state.spread)
    gain = weight / np.minimum(state.learned + weight, FITTED)
    plain, fitted = np.minimum((x - mean) * (x - mean), most), np.minimum((x - usual) * (x - usual), most)
    spread = state.spread + gain * (plain - state.spread)
    error = state.error + gain * (np.where(seen, fitted, spread) - state.error)
    earlier = (hour - 1) % HOURS
    guess = np.where(seen, usual, state.profile[k, earlier].astype(np.float64))
    judged = (seen | (state.profile_count[k, earlier] > 0)) & (spread > 0)
    skill = 1.0 - error / np.where(judged, spread, 1.0)
    return Fit(np.where(judged & (skill >= USEFUL), skill * (guess - mean), 0.0), error, spread)


def learn(
    state: AutoState, x: Floats, hour: NDArray[Any], weight: Floats, teach: Bools
) -> tuple[Singles, NDArray[np.uint8]]:
    """The profile and its counts after values (k,), where `teach`: it remembers about four units of each hour."""
    k, its = np.flatnonzero(teach), hour[teach]
    usual, count = state.profile[k, its].astype(np.float64), state.profile_count[k, its].astype(np.float64)
    count = np.minimum(count + 1.0, 255.0)
    usual = single(usual + (x[k] - usual) / np.minimum(count, PROFILE / weight[k]))
    profile, counts = state.profile.copy(), state.profile_count.copy()
    profile[k, its], counts[k, its] = usual, count
    return profile, counts
