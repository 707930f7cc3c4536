"""Cooling as a signal of its own: what chillers deliver, from the flow and temperatures of their water."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detectors.efficiency import cooling
from detectors.efficiency.roles import Role
from streams.kpi.held import Block, joined
from streams.kpi.options import MachineOptions

_OF = (Role.WATER_FLOW, Role.SUPPLY_TEMPERATURE, Role.RETURN_TEMPERATURE)


class Cooling:
    """Stands in front of an account: readings of water go in, and on with the cooling that follows from them."""

    def __init__(self) -> None:
        self._bridge = np.zeros(0, dtype=np.int64)  # of each machine
        self._active = False
        self._state = cooling.init(0)

    def configure(self, options: Sequence[MachineOptions | None]) -> None:
        """What holds for all machines, by number."""
        self._active = any(o is not None and o.chiller is not None for o in options)
        self._bridge = np.array([0 if o is None else o.bridge for o in options], dtype=np.int64)
        fresh = cooling.init(len(options) - len(self._state.told))
        self._state = cooling.CoolingState(*(np.append(a, b) for a, b in zip(self._state, fresh, strict=True)))

    def take(self, block: Block) -> Block:
        """Readings, and the cooling at their times."""
        if not self._active:
            return block
        water = np.flatnonzero(block.role >= _OF[0])
        if not len(water):
            return block
        water = water[np.lexsort((block.role[water], block.time[water], block.machine[water]))]
        machine, role, time, value, received = block.of(water)
        self._state, said = cooling.step(self._state, self._bridge, machine, role - _OF[0], time, value)
        none = np.full(len(said.time), received[0])  # of readings on their way to be booked it does not matter
        role = np.full(len(said.time), Role.COOLING)
        return joined([block, Block(said.machine, role, said.time, said.kw, none)])

    def snapshot(self) -> dict[str, Any]:
        """What was read last."""
        return {name: column.copy() for name, column in self._state._asdict().items()}

    def restore(self, saved: dict[str, Any] | None) -> None:
        """Take up what `snapshot` gave, before `configure`; None: it is from before there was any of it."""
        self._state = cooling.init(0)
        if saved is not None:
            self._state = cooling.CoolingState(**{name: column.copy() for name, column in saved.items()})
