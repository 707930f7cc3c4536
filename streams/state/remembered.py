"""What an engine's snapshot remembers, as rows for a person: how warm each baseline is, its threshold, its episode."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from detectors.base import UNSEEN as UNLEARNED
from detectors.base import Batch, Detector
from detectors.calibration import CalibrationState
from detectors.registry import REGISTRY
from schemas.times import format_time
from streams.arrays import UNSEEN
from streams.engine import Engine
from streams.resolve import from_payload
from streams.segment import Ints
from streams.watch import Watch


class Remembered(NamedTuple):
    """One baseline: of a series, of a series in one mode, or of an asset's joint inputs."""

    asset: str
    series: str  # of a joint watch: its own name
    mode: str | None
    watch: str
    detector: str
    warm: float | None  # share of the warm-up done, 0..1; None where only a waveform would tell
    threshold: float | None  # at which a score is an alarm; None where the detector has a limit of its own
    alarms: int
    learned_since: str | None  # event time of the first reading learned from
    last: str | None  # event time of the last reading judged
    severity: int | None  # of the open episode
    since: str | None  # when it opened
    episode_id: str | None


def remembered(
    saved: dict[str, Any],
    asset: str = "*",
    watch: str | None = None,
    registry: dict[str, type[Detector[Any]]] | None = None,
) -> list[Remembered]:
    """All baselines of a snapshot (`Engine.snapshot`) whose asset a glob takes, of one watch or of all, by name."""
    engine = Engine(0, 1, from_payload(saved["site"]), REGISTRY if registry is None else registry)
    engine.restore(saved)
    now = engine.snapshot()
    found = []
    for each in engine.watches:
        if watch is None or each.spec.name == watch:
            rows = _joint(engine, each, now) if each.joint else _single(engine, each, now)
            found += [row for row in rows if fnmatchcase(row.asset, asset)]
    return sorted(found, key=lambda row: (row.asset, row.series, row.watch, row.mode or ""))


def _single(engine: Engine, watch: Watch, now: dict[str, Any]) -> Iterator[Remembered]:
    saved = now["watches"][watch.spec.name]
    mode_of = {bank_row: mode for _, mode, bank_row in saved["by_mode"]}
    owners, last = saved["owner"]["row"].tolist(), saved["owner"]["last"].tolist()
    live = {int(row) for row in saved["series"] if row >= 0} | set(mode_of)
    bank = _Bank(watch.detector, saved["bank"], None)
    for row, owner in enumerate(owners):
        if row in live:
            ref = engine.roster.refs[owner]
            key = owner if watch.by_roster else row
            yield bank.row(watch, row, ref.path, ref.series, mode_of.get(row), last[row], key)


def _joint(engine: Engine, watch: Watch, now: dict[str, Any]) -> Iterator[Remembered]:
    saved, name = now["joints"][watch.spec.name], watch.spec.name
    banks = {int(width): _Bank(watch.detector, bank, int(width)) for width, bank in saved["banks"].items()}
    for asset, (width, row) in saved["place"].items():
        key = engine.roster.find(asset, name)
        yield banks[width].row(watch, row, asset, name, None, saved["newest"].get(asset, UNSEEN), key)


class _Bank:
    """A saved bank, asked for what its rows would say of a reading that is absent: that changes nothing."""

    def __init__(self, detector: Detector[Any], saved: dict[str, Any], width: int | None) -> None:
        k = int(saved["rows"])
        given = None if width is None else {"inputs": np.full(1, float(width))}
        state = type(detector.init(1, given))(*saved["state"])
        self.calibrated = CalibrationState(*saved["calibration"])
        self.learned: Ints = saved["learned_since"]
        self.warm = np.full(k, np.nan)
        if detector.shape != "waveform" and k:
            columns = 1 if detector.shape == "peers" else width  # a machine that has no peers
            absent = np.full(k if columns is None else (k, columns), np.nan)
            zero = np.zeros(k, dtype=np.int64)
            batch = Batch(zero, absent, np.full(k, np.nan), zero > 0, zero.astype(np.int32))
            self.warm = detector.step(state, batch)[1].warm

    def row(
        self, watch: Watch, row: int, asset: str, series: str, mode: str | None, last: int, key: int | None
    ) -> Remembered:
        episode = None if key is None else watch.episodes.open.get(key)
        return Remembered(
            asset, series, mode, watch.spec.name, watch.detector.kind,
            None if np.isnan(self.warm[row]) else float(self.warm[row]),
            float(self.calibrated.threshold[row]) if watch.calibration.rule == "budget" else None,
            int(self.calibrated.alarms[row]), _time(int(self.learned[row]), UNLEARNED), _time(last, UNSEEN),
            *((None, None, None) if episode is None else (episode.severity, format_time(episode.started), episode.id)),
        )  # fmt: skip


def _time(ns: int, never: int) -> str | None:
    return None if ns == never else format_time(ns)
