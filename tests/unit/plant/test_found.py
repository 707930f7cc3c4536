"""The plant's own site file finds every scripted fault, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from schemas.anomaly import AnomalyEvent
from schemas.chunk import Record
from schemas.decode import Decoder
from streams.engine import Engine
from streams.plant import Frame, Plant, default_faults, history, messages
from streams.plant.site import SITE
from streams.resolve import resolve
from streams.site import load_site

LIVE = 1_767_571_200 * 10**9
WARMUP_S = 600
TOTAL_S = 10


class Feed:
    """An engine fed with frames as one partition's log, and the events that came of it."""

    def __init__(self) -> None:
        self.engine = Engine(0, 1, resolve(load_site(SITE)))
        self.events: list[AnomalyEvent] = []

    def send(self, frames: Sequence[Frame], received: int) -> None:
        first = self.engine.next_offset
        records = [Record(first + i, received, None, value) for i, (_, value) in enumerate(messages(frames))]
        self.events += self.engine.feed(Decoder().decode(records, partition=0)).events


@pytest.mark.parametrize(("seed", "hour"), [(1, 0), (5, 15)])
def test_ten_seconds_after_a_warm_up_hold_every_fault_and_no_false_alarm(seed: int, hour: int) -> None:
    live = LIVE + hour * 3600 * 10**9
    faults = default_faults(TOTAL_S)
    plant = Plant(seed, live - WARMUP_S * 10**9, faults=faults, live_ns=live)
    feed = Feed()
    for frames in history(plant, WARMUP_S):
        feed.send(frames, live)
    assert feed.events == []
    for _ in range(TOTAL_S):
        feed.send(plant.step(), plant.next_ns)
    opened = [event for event in feed.events if event.phase == "opened"]
    assert {(e.asset, e.series) for e in opened} == {(f.asset, f.series) for f in faults}
    for fault in faults:
        at_s = min((e.started - live) / 1e9 for e in opened if (e.asset, e.series) == (fault.asset, fault.series))
        assert fault.start_s <= at_s <= fault.start_s + 5, fault
