"""The laws of state: batching, restoring, growing and neighbours are invisible; ticks repeat."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.base import Detector, pick, stack, take
from detectors.rounds import DEEPEST, rounds
from tests.contract.cases import detectors
from tests.contract.readings import Stream, bank_of, run, same_bits, stream, verdict_bits
from tests.strict import NO_WARNINGS

pytestmark = NO_WARNINGS

SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.lists(st.integers(0, 120), max_size=8).map(sorted)
FEW = settings(max_examples=6)


def pieces(whole: Stream, cuts: list[int]) -> list[Stream]:
    edges = [0, *cuts, len(whole.rows)]
    return [whole.part(slice(a, b)) for a, b in pairwise(edges)]


def in_place(walks: bool = False) -> pytest.MarkDecorator:
    """Detectors whose banks change their state where it stands; those that walk alone."""
    every = [param for param in detectors().args[1] for d in param.values if d.kernel or (d.in_place and not walks)]
    return pytest.mark.parametrize("detector", every)


@detectors()
@given(seed=SEEDS, cuts=CUTS)
@FEW
def test_batching_is_invisible(detector: Detector[Any], seed: int, cuts: list[int]) -> None:
    whole = stream(seed, detector)
    at_once, bit_by_bit = bank_of(detector, 4), bank_of(detector, 4)
    results = [one for piece in pieces(whole, cuts) for one in run(bit_by_bit, piece)]
    assert sorted(map(repr, run(at_once, whole))) == sorted(map(repr, results))
    assert same_bits(at_once.snapshot(), bit_by_bit.snapshot())


@detectors()
def test_one_reading_at_a_time_gives_what_deep_batches_give(detector: Detector[Any]) -> None:
    whole = stream(5, detector, r=2 * DEEPEST + 90, rows=2)
    assert max(len(block.where) for block in rounds(whole.rows)) == DEEPEST
    at_once, bit_by_bit = bank_of(detector, 2), bank_of(detector, 2)
    singles = [one for i in range(len(whole.rows)) for one in run(bit_by_bit, whole.part(slice(i, i + 1)))]
    assert sorted(map(repr, run(at_once, whole))) == sorted(map(repr, singles))
    assert same_bits(at_once.snapshot(), bit_by_bit.snapshot())


@detectors()
@given(seed=SEEDS, cut=st.integers(0, 120))
@FEW
def test_restoring_is_invisible(detector: Detector[Any], seed: int, cut: int) -> None:
    whole = stream(seed, detector)
    never_stopped, stopped, started = bank_of(detector, 4), bank_of(detector, 4), bank_of(detector, 0)
    before, after = pieces(whole, [cut])
    run(never_stopped, before)
    run(stopped, before)
    saved = stopped.snapshot()
    run(stopped, after)  # what goes on must not reach into what was saved
    started.restore(saved)
    assert run(started, after) == run(never_stopped, after)
    assert same_bits(started.snapshot(), never_stopped.snapshot())
    assert same_bits(started.snapshot(), stopped.snapshot())


@detectors()
@given(seed=SEEDS)
@FEW
def test_scan_is_a_loop_over_step(detector: Detector[Any], seed: int) -> None:
    k, t = 3, 20
    whole = stream(seed, detector, r=k * t)
    block = pick(whole.batch, np.arange(k * t).reshape(t, k))
    first = take(bank_of(detector, k)._state, slice(0, k))
    kept = [a.copy() for a in first]
    state, verdicts = first, []
    for i in range(t):
        state, verdict = detector.step(state, pick(block, i))
        verdicts.append(verdict)
    scanned, verdict = detector.scan(first, block)
    assert same_bits(verdict_bits(verdict), verdict_bits(stack(verdicts)))
    assert same_bits(tuple(scanned), tuple(state))
    assert same_bits(kept, list(first)), "the state given must stay as it was"


@detectors()
def test_advance_is_step_in_place(detector: Detector[Any]) -> None:
    k = 3
    whole = stream(11, detector, r=8 * k)
    state = take(bank_of(detector, k)._state, slice(0, k))
    rows = np.array([2, 0])
    for i in range(8):
        one = pick(whole.batch, np.arange(i * k, i * k + 2))
        after, verdict = detector.step(take(state, rows), one)
        assert same_bits(verdict_bits(detector.advance(state, rows, one)), verdict_bits(verdict))
        assert same_bits(tuple(take(state, rows)), tuple(after))


@in_place(walks=True)
@given(seed=SEEDS)
@FEW
def test_walking_leaves_the_state_given_and_walking_on_changes_it(detector: Detector[Any], seed: int) -> None:
    whole = stream(seed, detector)
    state = take(bank_of(detector, 4)._state, slice(0, 4))
    kept = [a.copy() for a in state]
    after, verdict = detector.walk(state, whole.rows, whole.batch)
    assert same_bits(kept, list(state))
    assert same_bits(verdict_bits(detector.walk_on(state, whole.rows, whole.batch)), verdict_bits(verdict))
    assert same_bits(tuple(state), tuple(after))


@in_place()
@given(seed=SEEDS)
@FEW
def test_what_is_kept_of_a_row_explains_it_as_its_state_does(detector: Detector[Any], seed: int) -> None:
    bank, whole = bank_of(detector, 4), stream(seed, detector)
    run(bank, whole)
    kept = detector.explained(bank._state, np.array([2, 0]))
    assert repr(detector.explain(kept, 0)) == repr(detector.explain(bank._state, 2))


@detectors(judges_silence=True)
@given(seed=SEEDS)
@FEW
def test_walking_with_deadlines_is_a_loop_over_deadline_and_step(detector: Detector[Any], seed: int) -> None:
    whole = stream(seed, detector)
    state = take(bank_of(detector, 4)._state, slice(0, 4))
    after, verdict, deadlines = detector.walk_silent(state, whole.rows, whole.batch)
    simple, slow, known = Detector.walk_silent(detector, state, whole.rows, whole.batch)
    assert same_bits(verdict_bits(verdict), verdict_bits(slow))
    assert same_bits(tuple(after), tuple(simple))
    assert deadlines.tolist() == known.tolist()


@detectors()
@given(seed=SEEDS)
@FEW
def test_rows_that_appear_later_leave_the_others_as_they_are(detector: Detector[Any], seed: int) -> None:
    whole = stream(seed, detector, rows=6)
    late = whole.rows >= 3
    late[:40] = False
    early_only = whole.part(whole.rows < 3)
    alone, grown = bank_of(detector, 3), bank_of(detector, 3)
    first = np.flatnonzero((np.arange(120) < 40) & (whole.rows < 3))
    rest = np.flatnonzero(((np.arange(120) >= 40) & (whole.rows < 3)) | late)
    expected = run(alone, early_only)
    found = run(grown, whole.part(first))
    grown.grow(3)
    mixed = run(grown, whole.part(rest))
    mine = whole.rows[rest] < 3
    readings = [told for told, ours in zip(mixed[: len(rest)], mine, strict=True) if ours]
    silences = [s for s in mixed[len(rest) :] if s[0] < 3]
    assert sorted(map(repr, [*found, *readings, *silences])) == sorted(map(repr, expected))
    old = slice(0, 3)
    of_old = [tuple(take(grown._state, old)), tuple(take(grown.calibrated, old))]
    assert same_bits(of_old, [tuple(take(alone._state, old)), tuple(take(alone.calibrated, old))])


@detectors()
@given(seed=SEEDS, order=st.permutations(range(4)))
@FEW
def test_rows_are_independent(detector: Detector[Any], seed: int, order: list[int]) -> None:
    whole = stream(seed, detector)
    moved = Stream(np.array(order)[whole.rows], whole.batch)
    plain, permuted = bank_of(detector, 4), bank_of(detector, 4)
    expected, found = run(plain, whole), run(permuted, moved)
    r = len(whole.rows)
    assert found[:r] == expected[:r]
    assert sorted([s[0], *s[1:]] for s in found[r:]) == sorted([order[s[0]], *s[1:]] for s in expected[r:])
    for part in ("state", "calibration"):
        here, there = plain.snapshot()[part], permuted.snapshot()[part]
        assert same_bits(list(here), [a[order] for a in there])


@detectors(judges_silence=True)
@given(seed=SEEDS, first=st.integers(0, 10**13), second=st.integers(0, 10**13))
@settings(max_examples=10)
def test_extra_ticks_are_invisible(detector: Detector[Any], seed: int, first: int, second: int) -> None:
    bank = bank_of(detector, 4)
    whole = stream(seed, detector)
    run(bank, whole)
    end = int(whole.batch.time[-1])
    soon, later = (np.full(4, end + t) for t in sorted((first, second)))
    state = take(bank._state, slice(0, 4))
    once, said_once = detector.tick(state, later)
    between, _ = detector.tick(state, soon)
    twice, said_twice = detector.tick(between, later)
    assert same_bits(tuple(once), tuple(twice))
    assert same_bits(verdict_bits(said_once), verdict_bits(said_twice))


@detectors(judges_silence=True)
@given(seed=SEEDS, times=st.lists(st.integers(0, 10**13), max_size=6).map(sorted))
@settings(max_examples=10)
def test_looking_at_the_clock_more_often_finds_the_same_silences(
    detector: Detector[Any], seed: int, times: list[int]
) -> None:
    seldom, often = bank_of(detector, 4), bank_of(detector, 4)
    whole = stream(seed, detector)
    run(seldom, whole), run(often, whole)
    end, rows, nothing = int(whole.batch.time[-1]), np.arange(4), np.full(4, -1)
    found = []
    for t in times:
        found += often.silent(rows, np.full(4, end + t), nothing)
    found += often.silent(rows, np.full(4, end + 10**13), nothing)
    expected = seldom.silent(rows, np.full(4, end + 10**13), nothing)

    def plain(silences: list[Any]) -> list[Any]:
        return sorted((s.row, s.time, s.judged.score[s.at], bool(s.judged.alarm[s.at])) for s in silences)

    assert plain(found) == plain(expected)
    assert same_bits(seldom.snapshot(), often.snapshot())
