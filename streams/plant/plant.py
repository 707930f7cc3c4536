"""The plant itself: steps through simulated time and gives a frame of every machine."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from streams.plant.faults import Fault, Injector
from streams.plant.frames import Frame
from streams.plant.kinds import KINDS, POWER_SERIES, STEADY
from streams.plant.memory import Memory
from streams.plant.schedule import Schedule, local_hour
from streams.plant.spec import DOWN, IDLE, Block, Kind, Values

_SLOW_SHARE = 0.4
"""Share of the noise's variance that wanders slowly; the rest is white."""

_SLOW_TAU_S = 45.0

_CALM = 0.35
"""Noise of a machine that stands still, as a share of that of a running one."""


class Plant:
    """Twenty machines from `start_ns` on, one row each `interval_s`; the same seed and start give the same rows.

    `live_ns` (default: `start_ns`) is the instant from which faults count, so a plant may begin in the past, run
    ahead of the wall clock through a warm-up, and go on live. How time is cut into `step` and `block` changes
    no row.

    Raises ValueError for a bad interval or fault, KeyError for a fault on a series that does not exist.
    """

    def __init__(
        self,
        seed: int,
        start_ns: int,
        interval_s: float = 1.0,
        faults: Sequence[Fault] = (),
        live_ns: int | None = None,
    ) -> None:
        if not interval_s > 0:
            raise ValueError(f"interval_s must be above 0, got {interval_s}")
        self.interval_s = interval_s
        self.next_ns = start_ns
        self.live_ns = start_ns if live_ns is None else live_ns
        self.faults = tuple(faults)
        self._interval_ns = round(interval_s * 1e9)
        self._injector = Injector(faults)
        self._start_s = start_ns / 1e9
        self._schedule = {k.name: Schedule(seed, k.assets, self._start_s, k.name in STEADY) for k in KINDS}
        self._memory = {k.name: Memory() for k in KINDS}
        self._rng = {k.name: np.random.default_rng([seed, zlib.crc32(k.name.encode())]) for k in KINDS}
        self._trim = {k.name: 1.0 + 0.02 * self._rng[k.name].uniform(-1, 1, len(k.assets)) for k in KINDS}

    @property
    def series(self) -> int:
        """Number of numeric series."""
        return sum(len(kind.assets) * len(kind.series) for kind in KINDS)

    @property
    def assets(self) -> list[str]:
        """Paths of all machines."""
        return [asset for kind in KINDS for asset in kind.assets]

    def step(self) -> list[Frame]:
        """One tick: a frame of one row of each machine."""
        return self.block(1)

    def block(self, rows: int) -> list[Frame]:
        """The next `rows` ticks: a frame of `rows` rows of each machine."""
        time = self.next_ns + self._interval_ns * np.arange(rows, dtype=np.int64)
        self.next_ns += self._interval_ns * rows
        clock_s = time / 1e9
        hour = local_hour(clock_s)
        ambient = (28.0 + 4.0 * np.sin(2 * np.pi * (hour - 9.0) / 24.0))[:, None]
        power: dict[str, Values] = {}
        columns: dict[tuple[str, str], Values] = {}
        texts: dict[str, dict[str, list[str]]] = {}
        for kind in KINDS:
            block = Block(
                clock_s,
                self.interval_s,
                hour,
                ambient,
                self._schedule[kind.name].modes(clock_s),
                self._trim[kind.name],
                self._memory[kind.name],
                power,
            )
            ideal, words = kind.model(block)
            values = self._noisy(kind, ideal, block)
            if kind.name in POWER_SERIES:
                power = {**power, kind.name: values[POWER_SERIES[kind.name]]}
            for n, asset in enumerate(kind.assets):
                columns.update({(asset, name): column[:, n].copy() for name, column in values.items()})
                texts[asset] = {name: words[name][:, n].tolist() for name in kind.text}
        self._injector.apply(columns, (time - self.live_ns) / 1e9)
        return [_frame(kind, asset, time, columns, texts[asset]) for kind in KINDS for asset in kind.assets]

    def _noisy(self, kind: Kind, ideal: dict[str, Values], block: Block) -> dict[str, Values]:
        rows, machines = block.mode.shape
        draws = self._rng[kind.name].standard_normal((rows, 2, len(kind.series), machines))
        liveliness = np.where((block.mode == IDLE) | (block.mode == DOWN), _CALM, 1.0)
        slow = block.memory.slow("noise", draws[:, 1].reshape(rows, -1), _SLOW_TAU_S, self.interval_s)
        slow = slow.reshape(rows, len(kind.series), machines)
        noise = np.sqrt(1.0 - _SLOW_SHARE) * draws[:, 0] + np.sqrt(_SLOW_SHARE) * slow
        out = {}
        for place, declared in enumerate(kind.series):
            moved = ideal[declared.name] + declared.sigma * liveliness * noise[:, place]
            out[declared.name] = np.round(np.maximum(moved, 0.0), declared.digits)
        return out


def history(plant: Plant, seconds: float, rows: int = 60) -> Iterator[list[Frame]]:
    """The next `seconds` of a plant in frames of up to `rows` rows, for a fast warm-up; machines take turns.

    Send it with the broker's own timestamps: where records are stamped with event times instead, a frame must span
    less than the shortest `gap` timeout, or the jump from one frame to the next is a silence.

    >>> [len(frames[0].time) for frames in history(Plant(1, 0), 150)]
    [60, 60, 30]
    """
    left = round(seconds / plant.interval_s)
    while left > 0:
        take = min(rows, left)
        yield plant.block(take)
        left -= take


def _frame(
    kind: Kind, asset: str, time: NDArray[np.int64], columns: dict[tuple[str, str], Values], text: dict[str, list[str]]
) -> Frame:
    series: dict[str, NDArray[np.float64] | list[str]] = {}
    unit: dict[str, str] = {}
    for declared in kind.series:
        column = columns[asset, declared.name]
        if not np.isnan(column).all():
            series[declared.name] = column
            unit[declared.name] = declared.unit
    return Frame(asset, time, {**series, **text}, unit)
