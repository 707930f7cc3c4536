"""The states of a machine that time is booked on, and the words that controllers use for them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class MachineState(IntEnum):
    """What a machine does. Time is known where the state is not UNKNOWN."""

    UNKNOWN = 0
    PRODUCING = 1
    IDLE = 2  # able, and nobody asks for it
    STARVED = 3  # able, and nothing comes in
    BLOCKED = 4  # able, and what it made does not go out
    DOWN = 5
    SETUP = 6
    PLANNED = 7  # a planned stop that the calendar does not name


STATES = len(MachineState)

_NAMES = {state.name.lower(): state for state in MachineState}

PROFILES: Mapping[str, Mapping[str, str]] = {
    # MTConnect Standard part 2, EXECUTION
    "mtconnect": {
        "ACTIVE": "producing",
        "READY": "idle",
        "WAIT": "idle",
        "OPTIONAL_STOP": "idle",
        "PROGRAM_OPTIONAL_STOP": "idle",
        "PROGRAM_COMPLETED": "idle",
        "PROGRAM_STOPPED": "idle",
        "STOPPED": "idle",
        "FEED_HOLD": "down",
        "INTERRUPTED": "down",
        "UNAVAILABLE": "unknown",
    },
    # ISA-TR88.00.02 (PackML), state names and numbers
    "packml": {
        "Execute": "producing", "6": "producing",
        "Completing": "producing", "16": "producing",
        "Idle": "idle", "4": "idle",
        "Complete": "idle", "17": "idle",
        "Held": "idle", "11": "idle",
        "Holding": "idle", "10": "idle",
        "Unholding": "idle", "12": "idle",
        "Suspended": "starved", "5": "starved",
        "Suspending": "starved", "13": "starved",
        "Unsuspending": "starved", "14": "starved",
        "Starting": "setup", "3": "setup",
        "Resetting": "setup", "15": "setup",
        "Stopped": "down", "2": "down",
        "Stopping": "down", "7": "down",
        "Clearing": "down", "1": "down",
        "Aborted": "down", "9": "down",
        "Aborting": "down", "8": "down",
    },
}  # fmt: skip
"""Words of controllers, by profile: a start, to be overridden word by word."""


def state_words(profile: str | None, words: Mapping[str, str]) -> dict[str, MachineState]:
    """The state of each word, lower case: those of a profile, overridden by one's own. Raises ValueError.

    >>> state_words("mtconnect", {"FEED_HOLD": "setup"})["feed_hold"].name
    'SETUP'
    """
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"expected a profile out of {', '.join(PROFILES)}, got {profile!r}")
    out = {}
    for word, name in {**(PROFILES[profile] if profile else {}), **words}.items():
        if name not in _NAMES:
            raise ValueError(f"{word}: expected a state out of {', '.join(_NAMES)}, got {name!r}")
        out[word.lower()] = _NAMES[name]
    return out
