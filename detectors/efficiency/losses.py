"""The six big losses: where planned busy time went that made no good items, in minutes and in money."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detectors.base import Floats
from detectors.efficiency.oee import planned_times

MINUTE_S = 60.0


class StateTimes(NamedTuple):
    """Seconds within planned busy time that k machines spent in each state, each (k,)."""

    producing: ArrayLike
    idle: ArrayLike = 0.0
    starved: ArrayLike = 0.0
    blocked: ArrayLike = 0.0
    down: ArrayLike = 0.0
    setup: ArrayLike = 0.0


class Losses(NamedTuple):
    """Each (k,), in minutes, or in money. A negative loss is a gain that the planned figures did not foresee."""

    breakdowns: Floats
    setup: Floats
    minor_stops: Floats
    speed: Floats
    startup_rejects: Floats
    production_rejects: Floats
    unknown: Floats
    """Planned busy time in no known state: none of the six; 0 where the states cover the window."""

    def total(self) -> Floats:
        """All together, unknown time included.

        >>> one = np.ones(1)
        >>> Losses(*[one] * 7).total()
        array([7.])
        """
        return np.asarray(np.sum(self, axis=0))


def six_big_losses(
    planned_busy_s: ArrayLike,
    states: StateTimes,
    run_s: ArrayLike,
    produced: ArrayLike,
    good: ArrayLike,
    startup_rejected: ArrayLike = 0.0,
) -> Losses:
    """Minutes lost, which add up to planned busy time less fully productive time, the sum of PRI x GQ.

    - breakdowns: the state down
    - setup: the state setup
    - minor_stops (idling and minor stops): the states idle, starved and blocked
    - speed: producing time less the planned run time of what was produced, APT - sum(PRI x PQ); below 0 where it ran
      faster than planned
    - startup_rejects: planned run time of the items rejected between a set-up or start and steady running, PRI x their
      count, `startup_rejected` (k, p)
    - production_rejects: planned run time of all other rejects, PRI x (PQ - GQ - start-up rejects)
    - unknown: planned busy time less the time in all states

    Telescoping: (PBT - states) + (states - APT) + (APT - PRI x PQ) + PRI x (PQ - GQ) = PBT - PRI x GQ. The first three
    lower availability as ISO 22400-2 counts it (APT is producing time alone); Nakajima puts minor stops under
    performance, which changes the factor that they lower and not the minutes. Other arguments as of `oee`. Source:
    Nakajima, Introduction to TPM (1988), ch. 2; ISO 22400-2.

    >>> states = StateTimes(producing=[24000.0], down=[2400.0], setup=[1200.0], idle=[1200.0])
    >>> lost = six_big_losses([28800.0], states, [60.0], [380], [361], [4])
    >>> [float(minutes[0]) for minutes in lost], float(lost.total()[0])
    ([40.0, 20.0, 20.0, 20.0, 4.0, 15.0, 0.0], 119.0)
    """
    pbt = np.asarray(planned_busy_s, dtype=np.float64)
    apt, idle, starved, blocked, down, setup = (np.asarray(s, dtype=np.float64) + 0.0 * pbt for s in states)
    times = planned_times(run_s, produced, good)
    starting = planned_times(run_s, produced, np.broadcast_to(startup_rejected, np.shape(good))).good_s
    stops = idle + starved + blocked
    seconds = Losses(
        breakdowns=down,
        setup=setup,
        minor_stops=stops,
        speed=apt - times.produced_s,
        startup_rejects=starting,
        production_rejects=times.produced_s - times.good_s - starting,
        unknown=pbt - (apt + stops + down + setup),
    )
    return Losses(*(s / MINUTE_S for s in seconds))


def in_money(
    lost: Losses, per_minute: ArrayLike, startup_material: ArrayLike = 0.0, production_material: ArrayLike = 0.0
) -> Losses:
    """Losses in money: minutes x `per_minute`, what a minute of fully productive time earns (k,), and for rejects the
    material that is scrapped with them (k,), in the same currency.

    >>> lost = Losses(*(np.array([m]) for m in (40.0, 20.0, 20.0, 20.0, 4.0, 15.0, 0.0)))
    >>> float(in_money(lost, 10.0, startup_material=8.0).startup_rejects[0])
    48.0
    """
    priced = Losses(*(np.asarray(minutes * np.asarray(per_minute, dtype=np.float64)) for minutes in lost))
    return priced._replace(
        startup_rejects=priced.startup_rejects + np.asarray(startup_material),
        production_rejects=priced.production_rejects + np.asarray(production_material),
    )
