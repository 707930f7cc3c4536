"""The anomaly event: one change of an episode, as other services read it on `anomaly.v1`."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

NAMESPACE = uuid.UUID("6d1f8f0e-5a53-5c0e-9b52-7d6a1f2c9e10")
"""Namespace of all ids that millstream derives (version 5, RFC 9562); never to be changed."""

Phase = Literal["opened", "escalated", "closed"]

BANDS = ((801, "critical"), (601, "major"), (401, "minor"), (201, "warning"), (1, "info"))
"""Severity 1..1000 in bands (OPC UA Part 9, 5.5.2: 801-1000 is the highest)."""


def band_of(severity: int) -> str:
    """Name of the band that a severity of 1..1000 falls in.

    >>> band_of(601), band_of(200)
    ('major', 'info')
    """
    return next(name for least, name in BANDS if severity >= least)


def shares_text(shares: dict[str, float], digits: int = 6) -> str:
    """Contributions as text, in their order.

    >>> shares_text({"flow": 0.25, "bearing_temp": 0.75})
    'flow=0.25;bearing_temp=0.75'
    """
    return ";".join(f"{name}={share:.{digits}g}" for name, share in shares.items())


def episode_id_of(asset: str, series: str, watch: str, opened_ns: int, kind: str) -> str:
    """Id of the episode that detector `kind` opened on (asset, series, watch) at `opened_ns`.

    Nothing else enters, so a reload, a replay and the offline scorer give the same id.

    >>> episode_id_of("a", "temp", "w", 0, "limits")
    '9bdfc8cb-371c-5d5b-85a7-0f488ec14013'
    """
    return str(uuid.uuid5(NAMESPACE, "\x1f".join((asset, series, watch, str(opened_ns), kind))))


def event_id_of(episode_id: str, phase: Phase, ordinal: int) -> str:
    """Id of the `ordinal`-th event of an episode."""
    return str(uuid.uuid5(NAMESPACE, f"{episode_id}\x1f{phase}\x1f{ordinal}"))


def heading_of(kind: str) -> str:
    """Where the runbook says what a detector's finding means.

    >>> heading_of("t2_spe")
    '#t2-spe'
    """
    return f"#{kind.replace('_', '-')}"


class Detector(BaseModel):
    """Which detector spoke: its kind and the version of its state."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str
    state_version: int


class AnomalyEvent(BaseModel):
    """One change of an episode. Times are integer nanoseconds since the epoch."""

    model_config = ConfigDict(extra="allow", frozen=True)

    schema_version: Literal[1] = 1
    time: int = Field(description="Event time (ns) of the reading that caused it; for silence, the deadline.")
    received: int = Field(description="The log's clock (ns) when it was noticed.")
    detected: int | None = Field(
        None, description="The worker's clock (ns) when it was published; compare nothing with it."
    )
    event_id: str
    episode_id: str
    ordinal: int = Field(ge=0, description="Counts the events of an episode from 0.")
    phase: Phase
    asset: str
    series: str
    watch: str
    detector: Detector
    config: str = Field(description="Hash of the configuration in force.")
    severity: int = Field(
        ge=1, le=1000, description="OPC UA bands: critical >= 801, major >= 601, minor >= 401, warning >= 201."
    )
    score: float | None = Field(description="Calibrated score; >= 1 is anomalous.")
    peak: float = Field(description="Highest score of the episode so far.")
    value: float | None
    expected: float | None
    low: float | None
    high: float | None
    unit: str | None
    contribution: dict[str, float] | None = Field(None, description="Share of each input, joint detectors only.")
    started: int = Field(description="Event time (ns) at which the episode opened.")
    ended: int | None = None
    reason: str | None = Field(
        None, description="Why it closed: recovered, reconfigured, muted, rebaselined, approved, rejected."
    )
    backfill: bool = Field(description="About the past: for topic, store and boards, not for paging.")
    warm: float = Field(ge=0, le=1, description="Share of the warm-up done.")
    learned_since: int | None = Field(description="Event time (ns) of the first reading the row learned from.")
    cost_per_hour: float | None = None
    kwh_per_hour: float | None = None
    kgco2e_per_hour: float | None = None
    cost_total: float | None = None
    kwh_total: float | None = None
    kgco2e_total: float | None = None
    message: dict[str, str] = Field(description="One line for a person, by language (en, ms, zh-TW).")
    runbook: str = Field(description="Its heading in grafana/runbook.md.")
    decision: dict[str, Any] = Field(description="What is needed to recompute the verdict.")
