"""What a kind of machine is: its series with units, noise and limits, and the model that drives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.plant.memory import Memory

RUNNING, IDLE, SETUP, DOWN = 0, 1, 2, 3
MODES = ("running", "idle", "setup", "down")

Values = NDArray[np.float64]


class Series(NamedTuple):
    """A numeric series of a kind.

    `unit` is UCUM. `sigma` is the noise's standard deviation in a running machine, in that unit; 0 for counters
    and settings. `low` and `high` are the engineering limits, None where there are none. `digits` is the sensor's
    resolution in decimals.
    """

    name: str
    unit: str
    sigma: float
    digits: int
    low: float | None = None
    high: float | None = None


class Block(NamedTuple):
    """T instants of the n machines of one kind, as a model sees them."""

    clock_s: Values  # (T,) seconds since the epoch
    interval_s: float
    hour: Values  # (T,) local hour of the day, 0 to 24
    ambient: Values  # (T, 1) outside air, Cel
    mode: NDArray[np.int8]  # (T, n) index into MODES
    trim: Values  # (n,) how far each machine is from its nameplate, about 1
    memory: Memory
    power_kw: dict[str, Values]  # kind -> (T, n), of the kinds modelled before this one

    def by_mode(self, running: Values | float, idle: float, setup: float, down: float = 0.0) -> Values:
        """(T, n): the value that belongs to each machine's mode."""
        rest = np.array([0.0, idle, setup, down])[self.mode]
        return np.where(self.mode == RUNNING, running, rest)

    def cycle(self, period_s: float, stagger_s: float) -> Values:
        """(T, n): phase 0 to 1 of a repeating cycle, each machine `stagger_s` after the one before."""
        count = self.mode.shape[1]
        return np.mod(self.clock_s[:, None] + stagger_s * np.arange(count), period_s) / period_s


class Kind(NamedTuple):
    """A kind of machine. `model` gives the noise-free (T, n) values by series name, and text columns by name."""

    name: str
    assets: tuple[str, ...]
    series: tuple[Series, ...]
    text: tuple[str, ...]
    model: Callable[[Block], tuple[dict[str, Values], dict[str, NDArray[np.str_]]]]
