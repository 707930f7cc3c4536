"""Settings to the options of each Kafka client, and of the worker's own server."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiokafka.abc import AbstractTokenProvider as AsyncTokenProvider
from kafka.net.sasl.oauth import AbstractTokenProvider
from pydantic import SecretStr

from streams.tls import client_context, server_context

if TYPE_CHECKING:
    from streams.settings import Settings

PREFIX = "MILLSTREAM_"
BOOTSTRAP_TIMEOUT_MS = 4_000
_KAFKA = f"{PREFIX}KAFKA"


class Token:
    """Where the token of OAUTHBEARER comes from."""

    def __init__(self, token: SecretStr | None, file: Path | None) -> None:
        self._token, self._file = token, file

    def read(self) -> str:
        """The token as it is now. Raises OSError, as of a server that is away: it is tried again."""
        text = self._token.get_secret_value() if self._token else ""
        if self._file is not None:
            text = self._file.read_bytes().decode("ascii", "replace").strip()
        if not text or not text.isascii() or not text.isprintable():
            raise OSError(f"{self}: expected a token, one line of printable ASCII")
        return text

    def __str__(self) -> str:
        return f"{_KAFKA}_TOKEN" if self._file is None else f"{_KAFKA}_TOKEN_FILE={self._file}"


class _ForAiokafka(AsyncTokenProvider):  # type: ignore[misc]  # a base class without types
    def __init__(self, token: Token) -> None:
        self._token = token

    async def token(self) -> str:
        return await asyncio.to_thread(self._token.read)


class _ForKafkaPython(AbstractTokenProvider):  # type: ignore[misc]  # a base class without types
    def __init__(self, token: Token) -> None:
        super().__init__()
        self._token = token

    def token(self) -> str:
        return self._token.read()


def faust_credentials(settings: Settings) -> Any:
    """`broker_credentials` of a Faust app; None for a connection in the clear. Raises Misconfigured."""
    import faust

    context = kafka_context(settings)
    if not settings.kafka_security.startswith("SASL"):
        return None if context is None else faust.SSLCredentials(context)
    if settings.kafka_mechanism == "OAUTHBEARER":
        return faust.OAuthCredentials(oauth_cb=_ForAiokafka(token_of(settings)), ssl_context=context)
    return faust.SASLCredentials(
        username=settings.kafka_user,
        password=_plain(settings.kafka_password),
        ssl_context=context,
        mechanism=settings.kafka_mechanism,
    )


def aiokafka_options(settings: Settings) -> dict[str, Any]:
    """Options of AIOKafkaConsumer, AIOKafkaProducer and AIOKafkaAdminClient. Raises Misconfigured."""
    options: dict[str, Any] = {"security_protocol": settings.kafka_security, "ssl_context": kafka_context(settings)}
    return options | _sasl(settings, _ForAiokafka(token_of(settings)))


def kafka_python_options(settings: Settings) -> dict[str, Any]:
    """Options of kafka-python's KafkaAdminClient, KafkaConsumer and KafkaProducer. Raises Misconfigured.

    A broker that does not let us in is given up after `BOOTSTRAP_TIMEOUT_MS`, not after half a minute.
    """
    options: dict[str, Any] = {"security_protocol": settings.kafka_security, "ssl_context": kafka_context(settings)}
    options |= {"bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS}
    return options | _sasl(settings, _ForKafkaPython(token_of(settings)))


def web_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS of the worker's own server, None where it has none. Raises Misconfigured."""
    return _server(f"{PREFIX}METRICS_CERT", settings.metrics_cert, settings.metrics_cert_key)


def board_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS of the web board, None where it has none. Raises Misconfigured."""
    return _server(f"{PREFIX}BOARD_CERT", settings.board_cert, settings.board_cert_key)


def _server(name: str, cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    return None if cert is None or key is None else server_context(name, cert, f"{name}_KEY", key)


def kafka_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS towards Kafka, None for a connection in the clear. Raises Misconfigured."""
    if not settings.kafka_security.endswith("SSL"):
        return None
    files = settings.kafka_ca, settings.kafka_cert, settings.kafka_key
    return client_context(_KAFKA, *files, hostname=settings.kafka_check_hostname)


def token_of(settings: Settings) -> Token:
    """Where the settings have the token of OAUTHBEARER."""
    return Token(settings.kafka_token, settings.kafka_token_file)


def _sasl(settings: Settings, token: Any) -> dict[str, Any]:
    if not settings.kafka_security.startswith("SASL"):
        return {}
    if settings.kafka_mechanism == "OAUTHBEARER":
        return {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": token}
    return {
        "sasl_mechanism": settings.kafka_mechanism,
        "sasl_plain_username": settings.kafka_user,
        "sasl_plain_password": _plain(settings.kafka_password),
    }


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
