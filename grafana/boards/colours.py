"""Colours: the palette of Okabe and Ito, distinct to colour-blind eyes; no meaning is told by colour alone.

Masataka Okabe and Kei Ito, Color Universal Design (2008). What has no meaning of its own (machines, watches, series)
gets shades of one blue, which differ in lightness.
"""

from __future__ import annotations

BLACK, GREY = "#000000", "#999999"
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

PALETTE = frozenset({BLACK, GREY, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE, "transparent"})
"""All that a board may use."""

SEVERITY = {"critical": VERMILLION, "major": ORANGE, "minor": YELLOW, "warning": SKY, "info": GREY}

STATE = {
    "producing": GREEN,
    "running": GREEN,
    "loaded": GREEN,
    "active": GREEN,
    "idle": SKY,
    "ready": SKY,
    "unloaded": SKY,
    "setup": YELLOW,
    "starved": PURPLE,
    "blocked": BLUE,
    "planned": GREY,
    "stopped": ORANGE,
    "down": VERMILLION,
    "fault": VERMILLION,
}
"""Words that state series commonly say; others are shown in shades of blue."""

LOSS = {
    "loss_breakdowns": VERMILLION,
    "loss_setup": YELLOW,
    "loss_minor_stops": ORANGE,
    "loss_speed": SKY,
    "loss_rejects": PURPLE,
    "loss_startup_rejects": BLUE,
    "loss_production_rejects": PURPLE,
    "loss_unknown": GREY,
}

STEPS = {
    "fully_productive_time": ("good parts", GREEN),
    "loss_rejects": ("rejects", PURPLE),
    "loss_production_rejects": ("rejects in production", PURPLE),
    "loss_startup_rejects": ("rejects at start-up", BLUE),
    "loss_speed": ("speed", SKY),
    "loss_minor_stops": ("minor stops", ORANGE),
    "loss_setup": ("set-up", YELLOW),
    "loss_breakdowns": ("breakdowns", VERMILLION),
    "loss_unknown": ("unknown", GREY),
}
"""From what the good parts took up to planned busy time: what each step is called, and its colour, that of LOSS."""
