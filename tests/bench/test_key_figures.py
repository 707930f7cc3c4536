"""What `tests.bench.key_figures` times is all of a machine's figures, and it tells of a floor that is not kept."""

from __future__ import annotations

import numpy as np
import pytest

from streams.kpi.kpis import Kpis
from streams.resolve import resolve
from streams.site import Site
from tests.bench.key_figures import PARTS, SERIES, SITE, Plant, Took, faults, run


def test_every_machine_is_booked_and_told_of() -> None:
    site = resolve(Site.model_validate(SITE))
    plant, kpis = Plant(20, site), Kpis(site)
    none = np.zeros(20 * len(SERIES), dtype=bool)
    rows = [row for _ in range(121) for row in kpis.take(plant.second(), plant.roster, none)]
    newest = {(row.asset, row.kpi): row for row in rows if row.shift == "day"}
    assert {asset for asset, _ in newest} == set(kpis.signals.assets)
    assert kpis.settling.late == 0
    for asset in kpis.signals.assets:
        times = [row.value or 0.0 for (of, kpi), row in newest.items() if of == asset and kpi.startswith("time_")]
        assert sum(times) * 60 == pytest.approx(89)  # told when 119 s were in, `grace` behind
        assert (newest[asset, "energy"].value or 0.0) > 0


def test_the_parts_add_up_to_the_whole_but_for_little() -> None:
    took = run(100, 1)
    assert took.part_s.keys() == PARTS.keys()
    assert 0.5 * took.whole_s < sum(took.part_s.values()) <= took.whole_s


def test_a_floor_that_is_not_kept_is_told_unless_mercy_covers_it() -> None:
    slow = Took(1, 200_000, 0, 1.0, {})
    assert "200,000" in faults([slow], 1.0)[0]
    assert faults([slow], 3.0) == []
