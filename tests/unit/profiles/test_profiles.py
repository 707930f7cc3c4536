"""Each profile is right, and its site file finds the faults of the plant beside it, and little else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from detectors.durations import SECOND
from docs.generate import ROOT
from schemas.anomaly import AnomalyEvent
from schemas.chunk import Record
from schemas.decode import Decoder
from streams.cli.main import app
from streams.engine import Engine
from streams.plant import Frame, message_of
from streams.plant.described import FILE, DescribedPlant, load_plant
from streams.resolve import resolve
from streams.site import load_site

FOLDER = ROOT / "deploy" / "profiles"
PROFILES = sorted(path.parent.name for path in FOLDER.glob("*/site.toml"))
START = 1_767_571_200 * SECOND
ROWS = 2
"""Rows in a message: what is silent is judged between messages."""


BATCH = 1000
"""Messages taken at a time, which changes no result."""


class Played(NamedTuple):
    """A profile's plant and the events that came of it."""

    plant: DescribedPlant
    events: list[AnomalyEvent]


@pytest.fixture(scope="module", params=PROFILES)
def played(request: pytest.FixtureRequest) -> Played:
    site = FOLDER / str(request.param) / "site.toml"
    plant = load_plant(site.with_name(FILE))
    engine = Engine(0, 1, resolve(load_site(site), site.parent))
    events: list[AnomalyEvent] = []
    sent = enumerate(messages(plant))
    while records := [Record(at, received, None, message_of(frame)) for at, (received, frame) in islice(sent, BATCH)]:
        events += engine.feed(Decoder().decode(records, partition=0)).events
    return Played(plant, events)


def messages(plant: DescribedPlant) -> Iterator[tuple[int, Frame]]:
    """Some rows of each machine in turn, as gateways send them."""
    frames = plant.frames(START)
    for first in range(0, len(frames[0].time), ROWS):
        rows = slice(first, first + ROWS)
        for frame in frames:
            part = {name: column[rows] for name, column in frame.series.items()}
            yield int(frame.time[rows][-1]), Frame(frame.asset, frame.time[rows], part, frame.unit)


def test_there_are_five() -> None:
    assert PROFILES == ["automotive-parts", "chemicals", "city", "electronics-smt", "hospital"]


@pytest.mark.parametrize("name", PROFILES)
def test_the_site_file_is_right(name: str) -> None:
    result = CliRunner().invoke(app, ["config", "check", str(FOLDER / name / "site.toml")])
    assert result.exit_code == 0, result.output
    site = load_site(FOLDER / name / "site.toml")
    assert site.calendar.shifts
    assert site.energy is not None
    assert set(site.site.languages) <= {"en", "ms", "zh-TW"}


def test_every_fault_is_found_in_time_by_a_watch_of_the_profile(played: Played) -> None:
    for fault in played.plant.fault:
        begin = START + fault.start
        found = [
            e for e in played.events
            if e.phase == "opened" and (e.asset, e.series) == (fault.asset, fault.series)
            and begin <= e.time <= begin + fault.found_within
        ]  # fmt: skip
        assert found, f"{fault.asset} {fault.series}"


def test_little_else_is_told(played: Played) -> None:
    faulty = {(fault.asset, fault.series) for fault in played.plant.fault}
    others = [e for e in played.events if e.phase == "opened" and (e.asset, e.series) not in faulty]
    assert len(others) <= played.plant.days / 2, [(e.asset, e.series, e.watch, e.time) for e in others]


def test_faults_are_told_in_three_languages(played: Played) -> None:
    for fault in played.plant.fault:
        assert len(set(fault.story.values())) == 3


def test_a_description_that_is_wrong_is_refused_with_its_place(tmp_path: Path) -> None:
    text = (FOLDER / "hospital" / FILE).read_text("utf-8")
    path = tmp_path / FILE
    path.write_text(text.replace('series = "air_temp"', 'series = "air_tmp"', 1))
    result = CliRunner().invoke(app, ["demo", "--no-ui", "--config", str(_beside(path))])
    assert result.exit_code == 2
    assert "hospital/pharmacy/cold/fridge-1 air_tmp: no machine has this series" in result.output


def _beside(path: Path) -> Path:
    site = path.with_name("site.toml")
    site.write_bytes((FOLDER / "hospital" / "site.toml").read_bytes())
    return site
