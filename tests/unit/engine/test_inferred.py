"""The engine's laws for what machines do not say themselves: states that follow from power or from a count of parts,
parts that follow from completed cycles, cooling that follows from water; and for rejects of start-up.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from detectors.durations import SECOND
from schemas.chunk import Record
from streams.resolve import ResolvedSite, resolve
from streams.site import Site
from tests.unit.engine.logs import DATA, decoded, engine, log, play, renumbered, site, tick
from tests.unit.engine.test_regroup import N, assert_same, run

SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.lists(st.integers(0, 200), max_size=6)
SOME = settings(max_examples=6, phases=[Phase.explicit, Phase.reuse, Phase.generate])
POWER: dict[str, Any] = {"idle": 5.2, "producing": 10, "hysteresis": 0.02, "stay": "5s"}
MACHINES: list[dict[str, Any]] = [
    {
        "assets": "*/m1",
        "state": {"power": POWER},
        "parts": {"total": "c"},
        "energy": {"power": "b", "bridge": "60s"},
        "hold": "40s",
        "product": "d",
    },
    {
        "assets": "*/m3",
        "state": {"count": {"within": "12s", "down": "20s"}},
        "parts": {"total": "c", "reject": "b", "ideal": "2s"},
        "startup": "2m",
        "air": {"flow": "a"},
        "hold": "90s",
    },
    {
        "assets": "*",
        "chiller": {"flow": "a", "supply": "c", "back": "d"},
        "state": {"series": "state", "words": {"run": "producing", "stop": "idle"}},
        "parts": {"cycles": ["stop"], "shortest": "3s", "ideal": "20s"},
        "energy": {"counter": "b", "modulus": 30},
    },
]


def of(**options: Any) -> ResolvedSite:
    """The laws' site with these machines, and without watches."""
    plain = site(watches=(), **options).site
    return resolve(Site.model_validate(plain.model_dump(exclude_unset=True) | {"machine": MACHINES}), DATA)


SITE = of()


def ended(records: list[Record]) -> list[Record]:
    return renumbered([*records, tick(0, records[-1].timestamp + 3600 * SECOND)])


@given(seed=SEEDS, cuts=CUTS)
@SOME
def test_batching_is_invisible(seed: int, cuts: list[int]) -> None:
    records = ended(log(seed))
    play(records, of=SITE).same(play(records, cuts, of=SITE))
    play(records, of=SITE).same(play(records, cuts, of=SITE, restart=True))


@given(seed=SEEDS)
@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_one_message_at_a_time_gives_the_same(seed: int) -> None:
    records = ended(log(seed))
    play(records, of=SITE).same(play(records, range(len(records)), of=SITE))


@given(seed=SEEDS, ticks=st.lists(st.tuples(st.integers(0, 119), st.integers(0, 100)), min_size=1, max_size=30))
@SOME
def test_extra_ticks_are_invisible(seed: int, ticks: list[tuple[int, int]]) -> None:
    plain = log(seed)
    with_ticks: list[Record] = []
    clock = plain[0].timestamp
    for i, record in enumerate(plain):
        upto = max(clock, record.timestamp)
        shares = sorted(share for at, share in ticks if at == i)
        with_ticks += [tick(0, clock + (upto - clock) * share // 100) for share in shares]
        with_ticks.append(record)
        clock = upto
    assert play(ended(plain), of=SITE).kpis == play(ended(with_ticks), of=SITE).kpis


@given(seed=SEEDS, cut=st.integers(20, 380), to=st.sampled_from([4, 7]))
@settings(max_examples=4, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_what_follows_is_what_follows_without_growing(seed: int, cut: int, to: int) -> None:
    assert_same(*(run(seed, cut, sizes, SITE).said() for sizes in ([N, to], [N], [to])))


def test_the_logs_hold_what_these_laws_are_about() -> None:
    rows = [row for seed in range(4) for row in play(ended(log(seed)), of=SITE).kpis]
    named = {(row["asset"][-2:], row["kpi"]) for row in rows if row["value"]}
    assert {("m1", "time_producing"), ("m1", "time_idle"), ("m1", "time_down"), ("m1", "idle_energy")} <= named
    assert {("m2", "produced"), ("m2", "good"), ("m2", "oee")} <= named
    assert {("m3", f"time_{state}") for state in ("producing", "idle", "down")} <= named
    assert {("m3", "loss_startup_rejects"), ("m3", "loss_production_rejects"), ("m3", "leak_flow")} <= named
    assert {("m2", "cooling_energy"), ("m2", "cop")} <= named
    waiting = {"power": 0, "count": 0}
    for seed in range(4):
        for upto in range(20, 120, 5):
            inferred = _snapshot(log(seed)[:upto])["kpis"]["settling"]["inferred"]
            waiting["power"] += len(inferred["waits"]["time"]) > 0
            waiting["count"] += len(inferred["counted"]["waits"]["time"]) > 0
    assert min(waiting.values()) >= 3


def _snapshot(records: list[Record]) -> dict[str, Any]:
    running = engine(SITE)
    running.feed(decoded(renumbered(records)))
    return running.snapshot()


def test_a_snapshot_from_before_is_taken_up() -> None:
    records = renumbered(log(1))
    running, again = engine(site(watches=())), engine(site(watches=()))
    running.feed(decoded(records[:60]))
    saved = running.snapshot()
    del saved["kpis"]["settling"]["inferred"]
    again.restore(saved)
    rest = [running.feed(decoded(records[60:])).kpis, again.feed(decoded(records[60:])).kpis]
    assert rest[0] == rest[1]
    assert len(rest[0]) > 0


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        ({"state": {"power": {"idle": 5, "producing": 5}}, "energy": {"power": "p"}}, "idle below producing"),
        ({"state": {"power": {"idle": 1, "producing": 5}}, "energy": {"counter": "c"}}, 'power = "SERIES"'),
        ({"state": {"power": {"idle": 1, "producing": 5}, "series": "s"}, "energy": {"power": "p"}}, "either series"),
        (
            {"state": {"power": {"idle": 1, "producing": 5}, "words": {"A": "idle"}}, "energy": {"power": "p"}},
            "no words",
        ),
        ({"state": {"count": {}}}, 'needs a counter of parts: parts = { total = "SERIES", ideal = "30s" }'),
        ({"state": {"count": {}}, "parts": {"total": "n"}}, 'parts.ideal = "30s", or count = { within = "2m" }'),
        ({"state": {"count": {"within": "1s"}}, "parts": {"good": "n", "ideal": "2s"}}, "no shorter than the planned"),
        ({"state": {"count": {"down": "5s"}}, "parts": {"good": "n", "ideal": "2s"}}, "expected count.down to be no"),
        ({"state": {"count": {}, "series": "s"}, "parts": {"good": "n", "ideal": "2s"}}, "either series"),
        ({"state": {"count": {}, "profile": "packml"}, "parts": {"good": "n"}}, "a count of parts needs no words"),
        ({"parts": {"cycles": ["DONE"]}}, "words of the state series"),
        ({"parts": {"total": "n", "cycles": ["DONE"]}, "state": {"series": "s", "profile": "mtconnect"}}, "twice"),
        ({"parts": {"total": "n", "shortest": "1m"}}, "shortest is of cycles"),
    ],
)
def test_what_does_not_fit_together_is_refused(machine: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Site.model_validate({"machine": [{"assets": "*", **machine}]})
