"""Three reflow ovens of ten zones: heaters hold their set points, boards pass on the conveyor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.plant.spec import MODES, RUNNING, Block, Kind, Series, Values

SET_POINTS = (120.0, 150.0, 165.0, 175.0, 185.0, 205.0, 235.0, 245.0, 200.0, 120.0)
"""Set points of the zones while running, Cel."""

LIMIT_ABOVE = 12.0
"""A zone hotter than its set point by this many kelvin is above its limit."""

SETBACK = 40.0
"""How much cooler a waiting oven is kept, K."""

BOARD_S = 24.0
"""Time between two boards, s."""

REJECTED = 0.02
"""Share of boards that are not good."""

SERIES = (
    *(Series(f"zone{i}_temp", "Cel", 0.4, 3, None, s + LIMIT_ABOVE) for i, s in enumerate(SET_POINTS, 1)),
    *(Series(f"zone{i}_output", "%", 0.7, 3, 0.0, 100.0) for i, _ in enumerate(SET_POINTS, 1)),
    Series("conveyor_speed", "cm/min", 0.25, 3, None, 110.0),
    Series("oxygen", "[ppm]", 14.0, 2, None, 1500.0),
    Series("exhaust_flow", "m3/h", 4.0, 2, None, 800.0),
    Series("cooling_temp", "Cel", 0.3, 3, None, 65.0),
    Series("active_power", "kW", 0.25, 3, None, 40.0),
    Series("board_count", "1", 0.0, 0),
    Series("reject_count", "1", 0.0, 0),
)


def _model(block: Block) -> tuple[dict[str, Values], dict[str, NDArray[np.str_]]]:
    memory, interval_s = block.memory, block.interval_s
    running = (block.mode == RUNNING).astype(np.float64)
    # A board every few seconds cools the zones a little; the heaters answer with more output.
    board = np.sin(2 * np.pi * block.cycle(BOARD_S, 7.0)) * running
    values: dict[str, Values] = {}
    for zone, target in enumerate(SET_POINTS, 1):
        level = target - SETBACK * (1.0 - running)
        values[f"zone{zone}_temp"] = memory.lag(f"zone{zone}", level, 300.0, interval_s) - 0.2 * board
        base = 22.0 + 0.12 * (target - 100.0)
        values[f"zone{zone}_output"] = base * block.trim * (0.55 + 0.45 * running) + 0.5 * board
    output = sum((values[f"zone{zone}_output"] for zone in range(1, 11)), np.zeros_like(running))
    values["conveyor_speed"] = block.by_mode(90.0 * block.trim, 45.0, 60.0)
    values["oxygen"] = memory.lag(
        "oxygen", block.by_mode(800.0 * block.trim, 1100.0, 1100.0, 1400.0), 120.0, interval_s
    )
    values["exhaust_flow"] = block.by_mode(600.0 * block.trim, 420.0, 500.0)
    values["cooling_temp"] = memory.lag("cooling", block.ambient + 8.0 + 10.0 * running, 400.0, interval_s)
    values["active_power"] = 2.0 + 0.065 * output
    boards = np.floor(memory.count("boards", running * interval_s / BOARD_S))
    values["board_count"], values["reject_count"] = boards, np.floor(REJECTED * boards)
    product = np.broadcast_to(np.array("controller-x2"), running.shape)
    return values, {"state": np.array(MODES)[block.mode], "product": product}


OVEN = Kind("oven", tuple(f"penang/smt/line1/oven-{i}" for i in range(1, 4)), SERIES, ("state", "product"), _model)
