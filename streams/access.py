"""Whether Kafka lets us in, and to all that a role needs: said before anything starts, and while it runs.

Kafka's clients tell little of it: a wrong password is a time-out, a missing right an assignment that stays empty.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError
from aiokafka.protocol.metadata import MetadataRequest
from kafka.admin import KafkaAdminClient
from kafka.errors import GroupAuthorizationFailedError
from kafka.errors import KafkaError as KafkaPythonError

from schemas.errors import Misconfigured, Retry
from streams.acl import Grant, Role, grants
from streams.security import PREFIX, aiokafka_options, kafka_python_options
from streams.settings import Settings

log = structlog.get_logger("millstream.access")

TIMEOUT_MS = 4_000
EVERY_S = 15.0
"""A right that is taken away turns /readyz red within this time."""
_TOPIC_REFUSED = 29
_WRONG_HOST = (62, 64)
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
_KAFKA = f"{PREFIX}KAFKA"


def check_access(settings: Settings, role: Role | None = None) -> None:
    """Connect as the settings say and, with a role, ask for its rights. Blocks; not on a running loop.

    Raises Misconfigured, one line without a secret, where a person must act, Retry while the broker is away.
    """
    asyncio.run(knock(settings))
    lacking = lacking_rights(settings, role) if role else None
    if lacking:
        raise Misconfigured(lacking)


async def watch_access(settings: Settings, role: Role, say: Callable[[str | None], None]) -> None:
    """Check again and again while a worker runs, and `say` what is wrong, or None: rights and passwords are changed.

    A broker that is away says nothing of them.
    """
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await asyncio.to_thread(check_access, settings, role)
            say(None)
        except Misconfigured as error:
            say(str(error))
        except Retry:
            continue
        except Exception as error:  # what only looks must not end what it looks at
            log.warning("rights on Kafka cannot be checked", error=repr(error))


async def knock(settings: Settings) -> None:
    """Connect to the first of the brokers that answers, as far as its first answer. Raises as `check_access`."""
    options = aiokafka_options(settings)
    faults: list[Misconfigured | Retry] = []
    for address in settings.kafka.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdigit():
            raise Misconfigured(f"{_KAFKA}: expected host:port, comma-separated, got {address.strip()!r}")
        try:
            connection = await create_conn(host.strip("[]"), int(port), request_timeout_ms=TIMEOUT_MS, **options)
            try:
                answer = await connection.send(MetadataRequest([]))
            finally:
                connection.close()
            if answer.brokers:
                return
            # the client takes a refused token for an accepted one, and the refusal for an empty answer
            raise SaslAuthenticationFailed if "sasl_oauth_token_provider" in options else KafkaError
        except (OSError, KafkaError, TimeoutError) as error:
            faults.append(_named(settings, f"Kafka, {address.strip()}", error))
    # an address that is away says nothing about the settings, one that refuses us does
    raise next((fault for fault in faults if isinstance(fault, Misconfigured)), faults[-1])


def _named(settings: Settings, place: str, error: Exception) -> Misconfigured | Retry:
    match error:
        case ssl.SSLCertVerificationError():
            said = error.verify_message.rstrip(".")
            if error.verify_code in _WRONG_HOST:
                return Misconfigured(
                    f"{place}: its certificate is for another host ({said}); connect by a name that "
                    f"the certificate holds, or set {_KAFKA}_CHECK_HOSTNAME=false"
                )
            return Misconfigured(
                f"{place}: its certificate is not trusted ({said}); {_KAFKA}_CA must name the "
                "certificates of the authority that signed it"
            )
        case ssl.SSLError():
            return Misconfigured(f"{place}: no TLS with it ({error.reason}); is {_security(settings)} right for it?")
        case SaslAuthenticationFailed():
            who, correct = f"user {settings.kafka_user}", f"{_KAFKA}_USER or {_KAFKA}_PASSWORD"
            if settings.kafka_mechanism == "OAUTHBEARER":
                who, correct = "the token", f"{_KAFKA}_TOKEN or {_KAFKA}_TOKEN_FILE"
            return Misconfigured(f"{place}: {who} is not let in ({settings.kafka_mechanism}); correct {correct}")
        case UnsupportedSaslMechanismError():
            return Misconfigured(f"{place}: has no {settings.kafka_mechanism}; correct {_KAFKA}_MECHANISM")
        case ConnectionResetError() | KafkaError():
            return Retry(
                f"{place}: hung up; is {_security(settings)} right for it, and does it ask for a certificate "
                f"({_KAFKA}_CERT)?"
            )
        case TimeoutError():
            return Retry(f"{place}: no answer within {TIMEOUT_MS / 1000:g} s")
        case ConnectionError() if error.errno:
            return Retry(f"{place}: {os.strerror(error.errno)}")
        case _:
            return Retry(f"{place}: {getattr(error, 'strerror', None) or error}")


def _security(settings: Settings) -> str:
    return f"{_KAFKA}_SECURITY={settings.kafka_security}"


def lacking_rights(settings: Settings, role: Role) -> str | None:
    """One line that names the rights on Kafka that a role has not; None where it has them all. Blocks.

    Topics that are not there are another matter (`check_topics`). Raises Retry while the broker is away.
    """
    options = {**kafka_python_options(settings), "request_timeout_ms": TIMEOUT_MS}
    needed = grants(settings, role)
    try:
        admin = KafkaAdminClient(bootstrap_servers=settings.kafka, **options)
        try:
            lacking = [*_topics(admin, needed), *_groups(admin, needed)]
        finally:
            admin.close()
    except KafkaPythonError as error:
        raise Retry(f"Kafka, {settings.kafka}: {error}") from error
    if not lacking:
        return None
    who = f"user {settings.kafka_user}" if settings.kafka_user else "this user"
    return f"Kafka: {who} may not {', '.join(lacking)}; what a {role} needs is printed by: millstream topics --acl"


def _topics(admin: Any, needed: list[Grant]) -> list[str]:
    wanted = {grant.name: grant.operations for grant in needed if grant.kind == "topic"}
    try:
        described = {topic["name"]: topic for topic in admin.describe_topics(list(wanted))}
    except ValueError:  # operations of a newer broker, which the client cannot read
        return []
    found = []
    for name, operations in wanted.items():
        topic = described.get(name)
        if topic is None:
            continue
        if topic["error_code"] == _TOPIC_REFUSED:
            found.append(f"{'+'.join(operations)} topic {name}")
        elif not topic["error_code"] and topic["authorized_operations"] is not None:
            missing = [each for each in operations if each not in topic["authorized_operations"]]
            found += [f"{'+'.join(missing)} topic {name}"] if missing else []
    return found


def _groups(admin: Any, needed: list[Grant]) -> list[str]:
    found = []
    for grant in needed:
        if grant.kind != "group" or grant.pattern != "literal":
            continue
        try:
            allowed = admin.describe_groups([grant.name])[grant.name].get("authorized_operations")
        except GroupAuthorizationFailedError:
            allowed = []
        except (KafkaPythonError, ValueError):  # of a broker that has no group yet, or says what the client cannot read
            allowed = None
        missing = [each for each in grant.operations if allowed is not None and each not in allowed]
        found += [f"{'+'.join(missing)} group {grant.name}"] if missing else []
    return found
