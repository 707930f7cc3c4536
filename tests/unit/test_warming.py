"""What is still warming up: how far each series is, what it lacks, in metrics and at /warmup."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.durations import SECOND
from streams.warming import listed
from tests.unit.models import ROBUST, START, fed, values


def test_it_says_per_cent_and_how_many_readings_are_missing() -> None:
    told = listed([fed([ROBUST], values("a", 20) + values("b", 60))])
    assert told["warming"] == 1
    assert told["series"][0] == {
        "asset": "m1", "series": "a", "watch": "level", "mode": None, "done": 0.4, "missing_readings": 30,
        "missing_s": None, "done_percent": 40.0,
    }  # fmt: skip


def test_of_a_warm_up_stated_as_a_time_it_says_how_long() -> None:
    watch = {**ROBUST, "detector": {"kind": "robust_zscore", "warmup": "2m"}}
    one = listed([fed([watch], values("a", 31))])["series"][0]
    assert one["done"] == pytest.approx(0.25)
    assert one["missing_s"] == pytest.approx(90.0)
    assert one["missing_readings"] is None


def test_each_mode_warms_up_on_its_own() -> None:
    states = [{"asset": "m1", "series": "state", "time": START + i * SECOND, "value": "ab"[i % 2]} for i in range(20)]
    messages = [m for pair in zip(states, values("x", 20), strict=True) for m in pair]
    told = listed([fed([{**ROBUST, "by": "state"}], messages)])
    assert [(one["mode"], one["missing_readings"]) for one in told["series"]] == [("a", 40), ("b", 40)]


def test_asking_changes_nothing() -> None:
    engine = fed([ROBUST], values("a", 20))
    before = repr(engine.snapshot())
    listed([engine])
    assert repr(engine.snapshot()) == before


def test_a_row_that_starts_over_is_warming_again() -> None:
    engine = fed([ROBUST], values("a", 60))
    assert listed([engine])["warming"] == 0
    (watch,) = engine.watches
    watch.bank.forget(np.array([0]))
    assert [one["done"] for one in listed([engine])["series"]] == [0.0]
