"""Roles: what series of machines say, and what holds for the machines that say it."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Role(IntEnum):
    """What a series of a machine says."""

    PRODUCT = 0  # code of a product
    STATE = 1  # a MachineState
    TOTAL = 2  # parts made, a counter
    GOOD = 3  # good parts, a counter
    REJECT = 4  # rejected parts, a counter
    ENERGY = 5  # kWh, a counter
    POWER = 6  # kW
    REACTIVE_ENERGY = 7  # kvarh, a counter
    REACTIVE_POWER = 8  # kvar
    AIR_FLOW = 9  # m3/min of compressed air
    COOLING = 10  # kW of heat that a chiller takes up
    WATER_FLOW = 11  # kg/s of chilled water; of this and what follows nothing is booked but that it was read
    SUPPLY_TEMPERATURE = 12  # Cel
    RETURN_TEMPERATURE = 13


class Limits(NamedTuple):
    """What holds for a machine, ns and counts."""

    hold: int  # a state counts so long without a reading
    gap: int  # energy between readings further apart is marked estimated
    bridge: int  # power readings further apart say nothing of what is between them
    modulus: float = 0.0  # a meter's counter begins again at 0 there; 0: unknown, and a fall is a reset
    counter: int = Role.TOTAL  # whose readings say for which time parts are known
    startup: int = 0  # parts made so long after a stop are of start-up; 0: not told apart
