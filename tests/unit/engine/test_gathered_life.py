"""The life of joint and peers watches: what teaches them, whether they still fit, what they weigh and expect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors.durations import SECOND
from schemas.chunk import Record
from schemas.errors import Misconfigured
from streams.instants import Inputs
from streams.site import parse_site
from tests.unit.engine.logs import LINE, START, Tape, command, engine, play, renumbered, site, tick
from tests.unit.engine.test_outcomes import of_json, single

M1 = f"{LINE}/m1"
RIDGE = {"kind": "t2_spe", "warmup": 80}
PEERS = {"kind": "peers", "warmup": 20, "half_life": "1m", "accept_after": "20s"}


def joint(detector: dict[str, Any] = RIDGE, cost_matters: float | None = None, **more: Any) -> Any:
    watch = {"name": "joint", "inputs": ["*"], "detector": detector, "off_delay": "0s", **more}
    return site(watches=[watch], **({} if cost_matters is None else {"cost_matters": cost_matters}))


def alike(**more: Any) -> Any:
    return site(watches=[{"name": "alike", "inputs": ["temp"], "detector": PEERS, "off_delay": "0s", **more}])


def loads(n: int, broken: Any, uncertain: Any = lambda t: False, step_s: float = 1.0, seed: int = 2) -> list[Record]:
    """Four inputs that follow one load; `c` goes the other way where it is broken."""
    rng, messages = np.random.default_rng(seed), []
    for t in range(n):
        load = rng.normal()
        for i, name in enumerate("abcd"):
            value = (-load if name == "c" and broken(t) else load) * (i + 1) + 0.1 * rng.normal()
            quality = {"quality": "uncertain"} if name == "b" and uncertain(t) else {}
            messages.append(single(M1, value, t * step_s, name, **quality))
    return of_json(messages)


def temperatures(n: int, value: Any, **more: Any) -> list[Record]:
    return of_json([single(f"{LINE}/m{m}", value(t, m), t, "temp", **more) for t in range(n) for m in range(5)])


def played(records: list[Record], of: Any, cuts: Any = ()) -> Tape:
    end = tick(0, records[-1].timestamp + 600 * SECOND)
    return play(renumbered([*records, end]), cuts, of=of)


def scores(tape: Tape) -> list[float]:
    return [float(v[5]) for v in tape.verdicts]


# --- expected values


def test_an_event_says_what_the_inputs_that_contribute_most_are_expected_to_be() -> None:
    tape = played(loads(140, lambda t: t >= 100), joint())
    event = tape.events[0]
    expected, given = event["decision"]["expected"], event["decision"]["inputs"]
    assert next(iter(expected)) == "c"
    assert len(expected) <= 3
    load = np.mean([given["a"], given["b"] / 2, given["d"] / 4])
    assert expected["c"] == pytest.approx(3 * load, abs=0.5)
    assert given["c"] == pytest.approx(-3 * load, abs=0.5)
    for name in set(expected) - {"c"}:  # the broken one does not move what is expected of the others
        assert expected[name] == pytest.approx(given[name], abs=0.8)
    assert f"c {given['c']:.5g} ({expected['c']:.5g})" in event["message"]["en"]


def test_expected_values_are_told_of_instants_that_change_an_episode_and_asked_for_of_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from detectors.anomaly.t2_spe import T2Spe

    asked = []
    plain = T2Spe.tell

    def counted(*given: Any) -> Any:
        asked.append(1)
        return plain(*given)

    monkeypatch.setattr(T2Spe, "tell", counted)
    tape = played(loads(140, lambda t: t >= 100), joint())
    assert len(asked) == len(tape.events) > 0
    assert all("expected" in event["decision"] for event in tape.events)


# --- quality


def test_instants_with_an_uncertain_input_are_scored_and_teach_nothing() -> None:
    certain = played(loads(140, lambda t: False), joint({**RIDGE, "adapt": True}))
    tape = played(loads(140, lambda t: False, uncertain=lambda t: 10 <= t < 30), joint())
    opinions = np.isfinite(scores(tape))
    assert np.flatnonzero(opinions)[0] == np.flatnonzero(np.isfinite(scores(certain)))[0] + 20
    after = played(loads(140, lambda t: False, uncertain=lambda t: t >= 90), joint())
    assert np.isfinite(scores(after)[90:]).all()


def test_an_uncertain_reading_counts_as_long_as_it_is_held() -> None:
    inputs = Inputs(SECOND, 10 * SECOND)
    inputs.put("a", 0, 1.0, 0, good=False)
    inputs.put("b", 0, 1.0, 0)
    inputs.put("b", SECOND, 1.0, SECOND)
    inputs.put("a", 2 * SECOND, 1.0, 2 * SECOND)
    inputs.put("b", 2 * SECOND, 1.0, 2 * SECOND)
    said = []
    while (instant := inputs.ready(60 * SECOND)) is not None:
        said.append(instant.good)
    assert said == [False, False, True]


def test_machines_learn_nothing_of_each_other_from_uncertain_readings() -> None:
    tape = played(temperatures(60, lambda t, m: 200.0 + m + t % 3, quality="uncertain"), alike())
    assert {v[5] for v in tape.verdicts} == {"nan"}


# --- frozen


def test_a_frozen_joint_watch_learns_in_its_warm_up_alone_however_the_log_is_cut() -> None:
    records = loads(300, lambda t: False)
    running = engine(joint(frozen=True))
    from tests.unit.engine.logs import decoded

    running.feed(decoded(renumbered(records)))
    bank = running.joints[0]._banks[4]
    assert bank._state.learned[0] == 80
    assert not bank._state.offset[0].any()
    tape = played(records, joint(frozen=True))
    tape.same(played(records, joint(frozen=True), [3, 318, 319, 320, 321, 325, 700]))
    end = tick(0, records[-1].timestamp + 600 * SECOND)
    tape.same(play(renumbered([*records, end]), [100, 321, 330], of=joint(frozen=True), restart=True))


def test_a_frozen_peers_watch_takes_no_difference_for_granted() -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.1, (400, 5))

    def value(t: int, m: int) -> float:
        return 200.0 + float(noise[t, m]) + (9.0 if m == 2 and t >= 100 else 0.0)

    def last_of_m2(of: Any) -> float:
        return [float(v[5]) for v in played(temperatures(400, value), of).verdicts if v[1].asset == "m2"][-1]

    assert last_of_m2(alike()) < 1.0  # it has become the machine's own
    assert last_of_m2(alike(frozen=True)) > 1.0
    frozen = played(temperatures(400, value), alike(frozen=True))
    frozen.same(played(temperatures(400, value), alike(frozen=True), [50, 99, 100, 101, 104, 900]))


# --- fitness


def test_one_event_says_that_a_joint_model_no_longer_fits_and_nothing_else_until_it_does() -> None:
    records = loads(900, lambda t: t >= 200 and t % 40 >= 16, step_s=300.0)
    options = {"refractory": "1m", "detector": {**RIDGE, "adapt": False}}
    wall = played(records, joint(plausible=1.0, **options))
    tape = played(records, joint(**options))
    unfit = [e for e in tape.events if "no longer fits" in e["message"]["en"]]
    assert len(unfit) == 1
    assert [e for e in tape.events if e["time"] > unfit[0]["time"]] == []
    assert len([e for e in wall.events if e["time"] > unfit[0]["time"]]) > 10
    tape.same(played(records, joint(**options), [800, 1200, 1203, 2000]))
    end = tick(0, records[-1].timestamp + 600 * SECOND)
    cuts = [1000, 1500, 2500]
    tape.same(play(renumbered([*records, end]), cuts, of=joint(**options), restart=True))


def test_a_rebaseline_takes_a_joint_watch_to_fit_again() -> None:
    records = loads(500, lambda t: t >= 200, step_s=300.0)
    options = {"refractory": "1m", "detector": {**RIDGE, "adapt": False}}
    records.insert(1600, command(records[1599].timestamp, "rebaseline", "r1", asset=M1, watch="joint"))
    tape = played(records, joint(**options))
    assert any("no longer fits" in e["message"]["en"] for e in tape.events)
    assert tape.events[-1]["reason"] == "rebaselined"
    assert max(scores(tape)[490:]) < 1.0


def test_one_event_says_that_a_machine_no_longer_goes_with_its_peers() -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.1, (900, 5))

    def value(t: int, m: int) -> float:
        return 200.0 + float(noise[t, m]) + (9.0 if m == 2 and t >= 100 and t % 40 >= 16 else 0.0)

    messages = [single(f"{LINE}/m{m}", value(t, m), t * 300.0, "temp") for t in range(900) for m in range(5)]
    kind = {**PEERS, "half_life": "30d", "accept_after": "30d"}
    options = {"refractory": "1m", "false_alarms": "100/day", "detector": kind}
    tape = played(of_json(messages), alike(**options))
    assert sum("no longer fits" in e["message"]["en"] for e in tape.events) == 1
    assert {e["asset"] for e in tape.events} == {f"{LINE}/m2"}


# --- what it weighs


def test_a_deviation_from_the_peers_weighs_by_limit_and_cost_as_that_of_any_series() -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.1, (80, 5))
    records = temperatures(80, lambda t, m: 200.0 + float(noise[t, m]) + (9.0 if m == 2 and t >= 60 else 0.0))
    opened = played(records, alike(limit=4.0, cost=10.0)).events[0]
    size = abs(opened["value"] - opened["expected"]) / 4.0
    assert opened["cost_per_hour"] == pytest.approx(10.0 * size)
    assert 401 <= opened["severity"] < 601


def test_an_hour_of_a_joint_episode_costs_what_is_declared() -> None:
    records = loads(140, lambda t: t >= 100, step_s=3600.0)
    opened = played(records, joint(cost=40.0)).events[0]
    assert opened["cost_per_hour"] == 40.0
    assert played(records, joint(cost=40.0, cost_matters=10.0)).events[0]["severity"] == 601


@pytest.mark.parametrize(
    ("target", "detector", "line", "why"),
    [
        ('inputs = ["*"]', "t2_spe", "limit = 2", "several inputs together"),
        ('series = "*"', "vibration_zone", "limit = 2", "judges waveforms"),
        ('series = "*"', "vibration_zone", "plausible = 0.5", "judges waveforms"),
        ('series = "*"', "vibration_zone", "frozen = true", "learn from values"),
    ],
)
def test_what_makes_no_sense_for_a_shape_is_refused(target: str, detector: str, line: str, why: str) -> None:
    text = f'[[watch]]\nname = "w"\n{target}\ndetector = {{ kind = "{detector}" }}\n{line}\n'
    with pytest.raises(Misconfigured, match=why):
        parse_site(text, "site.toml")


@pytest.mark.parametrize("line", ["frozen = true", "plausible = 0.5", "cost = 3"])
@pytest.mark.parametrize("detector", ["t2_spe", "peers"])
def test_what_makes_sense_for_joint_and_peers_watches_is_taken(detector: str, line: str) -> None:
    parse_site(f'[[watch]]\nname = "w"\ninputs = ["*"]\ndetector = {{ kind = "{detector}" }}\n{line}\n', "site.toml")


# --- staleness


def test_an_input_is_stale_after_three_of_its_own_intervals_or_the_wait_where_that_is_longer() -> None:
    inputs = Inputs(None, None)
    for t in range(0, 121):
        inputs.put("fast", t * SECOND, 1.0, t * SECOND)
        if t % 30 == 0:
            inputs.put("slow", t * SECOND, 2.0, t * SECOND)
        while inputs.ready(t * SECOND) is not None:
            pass
    assert (inputs.stale("fast"), inputs.stale("slow")) == (3 * SECOND, 90 * SECOND)
    assert Inputs(5 * SECOND, None, usual={"fast": SECOND}).stale("fast") == 5 * SECOND
    assert Inputs(5 * SECOND, None).stale("new") == 50 * SECOND
    assert Inputs(None, 7 * SECOND, usual={"slow": 30 * SECOND}).stale("slow") == 7 * SECOND


def test_one_pause_or_burst_is_not_an_inputs_pace() -> None:
    inputs = Inputs(None, None)
    times = [0, 10, 20, 30, 3630, 3640, 3640.1, 3640.2, 3650, 3660]
    for t in times:
        inputs.put("x", int(t * SECOND), 1.0, int(t * SECOND))
    assert inputs.usual["x"] == 10 * SECOND


def test_silence_of_a_slow_input_is_none_before_three_of_its_intervals() -> None:
    messages = [single(M1, 1.0, t, "fast") for t in range(400)]
    messages += [single(M1, 2.0, t, "slow") for t in (*range(0, 200, 20), 300)]
    messages.sort(key=lambda m: m["time"])
    spread = {"kind": "spread", "limit": 5, "warmup": 1}
    tape = played(of_json(messages), joint(spread))
    absent = [(v[3] - START) / SECOND for v in tape.verdicts if v[5] == "nan"]
    assert [t for t in absent if t > 20] == [float(t) for t in (*range(241, 301), *range(361, 400))]
