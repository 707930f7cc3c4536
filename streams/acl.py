"""Who needs which right on Kafka and InfluxDB, declared once: printed by `topics --acl`, applied by tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from streams.settings import Settings
from streams.topic_table import TOPICS

Role = Literal["worker", "gateway", "operator", "board", "reader", "admin"]
ROLES: dict[Role, str] = {
    "worker": "judges readings; holds MILLSTREAM_CONTROL_KEY",
    "gateway": "sends readings",
    "operator": "sends commands (millstream command, millstream config apply) and sees what became of them",
    "board": "the web board (millstream board): shows what is open, and sends what people decide",
    "reader": "any other service that takes anomalies and key figures, in consumer groups of its own",
    "admin": "makes and changes topics (millstream topics); with MILLSTREAM_CONTROL_KEY also adds partitions (--grow) "
    "and looks after saved state (millstream state); restates key figures (millstream restate)",
}


class Right(NamedTuple):
    """What a role may do to one topic (its name without prefix) or, where `topic` is None, to a consumer group."""

    role: Role
    topic: str | None
    operations: tuple[str, ...]
    why: str


_EVERY_TOPIC = tuple(topic.name for topic in TOPICS)

TABLE: tuple[Right, ...] = (
    Right("worker", "reading.v1", ("READ", "WRITE"), "readings in; ticks, commands taken and strays back"),
    Right("worker", "command.v1", ("READ", "WRITE"), "commands in; its own site file on SIGHUP"),
    Right("worker", "anomaly.v1", ("READ", "WRITE"), "events out; those newer than the snapshot back, at a restart"),
    Right("worker", "audit.v1", ("WRITE",), "what became of commands"),
    Right("worker", "kpi.v1", ("READ", "WRITE"), "key figures of machines out, and in for those of sites"),
    Right("worker", "kpi.site.v1", ("WRITE",), "key figures of sites"),
    Right("worker", "state.v1", ("READ", "WRITE"), "snapshots"),
    Right("worker", "rejected.v1", ("WRITE",), "what could not be used"),
    *(Right("worker", name, ("DESCRIBE", "DESCRIBE_CONFIGS"), "the check at its start") for name in _EVERY_TOPIC),
    Right("worker", None, ("READ",), "the workers' group"),
    Right("gateway", "reading.v1", ("WRITE",), "readings out"),
    Right("operator", "command.v1", ("WRITE",), "commands out"),
    Right("operator", "audit.v1", ("READ",), "their outcome"),
    Right("board", "anomaly.v1", ("READ",), "episodes"),
    Right("board", "audit.v1", ("READ",), "mutes, proposals, and what became of commands"),
    Right("board", "command.v1", ("WRITE",), "what people decide"),
    Right("board", None, ("DESCRIBE",), "whether workers run"),
    Right("reader", "anomaly.v1", ("READ",), "episodes"),
    Right("reader", "kpi.v1", ("READ",), "key figures of machines"),
    Right("reader", "kpi.site.v1", ("READ",), "key figures of sites"),
    Right("reader", None, ("READ",), "groups that begin with this"),
    *(
        Right("admin", name, ("CREATE", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER", "ALTER_CONFIGS"), "make and change")
        for name in _EVERY_TOPIC
    ),
    Right("admin", "reading.v1", ("READ",), "whether all is judged, before partitions are added"),
    Right("admin", "state.v1", ("READ", "WRITE"), "saved state: list, drop, and re-key when partitions are added"),
    Right("admin", "kpi.v1", ("READ", "WRITE"), "the same of key figures; and to restate them"),
    Right("admin", "kpi.site.v1", ("READ", "WRITE"), "to restate what sites come to"),
    Right("admin", None, ("DESCRIBE",), "whether workers run"),
)
"""Kafka: READ, WRITE and ALTER imply DESCRIBE; nobody needs a right on the cluster."""

INFLUX: dict[str, tuple[tuple[Literal["read", "write"], str], ...]] = {
    "worker": (("write", "raw"), ("write", "main")),
    "grafana": (("read", "raw"), ("read", "main")),
}
"""InfluxDB: who may do what to which bucket (its name without prefix). The other roles: nothing."""


class Grant(NamedTuple):
    """A right with full names, as Kafka's ACLs have it."""

    kind: Literal["topic", "group"]
    name: str
    pattern: Literal["literal", "prefixed"]
    operations: tuple[str, ...]
    why: str


def grants(settings: Settings, role: Role) -> list[Grant]:
    """All that a role needs, a line for each topic and group.

    >>> [grant.operations for grant in grants(Settings(prefix="m."), "gateway")]
    [('WRITE',)]
    """
    found: dict[tuple[str, str], Grant] = {}
    for right in TABLE:
        if right.role != role:
            continue
        grant = _grant(settings, right)
        known = found.get(grant[:2])
        if known is not None:
            more = tuple(each for each in grant.operations if each not in known.operations)
            grant = known._replace(operations=known.operations + more, why=f"{known.why}; {grant.why}")
        found[grant[:2]] = grant
    return [grant._replace(operations=_without_implied(grant.operations)) for grant in found.values()]


def _without_implied(operations: tuple[str, ...]) -> tuple[str, ...]:
    more = {"READ", "WRITE", "ALTER"} & set(operations)
    return tuple(each for each in operations if each != "DESCRIBE" or not more)


def _grant(settings: Settings, right: Right) -> Grant:
    if right.topic is not None:
        return Grant("topic", settings.topic(right.topic), "literal", right.operations, right.why)
    if right.role == "reader":
        return Grant("group", f"{settings.group}-reader", "prefixed", right.operations, right.why)
    return Grant("group", settings.group, "literal", right.operations, right.why)


def acl_lines(settings: Settings) -> Iterator[str]:
    """The whole list as a person runs it in a shell: kafka-acls.sh and influx."""
    yield "# Kafka. Put your principals in the place of User:WORKER and the like (by client certificate: User:CN=...)."
    yield "# MILLSTREAM_CONTROL_KEY proves to workers what other workers wrote: no other role may have it."
    yield f'ACLS="kafka-acls.sh --bootstrap-server {settings.kafka} --command-config admin.properties --add"'
    for role, does in ROLES.items():
        yield f"\n# {role}: {does}"
        alike: dict[Grant, list[str]] = {}
        for grant in grants(settings, role):
            alike.setdefault(grant._replace(name=""), []).append(grant.name)
        for (kind, _, pattern, operations, why), names in alike.items():
            words = [f"--operation {operation}" for operation in operations] + [f"--{kind} {name}" for name in names]
            yield f"# {why}"
            yield f"$ACLS --allow-principal User:{role.upper()} {' '.join(words)} --resource-pattern-type {pattern}"
    yield "\n# InfluxDB. A token for each; the other roles need none."
    create = f"influx auth create --org {settings.influx_org} --description"
    for who, buckets in INFLUX.items():
        words = [f"--{action}-bucket {_bucket_id(settings.influx_prefix + name)}" for action, name in buckets]
        yield f"{create} 'millstream {who}' {' '.join(words)}"
    yield f"{create} 'millstream store init' --read-buckets --write-buckets  # once, then: influx auth delete"


def _bucket_id(name: str) -> str:
    return f'"$(influx bucket list --name {name} --hide-headers | cut -f1)"'
