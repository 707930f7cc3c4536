"""Bins against their slow twin, over random readings of several series and random cuts into batches."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import compiled
from detectors.durations import SECOND
from detectors.groups import group
from streams import bins as bins_module
from streams.bin_pieces import GATED, UNKNOWN, Arrived
from streams.bins import MINUTE, Bins
from streams.state.codec import pack, unpack
from tests.naive.bins import Bin, NaiveBins

SERIES = 4
MODES = 3
"""Bank rows of each series; the first is the series' own."""


class Reading(NamedTuple):
    series: int
    time: int
    value: float
    step: int
    clock: int
    enters: bool
    good: bool
    row: int


def stream(seed: int, n: int, every: Any, modes: bool) -> list[Reading]:
    """Readings of a few series, each at a pace of its own, irregular, late on the clock, some unfit, some in pauses."""
    rng = np.random.default_rng(seed)
    length = MINUTE if every == "auto" else every
    pace = rng.choice([0.02, 0.2, 0.5, 0.9, 1.0, 3.0], SERIES) * length
    aligned = rng.random(SERIES) < 0.4
    time = [int(rng.integers(10**18, 10**18 + length)) for _ in range(SERIES)]
    mode, clock = [0] * SERIES, 0
    found: list[Reading] = []
    at = 0
    for _ in range(n):
        s = int(rng.integers(SERIES))
        step = int(pace[s] * rng.choice([1.0, 1.0, rng.random() * 2, 8.0], p=[0.6, 0.2, 0.15, 0.05]))
        grid = length // 4 if aligned[s] else 1
        time[s] = (time[s] + max(step, grid)) // grid * grid
        if not found or rng.random() < 0.7:  # else it comes with the one before
            at, clock = at + 1, max(clock, time[s] + int(rng.choice([0, 0, 0.3, 1.5, 4.0]) * length))
        if rng.random() < 0.1:
            mode[s] = int(rng.integers(-1, MODES))
        fit, good = bool(rng.random() < 0.9), bool(rng.random() < 0.85)
        row = 0 if not modes else mode[s] if fit else UNKNOWN
        value = float(rng.choice([rng.normal() * 10, 1e308, -0.0])) if fit else float("nan")
        row = row + s * MODES if row >= 0 else row
        found.append(Reading(s, time[s], value, at, clock, fit and row >= 0, good, row))
    return found


def naive(readings: list[Reading], options: tuple[Any, ...], end: int) -> tuple[list[list[Bin]], list[bool]]:
    twins = [NaiveBins(*options) for _ in range(SERIES)]
    entered = []
    for r in readings:
        for twin in twins:
            twin.pass_to(r.clock)
        entered.append(twins[r.series].put(*r[1:]))
    for twin in twins:
        twin.pass_to(end)
    return [twin.closed for twin in twins], entered


def fast(
    readings: list[Reading], options: tuple[Any, ...], edges: list[int], end: int
) -> tuple[list[list[Bin]], list[bool]]:
    every, wait, interval = options
    bins = Bins(every, wait)
    bins.columns.grow(SERIES * MODES)
    for s in range(SERIES):
        bins.declare(s * MODES, interval)
    found: list[list[Bin]] = [[] for _ in range(SERIES)]
    entered: list[bool] = []
    steps = [r.step for r in readings]  # a message is never cut
    for a, b in pairwise([0, *(steps.index(steps[e]) for e in edges), len(readings)]):
        part = readings[a:b]
        last = b == len(readings)
        if not part and not last:
            continue
        columns = [np.array(column) for column in zip(*part, strict=True)] or [np.zeros(0)] * len(Reading._fields)
        series, time, value, step, clock, enters, good, row = columns
        came = Arrived(
            time.astype(np.int64), value.astype(float), step.astype(np.int64), clock.astype(np.int64),
            enters.astype(bool), good.astype(bool), row.astype(np.int64),
        )  # fmt: skip
        until = end if last else int(clock[-1])
        closed, ins = bins.take(group(series.astype(np.int64) * MODES), came, until)
        assert (np.diff(closed.at) >= 0).all()
        assert ((closed.at >= 0) & (closed.at <= len(part))).all()
        entered += ins.tolist()
        for i in range(len(closed.row)):
            fields = (closed.row, closed.time, closed.mean, closed.readings, closed.learn, closed.clock, closed.due)
            found[int(closed.series[i]) // MODES].append(Bin(*(column[i].item() for column in fields)))
        restored = Bins(every, wait)
        restored.restore(unpack(pack({"bins": bins.snapshot()}))["bins"])
        bins = restored
    return found, entered


OPTIONS = st.tuples(
    st.sampled_from(["auto", "auto", 5 * SECOND, 7 * MINUTE]),
    st.sampled_from([None, 0, 3 * SECOND, 5 * MINUTE]),
    st.sampled_from([None, None, SECOND, 58 * SECOND, 5 * MINUTE]),
)


@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 160), options=OPTIONS, modes=st.booleans(),
    cuts=st.lists(st.integers(0, 160), max_size=8), later=st.sampled_from([0, SECOND, 10 * MINUTE]),
)  # fmt: skip
@settings(max_examples=150)
def test_bins_are_those_of_the_twin_however_the_log_is_cut(
    seed: int, n: int, options: tuple[Any, ...], modes: bool, cuts: list[int], later: int
) -> None:
    readings = stream(seed, n, options[0], modes)
    end = readings[-1].clock + later
    expected = naive(readings, options, end)
    assert repr(fast(readings, options, sorted(c % n for c in cuts), end)) == repr(expected)
    assert repr(fast(readings, options, list(range(1, n)), end)) == repr(expected)


def test_the_streams_hold_what_the_rule_is_about() -> None:
    kinds = set()
    for seed in range(200):
        every = ["auto", 5 * SECOND][seed % 2]
        readings = stream(seed, 160, every, seed % 3 > 0)
        closed, entered = naive(readings, (every, [None, 3 * SECOND][seed % 5 % 2], None), readings[-1].clock)
        for one in (b for bins in closed for b in bins):
            kinds |= {("due", one.due), ("learn", one.learn), ("several", one.count > 1)}
            kinds.add(("aligned", one.time % (MINUTE if every == "auto" else every) == 0))
        kinds |= {("left out", r.enters and not e) for r, e in zip(readings, entered, strict=True)}
    assert kinds == {(k, v) for k in ("due", "learn", "several", "aligned", "left out") for v in (True, False)}


def take(bins: Bins, *readings: tuple[float, float], clock_s: float | None = None, row: int = 0) -> Any:
    """Feed (time in s, value) of one series, good and in time; (time in s, mean) of what closes."""
    time = np.array([round(t * SECOND) for t, _ in readings], dtype=np.int64)
    value, yes = np.array([v for _, v in readings], dtype=float), np.ones(len(readings), dtype=bool)
    until = round((clock_s if clock_s is not None else readings[-1][0]) * SECOND)
    came = Arrived(time, value, np.arange(len(time)), time, yes & (row >= 0), yes, np.full(len(readings), row))
    closed, _ = bins.take(group(np.zeros(len(readings), dtype=np.int64)), came, until)
    return list(zip((closed.time / SECOND).tolist(), closed.mean.tolist(), strict=True))


def bins_of(every: Any, wait: int | None = None, interval: int | None = None) -> Bins:
    bins = Bins(every, wait)
    bins.columns.grow(2)
    bins.declare(0, interval)
    return bins


def test_a_bin_is_closed_by_a_reading_at_its_end_which_is_in_it_or_by_one_after() -> None:
    bins = bins_of(MINUTE)
    assert take(bins, (1, 1.0), (30, 2.0)) == []
    assert take(bins, (60, 6.0)) == [(60, 3.0)]
    assert take(bins, (61, 1.0), (121, 5.0)) == [(120, 1.0)]


def test_silence_closes_a_bin_when_it_has_waited() -> None:
    bins = bins_of(MINUTE, wait=5 * SECOND)
    take(bins, (1, 1.0))
    assert take(bins, clock_s=64.9) == []
    assert take(bins, clock_s=65) == [(60, 1.0)]
    assert take(bins, clock_s=9999) == []


@pytest.mark.parametrize(("interval", "wait"), [(1, 60), (100, 100), (600, 300)])
def test_the_default_wait_is_the_interval_at_least_a_minute_and_at_most_a_bin(interval: int, wait: int) -> None:
    bins = bins_of(5 * MINUTE, interval=interval * SECOND)
    take(bins, (1, 1.0))
    assert take(bins, clock_s=300 + wait - 0.001) == []
    assert take(bins, clock_s=300 + wait) == [(300, 1.0)]


def test_a_bin_without_readings_is_left_out() -> None:
    assert take(bins_of(MINUTE), (1, 1.0), (200, 2.0), (300, 3.0)) == [(60, 1.0), (240, 2.0), (300, 3.0)]


def test_under_auto_readings_a_minute_apart_stand_by_themselves_as_soon_as_that_is_known() -> None:
    slow = [(7.0 + 300 * i, float(i)) for i in range(40)]
    declared = take(bins_of("auto", interval=5 * MINUTE), *slow)
    assert declared == slow
    learned = take(bins_of("auto"), *slow)
    assert [mean for _, mean in learned] == [float(i) for i in range(40)]  # no value is lost or mixed
    assert learned[20:] == slow[20:]
    assert learned[0] == (60.0, 0.0)


def test_a_reading_with_which_the_interval_becomes_known_may_belong_into_the_minute_that_is_open() -> None:
    bins = bins_of("auto")
    take(bins, *((7.0 + 300 * i, float(i)) for i in range(20)))
    assert take(bins, (5717.0, 100.0), (5730.0, 1.0)) == []
    assert take(bins, (6007.0, 5.0), (6008.0, 6.0)) == [(5760.0, 40.0), (6007.0, 5.0), (6008.0, 6.0)]


def test_under_auto_fast_readings_go_to_minutes_from_the_first_on() -> None:
    fast_ones = [(i * 0.5, float(i)) for i in range(1, 400)]
    assert take(bins_of("auto"), *fast_ones) == take(bins_of(MINUTE), *fast_ones)
    assert len(take(bins_of("auto"), *fast_ones)) == 3


def test_clocks_that_jitter_do_not_make_a_minute_less() -> None:
    rng = np.random.default_rng(3)
    times = [60.0 * i + rng.normal() for i in range(1, 100)]
    assert [t for t, _ in take(bins_of("auto"), *((t, 1.0) for t in times))][-78:] == pytest.approx(times[-78:])


def test_part_of_a_bin_counts_when_half_of_it_is_there() -> None:
    bins = bins_of(MINUTE)
    take(bins, *((float(t), 1.0) for t in range(1, 40)))
    assert take(bins, (40.0, 9.0), row=1) == [(40.0, 1.0)]  # 39 s of the one mode
    assert take(bins, *((float(t), 9.0) for t in range(41, 61)), row=1) == []  # 20 s of the other: too little
    take(bins, *((float(t), 9.0) for t in range(61, 70)), row=1)
    assert take(bins, (70.0, 9.0), row=GATED) == []


def test_huge_values_are_added_up_without_a_warning() -> None:
    assert take(bins_of(MINUTE), (1, 1e308), (2, 1e308), (60, 1e308)) == [(60, np.inf)]


@pytest.mark.skipif(not compiled.available, reason="without compiled kernels there is one way alone")
@pytest.mark.parametrize("every", ["auto", 5 * MINUTE])
@pytest.mark.parametrize("deep", [1, 7])
def test_live_readings_that_only_add_to_open_bins_give_what_the_slow_twin_gives(
    every: Any, deep: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = []
    for at in range(900):  # a quarter of an hour at 1 Hz, several instants a message, the clock two seconds behind
        step = at // deep
        clock = (10**9 + (step + 1) * deep + 2) * SECOND
        readings += [
            Reading(s, (10**9 + at) * SECOND, s + at / 7, step, clock, True, True, s * MODES) for s in range(SERIES)
        ]
    taken: list[bool] = []
    plain = bins_module.added
    monkeypatch.setattr(bins_module, "added", lambda *given: taken.append(plain(*given)) or taken[-1])
    edges = list(range(deep * SERIES, len(readings), deep * SERIES))
    options, end = (every, None, None), readings[-1].clock + 20 * MINUTE
    assert fast(readings, options, edges, end) == naive(readings, options, end)
    assert sum(taken) > len(edges) / 2
