"""The live view, read as a person without colours would."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from streams.demo.figures import FiguresNow, Forecast, LineRow
from streams.demo.view import EpisodeRow, FaultRow, MachineRow, PlantView, Rates, View

OVEN = "penang/smt/line1/oven-1"
CNC = "penang/machining/line1/cnc-02"
RATES = Rates(1_069_200, 291.4, 1.23, None, {"scored": 900_000, "muted": 0, "late": 7}, 12)
FAULTS = (
    FaultRow("overheat", OVEN, "zone6_temp", -4.0, 2.5, "limits"),
    FaultRow("drift", CNC, "vibration_de", -3.0),
    FaultRow("spike", CNC, "load_x", 6.0),
)


def machines(count: int) -> list[MachineRow]:
    return [MachineRow(f"penang/utilities/cooling/chiller-{i:02d}", "unloaded", 10) for i in range(count)]


def episode(severity: int, band: str, message: str = "224.2 Cel, limit 217", series: str = "zone6_temp") -> EpisodeRow:
    return EpisodeRow("08:01:02", OVEN, series, "limits", severity, band, 1.4, message)


def text(data: PlantView, width: int = 100, height: int = 30) -> str:
    console = Console(record=True, width=width, height=height, file=io.StringIO())
    console.print(View(width, height).render(data))
    return console.export_text(styles=False)


def test_shows_machines_episodes_rates_and_faults() -> None:
    rows = [MachineRow(OVEN, "running", 28, 650, 2), *machines(3)]
    out = text(PlantView(rows, [episode(650, "major")], RATES, FAULTS, 12.0))
    for part in (
        "millstream demo  live  12 s  4 machines, 58 series, 1 open episode\n",
        "oven-1",
        "running",
        "chiller-02    unloaded",
        "!!  major 650  oven-1 zone6_temp [limits]",
        "08:01:02  score 1.4  224.2 Cel, limit 217",
        "1,069,200 readings, 291/s | latency p50 1.2 ms, p99 - | lag 12 records",
        "scored 900,000, late 7",
        "Injected faults: 1 of 3 found",
        "+ found in 2.5 s",
        "? not yet (3 s)",
        ". starts in 6 s",
    ):
        assert part in out
    assert "muted" not in out


def test_header_says_that_the_embedded_broker_is_for_demos_only() -> None:
    assert "keeps data in memory only and is for demos" in text(PlantView(machines(1), [], RATES))
    assert "in memory only" not in text(PlantView(machines(1), [], RATES, embedded=False))


def test_header_says_where_the_web_board_is() -> None:
    address = "http://127.0.0.1:8091"
    data = PlantView(machines(1), [episode(650, "major")] * 20, RATES, elapsed_s=3_600.0)
    assert address in text(replace(data, address=address)).splitlines()[0]
    assert "http" not in text(data)


def test_worst_come_first_and_severity_is_in_words() -> None:
    episodes = [episode(250, "warning", series="low"), episode(900, "critical", series="high")]
    rows = [*machines(2), MachineRow(OVEN, "running", 28, 900, 2)]
    lines = text(PlantView(rows, episodes, RATES)).splitlines()
    place = {word: next(i for i, line in enumerate(lines) if word in line) for word in ("oven-1 high", "oven-1 low")}
    assert place["oven-1 high"] < place["oven-1 low"]
    assert next(line for line in lines if "running" in line).index("!!! critical") < 5
    assert lines.index(next(x for x in lines if " running " in x)) < lines.index(
        next(x for x in lines if "unloaded" in x)
    )


@pytest.mark.parametrize(("width", "height"), [(100, 30), (120, 40), (200, 60)])
@pytest.mark.parametrize("many", [0, 1, 20, 60])
def test_fits_the_terminal_and_counts_what_it_leaves_out(width: int, height: int, many: int) -> None:
    episodes = [episode(201 + i, "warning", "long " * 60) for i in range(many)]
    faults = [FAULTS[i % 3] for i in range(many)]
    out = text(PlantView(machines(many), episodes, RATES, faults), width, height)
    assert len(out.splitlines()) <= height - 1
    assert max(map(len, out.splitlines())) <= width
    if many == 60:
        assert f" {60 - out.count('unloaded')} more " in out
        assert f" {60 - out.count('[limits]')} more " in out
        assert f" {60 - out.count('found in') - out.count('not yet') - out.count('starts in')} more " in out
    if many == 0:
        assert "none: every watched series is as expected" in out


def test_text_from_outside_is_not_read_as_markup() -> None:
    data = PlantView([MachineRow("a/b/c/[red]x", "[bold]", 1)], [episode(650, "major", "[/] [link=x]y")], RATES)
    out = text(data, 160, 40)
    assert "[red]x" in out
    assert "[bold]" in out
    assert "[/] [link=x]y" in out


def test_no_colour_carries_what_no_word_says() -> None:
    data = PlantView([MachineRow(OVEN, "running", 28, 650, 2)], [episode(650, "major")], RATES, FAULTS)
    colours = Console(record=True, width=100, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    colours.print(View().render(data))
    assert colours.export_text(styles=False) == text(data)


def test_figures_stand_above_the_machines() -> None:
    lines = [LineRow("penang/smt/line1", 0.834, "oven-2"), LineRow("penang/machining/line1", None, None),
             LineRow("penang/packing/line1", 0.5, "boxer", 0.19)]  # fmt: skip
    figures = FiguresNow(lines, {}, Forecast(214.2, 221.0, 210.0, 240.0), 158.4, 1200.0, "MYR")
    rows = [MachineRow(OVEN, "running", 28, oee=0.751)]
    out = text(PlantView(rows, [], RATES, figures=figures), width=160)
    assert "smt/line1 OEE 83 % (bottleneck oven-2)  machining/line1 OEE -" in out
    assert "packing/line1 OEE 50 % (19 % of the hour known, bottleneck boxer)" in out
    assert "site 214 kW so far, the demand window ends at 221 kW (210 to 240) | 158 kg CO2e/h" in out
    assert "open episodes cost MYR 1,200/h" in out
    assert "75 %" in out


def test_figures_that_are_not_known_are_said_to_be_so() -> None:
    out = text(PlantView(machines(1), [], RATES))
    assert "OEE of lines: not known yet" in out
    assert "site kW: not known yet" in out
