"""Commands and configurations decided by an engine, each at its own message of the log; every decision is audited."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detectors.durations import UNITS
from schemas.audit import Audit, Outcome, audit_id_of
from schemas.command import Command, as_command, is_exact
from schemas.control import Control
from schemas.errors import Reject
from schemas.times import format_time
from streams.collect import Collector
from streams.configure import Assembly
from streams.mutes import MOST, Rule, matching
from streams.muting import Moment, caught, change, close
from streams.resolve import from_payload
from streams.watch import Watch

if TYPE_CHECKING:
    from streams.engine import Engine

REMEMBERED = 10_000
"""Commands whose ids a partition keeps in mind, the newest."""
LONGEST_MUTE = 366 * UNITS["d"]


class Decision(NamedTuple):
    """What became of a command."""

    outcome: Outcome
    why: str | None = None
    affected: int = 0


class Ledger:
    """Ids of commands that have been decided."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def enter(self, command_id: str) -> bool:
        """Remember an id; whether it is new.

        >>> ledger = Ledger(); ledger.enter("a"), ledger.enter("a")
        (True, False)
        """
        if command_id in self._ids:
            return False
        self._ids[command_id] = None
        while len(self._ids) > REMEMBERED:
            del self._ids[next(iter(self._ids))]
        return True

    def snapshot(self) -> list[str]:
        """The ids, oldest first."""
        return list(self._ids)

    def restore(self, saved: list[str]) -> None:
        """Take up what `snapshot` gave."""
        self._ids = dict.fromkeys(saved)


def decide(engine: Engine, control: Control, offset: int, at: Moment, out: Collector) -> None:
    """Carry out, or refuse, the command or configuration of a control record; the engine has fed all before it."""
    if control.kind == "configure":
        _configure(engine, control, offset, at, out)
        return
    try:
        command = as_command(control.payload.get("command") or {})
    except Reject as error:  # of a newer version: its agent knew what it is
        claims = control.payload.get("command")
        name = claims.get("command_id") if isinstance(claims, dict) else None
        audit(engine, None, name, Decision("refused", str(error)), offset, at, out)
        return
    if not engine.ledger.enter(command.command_id):
        decision = Decision("repeated", "this command was decided here before")
    else:
        decision = _CARRIED_OUT_BY[command.kind](engine, command, at, out)
    until = command.payload.until
    detail = {} if until is None else {"until": until}
    audit(engine, command, command.command_id, decision, offset, at, out, detail)


def audit(
    engine: Engine, command: Command | None, command_id: str | None, decision: Decision, offset: int, at: Moment,
    out: Collector, detail: dict[str, Any] | None = None, kind: str | None = None,
) -> None:  # fmt: skip
    """Add the row of one decision."""
    out.audits.append(
        Audit(
            audit_id=audit_id_of(command_id, "reading.v1", engine.partition, offset),
            command_id=command_id,
            kind=command.kind if command else kind,
            target=command.target if command else None,
            by=command.by if command else None,
            at=command.at if command else None,
            reason=command.reason if command else None,
            outcome=decision.outcome,
            why=decision.why,
            affected=decision.affected,
            detail=detail or {},
            log="reading.v1",
            partition=engine.partition,
            offset=offset,
            received=at.clock,
            config=engine.site.hash,
        )
    )


# --- configurations


def _configure(engine: Engine, control: Control, offset: int, at: Moment, out: Collector) -> None:
    """Take up a site, once its last part is there. A worker's own has no command and is news only if it is another."""
    try:
        # what comes whole leaves the parts of another alone
        payload = (engine.assembly if control.parts > 1 else Assembly()).add(control)
        if payload is None:
            return
        claims = control.payload.get("command")
        command = None if claims is None else as_command({**claims, "kind": "configure", "payload": control.payload})
        site = from_payload(payload)
    except (ValueError, zlib.error) as error:
        # the agent has checked it whole: another version of millstream than this one made it
        decision = Decision("refused", f"this version cannot take this configuration: {str(error).splitlines()[0]}")
        audit(engine, None, _id_claimed(control), decision, offset, at, out, kind="configure")
        return
    detail = {"hash": site.hash, "version": site.version}
    decision = Decision("accepted")
    if command is not None and not engine.ledger.enter(command.command_id):
        decision = Decision("repeated", "this command was decided here before")
    elif site.hash == engine.site.hash:
        if command is None:
            return
        decision = Decision("accepted", "this configuration was in force already")
    elif site.version <= engine.site.version:
        now = engine.site
        decision = Decision(
            "refused",
            f"configuration {site.hash} of version {site.version} was ignored, the log's is {now.hash} of version "
            f"{now.version}; raise [site] version to {now.version + 1} to make it count",
        )
        out.warnings.append(f"partition {engine.partition}: {decision.why}")
    else:
        decision = Decision("accepted", affected=engine.take_up(site, out, at.message))
    name = None if command is None else command.command_id
    audit(engine, command, name, decision, offset, at, out, detail, "configure")


def _id_claimed(control: Control) -> str | None:
    claims = control.payload.get("command")
    return claims.get("command_id") if isinstance(claims, dict) else None


# --- the other kinds, a function each


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
    found = _episode(engine, command.target.episode)
    if found is None:
        return _no_such_episode(command)
    watch, key = found
    close(engine, watch, [key], "approved", at, out)
    _forget(engine, watch, [key])
    return Decision("accepted", affected=1)


def _reject(engine: Engine, command: Command, at: Moment, out: Collector) -> Decision:
    found = _episode(engine, command.target.episode)
    if found is None:
        return _no_such_episode(command)
    watch, key = found
    close(engine, watch, [key], "rejected", at, out)
    return Decision("accepted", affected=1)


_CARRIED_OUT_BY: dict[str, Callable[[Engine, Command, Moment, Collector], Decision]] = {
    "rebaseline": _rebaseline,
    "mute": _mute,
    "approve": _approve,
    "reject": _reject,
}


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
    return sum(joint.forget(engine.roster.refs[key].path) for key in keys)
