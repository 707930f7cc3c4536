"""The plant: what it consists of, and that a seed fixes every row of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from streams.plant import Frame, Plant, history
from streams.plant.kinds import KINDS
from streams.plant.schedule import local_hour

MORNING = 1_767_571_200 * 10**9  # 2026-01-05T00:00:00Z, 08:00 in Penang
HOUR = 3600 * 10**9


def joined(frames: list[list[Frame]]) -> dict[tuple[str, str], list[object]]:
    """All rows by asset and column."""
    rows: dict[tuple[str, str], list[object]] = {}
    for frame in itertools.chain.from_iterable(frames):
        for name, column in frame.series.items():
            rows.setdefault((frame.asset, name), []).extend(column)
    return rows


def column(frames: list[Frame], asset: str, name: str) -> np.ndarray:
    return np.asarray(next(f.series[name] for f in frames if f.asset.endswith(asset)))


def test_has_some_twenty_machines_and_200_to_400_numeric_series() -> None:
    plant = Plant(1, MORNING)
    frames = plant.step()
    assert len(frames) == len(plant.assets) == 20
    assert len(set(plant.assets)) == 20
    assert 200 <= plant.series <= 400
    assert plant.series == sum(not isinstance(c, list) for f in frames for c in f.series.values())


def test_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    first, again, other = (joined([Plant(seed, MORNING).block(90)]) for seed in (5, 5, 6))
    assert first == again
    assert sum(first[key] != other[key] for key in first) > 250


def test_rows_do_not_depend_on_how_time_is_cut() -> None:
    steps, blocks = Plant(5, MORNING), Plant(5, MORNING)
    assert joined([steps.step() for _ in range(200)]) == joined(list(history(blocks, 200, rows=77)))
    assert steps.next_ns == blocks.next_ns == MORNING + 200 * 10**9


def test_time_advances_by_the_interval_without_a_gap_between_history_and_live() -> None:
    plant = Plant(1, MORNING, interval_s=0.5)
    times = np.concatenate([frames[0].time for frames in history(plant, 40)] + [plant.step()[0].time])
    assert times[0] == MORNING
    assert set(np.diff(times).tolist()) == {500_000_000}


def test_an_hour_holds_all_modes_and_cutting_machines_draw_more_than_waiting_ones() -> None:
    frames = Plant(3, MORNING).block(4 * 3600)
    seen = set()
    for asset in (f"cnc-{i:02d}" for i in range(1, 9)):
        state, amps = column(frames, asset, "state"), column(frames, asset, "spindle_current")
        seen |= set(state.tolist())
        assert amps[state == "running"].min() > 14
        assert amps[state == "idle"].max(initial=0) < 4
        assert amps[state == "down"].max(initial=0) < 1.5
    assert seen == {"running", "idle", "setup", "down"}


def test_day_only_machines_stand_still_at_night() -> None:
    frames = Plant(3, MORNING + 10 * HOUR).block(2 * 3600)
    hour = local_hour(frames[0].time / 1e9)
    state = column(frames, "cnc-07", "state")
    assert (state[hour >= 19] == "idle").all()
    assert (state[hour < 19] == "running").any()


def test_compressor_loads_and_unloads_with_its_pressure() -> None:
    frames = Plant(3, MORNING).block(1200)
    state, amps = column(frames, "compressor-1", "state"), column(frames, "compressor-1", "motor_current")
    assert set(state.tolist()) == {"loaded", "unloaded"}
    assert amps[state == "loaded"].min() > 2 * amps[state == "unloaded"].max()


def test_the_machining_meter_follows_the_machines() -> None:
    frames = Plant(3, MORNING).block(4 * 3600)
    machines = sum(column(frames, f"cnc-{i:02d}", "active_power") for i in range(1, 9))
    lighting = column(frames, "meter-1", "active_power") - machines
    assert np.std(machines) > 3
    assert np.std(lighting) < 1


def test_counters_never_fall() -> None:
    plant = Plant(3, MORNING)
    rows = joined(list(history(plant, 1800)))
    counters = [
        (asset, s.name)
        for k in KINDS
        for asset in k.assets
        for s in k.series
        if s.name.endswith(("_count", "hours", "energy"))
    ]
    assert len(counters) == 2 * 8 + 2 * 3 + 3 + 4
    for key in counters:
        values = np.array(rows[key])
        assert np.diff(values).min() >= 0
        # one part of 25 is rejected, and the half hour has ten
        assert values[-1] > values[0] or key[1] == "reject_count"


def test_no_series_leaves_its_limits_while_nothing_is_wrong() -> None:
    for start in (MORNING, MORNING + 14 * HOUR):
        frames = {f.asset: f for f in Plant(11, start).block(2 * 3600)}
        for kind in KINDS:
            for asset, declared in itertools.product(kind.assets, kind.series):
                values = np.asarray(frames[asset].series[declared.name])
                assert declared.high is None or values.max() <= declared.high, (asset, declared.name)
                assert declared.low is None or values.min() >= declared.low, (asset, declared.name)


def test_refuses_an_interval_of_nothing() -> None:
    with pytest.raises(ValueError, match="interval_s must be above 0"):
        Plant(1, MORNING, interval_s=0)
