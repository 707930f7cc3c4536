"""Machines that go to another partition: what was let go of stays let go of."""

from __future__ import annotations

from streams.kpi.deal import dealt
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
