"""A watch at work: its rows, its bank, its episodes, over the readings of a segment."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from detectors.base import Batch, Copy, Detector, room_for
from detectors.calibration import Calibration
from detectors.durations import budget_per_s, duration_ns
from detectors.groups import Groups, group
from detectors.judgement import Silence
from schemas.chunk import GOOD
from streams.arrays import UNSEEN, Columns
from streams.beside import beside, first_bad
from streams.episodes import Episodes
from streams.figure_watches import is_figure
from streams.freezing import freeze
from streams.modes import Mode, in_transition
from streams.opinion import UNWATCHED, Life, Opinion
from streams.results import SeriesRef
from streams.roster import Roster
from streams.segment import Bools, Floats, Ints, Segment
from streams.site import SeriesOptions, WatchOptions
from streams.watch_bank import WatchBank
from streams.when import Gate, parse


class Watch:
    """One [[watch]] on one partition. `index` is its place in the engine's table of watches."""

    def __init__(self, spec: WatchOptions, detector: Detector[Any], index: int) -> None:
        self.index = index
        self.series = np.zeros(0, dtype=np.int64)  # roster row -> first bank row, UNWATCHED where it has none
        self.by_mode: dict[tuple[int, str], int] = {}  # (roster row, mode) -> bank row
        self.owner = Columns(
            row=(np.int64, 0),  # roster row
            last=(np.int64, UNSEEN),  # time of the last reading judged
            lag=(np.int64, 0),  # its arrival behind its time
            second=(np.int64, UNSEEN),  # of the last verdict
            said=(np.int8, -1),  # status of the last verdict, and whether it was an alarm
            warm=(np.bool_, False),  # its warm-up is done; kept of frozen watches
            share=(np.float64, 0.0),  # of anomalous time, exponentially weighted
            unfit=(np.bool_, False),  # that is more than plausible: the model no longer fits
        )
        self.alone: dict[int, tuple[int, int]] = {}  # roster row -> second and status of its last verdict, for instants
        self.lives: dict[int, Life] = {}  # roster row -> whether its model still fits, for instants
        self.configure(spec, detector)
        self.bank = WatchBank(self.detector, self.calibration)
        self.episodes = Episodes(self.off_delay_ns, spec.severity)

    def configure(self, spec: WatchOptions, detector: Detector[Any]) -> None:
        """Take up other options that keep what was learned."""
        self.spec = spec
        self.figures = spec.of_figures
        """Whether it judges key figures (`streams/judging_figures.py`)."""
        self._globs = spec.globs
        detector = self.detector = detector.with_budget(budget_per_s(spec.false_alarms))
        refractory = spec.refractory if spec.refractory is not None else duration_ns(detector.refractory_default)
        self.calibration = Calibration(
            rule=detector.limit_rule,
            rate_per_s=budget_per_s(spec.false_alarms),
            refractory_ns=refractory,
            hold=spec.hold,
        )
        self.off_delay_ns = spec.off_delay if spec.off_delay is not None else refractory
        self.gate: Gate | None = None
        gate_names: frozenset[str] = frozenset()
        if spec.when:
            self.gate, gate_names = parse(spec.when)
        self.mode_names = gate_names | ({spec.by} if spec.by else frozenset())
        if hasattr(self, "bank"):
            self.bank.detector, self.bank.calibration = detector, self.calibration
            self.episodes.off_delay_ns, self.episodes.severity = self.off_delay_ns, spec.severity

    @property
    def joint(self) -> bool:
        """Whether it judges several series of an asset together."""
        return self.spec.inputs is not None and not self.compares

    @property
    def waves(self) -> bool:
        """Whether it judges waveforms."""
        return self.detector.shape == "waveform"

    @property
    def compares(self) -> bool:
        """Whether it judges machines against each other (`streams/peers.py`)."""
        return self.detector.shape == "peers"

    @property
    def by_roster(self) -> bool:
        """Whether its verdicts stand alone, and its episodes are keyed by roster row instead of bank row."""
        return self.joint or self.waves or self.compares

    @property
    def lazy(self) -> bool:
        """Whether series get a row only once there is something to judge (`first_bad`)."""
        return self.detector.judges == "quality"

    def wants(self, ref: SeriesRef) -> bool:
        """Whether its globs take a series."""
        spec, name = self.spec, f"{ref.path}/{ref.series}"
        if is_figure(ref.series) != self.figures:
            return False
        if self.compares:
            mine = fnmatchcase(ref.path, spec.assets) and any(fnmatchcase(ref.series, g) for g in spec.inputs or ())
        else:
            mine = self._globs == ["*"] or any(fnmatchcase(name, g) for g in self._globs)
        return mine and not any(fnmatchcase(name, g) for g in spec.exclude)

    def admit(self, roster: Roster, *rows: int) -> None:
        """Give series a row of the bank each, where this watch takes them. Called once for each that has numbers."""
        self._cover(max(rows, default=-1) + 1)
        mine, own = [], []
        known: dict[int, dict[str, Floats] | None] = {}  # by identity: most series declare the same, nothing
        for row in rows:
            ref = roster.refs[row]
            declared = roster.declared(ref.path, ref.series)
            if id(declared) not in known:
                known[id(declared)] = self._given(declared) if declared.watch else None
            given = known[id(declared)]
            if given is not None and self.wants(ref):
                mine.append(row)
                own.append(given)
        if mine:
            self.series[mine] = self._new_rows(mine, own)

    def _cover(self, rows: int) -> None:
        """Know at least so many roster rows: series without numbers are never admitted, yet have one."""
        if rows > len(self.series):
            more = np.full(room_for(rows) - len(self.series), UNWATCHED, dtype=np.int64)
            self.series = np.concatenate((self.series, more))

    def redeclare(self, roster: Roster, was: list[SeriesOptions]) -> list[int]:
        """Take up what a new site says of each series; `was` is what the old one said, by roster row.

        A bank row whose own limits have changed starts over with them. Gives the bank rows that are no more.
        """
        ended: list[int] = []
        if self.by_roster:
            return ended
        for row in np.flatnonzero(roster.columns["admitted"]).tolist():
            ref = roster.refs[row]
            now = roster.declared(ref.path, ref.series)
            if now.watch == was[row].watch and all(
                getattr(now, name) == getattr(was[row], name) for name in self.detector.per_row
            ):
                continue
            self._cover(row + 1)
            mine = np.flatnonzero(self.owner["row"] == row).tolist() if self.series[row] != UNWATCHED else []
            given = self._given(now)
            if not mine:
                self.admit(roster, row)
            elif now.watch and given is not None:
                for bank_row in mine if self.detector.per_row else ():
                    self.bank.reset(bank_row, given)
            else:
                self.series[row] = UNWATCHED
                self.by_mode = {key: at for key, at in self.by_mode.items() if key[0] != row}
                for bank_row in mine:
                    self.bank.reset(bank_row)  # so that no silence of it is told
                ended += mine
        return ended

    def _given(self, declared: SeriesOptions) -> dict[str, Floats] | None:
        """What a series declares for its own row; None where neither it nor the watch has anything to judge by."""
        own = {name: getattr(declared, name) for name in self.detector.per_row}
        if own and all(v is None and getattr(self.detector, name) is None for name, v in own.items()):
            return None
        return {name: np.array([np.nan if v is None else float(v)]) for name, v in own.items()}

    def _new_row(self, roster: Roster, row: int) -> int:
        ref = roster.refs[row]
        given = self._given(roster.declared(ref.path, ref.series))
        if given is None:
            return UNWATCHED
        return int(self._new_rows([row], [given])[0])

    def _new_rows(self, rows: list[int], own: list[dict[str, Floats]]) -> Ints:
        """Bank rows of new series, with what each declares for its own."""
        n = len(rows)
        self.bank.grow(n, {name: np.concatenate([given[name] for given in own]) for name in own[0]} or None)
        self.owner.grow(n)
        self.owner["row"][-n:] = rows
        return np.arange(self.bank.rows - n, self.bank.rows)

    def takes(self, rows: Ints) -> Bools:
        """(n,) which roster rows it watches."""
        self._cover(int(rows.max(initial=-1)) + 1)
        return np.asarray(self.series[rows] != UNWATCHED)

    def judge(
        self, seg: Segment, roster: Roster, modes: Mapping[int, Mode], faulty: Bools, muted: Bools | None = None
    ) -> Opinion:
        """What the bank says of a segment.

        `modes` holds, by position, the modes of readings that a gate asks for; `faulty` (n,) marks readings that
        the health gate withholds; `muted` (rows,) series that are not to be judged. A detector of silence is only
        told of their readings: they teach nothing, and no silence between them is spoken of.
        """
        self._cover(len(roster.refs))
        silence, judges = self.detector.judges_silence, self.detector.judges
        began = first_bad(seg, self, roster) if self.lazy else None
        mine = self.series[seg.groups.rows]
        watched = mine != UNWATCHED
        heedless = silence or judges != "value"  # of faults: they are its matter
        plain = seg.whole and not self.mode_names and muted is None and (heedless or not faulty.any()) and began is None
        if plain and len(mine) and watched.all():  # as most segments are: nothing is left out
            every, none = np.arange(len(seg.row)), np.zeros(len(seg.row), dtype=bool)
            return self._ask(seg, every, every, slice(None), seg.groups._replace(rows=mine), none, none)
        at = np.flatnonzero(watched[seg.groups.local] & seg.numeric)
        if not len(at):
            none = np.zeros(0)
            return Opinion(at, at, at, at, self.bank.nothing, none > 0, [], none, at, group(at))
        rows = self.series[seg.row]
        withheld = faulty[at] if not heedless else np.zeros(len(at), dtype=bool)
        quiet = np.zeros(len(at), dtype=bool) if muted is None else muted[seg.row[at]]
        ask = (seg.new[at] | (judges == "clock")) & ~withheld & (~quiet | silence)
        if began is not None:
            ask &= at >= began[seg.groups.local[at]]
        if self.mode_names and len(at):
            ask, rows = self._gated(seg, roster, modes, at, ask, rows)
        judged = np.flatnonzero(ask)
        where = at[judged]
        rows = rows[where]
        return self._ask(seg, at, judged, where, group(rows), withheld, quiet)

    def _ask(
        self, seg: Segment, at: Ints, judged: Ints, where: Ints | slice, g: Groups, withheld: Bools, quiet: Bools
    ) -> Opinion:
        """What the bank says of the readings at `where` (j,), in groups by bank row."""
        rows, time, silence = g.rows[g.local], seg.time[where], self.detector.judges_silence
        dt, lag = self._since(g, time, seg.arrived[where] if silence else seg.received[seg.step[where][g.last]])
        week_s = seg.local.week_s(time) if self.detector.calendar else np.zeros(len(time), dtype=np.int32)
        batch = Batch(time, seg.value[where], dt, seg.quality[where] == GOOD, week_s)
        if not silence:
            batch = beside(self.detector, seg, where, batch)
            batch = freeze(self, batch, g) if self.spec.frozen else batch
            return Opinion(at, judged, where, rows, self.bank.run(rows, batch, g), withheld, [], dt, lag, g)
        clock = np.maximum(batch.time, seg.arrived[where] - lag)
        if quiet.any():
            told_only = quiet[judged]
            clock = np.where(told_only, UNSEEN, clock)
            batch = batch._replace(dt=np.where(told_only, np.nan, dt), learn=batch.learn & ~told_only)
        judgement, found = self.bank.run_silence(rows, batch, clock, g)
        silences = [s._replace(reading=int(at[judged[s.reading]])) for s in found]
        return Opinion(at, judged, where, rows, judgement, withheld, silences, dt, lag, g)

    def _since(self, g: Groups, time: Ints, arrived: Ints) -> tuple[Floats, Ints]:
        """Of each judged reading: seconds since its bank row's one before, and that one's lag. Remembers the last.

        `arrived` are all readings' clocks, or, where no lag is asked for, those of each row's last.

        Not the series' own last reading: it may have been withheld, gated off, or judged in another mode's row.
        """
        dt, lag = g.since(time, self.owner["last"]), time[:0]
        if self.detector.judges_silence:
            lag = g.previous(arrived - time, self.owner["lag"])
            arrived = arrived[g.last]
        self.owner["lag"][g.rows] = arrived - time[g.last]
        return dt, lag

    def after(self, received: int, muted: Bools | None = None) -> list[Silence]:
        """Silences that the clock has reached at the end of a segment."""
        if not self.detector.judges_silence or not self.bank.rows:
            return []
        rows = np.arange(self.bank.rows) if muted is None else np.flatnonzero(~muted[self.owner["row"]])
        return self.bank.silent(rows, received - self.owner["lag"][rows], np.full(len(rows), -1))

    def keys_of(self, taken: Bools) -> list[int]:
        """Keys in `Episodes.open` of the rows that stand for some series; `taken` (rows,) are roster rows."""
        self._cover(len(taken))
        taken = taken & (self.series[: len(taken)] != UNWATCHED)
        rows: list[int] = np.flatnonzero(taken if self.by_roster else taken[self.owner["row"]]).tolist()
        return rows

    def _bank_rows(self, keys: list[int]) -> Ints:
        if self.compares:
            return np.flatnonzero(np.isin(self.owner["row"], keys))
        return self.series[keys] if self.waves else np.array(keys, dtype=np.int64)

    def forget(self, roster: Roster, keys: list[int]) -> int:
        """Start rows over, given by their keys in `Episodes.open`; how many there were."""
        rows = self._bank_rows(keys)
        refs = [roster.refs[row] for row in self.owner["row"][rows].tolist()] if self.detector.per_row else []
        declared = [roster.declared(ref.path, ref.series) for ref in refs]
        given = {
            name: np.array([np.nan if (own := getattr(each, name)) is None else float(own) for each in declared])
            for name in self.detector.per_row
        }
        self.bank.forget(rows, given or None)
        self.owner["last"][rows], self.owner["lag"][rows] = UNSEEN, 0
        self.owner["warm"][rows], self.owner["share"][rows], self.owner["unfit"][rows] = False, 0.0, False
        for key in keys if self.by_roster else ():
            self.lives.pop(key, None)
        return len(keys)

    def rearm(self, keys: list[int]) -> None:
        """Let what goes on be an alarm once more, for rows given by their keys in `Episodes.open`."""
        if keys:
            self.bank.rearm(self._bank_rows(keys))

    def _gated(
        self, seg: Segment, roster: Roster, modes: Mapping[int, Mode], at: Ints, ask: Bools, rows: Ints
    ) -> tuple[Bools, Ints]:
        """Apply `when`, and take the row of the mode in force (`by`)."""
        rows = rows.copy()
        ask = ask.copy()
        for place in np.flatnonzero(ask).tolist():
            i = int(at[place])
            row, now = int(seg.row[i]), modes[i]
            closed = self.gate is not None and not self.gate(now)
            if closed or in_transition(now, self.mode_names, int(seg.time[i]), self.spec.dwell or 0):
                ask[place] = False
            elif self.spec.by is not None:
                mode = now[self.spec.by]
                if mode is None:
                    ask[place] = False
                else:
                    rows[i] = self._mode_row(roster, row, str(mode))
        return ask, rows

    def row_of(self, roster: Roster, row: int, mode: str) -> int:
        """Bank row of a watched series in a mode."""
        return self._mode_row(roster, row, mode) if self.spec.by is not None else int(self.series[row])

    def _mode_row(self, roster: Roster, row: int, mode: str) -> int:
        found = self.by_mode.get((row, mode))
        if found is None:
            first = not any(owner == row for owner, _ in self.by_mode)
            found = int(self.series[row]) if first else self._new_row(roster, row)
            self.by_mode[row, mode] = found
        return found

    def since_one(self, row: int, time: int) -> Floats:
        """(1,) seconds since the last waveform of a bank row, NaN at first. Remembers this one."""
        last = int(self.owner["last"][row])
        self.owner["last"][row] = time
        return np.array([np.nan if last == UNSEEN else (time - last) / 1e9])

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """Everything that it remembers, as arrays and plain data."""
        return {
            "index": self.index,
            "state_version": self.detector.state_version,
            "series": self.series.copy(),
            "by_mode": [[row, mode, bank_row] for (row, mode), bank_row in self.by_mode.items()],
            "owner": self.owner.snapshot(copy),
            "alone": [[row, second, said] for row, (second, said) in self.alone.items()],
            "lives": [[row, *life] for row, life in self.lives.items()],
            "bank": self.bank.snapshot(copy),
            "episodes": self.episodes.snapshot(),
        }

    def restore(self, saved: dict[str, Any], roster: Roster) -> bool:
        """Take up what `snapshot` gave; False where what was learned is of another version and starts afresh."""
        self.index = int(saved["index"])
        self.series = saved["series"].copy()
        self.by_mode = {(row, mode): bank_row for row, mode, bank_row in saved["by_mode"]}
        self.owner.restore(saved["owner"])
        self.alone = {row: (second, said) for row, second, said in saved["alone"]}
        self.lives = {row: Life(*life) for row, *life in saved.get("lives", [])}
        self.episodes.restore(saved["episodes"])
        if self.bank.restore(saved["bank"], int(saved["state_version"])):
            return True
        for row in self.owner["row"].tolist():
            ref = roster.refs[row]
            self.bank.grow(1, self._given(roster.declared(ref.path, ref.series)) or None)
        return False
