"""Energy by slot: equal to plain sums over plain ranges, however the spans come in."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.efficiency.slots import Slots
from tests.naive.efficiency.slots import Span, filled

LENGTH, LONGEST = 60, 300


def spans(seed: int, count: int = 30) -> list[Span]:
    """Readings at odd times, of which some are missing, with silences longer and shorter than `LONGEST`."""
    rng = np.random.default_rng(seed)
    at, out = int(rng.integers(-500, 500)), []
    for _ in range(count):
        end = at + int(rng.choice([1, 7, 30, 59, 60, 61, 150, 300, 301, 700]))
        if rng.random() < 0.9:
            out.append((at, end, float(rng.gamma(2, 1))))
        at = end
    return out


def take(slots: Slots, meters: dict[int, list[Span]]) -> list[tuple[int, int, float, bool]]:
    rows = [(meter, *span) for meter, of in sorted(meters.items()) for span in of]
    meter, low, high, kwh = zip(*rows, strict=True) if rows else ((), (), (), ())
    ints = [np.array(column, dtype=np.int64) for column in (meter, low, high)]
    return list(zip(*(a.tolist() for a in slots.take(*ints, np.array(kwh, dtype=float))), strict=True))


def made(meters: int) -> Slots:
    slots = Slots(LENGTH, LONGEST)
    slots.add(meters)
    return slots


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 30), max_size=4))
def test_equal_to_plain_sums_and_to_the_bit_in_any_batches(seed: int, cuts: list[int]) -> None:
    said = {meter: spans(seed + meter) for meter in range(3)}
    whole = sorted(take(made(3), said))
    for meter, of in said.items():
        got = [row[1:] for row in whole if row[0] == meter]
        wanted = filled(of, LENGTH, LONGEST)
        assert [(start, newest) for start, _, newest in got] == [(start, newest) for start, _, newest in wanted]
        np.testing.assert_allclose([row[1] for row in got], [row[1] for row in wanted], rtol=1e-12)
    slots, parts = made(3), []
    for a, b in pairwise([0, *sorted(cuts), 30]):
        parts += take(slots, {meter: of[a:b] for meter, of in said.items()})
        restored = Slots(LENGTH, LONGEST)
        restored.restore(slots.snapshot())
        slots = restored
    assert sorted(parts) == whole


def test_three_kw_h_over_a_minute_and_a_half_are_two_in_the_minute_that_they_fill() -> None:
    assert take(made(1), {0: [(0, 90, 3.0)]}) == [(0, 0, 2.0, True)]


def test_slots_around_a_silence_that_is_too_long_are_lost() -> None:
    slots = made(1)
    assert [row[1] for row in take(slots, {0: [(0, 90, 3.0), (90, 400, 9.0), (400, 500, 5.0)]})] == [0, 420]
