"""The baselines of one engine: hours of machines and the weather go in, expected energy and savings come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from detectors.efficiency.baseline_life import learned_share
from detectors.efficiency.baseline_records import DAY, HOUR, Period, Rules
from schemas.kpi import KpiRow
from schemas.partition import key_of
from streams.arrays import UNSEEN
from streams.kpi.baseline_model import Model, proposal_id
from streams.kpi.baseline_options import BaselineOptions
from streams.kpi.baseline_rows import Notice, notice, proposed_row, rows
from streams.kpi.figures import KINDS, Stand, made_of
from streams.kpi.periods import Hour, Periods, Span
from streams.kpi.weather import Heard, Station, Weather
from streams.localtime import LocalTime
from streams.resolve import ResolvedSite
from streams.roster import Roster
from streams.segment import Bools, Segment

METERED = 0.98
"""A period of whose energy less is known is neither learned nor judged."""
_STEPS: dict[str, tuple[int, ...]] = {"hour": (HOUR,), "day": (DAY,), "auto": (HOUR, DAY)}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Baselines:
    """Baselines of machines by path."""

    def __init__(self, site: ResolvedSite) -> None:
        self.models: dict[str, Model] = {}
        self.weather = Weather()
        self.periods = Periods(LocalTime(site))
        self.warnings: list[str] = []
        self._entries: list[BaselineOptions] = []
        self._of: dict[str, BaselineOptions | None] = {}
        self._fed: dict[str, list[str]] = {}  # machine -> those whose baselines follow its parts
        self._fresh: dict[tuple[str, int], None] = {}  # hours of which there is news: asset, start
        self._decided: list[str] = []  # machines of which a decision is to be told
        self._notices: list[Notice] = []
        self.configure(site)

    def configure(self, site: ResolvedSite) -> None:
        """Take up a site; baselines that depend on the same things as before keep what they have learned."""
        self._config, self._site = site.hash, site.site
        self._entries = list(site.site.baseline)
        self._grace = site.site.site.grace
        self.periods.local = LocalTime(site)
        self._of = {}
        self.weather.configure(station for e in self._entries if (station := _station(e)) is not None)
        for asset, model in list(self.models.items()):
            entry = self._entry(asset)
            if entry is None or model.terms != self._terms(entry):
                del self.models[asset]
                if entry is not None:
                    self.warnings.append(f"the baseline of {asset} starts learning afresh: it follows other things now")
            else:
                model.rules = self._rules(entry)
        self._decided = [asset for asset in self._decided if asset in self.models]

    def _entry(self, asset: str) -> BaselineOptions | None:
        """The entry that a machine goes by; warned of, and none, where what it depends on is in another partition."""
        if asset not in self._of:
            entry = next((e for e in self._entries if fnmatchcase(asset, e.asset)), None)
            self._of[asset] = entry
            level = self._site.site.partition_level
            for option, other in entry.others if entry is not None else ():
                if key_of(other, level) != key_of(asset, level):
                    self.warnings.append(
                        f"{asset} has no baseline: {option} is of {other}, which is of another {level}"
                    )
                    self._of[asset] = None
        return self._of[asset]

    def _rules(self, entry: BaselineOptions) -> Rules:
        return Rules(_STEPS[entry.step], entry.days, len(self._modes(entry)))

    def _modes(self, entry: BaselineOptions) -> list[str]:
        shifts = [*self._site.calendar.shifts, "none"]
        return {None: [""], "weekday": list(_DAYS), "closed": ["open", "closed"], "shift": shifts}[entry.mode]

    def _terms(self, entry: BaselineOptions) -> list[Any]:
        """What learning depends on."""
        follows = [entry.production, entry.production_of, entry.weather, entry.cdd_above, entry.hdd_below]
        return [*follows, entry.step, entry.mode, self._modes(entry)]

    # --- what comes in

    def heard(self, seg: Segment, roster: Roster, faulty: Bools) -> list[Heard]:
        """What a segment says of the weather, to be taken in step by step."""
        return self.weather.heard(seg, roster, faulty) if self._entries else []

    def take(self, heard: list[Heard], start: int, end: int) -> bool:
        """Take in what steps [start, end) said of the weather; whether they said anything."""
        return self.weather.take(heard, start, end)

    def note(self, stand: Stand) -> None:
        """Final hours of machines, which a baseline may be of or depend on."""
        if not self._entries:
            return
        feeds = {e.production_of for e in self._entries}
        final = [one.status != "provisional" for one in stand.told]
        which = np.flatnonzero(np.equal(stand.kind, KINDS.index("hour")) & np.array(final, dtype=bool))
        which = np.array([i for i in which.tolist() if self._modelled(stand, i) or stand.assets[i] in feeds], dtype=int)
        if not len(which):
            return
        made, totals = made_of(stand), stand.totals
        kwh = totals.kwh.sum(axis=1)
        for i in which.tolist():
            window, asset = stand.told[i].window, stand.assets[i]
            hour = Hour(
                window.end, float(kwh[i]), int(totals.metered[i]), float(made.all_total[i]), float(made.all_good[i]),
                int(totals.counted[i]),
            )  # fmt: skip
            self.periods.note(asset, window.start, hour)
            self._fresh[asset, window.start] = None

    def _modelled(self, stand: Stand, i: int) -> bool:
        asset = stand.assets[i]
        if stand.options[i].energy is None or (entry := self._entry(asset)) is None:
            return False
        if asset not in self.models:
            self._add(asset, entry)
        return True

    def _add(self, asset: str, entry: BaselineOptions) -> Model:
        model = self.models[asset] = Model(self._rules(entry), self._terms(entry))
        if entry.production_of not in (None, asset):
            self._fed.setdefault(str(entry.production_of), []).append(asset)
        return model

    # --- what comes out

    def tell(self, clock: int, frontier: Callable[[str], int]) -> Iterator[KpiRow]:
        """What there is to tell at a clock; `frontier` is how far a machine is booked."""
        for asset in self._decided:
            if (again := self.models[asset].again()) is not None:
                yield proposed_row(asset, again, self._config)
        self._decided.clear()
        for asset, start in self._fresh:
            for of, model in self._depending(asset):
                self.periods.news(of, model.rules.steps, start, clock)
        self._fresh.clear()
        if not self.periods.open:
            return
        for span in self.periods.over(clock, lambda span: self._known(span, frontier), self._wait):
            if span.asset in self.models:
                for telling in self.models[span.asset].take(*self._period(span)):
                    yield from rows(span.asset, telling, self._config)
                    if telling.said.news:
                        self._notices.append(notice(span.asset, telling))

    def _depending(self, asset: str) -> Iterator[tuple[str, Model]]:
        """The baselines that an hour of a machine is news for."""
        for of in (asset, *self._fed.get(asset, ())):
            if (model := self.models.get(of)) is not None:
                yield of, model

    def _known(self, span: Span, frontier: Callable[[str], int]) -> int:
        """Event time up to which all that a period depends on is known."""
        entry = self._entry(span.asset)
        if entry is None:
            return span.end
        until = frontier(span.asset)
        if entry.production_of is not None:
            until = min(until, frontier(entry.production_of))
        if (station := _station(entry)) is not None:
            until = min(until, self.weather.newest.get(station.name, UNSEEN))
        return until

    def _wait(self, span: Span) -> int:
        entry = self._entry(span.asset)
        return self._grace + (entry.wait if entry is not None and entry.others else 0)

    def _period(self, span: Span) -> tuple[Period, float]:
        """A period as its hours add up, and its coverage."""
        entry = self._entry(span.asset)
        assert entry is not None
        length, hours = span.end - span.start, self.periods.hours(span.asset, span)
        covered = [min(1.0, sum(hour.metered for hour in hours) / length)]
        energy = sum(hour.kwh for hour in hours) if covered[0] >= METERED else float("nan")
        production = above = below = 0.0
        if entry.production is not None:
            counts = self.periods.hours(entry.production_of or span.asset, span)
            covered.append(min(1.0, sum(hour.counted for hour in counts) / length))
            made = sum(hour.good if entry.production == "good" else hour.produced for hour in counts)
            production = made if covered[-1] > 0 else float("nan")
        if (station := _station(entry)) is not None:
            above, below, share = self.weather.degrees(station.name, self.periods.starts(span))
            covered.append(share)
        period = Period(
            span.step, span.start, span.end, self._mode(entry, span.start), energy, (production, above, below)
        )
        return period, min(covered)

    def _mode(self, entry: BaselineOptions, start: int) -> int:
        """A period's mode: that of its beginning."""
        if entry.mode is None:
            return 0
        week_s = int(self.periods.local.week_s(np.array([start]))[0])
        if entry.mode == "shift":
            names = self._modes(entry)
            return names.index(self.periods.local.shifts.at(week_s)[0] or "none")
        day = _DAYS[week_s // 86_400]
        return _DAYS.index(day) if entry.mode == "weekday" else int(day in self._site.calendar.closed)

    def next_due(self) -> int | None:
        """The clock at which the next period is over whatever is heard, None where none is open."""
        return self.periods.next_due(self._wait)

    def noticed(self) -> list[Notice]:
        """What is to stand in the audit since this was asked last."""
        out, self._notices = self._notices, []
        return out

    def decide(self, proposal: str, approved: bool) -> str | None:
        """A person's word on a proposal: what follows, None where no such proposal is open."""
        for asset, model in self.models.items():
            if proposal_id(asset, model.life) == proposal:
                model.decide(approved)
                self._decided.append(asset)
                if not approved:
                    return f"the baseline of {asset} stays in force; a further change will be proposed again"
                if model.life.frozen is not None:
                    return f"the baseline of {asset} is what was learned since the change"
                share = 100 * learned_share(model.life, model.rules)
                return (
                    f"the baseline of {asset} learns on from the change: it has {share:.0f} % of its warm-up of "
                    f"{model.rules.warmup} days, and is in force when it meets the guideline"
                )
        return None

    def forget(self, before: int) -> None:
        """What ended before a time stands for good."""
        if self._entries:
            self.periods.forget(before)
            self.weather.forget(before - 86_400_000_000_000)
            for model in self.models.values():
                model.forget(before)

    def carry_on(self, learned: Baselines) -> None:
        """Take up baselines that were learned from history; of what these proposed nobody was told."""
        for asset, model in learned.models.items():
            if (entry := self._entry(asset)) is not None:
                self._add(asset, entry).carry_on(model)

    def snapshot(self) -> dict[str, Any]:
        """All that it remembers."""
        return {
            "models": {asset: model.snapshot() for asset, model in self.models.items()},
            "periods": self.periods.snapshot(),
            "weather": self.weather.snapshot(),
            "decided": list(self._decided),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave, after `configure`."""
        self.models, self._fed = {}, {}
        for asset, of in saved["models"].items():
            entry = self._entry(asset)
            if entry is not None and of["terms"] == self._terms(entry):
                self._add(asset, entry).restore(of)
        self.periods.restore(saved["periods"])
        self.weather.restore(saved["weather"])
        self._decided = [asset for asset in saved["decided"] if asset in self.models]


def dealt(parts: list[tuple[dict[str, Any], Callable[[str], bool]]]) -> dict[str, Any]:
    """One snapshot for what goes to one place: of each snapshot, the machines and stations that it is asked for."""
    models = {a: of for saved, takes in parts for a, of in saved["models"].items() if takes(a)}
    hours = {a: of for saved, takes in parts for a, of in saved["periods"]["hours"].items() if takes(a)}
    opened = [span for saved, takes in parts for span in saved["periods"]["open"] if takes(span[2])]
    weather: dict[str, Any] = {}
    for saved, takes in parts:
        for name, of in saved["weather"].items():
            if takes(of[0]) and of[1] >= weather.get(name, of)[1]:
                weather[name] = of
    decided = [asset for saved, takes in parts for asset in saved["decided"] if takes(asset)]
    return {"models": models, "periods": {"hours": hours, "open": opened}, "weather": weather, "decided": decided}


def _station(entry: BaselineOptions) -> Station | None:
    if entry.weather is None:
        return None
    asset, _, series = entry.weather.rpartition("/")
    base = (float("nan") if value is None else value for value in (entry.cdd_above, entry.hdd_below))
    return Station(asset, series, *base)
