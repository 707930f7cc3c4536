"""Four electricity meters: machining, SMT, utilities and the incomer, which add up what the machines draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.plant.spec import Block, Kind, Series, Values

SERIES = (
    Series("active_power", "kW", 0.8, 3),
    Series("reactive_power", "kvar", 0.5, 3),
    Series("power_factor", "1", 0.002, 5, 0.85, 1.0),
    Series("energy", "kW.h", 0.0, 3),
    *(Series(f"voltage_l{i}", "V", 0.5, 3, 216.0, 253.0) for i in (1, 2, 3)),
    *(Series(f"current_l{i}", "A", 1.2, 3) for i in (1, 2, 3)),
    Series("frequency", "Hz", 0.008, 4, 49.5, 50.5),
    Series("voltage_thd", "%", 0.04, 3, None, 8.0),
)

_BASE_KW = np.array([12.0, 9.0, 6.0])
_POWER_FACTOR = np.array([0.89, 0.95, 0.91, 0.92])


def _model(block: Block) -> tuple[dict[str, Values], dict[str, NDArray[np.str_]]]:
    drawn = block.power_kw
    lighting = 3.0 * ((block.hour < 7.0) | (block.hour >= 19.0))
    sections = np.stack(
        [
            drawn["cnc"].sum(axis=1),
            drawn["oven"].sum(axis=1),
            # Load and unload steps reach the meter smoothed over its averaging time.
            block.memory.lag(
                "utilities",
                (drawn["compressor"].sum(axis=1) + drawn["chiller"].sum(axis=1))[:, None],
                60.0,
                block.interval_s,
            )[:, 0],
        ],
        axis=1,
    ) + (_BASE_KW + lighting[:, None])
    power = np.column_stack([sections, 1.02 * sections.sum(axis=1)])
    factor = np.broadcast_to(_POWER_FACTOR, power.shape)
    volts = 238.0 - 0.004 * power[:, 3:] + np.zeros_like(power)
    amps = power * 1000.0 / (3.0 * factor * volts)
    values = {
        "active_power": power,
        "reactive_power": power * np.sqrt(1.0 / factor**2 - 1.0),
        "power_factor": factor,
        "energy": 250_000.0 + block.memory.count("energy", power * (block.interval_s / 3600.0)),
        "frequency": np.full(power.shape, 50.0),
        "voltage_thd": np.full(power.shape, 2.1),
    }
    for phase, (volt, amp) in enumerate(((1.0, 1.0), (0.998, 1.03), (1.002, 0.98)), 1):
        values[f"voltage_l{phase}"] = volts * volt
        values[f"current_l{phase}"] = amps * amp
    return values, {}


METER = Kind("meter", tuple(f"penang/utilities/power/meter-{i}" for i in range(1, 5)), SERIES, (), _model)
