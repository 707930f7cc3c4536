"""The laws of key figures, on sites without watches, so that there is time for more logs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from tests.unit.engine.logs import configure, decoded, engine, log, play, renumbered, site, tick
from tests.unit.engine.test_regroup import Farm, plant

OF = site(watches=())
SEEDS = st.integers(0, 2**32 - 1)
SOME = settings(max_examples=5, deadline=None)


@given(seed=SEEDS, cuts=st.lists(st.integers(0, 200), max_size=6), restart=st.booleans())
@SOME
def test_cuts_of_the_log_and_restarts_are_invisible(seed: int, cuts: list[int], restart: bool) -> None:
    records = log(seed, 200)
    records[150:150] = configure(site(version=3, watches=()), 0, records[150].timestamp)
    records.append(tick(0, records[-1].timestamp + 3600 * SECOND))
    records = renumbered(records)
    whole = play(records, of=OF)
    whole.same(play(records, cuts, of=OF, restart=restart))
    assert any(row["level"] == "line" and row["status"] == "final" for row in whole.kpis)


@given(seed=SEEDS, cut=st.integers(20, 380), to=st.sampled_from([4, 6, 12]))
@SOME
def test_growing_is_invisible_in_what_is_final(seed: int, cut: int, to: int) -> None:
    records = plant(seed)

    def end(sizes: list[int]) -> object:
        farm = Farm(sizes[0], OF)
        farm.feed(records[:cut])
        for size in sizes[1:]:
            farm = farm.grown(size)
        farm.feed(records[cut:])
        farm.all(None, records[-1].timestamp + 3600 * SECOND)
        return farm.said()[4]

    assert end([3, to]) == end([3]) == end([to])


def test_a_snapshot_of_before_there_were_lines_is_taken_up() -> None:
    first = engine(OF)
    first.feed(decoded(log(3)))
    saved = first.snapshot()
    del saved["kpis"]["lines"]
    second = engine(OF)
    second.restore(saved)
    assert second.kpis.finish()
