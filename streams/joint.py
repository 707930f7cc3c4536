"""Joint watches: the inputs of each asset gathered into instants, and the banks that judge them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from detectors.base import Batch, Copy, Telling
from detectors.judgement import Judgement
from streams.arrays import UNSEEN
from streams.figure_watches import is_figure
from streams.gathering import Gathering
from streams.instants import Inputs, Instant
from streams.localtime import LocalTime
from streams.results import SeriesRef
from streams.watch import Watch
from streams.watch_bank import WatchBank


class JointVerdict(NamedTuple):
    """One judged instant of one asset."""

    asset: str
    time: int
    values: list[float]
    names: list[str]
    judgement: Judgement  # of this one instant
    first: bool  # of its row

    @property
    def out(self) -> list[str]:
        """Inputs that it was judged without: silent for too long, in fault, or muted."""
        return [name for name, value in zip(self.names, self.values, strict=True) if value != value]


class Joint:
    """The assets of one joint watch: each has a row, in the bank of its number of inputs."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.gathering: Gathering[str] = Gathering()
        self._place: dict[str, tuple[int, int]] = {}  # asset -> (number of inputs, bank row)
        self._banks: dict[int, WatchBank] = {}
        self._newest: dict[str, int] = {}
        self._wanted: list[bool] = []  # by roster row

    def wanted(self, refs: Sequence[SeriesRef]) -> list[bool]:
        """By roster row, which series are inputs."""
        self._wanted += [self.wants(ref) for ref in refs[len(self._wanted) :]]
        return self._wanted

    def wants(self, ref: SeriesRef) -> bool:
        """Whether a series is an input of this watch."""
        spec = self.watch.spec
        return (
            fnmatchcase(ref.path, spec.assets)
            and not is_figure(ref.series)
            and any(fnmatchcase(ref.series, g) for g in spec.inputs or ())
            and not any(fnmatchcase(f"{ref.path}/{ref.series}", g) for g in spec.exclude)
        )

    def put(self, ref: SeriesRef, time: int, value: float | None, received: int, good: bool = True) -> None:
        """Take in one reading, None where it is withheld; a new input starts its row afresh, with its new width."""
        if value is None and not self.knows(ref):
            return  # an input begins with a value
        held = self.gathering.inputs
        inputs = held.get(ref.path)
        if inputs is None:
            inputs = held[ref.path] = Inputs(self.watch.spec.wait, self.watch.spec.stale)
        if inputs.done is None and time <= self._newest.get(ref.path, UNSEEN):
            return  # gathering starts over after a mute, but not from before what was judged
        if self.gathering.put(ref.path, ref.series, time, value, received, good) and ref.path in self._place:
            del self._place[ref.path]
            inputs.warm = 0.0

    def knows(self, ref: SeriesRef) -> bool:
        """Whether a series has been an input already."""
        inputs = self.gathering.inputs.get(ref.path)
        return inputs is not None and ref.series in inputs.held

    def due(self, asset: str, received: int, local: LocalTime) -> Iterator[JointVerdict]:
        """Judge the instants of an asset that are ready at this clock, in order."""
        inputs = self.gathering.inputs[asset]
        for instant in self.gathering.ready(asset, received):
            first = asset not in self._place
            judgement = self._judge(asset, instant, local)
            inputs.warm = float(judgement.verdict.warm[0])
            yield JointVerdict(asset, instant.time, instant.values, list(inputs.names), judgement, first)

    def _judge(self, asset: str, instant: Instant, local: LocalTime) -> Judgement:
        width = len(instant.values)
        if asset not in self._place:
            bank = self._banks.get(width)
            if bank is None:
                bank = self._banks[width] = WatchBank(self.watch.detector, self.watch.calibration, width)
            bank.grow(1)
            self._place[asset] = (width, bank.rows - 1)
        width, row = self._place[asset]
        time = np.array([instant.time], dtype=np.int64)
        newest = self._newest.get(asset)
        dt = np.nan if newest is None else (instant.time - newest) / 1e9
        self._newest[asset] = instant.time
        learn = np.array([instant.good])
        batch = Batch(time, np.array([instant.values]), np.array([dt]), learn, local.week_s(time))
        bank, rows = self._banks[width], np.array([row])
        if self.watch.spec.frozen and (self.gathering.inputs[asset].warm >= 1.0 or bank.warm(rows, batch)[0]):
            batch = batch._replace(learn=np.zeros(1, dtype=bool))
        return bank.run(rows, batch)

    def tell(self, verdict: JointVerdict) -> Telling:
        """What to tell of an instant that has just been judged."""
        width, row = self._place[verdict.asset]
        shares = verdict.judgement.verdict.contribution
        part = np.zeros(width) if shares is None else np.nan_to_num(shares[0])
        return self._banks[width].tell(row, verdict.names, np.array(verdict.values), part)

    def learned_since(self, asset: str) -> int | None:
        """Event time of the first instant that an asset's row learned from."""
        width, row = self._place[asset]
        return self._banks[width].learned_since(row)

    @property
    def rows(self) -> int:
        """How many assets have a row."""
        return len(self._place)

    def forget(self, asset: str) -> int:
        """Start an asset's row over; how many there were, 0 or 1."""
        if asset not in self._place:
            return 0
        width, row = self._place[asset]
        self._banks[width].reset(row)
        self._newest.pop(asset, None)
        self.gathering.inputs[asset].warm = 0.0
        return 1

    def rearm(self, asset: str) -> None:
        """Let what goes on be an alarm once more."""
        if asset in self._place:
            width, row = self._place[asset]
            self._banks[width].rearm(np.array([row]))

    def configure(self) -> None:
        """Take up the watch's present options in every bank."""
        for bank in self._banks.values():
            bank.detector, bank.calibration = self.watch.detector, self.watch.calibration

    def snapshot(self, copy: Copy = np.copy) -> dict[str, Any]:
        """Everything that it remembers."""
        return {
            "inputs": dict(self.gathering.snapshot()),
            "place": {asset: list(place) for asset, place in self._place.items()},
            "newest": dict(self._newest),
            "banks": {str(width): bank.snapshot(copy) for width, bank in self._banks.items()},
        }

    def restore(self, saved: dict[str, Any], version: int) -> None:
        """Take up what `snapshot` gave; `version` is its detector's state version."""
        self.gathering.restore(saved["inputs"].items())
        self._place = {asset: (width, row) for asset, (width, row) in saved["place"].items()}
        self._newest = dict(saved["newest"])
        self._banks = {}
        for width, bank in saved["banks"].items():
            self._banks[int(width)] = WatchBank(self.watch.detector, self.watch.calibration, int(width))
            self._banks[int(width)].restore(bank, version)
