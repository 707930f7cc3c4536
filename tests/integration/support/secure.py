"""One installation on a secure broker: topics of its own, and users with the rights of the printed list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from streams.acl import ROLES, Grant, Role, grants
from streams.security import aiokafka_options, kafka_python_options
from streams.settings import Settings, load_settings
from streams.topics import ensure_topics
from tests.integration.support.topics import unique
from tests.integration.support.workers import CONTROL_KEY
from tests.servers.kafka_secure import ADMIN, SecureKafka
from tests.servers.net import wait_until

PARTITIONS = 4
WRONG = "a-wrong-password-that-must-not-be-shown"
USER_OF: dict[Role, str] = {role: "keeper" if role == "admin" else role for role in ROLES}
"""Each role has a user of its name, but for `admin`, which is the broker's own."""
USERS = (*USER_OF.values(), "nobody")


class Installation:
    """Topics and a group that nobody else uses; nobody has a right until `allow`."""

    def __init__(self, kafka: SecureKafka) -> None:
        self.kafka, self.prefix = kafka, unique()

    def settings(self, user: str, **given: Any) -> Settings:
        """What this user's environment would hold."""
        default = {
            "kafka": self.kafka.bootstrap,
            "kafka_security": "SASL_SSL",
            "kafka_user": user,
            "kafka_password": self.kafka.passwords[user],
            "kafka_ca": self.kafka.authority.file,
            "prefix": self.prefix,
            "group": f"{self.prefix}workers",
            "partitions": PARTITIONS,
            "port": 0,
            "control_key": CONTROL_KEY,
            "sink": "none",
            "tick_interval": "0s",
            "snapshot_interval": "300ms",
            "session_timeout": "6s",
        }
        return load_settings(**default | given)

    def environment(self, user: str, **given: Any) -> dict[str, str]:
        """The same, as a process is given it; secrets by file are the caller's."""
        made = self.settings(user, **given)
        shown = {name: getattr(made, name) for name in made.model_fields_set}
        plain = {k: v.get_secret_value() if hasattr(v, "get_secret_value") else str(v) for k, v in shown.items()}
        durations = {"tick_interval": "0s", "snapshot_interval": "300ms", "session_timeout": "6s"}
        return {f"MILLSTREAM_{name.upper()}": value for name, value in (plain | durations).items()}

    def make_topics(self) -> None:
        """As the broker's own user."""
        ensure_topics(self.kafka.bootstrap, self.prefix, PARTITIONS, client_options=self.kafka.options())

    def allow(self, *roles: Role) -> None:
        """Give the users of these roles exactly what the list says."""
        for role in roles:
            self._create(_acls(USER_OF[role], grants(self.settings(ADMIN), role)))

    def restore(self, user: str, kind: str, name: str, operation: str) -> None:
        """Give one right."""
        grant = Grant("group" if kind == "group" else "topic", name, "literal", (operation,), "")
        self._create(_acls(user, [grant]))

    def forbid(self, user: str, kind: str, name: str, *operations: str) -> None:
        """Take rights away."""
        pattern = ResourcePatternFilter(ResourceType[kind.upper()], name, ACLResourcePatternType.LITERAL)
        allow = ACLPermissionType.ALLOW
        filters = [ACLFilter(f"User:{user}", "*", ACLOperation[each], allow, pattern) for each in operations]
        with closing(self._admin()) as admin:
            gone = [matching for _, matching, _ in admin.delete_acls(filters)]
            assert [len(each) for each in gone] == [1] * len(operations)
            self._wait(lambda: not any(admin.describe_acls(each)[0] for each in filters))

    def _create(self, acls: list[ACL]) -> None:
        with closing(self._admin()) as admin:
            assert len(admin.create_acls(acls)["succeeded"]) == len(acls)
            self._wait(lambda: all(admin.describe_acls(each)[0] for each in acls))

    def _wait(self, condition: Callable[[], bool]) -> None:
        """The answer to a change comes before the broker goes by it."""
        assert wait_until(condition, 20), "the broker does not go by a change of rights"

    def may(self, user: str, operation: str, name: str) -> bool:
        """What the broker says a user may do to a topic of ours."""
        options = kafka_python_options(self.settings(user))
        with closing(KafkaAdminClient(bootstrap_servers=self.kafka.bootstrap, **options)) as admin:
            (topic,) = admin.describe_topics([self.prefix + name])
        return operation in (topic["authorized_operations"] or ())

    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=self.kafka.bootstrap, **self.kafka.options())


def _acls(user: str, given: Iterable[Grant]) -> list[ACL]:
    return [
        ACL(
            f"User:{user}",
            "*",
            ACLOperation[operation],
            ACLPermissionType.ALLOW,
            ResourcePattern(
                ResourceType[grant.kind.upper()], grant.name, ACLResourcePatternType[grant.pattern.upper()]
            ),
        )
        for grant in given
        for operation in grant.operations
    ]


def client(settings: Settings) -> dict[str, Any]:
    """aiokafka's options with the address."""
    return {"bootstrap_servers": settings.kafka, **aiokafka_options(settings)}
