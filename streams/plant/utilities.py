"""Three compressors that load and unload, and two chillers that follow the weather and the machines' heat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.plant.schedule import DAY_SHIFT
from streams.plant.spec import MODES, Block, Kind, Series, Values

LOAD_CYCLE_S = 110.0
"""Time from one loading of a compressor to the next, s."""

COMPRESSOR_SERIES = (
    Series("pressure", "bar", 0.02, 4, 5.5, 8.5),
    Series("motor_current", "A", 0.6, 3, None, 80.0),
    Series("motor_power", "kW", 0.35, 3, None, 45.0),
    Series("motor_speed", "/min", 4.0, 2, None, 3100.0),
    Series("oil_temp", "Cel", 0.2, 3, None, 95.0),
    Series("discharge_temp", "Cel", 0.3, 3, None, 105.0),
    Series("air_flow", "m3/min", 0.05, 4, None, 9.0),
    Series("vibration", "mm/s", 0.05, 4, None, 7.1),
    Series("run_hours", "h", 0.0, 4),
)

CHILLER_SERIES = (
    Series("water_temp_in", "Cel", 0.06, 3, None, 18.0),
    Series("water_temp_out", "Cel", 0.05, 3, 3.0, 12.0),
    Series("water_flow", "m3/h", 0.4, 3, 30.0, 65.0),
    Series("active_power", "kW", 0.5, 3, None, 110.0),
    Series("condenser_temp", "Cel", 0.15, 3, None, 50.0),
    Series("condenser_pressure", "bar", 0.04, 4, None, 14.0),
    Series("evaporator_pressure", "bar", 0.02, 4, 2.0, 5.0),
    Series("thermal_power", "kW", 1.6, 2, None, 400.0),
)


def _compressor(block: Block) -> tuple[dict[str, Values], dict[str, NDArray[np.str_]]]:
    memory, interval_s = block.memory, block.interval_s
    day = (block.hour >= DAY_SHIFT[0]) & (block.hour < DAY_SHIFT[1])
    duty = np.where(day, 0.66, 0.45)[:, None]
    phase = block.cycle(LOAD_CYCLE_S, 37.0)
    loaded = phase < duty
    filling = np.where(loaded, phase / duty, (1.0 - phase) / (1.0 - duty))
    current = np.where(loaded, 60.0 + 3.0 * filling, 24.0) * block.trim
    share = np.broadcast_to(duty, phase.shape)
    hours = memory.count("hours", np.full(phase.shape, interval_s / 3600.0))
    values = {
        "pressure": 6.8 + 0.6 * filling,
        "motor_current": current,
        "motor_power": 0.58 * current,
        "motor_speed": np.where(loaded, 2960.0, 2985.0),
        "oil_temp": memory.lag("oil", block.ambient + 30.0 + 20.0 * share, 1500.0, interval_s),
        "discharge_temp": memory.lag("discharge", block.ambient + 42.0 + 16.0 * loaded, 240.0, interval_s),
        "air_flow": np.where(loaded, 6.2, 0.4) * block.trim,
        "vibration": np.where(loaded, 2.4, 1.7) * block.trim,
        "run_hours": 41000.0 + 900.0 * np.arange(phase.shape[1]) + hours,
    }
    return values, {"state": np.where(loaded, "loaded", "unloaded")}


def _chiller(block: Block) -> tuple[dict[str, Values], dict[str, NDArray[np.str_]]]:
    memory, interval_s = block.memory, block.interval_s
    heat_kw = sum((kw.sum(axis=1, keepdims=True) for kw in block.power_kw.values()), np.zeros((len(block.hour), 1)))
    heat = np.broadcast_to(0.35 * heat_kw + 6.0 * (block.ambient - 20.0), block.mode.shape)
    # Chilled water takes minutes to follow the machines, so that one machine's stop is a slope and not a step.
    load = memory.lag("load", heat * block.trim, 900.0, interval_s) + 120.0
    flow = 48.0 * block.trim
    warming = load / (1.163 * flow)
    values = {
        "water_temp_in": 7.0 + warming,
        "water_temp_out": np.broadcast_to(np.array(7.0), load.shape),
        "water_flow": np.broadcast_to(flow, load.shape),
        "active_power": load / 4.6 * (1.0 + 0.012 * (block.ambient - 28.0)),
        "condenser_temp": memory.lag("condenser", block.ambient + 9.0 + 0.01 * load, 600.0, interval_s),
        "condenser_pressure": 7.6 + 0.11 * (block.ambient - 28.0) + 0.002 * load,
        "evaporator_pressure": np.broadcast_to(np.array(3.2), load.shape),
        "thermal_power": load,
    }
    return values, {"state": np.array(MODES)[block.mode]}


COMPRESSOR = Kind(
    "compressor",
    tuple(f"penang/utilities/air/compressor-{i}" for i in range(1, 4)),
    COMPRESSOR_SERIES,
    ("state",),
    _compressor,
)
CHILLER = Kind(
    "chiller", tuple(f"penang/utilities/cooling/chiller-{i}" for i in range(1, 3)), CHILLER_SERIES, ("state",), _chiller
)
