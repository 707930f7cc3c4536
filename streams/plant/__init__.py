"""A simulated plant: twenty machines with shifts, modes, couplings, noise and scripted faults, the same for a seed."""

from streams.plant.faults import FAULT_KINDS, Fault, default_faults
from streams.plant.frames import Frame, message_of, messages
from streams.plant.plant import Plant, history

__all__ = ["FAULT_KINDS", "Fault", "Frame", "Plant", "default_faults", "history", "message_of", "messages"]
