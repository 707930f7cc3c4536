"""Regrouping: what n engines remember, dealt out to N, each asset's part to the partition of its readings from then on.

Pure: snapshots in (`Engine.snapshot`), snapshots out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from detectors.bank import Bank
from detectors.base import Detector
from schemas.command import is_exact
from schemas.errors import Misconfigured
from schemas.partition import Level, key_of, partition_of
from streams.arrays import UNSEEN, Columns
from streams.collect import Collector
from streams.commands import REMEMBERED
from streams.engine import Engine
from streams.kpi.deal import dealt as kpis_dealt
from streams.opinion import UNWATCHED
from streams.peers import dealt
from streams.resolve import from_payload
from streams.segment import Ints

State = dict[str, Any]


class Share(NamedTuple):
    """What one old partition gives to one new one."""

    saved: State
    rows: Ints  # (k,) its roster rows that go there, ascending
    at: Ints  # (its roster rows,) the row that each gets there, -1 where it goes elsewhere
    takes: Callable[[str], bool]  # whether an asset goes there

    def of(self, *path: str) -> Share:
        """The same share of one part of the snapshot."""
        saved = self.saved
        for name in path:
            saved = saved[name]
        return self._replace(saved=saved)


def regroup(
    snapshots: Sequence[State],
    partitions: int,
    level: Level,
    registry: dict[str, type[Detector[Any]]] | None = None,
    warn: Callable[[str], None] = lambda line: None,
) -> list[State]:
    """Snapshots of engines 0..partitions-1 that go on where those of 0..n-1, each at its log's end, have stopped.

    Rows go by `partition_of(key_of(asset, level), partitions)`. Positions in old logs stay, new logs begin at 0; a
    partition's clock is the highest of those it has rows from; ids of commands and forwarded offsets are known to all.
    Raises Misconfigured where the snapshots have different sites under one version, or cannot take up the newest one
    without closing episodes. `warn` is told which watches start afresh, as a restart would.
    """
    if not 0 < len(snapshots) <= partitions:
        raise Misconfigured(f"partitions can only grow: there are {len(snapshots)}, asked for {partitions}")
    alike = _under_one_site(snapshots, registry, warn)

    @cache
    def home(asset: str) -> int:
        return partition_of(key_of(asset, level), partitions)

    return [_partition(alike, q, home) for q in range(partitions)]


def _under_one_site(
    snapshots: Sequence[State], registry: dict[str, type[Detector[Any]]] | None, warn: Callable[[str], None]
) -> list[State]:
    """The snapshots as today's engines give them, under the site of the highest version."""
    sites = [from_payload(saved["site"]) for saved in snapshots]
    newest = max(sites, key=lambda site: site.version)
    by_version: dict[int, str] = {}
    for partition, site in enumerate(sites):
        known = by_version.setdefault(site.version, site.hash)
        if known != site.hash:
            raise Misconfigured(
                f"partition {partition} has configuration {site.hash} of version {site.version}, another has {known} "
                "of the same version; raise [site] version, let the workers take the file up, stop them and try again"
            )
    alike = []
    for partition, (saved, site) in enumerate(zip(snapshots, sites, strict=True)):
        engine, out = Engine(partition, len(snapshots), site, registry), Collector()
        for line in engine.restore(saved):
            warn(f"partition {partition}: {line}")
        if site.hash != newest.hash:
            engine.take_up(newest, out, -1)
        if out.events:
            raise Misconfigured(
                f"partition {partition} has configuration {site.hash} of version {site.version}, and the newer "
                f"{newest.hash} of version {newest.version} would close {len(out.events)} of its episodes unheard; "
                "let workers with the newer file take this partition up, stop them and try again"
            )
        alike.append(engine.snapshot())
    return alike


def _partition(old: list[State], q: int, home: Callable[[str], int]) -> State:
    shares, rows = [], 0
    for saved in old:
        goes = np.array([home(asset) == q for asset, _ in saved["roster"]["series"]], dtype=bool)
        at = np.where(goes, rows + np.cumsum(goes) - 1, -1)
        shares.append(Share(saved, np.flatnonzero(goes), at, lambda asset: home(asset) == q))
        rows += int(goes.sum())
    stays = q < len(old)
    base = old[q if stays else 0]
    figures = {watch.name for watch in from_payload(base["site"]).site.watch if watch.of_figures}
    givers = [s.saved for p, s in enumerate(shares) if len(s.rows) or p == q]
    parts: State = {
        "next_offset": base["next_offset"] if stays else 0,
        "received": max((s["received"] for s in givers), default=UNSEEN),
        "site": base["site"],
        "roster": _roster([s.of("roster") for s in shares]),
        "intake": _intake([s.of("intake") for s in shares]),
        "modes": [change for s in shares for change in s.saved["modes"] if s.takes(change[0])],
        "assembly": base["assembly"] if stays else [],
        "ledger": _ledger([saved["ledger"] for saved in old]),
        "mutes": _mutes([saved["mutes"] for saved in old], lambda asset: home(asset) == q),
        "kpis": kpis_dealt([(s.saved["kpis"], s.takes) for s in shares]),
        "table": base["table"],
        "watches": {
            name: _watch(
                [s.of("watches", name) for s in shares],
                rows,
                kept["index"],
                base["table"][kept["index"]][2] and name not in figures,
            )
            for name, kept in base["watches"].items()
        },
        "joints": {name: _joint([s.of("joints", name) for s in shares]) for name in base["joints"]},
        "peers": {name: dealt([(s.saved["peers"][name], s.takes) for s in shares]) for name in base["peers"]},
    }
    _whole(base, parts)
    return parts


def _whole(saved: Mapping[str, Any], handled: Collection[str]) -> None:
    """Nothing that is saved may be forgotten here."""
    if set(saved) != set(handled):
        raise RuntimeError(f"regrouping handles {sorted(handled)}, but what is saved has {sorted(saved)}")


def _roster(shares: list[Share]) -> State:
    parts: State = {
        "series": [s.saved["series"][row] for s in shares for row in s.rows.tolist()],
        "units": [s.saved["units"][row] for s in shares for row in s.rows.tolist()],
        "columns": Columns.gather([(s.saved["columns"], s.rows) for s in shares]),
    }
    _whole(shares[0].saved, parts)
    return parts


def _intake(shares: list[Share]) -> State:
    origins: dict[int, int] = {}
    for s in shares:
        for partition, offset in s.saved["origins"].items():
            origins[partition] = max(offset, origins.get(partition, offset))
    parts: State = {
        "seen": Columns.gather([(s.saved["seen"], s.rows) for s in shares]),
        "newest": {asset: time for s in shares for asset, time in s.saved["newest"].items() if s.takes(asset)},
        "reorder": _reorder([s.of("reorder") for s in shares]),
        "origins": origins,
    }
    _whole(shares[0].saved, parts)
    return parts


def _reorder(shares: list[Share]) -> State:
    moved = [(s.saved["held"] | {"row": s.at[s.saved["held"]["row"]]}) for s in shares]
    held = Columns.gather([(part, np.flatnonzero(part["row"] >= 0)) for part in moved])
    order = np.argsort(held["arrived"], kind="stable")
    # deadlines that the slowest of their logs has not told of yet keep their own time
    clocks = [s.saved["clock"] for s, part in zip(shares, moved, strict=True) if (part["row"] >= 0).any()]
    parts: State = {
        "clock": min(clocks, default=UNSEEN),
        "held": {name: column[order] for name, column in held.items()},
    }
    _whole(shares[0].saved, parts)
    return parts


def _ledger(old: list[list[str]]) -> list[str]:
    """Ids that any has, oldest first, the newest of each kept."""
    newest_first = dict.fromkeys(i for ids in zip_longest(*(ids[::-1] for ids in old)) for i in ids if i is not None)
    return list(newest_first)[:REMEMBERED][::-1]


def _mutes(old: list[list[Any]], takes: Callable[[str], bool]) -> list[Any]:
    """Mutes of one asset go with it, those with a glob hold on every partition."""
    until: dict[tuple[str, str, str], int] = {}
    for asset, series, watch, end in (mute for mutes in old for mute in mutes):
        if not is_exact(asset) or takes(asset):
            until[asset, series, watch] = max(end, until.get((asset, series, watch), end))
    return [[*rule, end] for rule, end in until.items()]


def _watch(shares: list[Share], rows: int, index: int, alone: bool) -> State:
    """A watch's part; rows of its bank go with their series, episodes with what they are keyed by."""
    series = np.full(rows, UNWATCHED, dtype=np.int64)
    by_mode, said_alone, lives, episodes, owners, banks, bins = [], [], [], [], [], [], []
    bank_rows = 0
    for s in shares:
        saved, owner = s.saved, s.saved["owner"]
        mine = np.flatnonzero(s.at[owner["row"]] >= 0)
        at = np.full(len(owner["row"]), -1, dtype=np.int64)  # bank row -> bank row there
        at[mine] = bank_rows + np.arange(len(mine))
        bank_rows += len(mine)
        first = s.rows[s.rows < len(saved["series"])]
        first = first[saved["series"][first] != UNWATCHED]
        series[s.at[first]] = at[saved["series"][first]]
        by_mode += [[int(s.at[row]), mode, int(at[own])] for row, mode, own in saved["by_mode"] if s.at[row] >= 0]
        said_alone += [[int(s.at[row]), *said] for row, *said in saved["alone"] if s.at[row] >= 0]
        lives += [[int(s.at[row]), *life] for row, *life in saved["lives"] if s.at[row] >= 0]
        key = s.at if alone and "bins" not in saved else at
        episodes += [[int(key[of]), episode] for of, episode in saved["episodes"] if key[of] >= 0]
        owners.append((owner | {"row": s.at[owner["row"]]}, mine))
        banks.append((saved["bank"], mine))
        if "bins" in saved:
            mode = saved["bins"]["mode"]
            bins.append((saved["bins"] | {"mode": np.where(mode >= 0, at[np.maximum(mode, 0)], mode)}, mine))
    parts: State = {
        "index": index,
        "state_version": shares[0].saved["state_version"],
        "series": series,
        "by_mode": by_mode,
        "owner": Columns.gather(owners),
        "alone": said_alone,
        "lives": lives,
        "bank": Bank.gather(banks),
        "episodes": episodes,
    }
    if bins:
        parts["bins"] = Columns.gather(bins)
    _whole(shares[0].saved, parts)
    _whole(shares[0].saved["bank"], parts["bank"])
    return parts


def _joint(shares: list[Share]) -> State:
    """A joint watch's part: each asset has a row in the bank of its number of inputs."""
    place: dict[str, list[int]] = {}
    picked: dict[str, list[tuple[State, Ints]]] = {}
    filled: dict[str, int] = {}
    for s in shares:
        mine = sorted((width, row, asset) for asset, (width, row) in s.saved["place"].items() if s.takes(asset))
        for width in dict.fromkeys(width for width, _, _ in mine):
            rows = [(row, asset) for of, row, asset in mine if of == width]
            bank, start = str(width), filled.get(str(width), 0)
            place |= {asset: [width, start + i] for i, (_, asset) in enumerate(rows)}
            picked.setdefault(bank, []).append((s.saved["banks"][bank], np.array([row for row, _ in rows])))
            filled[bank] = start + len(rows)
    parts: State = {
        "inputs": {asset: saved for s in shares for asset, saved in s.saved["inputs"].items() if s.takes(asset)},
        "place": place,
        "newest": {asset: time for s in shares for asset, time in s.saved["newest"].items() if s.takes(asset)},
        "banks": {width: Bank.gather(banks) for width, banks in picked.items()},
    }
    _whole(shares[0].saved, parts)
    return parts
