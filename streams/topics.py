"""Make and check the topics on a broker. These calls block: from a running loop, use `asyncio.to_thread`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import KafkaError, for_code

from schemas.errors import Misconfigured, Retry
from streams.topic_table import TOPICS, VITAL, Change, Layout, Topic, counted, plan, wanted

__all__ = ["TOPICS", "Change", "Layout", "Topic", "check_topics", "ensure_topics", "plan", "wanted"]

BOOTSTRAP_TIMEOUT_MS = 4_000
ALREADY_EXISTS = 36
REFUSED = {
    29: "give this user the right to create and describe the topic",
    31: "give this user the right to create topics",
    37: "set `partitions` to what the broker allows",
    38: "set `replication` to at most the number of brokers",
    40: "correct the topic's configuration",
    44: "correct the topic's configuration to the broker's policy",
}
"""Kafka error code -> what a person must do; other errors are the world's."""


def ensure_topics(
    bootstrap: str,
    prefix: str,
    partitions: int,
    replication: int = 1,
    fix: bool = False,
    overrides: Mapping[str, str] | None = None,
    client_options: Mapping[str, Any] | None = None,
) -> list[str]:
    """Make the topics that are missing and say, one line each, what was made and what differs.

    Nothing that exists is changed, but its configuration with `fix`; partitions and replication never are.
    `overrides` as in `topic_table.wanted`; `client_options` go to KafkaAdminClient (security).
    Raises Retry while the broker is away, Misconfigured where a person must act (rights, numbers, partitions of
    topics that belong together differ).
    """
    layouts = wanted(prefix, partitions, replication, overrides)
    with _admin(bootstrap, client_options) as admin:
        existing = _existing(admin, list(layouts))
        changes = plan(layouts, existing)
        missing = [change.topic for change in changes if change.kind == "create"]
        lines = _create(admin, {name: layouts[name] for name in missing})
        alter = [change for change in changes if change.kind == "config"] if fix else []
        lines += _alter(admin, alter)
        lines += [
            f"{change}; left as it is" for change in changes if change.topic not in missing and change not in alter
        ]
        touched = {change.topic for change in changes}
        lines += [f"topic {name}: is there, as expected" for name in layouts if name not in touched]
        made = _existing(admin, list(layouts))
    # Kafka reports some forty keys of every topic, the embedded broker only those it was given
    if made and all(set(have.config) <= set(layouts[name].config) for name, have in made.items()):
        lines.append(
            "note: this broker takes note of topic configuration but need not apply it (retention, time stamps)"
        )
    return lines


def check_topics(
    bootstrap: str,
    prefix: str,
    partitions: int,
    overrides: Mapping[str, str] | None = None,
    client_options: Mapping[str, Any] | None = None,
) -> list[str]:
    """What stands in a worker's way: topics that are missing, have other partitions, or would lose or bend data.

    Empty when all is well. Retention, replication and sizes may differ. Raises Retry while the broker is away.
    """
    layouts = wanted(prefix, partitions, overrides=overrides)
    with _admin(bootstrap, client_options) as admin:
        existing = _existing(admin, list(layouts))
    try:
        changes = plan(layouts, existing)
    except Misconfigured as error:
        return [str(error)]
    kept = [each for each in changes if each.kind in ("create", "partitions") or each.key in VITAL]
    return [f"{change}; run: millstream topics" for change in kept]


@contextmanager
def _admin(bootstrap: str, client_options: Mapping[str, Any] | None) -> Iterator[KafkaAdminClient]:
    options = {"bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS, **(client_options or {})}
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, **options)
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise _named(bootstrap, getattr(error, "errno", None), error) from error


def _existing(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, Layout]:
    there = set(admin.list_topics())
    found = [name for name in names if name in there]
    if not found:
        return {}
    described = {each["name"]: each["partitions"] for each in admin.describe_topics(found) if not each["error_code"]}
    # all keys: the embedded broker hangs up on a question for single ones
    resources = [ConfigResource("TOPIC", name) for name in described]
    config = admin.describe_configs(resources, config_filter="all")["topic"] if resources else {}
    return {
        name: Layout(
            len(parts),
            min(len(each["replica_nodes"]) for each in parts),
            {key: str(entry["value"]) for key, entry in config.get(name, {}).items()},
        )
        for name, parts in described.items()
    }


def _create(admin: KafkaAdminClient, layouts: Mapping[str, Layout]) -> list[str]:
    if not layouts:
        return []
    asked = {
        name: {
            "num_partitions": each.partitions,
            "replication_factor": each.replication,
            "configs": dict(each.config),
        }
        for name, each in layouts.items()
    }
    lines = []
    for answer in admin.create_topics(asked, raise_errors=False)["topics"]:
        name, code = answer["name"], answer["error_code"]
        if code == ALREADY_EXISTS:
            lines.append(f"topic {name}: was made by another in the meantime")
        elif code:
            raise _named(f"topic {name}", code, answer["error_message"] or for_code(code).__name__)
        else:
            lines.append(f"topic {name}: made, {counted(layouts[name].partitions)}")
    admin.wait_for_topics(list(layouts))
    return lines


def _alter(admin: KafkaAdminClient, changes: Sequence[Change]) -> list[str]:
    lines = []
    for change in changes:
        answer = admin.alter_configs([ConfigResource("TOPIC", change.topic, {change.key: change.wanted})])
        said = answer["topic"][change.topic]
        if said != "OK":
            raise Misconfigured(f"topic {change.topic}: {change.key} cannot be set to {change.wanted}: {said}")
        lines.append(f"topic {change.topic}: {change.key} set from {change.found} to {change.wanted}")
    return lines


def _named(place: str, code: int | None, said: object) -> Retry | Misconfigured:
    if code in REFUSED:
        return Misconfigured(f"Kafka, {place}: {said}; {REFUSED[code]}")
    return Retry(f"Kafka, {place}: {said}")
