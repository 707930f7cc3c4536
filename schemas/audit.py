"""The audit row: a command, a configuration or a baseline with what became of it, as it stands on `audit.v1`."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.anomaly import NAMESPACE
from schemas.command import Target

Outcome = Literal["accepted", "refused", "repeated", "proposed", "withdrawn"]
Log = Literal["reading.v1", "command.v1"]


def audit_id_of(command_id: str | None, log: Log, partition: int, offset: int) -> str:
    """Id of the decision on the record at `offset` of a partition's log; a replay repeats it.

    >>> audit_id_of("mute-1", "reading.v1", 3, 1200)
    'cd791bfc-6877-5966-9da8-005b4b6ad8ac'
    """
    parts = [command_id or "", str(partition), str(offset)]
    if log != "reading.v1":
        parts.append(log)  # offsets of two topics may be equal
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


class Audit(BaseModel):
    """One decision. Times are integer nanoseconds since the epoch."""

    model_config = ConfigDict(extra="allow", frozen=True)

    schema_version: Literal[1] = 1
    audit_id: str
    command_id: str | None = Field(
        description="Null: a configuration that a worker brought, what a baseline did of itself, or nothing readable."
    )
    kind: str | None = Field(description="The command's; baseline; null where it could not be read.")
    target: Target | None = None
    by: str | None = Field(None, description="Who said so; a claim.")
    at: int | None = Field(None, description="When it was given, by the sender's clock.")
    reason: str | None = None
    outcome: Outcome = Field(
        description="repeated: decided before, without further effect. Of a baseline: accepted when it meets the "
        "guideline; proposed, for a person to approve or reject; withdrawn, when the plant is what it was."
    )
    why: str | None = Field(None, description="Why it was refused, and what would be right.")
    affected: int = Field(
        0,
        ge=0,
        description="Rows that forgot what they had learned; series and watches that a mute concerns; episodes.",
    )
    detail: dict[str, Any] = Field(
        default_factory=dict,
        description="until of a mute; hash and version of a site; of a baseline its asset, step, figures, proposal.",
    )
    log: Log = Field(description="Where the record decided on stands: the topic, without prefix,")
    partition: int = Field(description="its partition")
    offset: int = Field(description="and offset.")
    received: int = Field(description="The log's clock there.")
    config: str | None = Field(None, description="Hash of the configuration in force after it.")

    def to_bytes(self) -> bytes:
        """The record's value: JSON."""
        return self.model_dump_json().encode()
