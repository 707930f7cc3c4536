"""Eight machining centres: spindle, axes, coolant and parts follow the mode and the part's cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.plant.spec import MODES, RUNNING, Block, Kind, Series, Values

CYCLE_S = 180.0
"""Time of one part, s."""

REJECTED = 0.04
"""Share of parts that are not good."""

PARTS_PER_PRODUCT = 500

SERIES = (
    Series("spindle_current", "A", 0.5, 3, 0.0, 40.0),
    Series("spindle_speed", "/min", 12.0, 2, 0.0, 9500.0),
    Series("spindle_temp", "Cel", 0.15, 3, None, 75.0),
    Series("bearing_temp", "Cel", 0.15, 3, None, 80.0),
    Series("feed_rate", "mm/min", 15.0, 2, 0.0, 4000.0),
    Series("feed_override", "%", 0.0, 0, 0.0, 150.0),
    Series("vibration_de", "mm/s", 0.06, 4, None, 7.1),
    Series("vibration_nde", "mm/s", 0.05, 4, None, 7.1),
    Series("coolant_temp", "Cel", 0.1, 3, None, 45.0),
    Series("coolant_pressure", "bar", 0.2, 3, None, 25.0),
    Series("load_x", "%", 0.9, 3, 0.0, 100.0),
    Series("load_y", "%", 0.8, 3, 0.0, 100.0),
    Series("load_z", "%", 0.8, 3, 0.0, 100.0),
    Series("hydraulic_pressure", "bar", 0.3, 3, 40.0, 80.0),
    Series("active_power", "kW", 0.2, 3, 0.0, 25.0),
    Series("part_count", "1", 0.0, 0),
    Series("reject_count", "1", 0.0, 0),
)


def _model(block: Block) -> tuple[dict[str, Values], dict[str, NDArray[np.str_]]]:
    memory, interval_s = block.memory, block.interval_s
    running = (block.mode == RUNNING).astype(np.float64)
    cut = 1.0 + 0.03 * np.sin(2 * np.pi * block.cycle(CYCLE_S, 23.0))
    current = block.by_mode(18.5 * cut * block.trim, 1.2, 4.0)
    parts = np.floor(memory.count("parts", running * interval_s / CYCLE_S))
    values = {
        "spindle_current": current,
        "spindle_speed": block.by_mode(8000.0 * block.trim, 0.0, 1200.0),
        "spindle_temp": memory.lag("spindle_temp", block.ambient + 22.0 * running, 1200.0, interval_s),
        "bearing_temp": memory.lag("bearing_temp", block.ambient + 26.0 * running, 1800.0, interval_s),
        "feed_rate": block.by_mode(2400.0 * cut, 0.0, 300.0),
        "feed_override": block.by_mode(100.0, 100.0, 50.0),
        "vibration_de": block.by_mode(1.8 * block.trim * (0.7 + 0.3 * cut), 0.15, 0.5, 0.05),
        "vibration_nde": block.by_mode(1.3 * block.trim * (0.7 + 0.3 * cut), 0.12, 0.4, 0.05),
        "coolant_temp": memory.lag("coolant_temp", block.ambient - 4.0 + 5.0 * running, 900.0, interval_s),
        "coolant_pressure": block.by_mode(18.0 * block.trim, 2.0, 6.0),
        "load_x": block.by_mode(35.0 * cut, 2.0, 8.0),
        "load_y": block.by_mode(28.0 * cut, 2.0, 7.0),
        "load_z": block.by_mode(22.0 * cut, 4.0, 9.0),
        "hydraulic_pressure": block.by_mode(62.0 * block.trim, 60.0, 61.0, 60.0),
        "active_power": 0.3 + 0.42 * current,
        "part_count": parts,
        "reject_count": np.floor(REJECTED * parts),
    }
    product = np.where(np.mod(parts // PARTS_PER_PRODUCT, 2) == 0, "bracket-a", "bracket-b")
    return values, {"state": np.array(MODES)[block.mode], "product": product}


CNC = Kind(
    "cnc", tuple(f"penang/machining/line1/cnc-{i:02d}" for i in range(1, 9)), SERIES, ("state", "product"), _model
)
