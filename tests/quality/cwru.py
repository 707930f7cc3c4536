"""Case Western bearing data through the engine: which part is named, with what margin, and no alarm on normal.

`python -m tests.quality.cwru` prints the table. Each record is cut into frames, which are sent as waveform messages,
one a minute, to an engine with one watch of kind `bearing` at its defaults and the bearing's four rates; every line is
a fresh engine. Records at 48 kHz are also judged at 12 kHz (every fourth sample behind an anti-alias filter).

A record's verdict is what a person is told: the first event, and the part that its message names.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
from scipy.signal import decimate

from detectors.base import Floats
from schemas.chunk import Record
from schemas.decode import Decoder
from streams.engine import Engine
from streams.resolve import resolve
from streams.site import Site

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "vibration"
RATES = {"bpfi": 5.4152, "bpfo": 3.5848, "bsf": 2.357, "ftf": 0.39828}
"""SKF 6205-2RS, from the data's README."""
TRUTH = {"Normal_0": None, "IR007_0": "inner_race", "OR007_6_0": "outer_race", "B007_0": "ball"}
FRAMES_S = (None, 2.0, 1.0, 0.5)
"""Lengths of frames; None = the whole record."""
START = 1_767_600_000_000_000_000
MINUTE = 60_000_000_000


class Signal(NamedTuple):
    """A record at one rate."""

    name: str
    rate_hz: float
    speed_rpm: float
    samples: Floats


class Row(NamedTuple):
    """One record, cut into frames of one length."""

    name: str
    rate_hz: float
    frame_s: float
    frames: int
    alarms: int  # episodes opened
    named: str | None  # part that the first event names
    share: float  # of the evidence, that part's
    told_at: int | None  # the frame of the first event, from 1 on
    low: float  # scores of the frames
    median: float
    high: float
    ms: float  # of the engine, a frame

    @property
    def right(self) -> bool:
        """Whether the truth is what a person is told."""
        return self.named == TRUTH[self.name]


def signals() -> Iterator[Signal]:
    """All records, at their own rate and at 12 kHz. Raises FileNotFoundError where the data are not there."""
    rpm = json.loads((DATA / "cwru_rpm.json").read_text())
    for file in ("cwru_public.npz", "cwru_outer_12k.npz"):
        with np.load(DATA / file) as data:
            rate = float(data["fs"])
            for name in (n for n in TRUTH if n in data):
                samples = data[name].astype(np.float64)
                yield Signal(name, rate, rpm[name], samples)
                if rate > 12_000:
                    yield Signal(name, 12_000.0, rpm[name], decimate(samples, round(rate / 12_000), ftype="fir"))


def judged(signal: Signal, frame_s: float | None, **options: float) -> Row:
    """What a fresh engine tells of a record in frames of one length; `options` are the detector's beside the rates."""
    n = len(signal.samples) if frame_s is None else round(frame_s * signal.rate_hz)
    watch = {"name": "bearing", "series": "*", "detector": {"kind": "bearing", **RATES, **options}}
    engine = Engine(0, 1, resolve(Site.model_validate({"watch": [watch]})))
    decoder = Decoder(b"0" * 16)
    scores, events, spent = [], [], 0.0
    for i in range(len(signal.samples) // n):
        body = {
            "asset": "cwru/rig/motor", "series": "drive_end", "time": START + i * MINUTE, "unit": "g",
            "rate_hz": signal.rate_hz, "speed_rpm": signal.speed_rpm,
            "values": signal.samples[i * n : (i + 1) * n].tolist(),
        }  # fmt: skip
        chunk = decoder.decode([Record(i, START + i * MINUTE, None, orjson.dumps(body))], 0)
        began = time.perf_counter()
        results = engine.feed(chunk)
        spent += time.perf_counter() - began
        scores += results.verdicts.score.tolist()
        events += [(i + 1, event) for event in results.events]
    opened = [(i, event) for i, event in events if event.phase == "opened"]
    named, share, told_at = None, 0.0, None
    if opened:
        told_at, first = opened[0]
        shares = first.contribution or {}
        named = max(shares, key=lambda part: shares[part])
        share = shares[named]
        assert named.split("_")[0] in first.message["en"]
    return Row(
        signal.name, signal.rate_hz, n / signal.rate_hz, len(scores), len(opened), named, share, told_at,
        min(scores), float(np.median(scores)), max(scores), spent / len(scores) * 1e3,
    )  # fmt: skip


def rows() -> list[Row]:
    """Every record at every rate in frames of every length."""
    return [judged(signal, frame) for signal in signals() for frame in FRAMES_S]


def main() -> int:
    """Print the table."""
    if not DATA.exists():
        print(f"{DATA} is not there: nothing to judge")
        return 1
    print("record     kHz  frame s  frames  alarms  told at  named       share  score min / median / max    ms/frame")
    for row in rows():
        print(
            f"{row.name:10} {row.rate_hz / 1000:3.0f} {row.frame_s:8.2f} {row.frames:7} {row.alarms:7} "
            f"{row.told_at or '-':>8}  {row.named or '-':11} {row.share:5.2f} {row.low:8.2f} / {row.median:6.2f} / "
            f"{row.high:6.2f} {row.ms:11.1f}{'' if row.right else '   (not the truth)'}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
