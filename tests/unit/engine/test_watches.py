"""What watches make of a log: gates, rows by mode, withheld readings, silence, instants and waveforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors.durations import SECOND
from schemas.anomaly import episode_id_of, event_id_of
from schemas.chunk import SeriesKey, Waveform, columns
from schemas.errors import Misconfigured
from streams.site import parse_site
from tests.unit.engine.logs import LINE, START, Tape, decoded, engine, play, renumbered, site, tick
from tests.unit.engine.test_outcomes import of_json, single

M1 = f"{LINE}/m1"


def told(tape: Tape) -> list[tuple[str, float]]:
    return [(e["phase"], (e["time"] - START) / SECOND) for e in tape.events]


def watching(detector: dict[str, Any], **more: Any) -> Any:
    target = {} if "inputs" in more else {"series": "*"}
    return site(watches=[{"name": "w", "detector": detector, "off_delay": "0s", **target, **more}])


def test_the_speed_of_change_is_since_the_last_reading_judged_not_since_one_withheld() -> None:
    values = [(0.0, 0.0), (10.0, None), (11.0, 20.0), (12.0, 25.0)]
    records = of_json([single(M1, v, t) for t, v in values])
    tape = play(records, of=watching({"kind": "limits", "rate": 3}))
    assert [(v[3] - START) // SECOND for v in tape.verdicts if float(v[5]) >= 1] == [12]
    opened = tape.events[0]
    assert opened["decision"]["dt"] == 1.0
    tape.same(play(records, [1, 2, 3], of=watching({"kind": "limits", "rate": 3})))


def test_each_mode_has_its_own_last_reading() -> None:
    # 0 and 100 are the levels of two modes: neither is a jump in its own row
    messages = []
    for i in range(12):
        mode = "run" if i // 3 % 2 else "idle"
        messages += [single(M1, mode, i * 10, "state"), single(M1, 100.0 if mode == "run" else 0.0, i * 10 + 1)]
    tape = play(of_json(messages), of=watching({"kind": "limits", "rate": 3}, by="state"))
    assert not tape.events
    assert tape.counts["scored"] == 10  # all but the first of each mode
    assert told(play(of_json(messages), of=watching({"kind": "limits", "rate": 3})))[0] == ("opened", 31.0)


def test_a_gate_sees_the_mode_as_of_the_reading_however_the_log_is_cut() -> None:
    messages = [single(M1, "run", 0, "state")]
    for i in range(1, 200):  # more changes than are remembered
        messages += [single(M1, 50.0, i), single(M1, "stop" if i % 2 else "run", i + 0.5, "state")]
    of = watching({"kind": "limits", "high": 10}, when="state == 'run'")
    tape = play(of_json(messages), of=of)
    assert tape.counts["scored"] == 100
    tape.same(play(of_json(messages), range(0, 400, 7), of=of))


def test_a_reading_older_than_a_change_of_mode_is_judged_in_the_mode_of_its_own_time() -> None:
    messages = [single(M1, "run", 0, "state"), single(M1, "stop", 10, "state")]
    messages += [single(M1, 50.0, t) for t in (9.999, 10.0)]
    tape = play(of_json(messages), of=watching({"kind": "limits", "high": 10}, when="state == 'run'"))
    assert [v[5] for v in tape.verdicts] == ["5.0", "nan"]


@pytest.mark.parametrize(("early_ns", "gaps"), [(1, 0), (0, 1), (-1, 1)])
def test_a_reading_right_at_the_deadline_comes_too_late(early_ns: int, gaps: int) -> None:
    back = single(M1, 1.0, 10)
    back["time"] -= early_ns
    tape = play(of_json([single(M1, 1.0, 0), back]), of=watching({"kind": "gap", "timeout": "10s"}))
    assert len([e for e in tape.events if e["phase"] == "opened"]) == gaps


def test_the_first_instant_waits_for_inputs_no_longer_than_the_wait_from_the_very_first_value() -> None:
    # x at 10 s opens the wait (2 s); at 11.5 s an older x comes, and y with it: complete, to be judged at 12 s
    def at(message: dict[str, Any], stamp: float) -> Any:
        return of_json([message])[0]._replace(timestamp=START + int(stamp * SECOND))

    log = [at(single(M1, 1.0, 10, "x"), 10), at(single(M1, 2.0, 9, "y"), 11.5), at(single(M1, 3.0, 10, "y"), 11.6)]
    last = at(single(M1, 4.0, 8.5, "z"), 13)
    of = watching({"kind": "spread", "limit": 5, "warmup": 1}, inputs=["x", "y", "z"], wait="2s", stale="30s")
    seldom = play(renumbered([*log, last, tick(0, START + 60 * SECOND)]), of=of)
    often = play(renumbered([*log, tick(0, START + int(12.5 * SECOND)), last, tick(0, START + 60 * SECOND)]), of=of)
    assert [v[3:] for v in seldom.verdicts] == [v[3:] for v in often.verdicts]
    assert [(v[3] - START) / SECOND for v in seldom.verdicts] == [9.0, 10.0]


def test_bad_readings_are_withheld_and_uncertain_ones_teach_nothing() -> None:
    qualities = ["good"] * 20 + ["bad"] * 10 + ["uncertain"] * 10
    messages = [single(M1, float(i % 3), i, quality=q) for i, q in enumerate(qualities)]
    tape, running = play(of_json(messages), of=(of := watching({"kind": "robust_zscore", "warmup": 5}))), engine(of)
    running.feed(decoded(of_json(messages)))
    assert (tape.counts["warming"], tape.counts["scored"], tape.counts["withheld"]) == (5, 25, 10)
    assert running.watches[0].bank.snapshot()["state"][0].tolist() == [20.0]


@pytest.mark.parametrize("lag_s", [0, 30])
def test_silence_is_told_at_its_deadline_by_whichever_record_notices(lag_s: int) -> None:
    # a gateway that is half a minute behind is not silent
    readings = [
        r._replace(timestamp=r.timestamp + lag_s * SECOND) for r in of_json([single(M1, 1.0, i) for i in range(5)])
    ]
    of = watching({"kind": "gap", "timeout": "10s"})
    deadline = 14 + lag_s
    quiet = play([*readings, tick(5, START + deadline * SECOND - 1)], of=of)
    assert not quiet.events
    for late in (0, 1, 500):
        tape = play([*readings, tick(5, START + (deadline + late) * SECOND)], of=of)
        assert told(tape) == [("opened", 14.0)]
        assert tape.events[0]["received"] == START + deadline * SECOND
        assert not tape.events[0]["backfill"]
        assert tape.events[0]["episode_id"] == episode_id_of(M1, "x", "w", START + 14 * SECOND, "gap")
    back = of_json([single(M1, 1.0, 600)], first=6)
    tape = play([*readings, tick(5, START + 500 * SECOND), *back], of=of)
    assert told(tape) == [("opened", 14.0), ("closed", 600.0)]


def test_a_gated_silence_does_not_depend_on_readings_the_gate_left_out() -> None:
    # the second reading comes late and in a mode that is not watched: its delay is none of the silence's
    def at(message: dict[str, Any], stamp: float) -> Any:
        return of_json([message])[0]._replace(timestamp=START + int(stamp * SECOND))

    records = renumbered(
        [
            at(single(M1, "run", 0, "state"), 0),
            at(single(M1, 1.0, 0), 0),
            at(single(M1, "stop", 0.5, "state"), 1),
            tick(0, START + 70 * SECOND),
            at(single(M1, 1.0, 1), 101),
            at(single(M1, "run", 1.5, "state"), 101),
            at(single(M1, 1.0, 2), 102),
        ]
    )
    of = watching({"kind": "gap", "timeout": "60s"}, when="state == 'run'")
    tape = play(records, of=of)
    assert told(tape)[0] == ("opened", 60.0)
    tape.same(play(records, range(9), of=of))
    assert told(play(renumbered([r for i, r in enumerate(records) if i != 3]), of=of)) == told(tape)


def test_deadlines_of_one_silence_follow_one_another() -> None:
    of = watching({"kind": "deadman", "timeout": "10s", "times": 5})
    records = [*of_json([single(M1, 1.0, 0)]), tick(1, START + 35 * SECOND), *of_json([single(M1, 1.0, 47)], first=2)]
    tape = play(records, of=of)
    # scores 1, 2, 3, 4: worse by a band at 2 and at 4
    assert told(tape) == [("opened", 10.0), ("escalated", 20.0), ("escalated", 40.0), ("closed", 47.0)]
    assert [e["severity"] for e in tape.events] == [201, 401, 601, 601]
    assert [e["event_id"] for e in tape.events] == [
        event_id_of(e["episode_id"], e["phase"], i) for i, e in enumerate(tape.events)
    ]
    tape.same(play(records, [1, 2], of=of, restart=True))


def test_severity_follows_the_score_or_stays_as_configured() -> None:
    values = [5.0, 12.0, 25.0, 50.0, 9.5, 5.0]  # limits 0..10: scores 0, 1.2, 2.5, 5, .9, 0
    messages = [single(M1, v, i) for i, v in enumerate(values)]
    detector = {"kind": "limits", "low": 0, "high": 10, "deadband": 1}
    tape = play(of_json(messages), of=watching(detector))
    # the third is an alarm again too, being more than three times the first
    assert told(tape) == [("opened", 1.0), ("escalated", 2.0), ("escalated", 3.0), ("closed", 5.0)]
    assert [e["severity"] // 200 for e in tape.events] == [1, 2, 3, 3]
    assert [e["peak"] for e in tape.events] == [1.2, 2.5, 5.0, 5.0]
    fixed = play(of_json(messages), of=watching(detector, severity=900))
    assert {e["severity"] for e in fixed.events} == {900}
    assert told(fixed) == [("opened", 1.0), ("escalated", 3.0), ("closed", 5.0)]


def test_an_episode_closes_after_lasting_calm_only() -> None:
    values = [50.0, 5.0, 5.0, 50.0, 5.0, 5.0, 5.0, 5.0]
    of = watching({"kind": "limits", "high": 10}, off_delay="3s")
    tape = play(of_json([single(M1, v, i) for i, v in enumerate(values)]), of=of)
    assert told(tape) == [("opened", 0.0), ("escalated", 3.0), ("closed", 7.0)]


def joint_site(**more: Any) -> Any:
    return watching({"kind": "spread", "limit": 5, "warmup": 1}, inputs=["x", "y"], **more)


def test_an_instant_waits_for_every_input_and_names_who_differs() -> None:
    messages = []
    for i in range(6):
        messages += [single(M1, 1.0, i, "x"), single(M1, 9.0 if i == 4 else 1.5, i, "y")]
    tape = play(of_json(messages), of=joint_site(wait="3s"))
    assert [(v[1].series, (v[3] - START) // SECOND) for v in tape.verdicts] == [("w", i) for i in range(6)]
    assert [float(v[5]) for v in tape.verdicts[1:]] == pytest.approx([0.1, 0.1, 0.1, 1.6, 0.1])
    assert tape.verdicts[4][-1] == {"x": 0.5, "y": 0.5}
    opened = tape.events[0]
    assert (opened["series"], opened["contribution"]) == ("w", {"x": 0.5, "y": 0.5})
    assert opened["event_id"] == event_id_of(episode_id_of(M1, "w", "w", START + 4 * SECOND, "spread"), "opened", 0)


def test_singles_and_frames_give_the_same_instants() -> None:
    values = [(1.0, 1.5), (1.0, 1.0), (2.0, 9.0), (2.0, 2.0)]
    singles = [single(M1, v, i, name) for i, pair in enumerate(values) for name, v in zip("xy", pair, strict=True)]
    at = [START + i * SECOND for i in range(4)]
    frame = {"asset": M1, "time": at, "series": {"x": [a for a, _ in values], "y": [b for _, b in values]}}
    end = tick(0, START + 100 * SECOND)
    rows = [
        [v[1:] for v in play(renumbered([*of_json(messages), end]), of=joint_site(wait="2s")).verdicts]
        for messages in (singles, [frame])
    ]
    assert rows[0] == rows[1]


def test_an_instant_that_waits_in_vain_is_judged_at_its_deadline_whenever_that_is_noticed() -> None:
    both = [single(M1, 1.0, i, name) for i in range(3) for name in "xy"]
    lone = single(M1, 20.0, 3, "x")  # y is held: 19 apart
    for noticed in (5, 3000):
        records = renumbered([*of_json([*both, lone]), tick(0, START + noticed * SECOND)])
        tape = play(records, of=joint_site(wait="2s"))
        assert told(tape) == [("opened", 3.0)]
        assert tape.events[0]["received"] == START + 5 * SECOND
        assert not tape.events[0]["backfill"]


def test_a_waveform_is_judged_as_one() -> None:
    def wave(at: float, size: float, **more: Any) -> dict[str, Any]:
        return {
            "asset": M1,
            "series": "v",
            "time": START + int(at * SECOND),
            "rate_hz": 100,
            "values": [size, -size] * 4,
            "unit": "m/s2",
            **more,
        }

    waves = [wave(0, 1), wave(1, 9), wave(2, 9, quality="bad"), wave(3, 1), wave(3, 1), wave(1.5, 1), wave(9999, 1)]
    records = [r._replace(timestamp=START + 3 * SECOND) for r in of_json(waves)]
    of = watching({"kind": "rms", "limit": 3})
    tape = play(records, of=of)
    assert told(tape) == [("opened", 1.0), ("closed", 3.0)]
    assert tape.events[0]["unit"] == "m/s2"
    assert tape.events[0]["score"] == 3.0
    expected = {"scored": 3, "withheld": 1, "duplicate": 1, "late": 1, "rejected": 1, "readings_in": 7}
    assert {name: tape.counts[name] for name in expected} == expected
    tape.same(play(records, range(8), of=of, restart=True))
    # as files give them: arrays, no records
    key, stamps = SeriesKey(M1, "v", "m/s2"), np.array([START + 3 * SECOND] * 2)
    blocks = [
        Waveform(i, key, START + i * SECOND, 100.0, np.array([s, -s] * 4), np.nan, 0) for i, s in enumerate((1.0, 9.0))
    ]
    none = np.zeros(0, dtype=np.int32)
    chunk = columns(stamps, none, [], none, none.astype(np.int64), none.astype(float), waveforms=blocks)
    by_array = Tape()
    by_array.add(engine(of).feed(chunk), chunk)
    assert by_array.events == tape.events[:1]


def test_a_profile_by_hour_of_the_week_is_of_local_time() -> None:
    # 08:00 UTC is 16:00 in Kuala Lumpur; START is a Monday, 08:00 UTC
    tape_site = watching({"kind": "week_profile", "limit": 5, "least": 2})
    messages = [single(M1, 50.0 if i % 24 == 9 else 10.0, i * 3600) for i in range(24 * 15)]
    messages[24 * 14 + 9]["value"] = 10.0
    running = engine(tape_site)
    results = running.feed(decoded(of_json(messages)))
    assert [(e.phase, (e.time - START) // (3600 * SECOND)) for e in results.events][:1] == [("opened", 24 * 14 + 9)]
    assert running.intake.local.week_s(np.array([START])).tolist() == [16 * 3600]


@pytest.mark.parametrize(
    ("body", "right"),
    [
        ('inputs = ["*"]\ndetector = { kind = "robust_zscore" }', "series"),
        ('series = "*"\ndetector = { kind = "spread" }', "inputs"),
        ('inputs = ["*"]\nwhen = "state == 1"\ndetector = { kind = "spread" }', "when"),
        ('series = "*"\nby = "state"\ndetector = { kind = "rms" }', "when"),
        ('series = "*"\ndetector = { kind = "gap", timeout = 30 }', '"30s"'),
        ('series = "*"\ndetector = { kind = "gap", timeout = "40000d" }', "100 years"),
    ],
)
def test_a_watch_that_cannot_work_is_refused_with_what_would_be_right(body: str, right: str) -> None:
    with pytest.raises(Misconfigured, match=right):
        parse_site(f'[[watch]]\nname = "w"\n{body}\n', "site.toml")


def test_health_events_name_what_is_wrong() -> None:
    values = [20 + 0.01 * (i % 7) + 0.1 * (i % 3) for i in range(200)]
    swapped = [v if i < 120 else 1000 * v for i, v in enumerate(values)]
    coded = [v if i != 150 else -999.0 for i, v in enumerate(values)]
    for kind, sent, text in (("unit_swap", swapped, "(x 1000)"), ("railed", coded, "says -999")):
        tape = play(of_json([single(M1, v, i) for i, v in enumerate(sent)]), of=watching({"kind": kind}))
        assert text in tape.events[0]["message"]["en"]
        assert not tape.verdicts


def test_a_series_whose_source_calls_it_bad_is_told_and_good_ones_cost_no_row() -> None:
    messages = []
    for i in range(60):
        messages += [{**single(M1, 20.0 + i % 3, 20 * i, s), "quality": q} for s, q in (
            ("a", "good"), ("b", "bad" if i >= 30 else "good")
        )]  # fmt: skip
    of = watching({"kind": "quality"})
    tape = play(of_json(messages), of=of)
    assert {e["series"] for e in tape.events} == {"b"}
    assert [e["phase"] for e in tape.events] == ["opened", "escalated"]
    assert tape.events[0]["decision"]["quality"] == 2
    running = engine(of)
    running.feed(decoded(of_json(messages)))
    assert running.watches[0].bank.rows == 1
    tape.same(play(of_json(messages), [7, 61, 62, 90], of=of))


def test_a_clock_that_stands_still_is_told_though_its_readings_are_no_news() -> None:
    messages = [single(M1, 20.0, min(i, 10) * 60) for i in range(40)]
    records = [r._replace(timestamp=START + i * 60 * SECOND) for i, r in enumerate(of_json(messages))]
    of = watching({"kind": "clock"})
    tape = play(records, of=of)
    assert "again and again" in tape.events[0]["message"]["en"]
    assert tape.counts["duplicate"] == 29
    tape.same(play(records, range(0, 40, 3), of=of))
