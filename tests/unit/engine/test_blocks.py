"""Waveform watches in the engine: an event says what a block came to, and names the part."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from detectors.durations import SECOND
from schemas.chunk import Record
from tests.unit.detectors.test_bearing import ORDERS, RATE_HZ, RPM, struck
from tests.unit.engine.logs import LINE, START, Tape, play, site


def told(blocks: list[Any], detector: dict[str, Any], cuts: list[int] | None = None, restart: bool = False) -> Tape:
    records = []
    for i, x in enumerate(blocks):
        body = {
            "asset": f"{LINE}/motor", "series": "vib", "time": START + 60 * i * SECOND, "rate_hz": RATE_HZ,
            "speed_rpm": RPM, "unit": "m/s2", "values": np.round(x, 3).tolist(),
        }  # fmt: skip
        records.append(Record(i, START + 60 * i * SECOND, None, json.dumps(body).encode()))
    watch = {"name": "motor", "series": "*/vib", "detector": detector}
    return play(records, cuts or (), of=site(watches=[watch]), restart=restart)


def blocks() -> list[Any]:
    rng = np.random.default_rng(2)
    return [*(rng.normal(size=12_000) for _ in range(3)), *(struck(5.4152, i, at_load=1.0) for i in range(3))]


def test_an_event_names_the_part_in_its_message_and_its_shares() -> None:
    tape = told(blocks(), {"kind": "bearing", **ORDERS})
    assert [e["phase"] for e in tape.events] == ["opened"]
    event = tape.events[0]
    assert event["time"] == START + 180 * SECOND
    shares = event["contribution"]
    assert max(shares, key=shares.get) == "inner_race"
    assert set(shares) == {"inner_race", "outer_race", "ball", "cage"}
    assert "inner race" in event["message"]["en"]
    assert "內環" in event["message"]["zh-TW"]
    assert event["value"] == 4.0 * event["score"]
    assert event["high"] == 4.0
    assert "lasting_inner_race" in event["decision"]["state"]
    assert tape.verdicts[3][-1] == shares
    assert tape.counts["scored"] == 6


def test_an_event_says_the_velocity_of_its_block() -> None:
    t = np.arange(12_000) / RATE_HZ
    x = [size * np.sin(2 * np.pi * 40 * t) for size in (0.5, 0.6, 1.4)]
    tape = told(x, {"kind": "vibration_zone"})
    event = tape.events[0]
    assert abs(event["value"] - 1400 / (2 * np.pi * 40) / np.sqrt(2)) < 0.01
    assert event["unit"] == "mm/s"
    assert event["high"] == 2.8
    assert "3.94" in event["message"]["en"]


def test_where_the_log_is_cut_and_the_engine_restored_is_not_seen() -> None:
    whole = told(blocks(), {"kind": "bearing", **ORDERS})
    whole.same(told(blocks(), {"kind": "bearing", **ORDERS}, [1, 2, 4]))
    whole.same(told(blocks(), {"kind": "bearing", **ORDERS}, [2, 4, 5], restart=True))
