"""Delays between tries."""

from __future__ import annotations

import random

from schemas.errors import Retry
from streams.backoff import Backoff


def test_delays_stay_under_a_bound_that_doubles_up_to_the_cap() -> None:
    for seed in range(50):
        backoff = Backoff(rng=random.Random(seed))
        for bound in (0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0):
            assert 0 <= backoff.delay() <= bound


def test_jitter_is_full() -> None:
    drawn = [Backoff(base_s=1.0, rng=random.Random(seed)).delay() for seed in range(400)]
    assert min(drawn) < 0.05
    assert max(drawn) > 0.95
    assert 0.4 < sum(drawn) / len(drawn) < 0.6


def test_the_same_seed_gives_the_same_delays() -> None:
    one, two = (Backoff(rng=random.Random(7)) for _ in range(2))
    assert [one.delay() for _ in range(5)] == [two.delay() for _ in range(5)]


def test_a_server_that_names_a_time_is_not_asked_before_it_nor_by_all_at_once() -> None:
    drawn = [Backoff(rng=random.Random(seed)).delay(Retry("busy", after=60.0)) for seed in range(20)]
    assert all(60.0 <= each <= 60.2 for each in drawn)
    assert len(set(drawn)) > 1


def test_a_success_starts_again_from_the_base() -> None:
    backoff = Backoff(rng=random.Random(1))
    for _ in range(20):
        backoff.delay()
    backoff.reset()
    assert backoff.delay() <= 0.2


def test_thousands_of_tries_do_not_overflow() -> None:
    backoff = Backoff(rng=random.Random(1), tries=100_000)
    assert backoff.delay() <= 30.0
