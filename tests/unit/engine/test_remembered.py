"""`millstream state show`: what a snapshot remembers, a row for each baseline."""

from __future__ import annotations

from typing import Any

from detectors.durations import SECOND
from schemas.times import format_time
from streams.state.codec import pack, unpack
from streams.state.remembered import Remembered, remembered
from tests.unit.engine.logs import LINE, START, decoded, engine, log, site
from tests.unit.engine.test_outcomes import of_json, single

LEVEL = {"name": "level", "series": "*/temp", "by": "state", "detector": {"kind": "robust_zscore", "warmup": 10}}
LIMITS = {"name": "limits", "series": "*/temp", "detector": {"kind": "limits", "high": 50}, "off_delay": "1h"}
SPREAD = {"name": "spread", "inputs": ["temp", "fan"], "wait": "1s", "detector": {"kind": "spread", "warmup": 4}}
RMS = {"name": "rms", "series": "*/vib", "detector": {"kind": "rms", "limit": 3}}
M1, M2 = f"{LINE}/m1", f"{LINE}/m2"


def rows(messages: list[dict[str, Any]], watches: list[dict[str, Any]], **asked: Any) -> list[Remembered]:
    running = engine(site(watches=watches))
    running.feed(decoded(of_json(messages)))
    return remembered(unpack(pack(running.snapshot())), **asked)


def run(asset: str, state: str, values: list[float], start: int) -> list[dict[str, Any]]:
    first = single(asset, state, start, "state")
    return [first, *(single(asset, value, start + i, "temp") for i, value in enumerate(values))]


def test_each_mode_has_a_row_with_its_warm_up_and_its_learning() -> None:
    messages = [*run(M1, "run", [5.0] * 12, 0), *run(M1, "stop", [1.0] * 5, 20), *run(M2, "run", [5.0] * 3, 30)]
    found = rows(messages, [LEVEL])
    assert [(r.asset, r.mode, r.warm, r.learned_since) for r in found] == [
        (M1, "run", 1.0, format_time(START)),
        (M1, "stop", 0.5, format_time(START + 20 * SECOND)),
        (M2, "run", 0.3, format_time(START + 30 * SECOND)),
    ]
    assert {(r.series, r.watch, r.detector, r.alarms) for r in found} == {("temp", "level", "robust_zscore", 0)}
    assert all(r.threshold is not None and 0.9 < r.threshold <= 1.0 for r in found)  # sinks while all is calm
    assert [r.last for r in found] == [format_time(START + s * SECOND) for s in (11, 24, 32)]


def test_alarms_move_the_threshold_and_open_episodes_are_shown() -> None:
    calm = [5.0, 5.1, 5.2] * 8
    found = rows([*run(M1, "run", [*calm, 40.0], 0), *run(M2, "run", [*calm, 90.0], 0)], [LEVEL, LIMITS])
    level, limits = (next(r for r in found if r.severity and r.watch == name) for name in ("level", "limits"))
    assert (level.asset, level.alarms, (level.threshold or 0) > 1.0) == (M1, 1, True)
    assert (limits.asset, limits.alarms, limits.threshold) == (M2, 1, None)
    for row in (level, limits):
        assert row.since == format_time(START + 24 * SECOND)
        assert row.severity is not None
        assert row.episode_id is not None


def test_joint_inputs_have_a_row_for_each_asset_and_waveforms_one_without_a_warm_up() -> None:
    wave = {"asset": M1, "series": "vib", "time": START + 9 * SECOND, "rate_hz": 10, "values": [9.0, -9.0]}
    both = [single(M1, float(i), i, name) for i in range(9) for name in ("temp", "fan")]
    found = rows([*both, wave], [SPREAD, RMS])
    spread = next(r for r in found if r.watch == "spread")
    assert (spread.asset, spread.series, spread.warm) == (M1, "spread", 1.0)
    rms = next(r for r in found if r.watch == "rms")
    assert (rms.series, rms.warm, rms.severity is not None) == ("vib", None, True)


def test_rows_are_chosen_by_asset_and_watch() -> None:
    messages = [*run(M1, "run", [5.0], 0), *run(M2, "run", [5.0], 1)]
    assert [(r.asset, r.watch) for r in rows(messages, [LEVEL, LIMITS], asset="*/m2", watch="limits")] == [
        (M2, "limits")
    ]
    assert rows(messages, [LEVEL], watch="limits") == []


def test_every_open_episode_of_a_random_log_is_in_a_row_and_looking_changes_nothing() -> None:
    running = engine(site())
    running.feed(decoded(log(3)))
    saved = running.snapshot()
    before = b"".join(pack(saved))
    found = remembered(saved)
    assert b"".join(pack(saved)) == before
    ids = {e["id"] for w in saved["watches"].values() for _, e in w["episodes"]}
    assert ids
    assert ids == {r.episode_id for r in found} - {None}
