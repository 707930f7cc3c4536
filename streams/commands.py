"""Commands and configurations decided by an engine, each at its own message of the log; every decision is audited."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from schemas.audit import Audit, audit_id_of
from schemas.command import Command, as_command
from schemas.control import Control
from schemas.errors import Reject
from streams.collect import Collector
from streams.command_kinds import CARRIED_OUT_BY, Decision
from streams.configure import Assembly
from streams.muting import Moment
from streams.resolve import from_payload

if TYPE_CHECKING:
    from streams.engine import Engine

REMEMBERED = 10_000
"""Commands whose ids a partition keeps in mind, the newest."""


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
        decision = CARRIED_OUT_BY[command.kind](engine, command, at, out)
    until = command.payload.until
    proposal = command.payload.proposal
    detail = ({} if until is None else {"until": until}) | ({} if proposal is None else {"proposal": proposal})
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
        said = "; ".join(line.strip() for line in str(error).splitlines()[:3])
        decision = Decision("refused", f"this version cannot take this configuration: {said}")
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
