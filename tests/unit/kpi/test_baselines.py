"""[[baseline]] in an engine: learned and accepted, savings told with intervals, changes proposed to a person."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.special import stdtrit

from schemas.chunk import Record
from schemas.decode import Decoder
from streams.engine import Engine
from streams.kpi.kpis import Kpis
from streams.state.codec import pack, unpack
from streams.state.regroup import regroup
from tests.unit.engine.logs import (
    KEY,
    LINE,
    PARTITION,
    PARTITIONS,
    Tape,
    command,
    configure,
    play,
    renumbered,
    tick,
)
from tests.unit.kpi.plants import BEGIN, DAY, HOUR, SECOND, WEATHER, log, site


def rows(tape: Tape, kpi: str) -> list[dict[str, Any]]:
    """Rows of a figure, the last of each window, in order of time."""
    newest = {row["start"]: row for row in tape.kpis if row["kpi"] == kpi}
    return [newest[start] for start in sorted(newest)]


def by_day(row: dict[str, Any]) -> float:
    return (row["start"] - BEGIN) / DAY


def day_sums(records: list[Record], days: int) -> tuple[Any, Any]:
    """(days,) energy and (days, 3) 1, parts, degree days, straight from the log."""
    read: dict[str, dict[int, float]] = {"kwh": {}, "good": {}, "temp": {}}
    for record in records:
        body = json.loads(record.value or b"")
        if body["series"] == "temp":
            read["temp"][(body["time"] - BEGIN) // HOUR] = body["value"]
        elif "kwh" in body["series"]:
            for name in ("kwh", "good"):
                read[name][(body["time"][0] - BEGIN) // HOUR] = body["series"][name][0]
    energy, inputs = [], []
    for day in range(days):
        warmth = [max(read["temp"][24 * day + hour] - 20.0, 0.0) for hour in range(24)]
        kwh, good = (read[name][24 * day + 24] - read[name][24 * day] for name in ("kwh", "good"))
        energy.append(kwh)
        inputs.append([1.0, good, sum(warmth) / 24])
    return np.array(energy), np.array(inputs)


def test_it_learns_is_accepted_and_tells_what_least_squares_expect() -> None:
    records = log(1, 20)
    tape = play(records, of=site(WEATHER | {"warmup": 14}))
    warm = rows(tape, "baseline_warm")
    assert [row["value"] for row in warm] == pytest.approx([(i + 1) / 14 for i in range(14)])
    assert [by_day(row) for row in warm] == list(range(14))
    assert {row["end"] - row["start"] for row in warm} == {DAY}

    energy, inputs = day_sums(records, 19)
    line = np.linalg.lstsq(inputs[:14], energy[:14], rcond=None)[0]
    errors = energy[:14] - inputs[:14] @ line
    expected, saved = rows(tape, "expected_energy"), rows(tape, "savings")
    assert [by_day(row) for row in expected] == [14, 15, 16, 17, 18]
    assert [row["value"] for row in expected] == pytest.approx(inputs[14:] @ line)
    assert [row["value"] for row in saved] == pytest.approx(inputs[14:] @ line - energy[14:])
    assert {(row["unit"], row["status"], row["coverage"]) for row in expected} == {("kW.h", "final", 1.0)}
    half = stdtrit(11, 0.95) * 1.26 * np.sqrt(errors @ errors / 11) * np.sqrt(1 + 2 / 14)
    for row in (*expected, *saved):
        assert (row["low"], row["high"]) == pytest.approx((row["value"] - half, row["value"] + half))
    cv = np.sqrt(errors @ errors / 11) / energy[:14].mean()
    assert [row["value"] for row in rows(tape, "baseline_cv_rmse")] == pytest.approx([cv] * 6)
    r2 = 1 - errors @ errors / (14 * energy[:14].var())
    assert [row["value"] for row in rows(tape, "baseline_r2")] == pytest.approx([r2] * 6)
    assert [row["value"] for row in rows(tape, "baseline_nmbe")] == pytest.approx([0.0] * 6, abs=1e-9)
    assert {row["value"] for row in rows(tape, "baseline_step")} == {24.0}
    (audit,) = tape.audits
    assert (audit["kind"], audit["outcome"], audit["command_id"]) == ("baseline", "accepted", None)
    assert audit["detail"]["step"] == "day"


def test_a_saving_from_a_date_on_lies_within_its_interval() -> None:
    tape = play(log(2, 50, saving=0.1, since=15), of=site(WEATHER | {"warmup": 15}))
    plain = play(log(2, 50), of=site(WEATHER | {"warmup": 15}))
    taken = [sum(r["value"] for r in rows(t, "energy") if 15 <= by_day(r) < 49) for t in (tape, plain)]
    total = rows(tape, "savings_total")[-1]
    assert by_day(total) == 48
    assert total["low"] <= taken[1] - taken[0] <= total["high"]
    assert taken[1] - taken[0] == pytest.approx(0.1 * taken[1], rel=0.05)
    assert sum(row["value"] for row in rows(tape, "savings")) == pytest.approx(total["value"])


def test_parts_of_another_machine_of_the_line_may_drive_it() -> None:
    own = play(log(1, 20), of=site())
    other = play(log(1, 20), of=site({"production": "good", "production_of": f"{LINE}/m2"}))
    mine, theirs = (([r["value"] for r in rows(t, "expected_energy")]) for t in (own, other))
    assert theirs == pytest.approx(mine)


def test_what_does_not_meet_the_guideline_is_told_without_a_value() -> None:
    tape = play(log(3, 18, noise=60.0), of=site())
    (first, *_) = rows(tape, "expected_energy")
    assert (first["value"], by_day(first)) == (None, 13)
    assert first["reason"].startswith("the baseline does not meet the guideline: R2 0.")
    assert {row["value"] for row in rows(tape, "savings")} == {None}
    assert rows(tape, "baseline_r2")[0]["value"] < 0.75
    assert tape.audits == []


def test_hours_that_meet_the_guideline_are_taken_first() -> None:
    tape = play(log(4, 18, noise=1.0), of=site(WEATHER | {"step": "auto"}))
    assert {row["value"] for row in rows(tape, "baseline_step")} == {1.0}
    expected = rows(tape, "expected_energy")
    assert {row["end"] - row["start"] for row in expected} == {HOUR}
    assert expected[0]["start"] == BEGIN + 14 * DAY


def test_hours_too_noisy_leave_it_to_days_and_the_reason_is_told() -> None:
    tape = play(log(4, 18, noise=20.0), of=site(WEATHER | {"step": "auto", "warmup": 12}))
    step = rows(tape, "baseline_step")
    assert {row["value"] for row in step if row["value"]} == {24.0}
    assert step[-1]["reason"].startswith("by hour R2 0.")


def test_a_day_of_which_energy_is_missing_is_not_judged() -> None:
    silent = [r for r in log(1, 20) if b"kwh" not in (r.value or b"") or r.timestamp < BEGIN + 16.5 * DAY]
    tape = play(renumbered(silent), of=site({"production_of": f"{LINE}/m2"}))
    cut, *silence = (row for row in rows(tape, "savings") if by_day(row) >= 16)
    assert (cut["value"], cut["reason"]) == (None, "an input is missing")
    assert cut["coverage"] == pytest.approx(11 / 24), "up to the last reading"
    assert [(by_day(row), row["value"], row["coverage"]) for row in silence] == [(17, None, 0.0), (18, None, 0.0)]
    assert rows(tape, "expected_energy")[-1]["value"] is not None, "the parts are known"
    totals = rows(tape, "savings_total")
    assert totals[-1]["value"] == totals[-2]["value"]


def test_weather_that_is_missing_is_waited_for_and_then_done_without() -> None:
    records = [r for r in log(1, 20) if b"roof" not in (r.value or b"") or r.timestamp < BEGIN + 16 * DAY]
    tape = play(renumbered(records), of=site(WEATHER | {"warmup": 12}))
    last = rows(tape, "expected_energy")[-1]
    assert (last["value"], last["reason"]) == (None, "an input is missing")
    assert (by_day(last), last["coverage"]) == (18, 0.0)


def test_a_meter_that_lags_restates_the_day_and_what_follows_from_it() -> None:
    """The last reading of day 15 comes at noon: the days' sums are what they would have been."""
    records, late = [], []
    for record in log(1, 20):
        here = 15.5 * DAY < record.timestamp - BEGIN < 16.5 * DAY and b"good" in (record.value or b"")
        (late if here else records).append(record)
    at = next(i for i, r in enumerate(records) if r.timestamp > BEGIN + 16.5 * DAY)
    late = [r._replace(timestamp=BEGIN + int(16.5 * DAY)) for r in late]
    tape = play(renumbered([*records[:at], *late, *records[at:]]), of=site())
    plain = play(log(1, 20), of=site())
    for kpi in ("savings", "savings_total"):
        mine, theirs = rows(tape, kpi), rows(plain, kpi)
        assert [row["value"] for row in mine] == pytest.approx([row["value"] for row in theirs])
        assert {row["status"] for row in theirs} == {"final"}
    assert "restated" in {row["status"] for row in rows(tape, "savings_total")}


# --- what a person decides

SAVING = {"seed": 5, "days": 52, "saving": 0.15, "since": 25}


def changed(kind: str = "", at: float = 40.5, proposal: str | None = None, **changes: Any) -> Tape:
    records = log(**(SAVING | changes))
    if kind:
        i = next(i for i, r in enumerate(records) if r.timestamp >= BEGIN + at * DAY)
        stamp = records[i].timestamp
        given = command(stamp, kind, f"{kind} {at}", {"proposal": proposal or proposed()})
        records[i:i] = [given, given]
    return play(renumbered(records), of=site(WEATHER | {"warmup": 24}))


@cache
def proposed() -> str:
    tape = play(log(**(SAVING | {"days": 40})), of=site(WEATHER | {"warmup": 24}))
    (audit,) = (audit for audit in tape.audits if audit["outcome"] == "proposed")
    name: str = audit["detail"]["proposal"]
    return name


def test_a_lasting_change_is_proposed_and_stays_so_until_it_is_decided() -> None:
    tape = changed()
    (audit,) = (audit for audit in tape.audits if audit["outcome"] == "proposed")
    assert audit["detail"]["proposal"] == proposed(), "a replay of a part gives the same id"
    assert audit["detail"]["began"] == pytest.approx(BEGIN + 25 * DAY, abs=3 * DAY)
    assert audit["detail"]["per_period"] < 0
    assert "less a day than its baseline expects" in audit["why"]
    assert audit["target"]["asset"] == f"{LINE}/m1"
    open_since = next(by_day(row) for row in rows(tape, "baseline_proposed") if row["value"])
    assert 25 <= open_since < 35
    assert {row["value"] for row in rows(tape, "baseline_proposed") if by_day(row) > open_since} == {1.0}


def test_reject_keeps_the_baseline_and_the_savings_go_on() -> None:
    tape, undecided = changed("reject"), changed()
    first, again = (audit for audit in tape.audits if audit["kind"] == "reject")
    assert (first["outcome"], first["affected"], again["outcome"]) == ("accepted", 1, "repeated")
    assert "stays in force" in first["why"]
    assert first["detail"]["proposal"] == proposed()
    assert [row["value"] for row in rows(tape, "savings_total")] == [
        row["value"] for row in rows(undecided, "savings_total")
    ]
    assert {row["value"] for row in rows(tape, "baseline_proposed") if by_day(row) >= 40} == {0.0}
    told = [row for row in tape.kpis if row["kpi"] == "baseline_proposed" and by_day(row) == 39]
    assert [(row["value"], row["status"]) for row in told] == [(1.0, "final"), (0.0, "restated")], "at once"


def test_approve_takes_what_was_learned_since_the_change() -> None:
    tape = changed("approve")
    first, again = (audit for audit in tape.audits if audit["kind"] == "approve")
    assert (first["outcome"], again["outcome"]) == ("accepted", "repeated")
    assert "learns on from the change" in first["why"]
    warm = [row for row in rows(tape, "baseline_warm") if by_day(row) >= 40]
    assert warm[0]["value"] == pytest.approx(16 / 24, abs=0.1), "from the change on, not from the decision"
    accepted = [audit for audit in tape.audits if audit["kind"] == "baseline" and audit["outcome"] == "accepted"]
    assert len(accepted) == 2
    total = rows(tape, "savings_total")[-1]
    assert total["low"] < 0 < total["high"], "against the new one nothing is saved"


def test_a_proposal_that_is_not_there_is_refused() -> None:
    tape = changed("approve", proposal="6d1f8f0e-5a53-5c0e-9b52-7d6a1f2c9e10")
    first = next(audit for audit in tape.audits if audit["kind"] == "approve")
    assert first["outcome"] == "refused"
    assert "is proposed on this partition" in first["why"]


# --- laws


def eventful(seed: int) -> list[Record]:
    """A change, a lagging meter, weather that comes late, and a decision."""
    rng = np.random.default_rng(seed)
    records = log(**SAVING)
    late = [int(i) for i in rng.choice(len(records), 40, replace=False)]
    for i in late:
        records[i] = records[i]._replace(timestamp=records[i].timestamp + int(rng.integers(1, 30)) * HOUR)
    records.sort(key=lambda r: r.timestamp)
    at = next(i for i, r in enumerate(records) if r.timestamp >= BEGIN + 40.5 * DAY)
    given = command(records[at].timestamp, "reject", "r", {"proposal": proposed()})
    return renumbered([*records[:at], given, *records[at:]])


@pytest.mark.parametrize("seed", [1, 2])
def test_batching_and_restoring_are_invisible(seed: int) -> None:
    records, of = eventful(seed), site(WEATHER | {"warmup": 24, "step": "auto", "mode": "weekday"})
    whole = play(records, of=of)
    rng = np.random.default_rng(seed)
    whole.same(play(records, rng.integers(0, len(records), 60).tolist(), of=of))
    whole.same(play(records, rng.integers(0, len(records), 12).tolist(), of=of, restart=True))


def test_extra_ticks_are_invisible() -> None:
    records, of = eventful(3), site(WEATHER | {"warmup": 24})
    rng = np.random.default_rng(3)
    often = [*records, *(tick(0, BEGIN + int(rng.integers(0, 52 * DAY))) for _ in range(300))]
    end = tick(0, BEGIN + 53 * DAY)
    often.sort(key=lambda r: r.timestamp)
    mine, theirs = (play(renumbered([*some, end]), of=of) for some in (records, often))
    assert mine.kpis == theirs.kpis
    moved = ("offset", "audit_id", "received")

    def told(tape: Tape) -> list[Any]:
        return [{k: v for k, v in a.items() if k not in moved} for a in tape.audits]

    assert told(mine) == told(theirs)
    assert mine.clock[0] > SECOND


def test_growing_partitions_carries_baselines_and_the_weather_along() -> None:
    records = [r for r in eventful(4) if not r.headers]
    middle = len(records) // 2  # the baseline is in force, its change not yet found
    of = site(WEATHER | {"warmup": 24})

    def feed(engine: Engine, partition: int, some: list[Record]) -> Tape:
        numbered = [record._replace(offset=engine.next_offset + i) for i, record in enumerate(some)]
        chunk, tape = Decoder(KEY).decode(numbered, partition), Tape()
        tape.add(engine.feed(chunk), chunk)
        return tape

    alone = Engine(0, 1, of)
    feed(alone, 0, records[:middle])
    grown = regroup([unpack(pack(alone.snapshot()))], PARTITIONS, "line")
    home = Engine(PARTITION, PARTITIONS, of)
    home.restore(unpack(pack(grown[PARTITION])))
    assert [list(saved["kpis"]["baselines"]["models"]) for saved in grown].count([f"{LINE}/m1"]) == 1
    mine, theirs = feed(home, PARTITION, records[middle:]), feed(alone, 0, records[middle:])
    assert rows(theirs, "savings_total")
    assert mine.kpis == theirs.kpis
    assert [a["audit_id"] for a in mine.audits] == [a["audit_id"] for a in theirs.audits] != []


def test_baselines_learned_from_history_go_on_in_a_worker() -> None:
    engine = Engine(PARTITION, PARTITIONS, site())
    engine.feed(Decoder(KEY).decode(log(1, 18), PARTITION))
    fresh = Kpis(engine.site)
    fresh.baselines.carry_on(engine.kpis.baselines)
    (mine,), (theirs,) = fresh.baselines.models.values(), engine.kpis.baselines.models.values()
    assert mine.life.frozen is not None
    assert mine.life.frozen is theirs.life.frozen
    assert mine.until == (BEGIN + 17 * DAY, 1)


def test_another_driver_starts_the_baseline_afresh_and_says_so() -> None:
    records = log(1, 20)
    at = next(i for i, r in enumerate(records) if r.timestamp >= BEGIN + 10.5 * DAY)
    for change, value in (({"production": "produced"}, 1 / 14), ({"warmup": 20}, 11 / 20)):
        new = configure(site(change | {"production_of": f"{LINE}/m2"} if "production" in change else change, 2), 0, 0)
        given = [record._replace(timestamp=records[at].timestamp) for record in new]
        tape = play(renumbered([*records[:at], *given, *records[at:]]), of=site())
        assert [r["value"] for r in rows(tape, "baseline_warm") if by_day(r) == 10] == pytest.approx([value])
        assert any("starts learning afresh" in line for line in tape.warnings) == ("production" in change)
