"""The topics, declared once, and a pure plan of what differs between them and what a broker has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from schemas.errors import Misconfigured

DAY_MS = 86_400_000
DELETE, COMPACT = "delete", "compact"
LOG_APPEND = {"message.timestamp.type": "LogAppendTime"}
MAX_MESSAGE_BYTES = (
    1_048_588  # a batch of 1 MiB and its header: the broker's own default, which a site may have lowered
)


class Topic(NamedTuple):
    """One topic: name without prefix, clean-up policy, configuration, and how many partitions (n: the setting's)."""

    name: str
    cleanup: str
    config: dict[str, str]
    partitions: Literal["n", 1]


def _kept(days: int) -> dict[str, str]:
    return {"retention.ms": str(days * DAY_MS if days >= 0 else -1), "retention.bytes": "-1"}


TOPICS = (
    Topic("reading.v1", DELETE, {**_kept(7), **LOG_APPEND}, "n"),
    Topic("command.v1", DELETE, {**_kept(30), **LOG_APPEND}, "n"),
    Topic("anomaly.v1", DELETE, _kept(365), "n"),
    Topic("kpi.v1", DELETE, {**_kept(365), **LOG_APPEND}, "n"),
    Topic("kpi.site.v1", DELETE, _kept(365), 1),
    Topic("audit.v1", DELETE, _kept(-1), "n"),
    Topic("state.v1", COMPACT, {"segment.bytes": str(64 * 1024 * 1024)}, "n"),
    Topic("rejected.v1", DELETE, _kept(30), 1),
)
SAME_N = ("reading.v1", "command.v1", "anomaly.v1", "kpi.v1", "state.v1")
"""Topics whose partitions must match: partition p of each belongs to the engine of p."""
VITAL = ("cleanup.policy", "message.timestamp.type")
"""Configuration without which results are wrong or state is lost; the rest is a matter of space."""


class Layout(NamedTuple):
    """What a topic is, or should be. `config` of an existing topic holds what its broker reports."""

    partitions: int
    replication: int
    config: Mapping[str, str]


class Change(NamedTuple):
    """One difference between a topic that is wanted and what is there (`found` is None where nothing is)."""

    topic: str
    kind: Literal["create", "config", "partitions", "replication"]
    key: str
    found: str | None
    wanted: str

    def __str__(self) -> str:
        if self.kind == "create":
            return f"topic {self.topic}: missing, expected with {counted(int(self.wanted))}"
        return f"topic {self.topic}: {self.key} is {self.found}, expected {self.wanted}"


def counted(partitions: int) -> str:
    """A number of partitions in words.

    >>> counted(1), counted(12)
    ('1 partition', '12 partitions')
    """
    return f"{partitions} partition{'s' if partitions != 1 else ''}"


def wanted(
    prefix: str, partitions: int, replication: int = 1, overrides: Mapping[str, str] | None = None
) -> dict[str, Layout]:
    """Full name -> layout of every topic.

    `overrides` change configuration: `segment.ms` for all topics, `reading.v1:retention.ms` for one, which wins.
    Raises Misconfigured for numbers below 1 and for a topic there is not.

    >>> wanted("m.", 4, overrides={"state.v1:segment.ms": "1000"})["m.state.v1"].config["segment.ms"]
    '1000'
    """
    if partitions < 1 or replication < 1:
        raise Misconfigured(f"topics: partitions and replication are at least 1, got {partitions} and {replication}")
    names = {topic.name for topic in TOPICS}
    general, own = {}, []
    for key, value in (overrides or {}).items():
        name, colon, config = key.rpartition(":")
        if colon and name not in names:
            raise Misconfigured(f"topics: override {key!r} names no topic; there are {', '.join(sorted(names))}")
        if colon:
            own.append((name, config, value))
        else:
            general[config] = value
    basic = {"min.insync.replicas": str(min(2, replication)), "max.message.bytes": str(MAX_MESSAGE_BYTES)}
    return {
        prefix + topic.name: Layout(
            partitions if topic.partitions == "n" else topic.partitions,
            replication,
            {"cleanup.policy": topic.cleanup, **topic.config, **basic, **general}
            | {config: value for name, config, value in own if name == topic.name},
        )
        for topic in TOPICS
    }


def plan(layouts: Mapping[str, Layout], existing: Mapping[str, Layout]) -> list[Change]:
    """What differs between the wanted layouts and the existing topics, in the order of the table.

    A configuration that the broker does not report (the embedded one) is no difference. Raises Misconfigured where
    the topics of SAME_N have, or after creation would have, different numbers of partitions.
    """
    _same_n(layouts, existing)
    changes = []
    for name, want in layouts.items():
        have = existing.get(name)
        if have is None:
            changes.append(Change(name, "create", "partitions", None, str(want.partitions)))
            continue
        if have.partitions != want.partitions:
            changes.append(Change(name, "partitions", "partitions", str(have.partitions), str(want.partitions)))
        if have.replication != want.replication:
            changes.append(Change(name, "replication", "replication", str(have.replication), str(want.replication)))
        changes += [
            Change(name, "config", key, have.config[key], value)
            for key, value in want.config.items()
            if key in have.config and have.config[key] != value
        ]
    return changes


def _same_n(layouts: Mapping[str, Layout], existing: Mapping[str, Layout]) -> None:
    counts = {name: existing.get(name, want).partitions for name, want in layouts.items() if name.endswith(SAME_N)}
    if len(set(counts.values())) > 1:
        shown = ", ".join(
            f"{name} {count}{'' if name in existing else ' (to be made)'}" for name, count in counts.items()
        )
        raise Misconfigured(
            f"topics: {', '.join(SAME_N)} need the same number of partitions, found {shown}; "
            "set `partitions` to what is there, or use another prefix; where `millstream topics --grow` was cut off, "
            "run it again"
        )
