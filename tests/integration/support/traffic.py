"""The scenario as messages: singles and frames in three encodings, with what gateways do wrong mixed in."""

from __future__ import annotations

import math
from random import Random
from typing import NamedTuple

from schemas.codecs import ARROW, JSON, MSGPACK
from schemas.encode import Message, Value, encode_frame, encode_single
from schemas.partition import key_of
from tests.integration.support.produce import CLIENTS, Client, Outgoing
from tests.integration.support.scenario import ASSETS, INSTANTS, SECOND, columns, dice, faults, step_ns

BLOCK = 20
HOUR = 3600 * SECOND


class Reading(NamedTuple):
    """One reading as it is sent: what the tally is made from."""

    asset: str
    series: str
    time: int
    value: Value
    quality: int = 0


class Traffic(NamedTuple):
    """What each client sends, in order; the readings in it; and what must be rejected, by reason."""

    messages: dict[Client, list[Outgoing]]
    wellformed: dict[Client, list[bool]]  # of each message: whether an asset can be read in it
    readings: list[Reading]  # in order of sending, for each asset
    rejected: dict[str, int]  # reason -> readings
    nan_cells: int
    unknown_fields: int


def client_of(asset: str) -> Client:
    """Each asset has one producer, so that its readings keep their order."""
    return CLIENTS[ASSETS.index(asset) % 3]


def traffic(end_ns: int) -> Traffic:
    """All messages of the scenario, whose last instant is at `end_ns` (a whole second)."""
    made = Traffic({c: [] for c in CLIENTS}, {c: [] for c in CLIENTS}, [], {}, 0, 0)
    found = faults()
    tables = {asset: columns(asset, found) for asset in ASSETS}
    faulty = {(fault.asset, fault.series) for fault in found}
    nan_cells = unknown = 0
    for start in range(0, INSTANTS, BLOCK):
        for asset in ASSETS:
            step = step_ns(asset)
            times = [end_ns - (INSTANTS - 1 - i) * step for i in range(start, start + BLOCK)]
            block = {name: column[start : start + BLOCK] for name, column in tables[asset].items()}
            how = dice(asset, start, "how").randrange(6)
            _block(made, asset, times, block, how)
            sound = [name for name in block if (asset, name) not in faulty]
            nan_cells += _oddity(made, asset, times, block, sound, dice(asset, start, "odd"))
            unknown += _mischief(made, asset, times[-1], (start // BLOCK * 7 + ASSETS.index(asset)) % 200)
    return made._replace(nan_cells=nan_cells, unknown_fields=unknown)


def _put(made: Traffic, asset: str, message: Message, wellformed: bool = True) -> None:
    client = client_of(asset)
    made.messages[client].append(Outgoing(*message, key=key_of(asset)))
    made.wellformed[client].append(wellformed)


def _block(made: Traffic, asset: str, times: list[int], block: dict[str, list[Value]], how: int) -> None:
    """One asset's readings of one block, as singles, as a frame, or as small frames."""
    if how < 2:
        kind = (JSON, MSGPACK)[how]
        for i, time in enumerate(times):
            for name, column in block.items():
                if column[i] is not None:
                    _put(made, asset, encode_single(asset, name, time, column[i], content_type=kind))
    else:
        size = (BLOCK, BLOCK, BLOCK, 5)[how - 2]
        kind = (JSON, MSGPACK, ARROW, JSON)[how - 2]
        for at in range(0, BLOCK, size):
            part = {name: column[at : at + size] for name, column in block.items()}
            _put(made, asset, encode_frame(asset, times[at : at + size], part, content_type=kind))
    for i, time in enumerate(times):
        made.readings.extend(
            Reading(asset, name, time, column[i]) for name, column in block.items() if column[i] is not None
        )


def _oddity(
    made: Traffic, asset: str, times: list[int], block: dict[str, list[Value]], sound: list[str], chance: Random
) -> int:
    """What a gateway repeats, restates, brings late or cannot read; the number of NaN cells sent."""
    last, step, which = times[-1], step_ns(asset), chance.randrange(16)
    numbers = [name for name in sound if name != "state"]
    picked = chance.choice(numbers)
    value = block[picked][-1]
    assert isinstance(value, float)

    def single(series: str, time: int, value: Value, quality: int = 0) -> None:
        words = ("good", "uncertain", "bad")
        _put(made, asset, encode_single(asset, series, time, value, quality=words[quality] if quality else None))
        made.readings.append(Reading(asset, series, time, value, quality))

    if which == 0:  # the same again, and again
        single(picked, last, value)
        single(picked, last, value)
    elif which == 1:  # another value for the same time; then that one again; then the first again
        single(picked, last, value + 0.125)
        single(picked, last, value + 0.125)
        single(picked, last, value)
    elif which == 2:  # late, at a time of its own and at one that has a reading already
        single(picked, last - 2 * step - step // 4, value)
        single(picked, last - 3 * step, value)
    elif which == 3:  # null
        single(picked, last + step // 4, None)
        if "state" in sound:
            single("state", last + step // 4, None)
    elif which == 4:  # of lesser quality
        single(picked, last + step // 4, value, 1)
        single(picked, last + step // 2, value, 2)
    elif which == 5 and client_of(asset) != "confluent-kafka":
        # not among the messages that are forwarded: their notes would be counted where they are found, too
        kind = chance.choice((MSGPACK, ARROW))
        _put(made, asset, encode_frame(asset, [last + step // 4], {picked: [math.nan]}, content_type=kind))
        made.readings.append(Reading(asset, picked, last + step // 4, math.nan))
        return 1
    elif which == 6:  # a word, where numbers are usual
        single(picked, last + step // 4, "calibrating")
    return 0


def _mischief(made: Traffic, asset: str, last: int, which: int) -> int:
    """Now and then something that must be set aside; the number of unknown fields sent."""

    def rejected(reason: str, readings: int) -> None:
        made.rejected[reason] = made.rejected.get(reason, 0) + readings

    if which == 0:
        _put(made, asset, (b'{"asset": "' + asset.encode(), []), wellformed=False)
        rejected("malformed", 1)
    elif which == 50:
        _put(made, asset, encode_single(asset, "temp_b", last + HOUR, 1.0))
        rejected("future", 1)
    elif which == 100:
        value, headers = encode_frame(asset, [last + 1, last + 2], {"state": ["run", "run"], "flow": [1.0, 2.0]})
        _put(made, asset, (value.replace(b"[1.0,2.0]", b"[[1.0],{}]"), headers))
        made.readings.extend(Reading(asset, "state", last + i, "run") for i in (1, 2))
        rejected("wrong_type", 2)
    elif which == 150 and client_of(asset) != "confluent-kafka":
        value, headers = encode_single(asset, "state", last + 1, "run")
        _put(made, asset, (value[:-1] + b',"firmware":"1.2"}', headers))
        made.readings.append(Reading(asset, "state", last + 1, "run"))
        return 1
    return 0
