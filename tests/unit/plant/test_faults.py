"""Every scripted fault shows against the noise, measured against the same plant without it."""

from __future__ import annotations

import numpy as np
import pytest

from streams.plant import FAULT_KINDS, Fault, Plant, default_faults
from streams.plant.kinds import series_of

LIVE = 1_767_571_200 * 10**9
WARMUP_S = 600
OVEN = "penang/smt/line1/oven-1"


def twins(faults: list[Fault], total_s: int) -> tuple[dict[str, dict[str, list]], dict[str, dict[str, list]]]:
    """Rows of the faulty plant and of its clean twin, by asset and series, from the warm-up on."""
    start = LIVE - WARMUP_S * 10**9
    both = (Plant(9, start, faults=given, live_ns=LIVE).block(WARMUP_S + total_s) for given in (faults, []))
    faulty, clean = ({f.asset: f.series for f in frames} for frames in both)
    return faulty, clean


@pytest.mark.parametrize("total_s", [10, 60, 1000])
def test_a_run_of_any_length_holds_every_kind_of_fault_and_each_is_visible(total_s: int) -> None:
    faults = default_faults(total_s)
    assert {fault.kind for fault in faults} == set(FAULT_KINDS)
    faulty, clean = twins(faults, total_s)
    for fault in faults:
        since = np.arange(-WARMUP_S, total_s)
        inside = (since >= fault.start_s) & (since < fault.start_s + fault.duration_s)
        assert inside.sum() >= 2, fault
        found = np.asarray(faulty[fault.asset][fault.series])
        usual = np.asarray(clean[fault.asset][fault.series])
        sigma = np.std(usual[:WARMUP_S])
        z = np.abs(found - usual)[inside] / sigma
        np.testing.assert_array_equal(found[~inside], usual[~inside])
        match fault.kind:
            case "dead":
                assert np.isnan(found[inside]).all()
                assert not np.isnan(usual).any()
            case "stuck":
                assert len(set(found[inside])) == 1
                assert len(set(usual[inside])) > inside.sum() / 2
            case "spike":
                assert z.min() >= 12, fault
            case "drift":
                assert z[-1] >= 15, fault
                assert z[-1] > z[0]
            case "overheat":
                limit = series_of(fault.asset, fault.series).high
                assert limit is not None
                assert usual.max() <= limit < found[inside].max(), fault


def test_faulty_machines_run_at_every_hour_of_the_day() -> None:
    faults = [f for f in default_faults(1000) if "/cnc-" in f.asset or "/oven-" in f.asset]
    for hour in range(0, 24, 3):
        start = LIVE + hour * 3600 * 10**9
        frames = {f.asset: f.series for f in Plant(hour, start).block(4 * 3600)}
        for fault in faults:
            assert set(frames[fault.asset]["state"]) == {"running"}, (fault, hour)


def test_faults_do_not_depend_on_how_time_is_cut() -> None:
    faults = default_faults(20)
    one, many = Plant(2, LIVE, faults=faults), Plant(2, LIVE, faults=faults)
    whole = {f.asset: f.series for f in one.block(20)}
    for row in range(20):
        for frame in many.step():
            for name, values in whole[frame.asset].items():
                cut = frame.series.get(name, [np.nan])[0]
                assert cut == values[row] or (cut != cut and np.isnan(values[row])), (frame.asset, name, row)


def test_a_dead_series_has_no_column_and_its_neighbours_stay() -> None:
    plant = Plant(1, LIVE, faults=[Fault("dead", OVEN, "oxygen", 0, 2)])
    (oven,) = (f for f in plant.step() if f.asset == OVEN)
    assert "oxygen" not in oven.series
    assert "oxygen" not in oven.unit
    assert "zone1_temp" in oven.series


def test_faults_of_one_series_leave_the_others_untouched() -> None:
    faulty, clean = twins([Fault("spike", OVEN, "oxygen", 1, 3, 20)], 5)
    for asset, series in clean.items():
        for name, values in series.items():
            if (asset, name) != (OVEN, "oxygen"):
                np.testing.assert_array_equal(faulty[asset][name], values)


def test_a_fault_that_cannot_be_is_refused_with_what_would_be_right() -> None:
    for fault, message in (
        (Fault("wobble", OVEN, "oxygen", 0, 1), "expected a kind of dead"),
        (Fault("spike", OVEN, "oxygen", 0, 0), "duration_s must be above 0"),
        (
            Fault("overheat", OVEN.replace("smt/line1/oven-1", "utilities/power/meter-1"), "active_power", 0, 1),
            "no high limit",
        ),
        (Fault("spike", OVEN, "board_count", 0, 1), "no noise"),
    ):
        with pytest.raises(ValueError, match=message):
            Plant(1, LIVE, faults=[fault])
    with pytest.raises(KeyError, match="oven-1 has no series 'nope'"):
        Plant(1, LIVE, faults=[Fault("dead", OVEN, "nope", 0, 1)])
    with pytest.raises(ValueError, match="more than 0 seconds"):
        default_faults(0)
