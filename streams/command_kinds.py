"""What each kind of command does to an engine: a function a kind, found in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detectors.durations import UNITS
from schemas.audit import Outcome
from schemas.command import Command, is_exact
from schemas.times import format_time
from streams.collect import Collector
from streams.mutes import MOST, Rule, matching
from streams.muting import Moment, caught, change, close
from streams.watch import Watch

if TYPE_CHECKING:
    from streams.engine import Engine

LONGEST_MUTE = 366 * UNITS["d"]


class Decision(NamedTuple):
    """What became of a command."""

    outcome: Outcome
    why: str | None = None
    affected: int = 0


def _mute(engine: Engine, command: Command, at: Moment, out: Collector) -> Decision:
    target, until, mutes = command.target, command.payload.until, engine.mutes
    if until is None or target.asset is None:
        return Decision("refused", "mute needs target.asset and payload.until")
    rule = Rule(_path(engine, target.asset), target.series, target.watch)
    pairs = caught(engine, rule)
    if until <= at.clock:
        if rule not in mutes:
            known = "; ".join(" ".join(r) for r in mutes.targets()[:5]) or "none"
            return Decision("refused", f"no mute of this target (asset, series, watch) is in force; there are: {known}")
        change(engine, lambda: mutes.lift(rule), at, out)
        return Decision("accepted", affected=pairs)
    if until > at.clock + LONGEST_MUTE:
        now = format_time(at.clock)
        return Decision("refused", f"until may be at most 366 days ahead of the log's clock, which is at {now}")
    if rule not in mutes and len(mutes) >= MOST:
        return Decision("refused", f"{MOST} mutes are in force on this partition; end some, or use a glob for many")
    change(engine, lambda: mutes.put(rule, until), at, out)
    return Decision("accepted", affected=pairs)


def _rebaseline(engine: Engine, command: Command, at: Moment, out: Collector) -> Decision:
    target = command.target
    asset = _path(engine, target.asset or "")
    rows = 0
    for watch, keys in _watches(engine, asset, target.series, target.watch):
        close(engine, watch, keys, "rebaselined", at, out)
        rows += _forget(engine, watch, keys)
    if rows:
        return Decision("accepted", affected=rows)
    return Decision(
        "refused",
        f"nothing on this partition has learned of asset {asset!r}, series {target.series!r}, watch {target.watch!r}; "
        "a series is known from its first number on",
    )


def _approve(engine: Engine, command: Command, at: Moment, out: Collector) -> Decision:
    if command.payload.proposal is not None:
        return _proposal(engine, command.payload.proposal, True)
    found = _episode(engine, command.target.episode)
    if found is None:
        return _no_such_episode(command)
    watch, key = found
    close(engine, watch, [key], "approved", at, out)
    _forget(engine, watch, [key])
    return Decision("accepted", affected=1)


def _reject(engine: Engine, command: Command, at: Moment, out: Collector) -> Decision:
    if command.payload.proposal is not None:
        return _proposal(engine, command.payload.proposal, False)
    found = _episode(engine, command.target.episode)
    if found is None:
        return _no_such_episode(command)
    watch, key = found
    close(engine, watch, [key], "rejected", at, out)
    return Decision("accepted", affected=1)


def _proposal(engine: Engine, proposal: str, approved: bool) -> Decision:
    said = engine.kpis.decide(proposal, approved)
    if said is None:
        return Decision("refused", f"no baseline with the id {proposal!r} is proposed on this partition")
    return Decision("accepted", said, affected=1)


CARRIED_OUT_BY: dict[str, Callable[[Engine, Command, Moment, Collector], Decision]] = {
    "rebaseline": _rebaseline,
    "mute": _mute,
    "approve": _approve,
    "reject": _reject,
}
"""Kind -> what it does; configurations, which may come without a command, are decided in `streams/commands.py`."""


def _no_such_episode(command: Command) -> Decision:
    return Decision("refused", f"no episode with the id {command.target.episode!r} is open on this partition")


def _path(engine: Engine, asset: str) -> str:
    """The path of an asset that goes by an alias."""
    return engine.roster.path(asset) if is_exact(asset) else asset


def _episode(engine: Engine, episode_id: str | None) -> tuple[Watch, int] | None:
    for watch in engine.watches:
        for key, episode in watch.episodes.open.items():
            if episode.id == episode_id:
                return watch, key
    return None


def _watches(engine: Engine, asset: str, series: str, name: str) -> Iterator[tuple[Watch, list[int]]]:
    """Watches that a target names, each with those of its rows that it names, by their keys in `Episodes.open`."""
    refs = engine.roster.refs
    taken, _ = matching(refs, asset, series)
    for watch in engine.watches:
        if not fnmatchcase(watch.spec.name, name):
            continue
        if watch.joint:  # its verdicts stand under its own name
            yield watch, [row for row in np.flatnonzero(taken).tolist() if refs[row].series == watch.spec.name]
        else:
            yield watch, watch.keys_of(taken)


def _forget(engine: Engine, watch: Watch, keys: list[int]) -> int:
    """Forget what rows have learned; how many there were."""
    joint = next((j for j in engine.joints if j.watch is watch), None)
    if joint is None:
        return watch.forget(engine.roster, keys)
    for key in keys:
        watch.lives.pop(key, None)
    return sum(joint.forget(engine.roster.refs[key].path) for key in keys)
