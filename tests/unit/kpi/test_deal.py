"""Machines that go to another partition: what was let go of stays let go of."""

from __future__ import annotations

from typing import Any

from streams.kpi.deal import dealt
from tests.contract.readings import same_bits
from tests.unit.engine.logs import LINE, decoded, engine
from tests.unit.kpi.figure_logs import WATCHES, log, site


def test_windows_that_were_let_go_of_go_along_with_their_machine() -> None:
    running = engine(site([WATCHES[1]], kpi_interval="15m"))
    records = log(5, hours=64)
    for at in range(0, len(records), 100):
        running.feed(decoded(records[at : at + 100]))
    saved = running.snapshot()["kpis"]
    number = saved["signals"]["assets"].index(f"{LINE}/m1")
    gone = dict(saved["windows"]["gone"])
    assert len(gone) == 2, "both machines have windows of more than 48 hours ago"
    given = dealt([(saved, lambda asset: asset == f"{LINE}/m1"), (saved, lambda asset: False)])
    assert given["windows"]["gone"] == [[0, gone[number]]]
    assert len(given["windows"]["books"]) == sum(row[0] == number for row in saved["windows"]["books"])


def test_what_was_saved_before_there_were_utilities_goes_on_as_if_saved_today() -> None:
    """Then an account knew nine roles, and no state followed from water or from a count of parts."""
    of = site([WATCHES[1]])
    records = log(4, hours=8)
    running = engine(of)
    running.feed(decoded(records[:60]))
    saved = running.snapshot()
    old = _of_before(saved["kpis"])
    again = engine(of)
    again.restore(saved | {"kpis": old})
    assert same_bits(again.snapshot()["kpis"], saved["kpis"])
    assert again.feed(decoded(records[60:])).kpis == running.feed(decoded(records[60:])).kpis
    everything = dealt([(saved["kpis"], lambda asset: True)])
    assert same_bits(dealt([(old, lambda asset: True)]), everything)
    assert same_bits(
        dealt([(old, lambda asset: "m1" in asset), (saved["kpis"], lambda asset: "m1" not in asset)])["account"],
        dealt([(saved["kpis"], lambda asset: "m1" in asset), (old, lambda asset: "m1" not in asset)])["account"],
    )


def _of_before(kpis: dict[str, Any]) -> dict[str, Any]:
    account = kpis["account"] | {name: kpis["account"][name][:9] for name in ("last", "value")}
    inferred = {name: kpis["settling"]["inferred"][name] for name in ("power", "cycles", "waits")}
    return kpis | {"account": account, "settling": kpis["settling"] | {"inferred": inferred}}
