"""The laws of key figures, on sites without watches, so that there is time for more logs."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.chunk import Record
from tests.unit.engine.logs import configure, decoded, engine, log, play, renumbered, site, tick
from tests.unit.engine.test_regroup import Farm, assert_same, plant

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

    def end(sizes: list[int]) -> list[Any]:
        farm = Farm(sizes[0], OF)
        farm.feed(records[:cut])
        for size in sizes[1:]:
            farm = farm.grown(size)
        farm.feed(records[cut:])
        farm.all(None, records[-1].timestamp + 3600 * SECOND)
        return farm.said()

    assert_same(end([3, to]), end([3]), end([to]))


def test_a_snapshot_of_before_there_were_lines_is_taken_up() -> None:
    first = engine(OF)
    first.feed(decoded(log(3)))
    saved = first.snapshot()
    del saved["kpis"]["lines"]
    second = engine(OF)
    second.restore(saved)
    assert second.kpis.finish()


def test_the_logs_hold_what_these_laws_are_about() -> None:
    """Else a law could hold because nothing of its kind ever happened."""
    rows, late, falls = [], 0, 0
    for seed in range(3):
        records = log(seed, 200)
        records[150:150] = configure(site(version=3, watches=()), 0, records[150].timestamp)
        records = renumbered([*records, tick(0, records[-1].timestamp + 3600 * SECOND)])
        rows += play(records, of=OF).kpis
        running = engine(OF)
        running.feed(decoded(records))
        late += running.kpis.settling.late
        falls += _falls(records, "m1", "c")
    assert {row["status"] for row in rows} == {"provisional", "final", "restated"}
    assert {(row["level"], row["status"]) for row in rows} >= {("line", "final"), ("line", "restated")}
    assert late > 0, "readings that come when their time is booked"
    assert falls > 0, "a counter of parts that is reset"
    of = {(row["level"], row["kpi"]) for row in rows if row["value"] is not None}
    assert {("machine", kpi) for kpi in ("demand", "reactive_energy", "energy_cost", "carbon_market")} <= of
    assert {("machine", kpi) for kpi in ("demand_forecast", "demand_limit", "demand_shed")} <= of
    assert {("machine", "loss_rejects"), ("machine", "bottleneck_share"), ("line", "bottleneck_lost")} <= of
    assert {row["shift"] for row in rows} >= {"", "early", "late"}
    assert any(row["product"] for row in rows)
    assert len({row["config"] for row in rows}) == 2, "a configuration in the log"


def test_the_plants_whose_partitions_grow_hold_machines_of_several_lines_and_restatements() -> None:
    farm = Farm(3, OF)
    records = plant(0)
    farm.feed(records)
    farm.all(None, records[-1].timestamp + 3600 * SECOND)
    rows = [row for tape in farm.tapes for row in tape.kpis]
    assert {"final", "restated"} <= {row["status"] for row in rows}
    assert len({row["asset"].rsplit("/", 1)[0] for row in rows if row["level"] == "machine"}) > 1
    assert sum(bool(tape.kpis) for tape in farm.tapes) > 1


def _falls(records: list[Record], machine: str, series: str) -> int:
    """How often a machine's counter is below what it showed before, in the log's order."""
    shown: list[float] = []
    for record in records:
        try:
            body = json.loads(record.value or b"")
        except ValueError:
            continue
        if isinstance(body, dict) and str(body.get("asset")).endswith(machine):
            values = body["series"].get(series, []) if isinstance(body.get("series"), dict) else []
            values = [body.get("value")] if body.get("series") == series else values
            shown += [float(value) for value in values if isinstance(value, int | float)]
    return sum(after < before for before, after in pairwise(shown))
