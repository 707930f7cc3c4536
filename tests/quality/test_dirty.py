"""The health gate finds every stuck run and missing-value code of the dirty files, and is right when it speaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quality import clean_gate, dirty


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "dirty"


def test_runs_of_minus_200_are_all_found_and_withheld_from_their_first_reading(folder: Path) -> None:
    scores = dirty.judge(folder / "AirQualityUCI.csv.gz")
    found = scores.types["-200"]
    assert found.spans == found.gate == 1025
    assert found.rows == found.covered == 16_701
    alarms, right = scores.alarms["railed"]
    assert right == alarms > 1000


@pytest.mark.parametrize("name", ["MainStreet2019.csv.xz", "TonyGrove2019.csv.xz"])
def test_stuck_and_coded_spans_of_the_stations_are_all_found(folder: Path, name: str) -> None:
    scores = dirty.judge(folder / name)
    for kind in {"stuck", "coded"} & scores.types.keys():
        found = scores.types[kind]
        assert found.spans == found.gate, kind
    alarms, right = scores.alarms["railed"]
    assert right == alarms > 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("nab", 0.2), ("energy", 0.05)])
def test_on_clean_data_the_gate_is_well_within_the_budget(shared_data: Path, name: str, most: float) -> None:
    told = clean_gate.tally(name)
    assert told.weeks > 100
    assert sum(told.alarms.values()) / told.weeks < most
    assert told.alarms["railed"] + told.alarms["unit_swap"] <= 2
