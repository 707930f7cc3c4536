"""The demo's live view in a terminal: machines, open episodes, rates and the fault script, from plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from schemas.anomaly import band_of
from streams.demo.figures import FiguresNow, Forecast

_MARK = {"critical": "!!!", "major": "!! ", "minor": "!  ", "warning": "~  ", "info": "i  "}
# Okabe and Ito's palette, distinct to colour-blind eyes; the marks and words say the same without it.
_COLOUR = {
    "critical": "bold #D55E00",
    "major": "#E69F00",
    "minor": "#F0E442",
    "warning": "#56B4E9",
    "info": "#56B4E9",
    "": "#009E73",
}
_NOTICE = "The broker keeps data in memory only and is for demos: all of it is gone when the demo ends."
_FRAME_LINES = 10
"""Lines that are no machine: header, figures and rates two each, the panel's frame and head, and one to spare."""


@dataclass(frozen=True)
class MachineRow:
    """One machine. `worst` is the highest severity of its open episodes, 0 without one."""

    asset: str
    state: str
    series: int
    worst: int = 0
    open_episodes: int = 0
    oee: float | None = None


@dataclass(frozen=True)
class EpisodeRow:
    """One open episode. `started` is local time as a person reads it; `score` 1 is the threshold."""

    started: str
    asset: str
    series: str
    watch: str
    severity: int
    band: str
    score: float
    message: str


@dataclass(frozen=True)
class FaultRow:
    """One injected fault. `starts_in_s` is negative once it has begun; `delay_s` is None until it is found."""

    kind: str
    asset: str
    series: str
    starts_in_s: float
    delay_s: float | None = None
    watch: str | None = None


@dataclass(frozen=True)
class Rates:
    """Counts since the start, and latency from the broker's timestamp to the verdict, in ms (None until known)."""

    readings_in: int
    per_second: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    lag: int = 0


@dataclass(frozen=True)
class PlantView:
    """Everything the view shows at one instant."""

    machines: Sequence[MachineRow]
    episodes: Sequence[EpisodeRow]
    rates: Rates
    faults: Sequence[FaultRow] = ()
    elapsed_s: float = 0.0
    phase: str = "live"
    embedded: bool = True
    figures: FiguresNow = field(default_factory=FiguresNow)
    address: str | None = None
    """Where the web board is."""


class View:
    """Draws a `PlantView` so that it fits `width` by `height` characters (100 by 30 or more).

    Rows that do not fit are counted in the last line of their table; the worst stand first, so what is left out is
    the least urgent.
    """

    def __init__(self, width: int = 100, height: int = 30) -> None:
        self.width = max(80, width)
        self.height = max(24, height)

    def render(self, data: PlantView) -> RenderableType:
        """What rich prints: header, machines beside episodes and faults, rates."""
        left = 50 if self.width < 130 else 54
        right = self.width - left - 1
        room = self.height - _FRAME_LINES
        fault_rows = min(len(data.faults), max(5, room // 3))
        episode_rows = room + 1 - (fault_rows + 3 if fault_rows else 0)
        boxes: list[RenderableType] = [_episodes(data.episodes, right, episode_rows)]
        if fault_rows:
            boxes.append(_faults(data.faults, right, fault_rows))
        body = Table.grid(padding=(0, 1, 0, 0))
        body.add_column(width=left)
        body.add_column(width=right)
        body.add_row(_machines(data.machines, left, room), Group(*boxes))
        return Group(_header(data), _figures(data.figures), body, _rates(data.rates))


def _header(data: PlantView) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("millstream demo", "bold").append(f"  {data.phase}  {data.elapsed_s:.0f} s")
    text.append(f"  {len(data.machines)} machines, {sum(m.series for m in data.machines)} series")
    text.append(f", {len(data.episodes)} open episode{'' if len(data.episodes) == 1 else 's'}")
    if data.address:
        text.append(f"  {data.address}", "underline")
    if data.embedded:
        text.append("\n" + _NOTICE, "italic")
    return text


def _figures(figures: FiguresNow) -> Text:
    """Two lines: how well lines run, and what the site takes and loses."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for line in figures.lines:
        text.append(f"{line.line.split('/', 1)[-1]} ", "bold").append(f"OEE {_share(line.oee)}")
        known = [f"{_share(line.coverage)} of the hour known"] if line.oee is not None and line.coverage < 0.995 else []
        notes = [*known, *([f"bottleneck {line.bottleneck}"] if line.bottleneck else [])]
        text.append(f" ({', '.join(notes)})  " if notes else "  ")
    if not figures.lines:
        text.append("OEE of lines: not known yet")
    parts = [_demand(figures.demand)]
    if figures.carbon_per_hour is not None:
        parts.append(f"{figures.carbon_per_hour:,.0f} kg CO2e/h")
    if figures.money_per_hour is not None:
        parts.append(f"open episodes cost {figures.currency} {figures.money_per_hour:,.0f}/h".replace("  ", " "))
    return text.append("\n" + " | ".join(parts))


def _demand(demand: Forecast) -> str:
    if demand.now is None:
        return "site kW: not known yet"
    if demand.end is None:
        return f"site {demand.now:,.0f} kW in this demand window so far"
    ends = "" if demand.low is None or demand.high is None else f" ({demand.low:,.0f} to {demand.high:,.0f})"
    return f"site {demand.now:,.0f} kW so far, the demand window ends at {demand.end:,.0f} kW{ends}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _machines(machines: Sequence[MachineRow], width: int, rows: int) -> Panel:
    ordered = sorted(machines, key=lambda m: (-m.worst, m.asset))
    shown = ordered if len(ordered) <= rows else ordered[: rows - 1]
    table = _table(("worst", 12), ("machine", None), ("state", 8), ("OEE", 5), ("open", 4))
    for machine in shown:
        band = band_of(machine.worst) if machine.worst > 0 else ""
        name = machine.asset.rsplit("/", 1)[-1]
        state = escape(machine.state or "-")
        table.add_row(_band(band), escape(name), state, _share(machine.oee), str(machine.open_episodes or "-"))
    return _box(table, "Machines (worst first)", len(ordered) - len(shown), width)


def _episodes(episodes: Sequence[EpisodeRow], width: int, rows: int) -> Panel:
    # Two lines each: what it is about, then since when, how far above the threshold, and the message.
    ordered = sorted(episodes, key=lambda e: (-e.severity, e.started))
    shown = ordered[: max(1, rows // 2)]
    table = Table.grid(expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for episode in shown:
        machine = episode.asset.rsplit("/", 1)[-1]
        what = _band(episode.band).append(f" {episode.severity}")
        table.add_row(what.append(f"  {machine} {episode.series} [{episode.watch}]", "default not bold"))
        table.add_row(
            Text(f"    {episode.started}  score {_score(episode.score)}  {' '.join(episode.message.split())}")
        )
    if not shown:
        table.add_row("none: every watched series is as expected")
    return _box(table, "Open episodes (worst first)", len(ordered) - len(shown), width)


def _faults(faults: Sequence[FaultRow], width: int, rows: int) -> Panel:
    # What has begun stands before what is still to come, the latest of it first.
    ordered = sorted(faults, key=lambda f: (f.starts_in_s > 0, abs(f.starts_in_s)))
    shown = ordered if len(ordered) <= rows else ordered[: rows - 1]
    table = _table(("fault", 8), ("where", None), ("found", 18))
    for fault in shown:
        machine = fault.asset.rsplit("/", 1)[-1]
        if fault.delay_s is not None:
            found = Text(f"+ found in {fault.delay_s:.1f} s", _COLOUR[""])
        elif fault.starts_in_s > 0:
            found = Text(f". starts in {fault.starts_in_s:.0f} s", "dim")
        else:
            found = Text(f"? not yet ({-fault.starts_in_s:.0f} s)", _COLOUR["major"])
        table.add_row(escape(fault.kind), escape(f"{machine} {fault.series}"), found)
    done = sum(fault.delay_s is not None for fault in faults)
    return _box(table, f"Injected faults: {done} of {len(faults)} found", len(ordered) - len(shown), width)


def _rates(rates: Rates) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{rates.readings_in:,} readings, {rates.per_second:,.0f}/s", "bold")
    text.append(
        f" | latency p50 {_ms(rates.latency_p50_ms)}, p99 {_ms(rates.latency_p99_ms)} | lag {rates.lag:,} records"
    )
    outcomes = ", ".join(f"{name} {count:,}" for name, count in rates.outcomes.items() if count)
    return text.append(f"\n{outcomes or 'no outcomes yet'}")


def _table(*columns: tuple[str, int | None]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), expand=True, show_edge=False, pad_edge=False)
    for title, width in columns:
        number = title in ("OEE", "open", "score")
        ratio = 1 if width is None else None
        table.add_column(
            title, no_wrap=True, overflow="ellipsis", justify="right" if number else "left", width=width, ratio=ratio
        )  # fmt: skip
    return table


def _box(table: Table, title: str, left_out: int, width: int) -> Panel:
    more = f"{left_out} more" if left_out else None
    return Panel(
        table, title=title, title_align="left", subtitle=more, subtitle_align="right", padding=(0, 1), width=width
    )


def _band(band: str) -> Text:
    """Mark and word of a band; `ok` where there is none."""
    return Text(f"{_MARK.get(band, '?  ')} {band}" if band else "ok", _COLOUR.get(band, ""))


def _score(score: float) -> str:
    return f"{score:.1f}" if abs(score) < 1000 else ">999"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"
